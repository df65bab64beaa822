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

static void ended_after(struct made *m, uint32_t instance, uint32_t index, uint8_t class, int64_t ms)
{
	struct wf_event ev = { .kind = WF_E_ATTEMPT_ENDED, .a = instance, .b = index,
			       .v = { (int64_t)m->r->inst[instance].tasks[index].number, class, 0, 1000000, 1000000 + ms } };

	core_post(&m->e, m->r, &ev);
	turn(m);
}

static void ended_at(struct made *m, uint32_t instance, uint32_t index, uint8_t class)
{
	ended_after(m, instance, index, class, 60000);
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

/* ---- the queue at the agent ------------------------------------------------------------------------------- */

static uint32_t waiting_effects(const struct made *m, uint32_t places)
{
	uint32_t n = 0;

	for (size_t i = 0; i < m->e.open.effect_count; i++)
		n += m->e.open.effects[i].kind == EFFECT_START && m->e.open.effects[i].places == places;
	return n;
}

static void test_queue(void)
{
	const struct agent *a;
	uint32_t left = 198;
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "steps:\n"
	      "  - {name: a, command: x, foreach: {i: {range: 200}}}\n",
	      2);
	a = &m.e.local;
	turn(&m);
	ok(a->tasks == 2 && !a->queued, "nothing waits at the agent while it is not known how long a task takes");
	ended_after(&m, 0, 0, WF_CLASS_OK, 1);
	ok(a->queued && a->tasks == 2 + a->queued && a->cores_used == 2000, "of tasks that take a moment, %u wait there", a->queued);
	ok(waiting_effects(&m, 2) == a->queued, "for one of its two places");
	ended_after(&m, 0, 1, WF_CLASS_OK, 1);
	ok(a->tasks == 2 + a->queued && a->cores_used == 2000, "one that ends gives its place to the next");
	for (uint32_t i = 2; i < 200; i++, left--) {
		if (m.r->inst[0].tasks[i].state != WF_TASK_ACTIVE || a->cores_used > 2000)
			break;
		ended_after(&m, 0, i, WF_CLASS_OK, 1);
	}
	ok(!left && !a->tasks && !a->queued && !a->cores_used && m.r->row.state == WF_RUN_SUCCEEDED, "and at the end nothing is held");
	end(&m);
}

static void test_no_queue(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "steps:\n"
	      "  - {name: a, command: x, foreach: {i: {range: 9}}}\n",
	      2);
	turn(&m);
	ended_after(&m, 0, 0, WF_CLASS_OK, 5000);
	ok(m.e.local.tasks == 2 && !m.e.local.queued, "long tasks wait at home");
	end(&m);

	begin(&m,
	      "workflow: {name: t}\n"
	      "steps:\n"
	      "  - {name: a, command: x, foreach: {i: {range: 9}}}\n"
	      "  - {name: wide, command: x, resources: {cpus: 2}}\n",
	      3);
	turn(&m);
	ok(is(&m, "a[2]", WF_TASK_ACTIVE) && is(&m, "wide", WF_TASK_READY), "three small ones run");
	ended_after(&m, 0, 0, WF_CLASS_OK, 1);
	ok(m.e.local.queued, "others of theirs wait at the agent");
	for (uint32_t i = 1; i < 9 && !is(&m, "wide", WF_TASK_ACTIVE); i++)
		ended_after(&m, 0, i, WF_CLASS_OK, 1);
	ok(is(&m, "wide", WF_TASK_ACTIVE) && !m.e.local.queued && m.e.local.cores_used <= 3000, "a wide one starts when none does");
	end(&m);

	begin(&m,
	      "workflow: {name: t}\n"
	      "steps:\n"
	      "  - {name: wide, command: x, priority: 5, after: [first], resources: {cpus: 2}}\n"
	      "  - {name: first, command: x, priority: 9}\n"
	      "  - {name: a, command: x, foreach: {i: {range: 9}}}\n",
	      2);
	turn(&m);
	ended(&m, "first", WF_CLASS_OK);
	ok(is(&m, "wide", WF_TASK_READY) && is(&m, "a[0]", WF_TASK_ACTIVE), "a better one waits for two cores");
	ended_after(&m, 2, 0, WF_CLASS_OK, 1);
	ok(!m.e.local.queued, "nothing is queued past it");
	end(&m);
}

