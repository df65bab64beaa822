/* probe_net.c - owns the probes `tcp` and `unix`: somebody accepts connections. That proves a listener, no more; a protocol's own probe is
 * better wherever there is one. */
#include <stdlib.h>
#include <string.h>

#include "services/conn.h"
#include "services/probe_internal.h"

struct net {
	struct conn conn;
	struct probe *probe;
	char *host, *port;             /* of tcp */
};

static void on_event(struct conn *c, enum conn_event e)
{
	struct net *n = c->arg;

	if (e == CONN_CONNECTED) {
		conn_close(c);
		probe_answer(n->probe, 1, "accepts connections");
	} else if (e == CONN_FAILED) {
		char why[sizeof(c->error)];

		memcpy(why, c->error, sizeof(why));
		conn_close(c);
		probe_answer(n->probe, 0, "%s", why);
	}
}

static struct net *create(struct probe *p)
{
	struct net *n = wf_xcalloc(1, sizeof(*n));

	n->conn.loop = p->ctx->loop;
	n->conn.on_event = on_event;
	n->conn.arg = n;
	n->probe = p;
	p->impl = n;
	return n;
}

static int tcp_create(struct probe *p, struct wf_err *err)
{
	struct net *n = create(p);

	if (!probe_value(p) || conn_split(probe_value(p), &n->host, &n->port) < 0)
		return wf_errf(err, WF_INVALID, "a host and a port are expected, as in 127.0.0.1:6379");
	return 0;
}

static int unix_create(struct probe *p, struct wf_err *err)
{
	create(p);
	return probe_value(p) ? 0 : wf_errf(err, WF_INVALID, "the path of a socket is expected");
}

static void tcp_start(struct probe *p)
{
	struct net *n = p->impl;

	conn_open(&n->conn, NULL, n->host, n->port);
}

static void unix_start(struct probe *p)
{
	struct net *n = p->impl;

	conn_open(&n->conn, probe_value(p), NULL, NULL);
}

static void stop(struct probe *p)
{
	struct net *n = p->impl;

	conn_close(&n->conn);
}

static void destroy(struct probe *p)
{
	struct net *n = p->impl;

	if (!n)
		return;
	conn_close(&n->conn);
	free(n->host);
	free(n->port);
	free(n);
}

const struct probe_kind probe_tcp = {
	.name = "tcp",
	.create = tcp_create,
	.start = tcp_start,
	.stop = stop,
	.destroy = destroy,
};

const struct probe_kind probe_unix = {
	.name = "unix",
	.create = unix_create,
	.start = unix_start,
	.stop = stop,
	.destroy = destroy,
};
