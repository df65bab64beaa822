/* cmd_import.c - `wf import`: a trace of another system becomes a workflow file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "engine/base/os.h"
#include "wdf-schema/wfformat.h"

const struct opt cmd_import_options[] = {
	{ .letter = 'o', .name = "output", .value = "FILE", .help = "write the workflow there; standard output when not given" },
	{ .name = "time-scale", .value = "F", .help = "multiply runtimes (0.01); 0: tasks take no time" },
	{ .name = "size-scale", .value = "F", .help = "multiply sizes of files (0.001); 0: no files" },
	{ .name = "burn", .help = "tasks compute instead of sleeping, on each of their cores" },
	{ 0 },
};

static int scale(const struct args *args, const char *name, double *out, struct wf_err *err)
{
	const char *text = args_get(args, name);
	char *end;

	*out = text ? strtod(text, &end) : 1;
	if (text && (end == text || *end || !isfinite(*out) || *out < 0 || *out > 1e6))
		return wf_errf(err, WF_USAGE, "'--%s' needs a number from 0 to 1000000, not '%s'", name, text);
	return 0;
}

int cmd_import(const struct args *args, struct out *out)
{
	const char *format = args_operand(args, 0), *path = args_operand(args, 1), *to = args_get(args, "output");
	struct wfformat_options o = { .burn = args_has(args, "burn") };
	struct wf_buf trace = { 0 }, text = { 0 };
	struct wf_err err;
	int rc = 0;

	if (strcmp(format, "wfformat") != 0) {
		wf_errf(&err, WF_USAGE, "no format '%s' to import; there is wfformat", format);
		return out_fail(out, &err);
	}
	if (scale(args, "time-scale", &o.time_scale, &err) < 0 || scale(args, "size-scale", &o.size_scale, &err) < 0 ||
	    wf_file_read(wf_os_posix(), path, WFFORMAT_MAX_BYTES, &trace, &err) < 0 ||
	    wfformat_import(wf_buf_cstr(&trace), trace.len, path, &o, &text, &err) < 0 ||
	    (to && wf_file_replace(wf_os_posix(), to, text.data, text.len, 0666, &err) < 0))
		rc = out_fail(out, &err);
	else if (!to)
		out_bytes(out, text.data, text.len);
	wf_buf_release(&trace);
	wf_buf_release(&text);
	return rc;
}