/* ---- services ---------------------------------------------------------------------------------------------- */

static struct wf_service *service(struct made *m, const char *name)
{
	for (uint32_t i = 0; i < m->r->service_count; i++)
		if (strcmp(m->r->services[i].s.name, name) == 0)
			return &m->r->services[i].s;
	bail("no service '%s'", name);
}

static void want(struct made *m)
{
	for (uint32_t i = 0; i < m->r->lease_count; i++) {
		const struct wf_lease *l = &m->r->leases[i].l;
		struct wf_event ev = { .kind = WF_E_LEASE_WANTED, .a = l->instance, .b = l->service, .v = { l->mode } };

		core_post(&m->e, m->r, &ev);
	}
}

static void member(struct made *m, const char *name, uint8_t kind)
{
	uint32_t s = service(m, name)->number;
	struct wf_event ev = { .kind = kind, .a = s, .v = { (int64_t)run_member(m->r, s, 0)->m.number, WF_CLASS_OK } };

	core_post(&m->e, m->r, &ev);
	turn(m);
}

static void up(struct made *m, const char *name)
{
	member(m, name, WF_E_MEMBER_LAUNCHED);
	member(m, name, WF_E_MEMBER_READY);
}

#define SERVICE(name, cores, more)                                                                                     \
	"  - {name: " name ", type: COMMAND, command: x, ready: {tcp: \"127.0.0.1:1\"}, resources: {cpus: " cores "}" more "}\n"

/* Each of two steps needs two of three services, one in common: granted one by one they would wait for each other. */
static void test_no_deadlock(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("a", "2", "") SERVICE("b", "2", "") SERVICE("c", "2", "")
	      "steps:\n"
	      "  - {name: ab, command: x, services: [a, b]}\n"
	      "  - {name: bc, command: x, services: [c, b]}\n",
	      6);
	want(&m);
	turn(&m);
	ok(service(&m, "a")->state == WF_SERVICE_STARTING && service(&m, "b")->state == WF_SERVICE_STARTING &&
		   service(&m, "c")->state == WF_SERVICE_RESERVING,
	   "what one step needs is granted, the other waits");
	up(&m, "a");
	up(&m, "b");
	ok(is(&m, "ab", WF_TASK_ACTIVE), "so the step runs");
	ended(&m, "ab", WF_CLASS_OK);
	ok(service(&m, "a")->state == WF_SERVICE_STOPPING && service(&m, "c")->state == WF_SERVICE_RESERVING,
	   "what it alone used stops, and holds its cores until it has");
	member(&m, "a", WF_E_MEMBER_GONE);
	ok(service(&m, "c")->state == WF_SERVICE_STARTING, "then the other gets them");
	end(&m);
}

/* Cores that only tasks hold: they are kept for the service as they come free. */
static void test_no_starvation(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("db", "2", "")
	      "steps:\n"
	      "  - {name: first, command: x, priority: 9}\n"
	      "  - {name: many, command: x, foreach: {i: {range: 8}}}\n"
	      "  - {name: user, command: x, after: [first], services: [db]}\n",
	      4);
	want(&m);
	turn(&m);
	ok(m.e.local.cores_used == 4000 && is(&m, "many[2]", WF_TASK_ACTIVE), "tasks hold every core");
	ended(&m, "first", WF_CLASS_OK);
	ok(service(&m, "db")->state == WF_SERVICE_RESERVING && is(&m, "many[3]", WF_TASK_READY), "one comes free and is kept for the service");
	ended(&m, "many[0]", WF_CLASS_OK);
	ok(service(&m, "db")->state == WF_SERVICE_STARTING, "two are enough for it");
	ended(&m, "many[1]", WF_CLASS_OK);
	ok(is(&m, "many[3]", WF_TASK_ACTIVE), "then tasks go on");
	end(&m);
}

