/* checks_log.c - owns what the stored events must say: everything acknowledged is there after any death, and the history is one that may
 * have happened. Decoded by the store's reader, judged by rules of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/play.h"

/* ---- the log of acknowledgements -------------------------------------------------------------------------------- */

static uint32_t hash_of(const struct wf_event *ev)
{
	uint64_t words[] = { ev->seq, (uint64_t)ev->at, ev->kind, ev->a, ev->b, ev->run, ev->epoch, (uint64_t)ev->v[0] };

	return wf_hash(words, sizeof(words));
}

static int take_hash(const struct wf_event *ev, void *arg)
{
	*(uint32_t *)arg = hash_of(ev);
	return 0;
}

void check_ack(struct play *p, struct engine *e, uint64_t seq)
{
	struct wf_store *s = e->store;
	struct ack a = { .seq = seq };

	if (wf_store_last_seq(s) < seq) {
		check_wrong(p, "an answer rests on event %llu, and %llu are stored", (unsigned long long)seq,
			    (unsigned long long)wf_store_last_seq(s));
		return;
	}
	if (!seq || (p->ack_count && p->acks[p->ack_count - 1].seq >= seq) ||
	    wf_store_get_events(s, 0, seq - 1, 1, take_hash, &a.hash, NULL) < 0)
		return;
	p->acks = wf_grow(p->acks, &p->ack_cap, p->ack_count + 1, sizeof(*p->acks));
	p->acks[p->ack_count++] = a;
}

struct log_walk {
	struct play *p;
	size_t next;                   /* acknowledgement */
};

static int compare_ack(const struct wf_event *ev, void *arg)
{
	struct log_walk *w = arg;
	struct play *p = w->p;

	if (w->next == p->ack_count || ev->seq != p->acks[w->next].seq)
		return 0;
	if (hash_of(ev) != p->acks[w->next].hash)
		check_wrong(p, "event %llu was acknowledged as another one", (unsigned long long)ev->seq);
	w->next++;
	COUNT(acks);
	return 0;
}

void check_log(struct play *p)
{
	struct log_walk w = { .p = p };
	struct wf_err err;

	if (!p->ack_count)
		return;
	if (wf_store_get_events(p->engine->store, 0, 0, UINT32_MAX, compare_ack, &w, &err) < 0) {
		/* It may die or fail in reading, too. */
		if (!p->home->dead)
			check_wrong(p, "the events cannot be read: %s", err.text);
		return;
	}
	if (w.next != p->ack_count)
		check_wrong(p, "event %llu was acknowledged, and is not there", (unsigned long long)p->acks[w.next].seq);
}

/* ---- history ------------------------------------------------------------------------------------------------------ */

struct task_past {
	uint8_t over, requeues;
	int64_t due_ms;                /* not to be started before */
};

struct past {
	struct play *p;
	uint64_t seq, epoch;
	struct run *run;
	struct run_past {
		struct run *run;
		struct task_past **tasks;
		uint32_t *generations;     /* by service */
		uint8_t *fans, *sized;     /* by instance: is sized by an event at some time; has been */
		int canceling;
	} runs[CLIENTS];
};

static struct run_past *past_of(struct past *h, uint64_t run)
{
	for (unsigned i = 0; i < h->p->client_count; i++)
		if (h->runs[i].run->row.number == run)
			return &h->runs[i];
	return NULL;
}

struct parents {
	struct run_past *r;
	const char *early;
};

static int is_early(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	struct parents *w = arg;
	const struct instance *in = &w->r->run->inst[instance];

	/* A list that could not be read is a fan-out into nothing, until a retry reads it. */
	if (w->r->fans[instance] && !w->r->sized[instance])
		return 0;

	for (uint32_t i = index == DAG_UNSIZED ? 0 : index; dep->result != WDF_START && i < (index == DAG_UNSIZED ? in->count : index + 1); i++)
		if (!w->r->tasks[instance][i].over)
			w->early = w->r->run->dag->instances[instance].name;
	return w->early != NULL;
}

static void started(struct past *h, struct run_past *r, const struct wf_event *ev, const struct task_past *t)
{
	struct parents w = { .r = r };
	const char *name = r->run->dag->instances[ev->a].name;

	dag_task_parents(r->run->dag, ev->a, ev->b, is_early, &w);
	if (w.early)
		check_wrong(h->p, "event %llu starts '%s[%u]' before '%s' is over", (unsigned long long)ev->seq, name, ev->b, w.early);
	if (ev->at < t->due_ms && !h->p->used[KNOB_jumps])
		check_wrong(h->p, "event %llu starts '%s[%u]' %lld ms before its back-off is over", (unsigned long long)ev->seq, name, ev->b,
			    (long long)(t->due_ms - ev->at));
	if (r->canceling)
		check_wrong(h->p, "event %llu starts '%s[%u]' of a run that is canceled", (unsigned long long)ev->seq, name, ev->b);
}

/* A user's retries: all that were asked for, and no more. */
static void failed(struct past *h, struct run_past *r, const struct wf_event *ev, const struct task_past *t)
{
	const struct wdf_retry *retry = &r->run->wdf->steps[r->run->dag->instances[ev->a].step].retry;

	if (r->canceling || ev->v[0] != WF_CLASS_EXIT || !(retry->classes >> WF_CLASS_EXIT & 1) || t->requeues >= retry->limit)
		return;
	check_wrong(h->p, "event %llu fails '%s[%u]' after %u of %u retries", (unsigned long long)ev->seq,
		    r->run->dag->instances[ev->a].name, ev->b, t->requeues, retry->limit);
}

