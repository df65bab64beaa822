/* A task through random events: what the machine takes keeps the invariant of task.c, what it refuses changes nothing; and the words people
 * see.
 */
#include <stdio.h>
#include <string.h>

#include "engine/state/things.h"
#include "tests/tap/tap.h"

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static const uint8_t kinds[] = {
	WF_E_TASK_RELEASED, WF_E_TASK_SKIPPED, WF_E_TASK_STARTED, WF_E_TASK_REQUEUED, WF_E_TASK_SUCCEEDED, WF_E_TASK_FAILED, WF_E_TASK_HELD,
	WF_E_TASK_RESOLVED, WF_E_TASK_CANCELED, WF_E_TASK_RETRIED, WF_E_ATTEMPT_ACCEPTED, WF_E_ATTEMPT_RUNNING, WF_E_ATTEMPT_ENDED,
	WF_E_ATTEMPT_REVOKED, WF_E_ATTEMPT_UNKNOWN, WF_E_ATTEMPT_STRAY, WF_E_ATTEMPT_CANCELING,
};

static const char *broken(const struct wf_task *t)
{
	int lives = t->astate == WF_ATTEMPT_SUBMITTING || t->astate == WF_ATTEMPT_QUEUED || t->astate == WF_ATTEMPT_RUNNING;

	if (t->state >= WF_TASK_STATES || t->astate >= WF_ATTEMPT_STATES)
		return "a state that is none";
	if (t->state == WF_TASK_ACTIVE && t->astate == WF_ATTEMPT_NONE)
		return "active without an attempt";
	if (t->state == WF_TASK_HELD && lives)
		return "held although its attempt is known to live";
	if ((t->state == WF_TASK_WAITING || t->state == WF_TASK_READY) && t->attempt == 0 && t->astate == WF_ATTEMPT_ENDED)
		return "an attempt that has ended and never was";
	if (wf_task_is_over(t) && t->pid && t->state != WF_TASK_SKIPPED && t->astate == WF_ATTEMPT_ENDED)
		return "over with a process";
	if (wf_task_is_over(t) && !t->ended_ms)
		return "over, and nobody knows when";
	return NULL;
}

static struct wf_event random_event(const struct wf_task *t, uint64_t seq, uint64_t *number)
{
	struct wf_event e = { .seq = seq, .at = (int64_t)seq * 10, .kind = kinds[rnd(sizeof(kinds))] };

	if (e.kind == WF_E_TASK_STARTED)
		e.v[0] = (int64_t)++*number;
	else if (e.kind >= WF_E_ATTEMPT_ACCEPTED && e.kind <= WF_E_ATTEMPT_CANCELING)
		e.v[0] = (int64_t)t->number - (rnd(8) == 0);
	else
		e.v[0] = rnd(3);
	if (e.kind == WF_E_ATTEMPT_RUNNING) {
		e.v[1] = 1 + rnd(100);
		e.v[2] = e.at;
	}
	if (e.kind == WF_E_ATTEMPT_ENDED) {
		e.v[1] = rnd(WF_CLASS_COUNT);
		e.v[4] = e.at;
	}
	if (e.kind == WF_E_TASK_REQUEUED) {
		e.v[0] = rnd(2) * 100;
		e.v[1] = rnd(3);
	}
	return e;
}

static void test_walks(void)
{
	unsigned taken = 0, refused = 0, bad = 0, changed = 0, lost_number = 0, live_twice = 0;

	for (seed = 1; seed < 200; seed++) {
		uint64_t kept = seed, number = 0, top = 0;
		struct wf_task t = { 0 };

		for (uint64_t seq = 1; seq < 500; seq++) {
			struct wf_event e = random_event(&t, seq, &number);
			struct wf_task before = t;

			/* What the table leaves to decide.c. */
			if (e.kind == WF_E_TASK_HELD && t.astate != WF_ATTEMPT_UNKNOWN)
				continue;
			if (wf_task_update(&t, &e, NULL) < 0) {
				refused++;
				changed += memcmp(&before, &t, sizeof(t)) != 0;
				continue;
			}
			taken++;
			if (broken(&t)) {
				diag("%s after '%s'", broken(&t), wf_event_name(e.kind));
				bad++;
			}
			if (e.kind == WF_E_TASK_STARTED) {
				live_twice += before.astate == WF_ATTEMPT_SUBMITTING || before.astate == WF_ATTEMPT_QUEUED ||
					      before.astate == WF_ATTEMPT_RUNNING;
				lost_number += t.number <= top;
				top = t.number;
			}
		}
		seed = kept;
	}
	ok(taken > 10000 && refused > 10000, "%u events taken, %u refused", taken, refused);
	is_int(bad, 0, "the invariant holds after each");
	is_int(changed, 0, "a refused event changes nothing");
	is_int(lost_number, 0, "numbers of attempts rise");
	is_int(live_twice, 0, "no attempt starts while one is known to live");
}

