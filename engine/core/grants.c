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

static struct share share_declared(const struct wdf_service *w)
{
	const struct wdf_resources *res = &w->resources;

	if (!w->has_resources)
		return (struct share){ 0 };
	return (struct share){ .cores = (uint64_t)(res->ranks ? res->ranks : 1) * (res->cpus ? res->cpus : 1) * 1000,
			       .memory = res->memory };
}

static void put(struct share *s, struct share more)
{
	s->cores += more.cores;
	s->memory += more.memory;
}

enum granted { ALL, NOT_GRANTED };

/* What one task needs of services: of all, or of those that are not granted yet. With index DAG_UNSIZED any task of the instance: its own are taken
 * for not granted. */
static struct share services_of(const struct run *r, uint32_t instance, uint32_t index, enum granted which)
{
	struct share s = { 0 };

	for (uint32_t d = 0; d < r->wdf->service_count; d++) {
		uint32_t service;

		if (!r->wdf->services[d].has_resources || !dag_needs_service(r->dag, instance, d))
			continue;
		service = dag_service_of(r->dag, d, instance, index);
		if (service == DAG_UNSIZED || which == ALL || !r->services[service].granted)
			put(&s, share_declared(&r->wdf->services[d]));
	}
	return s;
}

/* The task and the services it needs. */
static struct share needs(const struct run *r, uint32_t instance, uint32_t index, enum granted which)
{
	struct wf_task none = { 0 };
	struct share s = services_of(r, instance, index, which);

	put(&s, (struct share){ .cores = r->inst[instance].cores, .memory = task_memory(r, instance, &none) });
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

/* Some user of it of whom this is true, with what was taken: 1; all that use it were asked in vain: 0; nobody uses it: -1. */
static int some_user(const struct agent *a, const struct run *r, uint32_t service, struct share taken, enum granted which)
{
	const struct dag_service *own = &r->dag->services[service];
	int answer = -1;

	for (uint32_t i = 0; i < r->lease_count && answer != 1; i++) {
		const struct wf_lease *l = &r->leases[i].l;
		struct share need;

		/* A task's own, and a step's own, has one kind of user. */
		if (own->instance != DAG_UNSIZED && i)
			break;
		if (own->instance == DAG_UNSIZED &&
		    (l->state == WF_LEASE_ENDED || !dag_service_reaches(r->wdf, r->dag->services[l->service].declared, own->declared)))
			continue;
		need = own->instance != DAG_UNSIZED ? needs(r, own->instance, own->index, which)
						    : needs(r, l->instance, r->dag->services[l->service].index, which);
		answer = taken.cores + need.cores <= a->cores && taken.memory + need.memory <= a->memory;
	}
	return answer;
}

/* Could it be used up, if no task ran? A service nobody needs has to have room for itself alone. */
static int is_safe(const struct agent *a, const struct run *r, uint32_t service)
{
	struct share t = taken(a, &r->services[service]), alone = share_of(&r->services[service]);
	int answer = some_user(a, r, service, t, NOT_GRANTED);

	return answer >= 0 ? answer : t.cores + alone.cores <= a->cores && t.memory + alone.memory <= a->memory;
}

/* What a run may need at one time: every service that is used or held, and the largest task that uses any. Of services for each task those that
 * are held, and one more. */
static struct share needs_in_all(const struct run *r)
{
	struct share s = { 0 }, largest = { 0 };
	uint32_t more = UINT32_MAX;    /* declaration of the last that one more was counted of: they lie together */

	for (uint32_t i = 0; i < r->service_count; i++) {
		const struct dag_service *own = &r->dag->services[i];
		int one = own->index == DAG_UNSIZED || own->declared != more;

		if (!r->services[i].granted && (!one || !demand_is_open(r, i)))
			continue;
		if (!r->services[i].granted && own->index != DAG_UNSIZED)
			more = own->declared;
		put(&s, share_of(&r->services[i]));
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
	put(&s, largest);
	return s;
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

int grants_never(const struct engine *e, const struct run *r, uint32_t service, char *why, size_t size)
{
	const struct agent *a = &e->local;
	struct share alone = share_of(&r->services[service]);
	int answer = 0;

	if (a->state != AGENT_READY || (!alone.cores && !alone.memory))
		return 0;
	if (alone.cores <= a->cores && alone.memory <= a->memory) {
		/* Could a task and its services ever be there together? */
		answer = some_user(a, r, service, (struct share){ 0 }, ALL);
		if (answer)
			return 0;
		answer = -1;
	}
	snprintf(why, size, "executor '%s' has %u.%03u cores and %llu MiB now, too little for it%s", a->executor, a->cores / 1000,
		 a->cores % 1000, (unsigned long long)(a->memory >> 20), answer ? " and a task that uses it" : "");
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
	safe = !run_spec(r, service)->has_resources || (is_safe(a, r, service) && fits_beside_others(e, r));
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

int grants_leave_room(const struct engine *e, const struct run *r, uint32_t instance, uint32_t index, uint64_t memory)
{
	const struct agent *a = &e->local;
	const struct instance *in = &r->inst[instance];
	struct share t = taken(a, NULL), own;

	if (a->cores_used - a->cores_services + t.cores + in->cores <= a->cores &&
	    (!memory || a->memory_used - a->memory_services + t.memory + memory <= a->memory))
		return 1;
	/* More than there is beside its own services (memory that grew with its retries, an agent that came back with less): it
	 * would wait for ever, and all others behind it. It runs while no other task does. */
	own = services_of(r, instance, index, ALL);
	put(&own, (struct share){ .cores = in->cores, .memory = memory });
	return (own.cores > a->cores || own.memory > a->memory) && a->cores_used == a->cores_services;
}
