/* derive.c - owns everything that can be computed again from facts: counters, ready queues, capacity in use, pools, the plan's view.
 *
 * derive_after keeps it current after one event; derive_all computes it from facts alone, at load and after a retry. Decides nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"

static const struct wdf_step *step_of(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

uint32_t task_cores(const struct run *r, uint32_t instance)
{
	const struct wdf_resources *res = &step_of(r, instance)->resources;
	uint64_t cores = (uint64_t)(res->ranks ? res->ranks : 1) * (res->cpus ? res->cpus : 1) * 1000;

	return cores > UINT32_MAX ? UINT32_MAX : (uint32_t)cores;
}

static double grown(double factor, uint32_t times)
{
	double f = 1;

	for (uint32_t i = 0; i < times; i++)
		f *= factor;
	return f;
}

uint64_t task_memory(const struct run *r, uint32_t instance, const struct wf_task *t)
{
	const struct wdf_step *s = step_of(r, instance);
	double m = (double)s->resources.memory * grown(s->retry.grow_memory, t->retries);

	if (s->retry.max_memory && m > (double)s->retry.max_memory)
		m = (double)s->retry.max_memory;
	return (uint64_t)m;
}

int64_t task_time_ms(const struct run *r, uint32_t instance, const struct wf_task *t)
{
	const struct wdf_step *s = step_of(r, instance);
	int64_t base = s->timeout_ms ? s->timeout_ms : s->resources.time_ms;
	double ms = (double)base * grown(s->retry.grow_time, t->retries);

	if (s->retry.max_time_ms && ms > (double)s->retry.max_time_ms)
		ms = (double)s->retry.max_time_ms;
	return (int64_t)ms;
}

int instance_settled(const struct run *r, uint32_t instance)
{
	const struct instance *in = &r->inst[instance];

	return !in->unsized && in->over == in->count;
}

/* ---- ready tasks ---------------------------------------------------------------------------------- */

void derive_ready_push(struct engine *e, struct run *r, uint32_t instance, uint32_t index)
{
	struct instance *in = &r->inst[instance];

	(void)e;
	if (in->ready_count == in->ready_cap) {
		uint32_t cap = in->ready_cap ? in->ready_cap * 2 : 4;
		uint32_t *ring = wf_xmalloc(cap * sizeof(*ring));

		for (uint32_t i = 0; i < in->ready_count; i++)
			ring[i] = in->ready[(in->ready_head + i) % in->ready_cap];
		free(in->ready);
		in->ready = ring;
		in->ready_cap = cap;
		in->ready_head = 0;
	}
	in->ready[(in->ready_head + in->ready_count++) % in->ready_cap] = index;
	if (in->use_count)
		r->services_touched = 1;
	/* Its own services may be there though those of the others are not. */
	if (in->own && in->parked == PARK_SERVICE)
		offer_unpark(r, instance);
	offer_push(r, instance);
}

/* ---- capacity ------------------------------------------------------------------------------------- */

static void hold(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wf_task *t, int sign)
{
	struct agent *a = agents_of(e, "local");
	const struct instance *in = &r->inst[instance];
	uint64_t memory = task_memory(r, instance, t);
	uint32_t pool = step_of(r, instance)->pool;

	for (uint32_t k = 0; k < in->use_count; k++)
		r->services[task_service(r, instance, index, k)].active += (uint32_t)sign;
	if (sign > 0) {
		places_take(a, in->cores, memory);
		r->inst[instance].active++;
		if (pool != UINT32_MAX)
			r->pool_used[pool]++;
		return;
	}
	places_free(a, in->cores, memory);
	r->inst[instance].active--;
	if (pool != UINT32_MAX)
		r->pool_used[pool]--;
}

/* A slot came free: whoever was parked for it may compete again. */
static void offer_again(struct run *r, uint32_t instance)
{
	if (r->inst[instance].parked == PARK_PARALLEL)
		offer_unpark(r, instance);
	if (step_of(r, instance)->pool != UINT32_MAX)
		offer_pool(r, step_of(r, instance)->pool);
}

static void offer_to_users(struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++)
		if (r->inst[i].parked == PARK_SERVICE)
			offer_unpark(r, i);
}

/* ---- tasks ---------------------------------------------------------------------------------------- */

static void count_seen(struct run *r, uint32_t instance, enum wf_seen s, int by)
{
	r->counts[s] += (uint32_t)by;
	r->inst[instance].counts[s] += (uint32_t)by;
}

static int is_bad_skip(const struct wf_task *t)
{
	return t->state == WF_TASK_SKIPPED &&
	       (t->class == WF_SKIP_PARENT_FAILED || t->class == WF_SKIP_PARENT_SKIPPED ||
		t->class == WF_SKIP_EMPTY);
}

