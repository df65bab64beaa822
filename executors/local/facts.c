/* facts.c - owns what the engine does not know yet: facts in the order they happened, sent again on every connection until acknowledged.
 *
 * The journal has them for the next agent; this list has them for the next send. It is bounded by what the engine itself gave us to
 * start, except for signals of members, of which the oldest are dropped here (SIGNALS_MAX per member): the last one says it all.
 *
 * On a new connection nothing flows until REATTACH is through. Then: LOST for what was never heard of, RUNNING for what runs and
 * whose fact was acknowledged already (cursor 0: not a fact to acknowledge), and then the facts themselves, each once. So every
 * attempt asked for is answered, and an acknowledgement can never jump over a fact.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "executors/local/local.h"

enum {
	SIGNALS_MAX = 64,
	BATCH = 128,                   /* facts in one frame */
	PENDING_MAX = 4 << 20,         /* bytes under way before we hold back */
	NEWS_MS = 8,                   /* the longest that facts wait for company */
	QUEUED_MIN = 24,               /* starts in the queue, per place, to bridge that and the way of the next ones */
};

static void send(struct agent *g, struct wf_buf *b)
{
	if (WF_FAULT("agent.send.before"))
		wf_serve_hang_up(g->serve);
	else
		wf_serve_send(g->serve, b);
	(void)WF_FAULT("agent.send.after");
	wf_buf_release(b);
}

/* ---- in ------------------------------------------------------------------------------------------------ */

void facts_add(struct agent *g, struct fact *f)
{
	f->next = NULL;
	*g->facts_end = f;
	g->facts_end = &f->next;
	if (!g->unsent)
		g->unsent = f;
}

static void drop(struct agent *g, struct fact *f)
{
	struct fact **at = &g->facts;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (g->facts_end == &f->next)
		g->facts_end = at;
	if (g->unsent == f)
		g->unsent = f->next;
	free(f->text);
	free(f);
}

void facts_signal(struct attempt *a, const char *body)
{
	struct agent *g = a->agent;
	struct record r = { .type = RECORD_SIGNAL, .ref = a->ref, .text = body };
	struct fact *f = wf_xcalloc(1, sizeof(*f)), *oldest = NULL;
	struct wf_err err;
	unsigned n = 0;

	for (struct fact *k = g->facts; k; k = k->next) {
		if (k->attempt == a && k->type == RECORD_SIGNAL) {
			oldest = oldest ? oldest : k;
			n++;
		}
	}
	if (n >= SIGNALS_MAX)
		drop(g, oldest);
	if (journal_reserve(&g->journal, strlen(body) + 128, 0, &err) < 0)
		wf_log(WF_LOG_WARN, "attempt %llu: %s; its signal is kept in memory", (unsigned long long)a->ref.number, err.text);
	f->type = RECORD_SIGNAL;
	f->attempt = a;
	f->text = wf_xstrdup(body);
	f->cursor = journal_add(&g->journal, &r);
	facts_add(g, f);
}

/* ---- out ----------------------------------------------------------------------------------------------- */

/* That it runs is no news any more once it has ended; the cursor of the ending acknowledges both. */
static int is_past(const struct fact *f)
{
	return f->type == RECORD_RUNNING && f->attempt->ended.cursor && f->attempt->ref.key.kind == WF_KIND_STEP;
}

/* One frame of facts of one type, starting with f; returns the first fact behind it. */
static struct fact *send_same(struct agent *g, struct fact *f)
{
	struct wf_buf b = { 0 };
	union {
		struct wf_running running[BATCH];
		struct wf_ended ended[BATCH];
		struct wf_lost lost[BATCH];
		struct wf_signal signal[BATCH];
	} e;
	enum record_type type = f->type;
	uint32_t n = 0;

	for (; f && n < BATCH; f = f->next) {
		const struct attempt *a = f->attempt;

		if (is_past(f))
			continue;
		if (f->type != type)
			break;

		switch (type) {
		case RECORD_RUNNING:
			e.running[n] = (struct wf_running){ .ref = a->ref, .cursor = f->cursor, .pid = a->pid, .started_ms = a->started_ms };
			break;
		case RECORD_ENDED:
			e.ended[n] = a->end;
			e.ended[n].cursor = f->cursor;
			break;
		case RECORD_LOST:
			e.lost[n] = (struct wf_lost){ .ref = a->ref, .cursor = f->cursor, .why = a->lost_why, .reason = a->reason };
			break;
		default:
			e.signal[n] = (struct wf_signal){ .ref = a->ref, .cursor = f->cursor, .body = f->text };
			break;
		}
		n++;
	}
	if (!n)
		return f;
	if (type == RECORD_RUNNING)
		wf_wire_running(&b, e.running, n);
	else if (type == RECORD_ENDED)
		wf_wire_ended(&b, e.ended, n);
	else if (type == RECORD_LOST)
		wf_wire_lost(&b, e.lost, n);
	else
		wf_wire_signal(&b, e.signal, n);
	send(g, &b);
	return f;
}

