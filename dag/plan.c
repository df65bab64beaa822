/* plan.c - owns the life of a plan and what it is told: sizes, starts, endings; knows neither time
 * nor resources, and gives no verdict (verdict.c). See plan.h for the idea.
 *
 * Nothing here calls itself along the graph: what follows from a verdict comes back through
 * dag_plan_ended.
 */
#include "dag/plan.h"

#include <stdlib.h>
#include <string.h>

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
	plan_enter_sized(p);
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
	plan_enter_sized(p);
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
			plan_tell(p, in->out[i], index);
}

void dag_plan_ended(struct dag_plan *p, uint32_t instance, uint32_t index, enum dag_outcome o,
		    uint32_t root)
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
			plan_tell(p, in->out[i], index);
	if (o == DAG_CANCELED || n->failed > n->tolerance)
		plan_decide_cover(p, instance, UNCOVERED);
	if (n->left == 0)
		plan_decide_cover(p, instance, COVERED);
}

int dag_plan_intolerable(const struct dag_plan *p, uint32_t instance)
{
	return p->nodes[instance].failed > p->nodes[instance].tolerance;
}

size_t dag_plan_bytes(const struct dag_plan *p)
{
	size_t n = sizeof(*p) + p->task_count * sizeof(*p->word) +
		   p->d->instance_count * sizeof(*p->nodes) + p->edge_count * sizeof(*p->edges) +
		   p->joint_cap * sizeof(*p->joints) + p->waiter_cap * sizeof(*p->waiters) +
		   p->waiter_of.cap * sizeof(*p->waiter_of.slots) + bits_bytes(&p->due) +
		   bits_bytes(&p->due_nodes);

	for (uint32_t e = 0; e < p->edge_count; e++)
		if (p->edges[e].member_at)
			n += (p->nodes[dep_of(p, e)->to].count + dep_of(p, e)->group_count + 2) *
			     sizeof(uint32_t);
	return n;
}