/* Tell the plan what became of a task that is over. */
static void plan_over(struct run *r, uint32_t instance, uint32_t index, const struct wf_task *t)
{
	enum dag_outcome o;

	switch (t->state) {
	case WF_TASK_SUCCEEDED:
		o = DAG_SUCCEEDED;
		break;
	case WF_TASK_FAILED:
		o = DAG_FAILED;
		break;
	case WF_TASK_CANCELED:
		o = DAG_CANCELED;
		break;
	default:
		o = is_bad_skip(t) ? DAG_SKIPPED_BAD : DAG_SKIPPED;
	}
	dag_plan_ended(r->plan, instance, index, o, (uint32_t)t->number);
}

static void keep_result(struct run *r, const struct wf_event *ev)
{
	struct instance *in = &r->inst[ev->a];

	if (!in->keep_results || !ev->text[1].n)
		return;
	if (!in->results)
		in->results = wf_xcalloc(in->count, sizeof(*in->results));
	free(in->results[ev->b]);
	in->results[ev->b] = wf_xstrndup(ev->text[1].p, ev->text[1].n);
}

static void after_task(struct engine *e, struct run *r, const struct wf_event *ev, const struct wf_task *before)
{
	struct instance *in = &r->inst[ev->a];
	const struct wf_task *t = &in->tasks[ev->b];
	enum wf_seen was = wf_task_seen(before), is = wf_task_seen(t);

	if (was != is) {
		count_seen(r, ev->a, was, -1);
		count_seen(r, ev->a, is, 1);
	}
	if (before->state != WF_TASK_ACTIVE && t->state == WF_TASK_ACTIVE)
		hold(e, r, ev->a, ev->b, t, 1);
	if (before->state == WF_TASK_ACTIVE && t->state != WF_TASK_ACTIVE) {
		hold(e, r, ev->a, ev->b, before, -1);
		offer_again(r, ev->a);
		grants_freed(e);
		if (in->own)
			r->services_touched = 1;
	}
	switch (ev->kind) {
	case WF_E_ATTEMPT_RUNNING:
		dag_plan_started(r->plan, ev->a, ev->b);
		break;
	case WF_E_ATTEMPT_ENDED:
		places_pace(in, ev->v[4] - ev->v[3]);
		/* A short one may have started and ended in one sentence of its agent. */
		if (ev->v[3])
			dag_plan_started(r->plan, ev->a, ev->b);
		keep_result(r, ev);
		break;
	}
	if (ev->kind == WF_E_ATTEMPT_ENDED || ev->kind == WF_E_ATTEMPT_REVOKED ||
	    ev->kind == WF_E_ATTEMPT_UNKNOWN) {
		r->todo = wf_grow(r->todo, &r->todo_cap, r->todo_count + 1, sizeof(*r->todo));
		r->todo[r->todo_count++] =
			(struct todo){ .instance = ev->a, .index = ev->b, .seq = ev->seq };
	}
	if (t->state == WF_TASK_READY && before->state != WF_TASK_READY) {
		if (t->delay_ms)
			schedule_backoff(e, r, ev->a, ev->b);
		else
			derive_ready_push(e, r, ev->a, ev->b);
	}
	if (wf_task_is_over(t) && !wf_task_is_over(before)) {
		in->over++;
		r->over++;
		in->bad_skips += (uint32_t)is_bad_skip(t);
		plan_over(r, ev->a, ev->b, t);
		if (r->service_count)
			r->services_touched = 1;
		if (in->over == in->count || in->own)
			r->leases_touched = 1;
	} else if (!wf_task_is_over(t) && wf_task_is_over(before)) {
		in->over--;
		r->over--;
		in->bad_skips -= (uint32_t)is_bad_skip(before);
	}
}

void derive_after(struct engine *e, struct run *r, const struct wf_event *ev, const struct wf_task *before)
{
	const struct wf_event_info *info = wf_event_info(ev->kind);

	switch (info->subject) {
	case WF_S_TASK:
		after_task(e, r, ev, before);
		break;
	case WF_S_RUN:
		r->services_touched = r->leases_touched = 1;
		if (wf_run_is_over(&r->row)) {
			live_drop(e, r);
			r->used_ms = wf_os_mono_ms(e->os);
		} else {
			live_add(e, r);
		}
		break;
	case WF_S_SERVICE:
	case WF_S_MEMBER:
		r->services_touched = 1;
		if (ev->kind == WF_E_SERVICE_READY || ev->kind == WF_E_SERVICE_FAILED)
			offer_to_users(r);
		break;
	case WF_S_LEASE:
		r->services_touched = 1;
		if (ev->kind == WF_E_LEASE_WANTED)
			r->services[ev->b].open++;
		else if (ev->kind == WF_E_LEASE_ENDED)
			r->services[ev->b].open--;
		break;
	default:
		break;
	}
	core_touch_run(e, r);
}

