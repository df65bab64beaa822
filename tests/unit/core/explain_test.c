/* Why a task is as it is: the sentence for each condition, and that the first cause comes first. */
#include "engine/core/explain.h"

#include "engine/base/json.h"
#include "tests/unit/core/made.h"

static struct made m;
static char *said;
static json_t *list;

static const char *why_with(const char *task, const char *reason, const char *line)
{
	struct explain_extra x = { .reason = reason, .last_line = line };
	struct wf_buf b = { 0 };
	uint32_t instance, index;
	json_t *o;

	if (dag_task_find(m.r->dag, task, &instance, &index, NULL) < 0)
		bail("no task %s", task);
	explain(&m.e, m.r, instance, index, &x, &b);
	o = wf_json_parse(b.data, b.len, NULL);
	if (!o)
		bail("not JSON: %s", b.data);
	free(said);
	json_decref(list);
	said = wf_xstrdup(json_string_value(json_object_get(o, "why")));
	list = json_incref(json_object_get(o, "because"));
	json_decref(o);
	wf_buf_release(&b);
	return said;
}

static const char *why(const char *task)
{
	return why_with(task, NULL, NULL);
}

static const char *because(size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(json_array_get(list, i), key));

	return s ? s : "(none)";
}

static const char chain[] = "workflow: {name: t}\n"
			    "params: {mode: quick}\n"
			    "pools: {licence: 1}\n"
			    "steps:\n"
			    "  - {name: prepare, command: 'true'}\n"
			    "  - {name: simulate, after: [prepare], foreach: {i: {range: 8}}, command: 'true', parallel: 2, retry: {limit: 3, backoff: 8s}}\n"
			    "  - {name: reduce, after: [simulate], command: 'true'}\n"
			    "  - {name: report, after: [reduce], command: 'true'}\n"
			    "  - {name: full, when: mode == 'full', command: 'true'}\n"
			    "  - {name: one, pool: licence, command: 'true'}\n"
			    "  - {name: two, pool: licence, command: 'true'}\n"
			    "  - {name: wide, command: 'true', resources: {cpus: 2}}\n"
			    "  - {name: big, command: 'true', resources: {memory: 3GiB}}\n";

static void test_waiting(void)
{
	char name[32];

	made_run(&m, chain);
	made_running(&m, "prepare");
	made_settle(&m);
	is_str(why("simulate[0]"), "waits for 'prepare', which is running", "one parent");
	is_str(because(0, "task"), "prepare", "which is named");
	is_str(because(0, "text"), "for 5 s, process 4242", "with what it does");
	is_str(because(0, "state"), "running", "and its state, which the text does not repeat");
	has_str(why("report"), "waits for 'reduce', which is waiting; first of all 'prepare': running for 5 s", "the first cause of a chain");
	is_str(because(0, "task"), "prepare", "comes first");
	is_str(because(1, "task"), "simulate[0]", "then what lies between");
	is_str(because(2, "task"), "reduce", "up to the parent itself");

	made_ended(&m, "prepare", WF_TASK_SUCCEEDED, WF_CLASS_OK, 0);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "simulate[%d]", i);
		if (i < 5)
			made_ended(&m, name, WF_TASK_SUCCEEDED, WF_CLASS_OK, 0);
		else
			made_running(&m, name);
	}
	made_settle(&m);
	is_str(why("reduce"), "waits for 3 of 8 tasks of 'simulate' (5 succeeded, 3 running)", "a sweep is counted");
	made_task(&m, "simulate[6]")->state = WF_TASK_HELD;
	made_settle(&m);
	has_str(why("report"), "first of all 'simulate[6]': held: ", "a held task is the cause, whatever else runs");
	m.r->row.state = WF_RUN_PAUSED;
	has_str(why("reduce"), "and the run is paused: `wf resume RUN`", "a paused run is mentioned");
	made_release(&m);
}

static void test_ready(void)
{
	struct wf_task *t;

	made_run(&m, chain);
	made_running(&m, "one");
	made_task(&m, "two")->state = WF_TASK_READY;
	made_task(&m, "wide")->state = WF_TASK_READY;
	made_task(&m, "big")->state = WF_TASK_READY;
	made_ended(&m, "prepare", WF_TASK_SUCCEEDED, WF_CLASS_OK, 0);
	made_running(&m, "simulate[0]");
	made_running(&m, "simulate[1]");
	made_task(&m, "simulate[2]")->state = WF_TASK_READY;
	t = made_ended(&m, "simulate[3]", WF_TASK_READY, WF_CLASS_EXIT, 3);
	t->retries = 1;
	t->delay_ms = 8000;
	made_settle(&m);
	m.e.backoffs[0].due_ms = wf_os_mono_ms(m.e.os) + 10 * 3600000 + 30000;
	is_str(why("two"), "ready: waits for a slot of pool 'licence' (1 of 1 in use)", "a pool");
	is_str(because(0, "task"), "one", "and who holds its slots");
	is_str(why("simulate[2]"), "ready: its step allows 2 at once and 2 run", "parallel");
	has_str(why("simulate[3]"), "backs off: next attempt in 10 h (attempt 2 of 4); the last one: exit 3", "a back-off");
	has_str(why_with("simulate[3]", "ended with exit code 3", NULL), "the last one: ended with exit code 3", "the note says more");
	is_str(why("wide"), "ready: waits for 2 cores (0 of 2 free)", "cores");
	m.e.local.cores = 8000;
	m.e.local.memory_used = (uint64_t)2 << 30;
	is_str(why("big"), "ready: waits for 3.0 GiB of memory (2.0 GiB of 4.0 GiB free)", "memory");
	m.e.local.memory_used = 0;
	is_str(why("big"), "ready: others come before it, it starts soon", "nothing but its turn");
	m.e.local.state = AGENT_CONNECTING;
	snprintf(m.e.local.error, sizeof(m.e.local.error), "no such program");
	is_str(why("big"), "ready: waits for the agent of executor 'local', which is being reached: no such program", "the agent");
	m.e.full = 1;
	has_str(why("big"), "ready: the disk of '/nowhere/state' is full", "the disk");
	m.r->row.state = WF_RUN_PAUSED;
	is_str(why("big"), "paused: nothing of this run starts until `wf resume RUN`", "a pause");
	made_release(&m);
}

