/* estimate.c - owns what is said of a graph before it runs: its size, longest path, and how long it
 * would take on so many cores; knows neither clock nor executor. Everything is assumed to succeed
 * in its declared time; a step without one takes none.
 *
 * Three walks, each driven by the plan that drives a real run: by rounds (depth, width), with no
 * limits (longest path), and as a list schedule by priority and weight with cores, memory, pools
 * and `parallel`. Fan-outs whose size is not known count as passed.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/walk.h"

static const struct wdf_step *step_of(const struct dag *d, uint32_t i)
{
	return &d->wdf->steps[d->instances[i].step];
}

static int is_sized(const struct dag_instance *in)
{
	return in->count != DAG_UNSIZED;
}

/* ---- depth and width: level by level --------------------------------------------------- */

static void measure_levels(const struct dag *d, struct dag_estimate *e)
{
	struct dag_plan *p = plan_make(d, 1);
	struct dag_verdict *level = NULL, v;
	size_t count, cap = 0;

	do {
		uint32_t width = 0;

		count = 0;
		while (dag_plan_next(p, &v)) {
			if (v.kind == DAG_SKIP) {
				walk_skip(p, &v);
				continue;
			}
			level = wf_grow(level, &cap, count + 1, sizeof(*level));
			level[count++] = v;
			width += v.count;
		}
		for (size_t i = 0; i < count; i++)
			walk_end(p, level[i].instance, level[i].first, level[i].count);
		e->depth += count > 0;
		e->width = width > e->width ? width : e->width;
	} while (count);
	free(level);
	dag_plan_free(p);
}

/* ---- the longest path: everything starts as soon as it may ----------------------------- */

/* Where no step has a time, each counts 1, so that there is a longest path to show. */
static int64_t length_of(const struct dag *d, uint32_t i)
{
	return d->timed ? d->instances[i].time_ms : 1;
}

static void flow(const struct dag *d, int64_t *end)
{
	struct dag_plan *p = plan_make(d, 1);
	struct heap h = { 0 };
	struct dag_verdict v;
	int64_t now = 0;

	for (;;) {
		while (dag_plan_next(p, &v)) {
			int64_t *e = end + d->instances[v.instance].first;
			int64_t at = now + (v.kind == DAG_RELEASE ? length_of(d, v.instance) : 0);

			for (uint32_t i = v.first; i < v.first + v.count; i++)
				e[i] = at;
			if (v.kind == DAG_SKIP) {
				walk_skip(p, &v);
				continue;
			}
			walk_begin(p, v.instance, v.first, v.count);
			heap_push(&h, (struct batch){ at, 0, v.instance, v.first, v.count });
		}
		if (!h.count)
			break;
		now = h.items[0].at;
		while (h.count && h.items[0].at == now) {
			struct batch b = heap_pop(&h);

			walk_end(p, b.instance, b.first, b.count);
		}
	}
	free(h.items);
	dag_plan_free(p);
}

struct seeker {
	const struct dag *d;
	const int64_t *end;
	int64_t start;		  /* of the task whose last parent is looked for */
	uint32_t instance, index; /* found; NONE */
	uint32_t *through;	  /* instances without tasks on the way, still to look behind */
	uint32_t through_count;
	uint8_t *seen;
};

/* Takes the first parent that ended (or started, where that is waited for) just when the task
 * began. */
static int seek(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	struct seeker *s = arg;
	const struct dag_instance *in = &s->d->instances[instance];
	uint32_t first = index == DAG_UNSIZED ? 0 : index,
		 last = index == DAG_UNSIZED ? in->count : index + 1;
	int64_t back = dep->result == WDF_START ? length_of(s->d, instance) : 0;

	if (!is_sized(in) || !in->count) {
		if (!s->seen[instance])
			s->through[s->through_count++] = instance;
		s->seen[instance] = 1;
		return 0;
	}
	for (uint32_t i = first; i < last; i++)
		if (s->end[in->first + i] - back == s->start) {
			s->instance = instance;
			s->index = i;
			return 1;
		}
	return 0;
}