static void test_seen(void)
{
	static const struct {
		uint8_t state, astate, flags;
		const char *seen;
	} cases[] = {
		{ WF_TASK_WAITING, WF_ATTEMPT_NONE, 0, "waiting" },
		{ WF_TASK_READY, WF_ATTEMPT_ENDED, 0, "ready" },
		{ WF_TASK_ACTIVE, WF_ATTEMPT_SUBMITTING, 0, "submitting" },
		{ WF_TASK_ACTIVE, WF_ATTEMPT_QUEUED, 0, "queued" },
		{ WF_TASK_ACTIVE, WF_ATTEMPT_RUNNING, 0, "running" },
		{ WF_TASK_ACTIVE, WF_ATTEMPT_ENDED, 0, "running" },
		{ WF_TASK_ACTIVE, WF_ATTEMPT_UNKNOWN, 0, "unknown" },
		{ WF_TASK_ACTIVE, WF_ATTEMPT_RUNNING, WF_TASK_F_CANCELING, "canceling" },
		{ WF_TASK_HELD, WF_ATTEMPT_UNKNOWN, WF_TASK_F_CANCELING, "held" },
		{ WF_TASK_SUCCEEDED, WF_ATTEMPT_ENDED, WF_TASK_F_CANCELING, "succeeded" },
		{ WF_TASK_FAILED, WF_ATTEMPT_NONE, 0, "failed" },
		{ WF_TASK_SKIPPED, WF_ATTEMPT_NONE, 0, "skipped" },
		{ WF_TASK_CANCELED, WF_ATTEMPT_ENDED, 0, "canceled" },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_task t = { .state = cases[i].state, .astate = cases[i].astate, .flags = cases[i].flags };

		is_str(wf_seen_name(wf_task_seen(&t)), cases[i].seen, "a task in state %s, its attempt %s",
		       wf_sm_name(&wf_task_machine, t.state), wf_sm_name(&wf_attempt_machine, t.astate));
		is_int(wf_task_is_over(&t), cases[i].state >= WF_TASK_SUCCEEDED, "is it over");
	}
	is_str(wf_seen_name(WF_SEEN_STATES), "unknown", "a number of another build");
	is_str(wf_skip_name((enum wf_skip_why)99), "unknown", "a reason of another build");
}

static void test_counters_stop(void)
{
	struct wf_task t = { .state = WF_TASK_ACTIVE, .astate = WF_ATTEMPT_ENDED, .retries = UINT8_MAX, .losses = UINT8_MAX };
	struct wf_event e = { .kind = WF_E_TASK_REQUEUED, .v = { (int64_t)1 << 40, 0 } };

	is_int(wf_task_update(&t, &e, NULL), 0, "once more");
	is_int(t.retries, UINT8_MAX, "retries do not wrap");
	ok(t.delay_ms == UINT32_MAX, "nor does the delay");
	t.state = WF_TASK_ACTIVE;
	e.v[0] = -5;
	e.v[1] = 1;
	is_int(wf_task_update(&t, &e, NULL), 0, "a loss");
	is_int(t.losses, UINT8_MAX, "losses do not wrap");
	is_int(t.delay_ms, 0, "and time does not run backwards");
}

int main(void)
{
	test_walks();
	test_seen();
	test_counters_stop();
	return done_testing();
}
