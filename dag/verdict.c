/* verdict.c - owns the answer to "what follows": it reads the plan's state and gives each task its
 * one verdict; knows nothing of how the state came about.
 */
#include "dag/plan.h"

enum holding plan_condition(const struct dag_plan *p, uint32_t e, uint32_t index, struct blame *b)
{
	const struct dag_dep *dep = &p->d->deps[e];
	const struct edge *edge = &p->edges[e];
	const uint32_t *from = p->word + p->d->instances[dep->from].first;
	enum holding all = HOLDS;

	if (!edge->attached)
		return OPEN;
	switch ((enum dag_dep_kind)edge->kind) {
	case DAG_ALL:
	case DAG_BY: {
		const struct joint *j =
			&p->joints[edge->joint + (edge->kind == DAG_BY ? dep->to_group[index] : 0)];

		*b = j->state == BREAKS ? j->worst
					: (struct blame){ DAG_SKIP_NOT_NEEDED, NONE, dep->from };
		return (enum holding)j->state;
	}
	case DAG_EACH:
		*b = (struct blame){ DAG_SKIP_NOT_NEEDED, index, dep->from };
		return plan_pair(dep->result, dep->from, from[index], index, b);
	case DAG_SOME:
		for (uint32_t i = dep->pred_offset[index]; i < dep->pred_offset[index + 1]; i++) {
			enum holding h = plan_pair(dep->result, dep->from, from[dep->pred[i]],
						   dep->pred[i], b);

			if (h == BREAKS)
				return BREAKS;
			if (h == OPEN)
				all = OPEN;
		}
		return all;
	}
	return OPEN;
}

/* The first edge into the instance that stands so for the task, or NONE. */
static uint32_t find_edge(const struct dag_plan *p, uint32_t n, uint32_t index, enum holding want,
			  struct blame *b)
{
	const struct dag_instance *in = &p->d->instances[n];

	for (uint32_t i = 0; i < in->in_count; i++)
		if (plan_condition(p, in->in[i], index, b) == want)
			return in->in[i];
	return NONE;
}

static void set_skip(const struct dag_plan *p, uint32_t edge, const struct blame *b,
		     struct dag_verdict *v)
{
	v->kind = DAG_SKIP;
	v->skip = (enum dag_skip)b->skip;
	v->cause_instance = p->d->deps[edge].from;
	v->cause_index = b->index;
	v->root_instance = b->root;
}

/* The verdict of a task that is due. A failure edge that is not needed counts like `when`: it is
 * looked at once all else holds, so that a parent that failed in the meantime is never overlooked.
 */
static void judge(const struct dag_plan *p, uint32_t n, uint32_t index, struct dag_verdict *v)
{
	uint32_t word = p->word[p->d->instances[n].first + index], edge;
	struct blame b;

	*v = (struct dag_verdict){ .kind = DAG_RELEASE, .instance = n, .first = index, .count = 1 };
	if (p->nodes[n].broken || (word & BROKEN)) {
		edge = find_edge(p, n, index, BREAKS, &b);
		WF_ASSERT(edge != NONE);
		set_skip(p, edge, &b, v);
	} else if (p->nodes[n].may_be_unneeded) {
		edge = find_edge(p, n, index, UNNEEDED, &b);
		if (edge != NONE)
			set_skip(p, edge, &b, v);
	}
}

static int is_same(const struct dag_verdict *a, const struct dag_verdict *b)
{
	return a->kind == b->kind &&
	       (a->kind == DAG_RELEASE ||
		(a->skip == b->skip && a->cause_instance == b->cause_instance &&
		 a->cause_index == b->cause_index && a->root_instance == b->root_instance));
}

/* A task whose verdict was due may have ended meanwhile (canceled), or have been marked twice. */
static int is_waiting(const struct dag_plan *p, uint32_t ordinal)
{
	return !has_ended(p->word[ordinal]) && !(p->word[ordinal] & JUDGED);
}