/* Walk back from the task that ends last. A path never comes back to an instance it left but within
 * a part; there it is told once per change. */
static void trace(struct dag *d, const int64_t *end, struct dag_estimate *e)
{
	struct seeker s = { .d = d, .end = end };
	uint32_t *path = NULL, at = 0, i, *kept;
	size_t count = 0, cap = 0;
	int64_t started;

	for (uint32_t t = 1; t < d->task_count; t++)
		if (end[t] >= end[at])
			at = t;
	s.through = wf_xmalloc(d->instance_count * sizeof(*s.through));
	s.seen = wf_xcalloc(d->instance_count, 1);
	i = d->task_count ? dag_task_instance(d, at) : NONE;
	while (i != NONE) {
		if (!count || path[count - 1] != i) {
			path = wf_grow(path, &cap, count + 1, sizeof(*path));
			path[count++] = i;
		}
		started = end[at] - length_of(d, i);
		s.start = started > 0 ? started : 0;
		s.instance = NONE;
		s.through_count = 0;
		dag_task_parents(d, i, at - d->instances[i].first, seek, &s);
		for (uint32_t k = 0; k < s.through_count; k++) {
			if (s.instance == NONE)
				dag_task_parents(d, s.through[k], DAG_UNSIZED, seek, &s);
			s.seen[s.through[k]] = 0;
		}
		i = s.instance;
		if (i != NONE)
			at = d->instances[i].first + s.index;
	}
	kept = wf_arena_alloc(&d->arena, count * sizeof(*kept));
	for (size_t k = 0; k < count; k++)
		kept[k] = path[count - 1 - k];
	e->path = kept;
	e->path_count = (uint32_t)count;
	e->critical_ms = d->timed && d->task_count ? end[at] : 0;
	free(path);
	free(s.through);
	free(s.seen);
}

static void measure_path(struct dag *d, struct dag_estimate *e)
{
	int64_t *end = wf_xcalloc(d->task_count, sizeof(*end)), last = 0;

	flow(d, end);
	for (uint32_t t = 0; t < d->task_count; t++)
		last = end[t] > last ? end[t] : last;
	trace(d, end, e);
	e->critical_ms = d->timed ? last : 0;
	free(end);
}

/* ---- sums ------------------------------------------------------------------------------ */

static uint64_t edges_of(const struct dag *d, const struct dag_dep *dep)
{
	const struct dag_instance *from = &d->instances[dep->from], *to = &d->instances[dep->to];
	uint64_t n = 0;

	if (!is_sized(from) || !is_sized(to))
		return 0;
	switch (dep->kind) {
	case DAG_ALL:
		return (uint64_t)from->count * to->count;
	case DAG_EACH:
		return to->count;
	case DAG_BY:
		for (uint32_t i = 0; i < to->count; i++)
			n += dep->group_size[dep->to_group[i]];
		return n;
	case DAG_SOME:
		return dep->pred_offset[to->count];
	}
	return 0;
}

static void add_up(const struct dag *d, struct dag_estimate *e)
{
	e->tasks = d->task_count;
	e->steps = d->instance_count;
	for (uint32_t i = 0; i < d->instance_count; i++) {
		const struct dag_instance *in = &d->instances[i];
		const struct wdf_resources *r = &step_of(d, i)->resources;
		int64_t work;

		if (!is_sized(in)) {
			e->unsized++;
			continue;
		}
		work = (int64_t)in->count * in->time_ms * (r->ranks ? r->ranks : 1);
		e->work_ms += work;
		e->core_ms += work * (r->cpus ? r->cpus : 1);
	}
	for (uint32_t i = 0; i < d->dep_count; i++)
		e->edges += edges_of(d, &d->deps[i]);
}

void dag_estimate(struct dag *d, uint32_t cores, uint64_t memory, struct dag_estimate *e)
{
	memset(e, 0, sizeof(*e));
	add_up(d, e);
	measure_levels(d, e);
	measure_path(d, e);
	if (d->timed)
		e->makespan_ms = list_schedule(d, cores, memory);
}
