/* Shapes of docs/design/004 as they come from a run made by hand: every promised field, nulls where nothing is known, pages. */
#include "engine/core/view.h"

#include "engine/base/json.h"
#include "engine/core/writer.h"
#include "tests/unit/core/made.h"

static struct made m;
static struct wf_view *v;
static struct wf_buf out;

/* The document in `out`, checked to be JSON; the buffer is empty again. */
static json_t *doc(void)
{
	struct wf_err err;
	json_t *o = wf_json_parse(wf_buf_cstr(&out), out.len, &err);

	if (!o)
		bail("%s in %s", err.text, wf_buf_cstr(&out));
	wf_buf_clear(&out);
	return o;
}

static const char *str(json_t *o, const char *key)
{
	json_t *x = json_object_get(o, key);

	return !x ? "(absent)" : json_is_null(x) ? "(null)" : json_string_value(x) ? json_string_value(x) : "(other)";
}

static int64_t num(json_t *o, const char *key)
{
	json_t *x = json_object_get(o, key);

	return json_is_integer(x) ? json_integer_value(x) : -999;
}

static void has_keys(json_t *o, const char *keys, const char *what)
{
	char *copy = wf_xstrdup(keys), *save = NULL;
	int all = 1;

	for (char *k = strtok_r(copy, " ", &save); k; k = strtok_r(NULL, " ", &save))
		if (!json_object_get(o, k)) {
			diag("%s lacks '%s'", what, k);
			all = 0;
		}
	ok(all, "%s has every field that was promised", what);
	free(copy);
}

static const char text[] = "workflow: {name: crack}\n"
			   "services:\n"
			   "  - {name: db, type: REDIS}\n"
			   "steps:\n"
			   "  - {name: prepare, command: 'true', resources: {time: 10s}}\n"
			   "  - {name: sim, after: [prepare], foreach: {i: {range: 6}}, command: 'true', tolerate: 1, services: [db]}\n"
			   "  - {name: gather, after: [sim], command: 'true'}\n";

static void make(void)
{
	struct wf_task *t;

	made_run(&m, text);
	v = wf_view_create(&m.e);
	t = made_ended(&m, "prepare", WF_TASK_SUCCEEDED, WF_CLASS_OK, 0);
	t->cpu_ms = 12;
	t->read_kib = 3;
	made_running(&m, "sim[0]");
	made_ended(&m, "sim[1]", WF_TASK_FAILED, WF_CLASS_EXIT, 3);
	made_ended(&m, "sim[2]", WF_TASK_FAILED, WF_CLASS_SIGNAL, 9);
	made_task(&m, "sim[3]")->state = WF_TASK_HELD;
	made_task(&m, "sim[4]")->state = WF_TASK_READY;
	made_skipped(&m, "gather", WF_SKIP_PARENT_FAILED, 1, 2);
	made_settle(&m);
}

static void test_run(void)
{
	json_t *o, *a;

	wf_view_run(v, m.r, NULL, &out);
	o = doc();
	has_keys(o, "id name workflow state rev counts attention executor executor_why workdir created_at started_at ended_at failed_steps message "
		    "estimate",
		 "a run");
	is_str(str(o, "state"), "running", "state");
	is_int(num(o, "rev"), 42, "rev");
	is_str(str(o, "created_at"), "2023-11-14T22:13:20.000Z", "times are RFC 3339 in UTC with ms");
	is_str(str(o, "ended_at"), "(null)", "or null");
	has_keys(json_object_get(o, "counts"), "waiting ready submitting queued running unknown held canceling succeeded failed skipped canceled total",
		 "counts");
	is_int(num(json_object_get(o, "counts"), "failed"), 2, "failed tasks");
	is_int(num(json_object_get(o, "counts"), "total"), 8, "all tasks");
	is_str(json_string_value(json_array_get(json_object_get(o, "failed_steps"), 0)), "sim", "2 failed, 1 is tolerated: the step failed");
	is_int(num(json_object_get(o, "estimate"), "critical_ms"), 10000, "the longest path");
	a = json_object_get(o, "attention");
	is_int((int64_t)json_array_size(a), 3, "held and failed tasks want attention");
	is_str(str(json_array_get(a, 0), "kind"), "held", "held first");
	is_str(str(json_array_get(a, 0), "task"), "sim[3]", "by name");
	has_str(str(json_array_get(a, 0), "text"), "`wf resolve RUN sim[3]", "with the cure");
	is_str(str(json_array_get(a, 1), "text"), "exit 3", "a failure in few words");
	is_str(str(json_array_get(a, 2), "text"), "killed by signal 9", "and another");
	json_decref(o);

	m.e.full = 1;
	m.r->services[0].s.state = WF_SERVICE_FAILED;
	m.r->services[0].s.reason = wf_xstrdup("no redis");
	wf_view_run(v, m.r, NULL, &out);
	o = doc();
	a = json_object_get(o, "attention");
	is_str(str(json_array_get(a, 0), "kind"), "full", "a full disk before all");
	is_str(str(json_array_get(a, 2), "service"), "db", "services in trouble");
	is_str(str(json_array_get(a, 2), "text"), "failed: no redis", "and why");
	json_decref(o);
	m.e.full = 0;
}

