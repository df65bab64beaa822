/* urgency.c - owns the order in which the scheduler starts instances on so many cores, found before they run; knows nothing of pools,
 * services and memory, nor of what really happens.
 *
 * The longest path to the end (weight.c) is a good order. A better one is looked for by turning the schedule that it makes
 * around: the graph reversed, what ended last starts first; then back again, and so on. Each turn is a schedule of the same work,
 * and often a shorter one; an order of one that runs forward is kept if it is. On graphs of more tasks or edges than below, or
 * with tasks that nobody can count yet, the longest path stays.
 *
 * Times are as declared. Where they are not exact the order found is about as good as the longest path, so a gain that is smaller than
 * they are exact is not taken.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"

enum { TASKS_MAX = 4000, EDGES_MAX = 60000, TURNS = 12, GAIN = 500 /* one part of so many */ };

/* Every task and edge by itself, tasks by ordinal. */
struct flat {
	const struct dag *d;
	uint32_t count, cores;
	uint32_t *instance, *need;     /* by task; need: cores */
	uint32_t *first_parent, *parent, *first_child, *child;
	size_t edges, cap;
};

struct queue {
	uint32_t *items, count;
};

struct schedule {
	const struct flat *f;
	const uint32_t *first_next, *next, *first_before;
	uint64_t *urgency;             /* by instance */
	int64_t *end;                  /* by task, of the last schedule made */
	uint32_t *wait;
	struct queue ready, running;
	uint32_t free;
	int64_t now;
};

/* ---- flattening ------------------------------------------------------------------------ */

static void add_edge(struct flat *f, uint32_t parent)
{
	f->parent = wf_grow(f->parent, &f->cap, f->edges + 1, sizeof(*f->parent));
	f->parent[f->edges++] = parent;
}

static int add_parent(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	struct flat *f = arg;
	const struct dag_instance *from = &f->d->instances[instance];

	(void)dep;
	for (uint32_t i = 0; index == DAG_UNSIZED && i < from->count && f->edges <= EDGES_MAX; i++)
		add_edge(f, from->first + i);
	if (index != DAG_UNSIZED)
		add_edge(f, from->first + index);
	return f->edges > EDGES_MAX;
}

static void find_children(struct flat *f)
{
	f->first_child = wf_xcalloc(f->count + 2, sizeof(*f->first_child));
	f->child = wf_xcalloc(f->edges + 1, sizeof(*f->child));
	for (size_t e = 0; e < f->edges; e++)
		f->first_child[f->parent[e] + 2]++;
	for (uint32_t t = 2; t <= f->count; t++)
		f->first_child[t] += f->first_child[t - 1];
	for (uint32_t t = 0; t < f->count; t++)
		for (uint32_t e = f->first_parent[t]; e < f->first_parent[t + 1]; e++)
			f->child[f->first_child[f->parent[e] + 1]++] = t;
}

/* -1: too large. Tasks that ask for more cores than there are take all. */
static int flatten(struct flat *f, const struct dag *d, uint32_t cores)
{
	memset(f, 0, sizeof(*f));
	f->d = d;
	f->count = d->task_count;
	f->cores = cores;
	f->instance = wf_xcalloc(f->count + 1, sizeof(*f->instance));
	f->need = wf_xcalloc(f->count + 1, sizeof(*f->need));
	f->first_parent = wf_xcalloc(f->count + 1, sizeof(*f->first_parent));
	for (uint32_t k = 0; k < d->sized_count; k++) {
		const struct dag_instance *in = &d->instances[d->sized[k]];
		const struct wdf_resources *r = &d->wdf->steps[in->step].resources;
		uint64_t need = (uint64_t)(r->cpus ? r->cpus : 1) * (r->ranks ? r->ranks : 1);

		for (uint32_t i = 0; i < in->count; i++) {
			uint32_t t = in->first + i;

			f->instance[t] = d->sized[k];
			f->need[t] = need < cores ? (uint32_t)need : cores;
			f->first_parent[t] = (uint32_t)f->edges;
			dag_task_parents(d, d->sized[k], i, add_parent, f);
			f->first_parent[t + 1] = (uint32_t)f->edges;
			if (f->edges > EDGES_MAX)
				return -1;
		}
	}
	find_children(f);
	return 0;
}

static void flat_release(struct flat *f)
{
	free(f->instance);
	free(f->need);
	free(f->first_parent);
	free(f->parent);
	free(f->first_child);
	free(f->child);
}

/* ---- heaps: of ready tasks as the scheduler has them, of running ones by their end ------ */

static int is_better(const struct schedule *s, uint32_t a, uint32_t b)
{
	uint32_t i = s->f->instance[a], k = s->f->instance[b];
	const struct dag *d = s->f->d;
	int32_t pa = d->wdf->steps[d->instances[i].step].priority, pb = d->wdf->steps[d->instances[k].step].priority;

	/* Backwards, what starts first ends last. */
	if (pa != pb)
		return (pa > pb) == (s->next == s->f->child);
	return s->urgency[i] != s->urgency[k] ? s->urgency[i] > s->urgency[k] : a < b;
}

static int ends_first(const struct schedule *s, uint32_t a, uint32_t b)
{
	return s->end[a] != s->end[b] ? s->end[a] < s->end[b] : a < b;
}

