/* demand.c - who wants a service of a run: leases and their end, services that come after it, and whether its own `after` holds. Posts
 * only the end of leases; founding and stopping are services.c's.
 */
#include <stdio.h>

#include "engine/core/engine.h"

/* ---- leases ------------------------------------------------------------------------------------------------ */

/* The only task that a lease is for, or DAG_UNSIZED: those of its instance. */
static uint32_t task_of(const struct run *r, const struct wf_lease *l)
{
	return r->dag->services[l->service].index;
}

int demand_lease_over(const struct run *r, const struct wf_lease *l)
{
	uint32_t index = task_of(r, l);

	return index == DAG_UNSIZED ? instance_settled(r, l->instance) : wf_task_is_over(&r->inst[l->instance].tasks[index]);
}

/* A canceled run sizes no list any more: what has no size has no task either. */
static int uses_no_more(const struct run *r, const struct wf_lease *l)
{
	return demand_lease_over(r, l) ||
	       (r->row.state == WF_RUN_CANCELING && r->inst[l->instance].over == r->inst[l->instance].count);
}

void demand_end_leases(struct engine *e, struct run *r)
{
	if (!r->leases_touched)
		return;
	r->leases_touched = 0;
	for (uint32_t i = 0; i < r->lease_count; i++) {
		struct wf_lease *l = &r->leases[i].l;
		struct wf_event ev = { .kind = WF_E_LEASE_ENDED, .a = l->instance, .b = l->service };

		if (l->state != WF_LEASE_ENDED && l->state != WF_LEASE_NONE && uses_no_more(r, l))
			core_post(e, r, &ev);
	}
}

/* Is there a lease on the service of which this is true? */
static int some_lease(const struct run *r, uint32_t service, int (*is)(const struct run *r, const struct wf_lease *l))
{
	if (r->dag->services[service].instance != DAG_UNSIZED)
		return r->services[service].lease != UINT32_MAX && is(r, &r->leases[r->services[service].lease].l);
	for (uint32_t i = 0; i < r->lease_count; i++)
		if (r->leases[i].l.service == service && is(r, &r->leases[i].l))
			return 1;
	return 0;
}

static int writes(const struct run *r, const struct wf_lease *l)
{
	(void)r;
	return l->mode != WDF_RO;
}

int demand_has_writers(const struct run *r, uint32_t service)
{
	return some_lease(r, service, writes);
}

/* ---- a service for each task ----------------------------------------------------------------------------------- */

static int is_up(const struct run *r, uint32_t service)
{
	uint8_t s = r->services[service].s.state;

	return s >= WF_SERVICE_RESERVING && s <= WF_SERVICE_STOPPING;
}

int demand_attended(const struct run *r, uint32_t instance, uint32_t index)
{
	for (uint32_t d = 0; d < r->wdf->service_count; d++) {
		uint32_t s = r->wdf->services[d].scope == WDF_SCOPE_TASK ? dag_service_of(r->dag, d, instance, index) : DAG_UNSIZED;

		if (s != DAG_UNSIZED && r->dag->services[s].index == index && is_up(r, s))
			return 1;
	}
	return 0;
}

/* One that backs off keeps its service, but makes nobody wait. */
void demand_count_attended(struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		in->attended = 0;
		for (uint32_t k = 0; in->own && k < in->count; k++)
			if ((in->tasks[k].state == WF_TASK_ACTIVE || (in->tasks[k].state == WF_TASK_READY && !in->tasks[k].delay_ms)) &&
			    demand_attended(r, i, k))
				in->attended++;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How many tasks of the instance could run at one time, at the most. No more get services of their own than that: the others' would only wait. */
static uint64_t at_once(const struct engine *e, const struct run *r, uint32_t instance)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	uint64_t n = UINT32_MAX, memory = task_memory(r, instance, &(struct wf_task){ 0 });

	if (step->parallel)
		n = least(n, step->parallel);
	if (step->pool != UINT32_MAX)
		n = least(n, r->wdf->pools[step->pool].limit);
	if (r->inst[instance].cores)
		n = least(n, e->local.cores / r->inst[instance].cores);
	if (memory)
		n = least(n, e->local.memory / memory);
	return n ? n : 1;
}

