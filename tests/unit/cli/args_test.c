/* args_test.c - options and operands against a table of its own. */
#include <string.h>

#include "cli/cmd.h"
#include "tests/tap/tap.h"

static const struct opt options[] = {
	{ .letter = 'p', .name = "param", .value = "K=V", .help = "h", .many = 1 },
	{ .name = "name", .value = "NAME", .help = "h" },
	{ .name = "format", .value = "dot|mermaid|json", .help = "h" },
	{ .letter = 'n', .name = "limit", .value = "N", .help = "h" },
	{ .letter = 'f', .name = "follow", .help = "h" },
	{ 0 },
};
static const struct cmd cmd = { .name = "try", .operands = "RUN [TASK]", .options = options, .modes = CMD_QUIET };
static const struct cmd many = { .name = "many", .operands = "RUN...", .options = options };

static struct args args;
static struct wf_err err;

/* The words of a line, split at blanks. */
static int parse(const struct cmd *c, const char *line)
{
	static char text[256], *argv[32];
	char *save = NULL;
	int argc = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	memset(&err, 0, sizeof(err));
	args_release(&args);
	return args_parse(&args, c, argc, argv, &err);
}

static void refused(const struct cmd *c, const char *line, const char *text)
{
	is_int(parse(c, line), -1, "'%s' is refused", line);
	is_int(err.code, WF_USAGE, "as wrong usage");
	has_str(err.text, text, "and says why");
}

static void options_are_read(void)
{
	is_int(parse(&cmd, "try r -p a=1 --param=b=2 -pc=3 t --name x -fn 5"), 0, "letters, long forms, joined, after operands");
	is_str(args_operand(&args, 0), "r", "operand 0");
	is_str(args_operand(&args, 1), "t", "operand 1");
	ok(!args_operand(&args, 2), "no operand 2");
	is_str(args_nth(&args, "param", 0), "a=1", "repeated 0");
	is_str(args_nth(&args, "param", 1), "b=2", "repeated 1");
	is_str(args_nth(&args, "param", 2), "c=3", "repeated 2");
	ok(!args_nth(&args, "param", 3), "and no more");
	is_str(args_get(&args, "name"), "x", "a value");
	ok(args_has(&args, "follow"), "a flag");
	ok(!args_has(&args, "quiet") && !args_get(&args, "format"), "what was not given");
	is_int(parse(&cmd, "try -- -r --name"), 0, "after -- all are operands");
	is_str(args_operand(&args, 1), "--name", "even those that look like options");
	is_int(parse(&cmd, "try r -f -f"), 0, "a flag may be repeated");
	is_int(parse(&cmd, "try --help"), 0, "asking for help needs no operands");
}

static void numbers_are_bounded(void)
{
	int64_t v;

	parse(&cmd, "try r -n 5");
	is_int(args_number(&args, "limit", 1, 10, 7, &v, &err), 0, "a number");
	is_int(v, 5, "is read");
	parse(&cmd, "try r");
	args_number(&args, "limit", 1, 10, 7, &v, &err);
	is_int(v, 7, "the default when not given");
	for (size_t i = 0; i < 6; i++) {
		static const char *const bad[] = { "0", "11", "x", "5x", "-1", "99999999999999999999" };
		char line[64];

		snprintf(line, sizeof(line), "try r --limit=%s", bad[i]);
		parse(&cmd, line);
		is_int(args_number(&args, "limit", 1, 10, 7, &v, &err), -1, "'%s' is no number from 1 to 10", bad[i]);
	}
}

int main(void)
{
	options_are_read();
	numbers_are_bounded();
	refused(&cmd, "try r --nmae x", "did you mean '--name'?");
	refused(&cmd, "try r --nmae=x", "did you mean '--name'?");
	refused(&cmd, "try r -z", "unknown option '-z'");
	refused(&cmd, "try r -fz", "unknown option '-z'");
	refused(&cmd, "try r --name", "needs a value: NAME");
	refused(&cmd, "try r -p", "'--param' needs a value: K=V");
	refused(&cmd, "try r --follow=1", "takes no value");
	refused(&cmd, "try r --name a --name b", "given twice");
	refused(&cmd, "try r --format dto", "did you mean 'dot'?");
	refused(&cmd, "try r --format do", "must be one of dot|mermaid|json");
	refused(&cmd, "try r --json", "unknown option '--json'");
	refused(&cmd, "try", "needs RUN [TASK]");
	refused(&cmd, "try a b c", "'c' is one too many");
	refused(&many, "many", "needs RUN...");
	refused(&many, "many r -q", "unknown option '-q'");
	is_int(parse(&many, "many a b c d"), 0, "as many as wanted");
	args_release(&args);
	return done_testing();
}