static void test_ended(void)
{
	struct wf_task *t;

	made_run(&m, chain);
	made_ended(&m, "prepare", WF_TASK_FAILED, WF_CLASS_EXIT, 3)->attempt = 2;
	for (uint32_t i = 0; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "simulate[%u]", i);
		made_skipped(&m, name, WF_SKIP_PARENT_FAILED, 0, 0);
	}
	made_skipped(&m, "reduce", WF_SKIP_PARENT_SKIPPED, 1, DAG_UNSIZED);
	made_skipped(&m, "report", WF_SKIP_PARENT_SKIPPED, 2, 0);
	made_skipped(&m, "full", WF_SKIP_WHEN, 0, 0);
	made_ended(&m, "one", WF_TASK_SUCCEEDED, WF_CLASS_OK, 0);
	made_task(&m, "two")->state = WF_TASK_CANCELED;
	t = made_ended(&m, "big", WF_TASK_FAILED, WF_CLASS_SIGNAL, 9);
	made_settle(&m);
	is_str(why_with("prepare", NULL, "no such file"), "failed: exit 3, after 2 attempts; last line of its output: no such file", "a failure");
	is_str(why_with("prepare", "ended with exit code 3", NULL), "failed: ended with exit code 3, after 2 attempts", "with its note");
	is_str(why("big"), "failed: killed by signal 9", "a signal");
	is_str(why("simulate[4]"), "skipped: 'prepare' failed: exit 3, after 2 attempts", "a skip names the failure");
	has_str(why("report"), "skipped: 'prepare' failed: exit 3, after 2 attempts; 'reduce' before it was skipped too", "through all that was skipped");
	is_str(because(0, "task"), "prepare", "the first cause first");
	is_str(because(0, "text"), "exit 3", "with its reason");
	is_str(because(1, "task"), "simulate[0]", "then what was skipped for it");
	is_str(because(2, "task"), "reduce", "in order");
	is_str(why("full"), "skipped: its `when` is false (mode is quick)", "`when`, with the values it looked at");
	is_str(why("one"), "succeeded in 2 s", "a success");
	is_str(why("two"), "canceled", "a canceled task");
	t->class = WF_CLASS_TIMEOUT;
	has_str(why("big"), "failed: timed out after", "a time-out");
	made_release(&m);
}

static void test_service(void)
{
	made_run(&m, "workflow: {name: t}\n"
		     "services:\n"
		     "  - {name: db, type: REDIS}\n"
		     "steps:\n"
		     "  - {name: use, command: 'true', services: [db]}\n");
	made_task(&m, "use")->state = WF_TASK_READY;
	made_settle(&m);
	is_str(why("use"), "ready: waits for service 'db', which is not started yet", "a lazy service");
	m.r->services[0].s.state = WF_SERVICE_STARTING;
	m.r->members[0].m.state = WF_MEMBER_JOINING;
	m.r->members[0].m.number = 5;
	is_str(why("use"), "ready: waits for service 'db', which is starting: probe resp has not passed yet", "the probe is named, also the driver's");
	is_str(because(0, "service"), "db", "a service among the reasons");
	is_str(because(0, "state"), "starting", "with its state");
	m.r->members[0].m.state = WF_MEMBER_PENDING;
	has_str(why("use"), "which is starting: its process is being launched", "before there is a process");
	m.r->services[0].s.state = WF_SERVICE_DEGRADED;
	m.r->services[0].s.held = 1;
	m.r->services[0].s.reason = wf_xstrdup("redis-server ended by signal 9");
	has_str(why("use"), "which is held: redis-server ended by signal 9; `wf resolve RUN db", "a held service says what to do");
	m.r->services[0].s.state = WF_SERVICE_FAILED;
	has_str(why("use"), "which failed: redis-server ended by signal 9", "a failed one why");
	made_release(&m);
}

static void test_wants(void)
{
	uint32_t instance = 99, index = 99;

	made_run(&m, chain);
	made_ended(&m, "prepare", WF_TASK_FAILED, WF_CLASS_EXIT, 3);
	made_skipped(&m, "simulate[0]", WF_SKIP_PARENT_FAILED, 0, 0);
	made_skipped(&m, "report", WF_SKIP_PARENT_SKIPPED, 1, 0);
	made_settle(&m);
	ok(explain_wants(m.r, 3, 0, &instance, &index) && instance == 0 && index == 0, "a skipped task is told by the failure at its root");
	ok(explain_wants(m.r, 0, 0, &instance, &index) && instance == 0, "a failed one by its own");
	ok(!explain_wants(m.r, 4, 0, &instance, &index), "one that waits by nobody's");
	made_release(&m);
}

int main(void)
{
	test_waiting();
	test_ready();
	test_ended();
	test_service();
	test_wants();
	free(said);
	json_decref(list);
	return done_testing();
}