static void test_attention_is_bounded(void)
{
	struct made many;
	struct wf_view *mine;
	json_t *o, *a;

	made_run(&many, "workflow: {name: t}\nsteps:\n  - {name: s, foreach: {i: {range: 500}}, command: 'true'}\n");
	mine = wf_view_create(&many.e);
	for (int i = 0; i < 500; i += 2) {
		char name[32];

		snprintf(name, sizeof(name), "s[%d]", i);
		made_ended(&many, name, WF_TASK_FAILED, WF_CLASS_EXIT, 1);
	}
	made_settle(&many);
	wf_view_run(mine, many.r, NULL, &out);
	o = doc();
	a = json_object_get(o, "attention");
	is_int((int64_t)json_array_size(a), 20, "at most 20 items");
	is_str(str(json_array_get(a, 19), "text"), "231 more of 500 tasks of 's' have failed", "the last one counts the rest");
	json_decref(o);
	wf_view_destroy(mine);
	made_release(&many);
}

static void test_tasks(void)
{
	struct wf_task_filter f = { .page_size = 1000 };
	struct wf_err err;
	json_t *o, *t;

	is_int(wf_view_tasks(v, m.r, &f, &out, &err), 0, "a list");
	o = doc();
	is_int((int64_t)json_array_size(json_object_get(o, "items")), 8, "of all tasks");
	is_str(str(o, "next"), "(null)", "on one page");
	t = json_array_get(json_object_get(o, "items"), 0);
	has_keys(t, "id step index state ahead attempt exit_code signal class reason executor host pid started_at ended_at retries losses usage", "a task");
	is_str(str(t, "id"), "prepare", "a step without fan-out");
	is_str(str(t, "index"), "(null)", "has no index");
	is_int(num(t, "exit_code"), 0, "it ended with 0");
	is_str(str(t, "class"), "(null)", "so no class");
	is_str(str(t, "host"), "node7", "where its agent is");
	is_int(num(json_object_get(t, "usage"), "cpu_ms"), 12, "usage");
	is_int(num(json_object_get(t, "usage"), "read_bytes"), 3072, "in bytes");
	t = json_array_get(json_object_get(o, "items"), 1);
	is_str(str(t, "state"), "running", "what runs");
	is_int(num(t, "pid"), 4242, "has a pid");
	is_str(str(t, "exit_code"), "(null)", "and no exit code yet");
	is_str(str(t, "usage"), "(null)", "nor usage");
	t = json_array_get(json_object_get(o, "items"), 2);
	is_int(num(t, "exit_code"), 3, "an exit code");
	is_str(str(t, "class"), "exit", "its class");
	is_str(str(t, "reason"), "exit 3", "its reason");
	t = json_array_get(json_object_get(o, "items"), 3);
	is_int(num(t, "signal"), 9, "a signal");
	is_str(str(t, "exit_code"), "(null)", "is no exit code");
	t = json_array_get(json_object_get(o, "items"), 7);
	is_str(str(t, "reason"), "skipped: 'sim[2]' failed", "why it was skipped");
	is_str(str(t, "class"), "(null)", "is no class");
	is_str(str(t, "host"), "(null)", "it was nowhere");
	json_decref(o);
}