static void send_facts(struct agent *g)
{
	while (g->streaming && g->unsent && wf_serve_attached(g->serve) && wf_serve_pending(g->serve) < PENDING_MAX)
		g->unsent = send_same(g, g->unsent);
}

static void on_news(struct wf_timer *t)
{
	send_facts(wf_container_of(t, struct agent, news));
}

/* With a queue to go on with there is no hurry: each message wakes the engine, on a core that a task could use. */
static int may_wait(struct agent *g)
{
	if (!g->unsent || !g->streaming || !g->queue || g->queued < QUEUED_MIN * g->placed)
		return 0;
	if (!g->news.armed) {
		g->news.fn = on_news;
		wf_timer_start(g->loop, &g->news, NEWS_MS);
	}
	return 1;
}

void facts_flush(struct agent *g)
{
	struct wf_err err;

	launch_queued(g);
	/* A journal that cannot be written keeps its records in memory; the engine is told all the same. */
	(void)journal_flush(&g->journal, &err);
	if (!may_wait(g))
		send_facts(g);
}

/* ---- acknowledged -------------------------------------------------------------------------------------- */

static void keep_attempt(struct agent *g, const struct attempt *a)
{
	struct record r = { .type = RECORD_START, .ref = a->ref, .token = a->token, .result_path = a->result_path,
			    .log_dir = a->dir ? wf_logdir_path(a->dir) : "" };

	journal_keep(&g->journal, &r);
	/* The pid is needed also when the fact is acknowledged; its cursor is then of the past, and a reader takes it for no fact. */
	if (a->pid && a->running.cursor <= g->journal.acked) {
		r = (struct record){ .type = RECORD_RUNNING, .ref = a->ref, .cursor = a->running.cursor, .pid = a->pid,
				     .ticks_from = a->ticks_from, .ticks_to = a->ticks_to, .started_ms = a->started_ms };
		journal_keep(&g->journal, &r);
	}
}

static void keep_fact(struct agent *g, const struct fact *f)
{
	struct record r = { .type = f->type, .ref = f->attempt->ref, .cursor = f->cursor, .text = f->text };

	switch (f->type) {
	case RECORD_ENDED:
		r.ended = f->attempt->end;
		r.result_in_file = f->attempt->result_in_file;
		break;
	case RECORD_LOST:
		r.why = f->attempt->lost_why;
		r.text = f->attempt->reason;
		break;
	case RECORD_RUNNING:
		r.pid = f->attempt->pid;
		r.ticks_from = f->attempt->ticks_from;
		r.ticks_to = f->attempt->ticks_to;
		r.started_ms = f->attempt->started_ms;
		break;
	default:
		break;
	}
	journal_keep(&g->journal, &r);
}

int facts_compact(struct agent *g, struct wf_err *err)
{
	struct journal *j = &g->journal;

	g->compact_at = 2 * j->end;
	if (journal_compact_begin(j, err) < 0)
		return -1;
	for (const struct attempt *a = g->first; a; a = a->next)
		keep_attempt(g, a);
	for (const struct fact *f = g->facts; f; f = f->next)
		keep_fact(g, f);
	if (journal_compact_end(j, err) < 0)
		return -1;
	g->compact_at = 2 * j->end > COMPACT_MIN ? 2 * j->end : COMPACT_MIN;
	return 0;
}

/* The engine has committed how it ended: what was kept until then goes. */
static void forget(struct attempt *a)
{
	struct agent *g = a->agent;

	if (a->end.out.where == WF_LOG_PACK && a->out_named)
		wf_output_remove(&g->logdirs, a->dir, &a->ref.key, WF_OUTPUT_OUT);
	if (a->result && a->result_path)
		(void)g->os->ops->unlink(g->os->self, a->result_path);
	attempt_destroy(a);
}

void facts_known(struct agent *g, uint64_t cursor)
{
	while (g->facts && g->facts->cursor <= cursor) {
		struct fact *f = g->facts;
		struct attempt *a = f->attempt;

		g->facts = f->next;
		if (!g->facts)
			g->facts_end = &g->facts;
		if (g->unsent == f)
			g->unsent = f->next;
		if (f->type == RECORD_SIGNAL) {
			free(f->text);
			free(f);
		} else if (f == &a->ended) {
			forget(a);
		}
	}
}

void facts_ack(struct agent *g, uint64_t cursor)
{
	struct record r = { .type = RECORD_ACK, .cursor = cursor };
	struct wf_err err;

	if (cursor <= g->journal.acked || cursor >= g->journal.cursor)
		return;
	/* Not worth a write of its own: lost with us, the facts are sent again. */
	journal_add(&g->journal, &r);
	facts_known(g, cursor);
	send_facts(g);
	/* Once the journal is mostly past, a new one takes its place. */
	if (g->journal.end >= g->compact_at && facts_compact(g, &err) < 0)
		wf_log(WF_LOG_WARN, "%s; going on with the old journal", err.text);
}

