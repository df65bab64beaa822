/* serve.c - owns the listening socket of an agent and its connections; knows nothing of attempts. */
#include "executors/agent/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/os.h"

struct guest {
	struct guest *next;
	struct wf_serve *serve;        /* NULL once the serve is gone */
	struct wf_channel *channel;
};

struct wf_serve {
	struct wf_loop *loop;
	const struct wf_serve_ops *ops;
	void *agent;
	uint64_t epoch;
	int listen_fd;
	struct wf_poll *listen_poll;
	struct guest *guests;          /* every open connection, introduced or not */
	struct guest *engine;          /* the one that is served */
};

static void refuse(struct guest *g, uint64_t number, const char *reason)
{
	struct wf_rejected r = { .number = number, .reason = reason };
	struct wf_buf b = { 0 };

	wf_wire_rejected(&b, &r, 1);
	wf_channel_send(g->channel, b.data, b.len);
	wf_buf_release(&b);
}

static void leave(struct wf_serve *s, struct guest *g)
{
	if (s->engine != g)
		return;
	s->engine = NULL;
	s->ops->detached(s->agent);
}

static void introduce(struct wf_serve *s, struct guest *g, const struct wf_hello *h)
{
	if (strcmp(h->role, "engine") != 0 || h->version < 1) {
		refuse(g, 0, "only an engine is served here");
		wf_channel_close(g->channel);
		return;
	}
	if (h->epoch < s->epoch) {
		wf_log(WF_LOG_WARN, "refused an engine of epoch %llu, served %llu before", (unsigned long long)h->epoch,
		       (unsigned long long)s->epoch);
		refuse(g, 0, "an engine of a higher epoch was here");
		wf_channel_close(g->channel);
		return;
	}
	if (s->engine && s->engine != g) {
		struct guest *old = s->engine;

		leave(s, old);
		refuse(old, 0, "another engine took over");
		wf_channel_close(old->channel);
	}
	s->epoch = h->epoch;
	if (s->engine)
		return;
	s->engine = g;
	wf_log(WF_LOG_INFO, "engine of epoch %llu connected", (unsigned long long)h->epoch);
	s->ops->attached(s->agent, h->epoch);
}

static void on_frame(struct wf_channel *c, const void *p, size_t n)
{
	struct guest *g = c->user;
	struct wf_serve *s = g->serve;
	struct wf_err err = { 0 };
	struct wf_frame f;

	if (!s)
		return;
	if (wf_wire_decode(&f, p, n, &err) < 0) {
		wf_log(WF_LOG_WARN, "%s, hanging up", err.text);
		refuse(g, 0, err.text);
		wf_channel_close(c);
	} else if (f.type == WF_WIRE_HELLO) {
		introduce(s, g, f.hello);
	} else if (s->engine != g) {
		refuse(g, 0, "say hello first");
		wf_channel_close(c);
	} else if (f.type >= WF_WIRE_START && f.type <= WF_WIRE_ACK) {
		s->ops->frame(s->agent, &f);
	} else {
		char reason[64];

		snprintf(reason, sizeof(reason), "message type %d is not known here", (int)f.type);
		refuse(g, 0, reason);
	}
	wf_frame_release(&f);
}

static void on_closed(struct wf_channel *c, const struct wf_err *why)
{
	struct guest *g = c->user;
	struct wf_serve *s = g->serve;

	if (s) {
		struct guest **at = &s->guests;

		while (*at != g)
			at = &(*at)->next;
		*at = g->next;
		if (s->engine == g)
			wf_log(WF_LOG_INFO, "engine gone: %s", why ? why->text : "hung up");
		leave(s, g);
	}
	free(g);
}

void wf_serve_attach(struct wf_serve *s, struct wf_channel *c)
{
	struct guest *g = wf_xcalloc(1, sizeof(*g));
	struct wf_hello h = { .version = WF_WIRE_VERSION, .role = "agent", .build = WF_VERSION };
	struct wf_buf b = { 0 };

	g->serve = s;
	g->channel = c;
	g->next = s->guests;
	s->guests = g;
	c->user = g;
	c->on_frame = on_frame;
	c->on_closed = on_closed;
	s->ops->hello(s->agent, &h);
	wf_wire_hello(&b, &h);
	wf_channel_send(c, b.data, b.len);
	wf_buf_release(&b);
}

static void on_connection(void *arg, int readable, int writable)
{
	struct wf_serve *s = arg;

	(void)readable;
	(void)writable;
	for (;;) {
		uid_t uid = (uid_t)-1;
		pid_t pid;
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN)
				wf_log(WF_LOG_WARN, "accept: %s", strerror(errno));
			return;
		}
		if (wf_unix_peer(fd, &uid, &pid) < 0 || uid != getuid()) {
			wf_log(WF_LOG_WARN, "refused a connection of user %u", (unsigned)uid);
			close(fd);
			continue;
		}
		wf_serve_attach(s, wf_channel_fd(s->loop, fd));
	}
}

int wf_serve_listen(struct wf_serve *s, const char *path, struct wf_err *err)
{
	s->listen_fd = wf_unix_listen(path, err);
	if (s->listen_fd < 0)
		return -1;
	s->listen_poll = wf_poll_create(s->loop, s->listen_fd, on_connection, s);
	wf_poll_set(s->listen_poll, 1, 0);
	return 0;
}

int wf_serve_attached(const struct wf_serve *s)
{
	return s->engine != NULL;
}

void wf_serve_send(struct wf_serve *s, const struct wf_buf *frames)
{
	if (s->engine && frames->len)
		wf_channel_send(s->engine->channel, frames->data, frames->len);
}

size_t wf_serve_pending(const struct wf_serve *s)
{
	return s->engine ? wf_channel_pending(s->engine->channel) : 0;
}

void wf_serve_hang_up(struct wf_serve *s)
{
	if (s->engine)
		wf_channel_close(s->engine->channel);
}

void wf_serve_destroy(struct wf_serve *s)
{
	if (!s)
		return;
	wf_poll_destroy(s->listen_poll);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	for (struct guest *g = s->guests, *next; g; g = next) {
		next = g->next;
		g->serve = NULL;
		wf_channel_close(g->channel);
	}
	free(s);
}

struct wf_serve *wf_serve_create(struct wf_loop *l, const struct wf_serve_ops *ops, void *agent, uint64_t epoch)
{
	struct wf_serve *s = wf_xcalloc(1, sizeof(*s));

	s->loop = l;
	s->ops = ops;
	s->agent = agent;
	s->epoch = epoch;
	s->listen_fd = -1;
	return s;
}
