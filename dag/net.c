/* net.c - owns strongly connected parts and topological orders, of nodes and of units; knows
 * nothing of steps. No function here calls itself: a chain may be as long as memory.
 */
#include "dag/net.h"

#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"

void net_init(struct net *n, uint32_t nodes)
{
	memset(n, 0, sizeof(*n));
	n->node_count = nodes;
	n->count = wf_xcalloc(nodes, sizeof(*n->count));
}

void net_release(struct net *n)
{
	free(n->count);
	free(n->edges);
	free(n->in_at);
	free(n->in);
	free(n->out_at);
	free(n->out);
	free(n->part);
	free(n->order);
	free(n->looped);
	memset(n, 0, sizeof(*n));
}

void net_add(struct net *n, uint32_t from, uint32_t to, const struct dag_dep *dep, enum net_why why)
{
	n->edges = wf_grow(n->edges, &n->edge_cap, n->edge_count + 1, sizeof(*n->edges));
	n->edges[n->edge_count++] =
		(struct net_edge){ from, to, dep, why, !dep || dep->kind == DAG_ALL };
}

static int has_tasks(const struct dag_instance *in)
{
	return in->count && in->count != DAG_UNSIZED;
}

void net_add_dag(struct net *n, const struct dag *d, const struct dag_dep *deps, size_t count)
{
	for (uint32_t i = 0; i < d->instance_count; i++)
		n->count[i] = has_tasks(&d->instances[i]) ? d->instances[i].count : 1;
	for (size_t i = 0; i < count; i++) {
		net_add(n, deps[i].from, deps[i].to, &deps[i],
			deps[i].cause == DAG_BY_DATA   ? NET_DATA
			: deps[i].cause == DAG_BY_LIST ? NET_LIST
						       : NET_AFTER);
		if (!has_tasks(&d->instances[deps[i].from]) ||
		    !has_tasks(&d->instances[deps[i].to]))
			n->edges[n->edge_count - 1].whole = 1;
	}
}

static void by_node(const struct net *n, int incoming, uint32_t **at, uint32_t **list)
{
	uint32_t *a = wf_xcalloc((size_t)n->node_count + 2, sizeof(*a));
	uint32_t *l = wf_xcalloc(n->edge_count, sizeof(*l));

	for (size_t e = 0; e < n->edge_count; e++)
		a[(incoming ? n->edges[e].to : n->edges[e].from) + 2]++;
	for (uint32_t i = 2; i < n->node_count + 2; i++)
		a[i] += a[i - 1];
	for (size_t e = 0; e < n->edge_count; e++)
		l[a[(incoming ? n->edges[e].to : n->edges[e].from) + 1]++] = (uint32_t)e;
	*at = a;
	*list = l;
}

/* Tarjan's algorithm with a stack of our own. It finds a part after every part that can be reached
 * from it. */
struct finder {
	uint32_t *number, *low, *next, *stack, *path;
	uint32_t counter, stacked, depth, parts;
};

static void close_part(struct net *n, struct finder *f, uint32_t v)
{
	uint32_t w, size = 0;

	do {
		w = f->stack[--f->stacked];
		n->part[w] = f->parts;
		size++;
	} while (w != v);
	if (size > 1)
		for (uint32_t i = 0; i < size; i++)
			n->looped[f->stack[f->stacked + i]] = 1;
	f->parts++;
}

static void enter(struct finder *f, const struct net *n, uint32_t v)
{
	f->number[v] = f->low[v] = ++f->counter;
	f->next[v] = n->out_at[v];
	f->stack[f->stacked++] = v;
	f->path[f->depth++] = v;
}

static void find_from(struct net *n, struct finder *f, uint32_t root)
{
	enter(f, n, root);
	while (f->depth) {
		uint32_t v = f->path[f->depth - 1];

		if (f->next[v] < n->out_at[v + 1]) {
			uint32_t w = n->edges[n->out[f->next[v]++]].to;

			if (w == v)
				n->looped[v] = 1;
			if (!f->number[w])
				enter(f, n, w);
			else if (n->part[w] == NONE && f->number[w] < f->low[v])
				f->low[v] = f->number[w];
			continue;
		}
		f->depth--;
		if (f->low[v] == f->number[v])
			close_part(n, f, v);
		if (f->depth && f->low[v] < f->low[f->path[f->depth - 1]])
			f->low[f->path[f->depth - 1]] = f->low[v];
	}
}

