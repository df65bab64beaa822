/* lines.c - owns the bytes of the control socket; knows nothing of what the lines say. A line that is no JSON object or is too long
 * is logged and skipped: the agent may be newer than we are. */
#include "services/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "services/control.h"

struct lines {
	struct wf_loop *loop;
	int fd;
	struct wf_poll *poll;
	struct wf_buf in, out;
	size_t sent;                   /* of out */
	int skipping;                  /* inside a line that is too long */
	int closed;
	void (*on_line)(void *arg, json_t *line);
	void (*on_closed)(void *arg);
	void *arg;
};

static void close_now(struct lines *c)
{
	if (c->closed)
		return;
	c->closed = 1;
	wf_poll_destroy(c->poll);
	c->poll = NULL;
	c->on_closed(c->arg);
}

/* 0, or -1 when the other side is gone. */
static int write_out(struct lines *c)
{
	while (c->sent < c->out.len) {
		ssize_t n;

		(void)WF_FAULT("service.lines.send");
		n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -1;
		c->sent += (size_t)n;
	}
	wf_buf_clear(&c->out);
	c->sent = 0;
	return 0;
}

static void parse_line(struct lines *c, const char *p, size_t n)
{
	struct wf_err err;
	json_t *line = wf_json_parse(p, n, &err);

	if (json_is_object(line))
		c->on_line(c->arg, line);
	else
		wf_log(WF_LOG_WARN, "a line on the control socket is no JSON object, ignoring");
	json_decref(line);
}

static void take_lines(struct lines *c)
{
	char *start = c->in.data, *end = c->in.data + c->in.len, *newline;

	while (!c->closed && start < end && (newline = memchr(start, '\n', (size_t)(end - start)))) {
		if (!c->skipping && newline > start)
			parse_line(c, start, (size_t)(newline - start));
		c->skipping = 0;
		start = newline + 1;
	}
	memmove(c->in.data, start, (size_t)(end - start));
	c->in.len = (size_t)(end - start);
	if (c->in.len >= WF_CONTROL_LINE) {
		if (!c->skipping)
			wf_log(WF_LOG_WARN, "a line on the control socket is longer than %u bytes, ignoring", WF_CONTROL_LINE);
		c->skipping = 1;
		wf_buf_clear(&c->in);
	}
}

static void on_poll(void *arg, int readable, int writable)
{
	struct lines *c = arg;
	ssize_t n;

	if (writable && write_out(c) < 0) {
		close_now(c);
		return;
	}
	if (readable) {
		(void)WF_FAULT("service.lines.receive");
		n = recv(c->fd, wf_buf_room(&c->in, 65536), 65536, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			close_now(c);
			return;
		}
		if (n > 0) {
			c->in.len += (size_t)n;
			take_lines(c);
		}
	}
	if (!c->closed)
		wf_poll_set(c->poll, 1, c->sent < c->out.len);
}

void lines_send(struct lines *c, json_t *take_line)
{
	wf_json_dump(take_line, &c->out);
	wf_buf_char(&c->out, '\n');
	json_decref(take_line);
	/* A failure shows on the next turn: a caller never gets on_closed from inside its own call. */
	if (!c->closed && write_out(c) == 0)
		wf_poll_set(c->poll, 1, c->sent < c->out.len);
}

void lines_flush(struct lines *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	while (!c->closed && c->sent < c->out.len && poll(&p, 1, ms) > 0)
		if (write_out(c) < 0)
			break;
}

void lines_destroy(struct lines *c)
{
	if (!c)
		return;
	wf_poll_destroy(c->poll);
	close(c->fd);
	wf_buf_release(&c->in);
	wf_buf_release(&c->out);
	free(c);
}

struct lines *lines_create(struct wf_loop *l, int fd, void (*on_line)(void *arg, json_t *line), void (*on_closed)(void *arg), void *arg)
{
	struct lines *c = wf_xcalloc(1, sizeof(*c));

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c->loop = l;
	c->fd = fd;
	c->on_line = on_line;
	c->on_closed = on_closed;
	c->arg = arg;
	c->poll = wf_poll_create(l, fd, on_poll, c);
	wf_poll_set(c->poll, 1, 0);
	return c;
}
