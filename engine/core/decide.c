/* decide.c - what follows from the state: looks at one run and posts further events until it is quiet. Sends nothing, waits for
 * nothing, reads no clock but for when a back-off is over; what has to leave the house is handed to the batch as an effect.
 *
 * Order: outcomes of attempts, verdicts of the plan, services, the run's own end. Each posted event carries the event it follows from.
 */
#include <stdio.h>
#include <string.h>

#include "engine/core/engine.h"

enum {
	LOSS_LIMIT = 3,                  /* attempts lost without the task's fault, beside the user's limit (design.md 9) */
	LOSS_DELAY_MS = 1000,            /* before the next attempt after a loss: what broke may be coming back */
	BACKOFF_MAX_MS = 3600 * 1000,
};

static const struct wdf_step *step_of(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

/* ---- outcomes ---------------------------------------------------------------------------------------- */

static int wants_retry(const struct wdf_retry *retry, const struct wf_task *t)
{
	if (t->retries >= retry->limit || t->class == WF_CLASS_TEMPLATE_REFUSED || t->class == WF_CLASS_CANCELED)
		return 0;
	if (retry->classes >> t->class & 1)
		return 1;
	for (uint32_t i = 0; t->class == WF_CLASS_EXIT && i < retry->exit_count; i++)
		if (retry->exits[i] == t->exit)
			return 1;
	return 0;
}

static int64_t backoff_ms(const struct wdf_retry *retry, uint32_t retries)
{
	int64_t ms = retry->backoff_ms;

	for (uint32_t i = 0; i < retries && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : retry->backoff_ms > BACKOFF_MAX_MS ? retry->backoff_ms : BACKOFF_MAX_MS;
}

static void requeue(struct engine *e, struct run *r, const struct todo *d, int64_t delay_ms, int loss)
{
	struct wf_event ev = { .kind = WF_E_TASK_REQUEUED, .a = d->instance, .b = d->index, .v = { delay_ms, loss } };

	if (delay_ms)
		ev.v[2] = wf_os_mono_ms(e->os) + delay_ms;
	core_post(e, r, &ev);
}

/* A consumer that was stopped because its service failed is failed, not canceled. */
static int service_failed(const struct run *r, uint32_t instance, uint32_t index)
{
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++)
		if (r->services[task_service(r, instance, index, k)].s.failing)
			return 1;
	return 0;
}

static void hold(struct engine *e, struct run *r, const struct todo *d, const char *host)
{
	char why[256] = "nobody can tell what became of its attempt";

	if (host)
		snprintf(why, sizeof(why), "nobody can tell what became of its attempt on host '%.100s', from which this engine took over", host);
	core_post_text(e, r, WF_E_TASK_HELD, d->instance, d->index, 0, why);
}

static void outcome(struct engine *e, struct run *r, const struct todo *d)
{
	const struct wdf_step *step = step_of(r, d->instance);
	const struct wf_task *t = &r->inst[d->instance].tasks[d->index];

	if (t->state != WF_TASK_ACTIVE && t->state != WF_TASK_HELD)
		return;
	e->cause = d->seq;
	if (t->astate == WF_ATTEMPT_UNKNOWN) {
		if (t->state == WF_TASK_HELD)
			return;
		if (step->on_unknown == WDF_UNKNOWN_FAIL)
			core_post_text(e, r, WF_E_TASK_FAILED, d->instance, d->index, WF_CLASS_AGENT_LOST,
				       "nobody can tell what became of its attempt (on_unknown: fail)");
		else if (step->on_unknown == WDF_UNKNOWN_RERUN)
			requeue(e, r, d, 0, 1);
		else
			hold(e, r, d, elsewhere(e, t->number));
		return;
	}
	if (t->astate == WF_ATTEMPT_REVOKED) {
		if (r->row.cancel)
			core_post_task(e, r, WF_E_TASK_CANCELED, d->instance, d->index, 0);
		else
			requeue(e, r, d, 0, 2);
		return;
	}
	if (t->astate != WF_ATTEMPT_ENDED)
		return;
	if (t->class == WF_CLASS_OK)
		core_post_task(e, r, WF_E_TASK_SUCCEEDED, d->instance, d->index, 0);
	else if (t->class == WF_CLASS_CANCELED && r->row.cancel)
		core_post_task(e, r, WF_E_TASK_CANCELED, d->instance, d->index, 0);
	else if (t->class == WF_CLASS_CANCELED && service_failed(r, d->instance, d->index))
		core_post_text(e, r, WF_E_TASK_FAILED, d->instance, d->index, WF_CLASS_SERVICE_FAILED,
			       "stopped because a service it uses failed");
	else if (r->row.cancel)
		core_post_task(e, r, WF_E_TASK_FAILED, d->instance, d->index, t->class);
	else if (wf_class_is_loss((enum wf_class)t->class) && t->losses < LOSS_LIMIT)
		requeue(e, r, d, LOSS_DELAY_MS, 1);
	else if (wants_retry(&step->retry, t))
		requeue(e, r, d, backoff_ms(&step->retry, t->retries), 0);
	else
		core_post_task(e, r, WF_E_TASK_FAILED, d->instance, d->index, t->class);
}

/* ---- verdicts ----------------------------------------------------------------------------------------- */

static void skip(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct dag_verdict *v)
{
	static const uint8_t why[] = {
		[DAG_SKIP_PARENT_FAILED] = WF_SKIP_PARENT_FAILED,
		[DAG_SKIP_PARENT_SKIPPED] = WF_SKIP_PARENT_SKIPPED,
		[DAG_SKIP_EMPTY] = WF_SKIP_EMPTY,
		[DAG_SKIP_NOT_NEEDED] = WF_SKIP_NOT_NEEDED,
	};
	struct wf_event ev = {
		.kind = WF_E_TASK_SKIPPED,
		.a = instance,
		.b = index,
		.v = { why[v->skip], v->cause_instance, v->cause_index, v->root_instance },
	};

	core_post(e, r, &ev);
}

static void release(struct engine *e, struct run *r, uint32_t instance, uint32_t index)
{
	struct wf_err err;
	int truth = 1;

	if (step_of(r, instance)->when && render_when(e, r, instance, index, &truth, &err) < 0) {
		core_post_text(e, r, WF_E_TASK_FAILED, instance, index, WF_CLASS_TEMPLATE_REFUSED, err.text);
		return;
	}
	if (truth) {
		core_post_task(e, r, WF_E_TASK_RELEASED, instance, index, 0);
		return;
	}
	core_post_task(e, r, WF_E_TASK_SKIPPED, instance, index, WF_SKIP_WHEN);
}

static void verdict(struct engine *e, struct run *r, const struct dag_verdict *v)
{
	if (v->kind == DAG_SIZE) {
		struct effect f = { .kind = EFFECT_SIZE, .run = r->row.number, .a = v->instance };

		if (r->inst[v->instance].unsized)
			batch_effect(e, &f);
		return;
	}
	if (!v->count && r->inst[v->instance].unsized) {
		/* Its list can never be read: it has no tasks, and never will unless a retry gives it another chance. */
		r->inst[v->instance].unsized = 0;
		r->unsized--;
		r->services_touched = r->leases_touched = 1;
		return;
	}
	for (uint32_t i = v->first; i < v->first + v->count; i++) {
		/* After a restart the plan says again what it said before: what moved on is left alone. */
		if (r->inst[v->instance].tasks[i].state != WF_TASK_WAITING)
			continue;
		if (v->kind == DAG_RELEASE)
			release(e, r, v->instance, i);
		else
			skip(e, r, v->instance, i, v);
	}
}

/* ---- consumers of a failed service --------------------------------------------------------------------- */

/* A service that could never be founded passes on why: the step it comes after; UINT32_MAX for one that was founded and failed. */
static uint32_t step_before(const struct run *r, const struct wf_service *s)
{
	const struct wdf_service *spec = run_spec(r, s->number);

	for (uint32_t i = 0; !s->generation && i < spec->after_count; i++)
		if (spec->after[i].service == UINT32_MAX)
			return spec->after[i].step;
	return UINT32_MAX;
}

static void skip_for(struct engine *e, struct run *r, uint32_t instance, uint32_t index, uint32_t step, const char *why)
{
	struct wf_event ev = { .kind = WF_E_TASK_SKIPPED, .a = instance, .b = index,
			       .v = { WF_SKIP_PARENT_FAILED, step, DAG_UNSIZED, step } };

	ev.text[0].p = why;
	ev.text[0].n = (uint32_t)strlen(why);
	core_post(e, r, &ev);
}

/* One of the task's that will not come back by itself; NULL: none. */
static const struct wf_service *hopeless_of(const struct run *r, uint32_t instance, uint32_t index)
{
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++) {
		uint32_t s = task_service(r, instance, index, k);

		if (service_hopeless(r, s))
			return &r->services[s].s;
	}
	return NULL;
}

