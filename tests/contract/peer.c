/* peer.c - owns the test's side of an agent link, and agent programs under test. */
#include "tests/contract/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/tap/tap.h"

enum { DEADLINE_MS = 30000 };

static int64_t now_ms(void)
{
	return wf_os_mono_ms(wf_os_posix());
}

/* ---- what was said ------------------------------------------------------------------------------------- */

static struct said *say(struct peer *p, enum wf_wire_type type, const struct wf_attempt_ref *ref)
{
	struct said *s;

	p->said = wf_grow(p->said, &p->cap, p->count + 1, sizeof(*p->said));
	s = &p->said[p->count++];
	memset(s, 0, sizeof(*s));
	s->type = type;
	if (ref) {
		s->number = ref->number;
		s->key = ref->key;
	}
	return s;
}

static char *copy(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

static void note_ended(struct peer *p, const struct wf_ended *e)
{
	struct said *s = say(p, WF_WIRE_ENDED, &e->ref);

	s->cursor = e->cursor;
	s->class = e->class;
	s->exit = e->exit;
	s->started_ms = e->started_ms;
	s->ended_ms = e->ended_ms;
	s->usage = e->usage;
	s->out = e->out;
	s->err = e->err;
	s->text = copy(e->reason);
	s->result = copy(e->result);
}

static void note(struct peer *p, const struct wf_frame *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		struct said *s;

		switch (f->type) {
		case WF_WIRE_HELLO:
			say(p, f->type, NULL);
			snprintf(p->role, sizeof(p->role), "%s", f->hello->role);
			snprintf(p->instance, sizeof(p->instance), "%s", f->hello->instance ? f->hello->instance : "");
			snprintf(p->host, sizeof(p->host), "%s", f->hello->host ? f->hello->host : "");
			p->agent_pid = f->hello->pid;
			p->cores = f->hello->cores;
			p->capabilities = f->hello->capabilities;
			p->memory = f->hello->memory;
			p->mark = f->hello->mark;
			p->cursor = f->hello->cursor;
			break;
		case WF_WIRE_ACCEPTED:
			say(p, f->type, &f->ref[i]);
			break;
		case WF_WIRE_RUNNING:
			s = say(p, f->type, &f->running[i].ref);
			s->cursor = f->running[i].cursor;
			s->pid = f->running[i].pid;
			s->started_ms = f->running[i].started_ms;
			break;
		case WF_WIRE_ENDED:
			note_ended(p, &f->ended[i]);
			break;
		case WF_WIRE_LOST:
			s = say(p, f->type, &f->lost[i].ref);
			s->cursor = f->lost[i].cursor;
			s->why = f->lost[i].why;
			s->text = copy(f->lost[i].reason);
			break;
		case WF_WIRE_RESULT:
			s = say(p, f->type, &f->result[i].ref);
			s->number = f->result[i].op_id;
			s->text = copy(f->result[i].outcome);
			s->result = copy(f->result[i].body);
			break;
		case WF_WIRE_SIGNAL:
			s = say(p, f->type, &f->signal[i].ref);
			s->cursor = f->signal[i].cursor;
			s->text = copy(f->signal[i].body);
			break;
		case WF_WIRE_SAMPLE:
			s = say(p, f->type, &f->sample[i].ref);
			s->usage = f->sample[i].usage;
			s->output_bytes = f->sample[i].output_bytes;
			break;
		case WF_WIRE_REJECTED:
			s = say(p, f->type, NULL);
			s->number = f->rejected[i].number;
			s->text = copy(f->rejected[i].reason);
			break;
		default:
			bail("the agent sent a frame of type %d", (int)f->type);
		}
	}
}

/* ---- reading and writing ------------------------------------------------------------------------------- */

/* Reads once, waiting at most until the deadline; 0 when nothing came. */
static int read_some(struct peer *p, int64_t deadline)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	int64_t left = deadline - now_ms();
	size_t at = 0;
	ssize_t n;

	if (p->closed || poll(&pfd, 1, left > 0 ? (int)left : 0) <= 0)
		return 0;
	n = recv(p->fd, wf_buf_room(&p->in, 1 << 20), 1 << 20, MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n <= 0) {
		p->closed = 1;
		return 1;
	}
	p->in.len += (size_t)n;
	for (;;) {
		struct wf_frame f;
		struct wf_err err = { 0 };
		int64_t len = wf_wire_whole(p->in.data + at, p->in.len - at);

		if (len == 0)
			break;
		if (len < 0 || wf_wire_decode(&f, p->in.data + at, (size_t)len, &err) < 0)
			bail("the agent sent nonsense: %s", err.text);
		note(p, &f);
		wf_frame_release(&f);
		at += (size_t)len;
	}
	p->in.len -= at;
	memmove(p->in.data, p->in.data + at, p->in.len);
	return 1;
}

