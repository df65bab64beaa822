/* channel.h - whole frames over something: a unix socket in production, memory in the simulator
 *
 * on_frame gets one whole frame (length prefix included), valid during the call. on_closed comes exactly once, after which the channel
 * may not be used; wf_channel_close asks for it (it then still comes, later, with `why` NULL; no frame comes any more). wf_channel_send copies and never fails: bytes that can no
 * longer be delivered are dropped, and on_closed follows. `pending` tells bytes not yet taken by the other side, so that a
 * sender may hold back. All on the loop's thread.
 */
#ifndef WF_LINK_CHANNEL_H
#define WF_LINK_CHANNEL_H

#include <stddef.h>

#include "engine/base/err.h"
#include "engine/loop/loop.h"

struct wf_channel;

struct wf_channel_ops {
	void (*send)(struct wf_channel *c, const void *p, size_t n);
	void (*close)(struct wf_channel *c);
	size_t (*pending)(const struct wf_channel *c);
};

struct wf_channel {
	const struct wf_channel_ops *ops;
	void (*on_frame)(struct wf_channel *c, const void *p, size_t n);
	void (*on_closed)(struct wf_channel *c, const struct wf_err *why);
	void *user;
};

void wf_channel_send(struct wf_channel *c, const void *p, size_t n);
void wf_channel_close(struct wf_channel *c);
size_t wf_channel_pending(const struct wf_channel *c);

/* Take over a connected socket (made non-blocking). Set on_frame, on_closed and user before returning to the loop. Freed by itself after on_closed. */
struct wf_channel *wf_channel_fd(struct wf_loop *l, int fd);

/* Two ends in memory, on any loop: the same rules. One end closed, the other's on_closed follows after what was sent before. */
void wf_channel_pair(struct wf_loop *l, struct wf_channel *ends[2]);

#endif
