/* control.c - owns our end of a member's socket pair: lines in, lines out (services/control.h). Knows of a line only whether it carries an op_id. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "executors/local/local.h"

enum {
	LINE_MAX_BYTES = 1 << 20,
	ANSWERS_MAX = 64,              /* kept, so that asking again is safe */
	OUT_MAX = 4 << 20,             /* a member that reads nothing is not waited for */
};

struct answer {
	uint64_t op_id;
	char *line;                    /* NULL: not answered yet */
	char *outcome;
};

struct control {
	struct attempt *attempt;
	int fd;
	struct wf_poll *poll;
	struct wf_buf in, out;
	int draining;                  /* the member is gone: nothing is written any more */
	char *last;                    /* last event */
	struct answer answers[ANSWERS_MAX];
	size_t answer_next;            /* the oldest is replaced */
};

static void send_result(struct attempt *a, uint64_t op_id, const char *outcome, const char *body)
{
	struct wf_result r = { .op_id = op_id, .ref = a->ref, .outcome = outcome, .body = body };
	struct wf_buf b = { 0 };

	wf_wire_result(&b, &r, 1);
	wf_serve_send(a->agent->serve, &b);
	wf_buf_release(&b);
}

static struct answer *answer_of(struct control *c, uint64_t op_id)
{
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		if (c->answers[i].op_id == op_id)
			return &c->answers[i];
	return NULL;
}

static struct answer *answer_add(struct control *c, uint64_t op_id)
{
	struct answer *a = &c->answers[c->answer_next++ % ANSWERS_MAX];

	free(a->line);
	free(a->outcome);
	*a = (struct answer){ .op_id = op_id };
	return a;
}

/* ---- lines of the member ------------------------------------------------------------------------------- */

static void take_answer(struct control *c, int64_t op_id, json_t *v, const char *line)
{
	const char *outcome = json_string_value(json_object_get(v, "outcome"));
	struct answer *a = answer_of(c, (uint64_t)op_id);

	if (!a)
		a = answer_add(c, (uint64_t)op_id);
	if (a->line)
		return;
	a->line = wf_xstrdup(line);
	a->outcome = wf_xstrdup(outcome ? outcome : "unknown");
	send_result(c->attempt, a->op_id, a->outcome, a->line);
}

static void take_line(struct control *c, const char *line, size_t n)
{
	struct wf_err err = { 0 };
	json_t *v = wf_json_parse(line, n, &err), *op_id;

	if (!v || !json_is_object(v)) {
		wf_log(WF_LOG_WARN, "attempt %llu: a line of its control socket is no JSON object, ignoring it",
		       (unsigned long long)c->attempt->ref.number);
		json_decref(v);
		return;
	}
	op_id = json_object_get(v, "op_id");
	if (json_is_integer(op_id) && json_integer_value(op_id) > 0) {
		take_answer(c, json_integer_value(op_id), v, line);
	} else if (json_is_string(json_object_get(v, "event"))) {
		free(c->last);
		c->last = wf_xstrdup(line);
		facts_signal(c->attempt, line);
	}
	json_decref(v);
}

static void take_lines(struct control *c)
{
	char *p = c->in.data, *end;
	size_t left = c->in.len;

	while (left && (end = memchr(p, '\n', left))) {
		*end = '\0';
		if (end != p)
			take_line(c, p, (size_t)(end - p));
		left -= (size_t)(end - p) + 1;
		p = end + 1;
	}
	if (left > LINE_MAX_BYTES) {
		wf_log(WF_LOG_WARN, "attempt %llu: a line of its control socket is too long, ignoring it",
		       (unsigned long long)c->attempt->ref.number);
		left = 0;
	}
	memmove(c->in.data, p, left);
	c->in.len = left;
}

/* 0 when nothing more is there now, -1 at its end. */
static int read_lines(struct control *c)
{
	for (;;) {
		ssize_t n;

		(void)WF_FAULT("agent.control.receive");
		n = recv(c->fd, wf_buf_room(&c->in, 65536), 65536, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
		c->in.len += (size_t)n;
		take_lines(c);
	}
}

/* ---- lines to the member ------------------------------------------------------------------------------- */

static void write_lines(struct control *c)
{
	while (c->out.len) {
		ssize_t n;

		(void)WF_FAULT("agent.control.send");
		n = send(c->fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) { /* its end is found by the reader */
			wf_buf_clear(&c->out);
			break;
		}
		c->out.len -= (size_t)n;
		memmove(c->out.data, c->out.data + n, c->out.len);
	}
	wf_poll_set(c->poll, 1, c->out.len > 0);
}

static void on_ready(void *arg, int readable, int writable)
{
	struct control *c = arg;
	struct agent *g = c->attempt->agent;

	if (writable)
		write_lines(c);
	/* At its end there is nothing to do: the member's exit is noticed by itself. */
	if (readable && read_lines(c) < 0)
		wf_poll_set(c->poll, 0, 0);
	facts_flush(g);
}

static void put_call(struct control *c, const struct wf_call *call)
{
	struct wf_buf *b = &c->out;
	json_t *args = call->args && *call->args ? wf_json_parse(call->args, strlen(call->args), NULL) : NULL;

	wf_buf_printf(b, "{\"op_id\":%llu,\"op\":", (unsigned long long)call->op_id);
	wf_buf_json(b, call->op, strlen(call->op));
	wf_buf_str(b, ",\"args\":");
	if (args)
		wf_json_dump(args, b);
	else
		wf_buf_str(b, "{}");
	wf_buf_printf(b, ",\"deadline_ms\":%lld}\n", (long long)call->deadline_ms);
	json_decref(args);
	write_lines(c);
}

void control_call(struct attempt *a, const struct wf_call *call)
{
	struct control *c = a->control;
	struct answer *known = c ? answer_of(c, call->op_id) : NULL;

	if (call->op_id == 0 || !c) {
		send_result(a, call->op_id, "rejected", "{\"reason\":\"no member is there to carry it out\"}");
	} else if (known) {
		if (known->line)
			send_result(a, known->op_id, known->outcome, known->line);
	} else if (c->out.len > OUT_MAX) {
		send_result(a, call->op_id, "retry", "{\"reason\":\"the member does not read what it is told\"}");
	} else {
		answer_add(c, call->op_id);
		put_call(c, call);
	}
}

const char *control_last(const struct control *c)
{
	return c->last;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

void control_drain(struct control *c)
{
	(void)read_lines(c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	/* Whoever waits for an answer shall not wait for ever. */
	for (size_t i = 0; i < ANSWERS_MAX; i++) {
		if (c->answers[i].op_id && !c->answers[i].line)
			send_result(c->attempt, c->answers[i].op_id, "unknown", "{\"reason\":\"the member ended before it answered\"}");
		free(c->answers[i].line);
		free(c->answers[i].outcome);
	}
	wf_poll_destroy(c->poll);
	close(c->fd);
	wf_buf_release(&c->in);
	wf_buf_release(&c->out);
	free(c->last);
	free(c);
}

struct control *control_open(struct attempt *a, int fd)
{
	struct control *c = wf_xcalloc(1, sizeof(*c));

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c->attempt = a;
	c->fd = fd;
	c->poll = wf_poll_create(a->agent->loop, fd, on_ready, c);
	wf_poll_set(c->poll, 1, 0);
	return c;
}
