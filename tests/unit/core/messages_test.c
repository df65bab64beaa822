/* What an agent says late, twice, about something else or in no language: recorded as a stray or ignored, never believed. */
#include "tests/unit/core/bench.h"

static const char text[] = "workflow: {name: t}\n"
			   "services:\n"
			   "  - {name: db, type: COMMAND, command: serve, ready: {file: db.up}, provides: {DB: here}}\n"
			   "steps:\n"
			   "  - {name: s, foreach: {i: {range: 3}}, command: x, retry: {limit: 1}}\n"
			   "  - {name: u, command: x, services: [db]}\n";

static void begin(struct bench *b)
{
	bench_open(b, text);
	bench_hello(b, 0);
	bench_settle(b);
}

static void settle(struct bench *b)
{
	bench_settle(b);
	bench_wait(b, 200);
}

static void lost(struct bench *b, const struct wf_attempt_ref *ref, enum wf_lost_why why, uint64_t cursor)
{
	struct wf_lost l = { .ref = *ref, .why = (uint8_t)why, .cursor = cursor, .reason = "so it is" };
	struct wf_buf f = { 0 };

	wf_wire_lost(&f, &l, 1);
	bench_say(b, &f);
}

static void refs(struct bench *b, enum wf_wire_type type, const struct wf_attempt_ref *ref)
{
	struct wf_buf f = { 0 };

	wf_wire_refs(&f, type, ref, 1, 0);
	bench_say(b, &f);
}

static void signal_at(struct bench *b, const struct wf_attempt_ref *ref, const char *body, uint64_t cursor)
{
	struct wf_signal s = { .ref = *ref, .body = body, .cursor = cursor };
	struct wf_buf f = { 0 };

	wf_wire_signal(&f, &s, 1);
	bench_say(b, &f);
}

static void signals(struct bench *b, const struct wf_attempt_ref *ref, const char *body)
{
	signal_at(b, ref, body, 0);
}

static struct wf_attempt_ref member(struct bench *b)
{
	const struct wf_member *m = &bench_run(b)->members[0].m;

	return (struct wf_attempt_ref){ .number = m->number,
					.key = { .run = 1, .instance = 0, .index = 0, .attempt = (uint16_t)m->generation, .kind = WF_KIND_MEMBER } };
}

/* ---- strays ------------------------------------------------------------------------------------------------ */

static void test_twice(void)
{
	struct wf_attempt_ref a;
	struct wf_task kept;
	struct bench b;

	begin(&b);
	a = bench_ref(&b, "s[0]");
	refs(&b, WF_WIRE_ACCEPTED, &a);
	is_int(bench_task(&b, "s[0]")->astate, WF_ATTEMPT_QUEUED, "accepted");
	refs(&b, WF_WIRE_ACCEPTED, &a);
	is_int((int64_t)b.e->strays, 1, "accepted twice is a stray");
	bench_say_running(&b, &a, 1);
	bench_say_running(&b, &a, 1);
	is_int((int64_t)b.e->strays, 2, "so is running twice");
	bench_say_running(&b, &a, 0);
	is_int((int64_t)b.e->strays, 2, "but not what was asked for");
	bench_say_ended(&b, &a, 2, WF_CLASS_OK);
	settle(&b);
	kept = *bench_task(&b, "s[0]");
	is_int(kept.state, WF_TASK_SUCCEEDED, "ended well");
	bench_say_ended(&b, &a, 2, WF_CLASS_EXIT);
	refs(&b, WF_WIRE_ACCEPTED, &a);
	bench_say_running(&b, &a, 3);
	lost(&b, &a, WF_LOST_AGENT, 4);
	settle(&b);
	ok(memcmp(&kept, bench_task(&b, "s[0]"), sizeof(kept)) == 0, "what comes after the end changes nothing");
	is_int((int64_t)b.e->strays, 6, "and is counted");
	bench_close(&b);
}

static void test_old_attempt(void)
{
	struct wf_attempt_ref first;
	struct bench b;

	begin(&b);
	first = bench_ref(&b, "s[0]");
	bench_say_running(&b, &first, 1);
	bench_say_ended(&b, &first, 2, WF_CLASS_EXIT);
	settle(&b);
	is_int(bench_task(&b, "s[0]")->attempt, 2, "a second attempt began");
	bench_say_ended(&b, &first, 2, WF_CLASS_OK);
	settle(&b);
	ok(bench_task(&b, "s[0]")->state == WF_TASK_ACTIVE && bench_task(&b, "s[0]")->astate == WF_ATTEMPT_SUBMITTING,
	   "the end of the first is not its end");
	is_int((int64_t)b.e->strays, 1, "it is a stray");
	bench_close(&b);
}