/* Nobody uses base but app, which comes after it. */
static void test_after(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("base", "1", "") SERVICE("app", "1", ", after: [base]")
	      "steps:\n"
	      "  - {name: user, command: x, services: [app]}\n",
	      4);
	want(&m);
	turn(&m);
	ok(service(&m, "base")->state == WF_SERVICE_STARTING && service(&m, "app")->state == WF_SERVICE_DECLARED,
	   "a service is founded for the one that comes after it");
	ok(m.e.local.cores_services == 1000, "and holds its core");
	up(&m, "base");
	up(&m, "app");
	ended(&m, "user", WF_CLASS_OK);
	ok(service(&m, "app")->state == WF_SERVICE_STOPPING, "its user is gone: it stops");
	member(&m, "app", WF_E_MEMBER_GONE);
	member(&m, "base", WF_E_MEMBER_GONE);
	ok(m.r->row.state == WF_RUN_SUCCEEDED, "and the other, and the run ends");
	end(&m);
}

/* Three cores: base, app and their user need all of them. What is granted beside base has to be over before app. */
static void test_after_room(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("base", "1", "") SERVICE("app", "1", ", after: [base]") SERVICE("other", "1", "")
	      "steps:\n"
	      "  - {name: second, command: x, services: [other]}\n"
	      "  - {name: user, command: x, services: [app]}\n",
	      3);
	want(&m);
	turn(&m);
	up(&m, "base");
	ok(service(&m, "app")->state == WF_SERVICE_RESERVING && service(&m, "other")->state == WF_SERVICE_STARTING,
	   "the other was granted first: it can be used up");
	up(&m, "other");
	ok(is(&m, "second", WF_TASK_ACTIVE), "its user runs");
	ended(&m, "second", WF_CLASS_OK);
	member(&m, "other", WF_E_MEMBER_GONE);
	ok(service(&m, "app")->state == WF_SERVICE_STARTING, "then there is room for the chain");
	up(&m, "app");
	ok(is(&m, "user", WF_TASK_ACTIVE), "and its user");
	end(&m);
}

/* A member that is killed and not seen to end is leaked; the run does not wait for it. */
static void test_leaked(void)
{
	struct made m;
	struct service *svc;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("db", "1", "")
	      "steps:\n"
	      "  - {name: user, command: x, services: [db]}\n",
	      4);
	want(&m);
	turn(&m);
	up(&m, "db");
	ended(&m, "user", WF_CLASS_OK);
	svc = &m.r->services[0];
	ok(svc->s.state == WF_SERVICE_STOPPING && svc->stop == STOP_ASKED && svc->timer.armed, "asked to stop, with a deadline");
	svc->timer.fn(&svc->timer);
	turn(&m);
	ok(svc->s.state == WF_SERVICE_STOPPING && svc->stop == STOP_KILLED, "then killed");
	svc->timer.fn(&svc->timer);
	turn(&m);
	ok(svc->s.state == WF_SERVICE_LEAKED && !svc->timer.armed, "then leaked");
	ok(m.r->row.state == WF_RUN_SUCCEEDED, "the run ends");
	end(&m);
}

/* A service that leaks before it served anybody fails its consumers. */
static void test_leaked_unused(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("db", "1", "")
	      "steps:\n"
	      "  - {name: user, command: x, services: [db]}\n",
	      4);
	want(&m);
	turn(&m);
	member(&m, "db", WF_E_MEMBER_LAUNCHED);
	core_post_text(&m.e, m.r, WF_E_SERVICE_START_FAILED, 0, 0, 0, "no");
	core_post_text(&m.e, m.r, WF_E_SERVICE_UNPROVEN, 0, 0, 0, "left");
	turn(&m);
	ok(is(&m, "user", WF_TASK_FAILED) && made_task(&m, "user")->class == WF_CLASS_SERVICE_FAILED, "its consumer fails");
	ok(m.r->row.state == WF_RUN_FAILED_, "and the run");
	end(&m);
}

