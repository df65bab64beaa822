/* task.c - the machine of a task, with its last attempt in the same record; knows nothing of the graph.
 *
 *   waiting --released--> ready --started--> active --succeeded | failed--> (ended)
 *      |                   ^  |                | |
 *      |                   |  |                | +-- held --> held --resolved--> succeeded | failed | ready
 *      |                   +--|-- requeued ----+
 *      +--skipped, canceled   +--skipped, canceled, failed                 retried: failed, skipped, canceled --> waiting
 *   held --(its attempt is found again: accepted, running)--> active
 *
 * waiting    waits for parents, data, `when`
 * ready      waits for a slot: pool, parallel, capacity, the service lease, the back-off of a retry
 * active     waits for its attempt (attempt.c)
 * held       waits for a person
 * the others wait for nothing
 *
 * Invariant: active or held exactly when an attempt is submitting, queued, running, unknown or just ended; an attempt starts only
 * from ready, so a task never has two.
 */
#include <string.h>

#include "engine/state/sm_internal.h"
#include "engine/state/things.h"

static const char *const states[] = {
	[WF_TASK_WAITING] = "waiting",     [WF_TASK_READY] = "ready",
	[WF_TASK_ACTIVE] = "active",       [WF_TASK_HELD] = "held",
	[WF_TASK_SUSPENDED] = "suspended", [WF_TASK_SUCCEEDED] = "succeeded",
	[WF_TASK_FAILED] = "failed",       [WF_TASK_SKIPPED] = "skipped",
	[WF_TASK_CANCELED] = "canceled",
};

static const struct wf_move moves[] = {
	{ WF_TASK_WAITING,   WF_E_TASK_RELEASED,  WF_TASK_READY },
	{ WF_TASK_WAITING,   WF_E_TASK_SKIPPED,   WF_TASK_SKIPPED },
	{ WF_TASK_WAITING,   WF_E_TASK_FAILED,    WF_TASK_FAILED }, /* its `when` or list cannot be evaluated */
	{ WF_TASK_WAITING,   WF_E_TASK_CANCELED,  WF_TASK_CANCELED },
	{ WF_TASK_READY,     WF_E_TASK_STARTED,   WF_TASK_ACTIVE },
	{ WF_TASK_READY,     WF_E_TASK_SKIPPED,   WF_TASK_SKIPPED }, /* its service can never be founded */
	{ WF_TASK_READY,     WF_E_TASK_FAILED,    WF_TASK_FAILED },  /* template refused, service failed */
	{ WF_TASK_READY,     WF_E_TASK_CANCELED,  WF_TASK_CANCELED },
	{ WF_TASK_ACTIVE,    WF_E_TASK_SUCCEEDED, WF_TASK_SUCCEEDED },
	{ WF_TASK_ACTIVE,    WF_E_TASK_FAILED,    WF_TASK_FAILED },
	{ WF_TASK_ACTIVE,    WF_E_TASK_REQUEUED,  WF_TASK_READY },
	{ WF_TASK_ACTIVE,    WF_E_TASK_HELD,      WF_TASK_HELD },
	{ WF_TASK_ACTIVE,    WF_E_TASK_CANCELED,  WF_TASK_CANCELED },
	{ WF_TASK_HELD,      WF_E_TASK_RESOLVED,  WF_TASK_READY }, /* or where v[0] says: see update */
	{ WF_TASK_HELD,      WF_E_TASK_SUCCEEDED, WF_TASK_SUCCEEDED }, /* late evidence */
	{ WF_TASK_HELD,      WF_E_TASK_FAILED,    WF_TASK_FAILED },
	{ WF_TASK_HELD,      WF_E_TASK_REQUEUED,  WF_TASK_READY },
	{ WF_TASK_HELD,      WF_E_TASK_CANCELED,  WF_TASK_CANCELED },
	{ WF_TASK_FAILED,    WF_E_TASK_RETRIED,   WF_TASK_WAITING },
	{ WF_TASK_SKIPPED,   WF_E_TASK_RETRIED,   WF_TASK_WAITING },
	{ WF_TASK_CANCELED,  WF_E_TASK_RETRIED,   WF_TASK_WAITING },
};

const struct wf_machine wf_task_machine = {
	.name = "task",
	.states = states,
	.state_count = WF_TASK_STATES,
	.moves = moves,
	.move_count = WF_COUNT(moves),
};

