/* weight.c - owns the length of the longest path from each instance to the end, by which the
 * scheduler chooses; knows nothing of resources.
 *
 * A task weighs its declared time; in a workflow that declares some times, a step without one
 * weighs their mean, and in one that declares none every task weighs 1. Along edges between
 * instances one number per instance is enough; inside a part whose instances lead to each other (a
 * chain of tasks within one step, two steps that take turns) it is reckoned task by task.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"
#include "dag/net.h"

struct scale {
	struct dag *d;
	struct net net;
	uint64_t *own;	 /* by instance: weight of one task */
	uint64_t *after; /* by instance: longest path below it, outside its part */
};

static void weigh_own(struct scale *s)
{
	struct dag *d = s->d;
	uint64_t sum = 0, count = 0, mean;

	for (uint32_t i = 0; i < d->instance_count; i++)
		if (d->instances[i].time_ms > 0) {
			sum += (uint64_t)d->instances[i].time_ms;
			count++;
		}
	mean = count ? sum / count : 1;
	for (uint32_t i = 0; i < d->instance_count; i++)
		s->own[i] = d->instances[i].time_ms > 0 ? (uint64_t)d->instances[i].time_ms : mean;
}

static void weigh_below(struct scale *s, uint32_t i)
{
	const struct dag_instance *in = &s->d->instances[i];

	for (uint32_t k = 0; k < in->out_count; k++) {
		const struct dag_instance *to = &s->d->instances[s->d->deps[in->out[k]].to];

		if (to->part != in->part && to->weight > s->after[i])
			s->after[i] = to->weight;
	}
}

/* Units of looped nodes, by part; within a part in an order that respects its edges. */
struct loops {
	struct net_units u;
	struct net_unit *units;
	uint32_t *at;	   /* by part */
	uint64_t *best;	   /* by unit */
	uint64_t *whole;   /* by instance */
	uint64_t **groups; /* by dep */
};

static void loops_init(struct loops *l, const struct scale *s)
{
	const struct dag *d = s->d;
	uint32_t parts = d->instance_count;

	memset(l, 0, sizeof(*l));
	net_place(&s->net, &l->u);
	l->at = wf_xcalloc((size_t)parts + 2, sizeof(*l->at));
	l->units = wf_xmalloc(l->u.placed * sizeof(*l->units));
	for (uint32_t k = 0; k < l->u.placed; k++)
		l->at[s->net.part[l->u.order[k].node] + 2]++;
	for (uint32_t i = 2; i < parts + 2; i++)
		l->at[i] += l->at[i - 1];
	for (uint32_t k = 0; k < l->u.placed; k++)
		l->units[l->at[s->net.part[l->u.order[k].node] + 1]++] = l->u.order[k];
	l->best = wf_xcalloc(l->u.total, sizeof(*l->best));
	l->whole = wf_xcalloc(d->instance_count, sizeof(*l->whole));
	l->groups = wf_xcalloc(d->dep_count, sizeof(*l->groups));
	for (uint32_t e = 0; e < d->dep_count; e++)
		if (d->deps[e].kind == DAG_BY && !s->net.edges[e].whole &&
		    s->net.looped[d->deps[e].to])
			l->groups[e] = wf_xcalloc(d->deps[e].group_count, sizeof(**l->groups));
}

static void loops_release(struct loops *l, const struct scale *s)
{
	for (uint32_t e = 0; e < s->d->dep_count; e++)
		free(l->groups[e]);
	free(l->groups);
	free(l->best);
	free(l->whole);
	free(l->units);
	free(l->at);
	net_units_release(&l->u);
}

/* Longest path below one task: within its part from what was found for units placed later, outside
 * by instance. */
static uint64_t below_unit(const struct scale *s, const struct loops *l, struct net_unit x)
{
	const struct dag *d = s->d;
	const struct dag_instance *in = &d->instances[x.node];
	uint64_t most = s->after[x.node];

	for (uint32_t k = 0; k < in->out_count; k++) {
		const struct dag_dep *dep = &d->deps[in->out[k]];
		const uint64_t *best = l->best + l->u.base[dep->to];
		uint64_t w = 0;

		if (d->instances[dep->to].part != in->part)
			continue;
		if (dep->kind == DAG_SOME) {
			for (uint32_t i = dep->offset[x.index]; i < dep->offset[x.index + 1]; i++)
				w = best[dep->succ[i]] > w ? best[dep->succ[i]] : w;
		} else if (dep->kind == DAG_EACH && !s->net.edges[in->out[k]].whole) {
			w = best[x.index];
		} else if (l->groups[in->out[k]]) {
			w = l->groups[in->out[k]][dep->from_group[x.index]];
		} else {
			w = l->whole[dep->to];
		}
		most = w > most ? w : most;
	}
	return most;
}

static void weigh_part(struct scale *s, struct loops *l, uint32_t part)
{
	struct dag *d = s->d;

	for (uint32_t k = l->at[part + 1]; k-- > l->at[part];) {
		struct net_unit x = l->units[k];
		struct dag_instance *in = &d->instances[x.node];
		uint64_t w = below_unit(s, l, x) + s->own[x.node];

		l->best[l->u.base[x.node] + x.index] = w;
		if (w > l->whole[x.node])
			l->whole[x.node] = in->weight = w;
		for (uint32_t i = 0; i < in->in_count; i++) {
			const struct dag_dep *dep = &d->deps[in->in[i]];
			uint64_t *g = l->groups[in->in[i]];

			if (g && g[dep->to_group[x.index]] < w)
				g[dep->to_group[x.index]] = w;
		}
	}
}

static void weigh_all(struct scale *s)
{
	const struct net *n = &s->net;
	struct loops l;

	loops_init(&l, s);
	for (uint32_t end = n->node_count, first; end > 0; end = first) {
		uint32_t part = n->part[n->order[end - 1]];

		for (first = end; first > 0 && n->part[n->order[first - 1]] == part; first--) {
			uint32_t i = n->order[first - 1];

			weigh_below(s, i);
			s->d->instances[i].weight = s->after[i] + s->own[i];
		}
		if (n->looped[n->order[end - 1]])
			weigh_part(s, &l, part);
	}
	loops_release(&l, s);
}

void weigh(struct dag *d)
{
	struct scale s = { .d = d };

	s.own = wf_xcalloc(d->instance_count, sizeof(*s.own));
	s.after = wf_xcalloc(d->instance_count, sizeof(*s.after));
	weigh_own(&s);
	net_init(&s.net, d->instance_count);
	net_add_dag(&s.net, d, d->deps, d->dep_count);
	net_sort(&s.net);
	weigh_all(&s);
	for (uint32_t i = 0; i < d->instance_count; i++)
		d->instances[i].urgency = d->instances[i].weight;
	net_release(&s.net);
	free(s.own);
	free(s.after);
}
