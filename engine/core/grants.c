/* grants.c - owns the cores and memory that services with `resources` hold, who of them gets some next, and what that leaves to tasks.
 *
 * A service is granted its share only when, beside what all granted services hold, there is room for some consumer of it together with
 * every other service that this consumer still lacks. So whoever was granted last can always be used up, and holders never wait
 * for each other. Between runs that is not enough: a consumer that has to come first may find its room given to another run's service, whose
 * own consumers wait for the same. So beside other runs that hold some a run holds services only if all that it and they may need at one
 * time fits. Where only running tasks are in the way, the service is `asking`: no task takes what it waits for, and every end of a task
 * lets it try again.
 */
#include <stdio.h>

#include "engine/core/engine.h"

struct share {
	uint64_t cores, memory;
};

static struct share share_of(const struct service *svc)
{
	return (struct share){ .cores = svc->cores, .memory = svc->memory };
}

static int needs(const struct run *r, uint32_t instance, uint32_t service)
{
	const struct instance *in = &r->inst[instance];

	for (uint32_t i = 0; i < in->lease_count; i++)
		if (demand_reaches(r->wdf, r->leases[in->first_lease + i].l.service, service))
			return 1;
	return 0;
}

/* What an instance's tasks need besides what is granted already: one of them, and the services it lacks. */
static struct share lacks(const struct run *r, uint32_t instance)
{
	struct wf_task none = { 0 };
	struct share s = { .cores = r->inst[instance].cores, .memory = task_memory(r, instance, &none) };

	for (uint32_t i = 0; i < r->service_count; i++) {
		const struct service *svc = &r->services[i];

		if (svc->granted || (!svc->cores && !svc->memory) || !needs(r, instance, i))
			continue;
		s.cores += svc->cores;
		s.memory += svc->memory;
	}
	return s;
}

/* Held by services, and promised to the one that asks. */
static struct share taken(const struct agent *a, const struct service *but)
{
	struct share s = { .cores = a->cores_services, .memory = a->memory_services };

	if (a->asking && a->asking != but) {
		s.cores += a->asking->cores;
		s.memory += a->asking->memory;
	}
	return s;
}

/* Could it be used up, if no task ran? A service nobody needs has to have room for itself alone. */
static int is_safe(const struct agent *a, const struct run *r, uint32_t service)
{
	struct share t = taken(a, &r->services[service]), alone = share_of(&r->services[service]);
	int users = 0;

	for (uint32_t i = 0; i < r->lease_count; i++) {
		const struct wf_lease *l = &r->leases[i].l;
		struct share need;

		if (l->state == WF_LEASE_ENDED || !demand_reaches(r->wdf, l->service, service))
			continue;
		users = 1;
		need = lacks(r, l->instance);
		if (t.cores + need.cores <= a->cores && t.memory + need.memory <= a->memory)
			return 1;
	}
	return !users && t.cores + alone.cores <= a->cores && t.memory + alone.memory <= a->memory;
}

/* What a run may need at one time: every service that is used or held, and the largest task that uses any. */
static struct share needs_in_all(const struct run *r)
{
	struct share s = { 0 }, largest = { 0 };

	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].granted || demand_is_open(r, i)) {
			s.cores += r->services[i].cores;
			s.memory += r->services[i].memory;
		}
	for (uint32_t i = 0; i < r->lease_count; i++) {
		uint32_t instance = r->leases[i].l.instance;
		uint64_t memory;

		if (r->leases[i].l.state == WF_LEASE_ENDED)
			continue;
		memory = task_memory(r, instance, &(struct wf_task){ 0 });
		if (r->inst[instance].cores > largest.cores)
			largest.cores = r->inst[instance].cores;
		if (memory > largest.memory)
			largest.memory = memory;
	}
	return (struct share){ .cores = s.cores + largest.cores, .memory = s.memory + largest.memory };
}

static int holds_some(const struct run *r)
{
	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].granted && (r->services[i].cores || r->services[i].memory))
			return 1;
	return 0;
}

/* Beside all that other runs with services may still need? Alone a run may hold what it can. */
static int fits_beside_others(const struct engine *e, const struct run *r)
{
	struct share s = needs_in_all(r);
	int others = 0;

	for (size_t i = 0; i < e->live_count; i++) {
		struct share other;

		if (e->live[i] == r || !e->live[i]->loaded || !holds_some(e->live[i]))
			continue;
		others = 1;
		other = needs_in_all(e->live[i]);
		s.cores += other.cores;
		s.memory += other.memory;
	}
	return !others || (s.cores <= e->local.cores && s.memory <= e->local.memory);
}

/* The same with everything it holds: could this instance's task and its services ever be there together? */
static int fits(const struct agent *a, const struct run *r, uint32_t instance)
{
	struct share s = lacks(r, instance);

	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].granted && needs(r, instance, i)) {
			s.cores += r->services[i].cores;
			s.memory += r->services[i].memory;
		}
	return s.cores <= a->cores && s.memory <= a->memory;
}

