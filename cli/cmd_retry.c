/* cmd_retry.c - `wf retry`: what failed or did not run, again; and following it when asked. */
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"

const struct opt cmd_retry_options[] = {
	{ .name = "wait", .help = "return when the run has ended, with its exit code" },
	{ .name = "watch", .help = "the same, with a live view" },
	{ 0 },
};

static int follow(struct client *c, const struct args *args, struct out *out, json_t *run)
{
	struct follow f = { .client = c, .run = field_str(run, "id") };
	struct wf_err err;
	json_t *end = args_has(args, "watch") ? live_watch(c, f.run, out, &err) : follow_run(&f, &err);
	int rc;

	if (!end)
		return out_fail(out, &err);
	if (!args_has(args, "watch"))
		out_show(out, OUT_RUN, end);
	follow_hint(out, end);
	rc = run_exit(end);
	json_decref(end);
	return rc;
}

int cmd_retry(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct client *c;
	json_t *run;
	int rc = 0, wait = args_has(args, "wait"), watch = args_has(args, "watch");

	if ((wait && watch) || (watch && out->mode != OUT_HUMAN)) {
		wf_errf(&err, WF_USAGE, "'--watch' goes with none of '--wait', '--json' and '--quiet'");
		return out_fail(out, &err);
	}
	c = client_open(CLIENT_START, &err);
	run = c ? run_verb(c, args_operand(args, 0), "retry", &err) : NULL;
	if (!run) {
		rc = out_fail(out, &err);
	} else {
		if (!wait && !watch)
			out_show(out, OUT_RUN, run);
		else
			rc = follow(c, args, out, run);
	}
	json_decref(run);
	client_close(c);
	return rc;
}