/* ---- a new connection ---------------------------------------------------------------------------------- */

void facts_rewind(struct agent *g)
{
	g->streaming = 0;
	g->unsent = g->facts;
	g->asked_count = 0;
}

static void answer_lost(struct agent *g, const struct wf_attempt_ref *ref, enum wf_lost_why why, const char *reason)
{
	struct wf_lost l = { .ref = *ref, .why = (uint8_t)why, .reason = reason };
	struct wf_buf b = { 0 };

	wf_wire_lost(&b, &l, 1);
	send(g, &b);
}

static void answer_running(struct agent *g, const struct attempt *a)
{
	struct wf_running r = { .ref = a->ref, .pid = a->pid, .started_ms = a->started_ms };
	const char *said = a->control ? control_last(a->control) : NULL;
	struct wf_buf b = { 0 };

	wf_wire_running(&b, &r, 1);
	if (said) {
		struct wf_signal s = { .ref = a->ref, .body = said };

		wf_wire_signal(&b, &s, 1);
	}
	send(g, &b);
}

static void answer_accepted(struct agent *g, const struct wf_attempt_ref *ref)
{
	struct wf_buf b = { 0 };

	wf_wire_refs(&b, WF_WIRE_ACCEPTED, ref, 1, 0);
	send(g, &b);
}

static void answer(struct agent *g, const struct wf_attempt_ref *ref)
{
	struct attempt *a = attempt_find(g, ref->number);

	if (!a)
		answer_lost(g, ref, WF_LOST_NEVER, "this agent never started it");
	else if (a->state == ATTEMPT_ENDED)
		return; /* its fact follows */
	else if (a->state == ATTEMPT_TAKEN)
		answer_accepted(g, ref);
	else if (a->state == ATTEMPT_STUCK)
		answer_lost(g, ref, WF_LOST_UNKNOWN, a->reason);
	else if (a->running.cursor <= g->journal.acked)
		answer_running(g, a);
}

void facts_reattach(struct agent *g, const struct wf_attempt_ref *refs, uint32_t n, int last)
{
	struct record mark = { .type = RECORD_MARK, .value = g->journal.mark };
	struct wf_err err;

	g->asked = wf_grow(g->asked, &g->asked_cap, g->asked_count + n, sizeof(*g->asked));
	if (n)
		memcpy(g->asked + g->asked_count, refs, n * sizeof(*refs));
	g->asked_count += n;
	if (!last)
		return;
	/* "Never" must stay true: whatever was asked for is refused from now on, also by the agent after us. */
	for (size_t i = 0; i < g->asked_count; i++)
		if (g->asked[i].number > mark.value)
			mark.value = g->asked[i].number;
	if (mark.value > g->journal.mark) {
		journal_add(&g->journal, &mark);
		if (journal_flush(&g->journal, &err) < 0)
			wf_log(WF_LOG_ERROR, "%s; answering all the same: this agent refuses what it answered for", err.text);
	}
	for (size_t i = 0; i < g->asked_count; i++)
		answer(g, &g->asked[i]);
	g->asked_count = 0;
	g->streaming = 1;
	facts_flush(g);
}

/* Answers change nothing: only what is seen now. */
void facts_observe(struct agent *g, const struct wf_attempt_ref *refs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct attempt *a = attempt_find(g, refs[i].number);
		struct wf_buf b = { 0 };

		if (!a || a->lost || a->state == ATTEMPT_STUCK) {
			answer_lost(g, &refs[i], a && a->lost ? a->lost_why : WF_LOST_UNKNOWN, a ? a->reason : "not known to this agent");
		} else if (a->state == ATTEMPT_ENDED) {
			struct wf_ended e = a->end;

			e.cursor = 0;
			wf_wire_ended(&b, &e, 1);
			send(g, &b);
		} else {
			struct wf_sample s = { .ref = a->ref, .usage = a->usage, .output_bytes = a->out_bytes };
			struct stat st;

			if (a->out_fd >= 0 && g->os->ops->fstat(g->os->self, a->out_fd, &st) == 0)
				s.output_bytes = (uint64_t)st.st_size;
			usage_of_living(a->pid, &s.usage);
			wf_wire_sample(&b, &s, 1);
			send(g, &b);
		}
	}
}

void facts_release(struct agent *g)
{
	for (struct fact *f = g->facts, *next; f; f = next) {
		next = f->next;
		if (f->type == RECORD_SIGNAL) {
			free(f->text);
			free(f);
		}
	}
	free(g->asked);
}
