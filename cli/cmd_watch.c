/* cmd_watch.c - `wf watch`: the live view of a run, and its exit code. */
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"

const struct opt cmd_watch_options[] = {
	{ 0 },
};

int cmd_watch(const struct args *args, struct out *out)
{
	const char *run = args_operand(args, 0) ? args_operand(args, 0) : "@last";
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	json_t *end = c ? live_watch(c, run, out, &err) : NULL;
	int rc;

	client_close(c);
	if (!end)
		return out_fail(out, &err);
	follow_hint(out, end);
	rc = run_exit(end);
	json_decref(end);
	return rc;
}