static size_t pages(struct wf_task_filter *f, uint32_t size, size_t *items)
{
	size_t n = 0;
	char token[64] = "";

	*items = 0;
	f->page_size = size;
	do {
		struct wf_err err;
		json_t *o;

		f->page_token = token;
		if (wf_view_tasks(v, m.r, f, &out, &err) < 0)
			bail("%s", err.text);
		o = doc();
		*items += json_array_size(json_object_get(o, "items"));
		snprintf(token, sizeof(token), "%s", json_is_null(json_object_get(o, "next")) ? "" : str(o, "next"));
		json_decref(o);
		n++;
	} while (token[0] && n < 100);
	return n;
}

static void refused(struct wf_task_filter f, const char *want)
{
	struct wf_err err = { 0 };

	f.page_size = 10;
	is_int(wf_view_tasks(v, m.r, &f, &out, &err), -1, "refused");
	has_str(err.text, want, "with a sentence");
	is_int(err.code, WF_USAGE, "as wrong usage");
	wf_buf_clear(&out);
}

static void test_pages(void)
{
	struct wf_task_filter all = { 0 }, failed = { .states = "failed" }, two = { .states = "failed,held" }, class = { .classes = "signal" },
			      step = { .step = "sim" }, none = { .step = "si'm" };
	size_t items;

	for (uint32_t size = 1; size <= 9; size++) {
		pages(&all, size, &items);
		is_int((int64_t)items, 8, "pages of %u hold every task once", size);
	}
	pages(&failed, 1, &items);
	is_int((int64_t)items, 2, "by state");
	pages(&two, 10, &items);
	is_int((int64_t)items, 3, "by states");
	pages(&class, 10, &items);
	is_int((int64_t)items, 1, "by class");
	pages(&step, 4, &items);
	is_int((int64_t)items, 6, "by step");
	pages(&none, 4, &items);
	is_int((int64_t)items, 0, "a step that is not there has none");
	refused((struct wf_task_filter){ .states = "failled" }, "no state 'failled'; did you mean 'failed'?");
	refused((struct wf_task_filter){ .classes = "x" }, "no class 'x'");
	refused((struct wf_task_filter){ .page_token = "7" }, "'7' is not a page_token");
	refused((struct wf_task_filter){ .page_token = "1.x" }, "is not a page_token");
	refused((struct wf_task_filter){ .page_token = "1.99999999999" }, "is not a page_token");
}

static void test_find(void)
{
	uint32_t instance, index;
	struct wf_err err;

	ok(wf_view_find_task(m.r, "sim[5]", &instance, &index, &err) == 0 && instance == 1 && index == 5, "a task by name");
	ok(wf_view_find_task(m.r, "gather", &instance, &index, &err) == 0 && instance == 2 && index == 0, "a step's only task");
	ok(wf_view_find_task(m.r, "sim", &instance, &index, &err) < 0 && err.code == WF_NOT_FOUND, "a step with many is none");
	has_str(err.text, "'sim' has 6 tasks; name one as 'sim[index]'", "and says how");
	ok(wf_view_find_task(m.r, "sin[1]", &instance, &index, &err) < 0, "no such step");
	has_str(err.text, "sim", "the nearest");
}

static void test_parts(void)
{
	json_t *o, *s;

	wf_view_steps(v, m.r, &out);
	o = doc();
	s = json_array_get(json_object_get(o, "items"), 1);
	has_keys(s, "step count counts weight wants time_ms services", "a step");
	is_int(num(s, "count"), 6, "its tasks");
	is_str(json_string_value(json_array_get(json_object_get(s, "wants"), 0)), "prepare", "what it wants");
	is_str(json_string_value(json_array_get(json_object_get(s, "services"), 0)), "db", "what it uses");
	is_str(str(s, "state"), "held", "one word for all");
	is_str(str(json_object_get(o, "run"), "name"), m.r->row.name, "and the run as it is at that moment");
	json_decref(o);

	m.r->services[0].s.state = WF_SERVICE_READY;
	m.r->members[0].m.state = WF_MEMBER_READY;
	m.r->members[0].m.number = 9;
	m.r->members[0].m.pid = 77;
	m.r->members[0].m.endpoint = wf_xstrdup("{\"unix\":\"/tmp/s\"}");
	m.r->members[0].m.provides = wf_xstrdup("{\"REDIS_SOCKET\":\"/tmp/s\"}");
	wf_view_services(v, m.r, &out);
	o = doc();
	s = json_array_get(json_object_get(o, "items"), 0);
	has_keys(s, "name type scope state generation view endpoint provides members leases reason restarts", "a service");
	is_str(str(json_object_get(s, "endpoint"), "unix"), "/tmp/s", "its endpoint");
	is_str(str(s, "scope"), "run", "its scope");
	has_keys(json_array_get(json_object_get(s, "members"), 0), "n role state generation address pid host", "a member");
	is_str(str(json_array_get(json_object_get(s, "members"), 0), "address"), "/tmp/s", "where it is reached");
	is_str(str(json_array_get(json_object_get(s, "leases"), 0), "step"), "sim", "who uses it");
	json_decref(o);
	wf_view_services(v, NULL, &out);
	o = doc();
	is_int((int64_t)json_array_size(json_object_get(o, "items")), 1, "services of all live runs");
	json_decref(o);

	wf_view_graph(v, m.r, &out);
	o = doc();
	s = json_array_get(json_object_get(o, "nodes"), 1);
	is_str(str(s, "state"), "held", "a node of the graph has a state");
	is_int(num(json_object_get(s, "counts"), "total"), 6, "and counts");
	json_decref(o);
}

