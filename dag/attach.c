/* attach.c - owns how nodes and edges enter the plan, at the start and when a run-time list is
 * known, and how nodes without tasks pass on what they wait for; knows nothing of verdicts.
 */
#include "dag/plan.h"

#include <stdlib.h>

#include "dag/graph.h"

/* ---- hollow nodes ---------------------------------------------------------------------- */

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

/* ---- attaching ------------------------------------------------------------------------- */

static uint32_t add_joints(struct dag_plan *p, uint32_t e, uint32_t count)
{
	uint32_t first = (uint32_t)p->joint_count;

	p->joints = wf_grow(p->joints, &p->joint_cap, p->joint_count + count, sizeof(*p->joints));
	for (uint32_t i = 0; i < count; i++)
		p->joints[p->joint_count++] =
			(struct joint){ .edge = e, .worst = { .skip = NONE } };
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
		group_members(dep->to_group, to_count, dep->group_count, &edge->member_at,
			      &edge->member);
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
			w[i] += dep->kind == DAG_EACH
					? 1
					: dep->pred_offset[i + 1] - dep->pred_offset[i];
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
			plan_tell(p, e, i);
	}
	if (edge->kind != DAG_ALL)
		plan_gate_down(p, dep->to);
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
	return s->tolerate_percent ? (uint32_t)((uint64_t)count * s->tolerate / 10000)
				   : s->tolerate;
}

/* What an empty fan-out does is said where the fan-out is written, or by the step that inherits it.
 */
static int runs_if_empty(const struct dag_plan *p, uint32_t n)
{
	const struct dag *d = p->d;
	const struct dag_instance *in = &d->instances[n];

	if (p->pass_unsized && in->count == DAG_UNSIZED)
		return 1;
	if (d->wdf->steps[in->step].if_empty_run ||
	    d->wdf->steps[d->instances[in->dims_of].step].if_empty_run)
		return 1;
	for (uint32_t i = 0; i < in->in_count; i++)
		if (dep_of(p, in->in[i])->kind == DAG_BY &&
		    p->nodes[dep_of(p, in->in[i])->from].run_if_empty)
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
void plan_enter_sized(struct dag_plan *p)
{
	const struct dag *d = p->d;
	uint32_t *entered = wf_xmalloc(d->instance_count * sizeof(*entered)), count = 0;

	for (uint32_t k = 0; k < d->instance_count; k++) {
		uint32_t n = d->order[k];

		if (p->nodes[n].entered ||
		    (d->instances[n].count == DAG_UNSIZED && !p->pass_unsized))
			continue;
		enter(p, n);
		entered[count++] = n;
	}
	for (uint32_t k = 0; k < count; k++)
		attach_ready(p, entered[k]);
	for (uint32_t k = 0; k < count; k++)
		if (p->nodes[entered[k]].gates == 0 || p->nodes[entered[k]].broken)
			plan_wake(p, entered[k]);
	free(entered);
}
