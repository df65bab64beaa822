/* cmd_show.c - `wf show`: one task with its attempts. */
#include "cli/client.h"
#include "cli/cmd.h"

const struct opt cmd_show_options[] = {
	{ 0 },
};

int cmd_show(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = client_open(CLIENT_START, &err);
	json_t *task = NULL;

	if (c) {
		url_path(&url, "runs", args_operand(args, 0), "tasks", args_operand(args, 1), NULL);
		task = client_get(c, &url, &err);
	}
	if (task)
		out_show(out, OUT_TASK, task);
	wf_buf_release(&url);
	client_close(c);
	if (!task)
		return out_fail(out, &err);
	json_decref(task);
	return 0;
}