static void test_lists(void)
{
	struct wf_run_filter f = { .page_size = 10 };
	struct wf_err err;
	json_t *o;

	is_int(wf_view_runs(v, &f, &out, &err), 0, "runs");
	o = doc();
	is_int((int64_t)json_array_size(json_object_get(o, "items")), 1, "one");
	json_decref(o);
	f.name = "' OR '1'='1";
	wf_view_runs(v, &f, &out, &err);
	o = doc();
	is_int((int64_t)json_array_size(json_object_get(o, "items")), 0, "a name is taken literally");
	json_decref(o);
	f.name = NULL;
	f.states = "succeeded,failed";
	wf_view_runs(v, &f, &out, &err);
	o = doc();
	is_int((int64_t)json_array_size(json_object_get(o, "items")), 0, "by state");
	json_decref(o);
	wf_view_engine(v, &out);
	o = doc();
	has_keys(o, "running pid host version state_dir run_root socket epoch started_at schema full runs agents", "the engine");
	is_int(num(json_object_get(o, "runs"), "running"), 1, "runs by state");
	is_int(num(json_array_get(json_object_get(o, "agents"), 0), "cores"), 2, "its agent's cores");
	json_decref(o);
}

/* A run that ended before this engine began: nothing but its row. */
static void test_unloaded(void)
{
	json_t *o;

	services_let_go(&m.e, m.r);
	run_unload(m.r);
	m.r->total = 0;
	m.r->row.state = WF_RUN_SUCCEEDED;
	m.r->row.succeeded = 7;
	m.r->row.skipped = 2;
	wf_view_run(v, m.r, NULL, &out);
	o = doc();
	is_int(json_integer_value(json_object_get(json_object_get(o, "counts"), "succeeded")), 7, "counts are those of its end");
	is_int(json_integer_value(json_object_get(json_object_get(o, "counts"), "total")), 9, "and their sum");
	is_str(str(o, "message"), "succeeded", "there is always a message");
	json_decref(o);
}

static void test_writer(void)
{
	jw_open(&out, NULL, '{');
	jw_thousandths(&out, "a", 1500);
	jw_thousandths(&out, "b", 2000);
	jw_int(&out, "c", INT64_MIN);
	jw_str(&out, "d", "q\"\n\xff");
	jw_text(&out, "e", "{\"x\": 1}");
	jw_text(&out, "f", "not json");
	jw_open(&out, "g", '[');
	jw_close(&out, ']');
	jw_close(&out, '}');
	jw_end(&out);
	is_str(out.data, "{\"a\":1.5,\"b\":2,\"c\":-9223372036854775808,\"d\":\"q\\\"\\u000a\xef\xbf\xbd\",\"e\":{\"x\":1},\"f\":null,\"g\":[]}",
	       "commas, quotes, numbers");
	wf_buf_clear(&out);
}

int main(void)
{
	test_writer();
	make();
	test_run();
	test_attention_is_bounded();
	test_tasks();
	test_pages();
	test_find();
	test_parts();
	test_lists();
	test_unloaded();
	wf_view_destroy(v);
	made_release(&m);
	wf_buf_release(&out);
	return done_testing();
}
