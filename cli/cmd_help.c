/* cmd_help.c - `wf help` and what else is printed from tables: exit codes, findings, the version, completion. */
#include <string.h>
#include <strings.h>

#include "cli/cmd.h"
#include "wdf-schema/codes.h"

const struct opt cmd_help_options[] = {
	{ 0 },
};
const struct opt cmd_version_options[] = {
	{ 0 },
};
const struct opt cmd_completion_options[] = {
	{ 0 },
};

static void exit_codes(struct wf_buf *b)
{
	wf_buf_str(b, "What wf returns, and the codes of errors that mean it:\n\n");
	for (int ex = 0; ex < 128; ex++) {
		struct wf_buf names = { 0 };
		const char *phrase = NULL;

		for (int c = 0; c < WF_CODE_COUNT; c++) {
			if (wf_code_exit((enum wf_code)c) != ex)
				continue;
			if (!phrase)
				phrase = wf_code_phrase((enum wf_code)c);
			wf_buf_printf(&names, "%s%s", names.len ? ", " : "", wf_code_name((enum wf_code)c));
		}
		if (phrase)
			wf_buf_printf(b, "%4d  %s (%s)\n", ex, phrase, wf_buf_cstr(&names));
		wf_buf_release(&names);
	}
	wf_buf_str(b, "\n 129  the terminal went away\n"
		      " 130  interrupted with Ctrl-C; a run that was watched or waited for goes on\n"
		      " 141  whoever read the output has left\n"
		      "\nA submitted run returns 0 as soon as it is accepted; with --wait or --watch, as\n"
		      "`wf wait` and `wf watch` do, 0, 1 or 9 by its end.\n");
}

static const struct {
	const char *code, *title, *text;
} findings[] = {
#define X(sym, cd, ti, te) { .code = (cd), .title = (ti), .text = (te) },
	WDF_CODES(X)
#undef X
};

static int errors(const char *code, struct wf_buf *b, struct wf_err *err)
{
	if (!code) {
		wf_buf_str(b, "What may be wrong in a workflow file; `wf help errors CODE` says more:\n\n");
		for (size_t i = 0; i < WF_COUNT(findings); i++)
			wf_buf_printf(b, "  %s  %s\n", findings[i].code, findings[i].title);
		return 0;
	}
	for (size_t i = 0; i < WF_COUNT(findings); i++) {
		if (strcasecmp(findings[i].code, code) != 0)
			continue;
		wf_buf_printf(b, "%s: %s\n\n", findings[i].code, findings[i].title);
		usage_wrap(b, findings[i].text, 0, 0);
		return 0;
	}
	return wf_errf(err, WF_NOT_FOUND, "no finding has the code '%s'; `wf help errors` lists them", code);
}

static int topic(const struct args *args, struct wf_buf *b, struct wf_err *err)
{
	const char *first = args_operand(args, 0);
	int taken;
	const struct cmd *cmd;

	if (!first) {
		usage_overview(b);
		return 0;
	}
	if (strcmp(first, "exit-codes") == 0) {
		exit_codes(b);
		return 0;
	}
	if (strcmp(first, "errors") == 0)
		return errors(args_operand(args, 1), b, err);
	/* `wf help engine` is all of them. */
	if (args->operand_count == 1 && strcmp(first, "engine") == 0) {
		for (const struct cmd *c = commands; c->name; c++) {
			if (strncmp(c->name, "engine ", 7) != 0)
				continue;
			if (b->len)
				wf_buf_char(b, '\n');
			usage_text(c, b);
		}
		return 0;
	}
	cmd = cmd_find((int)args->operand_count, (char **)args->operands, &taken, err);
	if (!cmd)
		return -1;
	usage_text(cmd, b);
	return 0;
}

int cmd_help(const struct args *args, struct out *out)
{
	struct wf_buf b = { 0 };
	struct wf_err err;
	int rc = 0;

	if (topic(args, &b, &err) < 0)
		rc = out_fail(out, &err);
	else
		out_bytes(out, wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	return rc;
}

int cmd_version(const struct args *args, struct out *out)
{
	json_t *doc = json_pack("{s:s}", "version", WF_VERSION);

	(void)args;
	out_show(out, OUT_VERSION, doc);
	json_decref(doc);
	return 0;
}

int cmd_completion(const struct args *args, struct out *out)
{
	struct wf_buf b = { 0 };
	struct wf_err err;

	if (strcmp(args_operand(args, 0), "bash") != 0) {
		wf_errf(&err, WF_USAGE, "no completion for '%s'; there is one for bash", args_operand(args, 0));
		return out_fail(out, &err);
	}
	complete_bash(&b);
	out_bytes(out, wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	return 0;
}
