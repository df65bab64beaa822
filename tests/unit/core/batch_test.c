/* Group commit: nothing leaves the house before its cause is on disk, what comes meanwhile is gathered, and what cannot be committed never
 * leaves.
 */
#include "tests/unit/core/bench.h"

static const char two[] = "workflow: {name: t}\n"
			  "steps:\n"
			  "  - {name: a, command: a}\n"
			  "  - {name: b, after: [a], command: b}\n";

/* Seq of the last event of a kind, as the store has it. */
struct search {
	uint8_t kind;
	uint64_t seq, batches;
};

static int look(const struct wf_event *e, void *arg)
{
	struct search *s = arg;

	if (e->kind == s->kind)
		s->seq = e->seq;
	return 0;
}

static uint64_t stored(struct bench *b, uint8_t kind)
{
	struct search s = { .kind = kind };
	struct wf_err err;

	if (wf_store_get_events(b->e->store, 0, 0, 10000, look, &s, &err) < 0)
		bail("%s", err.text);
	return s.seq;
}

static void test_order(void)
{
	struct bench b;
	const struct sent *start;

	bench_open(&b, two);
	bench_hello(&b, 0);
	ok(!b.answered, "a submit is not answered at once");
	while (!b.e->committing && sim_step(b.sim))
		;
	ok(!b.answered && bench_count(&b, WF_WIRE_START) == 0, "nor while its batch is written");
	bench_settle(&b);
	is_int(b.answered, 1, "but then, once");
	start = bench_last(&b, WF_WIRE_START);
	ok(start && start->durable >= stored(&b, WF_E_TASK_STARTED), "a start leaves after its event is on disk");
	ok(b.durable_at_answer >= stored(&b, WF_E_RUN_SUBMITTED), "so does the answer");
	bench_close(&b);
}

static void test_acknowledged_after(void)
{
	struct wf_attempt_ref a;
	struct bench b;

	bench_open(&b, two);
	bench_hello(&b, 0);
	bench_settle(&b);
	a = bench_ref(&b, "a");
	bench_say_running(&b, &a, 1);
	bench_say_ended(&b, &a, 2, WF_CLASS_OK);
	is_int(bench_count(&b, WF_WIRE_ACK), 0, "what was said is not acknowledged at once");
	bench_settle(&b);
	bench_wait(&b, 1000);
	is_int(bench_last(&b, WF_WIRE_ACK) ? (int64_t)bench_last(&b, WF_WIRE_ACK)->number : -1, 2, "but up to the last");
	ok(bench_last(&b, WF_WIRE_ACK)->durable >= stored(&b, WF_E_ATTEMPT_ENDED), "once it is on disk");
	ok(bench_last(&b, WF_WIRE_START)->durable >= stored(&b, WF_E_TASK_SUCCEEDED), "a successor's start rests on its parent's end");
	bench_close(&b);
}

static void test_gathering(void)
{
	struct bench b;
	uint64_t commits;

	bench_open(&b, "workflow: {name: t}\nsteps:\n  - {name: s, foreach: {i: {range: 4}}, command: x}\n");
	bench_hello(&b, 0);
	bench_settle(&b);
	commits = b.e->store_state.commits;
	for (int i = 0; i < 4; i++) {
		char name[8] = { 's', '[', (char)('0' + i), ']' };
		struct wf_attempt_ref ref = bench_ref(&b, name);

		bench_say_running(&b, &ref, 0);
		bench_say_ended(&b, &ref, 0, WF_CLASS_OK);
		/* The first of them flies before the others are said. */
		while (i == 0 && !b.e->committing && sim_step(b.sim))
			;
	}
	bench_settle(&b);
	ok(wf_run_is_over(&bench_run(&b)->row), "all is done");
	is_int((int64_t)(b.e->store_state.commits - commits), 2, "what came while a batch was written is one batch");
	bench_close(&b);
}

static int fired;

static void fire(void *arg)
{
	(void)arg;
	fired++;
}

static void test_when_durable(void)
{
	struct bench b;
	struct wf_err err;

	bench_open(&b, two);
	bench_hello(&b, 0);
	bench_settle(&b);
	wf_core_when_durable(b.e, fire, NULL);
	is_int(fired, 0, "never before it returns");
	bench_settle(&b);
	is_int(fired, 1, "soon, when nothing is under way");
	if (wf_core_pause(b.e, b.run, &err) < 0)
		bail("%s", err.text);
	while (!b.e->committing && sim_step(b.sim))
		;
	if (wf_core_resume(b.e, b.run, &err) < 0)
		bail("%s", err.text);
	wf_core_when_durable(b.e, fire, NULL);
	while (b.e->committing && sim_step(b.sim))
		;
	ok(fired == 1 || stored(&b, WF_E_RUN_RESUMED), "it waits for what flies and for what gathers");
	bench_settle(&b);
	ok(fired == 2 && stored(&b, WF_E_RUN_RESUMED), "both are on disk then");
	bench_close(&b);
}