void peer_send(struct peer *p, struct wf_buf *b)
{
	size_t at = 0;

	while (at < b->len && !p->closed) {
		struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };
		ssize_t n = send(p->fd, b->data + at, b->len - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			at += (size_t)n;
		} else if (errno == EAGAIN) {
			(void)read_some(p, 0);
			poll(&pfd, 1, 100);
		} else if (errno != EINTR) {
			p->closed = 1;
		}
	}
	wf_buf_release(b);
}

void peer_open_fd(struct peer *p, int fd, uint64_t epoch)
{
	struct wf_hello h = { .version = WF_WIRE_VERSION, .role = "engine", .build = "test", .epoch = epoch };
	struct wf_buf b = { 0 };

	memset(p, 0, sizeof(*p));
	p->fd = fd;
	wf_wire_hello(&b, &h);
	peer_send(p, &b);
	peer_wait_count(p, WF_WIRE_HELLO, 1);
}

void peer_try(struct peer *p, const char *socket_path, uint64_t epoch)
{
	struct wf_hello h = { .version = WF_WIRE_VERSION, .role = "engine", .build = "test", .epoch = epoch };
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct wf_buf b = { 0 };
	struct wf_err err;

	memset(p, 0, sizeof(*p));
	p->fd = wf_unix_connect(socket_path, &err);
	p->closed = p->fd < 0;
	wf_wire_hello(&b, &h);
	peer_send(p, &b);
	while (!p->closed && !*p->role)
		if (!read_some(p, deadline))
			bail("no hello came");
}

void peer_open(struct peer *p, const char *socket_path, uint64_t epoch)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct wf_err err = { 0 };
	int fd;

	while ((fd = wf_unix_connect(socket_path, &err)) < 0) {
		struct timespec pause = { .tv_nsec = 2000000 };

		if (now_ms() > deadline)
			bail("%s", err.text);
		nanosleep(&pause, NULL);
	}
	peer_open_fd(p, fd, epoch);
}

void peer_close(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	for (size_t i = 0; i < p->count; i++) {
		free(p->said[i].text);
		free(p->said[i].result);
	}
	free(p->said);
	wf_buf_release(&p->in);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
	p->closed = 1;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

void peer_reattach(struct peer *p, const struct wf_attempt_ref *refs, uint32_t n)
{
	struct wf_buf b = { 0 };

	wf_wire_refs(&b, WF_WIRE_REATTACH, refs, n, 1);
	peer_send(p, &b);
}

void peer_start(struct peer *p, const struct wf_start *s, uint32_t n)
{
	struct wf_buf b = { 0 };

	wf_wire_start(&b, s, n);
	peer_send(p, &b);
}

void peer_cancel(struct peer *p, uint64_t number, int64_t grace_ms)
{
	struct wf_cancel c = { .ref = { .number = number }, .why = WF_CANCEL_USER, .grace_ms = grace_ms };
	struct wf_buf b = { 0 };

	wf_wire_cancel(&b, &c, 1);
	peer_send(p, &b);
}

void peer_call(struct peer *p, uint64_t number, uint64_t op_id, const char *op, const char *args)
{
	struct wf_call c = { .op_id = op_id, .ref = { .number = number }, .op = op, .args = args, .deadline_ms = 10000 };
	struct wf_buf b = { 0 };

	wf_wire_call(&b, &c, 1);
	peer_send(p, &b);
}

void peer_ack(struct peer *p, uint64_t cursor)
{
	struct wf_buf b = { 0 };

	wf_wire_ack(&b, cursor);
	peer_send(p, &b);
}

void peer_ack_all(struct peer *p)
{
	uint64_t cursor = 0;

	for (size_t i = 0; i < p->count; i++)
		if (p->said[i].cursor > cursor)
			cursor = p->said[i].cursor;
	peer_ack(p, cursor);
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

static const struct said *find(const struct peer *p, size_t from, enum wf_wire_type type, uint64_t number)
{
	for (size_t i = from; i < p->count; i++)
		if (p->said[i].type == type && p->said[i].number == number)
			return &p->said[i];
	return NULL;
}

static void dump(const struct peer *p)
{
	for (size_t i = p->count > 20 ? p->count - 20 : 0; i < p->count; i++)
		diag("said %d about %llu: %s", (int)p->said[i].type, (unsigned long long)p->said[i].number,
		     p->said[i].text ? p->said[i].text : "");
}

const struct said *peer_wait_from(struct peer *p, size_t from, enum wf_wire_type type, uint64_t number)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	const struct said *s;

	while (!(s = find(p, from, type, number))) {
		if (p->closed || !read_some(p, deadline)) {
			dump(p);
			bail("waited for a frame of type %d about %llu%s", (int)type, (unsigned long long)number,
			     p->closed ? ", but the connection was closed" : "");
		}
	}
	return s;
}

const struct said *peer_wait(struct peer *p, enum wf_wire_type type, uint64_t number)
{
	return peer_wait_from(p, 0, type, number);
}

const struct said *peer_heard(struct peer *p, enum wf_wire_type type, uint64_t number)
{
	while (!p->closed && read_some(p, 0))
		;
	return find(p, 0, type, number);
}

size_t peer_count(struct peer *p, enum wf_wire_type type, uint64_t number)
{
	size_t n = 0;

	while (!p->closed && read_some(p, 0))
		;
	for (size_t i = 0; i < p->count; i++)
		n += p->said[i].type == type && p->said[i].number == number;
	return n;
}

void peer_wait_count(struct peer *p, enum wf_wire_type type, size_t n)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	size_t have = 0, seen = 0;

	for (;;) {
		for (; seen < p->count; seen++)
			have += p->said[seen].type == type;
		if (have >= n)
			return;
		if (p->closed || !read_some(p, deadline))
			bail("%zu of %zu frames of type %d came", have, n, (int)type);
	}
}

