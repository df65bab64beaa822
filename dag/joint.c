/* joint.c - owns what an ended task does to the edges out of its instance: counts, joints,
 * tolerance, and what becomes due; knows neither how edges came into the plan nor what the verdict
 * will be.
 *
 * One ended task costs one step per edge out of its instance, plus one per listed successor. An
 * edge from a whole instance is counted once per task and settled once per edge.
 */
#include "dag/plan.h"

#include "engine/base/buf.h"

static int blame_less(const struct blame *a, const struct blame *b)
{
	if (a->skip != b->skip)
		return a->skip < b->skip;
	return a->index != b->index ? a->index < b->index : a->root < b->root;
}

/* ---- what becomes due ------------------------------------------------------------------ */

static void make_due(struct dag_plan *p, uint32_t n, uint32_t index)
{
	bits_set(&p->due, first_of(p, n) + index);
}

static void task_down(struct dag_plan *p, uint32_t n, uint32_t index)
{
	uint32_t *w = &p->word[first_of(p, n) + index];

	/* The count's room holds something else by now. */
	if (has_ended(*w))
		return;
	WF_ASSERT(*w & COUNT_MASK);
	if ((--*w & COUNT_MASK) == 0 && p->nodes[n].gates == 0)
		make_due(p, n, index);
}

static void task_break(struct dag_plan *p, uint32_t n, uint32_t index)
{
	p->word[first_of(p, n) + index] |= BROKEN;
	make_due(p, n, index);
}

/* Every task whose verdict can be given now. */
static void sweep(struct dag_plan *p, uint32_t n)
{
	const struct node *node = &p->nodes[n];
	const uint32_t *w = p->word + first_of(p, n);

	for (uint32_t i = 0; i < node->count; i++)
		if (!(w[i] & JUDGED) && !has_ended(w[i]) && (node->broken || !(w[i] & COUNT_MASK)))
			make_due(p, n, i);
}

void plan_wake(struct dag_plan *p, uint32_t n)
{
	if (is_hollow(p, n) || !p->nodes[n].entered)
		bits_set(&p->due_nodes, n);
	else
		sweep(p, n);
}

void plan_gate_down(struct dag_plan *p, uint32_t n)
{
	WF_ASSERT(p->nodes[n].gates);
	if (--p->nodes[n].gates == 0 && p->nodes[n].entered)
		plan_wake(p, n);
}

/* ---- joints ---------------------------------------------------------------------------- */

static void tasks_of_joint(struct dag_plan *p, uint32_t j,
			   void (*fn)(struct dag_plan *, uint32_t, uint32_t))
{
	const struct edge *e = &p->edges[p->joints[j].edge];
	uint32_t to = dep_of(p, p->joints[j].edge)->to, group = j - e->joint;

	if (!e->member_at) {
		fn(p, to, group);
		return;
	}
	for (uint32_t i = e->member_at[group]; i < e->member_at[group + 1]; i++)
		fn(p, to, e->member[i]);
}

static void joint_settle(struct dag_plan *p, uint32_t j, enum holding state)
{
	const struct edge *e = &p->edges[p->joints[j].edge];
	const struct dag_dep *dep = dep_of(p, p->joints[j].edge);

	p->joints[j].state = (uint8_t)state;
	if (e->kind == DAG_BY) {
		tasks_of_joint(p, j, state == BREAKS ? task_break : task_down);
	} else if (state == BREAKS) {
		p->nodes[dep->to].broken = 1;
		plan_wake(p, dep->to);
	} else {
		if (dep->cause == DAG_BY_LIST)
			bits_set(&p->due_nodes, dep->to);
		plan_gate_down(p, dep->to);
	}
}

void joint_worsen(struct dag_plan *p, uint32_t j, const struct blame *b)
{
	struct joint *joint = &p->joints[j];

	if (joint->worst.skip == NONE || blame_less(b, &joint->worst))
		joint->worst = *b;
}

void joint_break(struct dag_plan *p, uint32_t j, const struct blame *b)
{
	joint_worsen(p, j, b);
	if (p->joints[j].state == OPEN)
		joint_settle(p, j, BREAKS);
}

/* The last task ended, or the last doubt ended. */
void joint_try(struct dag_plan *p, uint32_t j)
{
	struct joint *joint = &p->joints[j];

	if (joint->state != OPEN || joint->left || joint->undecided)
		return;
	if (dep_of(p, joint->edge)->result != WDF_FAILURE || joint->failed)
		joint_settle(p, j, HOLDS);
	else
		joint_settle(p, j, joint->worst.skip != NONE ? BREAKS : UNNEEDED);
}

/* ---- tolerance ------------------------------------------------------------------------- */

/* Does `root`'s tolerate cover what it began, as far as joint j is concerned? */
static enum cover cover_of(const struct dag_plan *p, uint32_t j, uint32_t root)
{
	const struct edge *e = &p->edges[p->joints[j].edge];
	const struct dag_dep *dep = dep_of(p, p->joints[j].edge);
	const struct dag_instance *all = p->d->instances;

