/* offers.c - owns the order in which instances with ready tasks are offered: priority, then the longest path still to go, then
 * the order of the file. A binary heap per run; every instance knows its place in it. */
#include "engine/core/engine.h"

static int32_t priority(const struct run *r, uint32_t instance)
{
	return r->wdf->steps[r->dag->instances[instance].step].priority;
}

int offer_before(const struct run *ra, uint32_t a, const struct run *rb, uint32_t b)
{
	int32_t pa = priority(ra, a), pb = priority(rb, b);
	uint64_t wa = ra->dag->instances[a].weight, wb = rb->dag->instances[b].weight;

	if (pa != pb)
		return pa > pb;
	if (ra != rb) /* weights of different runs do not compare: first come, first served */
		return ra->row.number < rb->row.number;
	if (wa != wb)
		return wa > wb;
	return a < b;
}

static void put(struct run *r, uint32_t at, uint32_t instance)
{
	r->heap[at] = instance;
	r->inst[instance].heap_at = at + 1;
}

static void up(struct run *r, uint32_t at, uint32_t instance)
{
	while (at) {
		uint32_t parent = (at - 1) / 2;

		if (!offer_before(r, instance, r, r->heap[parent]))
			break;
		put(r, at, r->heap[parent]);
		at = parent;
	}
	put(r, at, instance);
}

static void down(struct run *r, uint32_t at, uint32_t instance)
{
	for (;;) {
		uint32_t child = at * 2 + 1;

		if (child >= r->heap_count)
			break;
		if (child + 1 < r->heap_count && offer_before(r, r->heap[child + 1], r, r->heap[child]))
			child++;
		if (!offer_before(r, r->heap[child], r, instance))
			break;
		put(r, at, r->heap[child]);
		at = child;
	}
	put(r, at, instance);
}

void offer_push(struct run *r, uint32_t instance)
{
	size_t cap = r->heap_cap;

	if (r->inst[instance].heap_at)
		return;
	r->heap = wf_grow(r->heap, &cap, r->heap_count + 1, sizeof(*r->heap));
	r->heap_cap = (uint32_t)cap;
	up(r, r->heap_count++, instance);
}

void offer_remove(struct run *r, uint32_t instance)
{
	uint32_t at = r->inst[instance].heap_at, last;

	if (!at)
		return;
	at--;
	r->inst[instance].heap_at = 0;
	last = r->heap[--r->heap_count];
	if (last == instance)
		return;
	if (at && offer_before(r, last, r, r->heap[(at - 1) / 2]))
		up(r, at, last);
	else
		down(r, at, last);
}
