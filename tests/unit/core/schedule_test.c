/* Who starts now: pools, overtaking, services that wait for cores. No loop runs: a turn is played by hand. */
#include <stdio.h>

#include "tests/unit/core/made.h"

static void begin(struct made *m, const char *text, uint32_t cores)
{
	made_run(m, text);
	m->e.open.rows = wf_batch_create();
	m->e.next_number = 1;
	m->e.local.cores = cores * 1000;
	core_touch_run(&m->e, m->r);
}

static void turn(struct made *m)
{
	struct engine *e = &m->e;

	do {
		while (e->touched_count) {
			struct run *r = e->touched[--e->touched_count];

			r->touched = 0;
			decide_run(e, r);
		}
		schedule(e);
	} while (e->touched_count);
}

static void end(struct made *m)
{
	batch_release(&m->e);
	made_release(m);
}

static void ended_at(struct made *m, uint32_t instance, uint32_t index, uint8_t class)
{
	struct wf_event ev = { .kind = WF_E_ATTEMPT_ENDED, .a = instance, .b = index,
			       .v = { (int64_t)m->r->inst[instance].tasks[index].number, class } };

	core_post(&m->e, m->r, &ev);
	turn(m);
}

static void ended(struct made *m, const char *name, uint8_t class)
{
	uint32_t instance, index;
	struct wf_err err;

	if (dag_task_find(m->r->dag, name, &instance, &index, &err) < 0)
		bail("%s", err.text);
	ended_at(m, instance, index, class);
}

static int is(struct made *m, const char *name, enum wf_task_state state)
{
	return made_task(m, name)->state == state;
}

/* low and high wait for the one token that first holds; wide fits no more and is passed over. */
static void test_pool_order(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "pools: {token: 1}\n"
	      "steps:\n"
	      "  - {name: first, command: x, pool: token, priority: 9}\n"
	      "  - {name: low, command: x, pool: token}\n"
	      "  - {name: high, command: x, pool: token, priority: 5}\n"
	      "  - {name: free, command: x}\n",
	      4);
	turn(&m);
	ok(is(&m, "first", WF_TASK_ACTIVE) && is(&m, "free", WF_TASK_ACTIVE), "the best takes the token, others without it start too");
	ok(is(&m, "low", WF_TASK_READY) && is(&m, "high", WF_TASK_READY), "the others wait for it");
	ok(m.r->pool_waits[0].count == 2 && m.r->offered.count == 0, "they wait at the pool, not among those that are looked at");
	ended(&m, "first", WF_CLASS_OK);
	ok(is(&m, "high", WF_TASK_ACTIVE) && is(&m, "low", WF_TASK_READY), "the better of them is next");
	ended(&m, "high", WF_CLASS_OK);
	ok(is(&m, "low", WF_TASK_ACTIVE), "then the other");
	ended(&m, "low", WF_CLASS_OK);
	ended(&m, "free", WF_CLASS_OK);
	ok(m.r->row.state == WF_RUN_SUCCEEDED, "the run ends");
	end(&m);
}

/* A fan-out with a limit of its own gives its slot of the pool to others when it cannot use it. */
static void test_pool_and_parallel(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "pools: {token: 2}\n"
	      "steps:\n"
	      "  - {name: a, command: x, pool: token, priority: 5, parallel: 1, foreach: {i: {range: 3}}}\n"
	      "  - {name: b, command: x, pool: token, foreach: {i: {range: 2}}}\n",
	      8);
	turn(&m);
	ok(is(&m, "a[0]", WF_TASK_ACTIVE) && is(&m, "b[0]", WF_TASK_ACTIVE), "one of each holds a token");
	ended(&m, "b[0]", WF_CLASS_OK);
	ok(is(&m, "b[1]", WF_TASK_ACTIVE) && is(&m, "a[1]", WF_TASK_READY), "a may not use the token that b gave back, b may");
	ended(&m, "a[0]", WF_CLASS_OK);
	ok(is(&m, "a[1]", WF_TASK_ACTIVE), "a goes on");
	ended(&m, "b[1]", WF_CLASS_OK);
	ended(&m, "a[1]", WF_CLASS_OK);
	ended(&m, "a[2]", WF_CLASS_OK);
	ok(m.r->row.state == WF_RUN_SUCCEEDED, "the run ends");
	end(&m);
}

/* What waits for a pool costs nothing while others come and go: with thousands of steps this took the square of them. */
static void test_many_wait(void)
{
	enum { STEPS = 20000 };
	struct wf_buf b = { 0 };
	struct made m;
	uint32_t done = 0;

	wf_buf_str(&b, "workflow: {name: t}\npools: {token: 1}\nsteps:\n");
	for (int i = 0; i < STEPS; i++)
		wf_buf_printf(&b, "  - {name: s%d, command: x, pool: token}\n", i);
	begin(&m, wf_buf_cstr(&b), 4);
	turn(&m);
	for (; done < STEPS && m.r->inst[done].tasks[0].state == WF_TASK_ACTIVE; done++)
		ended_at(&m, done, 0, WF_CLASS_OK);
	ok(done == STEPS && m.r->row.state == WF_RUN_SUCCEEDED, "%d steps pass through one token, in order", STEPS);
	wf_buf_release(&b);
	end(&m);
}

int main(void)
{
	test_pool_order();
	test_pool_and_parallel();
	test_many_wait();
	return done_testing();
}