void peer_wait_closed(struct peer *p)
{
	int64_t deadline = now_ms() + DEADLINE_MS;

	while (!p->closed)
		if (!read_some(p, deadline))
			bail("the connection was not closed");
}

void peer_settle(struct peer *p)
{
	static const uint8_t unknown[] = { 4, 0, 0, 0, 200, 0, 1, 0 };
	struct wf_buf b = { 0 };
	size_t from = p->count;

	wf_buf_add(&b, unknown, sizeof(unknown));
	peer_send(p, &b);
	peer_wait_from(p, from, WF_WIRE_REJECTED, 0);
}

/* ---- programs ------------------------------------------------------------------------------------------ */

/* A test is <build>/test/tests/unit/...; programs are in <build>/bin. */
static char *program_path(const char *name)
{
	char *path = wf_xstrdup(wf_path_bin()), *at = strstr(path, "/test/tests/"), *out;

	if (at)
		*at = '\0';
	out = wf_xasprintf("%s/bin/%s", path, name);
	free(path);
	return out;
}

void program_start(struct program *a, const char *dir, const char *const *argv)
{
	char *path = program_path(argv[0]);
	const char *args[16] = { path };
	size_t n = 1;
	int fd;

	snprintf(a->dir, sizeof(a->dir), "%s", dir);
	snprintf(a->socket, sizeof(a->socket), "%s/s", dir);
	for (size_t i = 1; argv[i] && n < 12; i++)
		args[n++] = argv[i];
	args[n++] = "--dir";
	args[n++] = dir;
	a->pid = fork();
	if (a->pid == 0) {
		char log[300];

		/* Like the engine does it: a session of its own, talk into a file. */
		setsid();
		snprintf(log, sizeof(log), "%s.log", dir);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd >= 0) {
			dup2(fd, 1);
			dup2(fd, 2);
			close(fd);
		}
		execv(path, (char *const *)(uintptr_t)args);
		_exit(127);
	}
	free(path);
	if (a->pid < 0)
		bail("fork");
}

int program_wait(struct program *a)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	int status;

	while (waitpid(a->pid, &status, WNOHANG) == 0) {
		struct timespec pause = { .tv_nsec = 1000000 };

		if (now_ms() > deadline)
			bail("the agent does not end");
		nanosleep(&pause, NULL);
	}
	a->pid = 0;
	return status;
}

int program_end(struct program *a, int sig)
{
	kill(a->pid, sig);
	return program_wait(a);
}

static char *made_dir;

static void remove_dir(void)
{
	struct wf_err err;

	(void)wf_dir_remove(wf_os_posix(), made_dir, &err);
	free(made_dir);
}

const char *test_dir(void)
{
	if (!made_dir) {
		made_dir = wf_xstrdup("/tmp/wf-agent-XXXXXX");
		if (!mkdtemp(made_dir))
			bail("mkdtemp");
		if (!getenv("WF_TEST_KEEP"))
			atexit(remove_dir);
	}
	return made_dir;
}
