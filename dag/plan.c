/* plan.c - owns what has ended and what still waits: counts per task, per joint, per node; knows neither time nor resources, and gives no
 * verdict (verdict.c). See plan.h for the idea.
 *
 * One ended task costs one step per edge out of its instance, plus one per listed successor. An edge from a whole instance is counted
 * once per task and settled once per edge. Nothing here calls itself along the graph: what follows from a verdict comes back
 * through dag_plan_ended.
 */
#include "dag/plan.h"

#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"

static const struct dag_dep *dep_of(const struct dag_plan *p, uint32_t e)
{
	return &p->d->deps[e];
}

static uint32_t first_of(const struct dag_plan *p, uint32_t n)
{
	return p->d->instances[n].first;
}

/* No tasks stand for it: it was sized to none, or can never be sized. */
int is_hollow(const struct dag_plan *p, uint32_t n)
{
	return p->nodes[n].dead || (p->nodes[n].entered && p->nodes[n].count == 0);
}

int blame_less(const struct blame *a, const struct blame *b)
{
	if (a->skip != b->skip)
		return a->skip < b->skip;
	return a->index != b->index ? a->index < b->index : a->root < b->root;
}

/* ---- what becomes due ------------------------------------------------------------------------------- */

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

static void wake(struct dag_plan *p, uint32_t n)
{
	if (is_hollow(p, n) || !p->nodes[n].entered)
		bits_set(&p->due_nodes, n);
	else
		sweep(p, n);
}

static void gate_down(struct dag_plan *p, uint32_t n)
{
	WF_ASSERT(p->nodes[n].gates);
	if (--p->nodes[n].gates == 0 && p->nodes[n].entered)
		wake(p, n);
}

/* ---- joints --------------------------------------------------------------------------------------------- */

static void tasks_of_joint(struct dag_plan *p, uint32_t j, void (*fn)(struct dag_plan *, uint32_t, uint32_t))
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
		wake(p, dep->to);
	} else {
		if (dep->cause == DAG_BY_LIST)
			bits_set(&p->due_nodes, dep->to);
		gate_down(p, dep->to);
	}
}

static void joint_worsen(struct dag_plan *p, uint32_t j, const struct blame *b)
{
	struct joint *joint = &p->joints[j];

	if (joint->worst.skip == NONE || blame_less(b, &joint->worst))
		joint->worst = *b;
}

static void joint_break(struct dag_plan *p, uint32_t j, const struct blame *b)
{
	joint_worsen(p, j, b);
	if (p->joints[j].state == OPEN)
		joint_settle(p, j, BREAKS);
}

/* The last task ended, or the last doubt ended. */
static void joint_try(struct dag_plan *p, uint32_t j)
{
	struct joint *joint = &p->joints[j];

	if (joint->state != OPEN || joint->left || joint->undecided)
		return;
	if (dep_of(p, joint->edge)->result != WDF_FAILURE || joint->failed)
		joint_settle(p, j, HOLDS);
	else
		joint_settle(p, j, joint->worst.skip != NONE ? BREAKS : UNNEEDED);
}

/* ---- tolerance -------------------------------------------------------------------------------------------- */

/* Does `root`'s tolerate cover what it began, as far as joint j is concerned? */
static enum cover cover_of(const struct dag_plan *p, uint32_t j, uint32_t root)
{
	const struct edge *e = &p->edges[p->joints[j].edge];
	const struct dag_dep *dep = dep_of(p, p->joints[j].edge);
	const struct dag_instance *all = p->d->instances;

	if (is_hollow(p, root) || !p->nodes[root].entered)
		return UNCOVERED;
	/* To wait for the end of a step that itself waits for what this edge releases would be to wait for ever. */
	if (all[root].part == all[dep->to].part && !(e->kind == DAG_ALL && root == dep->from))
		return UNCOVERED;
	return p->nodes[root].cover;
}

static void joint_blame(struct dag_plan *p, uint32_t j, const struct blame *b)
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

static void decide_cover(struct dag_plan *p, uint32_t n, enum cover cover)
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

/* ---- one task's news along one edge ------------------------------------------------------------------------- */

/* How one task's state stands to one edge's condition. */
enum holding plan_pair(enum wdf_result result, uint32_t from, uint32_t word, uint32_t index, struct blame *b)
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

static void tell_joint(struct dag_plan *p, uint32_t j, enum wdf_result result, uint32_t from, uint32_t index)
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