static void test_elsewhere(void)
{
	struct wf_attempt_ref a, wrong;
	struct bench b;

	begin(&b);
	a = bench_ref(&b, "s[0]");
	wrong = a;
	wrong.key.run = 99;
	bench_say_ended(&b, &wrong, 0, WF_CLASS_OK);
	wrong = a;
	wrong.key.instance = 77;
	bench_say_ended(&b, &wrong, 0, WF_CLASS_OK);
	wrong = a;
	wrong.key.index = 3;
	bench_say_ended(&b, &wrong, 0, WF_CLASS_OK);
	wrong = a;
	wrong.key.index = 1;
	bench_say_ended(&b, &wrong, 0, WF_CLASS_OK);
	wrong = a;
	wrong.key.kind = WF_KIND_MEMBER;
	wrong.key.instance = 5;
	bench_say_ended(&b, &wrong, 0, WF_CLASS_OK);
	lost(&b, &wrong, WF_LOST_NEVER, 0);
	bench_say_running(&b, &wrong, 0);
	wrong.key.instance = 0;
	wrong.key.index = 4;
	signals(&b, &wrong, "{\"event\":\"ready\"}");
	wrong = a;
	wrong.key.kind = WF_KIND_MOVER;
	bench_say_ended(&b, &wrong, 0, WF_CLASS_OK);
	settle(&b);
	ok(bench_run(&b)->counts[WF_SEEN_SUCCEEDED] <= 1 && bench_task(&b, "s[1]")->state == WF_TASK_ACTIVE, "nobody else's task has ended");
	ok(!b.left && b.connected, "the engine is well");
	bench_close(&b);
}

/* ---- lost ---------------------------------------------------------------------------------------------------- */

static void test_lost(void)
{
	struct wf_attempt_ref a, again;
	struct bench b;

	begin(&b);
	a = bench_ref(&b, "s[0]");
	lost(&b, &a, WF_LOST_NEVER, 0);
	settle(&b);
	again = bench_ref(&b, "s[0]");
	ok(again.number > a.number && bench_task(&b, "s[0]")->attempt == 1 && bench_task(&b, "s[0]")->losses == 0,
	   "what never was is begun again, and counts for nothing");
	bench_say_running(&b, &again, 1);
	lost(&b, &again, WF_LOST_AGENT, 2);
	settle(&b);
	is_int(bench_task(&b, "s[0]")->losses, 1, "what died with its agent is a loss");
	is_int(bench_task(&b, "s[0]")->retries, 0, "not a retry");
	is_int(bench_task(&b, "s[0]")->state, WF_TASK_READY, "and waits a moment");
	a = bench_ref(&b, "s[1]");
	bench_say_running(&b, &a, 3);
	lost(&b, &a, WF_LOST_UNKNOWN, 4);
	settle(&b);
	is_int(bench_task(&b, "s[1]")->state, WF_TASK_HELD, "what cannot be told is held");
	bench_say_running(&b, &a, 5);
	settle(&b);
	is_int(bench_task(&b, "s[1]")->state, WF_TASK_ACTIVE, "until it is found");
	lost(&b, &a, WF_LOST_NEVER, 0);
	settle(&b);
	is_int(bench_task(&b, "s[1]")->state, WF_TASK_HELD, "an agent that forgot a running attempt proves nothing");
	bench_say_ended(&b, &a, 6, WF_CLASS_OK);
	settle(&b);
	is_int(bench_task(&b, "s[1]")->state, WF_TASK_SUCCEEDED, "late evidence is evidence");
	bench_close(&b);
}

static void test_rejected(void)
{
	struct wf_rejected r = { .reason = "no room" };
	struct wf_buf f = { 0 };
	struct bench b;
	char *reason = NULL, *result = NULL;
	struct wf_err err;

	begin(&b);
	r.number = bench_task(&b, "s[2]")->number;
	wf_wire_rejected(&f, &r, 1);
	bench_say(&b, &f);
	settle(&b);
	is_int(bench_task(&b, "s[2]")->losses, 1, "a start that was refused is a loss");
	if (wf_store_get_note(b.e->store, 1, 0, 2, 0, &reason, &result, &err) < 0)
		bail("%s", err.text);
	is_str(reason, "its agent refused it: no room", "with the agent's reason");
	free(reason);
	free(result);
	r.number = 123456;
	f = (struct wf_buf){ 0 };
	wf_wire_rejected(&f, &r, 1);
	bench_say(&b, &f);
	settle(&b);
	ok(!b.left, "a refusal of something else is logged");
	bench_close(&b);
}

/* ---- members --------------------------------------------------------------------------------------------------- */