static void task_event(struct past *h, struct run_past *r, const struct wf_event *ev)
{
	struct task_past *t = &r->tasks[ev->a][ev->b];

	switch (ev->kind) {
	case WF_E_TASK_STARTED:
		started(h, r, ev, t);
		break;
	case WF_E_TASK_REQUEUED:
		t->due_ms = ev->at + ev->v[0];
		t->requeues = (uint8_t)(t->requeues + !ev->v[1]);
		if (t->requeues > r->run->wdf->steps[r->run->dag->instances[ev->a].step].retry.limit)
			check_wrong(h->p, "event %llu is retry %u of '%s[%u]'", (unsigned long long)ev->seq, t->requeues,
				    r->run->dag->instances[ev->a].name, ev->b);
		break;
	case WF_E_TASK_FAILED:
		failed(h, r, ev, t);
		t->over = 1;
		break;
	case WF_E_TASK_SUCCEEDED:
	case WF_E_TASK_SKIPPED:
	case WF_E_TASK_CANCELED:
		t->over = 1;
		break;
	case WF_E_TASK_RESOLVED:
		t->over = ev->v[0] != WF_RESOLVE_RERUN;
		t->due_ms = 0;
		break;
	case WF_E_TASK_RETRIED:
		memset(t, 0, sizeof(*t));
		break;
	}
}

static void run_event(struct past *h, struct run_past *r, const struct wf_event *ev)
{
	if (ev->kind == WF_E_RUN_CANCELING)
		r->canceling = 1;
	else if (ev->kind == WF_E_RUN_RETRIED)
		r->canceling = 0;
	else if (ev->kind == WF_E_INSTANCE_SIZED)
		r->sized[ev->a] = 1;
	else if (ev->kind == WF_E_MEMBER_REQUESTED && (uint32_t)ev->v[1] < r->generations[ev->a])
		check_wrong(h->p, "event %llu founds generation %lld after %u", (unsigned long long)ev->seq, (long long)ev->v[1],
			    r->generations[ev->a]);
	else if (ev->kind == WF_E_MEMBER_REQUESTED)
		r->generations[ev->a] = (uint32_t)ev->v[1];
}

static int past_event(const struct wf_event *ev, void *arg)
{
	struct past *h = arg;
	struct run_past *r = ev->run ? past_of(h, ev->run) : NULL;
	const struct wf_event_info *info = wf_event_info(ev->kind);

	play_counts->events[ev->kind]++;
	if (ev->seq != h->seq + 1)
		check_wrong(h->p, "event %llu follows event %llu", (unsigned long long)ev->seq, (unsigned long long)h->seq);
	if (ev->epoch < h->epoch)
		check_wrong(h->p, "event %llu is of epoch %llu, the one before of %llu", (unsigned long long)ev->seq,
			    (unsigned long long)ev->epoch, (unsigned long long)h->epoch);
	h->seq = ev->seq;
	h->epoch = ev->epoch;
	if (ev->run && !r)
		check_wrong(h->p, "event %llu is about run %llu, which nobody submitted", (unsigned long long)ev->seq, (unsigned long long)ev->run);
	else if (r && info->subject == WF_S_TASK)
		task_event(h, r, ev);
	else if (r)
		run_event(h, r, ev);
	return h->p->wrong[0] != 0;
}

static int note_fan(const struct wf_event *ev, void *arg)
{
	struct run_past *r = ev->kind == WF_E_INSTANCE_SIZED ? past_of(arg, ev->run) : NULL;

	if (r)
		r->fans[ev->a] = 1;
	return 0;
}

void check_history(struct play *p)
{
	struct past h = { .p = p };
	struct wf_err err = { 0 };

	for (unsigned i = 0; i < p->client_count; i++) {
		struct run *r = wf_core_run(p->engine, p->clients[i].run);

		h.runs[i].run = r;
		h.runs[i].tasks = wf_xcalloc(r->inst_count + 1, sizeof(*h.runs[i].tasks));
		h.runs[i].fans = wf_xcalloc(r->inst_count + 1, 1);
		h.runs[i].sized = wf_xcalloc(r->inst_count + 1, 1);
		h.runs[i].generations = wf_xcalloc(r->service_count + 1, sizeof(*h.runs[i].generations));
		for (uint32_t k = 0; k < r->inst_count; k++)
			h.runs[i].tasks[k] = wf_xcalloc(r->inst[k].count + 1, sizeof(*h.runs[i].tasks[k]));
	}
	if ((wf_store_get_events(p->engine->store, 0, 0, UINT32_MAX, note_fan, &h, &err) < 0 ||
	     wf_store_get_events(p->engine->store, 0, 0, UINT32_MAX, past_event, &h, &err) < 0) &&
	    err.code)
		check_wrong(p, "the events cannot be read: %s", err.text);
	for (unsigned i = 0; i < p->client_count; i++) {
		for (uint32_t k = 0; k < h.runs[i].run->inst_count; k++)
			free(h.runs[i].tasks[k]);
		free(h.runs[i].tasks);
		free(h.runs[i].generations);
		free(h.runs[i].fans);
		free(h.runs[i].sized);
	}
}
