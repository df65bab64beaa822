/* output.c - owns the two streams, errors and the end of output; how things look is known by the three modes. */
#include "cli/output.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static const struct out_ops *ops_of(const struct out *out)
{
	switch (out->mode) {
	case OUT_JSON:
		return &out_json;
	case OUT_QUIET:
		return &out_quiet;
	default:
		return &out_human;
	}
}

void out_init(struct out *out)
{
	memset(out, 0, sizeof(*out));
	term_init(&out->screen, STDOUT_FILENO);
	term_init(&out->talk, STDERR_FILENO);
}

int out_color(struct out *out, const char *when, struct wf_err *err)
{
	if (strcmp(when, "always") == 0)
		out->screen.color = out->talk.color = 1;
	else if (strcmp(when, "never") == 0)
		out->screen.color = out->talk.color = 0;
	else if (strcmp(when, "auto") != 0)
		return wf_errf(err, WF_USAGE, "'--color' must be one of auto, always, never, not '%s'", when);
	return 0;
}

int out_close(struct out *out, int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	/* Whoever started us may ignore SIGPIPE; the answer is the one that the signal would have given. */
	if (errno == EPIPE)
		return 128 + SIGPIPE;
	out_say(out, "cannot write to standard output: %s", strerror(errno));
	return wf_code_exit(WF_RESOURCE);
}

void out_show(struct out *out, enum out_kind kind, json_t *doc)
{
	ops_of(out)->show(out, kind, doc);
}

void out_list_begin(struct out *out, enum out_kind kind)
{
	out->listing = kind;
	out->listed = 0;
	ops_of(out)->list_begin(out);
}

void out_list_page(struct out *out, json_t *items)
{
	ops_of(out)->list_page(out, items);
	out->listed += json_array_size(items);
}

void out_list_end(struct out *out, const char *next)
{
	ops_of(out)->list_end(out, next);
}

void out_stream(struct out *out, enum out_kind kind, json_t *item)
{
	ops_of(out)->stream(out, kind, item);
	fflush(stdout);
}

void out_text(struct out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->mode != OUT_HUMAN)
		return;
	va_start(ap, fmt);
	vfprintf(stdout, fmt, ap);
	va_end(ap);
}

void out_bytes(struct out *out, const void *p, size_t n)
{
	(void)out;
	fwrite(p, 1, n, stdout);
}

void out_say(struct out *out, const char *fmt, ...)
{
	struct wf_buf text = { 0 }, clean = { 0 };
	va_list ap;

	(void)out;
	va_start(ap, fmt);
	text.cap = 2048;
	text.data = wf_xmalloc(text.cap);
	vsnprintf(text.data, text.cap, fmt, ap);
	va_end(ap);
	text_visible(&clean, text.data);
	/* What was printed before came before: two streams, one order. */
	fflush(stdout);
	fprintf(stderr, "wf: %s\n", wf_buf_cstr(&clean));
	wf_buf_release(&text);
	wf_buf_release(&clean);
}

int out_fail(struct out *out, const struct wf_err *err)
{
	out_say(out, "%s", err->text);
	return wf_code_exit(err->code);
}
