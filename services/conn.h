/* conn.h - one short connection of a probe: connect, send, collect what comes
 *
 * `on_event` is told what happened, in this order, never from inside conn_open: CONN_CONNECTED, CONN_DATA (more is in conn->in) any
 * number of times, and CONN_ENDED (the other side closed) or CONN_FAILED (conn->error says why) last. conn_close may be called at any
 * time, from on_event too; nothing comes after it. A name that is no address is looked up on the loop's work thread.
 */
#ifndef WF_SERVICES_CONN_H
#define WF_SERVICES_CONN_H

#include "engine/base/buf.h"
#include "engine/loop/loop.h"

#define CONN_IN_MAX (1u << 20)

enum conn_event { CONN_CONNECTED, CONN_DATA, CONN_ENDED, CONN_FAILED };

struct conn {
	struct wf_loop *loop;          /* set these three before conn_open */
	void (*on_event)(struct conn *c, enum conn_event e);
	void *arg;

	struct wf_buf in;
	char error[256];
	/* private */
	struct wf_buf out;
	size_t sent;
	int fd;
	int connecting, opened;
	struct wf_poll *poll;
	struct wf_timer soon;
	struct conn_addresses *addresses;
};

/* `unix_path`, or `host` and `port` when it is NULL. */
void conn_open(struct conn *c, const char *unix_path, const char *host, const char *port);
/* After CONN_CONNECTED, or before: then it goes out first thing. */
void conn_send(struct conn *c, const void *p, size_t n);
void conn_close(struct conn *c);

/* "host:port", "[::1]:80" into two strings of the caller; -1 when it is not of that form. */
int conn_split(const char *text, char **host, char **port);

#endif
