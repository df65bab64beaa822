/* listing.c - owns the list schedule: ready tasks start by priority, then urgency, as far as cores,
 * memory, pools and `parallel` allow; knows nothing of real time.
 *
 * All tasks of an instance are alike, so what waits is instances, each with a queue of ranges.
 * Instances with the same demands (cores, memory, pool) form a shape: when its first does not fit,
 * none of them does. An instance at its `parallel` limit is out of its shape until one of its tasks
 * ends. A start costs a look at each shape and log(instances).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dag/walk.h"

struct range {
	uint32_t first, count, next; /* next + 1 */
};

struct shape {
	uint64_t cores, memory; /* of one task */
	uint32_t pool;
	uint32_t *heap; /* instances with ready tasks, the best first */
	uint32_t count;
	uint32_t members;
};

struct lister {
	const struct dag *d;
	struct dag_plan *p;
	struct heap running;
	struct shape *shapes;
	size_t shape_count, shape_cap;
	uint32_t *shape_of;    /* by instance */
	uint32_t *head, *tail; /* by instance: ranges + 1 */
	uint32_t *active;      /* by instance: tasks running */
	uint8_t *listed;       /* by instance: in its shape's heap */
	struct range *ranges;
	size_t range_count, range_cap;
	uint32_t free_range;	/* + 1 */
	uint64_t cores, memory; /* free */
	uint32_t *pools;	/* free */
};

static const struct wdf_step *step_of(const struct lister *l, uint32_t i)
{
	return &l->d->wdf->steps[l->d->instances[i].step];
}

/* ---- shapes ---------------------------------------------------------------------------- */

static int is_better(const struct lister *l, uint32_t a, uint32_t b)
{
	int32_t pa = step_of(l, a)->priority, pb = step_of(l, b)->priority;
	uint64_t wa = l->d->instances[a].urgency, wb = l->d->instances[b].urgency;

	if (pa != pb)
		return pa > pb;
	return wa != wb ? wa > wb : a < b;
}

