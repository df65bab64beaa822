/* cmd_cancel.c - `wf cancel`: ask the engine to end runs. */
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"
#include "cli/show.h"

const struct opt cmd_cancel_options[] = {
	{ .name = "dry-run", .help = "say which runs would be canceled" },
	{ 0 },
};

static int would(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	int rc = c ? 0 : out_fail(out, &err);

	for (size_t i = 0; c && i < args->operand_count; i++) {
		json_t *run = run_get(c, args->operands[i], NULL, &err);
		struct wf_buf b = { 0 };

		if (!run) {
			rc = out_fail(out, &err);
			continue;
		}
		run_sentence(run, &b);
		out_say(out, "%s %s", run_is_ended(run) ? "has ended already:" : "would cancel", wf_buf_cstr(&b));
		wf_buf_release(&b);
		json_decref(run);
	}
	client_close(c);
	return rc;
}

int cmd_cancel(const struct args *args, struct out *out)
{
	return args_has(args, "dry-run") ? would(args, out) : runs_apply(args, out, "cancel");
}