/* Memory that grew beyond the host: alone, not never. */
static void test_too_large(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "steps:\n"
	      "  - {name: big, command: x, priority: 9, resources: {memory: 3GiB}, retry: {limit: 1, grow: {memory: x2}}}\n"
	      "  - {name: small, command: x, foreach: {i: {range: 2}}}\n",
	      2);
	turn(&m);
	ended(&m, "big", WF_CLASS_EXIT);
	m.r->inst[0].tasks[0].delay_ms = 0;
	derive_ready_push(&m.e, m.r, 0, 0);
	turn(&m);
	ok(is(&m, "big", WF_TASK_READY) && is(&m, "small[0]", WF_TASK_ACTIVE), "it does not fit beside others");
	ended(&m, "small[0]", WF_CLASS_OK);
	ended(&m, "small[1]", WF_CLASS_OK);
	ok(is(&m, "big", WF_TASK_ACTIVE), "it runs alone");
	ended(&m, "big", WF_CLASS_OK);
	ok(m.r->row.state == WF_RUN_SUCCEEDED && !m.e.local.memory_used && !m.e.local.cores_used, "nothing is held at the end");
	end(&m);
}

/* The agent came back with less than there was at the submit. */
static void test_refused(void)
{
	for (int larger = 0; larger < 2; larger++) {
		struct made m;

		begin(&m,
		      "workflow: {name: t}\n"
		      "services:\n"
		      "  - {name: db, type: COMMAND, command: serve, ready: {file: db.up}, resources: {cpus: 2}}\n"
		      "steps:\n"
		      "  - {name: p, command: x}\n"
		      "  - {name: u, command: x, after: [p], services: [db], resources: {cpus: 2}}\n",
		      4);
		want(&m);
		turn(&m);
		m.e.local.cores = larger ? 3000 : 1000;
		ended(&m, "p", WF_CLASS_OK);
		is_int(m.r->services[0].s.state, WF_SERVICE_FAILED, "what can never be granted is refused, %s",
		       larger ? "with its consumer" : "alone");
		ok(m.r->services[0].s.reason && strstr(m.r->services[0].s.reason, larger ? "3.000 cores" : "1.000 cores"), "and says why");
		ok(is(&m, "u", WF_TASK_FAILED) && m.r->row.state == WF_RUN_FAILED_, "nobody waits for it");
		ok(!m.e.local.waiting && !m.e.local.asking && !m.e.local.cores_used, "nothing is held");
		end(&m);
	}
}

#define OWN "  - {name: db, type: COMMAND, command: x, ready: {tcp: \"127.0.0.1:1\"}, scope: task"

static uint8_t state_of(struct made *m, const char *name)
{
	return service(m, name)->state;
}

/* Each task has its own: no more at a time than tasks could run, kept over a retry, stopped when the task is over. */
static void test_own(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" OWN "}\n"
	      "steps:\n"
	      "  - {name: sim, command: x, foreach: {i: {range: 4}}, services: [db], retry: {limit: 1, classes: [exit], backoff: 1h}}\n",
	      2);
	want(&m);
	turn(&m);
	ok(state_of(&m, "db (of sim[0])") == WF_SERVICE_STARTING && state_of(&m, "db (of sim[1])") == WF_SERVICE_STARTING &&
		   state_of(&m, "db (of sim[2])") == WF_SERVICE_DECLARED,
	   "as many are founded as tasks can run");
	up(&m, "db (of sim[1])");
	ok(is(&m, "sim[1]", WF_TASK_ACTIVE) && is(&m, "sim[0]", WF_TASK_READY), "who has its own does not wait for another's");
	up(&m, "db (of sim[0])");
	ok(is(&m, "sim[0]", WF_TASK_ACTIVE), "then the other");
	ended(&m, "sim[1]", WF_CLASS_EXIT);
	ok(is(&m, "sim[1]", WF_TASK_READY) && state_of(&m, "db (of sim[1])") == WF_SERVICE_READY, "it stays while its task waits to be tried again");
	ok(state_of(&m, "db (of sim[2])") == WF_SERVICE_STARTING, "and the next task is not kept waiting");
	ended(&m, "sim[0]", WF_CLASS_OK);
	ok(state_of(&m, "db (of sim[0])") == WF_SERVICE_STOPPING && state_of(&m, "db (of sim[3])") == WF_SERVICE_STARTING,
	   "it stops with its task, not with the step");
	made_settle(&m);
	turn(&m);
	ok(state_of(&m, "db (of sim[1])") == WF_SERVICE_READY && state_of(&m, "db (of sim[2])") == WF_SERVICE_STARTING, "the same from facts alone");
	end(&m);
}

