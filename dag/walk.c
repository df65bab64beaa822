/* walk.c - owns pretending that tasks run, and the queue of what ends next; knows nothing of what
 * is measured.
 */
#include "dag/walk.h"

/* Does anything wait for the start of this instance's tasks? */
static int start_matters(const struct dag *d, uint32_t i)
{
	for (uint32_t k = 0; k < d->instances[i].out_count; k++)
		if (d->deps[d->instances[i].out[k]].result == WDF_START)
			return 1;
	return 0;
}

void walk_skip(struct dag_plan *p, const struct dag_verdict *v)
{
	enum dag_outcome o = v->skip == DAG_SKIP_NOT_NEEDED ? DAG_SKIPPED : DAG_SKIPPED_BAD;

	for (uint32_t i = v->first; i < v->first + v->count; i++)
		dag_plan_ended(p, v->instance, i, o, v->root_instance);
}

void walk_end(struct dag_plan *p, uint32_t instance, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		dag_plan_ended(p, instance, i, DAG_SUCCEEDED, 0);
}

void walk_begin(struct dag_plan *p, uint32_t instance, uint32_t first, uint32_t count)
{
	if (start_matters(p->d, instance))
		for (uint32_t i = first; i < first + count; i++)
			dag_plan_started(p, instance, i);
}

static int batch_less(const struct batch *a, const struct batch *b)
{
	return a->at != b->at ? a->at < b->at : a->number < b->number;
}

void heap_push(struct heap *h, struct batch b)
{
	size_t i = h->count++;

	b.number = h->pushed++;
	h->items = wf_grow(h->items, &h->cap, h->count, sizeof(*h->items));
	for (; i > 0 && batch_less(&b, &h->items[(i - 1) / 2]); i = (i - 1) / 2)
		h->items[i] = h->items[(i - 1) / 2];
	h->items[i] = b;
}

struct batch heap_pop(struct heap *h)
{
	struct batch top = h->items[0], last = h->items[--h->count];
	size_t i = 0;

	for (size_t c = 1; c < h->count; i = c, c = 2 * c + 1) {
		if (c + 1 < h->count && batch_less(&h->items[c + 1], &h->items[c]))
			c++;
		if (!batch_less(&h->items[c], &last))
			break;
		h->items[i] = h->items[c];
	}
	h->items[i] = last;
	return top;
}
