/* pair.c - owns a channel in memory: two ends on one loop, for the simulator and for tests.
 *
 * Knows nothing of frames: what was sent arrives as it was, one call per frame, a turn of the loop later.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/link/channel.h"
#include "engine/link/wire.h"

struct end {
	struct wf_channel base;
	struct wf_loop *loop;
	struct end *peer;              /* NULL once the other side is gone */
	struct wf_buf in;              /* sent by the peer, not yet delivered */
	struct wf_post wake;
	int posted;
	int closing;                   /* asked for by us */
	int peer_left;
};

static void wake(struct end *e)
{
	if (e->posted)
		return;
	e->posted = 1;
	wf_loop_post(e->loop, &e->wake);
}

static void finish(struct end *e)
{
	struct wf_err why = { 0 };

	if (e->peer) {
		e->peer->peer = NULL;
		e->peer->peer_left = 1;
		wake(e->peer);
	}
	wf_errf(&why, WF_UNREACHABLE, "the other side closed the connection");
	if (e->base.on_closed)
		e->base.on_closed(&e->base, e->closing ? NULL : &why);
	wf_buf_release(&e->in);
	free(e);
}

static void on_wake(struct wf_post *p)
{
	struct end *e = wf_container_of(p, struct end, wake);
	struct wf_buf got = e->in;
	size_t at = 0;

	/* What is sent while we deliver waits for the next turn. */
	memset(&e->in, 0, sizeof(e->in));
	e->posted = 0;
	while (!e->closing && at < got.len) {
		int64_t n = wf_wire_whole(got.data + at, got.len - at);

		if (n <= 0)
			break;
		e->base.on_frame(&e->base, got.data + at, (size_t)n);
		at += (size_t)n;
	}
	wf_buf_release(&got);
	if (e->posted)
		return;
	if (e->closing || e->peer_left)
		finish(e);
}

static void pair_send(struct wf_channel *c, const void *p, size_t n)
{
	struct end *e = wf_container_of(c, struct end, base);

	if (e->closing || !e->peer)
		return;
	wf_buf_add(&e->peer->in, p, n);
	wake(e->peer);
}

static void pair_close(struct wf_channel *c)
{
	struct end *e = wf_container_of(c, struct end, base);

	e->closing = 1;
	wake(e);
}

static size_t pair_pending(const struct wf_channel *c)
{
	const struct end *e = (const void *)c;

	return e->peer ? e->peer->in.len : 0;
}

static const struct wf_channel_ops pair_ops = {
	.send = pair_send,
	.close = pair_close,
	.pending = pair_pending,
};

void wf_channel_pair(struct wf_loop *l, struct wf_channel *ends[2])
{
	struct end *e[2];

	for (int i = 0; i < 2; i++) {
		e[i] = wf_xcalloc(1, sizeof(*e[i]));
		e[i]->base.ops = &pair_ops;
		e[i]->loop = l;
		e[i]->wake.fn = on_wake;
		ends[i] = &e[i]->base;
	}
	e[0]->peer = e[1];
	e[1]->peer = e[0];
}
