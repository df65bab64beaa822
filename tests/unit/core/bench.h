/* bench.h - a whole engine on a bench: simulated files and time, and an agent played by hand
 *
 *     struct bench b;
 *     bench_open(&b, text);            submitted; its agent is connected and silent
 *     bench_hello(&b, 0);              the agent says what it is
 *     bench_settle(&b);                until nothing is left to do now
 *     bench_say_ended(&b, ...)         an answer arrives
 *     b.sent[], b.sent_count           what the engine sent, and how much was on disk by then
 *     bench_close(&b);
 */
#ifndef WF_TESTS_UNIT_CORE_BENCH_H
#define WF_TESTS_UNIT_CORE_BENCH_H

#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/core/engine.h"
#include "tests/sim/sim.h"
#include "tests/tap/tap.h"

struct bench {
	struct sim *sim;
	struct sim_process *home;
	struct engine *e;
	struct wf_channel channel;     /* the engine's end */
	int connected, hung_up;
	struct sent {
		enum wf_wire_type type;
		uint64_t number;       /* attempt, or cursor of an ACK */
		uint64_t durable;      /* last event on disk when it was sent */
	} sent[256];
	size_t sent_count;
	uint64_t run;                  /* answer of the submit */
	int answered;
	uint64_t durable_at_answer;
	int left;
	struct wf_err why;
};

static inline void bench_sent(struct wf_channel *c, const void *p, size_t n)
{
	struct bench *b = wf_container_of(c, struct bench, channel);
	struct wf_frame f;
	struct wf_err err;

	if (wf_wire_decode(&f, p, n, &err) < 0)
		bail("the engine sent what cannot be read: %s", err.text);
	for (uint32_t i = 0; i < (f.count ? f.count : 1) && b->sent_count < WF_COUNT(b->sent); i++) {
		struct sent *s = &b->sent[b->sent_count++];

		*s = (struct sent){ .type = f.type, .durable = wf_store_last_seq(b->e->store) };
		if (f.type == WF_WIRE_START)
			s->number = f.start[i].number;
		else if (f.type == WF_WIRE_CANCEL)
			s->number = f.cancel[i].ref.number;
		else if (f.type == WF_WIRE_CALL)
			s->number = f.call[i].ref.number;
		else if (f.type == WF_WIRE_REATTACH && f.count)
			s->number = f.ref[i].number;
		else if (f.type == WF_WIRE_ACK)
			s->number = f.cursor;
	}
	wf_frame_release(&f);
}

static inline void bench_gone(void *arg)
{
	struct bench *b = arg;

	b->connected = 0;
	if (b->channel.on_closed)
		b->channel.on_closed(&b->channel, NULL);
}

static inline void bench_never(void *arg)
{
	(void)arg;
}

static inline void bench_hang_up(struct wf_channel *c)
{
	struct bench *b = wf_container_of(c, struct bench, channel);

	if (b->hung_up++ || b->home->dead)
		return;
	sim_at(b->sim, b->home, sim_now_ns(b->sim) + 1000, bench_gone, bench_never, b);
}

static inline size_t bench_pending(const struct wf_channel *c)
{
	(void)c;
	return 0;
}

static const struct wf_channel_ops bench_ops = { .send = bench_sent, .close = bench_hang_up, .pending = bench_pending };

static inline void bench_connect_now(void *arg)
{
	struct bench *b = arg;

	b->channel.ops = &bench_ops;
	b->connected = 1;
	b->hung_up = 0;
	wf_core_connected(b->e, "local", &b->channel, NULL);
}

static inline void bench_connect(struct engine *e, const char *executor, void *arg)
{
	struct bench *b = arg;

	(void)e;
	(void)executor;
	sim_at(b->sim, b->home, sim_now_ns(b->sim) + 1000, bench_connect_now, bench_never, b);
}

static inline void bench_left(void *arg, const struct wf_err *why)
{
	struct bench *b = arg;

	b->left++;
	if (why)
		b->why = *why;
}

static inline void bench_answer(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	struct bench *b = arg;

	(void)replayed;
	(void)findings;
	b->answered++;
	b->run = run;
	b->durable_at_answer = wf_store_last_seq(b->e->store);
	if (err)
		diag("submit: %s", err->text);
}

static inline void bench_boot(struct bench *b)
{
	struct wf_core_options o = { .state_dir = "/sim/state", .types_dirs = { "services/types" }, .connect = bench_connect, .connect_arg = b };
	struct wf_err err;

	/* What a test calls itself happens on the engine's host. */
	b->home = sim_current = sim_process_start(b->sim, "engine");
	o.os = &b->home->os;
	o.loop = &b->home->loop;
	if (wf_dir_make(o.os, "/sim/state", 0700, &err) < 0 || wf_dir_make(o.os, "/sim/work", 0700, &err) < 0)
		bail("%s", err.text);
	b->e = wf_core_create(&o, &err);
	if (!b->e)
		bail("%s", err.text);
	wf_core_on_leave(b->e, bench_left, b);
	wf_core_start(b->e);
}

