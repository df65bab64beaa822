/* offers.c - owns which instances with ready tasks compete, and in which order: priority, then urgency (dag.h), then the order
 * of the file. A binary heap per run, and one per pool for those that wait for it; an instance is in one of them at most and
 * knows its place in it.
 *
 * Invariant: while a pool has room for n more tasks, n of its instances are offered, or none of it waits. So a slot that comes free
 * costs one step of a heap, however many wait.
 */
#include "engine/core/engine.h"

static const struct wdf_step *step_of(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

static int32_t priority(const struct run *r, uint32_t instance)
{
	return step_of(r, instance)->priority;
}

int offer_before(const struct run *ra, uint32_t a, const struct run *rb, uint32_t b)
{
	int32_t pa = priority(ra, a), pb = priority(rb, b);
	uint64_t wa = ra->dag->instances[a].urgency, wb = rb->dag->instances[b].urgency;

	if (pa != pb)
		return pa > pb;
	if (ra != rb) /* urgencies of different runs do not compare: first come, first served */
		return ra->row.number < rb->row.number;
	if (wa != wb)
		return wa > wb;
	return a < b;
}

/* ---- a heap ----------------------------------------------------------------------------------------------- */

static void put(struct run *r, struct offers *h, uint32_t at, uint32_t instance)
{
	h->items[at] = instance;
	r->inst[instance].heap_at = at + 1;
}

static void up(struct run *r, struct offers *h, uint32_t at, uint32_t instance)
{
	while (at) {
		uint32_t parent = (at - 1) / 2;

		if (!offer_before(r, instance, r, h->items[parent]))
			break;
		put(r, h, at, h->items[parent]);
		at = parent;
	}
	put(r, h, at, instance);
}

static void down(struct run *r, struct offers *h, uint32_t at, uint32_t instance)
{
	for (;;) {
		uint32_t child = at * 2 + 1;

		if (child >= h->count)
			break;
		if (child + 1 < h->count && offer_before(r, h->items[child + 1], r, h->items[child]))
			child++;
		if (!offer_before(r, h->items[child], r, instance))
			break;
		put(r, h, at, h->items[child]);
		at = child;
	}
	put(r, h, at, instance);
}

static void add(struct run *r, struct offers *h, uint32_t instance)
{
	h->items = wf_grow(h->items, &h->cap, h->count + 1, sizeof(*h->items));
	up(r, h, h->count++, instance);
}

static void take(struct run *r, struct offers *h, uint32_t instance)
{
	uint32_t at = r->inst[instance].heap_at - 1, last = h->items[--h->count];

	r->inst[instance].heap_at = 0;
	if (last == instance)
		return;
	if (at && offer_before(r, last, r, h->items[(at - 1) / 2]))
		up(r, h, at, last);
	else
		down(r, h, at, last);
}

/* ---- offering ----------------------------------------------------------------------------------------------- */

/* Its heaps as they must be after the urgencies changed. */
static void order_again(struct run *r, struct offers *h)
{
	uint32_t n = h->count;

	for (h->count = 0; h->count < n;)
		add(r, h, h->items[h->count]);
}

void offers_find_order(struct engine *e, struct run *r)
{
	dag_find_urgency(r->dag, e->local.cores / 1000);
	order_again(r, &r->offered);
	for (uint32_t i = 0; i < r->wdf->pool_count; i++)
		order_again(r, &r->pool_waits[i]);
}

void offer_push(struct run *r, uint32_t instance)
{
	const struct instance *in = &r->inst[instance];

	if (in->ready_count && !in->parked && !in->heap_at)
		add(r, &r->offered, instance);
}

void offer_pool(struct run *r, uint32_t pool)
{
	struct offers *waits = &r->pool_waits[pool];
	uint32_t best;

	if (!waits->count || r->pool_used[pool] >= r->wdf->pools[pool].limit)
		return;
	best = waits->items[0];
	take(r, waits, best);
	r->inst[best].parked = PARK_NONE;
	offer_push(r, best);
}

void offer_remove(struct run *r, uint32_t instance)
{
	struct instance *in = &r->inst[instance];
	uint32_t pool = step_of(r, instance)->pool;
	enum park was = in->parked;

	in->parked = PARK_NONE;
	if (!in->heap_at)
		return;
	take(r, was == PARK_POOL ? &r->pool_waits[pool] : &r->offered, instance);
	/* It does not use the slot that it was offered for. */
	if (was != PARK_POOL && pool != UINT32_MAX)
		offer_pool(r, pool);
}

void offer_park(struct run *r, uint32_t instance, enum park why)
{
	offer_remove(r, instance);
	r->inst[instance].parked = (uint8_t)why;
	if (why == PARK_POOL)
		add(r, &r->pool_waits[step_of(r, instance)->pool], instance);
}

void offer_unpark(struct run *r, uint32_t instance)
{
	offer_remove(r, instance);
	offer_push(r, instance);
}
