/* layout.c - owns where each instance stands in a picture: a rank by the longest path to it, an
 * order within the rank by barycentres; knows nothing of how it is drawn.
 *
 * A fixed number of sweeps, each over every edge once. Edges against the order (instances that take
 * turns by data) are left out. An edge over several ranks pulls like any other: no helper nodes,
 * whose number could grow with the square of the graph.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"

enum { SWEEPS = 8 };

struct desk {
	const struct dag *d;
	uint32_t *rank, *order;
	uint32_t *place; /* position in d->order: says which edges lead forward */
	uint32_t ranks;
	uint32_t *at, *row; /* instances by rank, in order */
	double *pull;
};

static int leads_forward(const struct desk *k, const struct dag_dep *dep)
{
	return k->place[dep->from] < k->place[dep->to];
}

static void set_ranks(struct desk *k)
{
	const struct dag *d = k->d;

	for (uint32_t i = 0; i < d->instance_count; i++)
		k->place[d->order[i]] = i;
	for (uint32_t i = 0; i < d->instance_count; i++) {
		const struct dag_instance *in = &d->instances[d->order[i]];

		for (uint32_t e = 0; e < in->in_count; e++) {
			const struct dag_dep *dep = &d->deps[in->in[e]];

			if (leads_forward(k, dep) && k->rank[dep->from] + 1 > k->rank[dep->to])
				k->rank[dep->to] = k->rank[dep->from] + 1;
		}
		if (k->rank[d->order[i]] + 1 > k->ranks)
			k->ranks = k->rank[d->order[i]] + 1;
	}
}

static void set_rows(struct desk *k)
{
	const struct dag *d = k->d;

	k->at = wf_xcalloc((size_t)k->ranks + 2, sizeof(*k->at));
	for (uint32_t i = 0; i < d->instance_count; i++)
		k->at[k->rank[i] + 2]++;
	for (uint32_t r = 2; r < k->ranks + 2; r++)
		k->at[r] += k->at[r - 1];
	for (uint32_t i = 0; i < d->instance_count; i++) {
		uint32_t r = k->rank[i];

		k->order[i] = k->at[r + 1] - k->at[r];
		k->row[k->at[r + 1]++] = i;
	}
}

/* Between 0 and 1, so that neighbours in rows of different length compare. */
static double position(const struct desk *k, uint32_t i)
{
	uint32_t n = k->at[k->rank[i] + 1] - k->at[k->rank[i]];

	return (k->order[i] + 0.5) / n;
}

static double barycentre(const struct desk *k, uint32_t i, int down)
{
	const struct dag *d = k->d;
	const struct dag_instance *in = &d->instances[i];
	uint32_t n = down ? in->in_count : in->out_count, count = 0;
	double sum = 0;

	for (uint32_t e = 0; e < n; e++) {
		const struct dag_dep *dep = &d->deps[down ? in->in[e] : in->out[e]];

		if (leads_forward(k, dep)) {
			sum += position(k, down ? dep->from : dep->to);
			count++;
		}
	}
	return count ? sum / count : position(k, i);
}

static int by_pull(const void *a, const void *b, void *arg)
{
	const struct desk *k = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (k->pull[x] != k->pull[y])
		return k->pull[x] < k->pull[y] ? -1 : 1;
	return k->order[x] < k->order[y] ? -1 : 1;
}

static void sweep_row(struct desk *k, uint32_t r, int down)
{
	uint32_t first = k->at[r], n = k->at[r + 1] - first;

	for (uint32_t i = first; i < first + n; i++)
		k->pull[k->row[i]] = barycentre(k, k->row[i], down);
	qsort_r(k->row + first, n, sizeof(*k->row), by_pull, k);
	for (uint32_t i = 0; i < n; i++)
		k->order[k->row[first + i]] = i;
}

uint32_t layout(const struct dag *d, uint32_t *rank, uint32_t *order)
{
	struct desk k = { .d = d, .rank = rank, .order = order };

	memset(rank, 0, d->instance_count * sizeof(*rank));
	memset(order, 0, d->instance_count * sizeof(*order));
	k.place = wf_xcalloc(d->instance_count, sizeof(*k.place));
	k.row = wf_xcalloc(d->instance_count, sizeof(*k.row));
	k.pull = wf_xcalloc(d->instance_count, sizeof(*k.pull));
	set_ranks(&k);
	set_rows(&k);
	for (int s = 0; s < SWEEPS; s++)
		for (uint32_t r = 0; r < k.ranks; r++)
			sweep_row(&k, s % 2 ? k.ranks - 1 - r : r, s % 2 == 0);
	free(k.place);
	free(k.at);
	free(k.row);
	free(k.pull);
	return k.ranks;
}
