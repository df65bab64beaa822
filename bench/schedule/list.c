/* list.c - owns list schedules of a trace: whatever is ready and fits starts, the best first. What "best" means is an array of ranks.
 *
 * The best known makespan is the shortest of many: ranks by longest path, by length, by readiness, at random, perturbed; each improved
 * by turning the schedule around (tasks ranked by when they ended, the graph reversed) and back while that helps.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/schedule/schedule.h"

enum { TRIES_TASKS = 400000, TRIES_MIN = 30, TRIES_MAX = 400, TURNS = 20, LOOK_MAX = 64 };

/* The graph, or the reversed one. */
struct graph {
	const struct work *w;
	const uint32_t *first_next, *next, *first_before;
};

struct heap {
	uint32_t *items;
	uint32_t count;
};

struct plan {
	struct graph g;
	uint32_t cores;
	const double *rank;            /* higher first */
	int64_t *start;                /* out */
	int64_t *end;                  /* of what runs */
	uint32_t *wait;
	struct heap ready, running;
	uint32_t free_cores;
	int64_t now;
};

/* ---- heaps: of ready tasks by rank, of running ones by end ---------------------------------------------------- */

static int ready_before(const struct plan *p, uint32_t a, uint32_t b)
{
	return p->rank[a] != p->rank[b] ? p->rank[a] > p->rank[b] : a < b;
}

static int ends_before(const struct plan *p, uint32_t a, uint32_t b)
{
	return p->end[a] != p->end[b] ? p->end[a] < p->end[b] : a < b;
}

typedef int before_fn(const struct plan *p, uint32_t a, uint32_t b);

static void push(struct plan *p, struct heap *h, before_fn *before, uint32_t task)
{
	uint32_t i = h->count++;

	for (; i && before(p, task, h->items[(i - 1) / 2]); i = (i - 1) / 2)
		h->items[i] = h->items[(i - 1) / 2];
	h->items[i] = task;
}

static uint32_t pop(struct plan *p, struct heap *h, before_fn *before)
{
	uint32_t top = h->items[0], last = h->items[--h->count], i = 0;

	for (uint32_t c = 1; c < h->count; i = c, c = 2 * c + 1) {
		c += c + 1 < h->count && before(p, h->items[c + 1], h->items[c]);
		if (!before(p, h->items[c], last))
			break;
		h->items[i] = h->items[c];
	}
	h->items[i] = last;
	return top;
}

/* ---- a schedule --------------------------------------------------------------------------------------------------- */

/* The best first; one that does not fit may be overtaken. */
static void start_ready(struct plan *p)
{
	uint32_t passed[LOOK_MAX], n = 0;

	while (p->ready.count && p->free_cores && n < LOOK_MAX) {
		uint32_t t = pop(p, &p->ready, ready_before);

		if (p->g.w->cores[t] > p->free_cores) {
			passed[n++] = t;
			continue;
		}
		p->free_cores -= p->g.w->cores[t];
		p->start[t] = p->now;
		p->end[t] = p->now + p->g.w->ms[t];
		push(p, &p->running, ends_before, t);
	}
	while (n)
		push(p, &p->ready, ready_before, passed[--n]);
}

static void finish(struct plan *p, uint32_t t)
{
	p->free_cores += p->g.w->cores[t];
	for (uint32_t k = p->g.first_next[t]; k < p->g.first_next[t + 1]; k++)
		if (!--p->wait[p->g.next[k]])
			push(p, &p->ready, ready_before, p->g.next[k]);
}

/* Fills p->start and p->end; the makespan. */
static int64_t schedule(struct plan *p)
{
	p->now = 0;
	p->free_cores = p->cores;
	p->ready.count = p->running.count = 0;
	for (uint32_t t = 0; t < p->g.w->count; t++) {
		p->wait[t] = p->g.first_before[t + 1] - p->g.first_before[t];
		if (!p->wait[t])
			push(p, &p->ready, ready_before, t);
	}
	start_ready(p);
	while (p->running.count) {
		p->now = p->end[p->running.items[0]];
		while (p->running.count && p->end[p->running.items[0]] == p->now)
			finish(p, pop(p, &p->running, ends_before));
		start_ready(p);
	}
	return p->now;
}

static void plan_init(struct plan *p, const struct work *w, uint32_t cores, const double *rank)
{
	*p = (struct plan){ .g = { w, w->first_child, w->child, w->first_parent }, .cores = cores, .rank = rank };
	p->start = wf_xcalloc(w->count, sizeof(*p->start));
	p->end = wf_xcalloc(w->count, sizeof(*p->end));
	p->wait = wf_xcalloc(w->count, sizeof(*p->wait));
	p->ready.items = wf_xcalloc(w->count, sizeof(*p->ready.items));
	p->running.items = wf_xcalloc(w->count, sizeof(*p->running.items));
}

static void plan_release(struct plan *p)
{
	free(p->start);
	free(p->end);
	free(p->wait);
	free(p->ready.items);
	free(p->running.items);
}

static void turn(struct plan *p)
{
	const struct work *w = p->g.w;

	p->g = p->g.next == w->child ? (struct graph){ w, w->first_parent, w->parent, w->first_child }
				     : (struct graph){ w, w->first_child, w->child, w->first_parent };
}

