/* cmd_config.c - `wf config`: the engine's settings and where each comes from. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/runs.h"

const struct opt cmd_config_options[] = {
	{ 0 },
};

int cmd_config(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = client_open(CLIENT_START, &err);
	int rc;

	(void)args;
	if (!c)
		return out_fail(out, &err);
	url_path(&url, "config", NULL);
	rc = list_pages(c, out, OUT_CONFIG, &url, 0);
	wf_buf_release(&url);
	client_close(c);
	return rc;
}