int grants_never(const struct engine *e, const struct run *r, uint32_t service, char *why, size_t size)
{
	const struct agent *a = &e->local;
	struct share alone = share_of(&r->services[service]);
	int users = 0;

	if (a->state != AGENT_READY || (!alone.cores && !alone.memory))
		return 0;
	if (alone.cores <= a->cores && alone.memory <= a->memory) {
		for (uint32_t i = 0; i < r->lease_count; i++) {
			const struct wf_lease *l = &r->leases[i].l;

			if (l->state == WF_LEASE_ENDED || !demand_reaches(r->wdf, l->service, service))
				continue;
			if (fits(a, r, l->instance))
				return 0;
			users = 1;
		}
		if (!users)
			return 0;
	}
	snprintf(why, size, "executor '%s' has %u.%03u cores and %llu MiB now, too little for it%s", a->executor, a->cores / 1000,
		 a->cores % 1000, (unsigned long long)(a->memory >> 20), users ? " and a task that uses it" : "");
	return 1;
}

static void stop_waiting(struct agent *a, struct service *svc)
{
	a->waiting -= svc->waiting;
	svc->waiting = 0;
	if (a->asking == svc)
		a->asking = NULL;
}

int grants_try(struct engine *e, struct run *r, uint32_t service)
{
	struct agent *a = agents_of(e, "local");
	struct service *svc = &r->services[service];
	struct share s = share_of(svc), t = taken(a, svc);
	int safe;

	if (a->state != AGENT_READY)
		return 0;
	safe = !r->wdf->services[service].has_resources || (is_safe(a, r, service) && fits_beside_others(e, r));
	if (safe && a->cores_used - a->cores_services + t.cores + s.cores <= a->cores &&
	    a->memory_used - a->memory_services + t.memory + s.memory <= a->memory)
		return 1;
	a->waiting += !svc->waiting;
	svc->waiting = 1;
	if (safe && !a->asking)
		a->asking = svc;
	else if (!safe && a->asking == svc)
		a->asking = NULL;
	return 0;
}

void grants_freed(struct engine *e)
{
	for (size_t i = 0; e->local.waiting && i < e->live_count; i++) {
		struct run *r = e->live[i];

		for (uint32_t k = 0; k < r->service_count; k++)
			if (r->services[k].waiting) {
				r->services_touched = 1;
				core_touch_run(e, r);
			}
	}
}

void grants_hold(struct engine *e, struct run *r, uint32_t service)
{
	struct service *svc = &r->services[service];
	struct agent *a = agents_of(e, "local");

	stop_waiting(a, svc);
	if (svc->granted)
		return;
	svc->granted = 1;
	a->cores_used += svc->cores;
	a->memory_used += svc->memory;
	a->cores_services += svc->cores;
	a->memory_services += svc->memory;
}

void grants_release(struct engine *e, struct run *r, uint32_t service)
{
	struct service *svc = &r->services[service];
	struct agent *a = agents_of(e, "local");
	int waited = svc->waiting;

	if (svc->s.state != WF_SERVICE_RESERVING)
		stop_waiting(a, svc);
	if (svc->granted) {
		svc->granted = 0;
		a->cores_used -= svc->cores;
		a->memory_used -= svc->memory;
		a->cores_services -= svc->cores;
		a->memory_services -= svc->memory;
		waited = 1;
	}
	if (waited && svc->s.state != WF_SERVICE_RESERVING)
		grants_freed(e);
}

void grants_forget(struct engine *e, struct run *r, uint32_t service)
{
	stop_waiting(agents_of(e, "local"), &r->services[service]);
	grants_release(e, r, service);
}

/* ---- what that leaves to tasks ------------------------------------------------------------------------------------- */

int grants_leave_room(const struct engine *e, const struct run *r, uint32_t instance, uint64_t memory)
{
	const struct agent *a = &e->local;
	const struct instance *in = &r->inst[instance];
	struct share t = taken(a, NULL), own = { .cores = in->cores, .memory = memory };

	if (a->cores_used - a->cores_services + t.cores + in->cores <= a->cores &&
	    (!memory || a->memory_used - a->memory_services + t.memory + memory <= a->memory))
		return 1;
	/* More than there is beside its own services (memory that grew with its retries, an agent that came back with less): it
	 * would wait for ever, and all others behind it. It runs while no other task does. */
	for (uint32_t i = 0; in->lease_count && i < r->service_count; i++)
		if (needs(r, instance, i)) {
			own.cores += r->services[i].cores;
			own.memory += r->services[i].memory;
		}
	return (own.cores > a->cores || own.memory > a->memory) && a->cores_used == a->cores_services;
}