/* Turned around, what ended last starts first; each turn is a schedule of the same work. */
static int64_t improve(struct plan *p, double *rank, int64_t made)
{
	int64_t best = made;

	for (int i = 0, idle = 0; i < TURNS && idle < 4; i++) {
		for (uint32_t t = 0; t < p->g.w->count; t++)
			rank[t] = (double)p->end[t];
		turn(p);
		made = schedule(p);
		idle = made < best ? 0 : idle + 1;
		best = made < best ? made : best;
	}
	if (p->g.next != p->g.w->child)
		turn(p);
	return best;
}

/* ---- ranks ------------------------------------------------------------------------------------------------------------- */

/* Longest path from each task to the end; tasks are taken when all children were. */
static void blevels(const struct work *w, double *rank)
{
	uint32_t *left = wf_xcalloc(w->count, sizeof(*left)), *queue = wf_xcalloc(w->count, sizeof(*queue)), taken = 0, known = 0;

	for (uint32_t t = 0; t < w->count; t++) {
		left[t] = w->first_child[t + 1] - w->first_child[t];
		if (!left[t])
			queue[known++] = t;
	}
	while (taken < known) {
		uint32_t t = queue[taken++];

		rank[t] = 0;
		for (uint32_t k = w->first_child[t]; k < w->first_child[t + 1]; k++)
			rank[t] = rank[w->child[k]] > rank[t] ? rank[w->child[k]] : rank[t];
		rank[t] += (double)w->ms[t];
		for (uint32_t k = w->first_parent[t]; k < w->first_parent[t + 1]; k++)
			if (!--left[w->parent[k]])
				queue[known++] = w->parent[k];
	}
	free(left);
	free(queue);
}

/* Those ready first, first: a schedule with all equal, whose ready heap is a queue. */
static int64_t fifo(const struct work *w, uint32_t cores)
{
	double *rank = wf_xcalloc(w->count, sizeof(*rank));
	struct plan p;
	int64_t made = 0, before = -1;

	/* When a task gets ready depends on the schedule: repeat with the times found until they stay. */
	plan_init(&p, w, cores, rank);
	for (int i = 0; i < 50 && made != before; i++) {
		before = made;
		made = schedule(&p);
		for (uint32_t t = 0; t < w->count; t++) {
			int64_t ready = 0;

			for (uint32_t k = w->first_parent[t]; k < w->first_parent[t + 1]; k++)
				ready = p.end[w->parent[k]] > ready ? p.end[w->parent[k]] : ready;
			rank[t] = -(double)ready;
		}
	}
	plan_release(&p);
	free(rank);
	return made;
}

static uint64_t next_random(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15u;
	uint64_t z = *s;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* From 0 to 1. */
static double any(uint64_t *s)
{
	return (double)(next_random(s) >> 11) * 0x1p-53;
}

/* ---- door ---------------------------------------------------------------------------------------------------------------- */

int64_t list_makespan(const struct work *w, uint32_t cores, enum list_policy policy)
{
	double *rank;
	struct plan p;
	int64_t made;

	if (policy == LIST_FIFO)
		return fifo(w, cores);
	rank = wf_xcalloc(w->count, sizeof(*rank));
	blevels(w, rank);
	plan_init(&p, w, cores, rank);
	made = schedule(&p);
	plan_release(&p);
	free(rank);
	return made;
}

int64_t lower_bound(const struct work *w, uint32_t cores)
{
	double *rank = wf_xcalloc(w->count, sizeof(*rank)), area = 0, path = 0;

	blevels(w, rank);
	for (uint32_t t = 0; t < w->count; t++) {
		area += (double)w->ms[t] * w->cores[t];
		path = rank[t] > path ? rank[t] : path;
	}
	free(rank);
	area /= cores;
	return (int64_t)(area > path ? area : path);
}

/* What try number i ranks by. */
static void rank_by(const struct work *w, const double *level, unsigned i, uint64_t *seed, double *rank)
{
	double noise = i < 4 ? 0 : 0.02 * (1 + i % 20);

	for (uint32_t t = 0; t < w->count; t++)
		switch (i) {
		case 0:
			rank[t] = level[t];
			break;
		case 1:
			rank[t] = (double)w->ms[t];
			break;
		case 2:
			rank[t] = (double)(w->first_child[t + 1] - w->first_child[t]);
			break;
		case 3:
			rank[t] = any(seed);
			break;
		default:
			rank[t] = level[t] * (1 + noise * (2 * any(seed) - 1));
		}
}

int64_t best_known(const struct work *w, uint32_t cores, int64_t known)
{
	double *level = wf_xcalloc(w->count, sizeof(*level)), *rank = wf_xcalloc(w->count, sizeof(*rank));
	unsigned tries = TRIES_TASKS / w->count;
	int64_t bound = lower_bound(w, cores);
	uint64_t seed = cores;
	struct plan p;

	tries = tries < TRIES_MIN ? TRIES_MIN : tries > TRIES_MAX ? TRIES_MAX : tries;
	blevels(w, level);
	plan_init(&p, w, cores, rank);
	for (unsigned i = 0; i < tries && known > bound; i++) {
		int64_t made;

		rank_by(w, level, i, &seed, rank);
		made = improve(&p, rank, schedule(&p));
		known = made < known ? made : known;
	}
	plan_release(&p);
	free(level);
	free(rank);
	return known;
}
