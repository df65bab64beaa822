/* conn.c - owns the sockets of probes; knows no protocol. */
#include "services/conn.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/fault.h"

/* What a name stands for. The work thread fills it; if its connection closed meanwhile, `conn` is NULL and it is only freed. */
struct conn_addresses {
	struct wf_work work;
	struct conn *conn;
	char *host, *port;
	struct addrinfo *list, *next;
	int rc;
	int working;
};

static void fail(struct conn *c, const char *what, int error);
static void try_next(struct conn *c);

/* ---- life of a connection, in its order -------------------------------------------------------------- */

static void on_soon(struct wf_timer *t)
{
	struct conn *c = wf_container_of(t, struct conn, soon);

	if (c->error[0])
		c->on_event(c, CONN_FAILED);
	else
		try_next(c);
}

static void fail_soon(struct conn *c, const char *what)
{
	snprintf(c->error, sizeof(c->error), "%s", what);
	wf_timer_start(c->loop, &c->soon, 0);
}

static int write_out(struct conn *c)
{
	while (c->sent < c->out.len) {
		ssize_t n;

		(void)WF_FAULT("service.probe.send");
		n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->sent += (size_t)n;
	}
	return 0;
}

static void on_readable(struct conn *c)
{
	ssize_t n;

	(void)WF_FAULT("service.probe.receive");
	n = recv(c->fd, wf_buf_room(&c->in, 16384), 16384, 0);
	if (n > 0) {
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		if (c->in.len > CONN_IN_MAX)
			fail(c, "the answer is too long", 0);
		else
			c->on_event(c, CONN_DATA);
	} else if (n == 0) {
		wf_poll_set(c->poll, 0, 0);
		c->on_event(c, CONN_ENDED);
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(c, NULL, errno);
	}
}

static void on_poll(void *arg, int readable, int writable)
{
	struct conn *c = arg;
	socklen_t n = sizeof(int);
	int error = 0;

	if (c->connecting) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
		if (error) {
			snprintf(c->error, sizeof(c->error), "%s", strerror(error));
			try_next(c);
			return;
		}
		c->connecting = 0;
		c->error[0] = '\0';
		wf_poll_set(c->poll, 1, c->out.len > 0);
		c->on_event(c, CONN_CONNECTED);
		return;
	}
	if (writable) {
		if (write_out(c) < 0) {
			fail(c, NULL, errno);
			return;
		}
		wf_poll_set(c->poll, 1, c->sent < c->out.len);
	}
	if (readable)
		on_readable(c);
}

static void drop_socket(struct conn *c)
{
	wf_poll_destroy(c->poll);
	c->poll = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void fail(struct conn *c, const char *what, int error)
{
	snprintf(c->error, sizeof(c->error), "%s", what ? what : strerror(error));
	drop_socket(c);
	c->on_event(c, CONN_FAILED);
}

/* 0 when a connection is on its way, -1 with errno. */
static int start(struct conn *c, int family, const struct sockaddr *to, socklen_t len)
{
	c->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -1;
	if (connect(c->fd, to, len) < 0 && errno != EINPROGRESS) {
		int saved = errno;

		close(c->fd);
		c->fd = -1;
		errno = saved;
		return -1;
	}
	c->connecting = 1;
	c->poll = wf_poll_create(c->loop, c->fd, on_poll, c);
	wf_poll_set(c->poll, 0, 1);
	return 0;
}

/* The next address of the name; when there is none left, the error of the last one stands. Only from the loop. */
static void try_next(struct conn *c)
{
	struct conn_addresses *a = c->addresses;

	drop_socket(c);
	while (a && a->next) {
		struct addrinfo *to = a->next;

		a->next = to->ai_next;
		if (start(c, to->ai_family, to->ai_addr, to->ai_addrlen) == 0)
			return;
		snprintf(c->error, sizeof(c->error), "%s", strerror(errno));
	}
	if (!c->error[0])
		snprintf(c->error, sizeof(c->error), "no address");
	c->on_event(c, CONN_FAILED);
}

/* ---- names ------------------------------------------------------------------------------------------- */

static void addresses_destroy(struct conn_addresses *a)
{
	if (!a)
		return;
	if (a->list)
		freeaddrinfo(a->list);
	free(a->host);
	free(a->port);
	free(a);
}

static void look_up(struct conn_addresses *a, int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };

	a->rc = getaddrinfo(a->host, a->port, &hints, &a->list);
	a->next = a->list;
}

static void on_worker(struct wf_work *w)
{
	look_up(wf_container_of(w, struct conn_addresses, work), 0);
}

static void on_looked_up(struct wf_work *w)
{
	struct conn_addresses *a = wf_container_of(w, struct conn_addresses, work);
	struct conn *c = a->conn;

	a->working = 0;
	if (!c) {
		addresses_destroy(a);
		return;
	}
	if (a->rc)
		snprintf(c->error, sizeof(c->error), "cannot find the host '%.100s': %s", a->host, gai_strerror(a->rc));
	try_next(c);
}

static void open_host(struct conn *c, const char *host, const char *port)
{
	struct conn_addresses *a = wf_xcalloc(1, sizeof(*a));

	a->host = wf_xstrdup(host);
	a->port = wf_xstrdup(port);
	c->addresses = a;
	look_up(a, AI_NUMERICHOST | AI_NUMERICSERV);
	if (a->rc == 0) {
		wf_timer_start(c->loop, &c->soon, 0);
		return;
	}
	a->conn = c;
	a->working = 1;
	a->work.run = on_worker;
	a->work.done = on_looked_up;
	wf_loop_work(c->loop, &a->work);
}

static void open_unix(struct conn *c, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path)) {
		fail_soon(c, "the path is longer than a unix socket's may be");
		return;
	}
	strcpy(to.sun_path, path);
	if (start(c, AF_UNIX, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail_soon(c, strerror(errno));
}

int conn_split(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':'), *end = colon;

	if (!colon || colon == text || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return -1;
	if (text[0] == '[') {
		if (end[-1] != ']')
			return -1;
		text++;
		end--;
	} else if (memchr(text, ':', (size_t)(colon - text))) {
		return -1;
	}
	if (end == text)
		return -1;
	*host = wf_xstrndup(text, (size_t)(end - text));
	*port = wf_xstrdup(colon + 1);
	return 0;
}

/* ---- door -------------------------------------------------------------------------------------------- */

void conn_open(struct conn *c, const char *unix_path, const char *host, const char *port)
{
	c->fd = -1;
	c->opened = 1;
	c->soon.fn = on_soon;
	if (unix_path)
		open_unix(c, unix_path);
	else
		open_host(c, host, port);
}

void conn_send(struct conn *c, const void *p, size_t n)
{
	wf_buf_add(&c->out, p, n);
	if (c->poll && !c->connecting)
		wf_poll_set(c->poll, 1, 1);
}

void conn_close(struct conn *c)
{
	struct conn_addresses *a = c->addresses;

	if (!c->opened)
		return;
	c->opened = 0;
	wf_timer_stop(c->loop, &c->soon);
	drop_socket(c);
	c->addresses = NULL;
	if (a && a->working)
		a->conn = NULL;
	else
		addresses_destroy(a);
	wf_buf_release(&c->in);
	wf_buf_release(&c->out);
	c->sent = 0;
	c->connecting = 0;
	c->error[0] = '\0';
}