static void tell_task(struct dag_plan *p, const struct dag_dep *dep, uint32_t index, uint32_t to_index)
{
	struct blame b;

	switch (plan_pair(dep->result, dep->from, p->word[first_of(p, dep->from) + index], index, &b)) {
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
static void tell(struct dag_plan *p, uint32_t e, uint32_t index)
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

/* ---- hollow nodes --------------------------------------------------------------------------------------------- */

/* The edge's `from` has no tasks. */
static void tell_hollow(struct dag_plan *p, uint32_t e)
{
	const struct dag_dep *dep = dep_of(p, e);
	const struct node *from = &p->nodes[dep->from];
	uint32_t j = p->edges[e].joint;
	int wants = dep->result == WDF_SUCCESS || dep->result == WDF_FAILURE;
	struct blame b = { DAG_SKIP_EMPTY, NONE, dep->from };

	if (p->joints[j].state != OPEN)
		return;
	if (wants && !from->dead && !from->run_if_empty) {
		joint_break(p, j, &b);
		return;
	}
	if (from->hollow == OPEN)
		return;
	if (wants && from->hollow == BREAKS) {
		b = (struct blame){ DAG_SKIP_PARENT_SKIPPED, NONE, from->hollow_root };
		if (dep->result == WDF_FAILURE)
			joint_worsen(p, j, &b);
		else
			joint_blame(p, j, &b);
	}
	p->joints[j].left = 0;
	joint_try(p, j);
}

static void attach_ready(struct dag_plan *p, uint32_t n);

void plan_pass_hollow(struct dag_plan *p, uint32_t n)
{
	const struct dag_instance *in = &p->d->instances[n];

	attach_ready(p, n);
	for (uint32_t i = 0; i < in->out_count; i++)
		if (p->edges[in->out[i]].attached)
			tell_hollow(p, in->out[i]);
}

/* ---- attaching ---------------------------------------------------------------------------------------------------- */

static uint32_t add_joints(struct dag_plan *p, uint32_t e, uint32_t count)
{
	uint32_t first = (uint32_t)p->joint_count;

	p->joints = wf_grow(p->joints, &p->joint_cap, p->joint_count + count, sizeof(*p->joints));
	for (uint32_t i = 0; i < count; i++)
		p->joints[p->joint_count++] = (struct joint){ .edge = e, .worst = { .skip = NONE } };
	return first;
}

static int is_identity(const uint32_t *group, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (group[i] != i)
			return 0;
	return 1;
}

static void attach_groups(struct dag_plan *p, uint32_t e)
{
	const struct dag_dep *dep = dep_of(p, e);
	struct edge *edge = &p->edges[e];
	uint32_t to_count = p->nodes[dep->to].count, *w = p->word + first_of(p, dep->to);

	edge->joint = add_joints(p, e, dep->group_count);
	if (dep->group_count != to_count || !is_identity(dep->to_group, to_count))
		group_members(dep->to_group, to_count, dep->group_count, &edge->member_at, &edge->member);
	for (uint32_t g = 0; g < dep->group_count; g++) {
		p->joints[edge->joint + g].left = dep->group_size[g];
		if (!dep->group_size[g])
			p->joints[edge->joint + g].state = HOLDS;
	}
	for (uint32_t i = 0; i < to_count; i++)
		w[i] += dep->group_size[dep->to_group[i]] > 0 && !has_ended(w[i]);
}

static void attach_tasks(struct dag_plan *p, uint32_t e)
{
	const struct dag_dep *dep = dep_of(p, e);
	uint32_t *w = p->word + first_of(p, dep->to);

	for (uint32_t i = 0; i < p->nodes[dep->to].count; i++)
		if (!has_ended(w[i]))
			w[i] += dep->kind == DAG_EACH ? 1 : dep->pred_offset[i + 1] - dep->pred_offset[i];
}

/* Both ends are known: count what the tasks of `to` wait for, then hear what happened before. */
static void attach(struct dag_plan *p, uint32_t e)
{
	const struct dag_dep *dep = dep_of(p, e);
	const struct node *from = &p->nodes[dep->from];
	struct edge *edge = &p->edges[e];

	edge->attached = 1;
	edge->kind = (uint8_t)dep->kind;
	if (dep->kind != DAG_SOME && (is_hollow(p, dep->from) || is_hollow(p, dep->to)))
		edge->kind = DAG_ALL;
	if (edge->kind == DAG_ALL) {
		edge->joint = add_joints(p, e, 1);
		p->joints[edge->joint].left = from->count;
	} else if (edge->kind == DAG_BY) {
		attach_groups(p, e);
	} else {
		attach_tasks(p, e);
	}
	if (edge->kind == DAG_ALL && is_hollow(p, dep->from)) {
		tell_hollow(p, e);
		return;
	}
	for (uint32_t i = 0; from->touched && i < from->count; i++) {
		uint32_t w = p->word[first_of(p, dep->from) + i];

		if (has_ended(w) || (dep->result == WDF_START && (w & STARTED)))
			tell(p, e, i);
	}
	if (edge->kind != DAG_ALL)
		gate_down(p, dep->to);
}

static int can_attach(const struct dag_plan *p, uint32_t e)
{
	const struct dag_dep *dep = dep_of(p, e);
	const struct node *from = &p->nodes[dep->from], *to = &p->nodes[dep->to];

	if (p->edges[e].attached || !(from->entered || from->dead))
		return 0;
	return dep->cause == DAG_BY_LIST ? !to->dead : to->entered;
}

static void attach_ready(struct dag_plan *p, uint32_t n)
{
	const struct dag_instance *in = &p->d->instances[n];

	for (uint32_t i = 0; i < in->in_count; i++)
		if (can_attach(p, in->in[i]))
			attach(p, in->in[i]);
	for (uint32_t i = 0; i < in->out_count; i++)
		if (can_attach(p, in->out[i]))
			attach(p, in->out[i]);
}

static uint32_t tolerance_of(const struct wdf_step *s, uint32_t count)
{
	return s->tolerate_percent ? (uint32_t)((uint64_t)count * s->tolerate / 10000) : s->tolerate;
}

/* What an empty fan-out does is said where the fan-out is written, or by the step that inherits it. */
static int runs_if_empty(const struct dag_plan *p, uint32_t n)
{
	const struct dag *d = p->d;
	const struct dag_instance *in = &d->instances[n];

	if (p->pass_unsized && in->count == DAG_UNSIZED)
		return 1;
	if (d->wdf->steps[in->step].if_empty_run || d->wdf->steps[d->instances[in->dims_of].step].if_empty_run)
		return 1;
	for (uint32_t i = 0; i < in->in_count; i++)
		if (dep_of(p, in->in[i])->kind == DAG_BY && p->nodes[dep_of(p, in->in[i])->from].run_if_empty)
			return 1;
	return 0;
}

static void enter(struct dag_plan *p, uint32_t n)
{
	const struct dag_instance *in = &p->d->instances[n];
	struct node *node = &p->nodes[n];

	node->entered = 1;
	node->count = node->left = in->count == DAG_UNSIZED ? 0 : in->count;
	node->tolerance = tolerance_of(&p->d->wdf->steps[in->step], node->count);
	node->run_if_empty = (uint8_t)runs_if_empty(p, n);
}

/* All nodes that got their size enter before any edge is attached: an edge looks at both. */
static void enter_sized(struct dag_plan *p)
{
	const struct dag *d = p->d;
	uint32_t *entered = wf_xmalloc(d->instance_count * sizeof(*entered)), count = 0;

	for (uint32_t k = 0; k < d->instance_count; k++) {
		uint32_t n = d->order[k];

		if (p->nodes[n].entered || (d->instances[n].count == DAG_UNSIZED && !p->pass_unsized))
			continue;
		enter(p, n);
		entered[count++] = n;
	}
	for (uint32_t k = 0; k < count; k++)
		attach_ready(p, entered[k]);
	for (uint32_t k = 0; k < count; k++)
		if (p->nodes[entered[k]].gates == 0 || p->nodes[entered[k]].broken)
			wake(p, entered[k]);
	free(entered);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

/* Edges that the dag has and the plan has not. */
static void take_edges(struct dag_plan *p)
{
	uint32_t n = p->d->dep_count;

	if (n == p->edge_count)
		return;
	p->edges = wf_xrealloc(p->edges, n * sizeof(*p->edges));
	memset(p->edges + p->edge_count, 0, (n - p->edge_count) * sizeof(*p->edges));
	for (uint32_t e = p->edge_count; e < n; e++) {
		struct node *to = &p->nodes[dep_of(p, e)->to];

		WF_ASSERT(!to->entered);
		to->gates++;
		to->may_be_unneeded |= dep_of(p, e)->result == WDF_FAILURE;
	}
	p->edge_count = n;
}

static void take_tasks(struct dag_plan *p)
{
	uint32_t n = p->d->task_count;

	if (n > p->task_count) {
		p->word = wf_xrealloc(p->word, n * sizeof(*p->word));
		memset(p->word + p->task_count, 0, (n - p->task_count) * sizeof(*p->word));
	}
	bits_grow(&p->due, n);
	p->task_count = n;
}

struct dag_plan *plan_make(const struct dag *d, int pass_unsized)
{
	struct dag_plan *p = wf_xcalloc(1, sizeof(*p));

	WF_ASSERT(d->instance_count < COUNT_MASK);
	p->d = d;
	p->pass_unsized = pass_unsized;
	p->nodes = wf_xcalloc(d->instance_count, sizeof(*p->nodes));
	bits_init(&p->due, d->task_count);
	bits_init(&p->due_nodes, d->instance_count);
	take_tasks(p);
	take_edges(p);
	enter_sized(p);
	return p;
}

struct dag_plan *dag_plan_create(const struct dag *d)
{
	return plan_make(d, 0);
}

void dag_plan_free(struct dag_plan *p)
{
	if (!p)
		return;
	for (uint32_t e = 0; e < p->edge_count; e++) {
		free(p->edges[e].member_at);
		free(p->edges[e].member);
	}
	bits_release(&p->due);
	bits_release(&p->due_nodes);
	wf_idmap_release(&p->waiter_of);
	free(p->waiters);
	free(p->joints);
	free(p->edges);
	free(p->nodes);
	free(p->word);
	free(p);
}

void dag_plan_sized(struct dag_plan *p, uint32_t instance)
{
	WF_ASSERT(!p->nodes[instance].entered && p->d->instances[instance].count != DAG_UNSIZED);
	take_tasks(p);
	take_edges(p);
	enter_sized(p);
}

void dag_plan_started(struct dag_plan *p, uint32_t instance, uint32_t index)
{
	const struct dag_instance *in = &p->d->instances[instance];
	uint32_t *w;

	WF_ASSERT(p->nodes[instance].entered && index < p->nodes[instance].count);
	w = &p->word[in->first + index];
	if (has_ended(*w) || (*w & STARTED))
		return;
	*w |= STARTED;
	p->nodes[instance].touched = 1;
	for (uint32_t i = 0; i < in->out_count; i++)
		if (p->edges[in->out[i]].attached && dep_of(p, in->out[i])->result == WDF_START)
			tell(p, in->out[i], index);
}

void dag_plan_ended(struct dag_plan *p, uint32_t instance, uint32_t index, enum dag_outcome o, uint32_t root)
{
	const struct dag_instance *in = &p->d->instances[instance];
	struct node *n = &p->nodes[instance];
	uint32_t *w, started;

	if (!n->entered || index >= n->count)
		WF_BUG("task %u of '%s' is not in the plan", index, in->name);
	w = &p->word[in->first + index];
	if (has_ended(*w))
		WF_BUG("'%s[%u]' ended twice", in->name, index);
	WF_ASSERT(o != DAG_SKIPPED_BAD || root < p->d->instance_count);
	started = *w & STARTED;
	*w = (*w & ~(COUNT_MASK | OUTCOME_MASK)) | ((uint32_t)o + 1) << OUTCOME_AT |
	     (o == DAG_SKIPPED_BAD ? root : 0);
	n->touched = 1;
	n->left--;
	n->failed += o == DAG_FAILED;
	for (uint32_t i = 0; i < in->out_count; i++)
		if (p->edges[in->out[i]].attached &&
		    !(started && dep_of(p, in->out[i])->result == WDF_START))
			tell(p, in->out[i], index);
	if (o == DAG_CANCELED || n->failed > n->tolerance)
		decide_cover(p, instance, UNCOVERED);
	if (n->left == 0)
		decide_cover(p, instance, COVERED);
}

int dag_plan_intolerable(const struct dag_plan *p, uint32_t instance)
{
	return p->nodes[instance].failed > p->nodes[instance].tolerance;
}

size_t dag_plan_bytes(const struct dag_plan *p)
{
	size_t n = sizeof(*p) + p->task_count * sizeof(*p->word) + p->d->instance_count * sizeof(*p->nodes) +
		   p->edge_count * sizeof(*p->edges) + p->joint_cap * sizeof(*p->joints) +
		   p->waiter_cap * sizeof(*p->waiters) + p->waiter_of.cap * sizeof(*p->waiter_of.slots) +
		   bits_bytes(&p->due) + bits_bytes(&p->due_nodes);

	for (uint32_t e = 0; e < p->edge_count; e++)
		if (p->edges[e].member_at)
			n += (p->nodes[dep_of(p, e)->to].count + dep_of(p, e)->group_count + 2) * sizeof(uint32_t);
	return n;
}