static void list_instance(struct lister *l, uint32_t i)
{
	struct shape *s = &l->shapes[l->shape_of[i]];
	uint32_t at = s->count++;

	l->listed[i] = 1;
	for (; at > 0 && is_better(l, i, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = i;
}

static void unlist_best(struct lister *l, struct shape *s)
{
	uint32_t last, at = 0;

	l->listed[s->heap[0]] = 0;
	last = s->heap[--s->count];
	for (uint32_t c = 1; c < s->count; at = c, c = 2 * c + 1) {
		if (c + 1 < s->count && is_better(l, s->heap[c + 1], s->heap[c]))
			c++;
		if (!is_better(l, s->heap[c], last))
			break;
		s->heap[at] = s->heap[c];
	}
	s->heap[at] = last;
}

/* A task that asks for more than there is would be refused at submit; here it takes all. */
static void find_shapes(struct lister *l, uint32_t cores, uint64_t memory)
{
	struct wf_strmap map = { 0 };
	struct wf_arena keys = { 0 };

	for (uint32_t i = 0; i < l->d->instance_count; i++) {
		const struct wdf_step *s = step_of(l, i);
		const struct wdf_resources *r = &s->resources;
		struct shape x = { .pool = s->pool };
		char *key;

		x.cores = (uint64_t)(r->cpus ? r->cpus : 1) * (r->ranks ? r->ranks : 1);
		x.cores = cores ? (x.cores < cores ? x.cores : cores) : 0;
		x.memory = r->memory * (r->nodes ? r->nodes : 1);
		x.memory = memory ? (x.memory < memory ? x.memory : memory) : 0;
		key = wf_arena_printf(&keys, "%llu %llu %u", (unsigned long long)x.cores,
				      (unsigned long long)x.memory, x.pool);
		l->shape_of[i] = wf_strmap_add(&map, key, (uint32_t)l->shape_count);
		if (l->shape_of[i] == l->shape_count) {
			l->shapes = wf_grow(l->shapes, &l->shape_cap, l->shape_count + 1,
					    sizeof(*l->shapes));
			l->shapes[l->shape_count++] = x;
		}
		l->shapes[l->shape_of[i]].members++;
	}
	for (size_t k = 0; k < l->shape_count; k++)
		l->shapes[k].heap = wf_xmalloc(l->shapes[k].members * sizeof(uint32_t));
	wf_strmap_release(&map);
	wf_arena_release(&keys);
}

/* ---- ready tasks ----------------------------------------------------------------------- */

static int may_start(const struct lister *l, uint32_t i)
{
	return l->head[i] && (!step_of(l, i)->parallel || l->active[i] < step_of(l, i)->parallel);
}

static void add_ready(struct lister *l, uint32_t i, uint32_t first, uint32_t count)
{
	uint32_t at = l->free_range;

	if (at) {
		l->free_range = l->ranges[at - 1].next;
	} else {
		l->ranges =
			wf_grow(l->ranges, &l->range_cap, l->range_count + 1, sizeof(*l->ranges));
		at = (uint32_t)++l->range_count;
	}
	l->ranges[at - 1] = (struct range){ first, count, 0 };
	if (l->head[i])
		l->ranges[l->tail[i] - 1].next = at;
	else
		l->head[i] = at;
	l->tail[i] = at;
	if (!l->listed[i] && may_start(l, i))
		list_instance(l, i);
}

static uint32_t room_for(const struct lister *l, const struct shape *s)
{
	uint64_t n = UINT32_MAX;

	if (s->cores && l->cores / s->cores < n)
		n = l->cores / s->cores;
	if (s->memory && l->memory / s->memory < n)
		n = l->memory / s->memory;
	if (s->pool != NONE && l->pools[s->pool] < n)
		n = l->pools[s->pool];
	return (uint32_t)n;
}

static void take(struct lister *l, const struct shape *s, uint32_t count)
{
	l->cores -= s->cores * count;
	l->memory -= s->memory * count;
	if (s->pool != NONE)
		l->pools[s->pool] -= count;
}

static void give_back(struct lister *l, const struct shape *s, uint32_t count)
{
	l->cores += s->cores * count;
	l->memory += s->memory * count;
	if (s->pool != NONE)
		l->pools[s->pool] += count;
}

static void start_some(struct lister *l, struct shape *s, uint32_t room, int64_t now)
{
	uint32_t i = s->heap[0], parallel = step_of(l, i)->parallel, at = l->head[i];
	struct range *r = &l->ranges[at - 1];
	struct batch b = { .instance = i, .first = r->first };

	b.at = now + l->d->instances[i].time_ms;
	b.count = r->count < room ? r->count : room;
	if (parallel && parallel - l->active[i] < b.count)
		b.count = parallel - l->active[i];
	r->first += b.count;
	r->count -= b.count;
	if (!r->count) {
		l->head[i] = r->next;
		r->next = l->free_range;
		l->free_range = at;
	}
	l->active[i] += b.count;
	take(l, s, b.count);
	walk_begin(l->p, i, b.first, b.count);
	heap_push(&l->running, b);
	if (!may_start(l, i))
		unlist_best(l, s);
}

/* The best of all shapes that fit, until none does. What starts may release what waits for a start,
 * so the plan is asked between. */
static void start_all(struct lister *l, int64_t now)
{
	for (;;) {
		struct shape *best = NULL;
		struct dag_verdict v;

		while (dag_plan_next(l->p, &v)) {
			if (v.kind == DAG_SKIP)
				walk_skip(l->p, &v);
			else
				add_ready(l, v.instance, v.first, v.count);
		}
		for (size_t k = 0; k < l->shape_count; k++) {
			struct shape *s = &l->shapes[k];

			if (s->count && room_for(l, s) &&
			    (!best || is_better(l, s->heap[0], best->heap[0])))
				best = s;
		}
		if (!best)
			return;
		start_some(l, best, room_for(l, best), now);
	}
}

static int64_t run(struct lister *l)
{
	int64_t now = 0;

	start_all(l, now);
	while (l->running.count) {
		now = l->running.items[0].at;
		while (l->running.count && l->running.items[0].at == now) {
			struct batch b = heap_pop(&l->running);

			give_back(l, &l->shapes[l->shape_of[b.instance]], b.count);
			l->active[b.instance] -= b.count;
			if (!l->listed[b.instance] && may_start(l, b.instance))
				list_instance(l, b.instance);
			walk_end(l->p, b.instance, b.first, b.count);
		}
		start_all(l, now);
	}
	return now;
}

int64_t list_schedule(const struct dag *d, uint32_t cores, uint64_t memory)
{
	struct lister l = { .d = d, .cores = cores, .memory = memory };
	uint32_t n = d->instance_count;
	int64_t makespan;

	l.p = plan_make(d, 1);
	l.shape_of = wf_xcalloc(n, sizeof(*l.shape_of));
	l.head = wf_xcalloc(n, sizeof(*l.head));
	l.tail = wf_xcalloc(n, sizeof(*l.tail));
	l.active = wf_xcalloc(n, sizeof(*l.active));
	l.listed = wf_xcalloc(n, 1);
	l.pools = wf_xcalloc(d->wdf->pool_count, sizeof(*l.pools));
	for (uint32_t i = 0; i < d->wdf->pool_count; i++)
		l.pools[i] = d->wdf->pools[i].limit;
	find_shapes(&l, cores, memory);
	makespan = run(&l);
	for (size_t k = 0; k < l.shape_count; k++)
		free(l.shapes[k].heap);
	free(l.shapes);
	free(l.shape_of);
	free(l.head);
	free(l.tail);
	free(l.active);
	free(l.listed);
	free(l.ranges);
	free(l.pools);
	free(l.running.items);
	dag_plan_free(l.p);
	return makespan;
}
