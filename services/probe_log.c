/* probe_log.c - owns the probe `log`: a line of the member's output since this start matches an extended regular expression. Reads on from
 * where it stopped, so a large log is read once; a half line waits for its end. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/probe_internal.h"

enum { CHUNK = 65536, LINE_MAX_BYTES = 1 << 20 };

struct log {
	regex_t regex;
	int compiled;
	off_t start;                   /* the log_from that `at` belongs to */
	off_t at;                      /* read up to here */
	struct wf_buf rest;            /* the beginning of a line */
	int matched;
};

static int create(struct probe *p, struct wf_err *err)
{
	struct log *l = wf_xcalloc(1, sizeof(*l));
	char why[128];
	int rc;

	p->impl = l;
	l->start = -1;
	if (!probe_value(p))
		return wf_errf(err, WF_INVALID, "a regular expression is expected");
	rc = regcomp(&l->regex, probe_value(p), REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &l->regex, why, sizeof(why));
		return wf_errf(err, WF_INVALID, "not a regular expression: %s", why);
	}
	l->compiled = 1;
	return 0;
}

static void scan(struct log *l)
{
	char *start = l->rest.data, *end = l->rest.data + l->rest.len, *newline;

	while (start < end && (newline = memchr(start, '\n', (size_t)(end - start)))) {
		*newline = '\0';
		if (regexec(&l->regex, start, 0, NULL, 0) == 0)
			l->matched = 1;
		start = newline + 1;
	}
	/* A line without end is not kept for ever. */
	if (end - start > LINE_MAX_BYTES)
		start = end;
	memmove(l->rest.data, start, (size_t)(end - start));
	l->rest.len = (size_t)(end - start);
}

static void start(struct probe *p)
{
	struct log *l = p->impl;
	ssize_t n;

	if (p->ctx->log_fd < 0) {
		probe_answer(p, 0, "the member's output is not a file that can be read");
		return;
	}
	if (l->start != p->ctx->log_from) {
		l->start = l->at = p->ctx->log_from;
		l->matched = 0;
		wf_buf_clear(&l->rest);
	}
	while (!l->matched && (n = pread(p->ctx->log_fd, wf_buf_room(&l->rest, CHUNK), CHUNK, l->at)) > 0) {
		l->at += n;
		l->rest.len += (size_t)n;
		scan(l);
	}
	probe_answer(p, l->matched, "%s", l->matched ? "found" : "no such line yet");
}

static void stop(struct probe *p)
{
	(void)p;
}

static void destroy(struct probe *p)
{
	struct log *l = p->impl;

	if (!l)
		return;
	if (l->compiled)
		regfree(&l->regex);
	wf_buf_release(&l->rest);
	free(l);
}

const struct probe_kind probe_log = {
	.name = "log",
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
};