static uint32_t clip32(int64_t v)
{
	return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* An event of the attempt inside an active (or held) task. */
static int update_attempt(struct wf_task *t, const struct wf_event *e, struct wf_err *err)
{
	int to;

	if (e->kind == WF_E_ATTEMPT_STRAY)
		return 0;
	if (t->state != WF_TASK_ACTIVE && t->state != WF_TASK_HELD)
		return wf_errf(err, WF_INTERNAL, "a task in state '%s' does not allow '%s'",
			       wf_sm_name(&wf_task_machine, t->state), wf_event_name(e->kind));
	if ((uint64_t)e->v[0] != t->number)
		return wf_errf(err, WF_INTERNAL, "'%s' is about attempt number %lld, the last is %llu",
			       wf_event_name(e->kind), (long long)e->v[0],
			       (unsigned long long)t->number);
	to = sm_move(&wf_attempt_machine, t->astate, e, err);
	if (to < 0)
		return -1;
	t->astate = (uint8_t)to;
	/* What nobody could tell is known again: no person is needed any more. */
	if (t->state == WF_TASK_HELD && (to == WF_ATTEMPT_QUEUED || to == WF_ATTEMPT_RUNNING))
		t->state = WF_TASK_ACTIVE;
	switch (e->kind) {
	case WF_E_ATTEMPT_RUNNING:
		t->pid = (uint32_t)e->v[1];
		t->started_ms = e->v[2];
		if (!t->first_ms)
			t->first_ms = e->v[2];
		break;
	case WF_E_ATTEMPT_ENDED:
		t->class = (uint8_t)e->v[1];
		t->exit = (int32_t)e->v[2];
		if (e->v[3])
			t->started_ms = e->v[3];
		if (!t->first_ms)
			t->first_ms = e->v[3];
		t->ended_ms = e->v[4];
		t->cpu_ms = clip32(e->v[5]);
		t->max_rss_kib = clip32(e->v[6]);
		t->read_kib = clip32(e->v[7]);
		t->write_kib = clip32(e->v[8]);
		t->log = (uint64_t)e->v[9] << 56 | ((uint64_t)e->v[10] & 0xffffffffffffffu);
		t->log_length = clip32(e->v[11]);
		t->pid = 0;
		t->flags = (uint8_t)((t->flags & ~(WF_TASK_F_REASON | WF_TASK_F_RESULT)) |
				     (e->text[0].n ? WF_TASK_F_REASON : 0) |
				     (e->text[1].n ? WF_TASK_F_RESULT : 0));
		break;
	case WF_E_ATTEMPT_REVOKED:
		/* It never was: the next one takes its number among the task's attempts. */
		t->attempt--;
		t->pid = 0;
		break;
	case WF_E_ATTEMPT_CANCELING:
		t->flags |= WF_TASK_F_CANCELING;
		break;
	}
	return 0;
}

static void begin_attempt(struct wf_task *t, const struct wf_event *e)
{
	t->number = (uint64_t)e->v[0];
	t->attempt++;
	t->exit = 0;
	t->class = 0;
	t->pid = 0;
	t->started_ms = 0;
	t->ended_ms = 0;
	t->log = 0;
	t->log_length = 0;
	t->delay_ms = 0;
	t->cpu_ms = t->max_rss_kib = t->read_kib = t->write_kib = 0;
	t->flags &= (uint8_t) ~(WF_TASK_F_REASON | WF_TASK_F_RESULT | WF_TASK_F_CANCELING | WF_TASK_F_RESOLVED);
}

static void skip(struct wf_task *t, const struct wf_event *e)
{
	t->class = (uint8_t)e->v[0];
	t->pid = (uint32_t)e->v[1];
	t->exit = (int32_t)(uint32_t)e->v[2];
	t->number = (uint64_t)e->v[3];
	t->ended_ms = e->at;
}

int wf_task_update(struct wf_task *t, const struct wf_event *e, struct wf_err *err)
{
	int to;

	if (e->kind >= WF_E_ATTEMPT_ACCEPTED && e->kind <= WF_E_ATTEMPT_CANCELING)
		return update_attempt(t, e, err);
	to = sm_move(&wf_task_machine, t->state, e, err);
	if (to < 0)
		return -1;
	if (e->kind == WF_E_TASK_STARTED) {
		int a = sm_move(&wf_attempt_machine, t->astate, e, err);

		if (a < 0)
			return -1;
		t->astate = (uint8_t)a;
		begin_attempt(t, e);
	}
	t->state = (uint8_t)to;
	switch (e->kind) {
	case WF_E_TASK_SKIPPED:
		skip(t, e);
		break;
	case WF_E_TASK_REQUEUED:
		t->delay_ms = clip32(e->v[0]);
		t->pid = t->delay_ms ? (uint32_t)e->v[2] : 0;
		if (e->v[1] == 0 && t->retries < UINT8_MAX)
			t->retries++;
		else if (e->v[1] == 1 && t->losses < UINT8_MAX)
			t->losses++;
		t->flags &= (uint8_t)~WF_TASK_F_CANCELING;
		break;
	case WF_E_TASK_FAILED:
		t->class = (uint8_t)e->v[0];
		if (!t->ended_ms)
			t->ended_ms = e->at;
		if (e->text[0].n)
			t->flags |= WF_TASK_F_REASON;
		break;
	case WF_E_TASK_SUCCEEDED:
	case WF_E_TASK_CANCELED:
		t->pid = 0;
		if (!t->ended_ms)
			t->ended_ms = e->at;
		break;
	case WF_E_TASK_RESOLVED:
		t->flags |= WF_TASK_F_RESOLVED;
		if (e->v[0] == WF_RESOLVE_SUCCEEDED)
			t->state = WF_TASK_SUCCEEDED;
		else if (e->v[0] == WF_RESOLVE_FAILED)
			t->state = WF_TASK_FAILED;
		/* A person speaks for an agent that nobody could ask. */
		if (t->state == WF_TASK_FAILED && !t->class)
			t->class = WF_CLASS_AGENT_LOST;
		if (t->state != WF_TASK_READY)
			t->ended_ms = e->at;
		break;
	case WF_E_TASK_RETRIED: {
		uint16_t attempt = t->attempt;
		uint8_t astate = t->astate;
		uint64_t number = attempt ? t->number : 0;

		/* Attempts count on: their numbers name files and history. A skipped task's number is its cause's, and no answer has it. */
		memset(t, 0, sizeof(*t));
		t->state = (uint8_t)to;
		t->attempt = attempt;
		t->astate = attempt ? astate : WF_ATTEMPT_NONE;
		t->number = number;
		break;
	}
	}
	return 0;
}

int wf_task_is_over(const struct wf_task *t)
{
	return t->state >= WF_TASK_SUCCEEDED;
}

static const char *const seen_names[] = {
	[WF_SEEN_WAITING] = "waiting",       [WF_SEEN_READY] = "ready",
	[WF_SEEN_SUBMITTING] = "submitting", [WF_SEEN_QUEUED] = "queued",
	[WF_SEEN_RUNNING] = "running",       [WF_SEEN_UNKNOWN] = "unknown",
	[WF_SEEN_HELD] = "held",             [WF_SEEN_SUSPENDED] = "suspended",
	[WF_SEEN_CANCELING] = "canceling",   [WF_SEEN_SUCCEEDED] = "succeeded",
	[WF_SEEN_FAILED] = "failed",         [WF_SEEN_SKIPPED] = "skipped",
	[WF_SEEN_CANCELED] = "canceled",
};

enum wf_seen wf_task_seen(const struct wf_task *t)
{
	switch (t->state) {
	case WF_TASK_WAITING:
		return WF_SEEN_WAITING;
	case WF_TASK_READY:
		return WF_SEEN_READY;
	case WF_TASK_HELD:
		return WF_SEEN_HELD;
	case WF_TASK_SUSPENDED:
		return WF_SEEN_SUSPENDED;
	case WF_TASK_SUCCEEDED:
		return WF_SEEN_SUCCEEDED;
	case WF_TASK_FAILED:
		return WF_SEEN_FAILED;
	case WF_TASK_SKIPPED:
		return WF_SEEN_SKIPPED;
	case WF_TASK_CANCELED:
		return WF_SEEN_CANCELED;
	}
	if (t->flags & WF_TASK_F_CANCELING)
		return WF_SEEN_CANCELING;
	switch (t->astate) {
	case WF_ATTEMPT_QUEUED:
		return WF_SEEN_QUEUED;
	case WF_ATTEMPT_RUNNING:
	case WF_ATTEMPT_ENDED: /* for the blink until its outcome is decided, in the same batch */
		return WF_SEEN_RUNNING;
	case WF_ATTEMPT_UNKNOWN:
		return WF_SEEN_UNKNOWN;
	default:
		return WF_SEEN_SUBMITTING;
	}
}

const char *wf_seen_name(enum wf_seen s)
{
	return (unsigned)s < WF_SEEN_STATES ? seen_names[s] : "unknown";
}

const char *wf_skip_name(enum wf_skip_why w)
{
	static const char *const names[] = { "when", "parent_failed", "parent_skipped", "empty",
					     "not_needed" };

	return (unsigned)w < WF_COUNT(names) ? names[w] : "unknown";
}