static void fail_for(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wf_service *bad)
{
	uint32_t step = step_before(r, bad);
	char why[512];

	snprintf(why, sizeof(why), "service '%s' failed%s%s", bad->name, bad->reason ? ": " : "", bad->reason ? bad->reason : "");
	if (step == UINT32_MAX)
		core_post_text(e, r, WF_E_TASK_FAILED, instance, index, WF_CLASS_SERVICE_FAILED, why);
	else
		skip_for(e, r, instance, index, step, why);
}

static void fail_consumers(struct engine *e, struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		/* The others go to the end of the ring, one by one, and so keep their order. */
		for (uint32_t n = in->use_count ? in->ready_count : 0; n; n--) {
			uint32_t index = in->ready[in->ready_head];
			const struct wf_service *bad = hopeless_of(r, i, index);

			if (!bad && !in->own)
				break;
			in->ready_head = (in->ready_head + 1) % in->ready_cap;
			in->ready_count--;
			if (in->tasks[index].state != WF_TASK_READY)
				continue;
			if (bad)
				fail_for(e, r, i, index, bad);
			else
				in->ready[(in->ready_head + in->ready_count++) % in->ready_cap] = index;
		}
		if (in->use_count && !in->ready_count)
			offer_remove(r, i);
	}
}

/* Nobody can tell whether it lives; if it does, it should not. */
void cancel_unknown(struct engine *e, struct run *r, uint32_t instance, uint32_t index)
{
	struct effect f = { .kind = EFFECT_CANCEL, .why = WF_CANCEL_USER, .run = r->row.number, .a = instance, .b = index,
			    .number = r->inst[instance].tasks[index].number };

	batch_effect(e, &f);
}

