/* post.c - wf-bench-post: how many transitions a second the core makes durable when nothing else happens; no agent, no process.
 *
 *     wf-bench-post DIR TASKS BATCH
 *
 * An engine of its own in DIR gets a run of TASKS tasks, from an agent that says hello and hangs up. While one batch is being committed,
 * BATCH transitions are posted for the next: tasks start, run and end through the one door events have, and the core decides their
 * success. Prints "name value" lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/base/log.h"
#include "engine/core/engine.h"

enum { PER_TASK = 4 }; /* started, running, ended; and succeeded, which the core posts itself */

struct bench {
	struct wf_loop *loop;
	struct engine *e;
	struct wf_channel channel;
	struct wf_timer timer;
	struct wf_post again;
	struct run *run;
	uint32_t tasks, at_once, next;
	int connections, done;
	double from;
	uint64_t first_seq, first_commit;
	struct rusage before;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void fail(const char *doing, const struct wf_err *err)
{
	fprintf(stderr, "wf-bench-post: %s: %s\n", doing, err ? err->text : "it is over");
	exit(1);
}

/* ---- an agent that says hello, and hangs up once it is not needed ------------------------------------------------ */

static void on_send(struct wf_channel *c, const void *p, size_t n)
{
	(void)c;
	(void)p;
	(void)n;
}

static void on_gone(struct wf_timer *t)
{
	struct bench *b = wf_container_of(t, struct bench, timer);

	b->channel.on_closed(&b->channel, NULL);
}

static void on_close(struct wf_channel *c)
{
	struct bench *b = wf_container_of(c, struct bench, channel);

	b->timer.fn = on_gone;
	wf_timer_start(b->loop, &b->timer, 0);
}

static size_t on_pending(const struct wf_channel *c)
{
	(void)c;
	return 0;
}

static const struct wf_channel_ops agent_ops = { .send = on_send, .close = on_close, .pending = on_pending };

static void on_hello(struct wf_timer *t)
{
	struct bench *b = wf_container_of(t, struct bench, timer);
	struct wf_hello h = { .version = WF_WIRE_VERSION, .role = "fake", .build = "bench", .instance = "bench", .host = "h", .boot_id = "b",
			      .pid = 1, .cores = 1, .memory = (uint64_t)1 << 30 };
	struct wf_buf f = { 0 };

	wf_core_connected(b->e, "local", &b->channel, NULL);
	wf_wire_hello(&f, &h);
	b->channel.on_frame(&b->channel, f.data, f.len);
	wf_buf_release(&f);
}

static void connect_agent(struct engine *e, const char *executor, void *arg)
{
	struct bench *b = arg;

	(void)e;
	(void)executor;
	if (b->connections++)
		return; /* the second one never comes */
	b->channel.ops = &agent_ops;
	b->timer.fn = on_hello;
	wf_timer_start(b->loop, &b->timer, 0);
}

/* ---- posting --------------------------------------------------------------------------------------------------- */

static void post_task(struct bench *b, uint32_t index)
{
	const struct wf_task *t = &b->run->inst[0].tasks[index];
	/* The agent was there for a moment, and got one to start. */
	int started = t->state == WF_TASK_ACTIVE;
	uint64_t number = started ? t->number : b->e->next_number++;
	int64_t ms = 1700000000000 + index;
	struct wf_event running = { .kind = WF_E_ATTEMPT_RUNNING, .b = index, .v = { (int64_t)number, 1000 + index, ms } };
	struct wf_event ended = { .kind = WF_E_ATTEMPT_ENDED, .b = index, .v = { (int64_t)number, WF_CLASS_OK, 0, ms, ms, 1, 1024 } };

	if (!started)
		core_post_task(b->e, b->run, WF_E_TASK_STARTED, 0, index, (int64_t)number);
	core_post(b->e, b->run, &running);
	core_post(b->e, b->run, &ended);
}

static void report(struct bench *b)
{
	double s = now_s() - b->from;
	uint64_t events = b->e->next_seq - b->first_seq;
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("seconds %.6f\ntransitions %llu\ncommits %llu\ncpu_us %.3f\n", s, (unsigned long long)events,
	       (unsigned long long)(b->e->store_state.commits - b->first_commit), (cpu_s(&u) - cpu_s(&b->before)) * 1e6);
}

static void on_stopped(void *arg)
{
	struct bench *b = arg;

	wf_loop_stop(b->loop);
}

static void post_batch(struct bench *b);

static void on_durable(void *arg)
{
	struct bench *b = arg;

	if (b->next < b->tasks) {
		post_batch(b);
	} else if (!b->done && wf_run_is_over(&b->run->row) && !b->e->open.events) {
		b->done = 1;
		report(b);
		wf_core_stop(b->e, on_stopped, b);
	} else if (!b->done) {
		wf_core_when_durable(b->e, on_durable, b);
	}
}

/* The next batch is posted while this one flies: not before this one is sealed, or both were one. */
static void on_again(struct wf_post *p)
{
	struct bench *b = wf_container_of(p, struct bench, again);

	if (b->e->open.events) {
		wf_loop_post(b->loop, p);
		return;
	}
	for (uint32_t i = 0; i < b->at_once && b->next < b->tasks; i++)
		post_task(b, b->next++);
	wf_core_when_durable(b->e, on_durable, b);
}

static void post_batch(struct bench *b)
{
	b->again.fn = on_again;
	wf_loop_post(b->loop, &b->again);
}

static void on_begin(struct wf_timer *t)
{
	struct bench *b = wf_container_of(t, struct bench, timer);

	if (b->e->committing || b->e->open.events || b->e->local.state == AGENT_READY || b->run->row.state != WF_RUN_RUNNING) {
		wf_timer_start(b->loop, t, 5);
		return;
	}
	b->first_seq = b->e->next_seq;
	b->first_commit = b->e->store_state.commits;
	getrusage(RUSAGE_SELF, &b->before);
	b->from = now_s();
	for (uint32_t i = 0; i < b->at_once && b->next < b->tasks; i++)
		post_task(b, b->next++);
	wf_core_when_durable(b->e, on_durable, b);
	post_batch(b);
}

static void on_submitted(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	struct bench *b = arg;

	(void)replayed;
	(void)findings;
	if (err)
		fail("submit", err);
	b->run = wf_core_run(b->e, run);
	b->channel.on_closed(&b->channel, NULL);
	b->timer.fn = on_begin;
	wf_timer_start(b->loop, &b->timer, 5);
}

static void on_leave(void *arg, const struct wf_err *why)
{
	(void)arg;
	fail("serve", why);
}

int main(int argc, char **argv)
{
	static char *const env[] = { NULL };
	struct bench b = { 0 };
	struct wf_core_options o = { .os = wf_os_posix(), .connect = connect_agent, .connect_arg = &b };
	struct wf_submit s = { .executor = "local", .workdir = "/", .env = env };
	struct wf_err err;
	char *text;

	if (argc != 4 || argv[1][0] != '/' || atoi(argv[2]) < 1 || atoi(argv[3]) < PER_TASK) {
		fputs("usage: wf-bench-post DIR TASKS BATCH\n", stderr);
		return 2;
	}
	wf_log_to(2, WF_LOG_WARN, "wf-bench-post");
	b.tasks = (uint32_t)atoi(argv[2]);
	b.at_once = (uint32_t)atoi(argv[3]) / PER_TASK;
	b.loop = o.loop = wf_loop_uv_create();
	o.state_dir = argv[1];
	if (wf_dir_make(o.os, argv[1], 0700, &err) < 0)
		fail("begin", &err);
	b.e = wf_core_create(&o, &err);
	if (!b.e)
		fail("begin", &err);
	wf_core_on_leave(b.e, on_leave, &b);
	wf_core_start(b.e);
	text = wf_xasprintf("workflow: {name: post}\nsteps:\n  - name: t\n    foreach: {i: {range: %u}}\n    command: /bin/true\n", b.tasks);
	s.text = text;
	s.text_n = strlen(text);
	wf_core_submit(b.e, &s, on_submitted, &b);
	wf_loop_run(b.loop);
	free(text);
	wf_core_destroy(b.e);
	wf_loop_destroy(b.loop);
	return 0;
}
