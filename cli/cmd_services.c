/* cmd_services.c - `wf services`: services of a run, or of all. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/runs.h"

const struct opt cmd_services_options[] = {
	{ 0 },
};

int cmd_services(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = client_open(CLIENT_START, &err);
	int rc;

	if (!c)
		return out_fail(out, &err);
	if (args_operand(args, 0))
		url_path(&url, "runs", args_operand(args, 0), "services", NULL);
	else
		url_path(&url, "services", NULL);
	rc = list_pages(c, out, OUT_SERVICES, &url, 0);
	if (rc == 0 && !out->listed && out->mode == OUT_HUMAN)
		out_say(out, "no services");
	wf_buf_release(&url);
	client_close(c);
	return rc;
}