void net_sort(struct net *n)
{
	struct finder f = { 0 };
	uint32_t *at;

	by_node(n, 1, &n->in_at, &n->in);
	by_node(n, 0, &n->out_at, &n->out);
	n->part = wf_xmalloc(n->node_count * sizeof(*n->part));
	n->order = wf_xmalloc(n->node_count * sizeof(*n->order));
	n->looped = wf_xcalloc(n->node_count, 1);
	memset(n->part, 0xff, n->node_count * sizeof(*n->part));
	f.number = wf_xcalloc(n->node_count, sizeof(uint32_t));
	f.low = wf_xcalloc(n->node_count, sizeof(uint32_t));
	f.next = wf_xcalloc(n->node_count, sizeof(uint32_t));
	f.stack = wf_xcalloc(n->node_count, sizeof(uint32_t));
	f.path = wf_xcalloc(n->node_count, sizeof(uint32_t));
	/* From the last node down: what nothing constrains then keeps the order of the file. */
	for (uint32_t v = n->node_count; v-- > 0;)
		if (!f.number[v])
			find_from(n, &f, v);
	at = wf_xcalloc((size_t)f.parts + 2, sizeof(*at));
	for (uint32_t v = 0; v < n->node_count; v++) {
		n->part[v] = f.parts - 1 - n->part[v];
		n->looped_count += n->looped[v];
		at[n->part[v] + 2]++;
	}
	for (uint32_t i = 2; i < f.parts + 2; i++)
		at[i] += at[i - 1];
	for (uint32_t v = 0; v < n->node_count; v++)
		n->order[at[n->part[v] + 1]++] = v;
	free(at);
	free(f.number);
	free(f.low);
	free(f.next);
	free(f.stack);
	free(f.path);
}

/* ---- units ----------------------------------------------------------------------------- */

static int is_inner(const struct net *n, const struct net_edge *e)
{
	return n->looped[e->from] && n->part[e->from] == n->part[e->to];
}

static enum dag_dep_kind kind_of(const struct net_edge *e)
{
	return e->whole ? DAG_ALL : e->dep->kind;
}

struct placer {
	const struct net *n;
	struct net_units *u;
	uint32_t *waits; /* by unit: units and groups waited for */
	uint32_t *gates; /* by node: whole nodes waited for */
	uint32_t *left;	 /* by edge that holds as a whole: units of `from` not placed */
	struct group_state {
		uint32_t *left, *at, *member;
	} * groups;	/* by edge of kind BY */
	uint32_t found; /* units in order[], placed or not yet looked at */
};

static void found(struct placer *p, uint32_t node, uint32_t index)
{
	p->u->order[p->found++] = (struct net_unit){ node, index };
}

static void unit_down(struct placer *p, uint32_t node, uint32_t index)
{
	if (--p->waits[p->u->base[node] + index] == 0 && p->gates[node] == 0)
		found(p, node, index);
}

static void gate_down(struct placer *p, uint32_t node)
{
	if (--p->gates[node])
		return;
	for (uint32_t i = 0; i < p->n->count[node]; i++)
		if (p->waits[p->u->base[node] + i] == 0)
			found(p, node, i);
}

static void prepare_edge(struct placer *p, uint32_t e)
{
	const struct net_edge *edge = &p->n->edges[e];
	const struct dag_dep *d = edge->dep;
	uint32_t *waits = p->waits + p->u->base[edge->to], to_count = p->n->count[edge->to];

	switch (kind_of(edge)) {
	case DAG_ALL:
		p->left[e] = p->n->count[edge->from];
		p->gates[edge->to] += p->left[e] > 0;
		break;
	case DAG_EACH:
		for (uint32_t i = 0; i < to_count; i++)
			waits[i]++;
		break;
	case DAG_SOME:
		for (uint32_t i = 0; i < to_count; i++)
			waits[i] += d->pred_offset[i + 1] - d->pred_offset[i];
		break;
	case DAG_BY:
		group_members(d->to_group, to_count, d->group_count, &p->groups[e].at,
			      &p->groups[e].member);
		p->groups[e].left = wf_xmalloc(d->group_count * sizeof(uint32_t));
		memcpy(p->groups[e].left, d->group_size, d->group_count * sizeof(uint32_t));
		for (uint32_t i = 0; i < to_count; i++)
			waits[i] += d->group_size[d->to_group[i]] > 0;
		break;
	}
}

