/* cmd_resolve.c - `wf resolve`: what a person found out about a held task. */
#include <string.h>

#include "cli/client.h"
#include "cli/cmd.h"

const struct opt cmd_resolve_options[] = {
	{ .name = "as", .value = "succeeded|failed|rerun", .help = "what is to be taken for true, or that it is to run again" },
	{ 0 },
};

int cmd_resolve(const struct args *args, struct out *out)
{
	const char *as = args_get(args, "as");
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = NULL;
	json_t *body, *task = NULL;

	if (!as) {
		wf_errf(&err, WF_USAGE, "'wf resolve' needs --as succeeded, failed or rerun");
		return out_fail(out, &err);
	}
	body = json_pack("{s:s}", "as", as);
	c = client_open(CLIENT_START, &err);
	if (c) {
		url_path(&url, "runs", args_operand(args, 0), "tasks", args_operand(args, 1), NULL);
		url_verb(&url, "resolve");
		task = client_post(c, &url, body, 0, &err);
	}
	if (task && out->mode == OUT_HUMAN)
		out_text(out, "%s is taken as %s\n", args_operand(args, 1),
			 strcmp(as, "rerun") == 0 ? "not run, and runs again" : as);
	else if (task)
		out_show(out, OUT_TASK, task);
	wf_buf_release(&url);
	json_decref(body);
	client_close(c);
	if (!task)
		return out_fail(out, &err);
	json_decref(task);
	return 0;
}
