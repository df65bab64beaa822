/* probe_http.c - owns the probe `http`: GET of an http:// URL, by hand, because a probe needs no more than a status and some body. Asked
 * with HTTP/1.0, so a server sends neither chunks nor a second answer. Without `expect` any 2xx passes; an integer is the
 * status; a text is to be found in the body; with `path` the body is JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/conn.h"
#include "services/probe_internal.h"

struct http {
	struct conn conn;
	struct probe *probe;
	char *host, *port, *authority, *path;
};

static void end(struct http *h, int passed, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", why);
	conn_close(&h->conn);
	probe_answer(h->probe, passed, "%s", text);
}

/* Body after the head, or NULL when the head is not whole. */
static const char *body_of(const struct wf_buf *in)
{
	const char *p = in->len ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;

	return p ? p + 4 : NULL;
}

/* Content-Length, or -1. */
static long length_of(const struct wf_buf *in, const char *body)
{
	const char *p = in->data;

	while (p < body) {
		const char *line_end = memmem(p, (size_t)(body - p), "\r\n", 2);

		if (line_end && strncasecmp(p, "content-length:", 15) == 0)
			return strtol(p + 15, NULL, 10);
		p = line_end ? line_end + 2 : body;
	}
	return -1;
}

static void judge(struct http *h)
{
	json_t *expect = json_object_get(h->probe->json, "expect");
	struct wf_buf in = h->conn.in;
	const char *body = body_of(&in);
	int status = 0;

	if (!body || in.len < 12 || strncmp(in.data, "HTTP/1.", 7) != 0 || sscanf(in.data + 8, " %3d", &status) != 1) {
		end(h, 0, "the answer is not of the HTTP protocol");
		return;
	}
	/* The answer is looked at after the connection is gone. */
	memset(&h->conn.in, 0, sizeof(h->conn.in));
	conn_close(&h->conn);
	if (json_is_integer(expect) && !json_object_get(h->probe->json, "path"))
		probe_answer(h->probe, status == json_integer_value(expect), "status %d, expected %lld", status,
			     (long long)json_integer_value(expect));
	else if (status < 200 || status > 299)
		probe_answer(h->probe, 0, "status %d", status);
	else if (json_object_get(h->probe->json, "path"))
		probe_expect_json(h->probe, body, in.len - (size_t)(body - in.data));
	else if (expect)
		probe_expect(h->probe, body, in.len - (size_t)(body - in.data), PROBE_CONTAINED);
	else
		probe_answer(h->probe, 1, "status %d", status);
	wf_buf_release(&in);
}

static void on_event(struct conn *c, enum conn_event e)
{
	struct http *h = c->arg;
	const char *body;
	long length;

	if (e == CONN_DATA) {
		body = body_of(&c->in);
		length = body ? length_of(&c->in, body) : -1;
		if (length >= 0 && c->in.len - (size_t)(body - c->in.data) >= (size_t)length)
			judge(h);
	} else if (e == CONN_ENDED) {
		judge(h);
	} else if (e == CONN_FAILED) {
		end(h, 0, c->error);
	}
}

static int split_url(struct http *h, const char *url, struct wf_err *err)
{
	const char *authority, *slash;
	char *with_port;
	int rc;

	if (!url || strncmp(url, "http://", 7) != 0)
		return wf_errf(err, WF_INVALID, "a URL that begins with http:// is expected");
	authority = url + 7;
	slash = authority + strcspn(authority, "/?#");
	h->authority = wf_xstrndup(authority, (size_t)(slash - authority));
	h->path = *slash == '/' ? wf_xstrdup(slash) : wf_xasprintf("/%s", slash);
	if (strpbrk(url, " \r\n") || strchr(h->authority, '@'))
		return wf_errf(err, WF_INVALID, "blanks and user names are not part of a probe's URL");
	with_port = wf_xasprintf("%s%s", h->authority, strrchr(h->authority, ':') > strrchr(h->authority, ']') ? "" : ":80");
	rc = conn_split(with_port, &h->host, &h->port);
	free(with_port);
	return rc < 0 ? wf_errf(err, WF_INVALID, "'%s' is no host and port", h->authority) : 0;
}

static int create(struct probe *p, struct wf_err *err)
{
	struct http *h = wf_xcalloc(1, sizeof(*h));

	h->conn.loop = p->ctx->loop;
	h->conn.on_event = on_event;
	h->conn.arg = h;
	h->probe = p;
	p->impl = h;
	return split_url(h, probe_value(p), err);
}

static void start(struct probe *p)
{
	struct http *h = p->impl;

	wf_buf_printf(&h->conn.out, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: wf-service\r\nAccept: */*\r\n\r\n", h->path,
		      h->authority);
	conn_open(&h->conn, NULL, h->host, h->port);
}

static void stop(struct probe *p)
{
	struct http *h = p->impl;

	conn_close(&h->conn);
}

static void destroy(struct probe *p)
{
	struct http *h = p->impl;

	if (!h)
		return;
	conn_close(&h->conn);
	free(h->host);
	free(h->port);
	free(h->authority);
	free(h->path);
	free(h);
}

const struct probe_kind probe_http = {
	.name = "http",
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
};