static inline void bench_submit(struct bench *b, const char *text)
{
	static char *const env[] = { NULL };
	struct wf_submit s = { .text = text, .text_n = strlen(text), .executor = "local", .workdir = "/sim/work", .env = env };

	wf_core_submit(b->e, &s, bench_answer, b);
}

/* Everything that happens within so many ms. */
static inline void bench_wait(struct bench *b, uint64_t ms)
{
	uint64_t until = sim_now_ns(b->sim) + ms * 1000000;

	while (sim_now_ns(b->sim) < until && sim_step(b->sim))
		;
}

/* Until the engine has nothing to commit and nothing to decide. */
static inline void bench_settle(struct bench *b)
{
	for (int i = 0; i < 10000 && (b->e->committing || b->e->kicked || b->e->open.events || b->e->open.effect_count || i < 4); i++)
		if (!sim_step(b->sim))
			break;
}

static inline void bench_say(struct bench *b, struct wf_buf *frame)
{
	if (b->connected && !b->hung_up)
		b->channel.on_frame(&b->channel, frame->data, frame->len);
	wf_buf_release(frame);
}

static inline void bench_hello(struct bench *b, uint64_t mark)
{
	struct wf_hello h = { .version = WF_WIRE_VERSION, .role = "fake", .build = "test", .instance = "i", .host = "h", .boot_id = "b",
			      .pid = 1, .cores = 4, .memory = (uint64_t)8 << 30, .mark = mark };
	struct wf_buf f = { 0 };

	while (!b->connected && sim_step(b->sim))
		;
	wf_wire_hello(&f, &h);
	bench_say(b, &f);
}

static inline void bench_open(struct bench *b, const char *text)
{
	memset(b, 0, sizeof(*b));
	b->sim = sim_create(1);
	bench_boot(b);
	bench_submit(b, text);
}

static inline struct run *bench_run(struct bench *b)
{
	return b->e->runs[b->e->run_count - 1];
}

static inline struct wf_task *bench_task(struct bench *b, const char *name)
{
	uint32_t instance, index;
	struct wf_err err;

	if (dag_task_find(bench_run(b)->dag, name, &instance, &index, &err) < 0)
		bail("%s", err.text);
	return &bench_run(b)->inst[instance].tasks[index];
}

static inline struct wf_attempt_ref bench_ref(struct bench *b, const char *name)
{
	struct wf_attempt_ref ref = { .key = { .run = bench_run(b)->row.number } };
	struct wf_err err;

	if (dag_task_find(bench_run(b)->dag, name, &ref.key.instance, &ref.key.index, &err) < 0)
		bail("%s", err.text);
	ref.number = bench_task(b, name)->number;
	ref.key.attempt = bench_task(b, name)->attempt;
	return ref;
}

static inline void bench_say_running(struct bench *b, const struct wf_attempt_ref *ref, uint64_t cursor)
{
	struct wf_running r = { .ref = *ref, .cursor = cursor, .pid = 77, .started_ms = 1700000001000 };
	struct wf_buf f = { 0 };

	wf_wire_running(&f, &r, 1);
	bench_say(b, &f);
}

static inline void bench_say_ended(struct bench *b, const struct wf_attempt_ref *ref, uint64_t cursor, uint8_t class)
{
	struct wf_ended e = { .ref = *ref, .cursor = cursor, .class = class, .started_ms = 1700000001000, .ended_ms = 1700000002000 };
	struct wf_buf f = { 0 };

	wf_wire_ended(&f, &e, 1);
	bench_say(b, &f);
}

static inline size_t bench_count(const struct bench *b, enum wf_wire_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < b->sent_count; i++)
		n += b->sent[i].type == type;
	return n;
}

/* The last of its kind; NULL when none was sent. */
static inline const struct sent *bench_last(const struct bench *b, enum wf_wire_type type)
{
	for (size_t i = b->sent_count; i-- > 0;)
		if (b->sent[i].type == type)
			return &b->sent[i];
	return NULL;
}

static inline void bench_kill(struct bench *b)
{
	sim_process_kill(b->home);
	wf_core_destroy(b->e);
	sim_process_free(b->home);
	sim_current = NULL;
	b->connected = 0;
}

static inline void bench_close(struct bench *b)
{
	bench_kill(b);
	sim_destroy(b->sim);
}

#endif