/* A lease that has not ended, and a task that could start with it, or runs. */
static int is_used(const struct run *r, const struct wf_lease *l)
{
	const struct instance *in = &r->inst[l->instance];
	uint32_t index = task_of(r, l);

	if (l->state == WF_LEASE_ENDED)
		return 0;
	if (index == DAG_UNSIZED)
		return in->ready_count || in->active;
	if (in->tasks[index].state != WF_TASK_READY && in->tasks[index].state != WF_TASK_ACTIVE)
		return 0;
	return demand_attended(r, l->instance, index) ||
	       in->attended < at_once(r->services[l->service].engine, r, l->instance);
}

/* ---- services that come after it ----------------------------------------------------------------------------- */

static int comes_after(const struct wdf *w, uint32_t later, uint32_t service)
{
	for (uint32_t i = 0; i < w->services[later].after_count; i++)
		if (w->services[later].after[i].service == service)
			return 1;
	return 0;
}

static int is_of(const struct dag_service *s, const struct dag_service *of)
{
	return of->instance == DAG_UNSIZED || s->instance == of->instance;
}

/* Is there one of which this is true? What comes after a task's own service is the task's own as well, after a step's own the step's or a task's. */
static int some_later(const struct run *r, uint32_t service, int (*is)(const struct run *r, uint32_t later))
{
	const struct dag_service *own = &r->dag->services[service];

	for (uint32_t d = 0; d < r->wdf->service_count; d++) {
		uint32_t first = 0, end = r->service_count;

		if (!comes_after(r->wdf, d, own->declared))
			continue;
		if (own->index != DAG_UNSIZED) {
			first = dag_service_of(r->dag, d, own->instance, own->index);
			end = first == DAG_UNSIZED ? first : first + 1;
		}
		for (uint32_t i = first; i < end; i++)
			if (r->dag->services[i].declared == d && is_of(&r->dag->services[i], own) && !service_hopeless(r, i) && is(r, i))
				return 1;
	}
	return 0;
}

static int is_up_or_open(const struct run *r, uint32_t service)
{
	return is_up(r, service) || demand_is_open(r, service);
}

int demand_is_open(const struct run *r, uint32_t service)
{
	return r->services[service].open || some_later(r, service, is_up_or_open);
}

static int is_up_or_due(const struct run *r, uint32_t service)
{
	return demand_is_open(r, service) && (is_up(r, service) || demand_is_due(r, service));
}

int demand_is_due(const struct run *r, uint32_t service)
{
	return run_spec(r, service)->start == WDF_START_EAGER || some_lease(r, service, is_used) || some_later(r, service, is_up_or_due);
}

/* ---- what it comes after --------------------------------------------------------------------------------------- */

static const char *step_verdict(const struct run *r, const struct wdf_after *a)
{
	const struct instance *in = &r->inst[a->step];
	int good = !dag_plan_intolerable(r->plan, a->step) && !in->bad_skips && !in->counts[WF_SEEN_CANCELED];

	if (a->result == WDF_SUCCESS && !good)
		return "did not succeed";
	if (a->result == WDF_FAILURE && !in->counts[WF_SEEN_FAILED])
		return "did not fail";
	return NULL;
}

int demand_after(const struct run *r, uint32_t service, char *why, size_t size)
{
	const struct wdf_service *spec = run_spec(r, service);
	const struct dag_service *own = &r->dag->services[service];
	int all = 1;

	for (uint32_t i = 0; i < spec->after_count; i++) {
		const struct wdf_after *a = &spec->after[i];
		const struct instance *in = &r->inst[a->step];
		const char *never;

		if (a->service != UINT32_MAX) {
			uint32_t before = dag_service_of(r->dag, a->service, own->instance, own->index);

			if (service_hopeless(r, before)) {
				snprintf(why, size, "it comes after service '%s', which failed", r->services[before].s.name);
				return -1;
			}
			all &= service_usable(r, before);
			continue;
		}
		if (a->result == WDF_START && !in->unsized && in->active + in->over == in->count)
			continue;
		if (!instance_settled(r, a->step)) {
			all = 0;
			continue;
		}
		never = step_verdict(r, a);
		if (never) {
			snprintf(why, size, "it comes after step '%s', which %s", r->dag->instances[a->step].name, never);
			return -1;
		}
	}
	return all;
}
