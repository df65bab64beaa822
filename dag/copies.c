/* copies.c - owns which services a run has: one of each declaration, or with `scope: step` and
 * `scope: task` one for each step or task that needs it, by itself or because another of its
 * services comes after it.
 *
 * Numbers are kept with what runs and come out the same whenever they are found from the same graph:
 * what is known at submit, declaration by declaration in the order of the file; then what each list
 * brought, in the order of the lists.
 */
#include "dag/graph.h"

#include <stdio.h>

int dag_service_reaches(const struct wdf *w, uint32_t from, uint32_t service)
{
	if (from == service)
		return 1;
	for (uint32_t i = 0; i < w->services[from].after_count; i++)
		if (w->services[from].after[i].service != NONE &&
		    dag_service_reaches(w, w->services[from].after[i].service, service))
			return 1;
	return 0;
}

int dag_needs_service(const struct dag *d, uint32_t instance, uint32_t service)
{
	const struct wdf_step *s = &d->wdf->steps[d->instances[instance].step];

	for (uint32_t k = 0; k < s->use_count; k++)
		if (dag_service_reaches(d->wdf, s->uses[k].service, service))
			return 1;
	return 0;
}

/* The scope that matters: a service nobody needs is there once, as if it were the run's. */
static enum wdf_scope_of scope_of(const struct dag *d, uint32_t service)
{
	enum wdf_scope_of scope = d->wdf->services[service].scope;

	if (scope != WDF_SCOPE_STEP && scope != WDF_SCOPE_TASK)
		return WDF_SCOPE_RUN;
	for (uint32_t i = 0; i < d->instance_count; i++)
		if (dag_needs_service(d, i, service))
			return scope;
	return WDF_SCOPE_RUN;
}

static uint32_t count_of(const struct dag *d, uint32_t instance, enum wdf_scope_of scope)
{
	if (scope == WDF_SCOPE_STEP)
		return 1;
	return d->instances[instance].count == NONE ? 0 : d->instances[instance].count;
}

int copies_check(struct draft *dr)
{
	const struct dag *d = dr->d;
	uint64_t total = 0;

	for (uint32_t v = 0; v < d->wdf->service_count; v++) {
		enum wdf_scope_of scope = scope_of(d, v);

		total += scope == WDF_SCOPE_RUN;
		for (uint32_t i = 0; scope != WDF_SCOPE_RUN && i < d->instance_count; i++)
			if (dag_needs_service(d, i, v))
				total += count_of(d, i, scope);
		if (total <= DAG_MAX_SERVICES)
			continue;
		finding_hint(finding(dr->diags, "E0319", d->wdf->services[v].pos,
				     "with service '%s' for each of the %s that use it the run has more "
				     "than %u services",
				     d->wdf->services[v].name,
				     scope == WDF_SCOPE_STEP ? "steps" : "tasks", DAG_MAX_SERVICES),
			     "let more of them share one: 'scope: run', or 'scope: step'");
		return -1;
	}
	return 0;
}

/* ---- finding them ----------------------------------------------------------------------- */

struct finder {
	struct dag *d;
	struct dag_service *services;
	uint32_t *at;
	uint32_t count;
};

static uint32_t *slot(const struct finder *f, uint32_t service, uint32_t instance)
{
	return &f->at[(size_t)service * (f->d->instance_count + 1) +
		      (instance == NONE ? f->d->instance_count : instance)];
}

static void add(struct finder *f, uint32_t service, uint32_t instance, uint32_t index)
{
	if (f->services)
		f->services[f->count] =
			(struct dag_service){ .declared = service, .instance = instance, .index = index };
	f->count++;
}

static void add_tasks(struct finder *f, uint32_t service, uint32_t instance)
{
	if (f->d->instances[instance].count)
		*slot(f, service, instance) = f->count;
	for (uint32_t k = 0; k < f->d->instances[instance].count; k++)
		add(f, service, instance, k);
}

static void find_declared(struct finder *f, uint32_t service)
{
	enum wdf_scope_of scope = scope_of(f->d, service);

	if (scope == WDF_SCOPE_RUN) {
		*slot(f, service, NONE) = f->count;
		for (uint32_t i = 0; i < f->d->instance_count; i++)
			*slot(f, service, i) = f->count;
		add(f, service, NONE, NONE);
		return;
	}
	for (uint32_t i = 0; i < f->d->instance_count; i++) {
		if (!dag_needs_service(f->d, i, service))
			continue;
		if (scope == WDF_SCOPE_STEP) {
			*slot(f, service, i) = f->count;
			add(f, service, i, NONE);
		} else if (f->d->instances[i].sized_by == NONE) {
			add_tasks(f, service, i);
		}
	}
}

static void find_all(struct finder *f)
{
	const struct dag *d = f->d;

	f->count = 0;
	for (uint32_t v = 0; v < d->wdf->service_count; v++)
		find_declared(f, v);
	for (uint32_t k = 0; k < d->sized_count; k++) {
		uint32_t i = d->sized[k];

		for (uint32_t v = 0; d->instances[i].sized_by != NONE && v < d->wdf->service_count; v++)
			if (d->wdf->services[v].scope == WDF_SCOPE_TASK && dag_needs_service(d, i, v))
				add_tasks(f, v, i);
	}
}

void copies_find(struct dag *d)
{
	size_t slots = (size_t)d->wdf->service_count * (d->instance_count + 1);
	struct finder f = { .d = d };

	d->services = NULL;
	d->service_at = NULL;
	d->service_count = 0;
	if (!d->wdf->service_count)
		return;
	f.at = wf_arena_alloc(&d->arena, slots * sizeof(*f.at));
	for (size_t i = 0; i < slots; i++)
		f.at[i] = NONE;
	find_all(&f);
	f.services = wf_arena_alloc(&d->arena, f.count * sizeof(*f.services));
	find_all(&f);
	d->services = f.services;
	d->service_at = f.at;
	d->service_count = f.count;
}

uint32_t dag_service_of(const struct dag *d, uint32_t service, uint32_t instance, uint32_t index)
{
	uint32_t n = d->service_at[(size_t)service * (d->instance_count + 1) +
				   (instance == NONE ? d->instance_count : instance)];

	if (n == NONE || d->services[n].index == NONE)
		return n;
	return index == NONE ? NONE : n + index;
}

uint32_t dag_service_name(const struct dag *d, uint32_t service, char *out, size_t size)
{
	const struct dag_service *s = &d->services[service];
	const char *name = d->wdf->services[s->declared].name;
	char of[DAG_SERVICE_NAME];

	if (s->instance == NONE)
		return (uint32_t)snprintf(out, size, "%s", name);
	dag_task_name(d, s->instance, s->index, of, sizeof(of));
	return (uint32_t)snprintf(out, size, "%s (of %s)", name, of);
}
