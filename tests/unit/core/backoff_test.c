/* A back-off goes on through the engine's deaths: by the monotonic clock as long as that counts on, and never shorter than it was asked for. */
#include "tests/unit/core/bench.h"

enum { BACKOFF_MS = 8000, SETTLE_MS = 50 };

static const char text[] = "workflow: {name: t}\n"
			   "steps:\n"
			   "  - {name: a, command: a, retry: {limit: 3, backoff: 8s}}\n";

static void wake(void *arg)
{
	*(int *)arg = 1;
}

/* So much time and no more, with an engine or without one: bench_wait goes on to what comes next. */
static void pass(struct bench *b, uint64_t ms)
{
	struct sim_process *other = sim_process_start(b->sim, "other");
	int awake = 0;

	sim_at(b->sim, other, sim_now_ns(b->sim) + ms * 1000000, wake, NULL, &awake);
	while (!awake && sim_step(b->sim))
		;
	sim_process_kill(other);
	sim_process_free(other);
}

/* What happened is on disk, however long that takes. */
static void durable(struct bench *b)
{
	while ((b->e->committing || b->e->open.events || !b->answered) && sim_step(b->sim))
		;
}

static void open_failed(struct bench *b)
{
	struct wf_attempt_ref a;

	bench_open(b, text);
	bench_hello(b, 0);
	durable(b);
	a = bench_ref(b, "a");
	bench_say_running(b, &a, 1);
	bench_say_ended(b, &a, 2, WF_CLASS_EXIT);
	durable(b);
	if (bench_task(b, "a")->state != WF_TASK_READY)
		bail("the task is not ready");
}

/* With power: and its host before it. */
static void boot_again(struct bench *b, uint64_t ms, int power)
{
	bench_kill(b);
	if (power)
		sim_disk_power(b->sim);
	pass(b, ms);
	bench_boot(b);
	bench_hello(b, 1);
	pass(b, SETTLE_MS);
}

static int64_t left(struct bench *b)
{
	if (b->e->backoff_count != 1)
		bail("%zu tasks wait for their back-off", b->e->backoff_count);
	return b->e->backoffs[0].due_ms - wf_os_mono_ms(&b->home->os);
}

static int starts(struct bench *b)
{
	return bench_task(b, "a")->attempt - 1;
}

static void test_goes_on(void)
{
	struct bench b;

	open_failed(&b);
	pass(&b, 2000);
	sim_wall_jump(b.sim, 3600 * 1000);
	boot_again(&b, 1000, 0);
	ok(left(&b) > 4500 && left(&b) <= 5000, "after a death the rest of a back-off is waited for: %lld ms", (long long)left(&b));
	pass(&b, 2000);
	sim_wall_jump(b.sim, -7200 * 1000);
	boot_again(&b, 0, 0);
	ok(left(&b) > 2500 && left(&b) <= 3000, "after another one, too: %lld ms", (long long)left(&b));
	pass(&b, 2400);
	is_int(starts(&b), 0, "no attempt begins before that");
	pass(&b, 1000);
	is_int(starts(&b), 1, "then the next one does");
	bench_close(&b);
}

static void test_over_meanwhile(void)
{
	struct bench b;

	open_failed(&b);
	boot_again(&b, 60000, 0);
	pass(&b, 100);
	is_int(starts(&b), 1, "what was over while no engine was there is not waited for again");
	bench_close(&b);
}

/* The monotonic clock begins anew: nothing it said before means anything. */
static void test_other_boot(void)
{
	struct bench b;

	open_failed(&b);
	boot_again(&b, 3000, 1);
	ok(left(&b) > BACKOFF_MS - 500 && left(&b) <= BACKOFF_MS, "after the host was booted all of it is waited for: %lld ms", (long long)left(&b));
	boot_again(&b, 3000, 0);
	ok(left(&b) > BACKOFF_MS - 500 && left(&b) <= BACKOFF_MS, "and again: it began before that boot");
	bench_close(&b);
}

int main(void)
{
	wf_log_to(-1, WF_LOG_ERROR, "test");
	test_goes_on();
	test_over_meanwhile();
	test_other_boot();
	return done_testing();
}
