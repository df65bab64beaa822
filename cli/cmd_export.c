/* cmd_export.c - `wf export`: what a run did, in the format of another program. */
#include <string.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/record.h"
#include "engine/base/os.h"

const struct opt cmd_export_options[] = {
	{ .name = "format", .value = "wfformat|chrome-trace", .help = "what to print; wfformat when not given" },
	{ .letter = 'o', .name = "output", .value = "FILE", .help = "write it there; standard output when not given" },
	{ 0 },
};

int cmd_export(const struct args *args, struct out *out)
{
	const char *format = args_get(args, "format"), *to = args_get(args, "output");
	struct wf_buf text = { 0 };
	struct record r = { 0 };
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	int rc = 0;

	if (!c || record_read(&r, c, args_operand(args, 0), &err) < 0) {
		rc = out_fail(out, &err);
	} else {
		if (format && strcmp(format, "chrome-trace") == 0)
			export_chrome_trace(&r, &text);
		else
			export_wfformat(&r, &text);
		if (!to)
			out_bytes(out, text.data, text.len);
		else if (wf_file_replace(wf_os_posix(), to, text.data, text.len, 0666, &err) < 0)
			rc = out_fail(out, &err);
	}
	record_release(&r);
	wf_buf_release(&text);
	client_close(c);
	return rc;
}