static void test_member(void)
{
	struct wf_attempt_ref m;
	struct bench b;
	struct run *r;

	begin(&b);
	r = bench_run(&b);
	m = member(&b);
	is_int(r->members[0].m.state, WF_MEMBER_PENDING, "a member is asked for");
	signals(&b, &m, "{\"event\":\"ready\"}");
	is_int(r->members[0].m.state, WF_MEMBER_PENDING, "it cannot be ready before it runs");
	bench_say_running(&b, &m, 1);
	signals(&b, &m, "not json");
	signals(&b, &m, "{\"no\":\"event\"}");
	signals(&b, &m, "{\"event\":\"dances\"}");
	signals(&b, &m, "{\"event\":\"joining\"}");
	signals(&b, &m, "{\"event\":\"ready\",\"endpoint\":{\"unix\":\"/x\"},\"provides\":{\"A\":\"b\"}}");
	signals(&b, &m, "{\"event\":\"ready\",\"endpoint\":{\"unix\":\"/y\"}}");
	settle(&b);
	is_int(r->services[0].s.state, WF_SERVICE_READY, "the service is ready");
	is_str(r->members[0].m.endpoint, "{\"unix\":\"/x\"}", "what it said first holds");
	is_int(r->members[0].m.number, (int64_t)m.number, "still the same member");
	signals(&b, &m, "{\"event\":\"suspect\",\"reason\":\"slow\"}");
	is_int(r->members[0].m.state, WF_MEMBER_SUSPECT, "suspect");
	signals(&b, &m, "{\"event\":\"healthy\"}");
	is_int(r->members[0].m.state, WF_MEMBER_READY, "and healthy again");
	signals(&b, &m, "{\"event\":\"unready\",\"reason\":\"hung\"}");
	settle(&b);
	is_int(r->members[0].m.state, WF_MEMBER_FENCING, "one that is hung is fenced");
	ok(bench_last(&b, WF_WIRE_CANCEL) && bench_last(&b, WF_WIRE_CANCEL)->number == m.number, "and ended");
	signals(&b, &m, "{\"event\":\"healthy\"}");
	is_int(r->members[0].m.state, WF_MEMBER_FENCING, "for good");
	bench_say_ended(&b, &m, 2, WF_CLASS_CANCELED);
	settle(&b);
	is_str(r->members[0].m.reason, "hung", "its end does not hide why");
	bench_close(&b);
}

static void begin_member(struct bench *b, struct wf_attempt_ref *m, int ready)
{
	begin(b);
	*m = member(b);
	bench_say_running(b, m, 1);
	signals(b, m, "{\"event\":\"joining\"}");
	if (ready)
		signals(b, m, "{\"event\":\"ready\"}");
	settle(b);
}

/* Its host could not end every process of it: whatever its service was doing, nothing takes its place. */
static void test_left(void)
{
	for (int ready = 0; ready < 2; ready++) {
		struct wf_attempt_ref m, u;
		const struct service *svc;
		struct bench b;

		begin_member(&b, &m, ready);
		svc = &bench_run(&b)->services[0];
		u = bench_ref(&b, "u");
		signal_at(&b, &m, "{\"event\":\"failed\",\"reason\":\"stuck\",\"left\":[77]}", 5);
		bench_say_ended(&b, &m, 6, WF_CLASS_EXIT);
		settle(&b);
		if (ready) {
			is_int(svc->s.state, WF_SERVICE_DRAINING, "its consumers are asked to end first");
			ok(bench_last(&b, WF_WIRE_ACK)->number < 5, "and its last words are left with its agent until then");
			bench_say_ended(&b, &u, 7, WF_CLASS_CANCELED);
			settle(&b);
		}
		is_int(svc->s.state, WF_SERVICE_LEAKED, "a member that left processes is leaked, %s", ready ? "ready" : "while it started");
		is_str(svc->s.reason, "stuck", "with its host's words");
		is_int((int64_t)svc->s.generation, 1, "and not founded again");
		is_int(bench_task(&b, "u")->state, WF_TASK_FAILED, "its consumer fails");
		signal_at(&b, &m, "{\"event\":\"failed\",\"reason\":\"stuck\",\"left\":[77]}", 5);
		lost(&b, &m, WF_LOST_NEVER, 0);
		bench_say_running(&b, &u, 9);
		settle(&b);
		is_int(svc->s.state, WF_SERVICE_LEAKED, "an agent that forgot it proves nothing");
		is_int((int64_t)bench_last(&b, WF_WIRE_ACK)->number, 9, "what was said is acknowledged");
		lost(&b, &m, WF_LOST_AGENT, 10);
		settle(&b);
		is_int(svc->s.state, WF_SERVICE_STOPPED, "its end, once proven, ends it");
		bench_close(&b);
	}
}