static void pass_edge(struct placer *p, uint32_t e, uint32_t index)
{
	const struct net_edge *edge = &p->n->edges[e];
	const struct dag_dep *d = edge->dep;

	switch (kind_of(edge)) {
	case DAG_ALL:
		if (--p->left[e] == 0)
			gate_down(p, edge->to);
		break;
	case DAG_EACH:
		unit_down(p, edge->to, index);
		break;
	case DAG_SOME:
		for (uint32_t i = d->offset[index]; i < d->offset[index + 1]; i++)
			unit_down(p, edge->to, d->succ[i]);
		break;
	case DAG_BY: {
		struct group_state *g = &p->groups[e];
		uint32_t group = d->from_group[index];

		if (--g->left[group] == 0)
			for (uint32_t i = g->at[group]; i < g->at[group + 1]; i++)
				unit_down(p, edge->to, g->member[i]);
		break;
	}
	}
}

void net_place(const struct net *n, struct net_units *u)
{
	struct placer p = { .n = n, .u = u };

	memset(u, 0, sizeof(*u));
	u->base = wf_xcalloc(n->node_count, sizeof(*u->base));
	for (uint32_t v = 0; v < n->node_count; v++)
		if (n->looped[v]) {
			u->base[v] = u->total;
			u->total += n->count[v];
		}
	u->order = wf_xmalloc(u->total * sizeof(*u->order));
	u->done = wf_xcalloc(u->total, 1);
	p.waits = wf_xcalloc(u->total, sizeof(*p.waits));
	p.gates = wf_xcalloc(n->node_count, sizeof(*p.gates));
	p.left = wf_xcalloc(n->edge_count, sizeof(*p.left));
	p.groups = wf_xcalloc(n->edge_count, sizeof(*p.groups));
	for (uint32_t e = 0; e < n->edge_count; e++)
		if (is_inner(n, &n->edges[e]))
			prepare_edge(&p, e);
	for (uint32_t v = 0; v < n->node_count; v++)
		for (uint32_t i = 0; n->looped[v] && !p.gates[v] && i < n->count[v]; i++)
			if (!p.waits[u->base[v] + i])
				found(&p, v, i);
	for (; u->placed < p.found; u->placed++) {
		struct net_unit x = u->order[u->placed];

		u->done[u->base[x.node] + x.index] = 1;
		for (uint32_t i = n->out_at[x.node]; i < n->out_at[x.node + 1]; i++)
			if (is_inner(n, &n->edges[n->out[i]]))
				pass_edge(&p, n->out[i], x.index);
	}
	for (uint32_t e = 0; e < n->edge_count; e++) {
		free(p.groups[e].left);
		free(p.groups[e].at);
		free(p.groups[e].member);
	}
	free(p.groups);
	free(p.waits);
	free(p.gates);
	free(p.left);
}

void net_units_release(struct net_units *u)
{
	free(u->order);
	free(u->base);
	free(u->done);
	memset(u, 0, sizeof(*u));
}

/* First unit of `from` that edge e makes (to, index) wait for and that was not placed. */
static uint32_t blocked_by(const struct net *n, const struct net_units *u, const struct net_edge *e,
			   uint32_t index)
{
	const struct dag_dep *d = e->dep;
	const uint8_t *done = u->done + u->base[e->from];

	switch (kind_of(e)) {
	case DAG_EACH:
		return done[index] ? NONE : index;
	case DAG_SOME:
		for (uint32_t i = d->pred_offset[index]; i < d->pred_offset[index + 1]; i++)
			if (!done[d->pred[i]])
				return d->pred[i];
		return NONE;
	case DAG_BY:
		for (uint32_t i = 0; i < n->count[e->from]; i++)
			if (d->from_group[i] == d->to_group[index] && !done[i])
				return i;
		return NONE;
	case DAG_ALL:
		for (uint32_t i = 0; i < n->count[e->from]; i++)
			if (!done[i])
				return i;
		return NONE;
	}
	return NONE;
}

int net_blocker(const struct net *n, const struct net_units *u, uint32_t node, uint32_t index,
		struct net_unit *blocker, uint32_t *edge)
{
	for (uint32_t i = n->in_at[node]; i < n->in_at[node + 1]; i++) {
		const struct net_edge *e = &n->edges[n->in[i]];
		uint32_t at = is_inner(n, e) ? blocked_by(n, u, e, index) : NONE;

		if (at != NONE) {
			*blocker = (struct net_unit){ e->from, at };
			*edge = n->in[i];
			return 1;
		}
	}
	return 0;
}