	if (is_hollow(p, root) || !p->nodes[root].entered)
		return UNCOVERED;
	/* To wait for the end of a step that itself waits for what this edge releases would be to
	 * wait for ever. */
	if (all[root].part == all[dep->to].part && !(e->kind == DAG_ALL && root == dep->from))
		return UNCOVERED;
	return p->nodes[root].cover;
}

void joint_blame(struct dag_plan *p, uint32_t j, const struct blame *b)
{
	enum cover cover = cover_of(p, j, b->root);
	uint64_t key = (((uint64_t)j << 32) | b->root) + 1;
	uint32_t at;

	if (cover == UNCOVERED)
		joint_break(p, j, b);
	if (cover != COVER_UNKNOWN)
		return;
	at = (uint32_t)(uintptr_t)wf_idmap_get(&p->waiter_of, key);
	if (at) {
		if (blame_less(b, &p->waiters[at - 1].blame))
			p->waiters[at - 1].blame = *b;
		return;
	}
	p->waiters = wf_grow(p->waiters, &p->waiter_cap, p->waiter_count + 1, sizeof(*p->waiters));
	p->waiters[p->waiter_count++] =
		(struct waiter){ .joint = j, .next = p->nodes[b->root].waiters, .blame = *b };
	p->nodes[b->root].waiters = (uint32_t)p->waiter_count;
	wf_idmap_set(&p->waiter_of, key, (void *)(uintptr_t)p->waiter_count);
	p->joints[j].undecided++;
}

void plan_decide_cover(struct dag_plan *p, uint32_t n, enum cover cover)
{
	uint32_t at = p->nodes[n].waiters;

	if (p->nodes[n].cover != COVER_UNKNOWN)
		return;
	p->nodes[n].cover = (uint8_t)cover;
	p->nodes[n].waiters = 0;
	while (at) {
		struct waiter w = p->waiters[at - 1];

		p->joints[w.joint].undecided--;
		if (cover == UNCOVERED)
			joint_break(p, w.joint, &w.blame);
		joint_try(p, w.joint);
		at = w.next;
	}
}

/* ---- one task's news along one edge ---------------------------------------------------- */

/* How one task's state stands to one edge's condition. */
enum holding plan_pair(enum wdf_result result, uint32_t from, uint32_t word, uint32_t index,
		       struct blame *b)
{
	if (!has_ended(word))
		return result == WDF_START && (word & STARTED) ? HOLDS : OPEN;
	if (result == WDF_ANY || result == WDF_START)
		return HOLDS;
	switch (outcome_of(word)) {
	case DAG_SUCCEEDED:
	case DAG_SKIPPED:
		return result == WDF_SUCCESS ? HOLDS : UNNEEDED;
	case DAG_FAILED:
		*b = (struct blame){ DAG_SKIP_PARENT_FAILED, index, from };
		return result == WDF_SUCCESS ? BREAKS : HOLDS;
	case DAG_SKIPPED_BAD:
		*b = (struct blame){ DAG_SKIP_PARENT_SKIPPED, index, word & COUNT_MASK };
		return BREAKS;
	case DAG_CANCELED:
		*b = (struct blame){ DAG_SKIP_PARENT_SKIPPED, index, from };
		return BREAKS;
	}
	return OPEN;
}

static void tell_joint(struct dag_plan *p, uint32_t j, enum wdf_result result, uint32_t from,
		       uint32_t index)
{
	uint32_t word = p->word[first_of(p, from) + index];
	struct blame b;

	if (result == WDF_FAILURE) {
		if (outcome_of(word) == DAG_FAILED)
			p->joints[j].failed = 1;
		else if (plan_pair(result, from, word, index, &b) == BREAKS)
			joint_worsen(p, j, &b);
	} else if (result == WDF_SUCCESS && plan_pair(result, from, word, index, &b) == BREAKS) {
		if (outcome_of(word) == DAG_CANCELED)
			joint_break(p, j, &b);
		else
			joint_blame(p, j, &b);
	}
	p->joints[j].left--;
	joint_try(p, j);
}

static void tell_task(struct dag_plan *p, const struct dag_dep *dep, uint32_t index,
		      uint32_t to_index)
{
	struct blame b;

	switch (plan_pair(dep->result, dep->from, p->word[first_of(p, dep->from) + index], index,
			  &b)) {
	case HOLDS:
	case UNNEEDED:
		task_down(p, dep->to, to_index);
		break;
	case BREAKS:
		task_break(p, dep->to, to_index);
		break;
	case OPEN:
		break;
	}
}

/* Task `index` of the edge's `from` ended, or started where that is what the edge waits for. */
void plan_tell(struct dag_plan *p, uint32_t e, uint32_t index)
{
	const struct dag_dep *dep = dep_of(p, e);
	const struct edge *edge = &p->edges[e];

	switch ((enum dag_dep_kind)edge->kind) {
	case DAG_ALL:
		tell_joint(p, edge->joint, dep->result, dep->from, index);
		break;
	case DAG_BY:
		tell_joint(p, edge->joint + dep->from_group[index], dep->result, dep->from, index);
		break;
	case DAG_EACH:
		tell_task(p, dep, index, index);
		break;
	case DAG_SOME:
		for (uint32_t i = dep->offset[index]; i < dep->offset[index + 1]; i++)
			tell_task(p, dep, index, dep->succ[i]);
		break;
	}
}
