/* complete.c - owns the completion script, printed from the table; knows how bash completes, and no command. */
#include <string.h>

#include "cli/cmd.h"

static void options_of(const struct cmd *c, struct wf_buf *b)
{
	for (const struct opt *o = c->options; o && o->name; o++)
		wf_buf_printf(b, "--%s ", o->name);
	for (const struct opt *o = common_options; o->name; o++)
		if (cmd_has_common(c, o))
			wf_buf_printf(b, "--%s ", o->name);
}

/* One case per option with a value: "submit:--executor) words" */
static void values_of(const struct cmd *c, const struct opt *o, struct wf_buf *b)
{
	if (!o->value)
		return;
	wf_buf_printf(b, "\t'%s:--%s'", c->name, o->name);
	if (o->letter)
		wf_buf_printf(b, "|'%s:-%c'", c->name, o->letter);
	wf_buf_str(b, ") ");
	if (strchr(o->value, '|')) {
		wf_buf_str(b, "COMPREPLY=($(compgen -W '");
		for (const char *p = o->value; *p; p++)
			wf_buf_char(b, *p == '|' ? ' ' : *p);
		wf_buf_str(b, "' -- \"$cur\"))");
	} else if (strcmp(o->value, "DIR") == 0) {
		wf_buf_str(b, "COMPREPLY=($(compgen -d -- \"$cur\"))");
	} else {
		wf_buf_str(b, "COMPREPLY=()");
	}
	wf_buf_str(b, "; return ;;\n");
}

void complete_bash(struct wf_buf *b)
{
	const char *last = "";

	wf_buf_str(b, "# bash completion for wf, printed by `wf completion bash` from the table of commands\n"
		      "_wf() {\n"
		      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]}\n"
		      "\tCOMPREPLY=()\n"
		      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		      "\t\tCOMPREPLY=($(compgen -W '");
	for (const struct cmd *c = commands; c->name; c++) {
		size_t n = strcspn(c->name, " ");

		/* "engine start", "engine stop": the first word once */
		if ((c->modes & CMD_HIDDEN) || (strlen(last) == n && strncmp(last, c->name, n) == 0) ||
		    (strncmp(last, c->name, n) == 0 && last[n] == ' '))
			continue;
		wf_buf_printf(b, "%.*s ", (int)n, c->name);
		last = c->name;
	}
	wf_buf_str(b, "' -- \"$cur\"))\n\t\treturn\n\tfi\n");
	wf_buf_str(b, "\tif [ \"$cmd\" = engine ]; then\n"
		      "\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
		      "\t\t\tCOMPREPLY=($(compgen -W '");
	for (const struct cmd *c = commands; c->name; c++)
		if (strncmp(c->name, "engine ", 7) == 0)
			wf_buf_printf(b, "%s ", c->name + 7);
	wf_buf_str(b, "' -- \"$cur\"))\n\t\t\treturn\n\t\tfi\n"
		      "\t\tcmd=\"engine ${COMP_WORDS[2]}\"\n\tfi\n");
	wf_buf_str(b, "\tcase \"$cmd:$prev\" in\n");
	for (const struct cmd *c = commands; c->name; c++) {
		for (const struct opt *o = c->options; o && o->name; o++)
			values_of(c, o, b);
		for (const struct opt *o = common_options; o->name; o++)
			if (cmd_has_common(c, o))
				values_of(c, o, b);
	}
	wf_buf_str(b, "\tesac\n\tcase \"$cmd\" in\n");
	for (const struct cmd *c = commands; c->name; c++) {
		wf_buf_printf(b, "\t'%s') case \"$cur\" in\n\t\t-*) COMPREPLY=($(compgen -W '", c->name);
		options_of(c, b);
		wf_buf_str(b, "' -- \"$cur\")) ;;\n\t\t*) ");
		if (strncmp(c->operands, "RUN", 3) == 0 || strncmp(c->operands, "[RUN", 4) == 0)
			wf_buf_str(b, "COMPREPLY=($(compgen -W \"@last $(wf ls -q 2>/dev/null)\" -- \"$cur\"))");
		else if (strncmp(c->operands, "FILE", 4) == 0)
			wf_buf_str(b, "COMPREPLY=($(compgen -f -- \"$cur\"))");
		else
			wf_buf_str(b, "COMPREPLY=()");
		wf_buf_str(b, " ;;\n\t\tesac ;;\n");
	}
	wf_buf_str(b, "\tesac\n}\ncomplete -o filenames -F _wf wf\n");
}