/* Nobody can tell what became of it. */
static void test_doubtful(void)
{
	for (int ready = 0; ready < 2; ready++) {
		struct wf_attempt_ref m;
		const struct service *svc;
		struct bench b;

		begin_member(&b, &m, ready);
		svc = &bench_run(&b)->services[0];
		lost(&b, &m, WF_LOST_UNKNOWN, 5);
		settle(&b);
		is_int(bench_run(&b)->members[0].m.state, WF_MEMBER_FENCING, "a member in doubt is fenced, %s", ready ? "ready" : "joining");
		is_int((int64_t)bench_last(&b, WF_WIRE_CANCEL)->number, (int64_t)m.number, "and killed");
		is_int(svc->s.state, ready ? WF_SERVICE_DEGRADED : WF_SERVICE_STARTING, "its end is waited for");
		if (!ready) {
			lost(&b, &m, WF_LOST_AGENT, 6);
			settle(&b);
			bench_wait(&b, 1000);
			is_int((int64_t)svc->s.generation, 2, "and once it is proven, the next is founded");
		} else {
			struct wf_attempt_ref u = bench_ref(&b, "u");

			bench_wait(&b, 40000);
			is_int(svc->s.state, WF_SERVICE_DRAINING, "but not for ever");
			bench_say_ended(&b, &u, 7, WF_CLASS_CANCELED);
			bench_wait(&b, 200000);
			is_int(svc->s.state, WF_SERVICE_LEAKED, "it is shown as leaked");
		}
		bench_close(&b);
	}
}

/* ---- frames --------------------------------------------------------------------------------------------------------- */

static void frame(struct bench *b, uint8_t type, const void *body, uint32_t n)
{
	struct wf_buf f = { 0 };
	uint8_t head[8] = { (uint8_t)(n + 4), (uint8_t)((n + 4) >> 8), 0, 0, type, 0, WF_WIRE_VERSION, 0 };

	wf_buf_add(&f, head, sizeof(head));
	if (n)
		wf_buf_add(&f, body, n);
	bench_say(b, &f);
}

static void test_frames(void)
{
	struct wf_hello old = { .version = 0, .role = "fake", .build = "", .instance = "", .host = "", .boot_id = "" };
	struct wf_buf f = { 0 };
	struct bench b;

	begin(&b);
	frame(&b, 200, "future", 6);
	ok(!b.hung_up, "a message of another version is ignored");
	frame(&b, WF_WIRE_ENDED, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	ok(b.hung_up, "a damaged one ends the connection");
	bench_wait(&b, 10000);
	ok(b.connected && !b.hung_up, "which is made again");
	bench_hello(&b, 50);
	settle(&b);
	is_int((int64_t)bench_count(&b, WF_WIRE_REATTACH), 1 + 4, "nobody was asked for at first, now three tasks and a member are");
	is_int((int64_t)b.e->next_number, 51, "numbers go on above the agent's mark");
	wf_wire_hello(&f, &old);
	bench_say(&b, &f);
	ok(WF_WIRE_VERSION < 2 || b.hung_up, "an agent two versions back is not spoken to");
	bench_close(&b);
}

static void test_over(void)
{
	struct wf_attempt_ref a;
	struct wf_err err;
	struct bench b;
	uint64_t seq;

	begin(&b);
	a = bench_ref(&b, "s[0]");
	if (wf_core_cancel(b.e, 1, &err) < 0)
		bail("%s", err.text);
	settle(&b);
	for (int i = 0; i < 3; i++) {
		char name[8] = { 's', '[', (char)('0' + i), ']' };
		struct wf_attempt_ref ref = bench_ref(&b, name);

		bench_say_ended(&b, &ref, 0, WF_CLASS_CANCELED);
	}
	a = member(&b);
	bench_say_ended(&b, &a, 0, WF_CLASS_OK);
	settle(&b);
	is_int(bench_run(&b)->row.state, WF_RUN_CANCELED_, "the run is canceled");
	seq = bench_run(&b)->row.seq;
	a = bench_ref(&b, "s[0]");
	bench_say_ended(&b, &a, 0, WF_CLASS_OK);
	bench_say_running(&b, &a, 9);
	settle(&b);
	ok(bench_run(&b)->row.seq == seq && b.e->strays >= 2, "what comes after a run's end is counted, and not in its history");
	is_int((int64_t)bench_last(&b, WF_WIRE_ACK)->number, 9, "and acknowledged");
	bench_close(&b);
}

int main(void)
{
	wf_log_to(-1, WF_LOG_ERROR, "test");
	test_twice();
	test_old_attempt();
	test_elsewhere();
	test_lost();
	test_rejected();
	test_member();
	test_left();
	test_doubtful();
	test_frames();
	test_over();
	return done_testing();
}
