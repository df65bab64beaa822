/* cmd_explain.c - `wf explain`: why a task is in its state; the engine knows, we print. */
#include "cli/client.h"
#include "cli/cmd.h"

const struct opt cmd_explain_options[] = {
	{ 0 },
};

int cmd_explain(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = client_open(CLIENT_START, &err);
	json_t *why = NULL;

	if (c) {
		url_path(&url, "runs", args_operand(args, 0), "tasks", args_operand(args, 1), "why", NULL);
		why = client_get(c, &url, &err);
	}
	if (why)
		out_show(out, OUT_WHY, why);
	wf_buf_release(&url);
	client_close(c);
	if (!why)
		return out_fail(out, &err);
	json_decref(why);
	return 0;
}