static int watched;

static void on_watch(struct wf_watch *w, uint64_t run)
{
	(void)w;
	watched += run == 1;
}

static void test_watch(void)
{
	struct wf_watch all = { .fn = on_watch }, one = { .fn = on_watch, .run = 1 }, other = { .fn = on_watch, .run = 2 };
	struct wf_err err;
	struct bench b;

	bench_open(&b, two);
	bench_hello(&b, 0);
	bench_settle(&b);
	watched = 0;
	wf_core_watch(b.e, &all);
	wf_core_watch(b.e, &one);
	wf_core_watch(b.e, &other);
	if (wf_core_pause(b.e, b.run, &err) < 0)
		bail("%s", err.text);
	is_int(watched, 0, "watchers hear nothing of what is not on disk");
	bench_settle(&b);
	is_int(watched, 2, "and then those whom it concerns, once a batch");
	wf_core_unwatch(b.e, &one);
	wf_core_unwatch(b.e, &one);
	if (wf_core_resume(b.e, b.run, &err) < 0)
		bail("%s", err.text);
	bench_settle(&b);
	is_int(watched, 3, "no more after unwatch, which may be said twice");
	wf_core_unwatch(b.e, &all);
	wf_core_unwatch(b.e, &other);
	bench_close(&b);
}

static void test_failure(void)
{
	struct wf_attempt_ref a;
	struct bench b;
	size_t sent;

	bench_open(&b, two);
	bench_hello(&b, 0);
	bench_settle(&b);
	a = bench_ref(&b, "a");
	sent = b.sent_count;
	fired = 0;
	b.home->failing = 1;
	bench_say_running(&b, &a, 1);
	bench_say_ended(&b, &a, 2, WF_CLASS_OK);
	wf_core_when_durable(b.e, fire, NULL);
	bench_wait(&b, 5000);
	is_int(b.left, 1, "an engine that cannot write leaves, once");
	is_int(b.why.code, WF_IO, "and says why: %s", b.why.text);
	is_int((int64_t)b.sent_count, (int64_t)sent, "nothing of the batch was sent");
	is_int(fired, 0, "and nothing answered");
	bench_say_running(&b, &a, 3);
	bench_wait(&b, 5000);
	is_int((int64_t)b.sent_count, (int64_t)sent, "nor later");
	/* The next engine reads what was there before, and the agent says it again. */
	sim_process_kill(b.home);
	wf_core_destroy(b.e);
	sim_process_free(b.home);
	b.connected = 0;
	bench_boot(&b);
	bench_hello(&b, 1);
	ok(bench_last(&b, WF_WIRE_REATTACH) && bench_last(&b, WF_WIRE_REATTACH)->number == 1, "it asks for the attempt it knows of");
	bench_say_ended(&b, &a, 2, WF_CLASS_OK);
	bench_settle(&b);
	is_int(bench_task(&b, "a")->state, WF_TASK_SUCCEEDED, "and hears how it ended");
	bench_close(&b);
}

static void on_removed(void *arg, const struct wf_err *err)
{
	*(int *)arg = err ? -1 : 1;
}

/* A run that is forgotten leaves its number behind: agents and names of files know it. */
static void test_numbers(void)
{
	struct bench b;
	struct wf_err err;
	int removed = 0;

	bench_open(&b, "workflow: {name: t}\nsteps:\n  - {name: a, command: a, when: '1 == 2'}\n");
	bench_hello(&b, 0);
	bench_settle(&b);
	ok(wf_run_is_over(&bench_run(&b)->row), "a run that is over");
	wf_core_remove(b.e, b.run, on_removed, &removed);
	bench_settle(&b);
	is_int(removed, 1, "is forgotten");
	is_int((int64_t)b.e->run_count, 0, "entirely");
	sim_process_kill(b.home);
	wf_core_destroy(b.e);
	sim_process_free(b.home);
	b.connected = 0;
	bench_boot(&b);
	bench_submit(&b, two);
	bench_hello(&b, 0);
	bench_settle(&b);
	is_int((int64_t)b.run, 2, "and its number is not given again");
	is_int(wf_core_cancel(b.e, 1, &err), -1, "nobody answers to it");
	is_int(err.code, WF_NOT_FOUND, "any more");
	bench_close(&b);
}

