/* channel.c - owns a connected socket of the agent link: gathers bytes into frames, frames into writes.
 *
 * Knows the length prefix of a frame and nothing else of it. What is sent during one turn of the loop leaves in one write at its
 * end (a prepare handle, which libuv runs right before it would sleep), so many small messages cost one system call. The idle handle
 * beside it keeps a send from another prepare callback from sleeping first.
 */
#include "engine/link/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "engine/base/buf.h"
#include "engine/base/fault.h"
#include "engine/link/wire.h"

enum { READ_SIZE = 256 * 1024 };

struct fd_channel {
	struct wf_channel base;
	int fd;
	uv_poll_t poll;
	uv_prepare_t flush;
	uv_idle_t awake;
	int open_handles;
	int polled;                    /* events asked for */
	int closing;
	int failed;                    /* `why` is set */
	struct wf_err why;
	struct wf_buf in, out;
	size_t in_head, out_head;      /* taken from the front already */
};

void wf_channel_send(struct wf_channel *c, const void *p, size_t n)
{
	c->ops->send(c, p, n);
}

void wf_channel_close(struct wf_channel *c)
{
	c->ops->close(c);
}

size_t wf_channel_pending(const struct wf_channel *c)
{
	return c->ops->pending(c);
}

static void on_ready(uv_poll_t *h, int status, int events);

static void want(struct fd_channel *c, int events)
{
	if (c->polled == events || c->closing)
		return;
	c->polled = events;
	uv_poll_start(&c->poll, events, on_ready);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *h)
{
	struct fd_channel *c = h->data;

	if (--c->open_handles > 0)
		return;
	close(c->fd);
	if (c->base.on_closed)
		c->base.on_closed(&c->base, c->failed ? &c->why : NULL);
	wf_buf_release(&c->in);
	wf_buf_release(&c->out);
	free(c);
}

static void shut(struct fd_channel *c)
{
	if (c->closing)
		return;
	c->closing = 1;
	c->open_handles = 3;
	uv_close((uv_handle_t *)&c->poll, on_handle_closed);
	uv_close((uv_handle_t *)&c->flush, on_handle_closed);
	uv_close((uv_handle_t *)&c->awake, on_handle_closed);
}

static void fail(struct fd_channel *c, enum wf_code code, const char *text)
{
	if (c->closing)
		return;
	c->failed = 1;
	wf_errf(&c->why, code, "%s", text);
	shut(c);
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static void write_out(struct fd_channel *c)
{
	while (c->out_head < c->out.len) {
		ssize_t n;

		(void)WF_FAULT("link.write.before");
		n = send(c->fd, c->out.data + c->out_head, c->out.len - c->out_head, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			want(c, UV_READABLE | UV_WRITABLE);
			return;
		}
		if (n < 0) {
			fail(c, WF_UNREACHABLE, strerror(errno));
			return;
		}
		c->out_head += (size_t)n;
	}
	wf_buf_clear(&c->out);
	c->out_head = 0;
	want(c, UV_READABLE);
}

static void on_flush(uv_prepare_t *h)
{
	struct fd_channel *c = h->data;

	uv_prepare_stop(h);
	uv_idle_stop(&c->awake);
	write_out(c);
}

static void on_awake(uv_idle_t *h)
{
	(void)h;
}

static void fd_send(struct wf_channel *base, const void *p, size_t n)
{
	struct fd_channel *c = wf_container_of(base, struct fd_channel, base);

	if (c->closing)
		return;
	if (WF_FAULT("link.send")) {
		fail(c, WF_UNREACHABLE, "send failed");
		return;
	}
	/* What was written is dropped from the front once it is the larger part. */
	if (c->out_head > c->out.len / 2) {
		c->out.len -= c->out_head;
		memmove(c->out.data, c->out.data + c->out_head, c->out.len);
		c->out_head = 0;
	}
	wf_buf_add(&c->out, p, n);
	if (c->polled & UV_WRITABLE)
		return;
	uv_prepare_start(&c->flush, on_flush);
	uv_idle_start(&c->awake, on_awake);
}

static size_t fd_pending(const struct wf_channel *base)
{
	const struct fd_channel *c = (const void *)base;

	return c->out.len - c->out_head;
}

static void fd_close(struct wf_channel *base)
{
	struct fd_channel *c = wf_container_of(base, struct fd_channel, base);

	if (c->closing)
		return;
	/* The last words (why we hang up) are worth one try; this end waits for nobody. */
	write_out(c);
	shut(c);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static void deliver(struct fd_channel *c)
{
	while (!c->closing) {
		const char *p = c->in.data + c->in_head;
		int64_t n = wf_wire_whole(p, c->in.len - c->in_head);

		if (n == 0)
			break;
		if (n < 0) {
			fail(c, WF_BAD_REQUEST, "the other side sent a frame of impossible length");
			return;
		}
		c->in_head += (size_t)n;
		c->base.on_frame(&c->base, p, (size_t)n);
	}
	if (c->in_head) {
		c->in.len -= c->in_head;
		memmove(c->in.data, c->in.data + c->in_head, c->in.len);
		c->in_head = 0;
	}
}

static void read_in(struct fd_channel *c)
{
	while (!c->closing) {
		char *to = wf_buf_room(&c->in, READ_SIZE);
		ssize_t n = WF_FAULT("link.receive") ? 0 : recv(c->fd, to, READ_SIZE, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			fail(c, WF_UNREACHABLE, n < 0 ? strerror(errno) : "the other side closed the connection");
			return;
		}
		c->in.len += (size_t)n;
		deliver(c);
		if (n < READ_SIZE)
			return;
	}
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct fd_channel *c = h->data;

	if (status < 0 || (events & UV_READABLE))
		read_in(c);
	if (!c->closing && (events & UV_WRITABLE))
		write_out(c);
}

static const struct wf_channel_ops fd_ops = {
	.send = fd_send,
	.close = fd_close,
	.pending = fd_pending,
};

struct wf_channel *wf_channel_fd(struct wf_loop *l, int fd)
{
	struct fd_channel *c = wf_xcalloc(1, sizeof(*c));
	struct uv_loop_s *uv = wf_loop_uv(l);
	int rc;

	c->base.ops = &fd_ops;
	c->fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	rc = uv_poll_init(uv, &c->poll, fd);
	if (rc != 0)
		WF_BUG("cannot poll a socket: %s", uv_strerror(rc));
	uv_prepare_init(uv, &c->flush);
	uv_idle_init(uv, &c->awake);
	c->poll.data = c->flush.data = c->awake.data = c;
	want(c, UV_READABLE);
	return &c->base;
}
