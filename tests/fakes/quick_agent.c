/* quick_agent.c - owns facts that were not acknowledged and starts that are held; knows no process and no script. */
#include "tests/fakes/quick_agent.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/link/wire.h"
#include "executors/agent/serve.h"

struct quick_agent {
	struct wf_loop *loop;
	struct wf_os *os;
	struct wf_serve *serve;
	uint32_t cores;
	uint64_t hold, starts;         /* how many before it holds; how many there were */
	int holds;
	uint64_t mark, cursor;         /* of the last fact */
	struct wf_ended *facts;        /* not acknowledged, by cursor: from `first` on */
	size_t first, count, cap;
	struct wf_attempt_ref *held;
	size_t held_count, held_cap;
	int streaming, seen;           /* of this connection: reattach is through; a start came */
};

static void say_when(struct quick_agent *q, const char *what)
{
	wf_log(WF_LOG_INFO, "%s %llu", what, (unsigned long long)wf_os_mono_ns(q->os) / 1000);
}

static void send(struct quick_agent *q, struct wf_buf *b)
{
	wf_serve_send(q->serve, b);
	wf_buf_release(b);
}

static void send_ended(struct quick_agent *q, const struct wf_ended *e, size_t n)
{
	struct wf_buf b = { 0 };

	if (!n || !q->streaming)
		return;
	wf_wire_ended(&b, e, (uint32_t)n);
	send(q, &b);
}

/* A fact for each; they go out together. */
static void finish(struct quick_agent *q, const struct wf_attempt_ref *refs, size_t n)
{
	int64_t now = wf_os_wall_ms(q->os);

	q->facts = wf_grow(q->facts, &q->cap, q->count + n, sizeof(*q->facts));
	for (size_t i = 0; i < n; i++)
		q->facts[q->count + i] = (struct wf_ended){ .ref = refs[i], .cursor = ++q->cursor, .class = WF_CLASS_OK,
							    .started_ms = now, .ended_ms = now,
							    .usage = { .cpu_us = 1000, .max_rss_kib = 1024 } };
	send_ended(q, q->facts + q->count, n);
	q->count += n;
}

static void hold(struct quick_agent *q, const struct wf_attempt_ref *refs, size_t n)
{
	if (!q->holds)
		say_when(q, "holds since");
	q->holds = 1;
	q->held = wf_grow(q->held, &q->held_cap, q->held_count + n, sizeof(*q->held));
	memcpy(q->held + q->held_count, refs, n * sizeof(*refs));
	q->held_count += n;
}

static void start(struct quick_agent *q, const struct wf_frame *f)
{
	struct wf_attempt_ref *refs = wf_xmalloc((f->count + 1) * sizeof(*refs));
	struct wf_buf b = { 0 };

	if (!q->seen)
		say_when(q, "first start at");
	q->seen = 1;
	for (uint32_t i = 0; i < f->count; i++)
		refs[i] = (struct wf_attempt_ref){ .number = f->start[i].number, .key = f->start[i].key };
	if (f->count)
		q->mark = refs[f->count - 1].number;
	wf_wire_refs(&b, WF_WIRE_ACCEPTED, refs, f->count, 0);
	send(q, &b);
	q->starts += f->count;
	if (q->hold && q->starts > q->hold)
		hold(q, refs, f->count);
	else
		finish(q, refs, f->count);
	free(refs);
}

/* What it has ended it says again by itself; what it holds ends now. */
static void reattach(struct quick_agent *q, const struct wf_frame *f)
{
	struct wf_buf b = { 0 };

	for (uint32_t i = 0; i < f->count; i++) {
		struct wf_lost l = { .ref = f->ref[i], .why = WF_LOST_NEVER };

		if (f->ref[i].number > q->mark)
			wf_wire_lost(&b, &l, 1);
	}
	send(q, &b);
	if (!f->last)
		return;
	q->streaming = 1;
	send_ended(q, q->facts + q->first, q->count - q->first);
	finish(q, q->held, q->held_count);
	q->held_count = 0;
}

static void acknowledge(struct quick_agent *q, uint64_t cursor)
{
	while (q->first < q->count && q->facts[q->first].cursor <= cursor)
		q->first++;
	/* Half of it is past: move the rest to the front. */
	if (q->first * 2 >= q->count) {
		q->count -= q->first;
		memmove(q->facts, q->facts + q->first, q->count * sizeof(*q->facts));
		q->first = 0;
	}
}

static void on_frame(void *agent, const struct wf_frame *f)
{
	struct quick_agent *q = agent;

	if (f->type == WF_WIRE_START)
		start(q, f);
	else if (f->type == WF_WIRE_REATTACH)
		reattach(q, f);
	else if (f->type == WF_WIRE_ACK)
		acknowledge(q, f->cursor);
}

static void on_hello(void *agent, struct wf_hello *h)
{
	struct quick_agent *q = agent;

	h->role = "fake";
	h->instance = "quick";
	h->host = wf_host_name();
	h->boot_id = "quick-boot";
	h->pid_ns = 1;
	h->pid = 1;
	h->cores = q->cores;
	h->memory = (uint64_t)1 << 50;
	h->mark = q->mark;
	h->cursor = q->cursor + 1;
}

static void on_attached(void *agent, uint64_t epoch)
{
	struct quick_agent *q = agent;

	(void)epoch;
	q->streaming = q->seen = 0;
}

static void on_detached(void *agent)
{
	struct quick_agent *q = agent;

	q->streaming = 0;
}

static const struct wf_serve_ops serve_ops = { .hello = on_hello, .attached = on_attached, .frame = on_frame, .detached = on_detached };

int quick_agent_listen(struct quick_agent *q, const char *path, struct wf_err *err)
{
	return wf_serve_listen(q->serve, path, err);
}

void quick_agent_destroy(struct quick_agent *q)
{
	if (!q)
		return;
	wf_serve_destroy(q->serve);
	free(q->facts);
	free(q->held);
	free(q);
}

struct quick_agent *quick_agent_create(struct wf_loop *l, struct wf_os *os, uint32_t cores, uint64_t hold_after)
{
	struct quick_agent *q = wf_xcalloc(1, sizeof(*q));

	q->loop = l;
	q->os = os;
	q->cores = cores;
	q->hold = hold_after;
	q->serve = wf_serve_create(l, &serve_ops, q, 0);
	return q;
}
