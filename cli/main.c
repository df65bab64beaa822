/* main.c - finds the command, parses its options, runs it, and makes sure that what it printed arrived. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "engine/base/buf.h"

/* A descriptor missing from 0, 1, 2 would be taken by the first file we open, and be written over. */
static int hold_standard_streams(void)
{
	int out_open = fcntl(STDOUT_FILENO, F_GETFD) >= 0, fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return out_open;
}

/* `--color WHEN` may stand before the command too. */
static int leading_color(int argc, char **argv, const char **color)
{
	if (argc > 2 && strcmp(argv[1], "--color") == 0) {
		*color = argv[2];
		return 2;
	}
	if (argc > 1 && strncmp(argv[1], "--color=", 8) == 0) {
		*color = argv[1] + 8;
		return 1;
	}
	return 0;
}

/* The words that ask for help or the version wherever people expect them. */
static int is_plea(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int show_help(struct out *out, const struct cmd *cmd)
{
	struct wf_buf b = { 0 };

	usage_text(cmd, &b);
	out_text(out, "%s", wf_buf_cstr(&b));
	wf_buf_release(&b);
	return 0;
}

int main(int argc, char **argv)
{
	struct wf_err err;
	struct out out;
	struct args args;
	const struct cmd *cmd;
	const char *color = NULL;
	static char help[] = "help", version[] = "version";
	int out_open = hold_standard_streams(), taken, rc, skip;

	setlocale(LC_ALL, "");
	out_init(&out);
	if (!out_open) {
		wf_errf(&err, WF_RESOURCE, "standard output is closed; use '> /dev/null' to throw away what is printed");
		return out_fail(&out, &err);
	}
	skip = leading_color(argc, argv, &color);
	argv += skip + 1;
	argc -= skip + 1;
	if (argc == 0) {
		struct wf_buf b = { 0 };

		usage_overview(&b);
		fputs(wf_buf_cstr(&b), stderr);
		wf_buf_release(&b);
		return wf_code_exit(WF_USAGE);
	}
	if (is_plea(argv[0], "--help", "-h"))
		argv[0] = help;
	else if (is_plea(argv[0], "--version", "-V"))
		argv[0] = version;
	cmd = cmd_find(argc, argv, &taken, &err);
	if (!cmd)
		return out_fail(&out, &err);
	if (args_parse(&args, cmd, argc - taken + 1, argv + taken - 1, &err) < 0)
		return out_fail(&out, &err);
	if (args_has(&args, "color"))
		color = args_get(&args, "color");
	if (color && out_color(&out, color, &err) < 0) {
		rc = out_fail(&out, &err);
	} else if (args_has(&args, "help")) {
		rc = show_help(&out, cmd);
	} else {
		out.mode = (cmd->modes & CMD_JSON) && args_has(&args, "json")    ? OUT_JSON :
			   (cmd->modes & CMD_QUIET) && args_has(&args, "quiet") ? OUT_QUIET :
										  OUT_HUMAN;
		rc = cmd->run(&args, &out);
	}
	args_release(&args);
	return out_close(&out, rc);
}
