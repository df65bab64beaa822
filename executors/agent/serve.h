/* serve.h - what every agent shares: listening, one engine at a time, who comes before whom
 *
 * An agent creates a wf_serve with its table, then lets it listen on a path (a real agent) or attaches channels itself (in memory). A
 * connection begins with HELLO both ways. The engine with the highest epoch is served: a connection of an equal or higher epoch
 * replaces the one before, a lower one is answered REJECTED and closed. Malformed frames close the connection, unknown
 * types are answered REJECTED. Frames of the served engine reach `frame`, decoded; their strings are valid during the call.
 *
 * All on the loop's thread. `attached` and `detached` come in pairs.
 */
#ifndef WF_AGENT_SERVE_H
#define WF_AGENT_SERVE_H

#include "engine/base/err.h"
#include "engine/link/channel.h"
#include "engine/link/wire.h"
#include "engine/loop/loop.h"

struct wf_serve;

struct wf_serve_ops {
	void (*hello)(void *agent, struct wf_hello *h);    /* say what you are; texts are the agent's */
	void (*attached)(void *agent, uint64_t epoch);     /* an engine is there; REATTACH comes first */
	void (*frame)(void *agent, const struct wf_frame *f);
	void (*detached)(void *agent);
};

/* `epoch` is the highest this agent has served before. The table and `agent` must outlive it. */
struct wf_serve *wf_serve_create(struct wf_loop *l, const struct wf_serve_ops *ops, void *agent, uint64_t epoch);
/* Accepts connections of this user on a unix socket. */
int wf_serve_listen(struct wf_serve *s, const char *path, struct wf_err *err);
/* Takes the channel over. */
void wf_serve_attach(struct wf_serve *s, struct wf_channel *c);
int wf_serve_attached(const struct wf_serve *s);
/* To the engine that is served; dropped when there is none. */
void wf_serve_send(struct wf_serve *s, const struct wf_buf *frames);
/* Bytes on their way to it. */
size_t wf_serve_pending(const struct wf_serve *s);
void wf_serve_hang_up(struct wf_serve *s);
/* Hangs up on everybody; no call of the table comes any more. */
void wf_serve_destroy(struct wf_serve *s);

#endif
