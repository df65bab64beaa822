/* The order in which instances with ready tasks are offered, against a list that is sorted each time; what is parked is not offered, and one
 * waits at its pool while others have it.
 */
#include <stdio.h>

#include "tests/unit/core/made.h"

enum { STEPS = 24 };

static uint64_t seed = 7;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static char *workflow(void)
{
	struct wf_buf b = { 0 };

	wf_buf_str(&b, "workflow: {name: t}\nsteps:\n");
	for (int i = 0; i < STEPS; i++) {
		wf_buf_printf(&b, "  - {name: s%d, command: x, priority: %d, resources: {time: %dm}", i, (int)rnd(3), 1 + (int)rnd(4));
		if (i && rnd(2))
			wf_buf_printf(&b, ", after: [s%d]", (int)rnd((uint32_t)i));
		wf_buf_str(&b, "}\n");
	}
	return wf_buf_take(&b);
}

/* Higher priority, then the more urgent, then the earlier in the file. */
static int best_by_hand(const struct made *m, const int *in)
{
	int best = -1;

	for (int i = 0; i < STEPS; i++) {
		const struct dag_instance *a = &m->r->dag->instances[i], *b = best < 0 ? NULL : &m->r->dag->instances[best];
		int pa = m->r->wdf->steps[a->step].priority, pb = b ? m->r->wdf->steps[b->step].priority : 0;

		if (!in[i])
			continue;
		if (!b || pa > pb || (pa == pb && a->urgency > b->urgency))
			best = i;
	}
	return best;
}

static uint64_t urgencies(const struct made *m)
{
	uint64_t sum = 0;

	for (int i = 0; i < STEPS; i++)
		sum = sum * 31 + m->r->dag->instances[i].urgency;
	return sum;
}

struct seen {
	unsigned wrong, places, looks, orders;
};

/* Instances come and go, and now and then the agent comes back with other cores. */
static void come_and_go(struct seen *s)
{
	char *text = workflow();
	int in[STEPS] = { 0 };
	struct made m;

	made_run(&m, text);
	for (uint32_t i = 0; i < STEPS; i++) {
		m.r->inst[i].ready_count = 1;
		offer_remove(m.r, i);
	}
	for (int n = 0; n < 2000; n++) {
		uint32_t i = rnd(STEPS);

		in[i] = (int)rnd(2);
		if (in[i])
			offer_push(m.r, i);
		else
			offer_remove(m.r, i);
		if (!rnd(50)) {
			uint64_t was = urgencies(&m);

			m.e.local.cores = 1000 * rnd(6);
			offers_find_order(&m.e, m.r);
			s->orders += urgencies(&m) != was;
		}
		s->looks += m.r->offered.count > 0;
		s->wrong += m.r->offered.count ? (int)m.r->offered.items[0] != best_by_hand(&m, in) : best_by_hand(&m, in) >= 0;
		for (uint32_t k = 0; k < m.r->offered.count; k++)
			s->places += m.r->inst[m.r->offered.items[k]].heap_at != k + 1;
	}
	for (uint32_t i = 0; i < STEPS; i++)
		m.r->inst[i].ready_count = 0;
	free(text);
	made_release(&m);
}

static void test_order(void)
{
	struct seen s = { 0 };

	for (int i = 0; i < 30; i++)
		come_and_go(&s);
	ok(s.looks > 30000 && s.orders > 30, "looked at %u times, in %u orders", s.looks, s.orders);
	is_int(s.wrong, 0, "the best is in front, always");
	is_int(s.places, 0, "each knows its place");
}

static void test_parked(void)
{
	struct made m;

	made_run(&m, "workflow: {name: t}\npools: {p: 1}\nsteps:\n"
		     "  - {name: a, command: x, pool: p}\n  - {name: b, command: x, pool: p, priority: 1}\n  - {name: c, command: x}\n");
	for (uint32_t i = 0; i < 3; i++)
		m.r->inst[i].ready_count = 1;
	offer_push(m.r, 2);
	offer_push(m.r, 2);
	is_int(m.r->offered.count, 1, "offered once, however often it is said");
	offer_park(m.r, 2, PARK_SERVICE);
	is_int(m.r->offered.count, 0, "what is parked is not offered");
	offer_push(m.r, 2);
	is_int(m.r->offered.count, 0, "nor by pushing it");
	offer_unpark(m.r, 2);
	is_int(m.r->offered.count, 1, "until it is unparked");
	m.r->pool_used[0] = 1;
	offer_park(m.r, 0, PARK_POOL);
	offer_park(m.r, 1, PARK_POOL);
	ok(m.r->pool_waits[0].count == 2 && m.r->inst[1].parked == PARK_POOL, "two wait at their pool");
	offer_pool(m.r, 0);
	is_int(m.r->pool_waits[0].count, 2, "while it is in use");
	m.r->pool_used[0] = 0;
	offer_pool(m.r, 0);
	ok(m.r->pool_waits[0].count == 1 && !m.r->inst[1].parked && m.r->inst[0].parked == PARK_POOL, "the better of them is offered the slot");
	offer_remove(m.r, 1);
	ok(m.r->pool_waits[0].count == 0 && !m.r->inst[0].parked, "if it does not take it, the next is");
	for (uint32_t i = 0; i < 3; i++) {
		offer_remove(m.r, i);
		m.r->inst[i].ready_count = 0;
	}
	made_release(&m);
}

int main(void)
{
	test_order();
	test_parked();
	return done_testing();
}
