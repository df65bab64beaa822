/* probe_resp.c - owns the probe `resp`: a command of the Redis protocol and its reply, at the member's endpoint or `at` another address.
 * A reply that is an error is a miss (LOADING, for one), whatever `expect` says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/conn.h"
#include "services/probe_internal.h"
#include "services/resp.h"

struct resp {
	struct conn conn;
	struct probe *probe;
	struct wf_buf reply;
};

static void end(struct resp *r, int passed, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", why);
	conn_close(&r->conn);
	probe_answer(r->probe, passed, "%s", text);
}

static void on_data(struct resp *r)
{
	switch (resp_reply(r->conn.in.data, r->conn.in.len, &r->reply)) {
	case RESP_MORE:
		break;
	case RESP_REPLY:
		conn_close(&r->conn);
		probe_expect(r->probe, wf_buf_cstr(&r->reply), r->reply.len, PROBE_EQUAL);
		break;
	case RESP_ERROR:
		end(r, 0, wf_buf_cstr(&r->reply));
		break;
	case RESP_MALFORMED:
		end(r, 0, "the answer is not of the Redis protocol");
		break;
	}
}

static void on_event(struct conn *c, enum conn_event e)
{
	struct resp *r = c->arg;

	if (e == CONN_DATA)
		on_data(r);
	else if (e == CONN_ENDED)
		end(r, 0, "the connection ended without an answer");
	else if (e == CONN_FAILED)
		end(r, 0, c->error);
}

static int create(struct probe *p, struct wf_err *err)
{
	struct resp *r = wf_xcalloc(1, sizeof(*r));

	(void)err;
	r->conn.loop = p->ctx->loop;
	r->conn.on_event = on_event;
	r->conn.arg = r;
	r->probe = p;
	p->impl = r;
	return 0;
}

static void start(struct probe *p)
{
	struct resp *r = p->impl;
	const char *at = json_string_value(json_object_get(p->json, "at"));
	const char *path = NULL, *address = at;
	char *host = NULL, *port = NULL;

	if (at && at[0] == '/') {
		path = at;
	} else if (!at) {
		path = json_string_value(json_object_get(p->ctx->endpoint, "unix"));
		address = json_string_value(json_object_get(p->ctx->endpoint, "tcp"));
	}
	if (!path && (!address || conn_split(address, &host, &port) < 0)) {
		probe_answer(p, 0, "the service has no endpoint 'unix' or 'tcp' to ask; say where with 'at'");
		return;
	}
	resp_command(&r->conn.out, json_object_get(p->json, "resp"));
	conn_open(&r->conn, path, host, port);
	free(host);
	free(port);
}

static void stop(struct probe *p)
{
	struct resp *r = p->impl;

	conn_close(&r->conn);
}

static void destroy(struct probe *p)
{
	struct resp *r = p->impl;

	if (!r)
		return;
	conn_close(&r->conn);
	wf_buf_release(&r->reply);
	free(r);
}

const struct probe_kind probe_resp = {
	.name = "resp",
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
};
