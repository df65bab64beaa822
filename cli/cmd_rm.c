/* cmd_rm.c - `wf rm`: forget ended runs. */
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"

const struct opt cmd_rm_options[] = {
	{ .name = "dry-run", .help = "say which runs would be removed" },
	{ 0 },
};

/* The id first: a name given twice would otherwise remove two runs. */
static int remove_run(struct client *c, struct out *out, const char *name, int dry, struct wf_err *err)
{
	json_t *run = run_get(c, name, NULL, err);
	struct wf_buf url = { 0 };
	int rc = 0;

	if (!run)
		return -1;
	url_path(&url, "runs", field_str(run, "id"), NULL);
	if (!dry)
		rc = client_delete(c, &url, err);
	wf_buf_release(&url);
	if (rc == 0 && out->mode == OUT_QUIET)
		out_show(out, OUT_RUN, run);
	else if (rc == 0)
		out_text(out, "%s %s (%s)\n", dry ? "would remove" : "removed", field_str(run, "name"), field_str(run, "id"));
	json_decref(run);
	return rc;
}

int cmd_rm(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	int rc = 0;

	if (!c)
		return out_fail(out, &err);
	for (size_t i = 0; i < args->operand_count; i++)
		if (remove_run(c, out, args->operands[i], args_has(args, "dry-run"), &err) < 0)
			rc = out_fail(out, &err);
	client_close(c);
	return rc;
}