typedef int before_fn(const struct schedule *s, uint32_t a, uint32_t b);

static void push(struct schedule *s, struct queue *q, before_fn *before, uint32_t t)
{
	uint32_t i = q->count++;

	for (; i && before(s, t, q->items[(i - 1) / 2]); i = (i - 1) / 2)
		q->items[i] = q->items[(i - 1) / 2];
	q->items[i] = t;
}

static uint32_t pop(struct schedule *s, struct queue *q, before_fn *before)
{
	uint32_t top = q->items[0], last = q->items[--q->count], i = 0;

	for (uint32_t c = 1; c < q->count; i = c, c = 2 * c + 1) {
		c += c + 1 < q->count && before(s, q->items[c + 1], q->items[c]);
		if (!before(s, q->items[c], last))
			break;
		q->items[i] = q->items[c];
	}
	q->items[i] = last;
	return top;
}

/* ---- a schedule ------------------------------------------------------------------------- */

static void start_ready(struct schedule *s)
{
	enum { LOOK_MAX = 64 };
	uint32_t passed[LOOK_MAX], n = 0;

	while (s->ready.count && s->free && n < LOOK_MAX) {
		uint32_t t = pop(s, &s->ready, is_better);

		if (s->f->need[t] > s->free) {
			passed[n++] = t;
			continue;
		}
		s->free -= s->f->need[t];
		s->end[t] = s->now + s->f->d->instances[s->f->instance[t]].time_ms;
		push(s, &s->running, ends_first, t);
	}
	while (n)
		push(s, &s->ready, is_better, passed[--n]);
}

/* Fills s->end; its length. */
static int64_t make(struct schedule *s)
{
	const struct flat *f = s->f;

	s->now = 0;
	s->free = f->cores;
	s->ready.count = 0;
	for (uint32_t t = 0; t < f->count; t++) {
		s->wait[t] = s->first_before[t + 1] - s->first_before[t];
		if (!s->wait[t])
			push(s, &s->ready, is_better, t);
	}
	start_ready(s);
	while (s->running.count) {
		s->now = s->end[s->running.items[0]];
		while (s->running.count && s->end[s->running.items[0]] == s->now) {
			uint32_t t = pop(s, &s->running, ends_first);

			s->free += f->need[t];
			for (uint32_t e = s->first_next[t]; e < s->first_next[t + 1]; e++)
				if (!--s->wait[s->next[e]])
					push(s, &s->ready, is_better, s->next[e]);
		}
		start_ready(s);
	}
	return s->now;
}

/* Turned around, what ended last is the most urgent. */
static void turn(struct schedule *s)
{
	const struct flat *f = s->f;

	s->first_next = s->next == f->child ? f->first_parent : f->first_child;
	s->first_before = s->next == f->child ? f->first_child : f->first_parent;
	s->next = s->next == f->child ? f->parent : f->child;
	memset(s->urgency, 0, f->d->instance_count * sizeof(*s->urgency));
	for (uint32_t t = 0; t < f->count; t++)
		if ((uint64_t)s->end[t] > s->urgency[f->instance[t]])
			s->urgency[f->instance[t]] = (uint64_t)s->end[t];
}

/* ---- door --------------------------------------------------------------------------------- */

static void reset(struct dag *d)
{
	for (uint32_t i = 0; i < d->instance_count; i++)
		d->instances[i].urgency = d->instances[i].weight;
}

static int may_look(const struct dag *d, uint32_t cores)
{
	for (uint32_t i = 0; i < d->instance_count; i++)
		if (d->instances[i].count == DAG_UNSIZED)
			return 0;
	return d->timed && cores && d->task_count && d->task_count <= TASKS_MAX;
}

static void look(struct dag *d, const struct flat *f)
{
	struct schedule s = { .f = f, .first_next = f->first_child, .next = f->child, .first_before = f->first_parent };
	int64_t best, made;

	s.urgency = wf_xcalloc(d->instance_count, sizeof(*s.urgency));
	s.end = wf_xcalloc(f->count, sizeof(*s.end));
	s.wait = wf_xcalloc(f->count, sizeof(*s.wait));
	s.ready.items = wf_xcalloc(f->count, sizeof(*s.ready.items));
	s.running.items = wf_xcalloc(f->count, sizeof(*s.running.items));
	for (uint32_t i = 0; i < d->instance_count; i++)
		s.urgency[i] = d->instances[i].weight;
	best = make(&s);
	best -= best / GAIN;
	for (int i = 0; i < TURNS; i++) {
		turn(&s);
		made = make(&s);
		if (made >= best || s.next != f->child)
			continue;
		best = made;
		for (uint32_t k = 0; k < d->instance_count; k++)
			d->instances[k].urgency = s.urgency[k];
	}
	free(s.urgency);
	free(s.end);
	free(s.wait);
	free(s.ready.items);
	free(s.running.items);
}

void dag_find_urgency(struct dag *d, uint32_t cores)
{
	struct flat f;

	reset(d);
	if (!may_look(d, cores))
		return;
	if (flatten(&f, d, cores) == 0)
		look(d, &f);
	flat_release(&f);
}