static void on_refused(void *arg, const struct wf_err *err)
{
	*(enum wf_code *)arg = err ? err->code : WF_OK;
}

/* What may have left a process behind is shown until that is known, not forgotten. */
static void test_leaked_is_kept(void)
{
	struct bench b;
	enum wf_code code = WF_OK;

	bench_open(&b, "workflow: {name: t}\nservices: [{name: s, type: COMMAND, command: x, ready: {tcp: '127.0.0.1:1'}}]\n"
		       "steps:\n  - {name: a, command: a, when: '1 == 2', services: [s]}\n");
	bench_hello(&b, 0);
	bench_settle(&b);
	bench_run(&b)->services[0].s.state = WF_SERVICE_LEAKED;
	wf_core_remove(b.e, b.run, on_refused, &code);
	bench_settle(&b);
	is_int(code, WF_CONFLICT, "a run with a leaked service is not forgotten");
	is_int((int64_t)b.e->run_count, 1, "it is still there");
	bench_run(&b)->services[0].s.state = WF_SERVICE_STOPPED;
	wf_core_remove(b.e, b.run, on_refused, &code);
	bench_settle(&b);
	is_int(code, WF_OK, "once it is proven gone, it may go");
	is_int((int64_t)b.e->run_count, 0, "and goes");
	bench_close(&b);
}

static void test_once(void)
{
	struct bench b;

	bench_open(&b, two);
	bench_hello(&b, 0);
	while (!b.e->committing && sim_step(b.sim))
		;
	b.home->fail_at_write = b.home->writes + 1;
	bench_settle(&b);
	ok(b.answered == 1 && !b.left, "one failed write is written again");
	bench_close(&b);
}

static void test_stop(void)
{
	struct bench b;
	struct wf_err err;

	bench_open(&b, two);
	bench_hello(&b, 0);
	bench_settle(&b);
	fired = 0;
	if (wf_core_pause(b.e, b.run, &err) < 0)
		bail("%s", err.text);
	wf_core_stop(b.e, fire, NULL);
	is_int(fired, 0, "stopping takes a commit");
	bench_wait(&b, 1000);
	is_int(fired, 1, "it has stopped");
	ok(stored(&b, WF_E_ENGINE_STOPPED) > stored(&b, WF_E_RUN_PAUSED) && stored(&b, WF_E_RUN_PAUSED), "what was open is on disk");
	is_int((int64_t)bench_count(&b, WF_WIRE_CANCEL), 0, "tasks go on");
	bench_close(&b);
}

/* The blobs of a run that is over are written without an event, a few in each batch: together they would be a second copy of all tasks. */
static void test_blobs_of_a_run_that_is_over(void)
{
	struct bench b;
	size_t most = 0, left, before;
	uint64_t commits;

	bench_open(&b, "workflow: {name: t}\nsteps:\n  - {name: a, foreach: {i: {range: 300000}}, command: a, when: '1 == 2'}\n");
	bench_hello(&b, 0);
	while (!b.answered && sim_step(b.sim))
		;
	while (!wf_run_is_over(&bench_run(&b)->row) && sim_step(b.sim))
		;
	commits = b.e->store_state.commits;
	left = bench_run(&b)->chunk_count;
	ok(left > 50, "a large run is over, and there is much to write");
	for (before = left; left && sim_step(b.sim); before = left) {
		left = bench_run(&b)->chunk_count;
		if (before - left > most)
			most = before - left;
	}
	ok(most <= 16, "no batch holds more than a few blobs (%zu)", most);
	bench_settle(&b);
	is_int((int64_t)bench_run(&b)->chunk_count, 0, "all are written in the end");
	ok(b.e->store_state.commits > commits + 3, "in batches that follow each other");
	is_int(b.e->lagging, 0, "then there is nothing more to do");
	bench_close(&b);
}

int main(void)
{
	wf_log_to(-1, WF_LOG_ERROR, "test");
	test_order();
	test_acknowledged_after();
	test_gathering();
	test_when_durable();
	test_watch();
	test_failure();
	test_leaked_is_kept();
	test_once();
	test_numbers();
	test_stop();
	test_blobs_of_a_run_that_is_over();
	return done_testing();
}
