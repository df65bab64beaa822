/* demand.c - who wants a service of a run: leases and their end, services that come after it, and whether its own `after` holds. Posts
 * only the end of leases; founding and stopping are services.c's.
 */
#include <stdio.h>

#include "engine/core/engine.h"

static const struct wdf_service *spec_of(const struct run *r, uint32_t service)
{
	return &r->wdf->services[service];
}

/* ---- leases ------------------------------------------------------------------------------------------------ */

/* A canceled run sizes no list any more: what has no size has no task either. */
static int uses_no_more(const struct run *r, uint32_t instance)
{
	return instance_settled(r, instance) ||
	       (r->row.state == WF_RUN_CANCELING && r->inst[instance].over == r->inst[instance].count);
}

void demand_end_leases(struct engine *e, struct run *r)
{
	if (!r->leases_touched)
		return;
	r->leases_touched = 0;
	for (uint32_t i = 0; i < r->lease_count; i++) {
		struct wf_lease *l = &r->leases[i].l;
		struct wf_event ev = { .kind = WF_E_LEASE_ENDED, .a = l->instance, .b = l->service };

		if (l->state != WF_LEASE_ENDED && l->state != WF_LEASE_NONE && uses_no_more(r, l->instance))
			core_post(e, r, &ev);
	}
}

int demand_has_writers(const struct run *r, uint32_t service)
{
	for (uint32_t i = 0; i < r->lease_count; i++)
		if (r->leases[i].l.service == service && r->leases[i].l.mode != WDF_RO)
			return 1;
	return 0;
}

/* A lease that has not ended, of an instance with a task that could start, or runs. */
static int has_user(const struct run *r, uint32_t service)
{
	for (uint32_t i = 0; i < r->lease_count; i++) {
		const struct wf_lease *l = &r->leases[i].l;
		const struct instance *in = &r->inst[l->instance];

		if (l->service == service && l->state != WF_LEASE_ENDED && (in->ready_count || in->active))
			return 1;
	}
	return 0;
}

/* ---- services that come after it ----------------------------------------------------------------------------- */

static int comes_after(const struct run *r, uint32_t later, uint32_t service)
{
	for (uint32_t i = 0; i < spec_of(r, later)->after_count; i++)
		if (spec_of(r, later)->after[i].service == service)
			return 1;
	return 0;
}

int demand_reaches(const struct wdf *w, uint32_t from, uint32_t service)
{
	if (from == service)
		return 1;
	for (uint32_t i = 0; i < w->services[from].after_count; i++)
		if (w->services[from].after[i].service != UINT32_MAX && demand_reaches(w, w->services[from].after[i].service, service))
			return 1;
	return 0;
}

static int is_up(const struct run *r, uint32_t service)
{
	uint8_t s = r->services[service].s.state;

	return s >= WF_SERVICE_RESERVING && s <= WF_SERVICE_STOPPING;
}

int demand_is_open(const struct run *r, uint32_t service)
{
	if (r->services[service].open)
		return 1;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (comes_after(r, i, service) && !service_hopeless(r, i) && (is_up(r, i) || demand_is_open(r, i)))
			return 1;
	return 0;
}

int demand_is_due(const struct run *r, uint32_t service)
{
	if (spec_of(r, service)->start == WDF_START_EAGER || has_user(r, service))
		return 1;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (comes_after(r, i, service) && !service_hopeless(r, i) && demand_is_open(r, i) && (is_up(r, i) || demand_is_due(r, i)))
			return 1;
	return 0;
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
	const struct wdf_service *spec = spec_of(r, service);
	int all = 1;

	for (uint32_t i = 0; i < spec->after_count; i++) {
		const struct wdf_after *a = &spec->after[i];
		const struct instance *in = &r->inst[a->step];
		const char *never;

		if (a->service != UINT32_MAX) {
			if (service_hopeless(r, a->service)) {
				snprintf(why, size, "it comes after service '%s', which failed", r->services[a->service].s.name);
				return -1;
			}
			all &= service_usable(r, a->service);
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
