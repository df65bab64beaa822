/* capacity.c - owns what is refused at submit because it could never fit: a step beside the services that it uses, and one beside services
 * that are kept for what comes after it. Knows what the agent has, not what of it is in use: that is waited for.
 */
#include <stdlib.h>

#include "engine/core/engine.h"

struct need {
	uint64_t cores, memory;        /* thousandths, bytes */
};

struct question {
	const struct wdf *w;
	const struct dag *d;
	const struct agent *agent;
	const char *file;
	uint8_t *later;                /* per instance: comes after the one that is looked at */
	uint32_t *stack;
};

static void add(struct need *n, const struct wdf_resources *res)
{
	n->cores += (uint64_t)(res->ranks ? res->ranks : 1) * (res->cpus ? res->cpus : 1) * 1000;
	n->memory += res->memory;
}

static int fits(const struct question *q, const struct need *n)
{
	return n->cores <= q->agent->cores && n->memory <= q->agent->memory;
}

static int uses(const struct wdf *w, const struct wdf_step *step, uint32_t service)
{
	for (uint32_t k = 0; k < step->use_count; k++)
		if (dag_service_reaches(w, step->uses[k].service, service))
			return 1;
	return 0;
}

static const struct wdf_step *step_of(const struct question *q, uint32_t instance)
{
	return &q->w->steps[q->d->instances[instance].step];
}

/* ---- alone ------------------------------------------------------------------------------------------- */

/* A task together with the services it uses, and those they come after. */
static int check_alone(const struct question *q, const struct wdf_step *step, struct need *need, struct wf_err *err)
{
	const struct agent *a = q->agent;

	add(need, &step->resources);
	for (uint32_t k = 0; k < q->w->service_count; k++)
		if (q->w->services[k].has_resources && uses(q->w, step, k))
			add(need, &q->w->services[k].resources);
	if (need->cores > a->cores)
		return wf_errf(err, WF_RESOURCE, "%s:%u:%u: step '%s'%s needs %llu cores, executor 'local' has %u; ask for fewer", q->file,
			       step->pos.line, step->pos.column, step->name, step->use_count ? " with its services" : "",
			       (unsigned long long)need->cores / 1000, a->cores / 1000);
	if (need->memory > a->memory)
		return wf_errf(err, WF_RESOURCE, "%s:%u:%u: step '%s'%s needs %llu MiB of memory, executor 'local' has %llu; ask for less",
			       q->file, step->pos.line, step->pos.column, step->name, step->use_count ? " with its services" : "",
			       (unsigned long long)(need->memory >> 20), (unsigned long long)(a->memory >> 20));
	return 0;
}

/* ---- beside what is kept ------------------------------------------------------------------------------- */

static void put_later(struct question *q, uint32_t instance, uint32_t *n)
{
	if (q->later[instance])
		return;
	q->later[instance] = 1;
	q->stack[(*n)++] = instance;
}

/* What waits for it: by its own edges, or because a service that it uses does. */
static void mark_later(struct question *q, uint32_t instance)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < q->d->instance_count; i++)
		q->later[i] = 0;
	for (q->stack[n++] = instance; n;) {
		uint32_t at = q->stack[--n];

		for (uint32_t k = 0; k < q->d->instances[at].out_count; k++)
			put_later(q, q->d->deps[q->d->instances[at].out[k]].to, &n);
		for (uint32_t v = 0; v < q->w->service_count; v++)
			for (uint32_t k = 0; k < q->w->services[v].after_count; k++)
				if (q->w->services[v].after[k].step == q->d->instances[at].step)
					for (uint32_t i = 0; i < q->d->instance_count; i++)
						if (uses(q->w, step_of(q, i), v))
							put_later(q, i, &n);
	}
}

/* Whose lease keeps the service while the instance waits: one that comes after it, if the service may be there by then. UINT32_MAX: none. */
static uint32_t keeper(const struct question *q, uint32_t instance, uint32_t service)
{
	uint32_t late = UINT32_MAX;
	int early = q->w->services[service].start == WDF_START_EAGER;

	if (!q->w->services[service].has_resources || uses(q->w, step_of(q, instance), service))
		return UINT32_MAX;
	for (uint32_t i = 0; i < q->d->instance_count; i++) {
		if (!uses(q->w, step_of(q, i), service))
			continue;
		early |= !q->later[i];
		if (q->later[i] && late == UINT32_MAX)
			late = i;
	}
	return early ? late : UINT32_MAX;
}

static int check_kept(struct question *q, uint32_t instance, struct need need, struct wf_err *err)
{
	const struct wdf_step *step = step_of(q, instance);

	mark_later(q, instance);
	for (uint32_t k = 0; k < q->w->service_count; k++) {
		uint32_t user = keeper(q, instance, k);

		if (user == UINT32_MAX)
			continue;
		add(&need, &q->w->services[k].resources);
		if (!fits(q, &need))
			return wf_errf(err, WF_RESOURCE,
				       "%s:%u:%u: step '%s' does not fit on executor 'local' (%u cores, %llu MiB) beside service '%s', which is "
				       "kept for '%s', which comes after '%s': both would wait for ever; ask for less",
				       q->file, step->pos.line, step->pos.column, step->name, q->agent->cores / 1000,
				       (unsigned long long)(q->agent->memory >> 20), q->w->services[k].name,
				       q->d->instances[user].name, step->name);
	}
	return 0;
}

int capacity_check(struct engine *e, const struct wdf *w, const struct dag *d, const char *file, struct wf_err *err)
{
	struct question q = { .w = w, .d = d, .agent = agents_of(e, "local"), .file = file };
	struct need services = { 0 };
	int rc = 0;

	q.later = wf_xcalloc(d->instance_count + 1u, sizeof(*q.later));
	q.stack = wf_xcalloc(d->instance_count + 1u, sizeof(*q.stack));
	for (uint32_t k = 0; k < w->service_count; k++)
		if (w->services[k].has_resources)
			add(&services, &w->services[k].resources);
	for (uint32_t i = 0; i < d->instance_count && rc == 0; i++) {
		struct need need = { 0 }, most = services;

		rc = check_alone(&q, step_of(&q, i), &need, err);
		/* The graph is walked for those that do not fit beside everything. */
		add(&most, &step_of(&q, i)->resources);
		if (rc == 0 && services.cores + services.memory && !fits(&q, &most))
			rc = check_kept(&q, i, need, err);
	}
	free(q.later);
	free(q.stack);
	return rc;
}