/* One that fails takes its own task along. */
static void test_own_fails(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" OWN ", on_failure: fail}\n"
	      "steps:\n"
	      "  - {name: sim, command: x, foreach: {i: {range: 2}}, services: [db], tolerate: 1}\n",
	      2);
	want(&m);
	turn(&m);
	up(&m, "db (of sim[1])");
	member(&m, "db (of sim[0])", WF_E_MEMBER_LAUNCHED);
	member(&m, "db (of sim[0])", WF_E_MEMBER_GONE);
	ok(is(&m, "sim[0]", WF_TASK_FAILED) && is(&m, "sim[1]", WF_TASK_ACTIVE), "the other goes on");
	end(&m);
}

/* A task with its service takes three of four cores: two services alone would leave none for a task. */
static void test_own_room(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" OWN ", resources: {cpus: 2}}\n"
	      "steps:\n"
	      "  - {name: sim, command: x, foreach: {i: {range: 3}}, services: [db]}\n",
	      4);
	want(&m);
	turn(&m);
	ok(state_of(&m, "db (of sim[0])") == WF_SERVICE_STARTING && state_of(&m, "db (of sim[1])") == WF_SERVICE_RESERVING,
	   "a second service would leave no core for a task");
	up(&m, "db (of sim[0])");
	ok(is(&m, "sim[0]", WF_TASK_ACTIVE), "so one task runs");
	ended(&m, "sim[0]", WF_CLASS_OK);
	member(&m, "db (of sim[0])", WF_E_MEMBER_GONE);
	ok(state_of(&m, "db (of sim[0])") == WF_SERVICE_STOPPED && state_of(&m, "db (of sim[1])") == WF_SERVICE_STARTING, "then the next");
	end(&m);
}

/* A step's own, and a task's own that comes after it. */
static void test_own_after(void)
{
	struct made m;

	begin(&m,
	      "workflow: {name: t}\n"
	      "services:\n" SERVICE("base", "1", ", scope: step") OWN ", after: [base]}\n"
	      "steps:\n"
	      "  - {name: sim, command: x, foreach: {i: {range: 2}}, services: [db], parallel: 1}\n"
	      "  - {name: tell, command: x, after: [sim], services: [base]}\n",
	      4);
	want(&m);
	turn(&m);
	ok(state_of(&m, "base (of sim)") == WF_SERVICE_STARTING && state_of(&m, "base (of tell)") == WF_SERVICE_DECLARED &&
		   state_of(&m, "db (of sim[0])") == WF_SERVICE_DECLARED,
	   "the step's first");
	up(&m, "base (of sim)");
	ok(state_of(&m, "db (of sim[0])") == WF_SERVICE_STARTING && state_of(&m, "db (of sim[1])") == WF_SERVICE_DECLARED, "then the first task's");
	up(&m, "db (of sim[0])");
	ended(&m, "sim[0]", WF_CLASS_OK);
	up(&m, "db (of sim[1])");
	ok(state_of(&m, "base (of sim)") == WF_SERVICE_READY, "the step's is there for all of its tasks");
	member(&m, "db (of sim[0])", WF_E_MEMBER_GONE);
	ended(&m, "sim[1]", WF_CLASS_OK);
	member(&m, "db (of sim[1])", WF_E_MEMBER_GONE);
	ok(state_of(&m, "base (of sim)") == WF_SERVICE_STOPPING && state_of(&m, "base (of tell)") == WF_SERVICE_STARTING, "the next step has another");
	end(&m);
}

int main(void)
{
	test_pool_order();
	test_pool_and_parallel();
	test_many_wait();
	test_queue();
	test_no_queue();
	test_no_deadlock();
	test_no_starvation();
	test_after();
	test_after_room();
	test_leaked();
	test_leaked_unused();
	test_too_large();
	test_own();
	test_own_fails();
	test_own_room();
	test_own_after();
	test_refused();
	return done_testing();
}
