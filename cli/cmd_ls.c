/* cmd_ls.c - `wf ls`: runs, newest first. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/runs.h"

const struct opt cmd_ls_options[] = {
	{ .name = "state", .value = "STATE", .help = "only runs in this state" },
	{ .name = "name", .value = "NAME", .help = "only runs of this name" },
	{ .letter = 'n', .name = "limit", .value = "N", .help = "at most so many; 20 for people, otherwise all" },
	{ 0 },
};

int cmd_ls(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = NULL;
	int64_t limit;
	int rc;

	if (args_number(args, "limit", 1, INT64_MAX / 2, out->mode == OUT_HUMAN ? 20 : 0, &limit, &err) < 0 ||
	    !(c = client_open(CLIENT_START, &err)))
		return out_fail(out, &err);
	url_path(&url, "runs", NULL);
	url_query(&url, "state", args_get(args, "state"));
	url_query(&url, "name", args_get(args, "name"));
	rc = list_pages(c, out, OUT_RUNS, &url, limit);
	if (rc == 0 && !out->listed && out->mode == OUT_HUMAN)
		out_say(out, "no runs");
	wf_buf_release(&url);
	client_close(c);
	return rc;
}
