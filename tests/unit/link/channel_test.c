/* Frames over a socket and over memory: whole, in order, closed exactly once; large ones are held back and arrive all the same. */
#include "engine/link/channel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/link/wire.h"
#include "tests/tap/tap.h"

struct end {
	struct wf_channel *c;
	unsigned frames, closed;
	uint64_t sum, expected;
	int in_order;
	int close_after;               /* hang up in the callback of this frame */
	enum wf_code why;
	struct wf_loop *loop;
	int *left;                     /* ends still open: the last stops the loop */
};

static void on_frame(struct wf_channel *c, const void *p, size_t n)
{
	struct end *e = c->user;
	struct wf_frame f;

	if (wf_wire_decode(&f, p, n, NULL) < 0)
		bail("frame");
	e->frames++;
	if (f.type == WF_WIRE_ACK) {
		e->in_order = e->in_order && f.cursor == e->expected;
		e->expected++;
	}
	wf_frame_release(&f);
	if ((int)e->frames == e->close_after)
		wf_channel_close(c);
}

static void on_closed(struct wf_channel *c, const struct wf_err *why)
{
	struct end *e = c->user;

	e->closed++;
	e->why = why ? why->code : WF_OK;
	if (--*e->left == 0)
		wf_loop_stop(e->loop);
}

static void use(struct end *e, struct wf_channel *c, struct wf_loop *l, int *left)
{
	*e = (struct end){ .c = c, .in_order = 1, .loop = l, .left = left };
	c->on_frame = on_frame;
	c->on_closed = on_closed;
	c->user = e;
	++*left;
}

static void send_ack(struct end *e, uint64_t n)
{
	struct wf_buf b = { 0 };

	wf_wire_ack(&b, n);
	wf_channel_send(e->c, b.data, b.len);
	wf_buf_release(&b);
}

static void open_ends(struct wf_loop *l, int memory, struct end e[2], int *left)
{
	struct wf_channel *c[2];
	int fds[2];

	*left = 0;
	if (memory) {
		wf_channel_pair(l, c);
	} else {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
			bail("socketpair");
		for (int i = 0; i < 2; i++)
			c[i] = wf_channel_fd(l, fds[i]);
	}
	for (int i = 0; i < 2; i++)
		use(&e[i], c[i], l, left);
}

static void test_kind(struct wf_loop *l, int memory)
{
	const char *kind = memory ? "memory" : "socket";
	struct end e[2];
	int left;
	struct wf_result big = { .op_id = 1, .outcome = "ok" };
	struct wf_buf b = { 0 };
	char *body = malloc(8 << 20);

	open_ends(l, memory, e, &left);
	for (uint64_t i = 0; i < 5000; i++)
		send_ack(&e[0], i);
	send_ack(&e[1], 0);
	is_int(e[1].frames, 0, "%s: nothing is delivered before the loop turns", kind);
	e[1].close_after = 5000;
	wf_loop_run(l);
	is_int(e[1].frames, 5000, "%s: every frame arrives", kind);
	ok(e[1].in_order && e[0].frames == 1, "%s: in order, both ways", kind);
	ok(e[0].closed == 1 && e[1].closed == 1, "%s: each end is closed once", kind);
	ok(e[1].why == WF_OK && e[0].why == WF_UNREACHABLE, "%s: who asked hears no error, the other does", kind);

	open_ends(l, memory, e, &left);
	memset(body, 'x', 8 << 20);
	body[(8 << 20) - 1] = '\0';
	big.body = body;
	wf_wire_result(&b, &big, 1);
	wf_channel_send(e[0].c, b.data, b.len);
	wf_channel_send(e[0].c, b.data, b.len);
	ok(wf_channel_pending(e[0].c) > b.len, "%s: what was not taken yet is told", kind);
	e[1].close_after = 2;
	wf_loop_run(l);
	is_int(e[1].frames, 2, "%s: two frames of 8 MiB arrive", kind);

	open_ends(l, memory, e, &left);
	send_ack(&e[0], 0);
	wf_channel_close(e[0].c);
	wf_channel_close(e[0].c);
	send_ack(&e[0], 1);
	wf_loop_run(l);
	ok(e[1].frames == 1 && e[0].closed == 1 && e[1].closed == 1, "%s: last words arrive before the end, nothing after it", kind);

	open_ends(l, memory, e, &left);
	for (uint64_t i = 0; i < 10; i++)
		send_ack(&e[0], i);
	e[1].close_after = 3;
	wf_loop_run(l);
	is_int(e[1].frames, 3, "%s: no frame is delivered after close, not even one already here", kind);
	wf_buf_release(&b);
	free(body);
}

static void test_nonsense(struct wf_loop *l)
{
	struct end e;
	int fds[2], left = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		bail("socketpair");
	use(&e, wf_channel_fd(l, fds[0]), l, &left);
	ok(write(fds[1], "GET / HTTP/1.1\r\n\r\n", 18) == 18, "somebody speaks another language");
	wf_loop_run(l);
	ok(e.closed == 1 && e.why == WF_BAD_REQUEST && e.frames == 0, "a length out of bounds closes the connection");
	close(fds[1]);
}

int main(void)
{
	struct wf_loop *l = wf_loop_uv_create();

	test_kind(l, 0);
	test_kind(l, 1);
	test_nonsense(l);
	wf_loop_destroy(l);
	return done_testing();
}
