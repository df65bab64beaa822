/* cmd_tasks.c - `wf tasks`: the tasks of a run. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/runs.h"

const struct opt cmd_tasks_options[] = {
	{ .name = "step", .value = "STEP", .help = "only tasks of this step" },
	{ .name = "state", .value = "STATE", .help = "only tasks in this state" },
	{ .name = "class", .value = "CLASS", .help = "only tasks whose last attempt ended so: exit, signal, timeout..." },
	{ .name = "failed", .help = "the same as --state failed" },
	{ .letter = 'n', .name = "limit", .value = "N", .help = "at most so many; 1000 for people, otherwise all" },
	{ 0 },
};

int cmd_tasks(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = NULL;
	int64_t limit;
	int rc;

	if (args_has(args, "failed") && args_has(args, "state")) {
		wf_errf(&err, WF_USAGE, "'--failed' and '--state' exclude each other");
		return out_fail(out, &err);
	}
	if (args_number(args, "limit", 1, INT64_MAX / 2, out->mode == OUT_HUMAN ? 1000 : 0, &limit, &err) < 0 ||
	    !(c = client_open(CLIENT_START, &err)))
		return out_fail(out, &err);
	url_path(&url, "runs", args_operand(args, 0), "tasks", NULL);
	url_query(&url, "step", args_get(args, "step"));
	url_query(&url, "state", args_has(args, "failed") ? "failed" : args_get(args, "state"));
	url_query(&url, "class", args_get(args, "class"));
	rc = list_pages(c, out, OUT_TASKS, &url, limit);
	if (rc == 0 && !out->listed && out->mode == OUT_HUMAN)
		out_say(out, "no such tasks");
	wf_buf_release(&url);
	client_close(c);
	return rc;
}