/* ---- from facts alone ------------------------------------------------------------------------------- */

static void release_run_capacity(struct engine *e, struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		for (uint32_t k = 0; in->active && k < in->count; k++)
			if (in->tasks[k].state == WF_TASK_ACTIVE)
				hold(e, r, i, k, &in->tasks[k], -1);
	}
}

static void derive_instance(struct engine *e, struct run *r, uint32_t i)
{
	struct instance *in = &r->inst[i];

	for (uint32_t k = 0; k < in->count; k++) {
		const struct wf_task *t = &in->tasks[k];

		count_seen(r, i, wf_task_seen(t), 1);
		if (t->state == WF_TASK_ACTIVE)
			hold(e, r, i, k, t, 1);
		if (t->state == WF_TASK_ACTIVE &&
		    (t->astate == WF_ATTEMPT_ENDED || t->astate == WF_ATTEMPT_REVOKED)) {
			r->todo = wf_grow(r->todo, &r->todo_cap, r->todo_count + 1, sizeof(*r->todo));
			r->todo[r->todo_count++] = (struct todo){ .instance = i, .index = k };
		}
		if (wf_task_is_over(t)) {
			in->over++;
			in->bad_skips += (uint32_t)is_bad_skip(t);
			plan_over(r, i, k, t);
		} else if (t->first_ms) {
			dag_plan_started(r->plan, i, k);
		}
	}
	r->over += in->over;
	r->total += in->count;
}

void derive_all(struct engine *e, struct run *r)
{
	release_run_capacity(e, r);
	services_let_go(e, r);
	dag_plan_free(r->plan);
	r->plan = dag_plan_create(r->dag);
	memset(r->counts, 0, sizeof(r->counts));
	memset(r->pool_used, 0, r->wdf->pool_count * sizeof(*r->pool_used));
	for (uint32_t i = 0; i < r->wdf->pool_count; i++)
		r->pool_waits[i].count = 0;
	r->over = r->total = r->unsized = 0;
	r->offered.count = 0;
	for (uint32_t i = 0; i < r->service_count; i++)
		r->services[i].open = r->services[i].active = 0;
	for (uint32_t i = 0; i < r->lease_count; i++)
		r->services[r->leases[i].l.service].open +=
			r->leases[i].l.state == WF_LEASE_WANTED || r->leases[i].l.state == WF_LEASE_HELD;
	r->todo_count = 0;
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		memset(in->counts, 0, sizeof(in->counts));
		in->active = in->over = in->bad_skips = 0;
		in->unsized = r->dag->instances[i].count == DAG_UNSIZED;
		in->ready_head = in->ready_count = 0;
		in->heap_at = 0;
		in->parked = PARK_NONE;
		in->tasks_written = 0;
		in->cores = task_cores(r, i);
		r->unsized += in->unsized;
	}
	for (uint32_t i = 0; i < r->inst_count; i++)
		derive_instance(e, r, i);
	/* Ready queues last: offering compares weights and states of all. */
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++) {
			const struct wf_task *t = &r->inst[i].tasks[k];

			if (t->state != WF_TASK_READY)
				continue;
			if (t->delay_ms)
				schedule_backoff(e, r, i, k);
			else
				derive_ready_push(e, r, i, k);
		}
	services_hold(e, r);
	r->services_touched = r->leases_touched = 1;
	if (wf_run_is_over(&r->row))
		live_drop(e, r);
	else
		live_add(e, r);
}

/* A run-time fan-out got its size: room for its tasks, all waiting. */
void derive_size_instance(struct run *r, uint32_t instance, uint32_t count)
{
	struct instance *in = &r->inst[instance];
	uint32_t chunks = (count + WF_TASKS_PER_BLOB - 1) / WF_TASKS_PER_BLOB;

	in->unsized = 0;
	in->count = count;
	in->tasks = wf_xcalloc(count, sizeof(*in->tasks));
	in->applied = wf_xcalloc(chunks, sizeof(*in->applied));
	in->dirty = wf_xcalloc((chunks + 63) / 64, sizeof(*in->dirty));
	for (uint32_t c = 0; c < chunks; c++)
		batch_dirty(r, instance, c);
}

void live_add(struct engine *e, struct run *r)
{
	for (size_t i = 0; i < e->live_count; i++)
		if (e->live[i] == r)
			return;
	e->live = wf_grow(e->live, &e->live_cap, e->live_count + 1, sizeof(*e->live));
	e->live[e->live_count++] = r;
}

void live_drop(struct engine *e, struct run *r)
{
	for (size_t i = 0; i < e->live_count; i++)
		if (e->live[i] == r) {
			memmove(&e->live[i], &e->live[i + 1], (--e->live_count - i) * sizeof(*e->live));
			return;
		}
}