/* ---- canceling ------------------------------------------------------------------------------------------ */

/* Everything that does not run ends here; what runs was told to end by the verb, or is told now. */
static void cancel_rest(struct engine *e, struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		if (in->over == in->count)
			continue;
		for (uint32_t k = 0; k < in->count; k++) {
			const struct wf_task *t = &in->tasks[k];

			if (t->state == WF_TASK_WAITING || t->state == WF_TASK_READY || t->state == WF_TASK_HELD) {
				if (t->state == WF_TASK_HELD)
					cancel_unknown(e, r, i, k);
				core_post_task(e, r, WF_E_TASK_CANCELED, i, k, 0);
			} else if (t->state == WF_TASK_ACTIVE && !(t->flags & WF_TASK_F_CANCELING) &&
				   t->astate != WF_ATTEMPT_ENDED && t->astate != WF_ATTEMPT_REVOKED) {
				struct effect f = { .kind = EFFECT_CANCEL, .why = WF_CANCEL_USER, .run = r->row.number,
						    .a = i, .b = k, .number = t->number };

				core_post_task(e, r, WF_E_ATTEMPT_CANCELING, i, k, (int64_t)t->number);
				batch_effect(e, &f);
			}
		}
		in->ready_count = 0;
		offer_remove(r, i);
	}
}

/* ---- the run's end --------------------------------------------------------------------------------------- */

static int all_over(const struct run *r)
{
	return !r->unsized && r->over == r->total;
}

static int services_over(const struct run *r)
{
	for (uint32_t i = 0; i < r->service_count; i++) {
		uint8_t s = r->services[i].s.state;

		if (s != WF_SERVICE_DECLARED && s != WF_SERVICE_STOPPED && s != WF_SERVICE_FAILED &&
		    s != WF_SERVICE_LEAKED)
			return 0;
	}
	return 1;
}

static int any_intolerable(const struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++)
		if (r->inst[i].counts[WF_SEEN_FAILED] && dag_plan_intolerable(r->plan, i))
			return 1;
	return 0;
}

static void post_run(struct engine *e, struct run *r, uint8_t kind)
{
	struct wf_event ev = { .kind = kind };

	if (kind == WF_E_RUN_SUCCEEDED || kind == WF_E_RUN_FAILED || kind == WF_E_RUN_CANCELED) {
		ev.v[0] = r->counts[WF_SEEN_SUCCEEDED];
		ev.v[1] = r->counts[WF_SEEN_FAILED];
		ev.v[2] = r->counts[WF_SEEN_SKIPPED];
		ev.v[3] = r->counts[WF_SEEN_CANCELED];
	}
	core_post(e, r, &ev);
}

static void decide_end(struct engine *e, struct run *r)
{
	/* Services have not seen yet what became of the last tasks: their leases end before the run does. */
	if (r->service_count && r->services_touched)
		return;
	if ((r->row.state == WF_RUN_RUNNING || r->row.state == WF_RUN_PAUSED) && all_over(r))
		post_run(e, r, WF_E_RUN_CLOSING);
	if (r->row.state == WF_RUN_CANCELING && r->over == r->total && services_over(r))
		post_run(e, r, WF_E_RUN_CANCELED);
	if (r->row.state == WF_RUN_CLOSING && services_over(r))
		post_run(e, r, r->row.list_failed || any_intolerable(r) ? WF_E_RUN_FAILED : WF_E_RUN_SUCCEEDED);
}

void decide_run(struct engine *e, struct run *r)
{
	struct dag_verdict v;
	uint64_t before;

	if (!r->loaded || wf_run_is_over(&r->row))
		return;
	if (r->row.state == WF_RUN_PENDING)
		post_run(e, r, WF_E_RUN_ADMITTED);
	do {
		before = e->next_seq;
		for (size_t i = 0; i < r->todo_count; i++) {
			struct todo d = r->todo[i];

			outcome(e, r, &d);
			/* What the graph says now follows from that outcome. */
			if (e->cause)
				e->cause = e->next_seq - 1;
			while (r->row.state != WF_RUN_CANCELING && dag_plan_next(r->plan, &v))
				verdict(e, r, &v);
			e->cause = 0;
		}
		r->todo_count = 0;
		if (r->row.state == WF_RUN_CANCELING)
			cancel_rest(e, r);
		else
			while (dag_plan_next(r->plan, &v))
				verdict(e, r, &v);
		if (r->service_count && r->services_touched) {
			r->services_touched = 0;
			decide_services(e, r);
			fail_consumers(e, r);
		}
		decide_end(e, r);
	} while (e->next_seq != before && !wf_run_is_over(&r->row));
}
