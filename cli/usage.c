/* usage.c - owns help: what the table says, laid out in 80 columns; knows no command. */
#include <string.h>

#include "cli/cmd.h"

enum { WIDTH = 78, OPTION_COLUMN = 26 };

void usage_wrap(struct wf_buf *b, const char *text, size_t at, size_t indent)
{
	while (*text) {
		size_t n = strcspn(text, " \n");

		if (at > indent && at + 1 + n > WIDTH) {
			wf_buf_printf(b, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			wf_buf_char(b, ' ');
			at++;
		}
		wf_buf_add(b, text, n);
		at += n;
		text += n;
		if (*text == '\n') {
			wf_buf_printf(b, "\n%*s", (int)indent, "");
			at = indent;
			text++;
		}
		while (*text == ' ')
			text++;
	}
	wf_buf_char(b, '\n');
}

void usage_line(const struct cmd *cmd, struct wf_buf *b)
{
	wf_buf_printf(b, "wf %s%s%s [options]", cmd->name, *cmd->operands ? " " : "", cmd->operands);
}

static void option(struct wf_buf *b, const struct opt *o)
{
	size_t start = b->len, n;

	if (o->letter)
		wf_buf_printf(b, "  -%c, --%s", o->letter, o->name);
	else
		wf_buf_printf(b, "      --%s", o->name);
	if (o->value)
		wf_buf_printf(b, " %s", o->value);
	n = b->len - start;
	if (n + 2 > OPTION_COLUMN) {
		wf_buf_char(b, '\n');
		n = 0;
	}
	wf_buf_printf(b, "%*s", (int)(OPTION_COLUMN - n), "");
	usage_wrap(b, o->help, OPTION_COLUMN, OPTION_COLUMN);
}

void usage_text(const struct cmd *cmd, struct wf_buf *b)
{
	wf_buf_str(b, "usage: ");
	usage_line(cmd, b);
	wf_buf_str(b, "\n\n");
	usage_wrap(b, cmd->about, 0, 0);
	wf_buf_str(b, "\noptions:\n");
	for (const struct opt *o = cmd->options; o && o->name; o++)
		option(b, o);
	for (const struct opt *o = common_options; o->name; o++)
		if (cmd_has_common(cmd, o))
			option(b, o);
}

void usage_overview(struct wf_buf *b)
{
	const char *group = "";

	wf_buf_str(b, "usage: wf COMMAND [operands] [options]\n\n"
		      "Runs workflows, together with the services that they need, and remembers.\n");
	for (const struct cmd *c = commands; c->name; c++) {
		size_t start;

		if (c->modes & CMD_HIDDEN)
			continue;
		if (strcmp(group, c->group) != 0)
			wf_buf_printf(b, "\n%s\n", c->group);
		group = c->group;
		start = b->len;
		wf_buf_printf(b, "  %s%s%s", c->name, *c->operands ? " " : "", c->operands);
		wf_buf_printf(b, "%*s", (int)(b->len - start < OPTION_COLUMN ? OPTION_COLUMN - (b->len - start) : 1),
			      "");
		usage_wrap(b, c->summary, b->len - start, OPTION_COLUMN);
	}
	wf_buf_str(b, "\nRUN is a run's id, any unique end of one, @last, or a run's name. TASK is a\n"
		      "step's name, or step[index] when the step fans out. `wf help COMMAND` says more,\n"
		      "`wf help exit-codes` what wf returns, `wf help errors` what is wrong in a file.\n");
}