static int next_task(struct dag_plan *p, struct dag_verdict *v)
{
	uint32_t at, n, first;

	for (;;) {
		at = bits_first(&p->due);
		if (at == BITS_NONE)
			return 0;
		bits_clear(&p->due, at);
		if (is_waiting(p, at))
			break;
	}
	n = dag_task_instance(p->d, at);
	first = p->d->instances[n].first;
	judge(p, n, at - first, v);
	p->word[at] |= JUDGED;
	for (at++; at < first + p->nodes[n].count && bits_has(&p->due, at) && is_waiting(p, at);
	     at++) {
		struct dag_verdict next;

		judge(p, n, at - first, &next);
		if (!is_same(v, &next))
			break;
		bits_clear(&p->due, at);
		p->word[at] |= JUDGED;
		v->count++;
	}
	return 1;
}

/* A fan-out whose list can never be read, and all that hangs on it: there will be no tasks. */
static void bury(struct dag_plan *p, uint32_t n)
{
	for (uint32_t i = 0; i < p->d->instance_count; i++)
		if (p->d->instances[i].sized_by == n && !p->nodes[i].dead) {
			p->nodes[i].dead = 1;
			p->nodes[i].sizing = 0;
			bits_set(&p->due_nodes, i);
		}
}

void dag_plan_unlisted(struct dag_plan *p, uint32_t instance)
{
	WF_ASSERT(!p->nodes[instance].entered && p->nodes[instance].sizing);
	p->nodes[instance].unlisted = 1;
	bury(p, instance);
}

static void set_dead(const struct dag_plan *p, uint32_t n, struct dag_verdict *v)
{
	struct blame b;
	uint32_t owner = p->d->instances[n].sized_by, edge = find_edge(p, owner, 0, BREAKS, &b);

	*v = (struct dag_verdict){ .kind = DAG_SKIP,
				   .instance = n,
				   .skip = DAG_SKIP_EMPTY,
				   .cause_instance = owner,
				   .cause_index = NONE,
				   .root_instance = owner };
	if (!p->nodes[owner].unlisted) {
		WF_ASSERT(edge != NONE);
		set_skip(p, edge, &b, v);
	}
	if (n != owner) {
		v->skip = DAG_SKIP_PARENT_SKIPPED;
		v->cause_instance = owner;
		v->cause_index = NONE;
	}
}

/* A node without tasks that is due: how did what it waits for come out? Returns 1 when that is
 * worth a verdict. */
static int look_at_node(struct dag_plan *p, uint32_t n, struct dag_verdict *v)
{
	struct node *node = &p->nodes[n];
	struct blame b;
	int died = 0;

	if (!node->entered && !node->dead) {
		if (node->broken) {
			bury(p, n);
		} else if (!node->sizing) {
			node->sizing = 1;
			*v = (struct dag_verdict){ .kind = DAG_SIZE, .instance = n };
			return 1;
		} else {
			return 0;
		}
	}
	if (node->hollow != OPEN || (node->entered && node->count))
		return 0;
	if (node->dead) {
		died = 1;
		set_dead(p, n, v);
		node->hollow = BREAKS;
		node->hollow_root = v->root_instance;
	} else if (node->broken) {
		uint32_t edge = find_edge(p, n, 0, BREAKS, &b);

		WF_ASSERT(edge != NONE);
		node->hollow = BREAKS;
		node->hollow_root = b.root;
	} else if (node->gates == 0) {
		node->hollow = HOLDS;
	} else {
		return 0;
	}
	plan_pass_hollow(p, n);
	return died;
}

int dag_plan_next(struct dag_plan *p, struct dag_verdict *v)
{
	uint32_t n;

	while ((n = bits_first(&p->due_nodes)) != BITS_NONE) {
		bits_clear(&p->due_nodes, n);
		if (look_at_node(p, n, v))
			return 1;
	}
	return next_task(p, v);
}
