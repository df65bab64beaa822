/* The scripted fake, in memory: what its script says, on command, and twice the same. */
#include "tests/fakes/fake_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/link/wire.h"
#include "tests/tap/tap.h"

static const char script[] =
	"# a comment\n"
	"fine finish after=2 result={\"a\":1}\n"
	"flaky/1 fail launch_failed\n"
	"flaky finish\n"
	"lost vanish\n"
	"liar forget\n"
	"no refuse\n"
	"late finish late=5\n"
	"twice finish twice\n"
	"queued finish queue=60000\n"
	"reuse* finish pid=4242\n"
	"db.member hang ready=3\n"
	"broken.member fail exit exit=7 after=4 ready=never\n"
	"endless hang\n";

static struct wf_loop *loop;
static struct fake_agent *fake;
static struct wf_channel *end;
static char trace[4096];           /* one word per thing said */
static const char *until;
static unsigned until_count;
static int closed;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	va_list ap;
	size_t n = strlen(trace);
	unsigned seen = 0;

	va_start(ap, fmt);
	vsnprintf(trace + n, sizeof(trace) - n, fmt, ap);
	va_end(ap);
	for (const char *p = trace; until && (p = strstr(p, until)); p++)
		seen++;
	if (until && seen >= until_count)
		wf_loop_stop(loop);
}

static void on_frame(struct wf_channel *c, const void *p, size_t n)
{
	struct wf_frame f;

	(void)c;
	if (wf_wire_decode(&f, p, n, NULL) < 0)
		bail("nonsense");
	for (uint32_t i = 0; i < (f.type == WF_WIRE_ACK ? 1 : f.count); i++) {
		switch (f.type) {
		case WF_WIRE_HELLO: say("hello:%s:%d ", f.hello->instance, (int)f.hello->mark); break;
		case WF_WIRE_ACCEPTED: say("accepted:%d ", (int)f.ref[i].number); break;
		case WF_WIRE_RUNNING: say("running:%d:%d ", (int)f.running[i].ref.number, f.running[i].pid == 4242); break;
		case WF_WIRE_ENDED: say("ended:%d:%s:%s ", (int)f.ended[i].ref.number, wf_class_name(f.ended[i].class),
					f.ended[i].result ? f.ended[i].result : ""); break;
		case WF_WIRE_LOST: say("lost:%d:%d ", (int)f.lost[i].ref.number, f.lost[i].why); break;
		case WF_WIRE_RESULT: say("result:%s ", f.result[i].outcome); break;
		case WF_WIRE_SIGNAL: {
			const char *e = strchr(f.signal[i].body, ':') + 2;

			say("signal:%.*s ", (int)strcspn(e, "\""), e);
			break;
		}
		case WF_WIRE_REJECTED: say("rejected:%d ", (int)f.rejected[i].number); break;
		default: say("type:%d ", (int)f.type); break;
		}
	}
	wf_frame_release(&f);
}

static void on_closed(struct wf_channel *c, const struct wf_err *why)
{
	(void)c;
	(void)why;
	closed++;
	end = NULL;
	say("closed ");
}

static void send(struct wf_buf *b)
{
	wf_channel_send(end, b->data, b->len);
	wf_buf_release(b);
}

static void connect_engine(uint64_t epoch)
{
	struct wf_hello h = { .version = 1, .role = "engine", .build = "test", .epoch = epoch };
	struct wf_channel *ends[2];
	struct wf_buf b = { 0 };

	wf_channel_pair(loop, ends);
	end = ends[0];
	end->on_frame = on_frame;
	end->on_closed = on_closed;
	fake_agent_attach(fake, ends[1]);
	wf_wire_hello(&b, &h);
	send(&b);
}

static void reattach(const struct wf_attempt_ref *refs, uint32_t n)
{
	struct wf_buf b = { 0 };

	wf_wire_refs(&b, WF_WIRE_REATTACH, refs, n, 1);
	send(&b);
}

static void start(uint64_t number, const char *name, uint16_t attempt)
{
	static const char *const argv[] = { "x", NULL };
	struct wf_start s = { .number = number, .name = name, .argv = argv,
			      .key = { .run = 1, .attempt = attempt, .kind = strstr(name, ".member") ? WF_KIND_MEMBER : WF_KIND_STEP } };
	struct wf_buf b = { 0 };

	wf_wire_start(&b, &s, 1);
	send(&b);
}

static void call(uint64_t number, const char *op)
{
	struct wf_call c = { .op_id = number, .ref = { .number = number }, .op = op };
	struct wf_buf b = { 0 };

	wf_wire_call(&b, &c, 1);
	send(&b);
}

/* Run until `word` was said `count` times since the last call. */
static const char *run_until(const char *word, unsigned count)
{
	static char said[sizeof(trace)];

	until = word;
	until_count = count;
	say("%s", "");
	wf_loop_run(loop);
	until = NULL;
	memcpy(said, trace, sizeof(trace));
	trace[0] = '\0';
	return said;
}

static void test_script(void)
{
	struct wf_err err = { 0 };

	ok(!fake_agent_create(loop, wf_os_posix(), "x dance\n", &err), "a script is checked: %s", err.text);
	ok(!fake_agent_create(loop, wf_os_posix(), "x fail badly\n", &err), "its classes too: %s", err.text);
	ok(!fake_agent_create(loop, wf_os_posix(), "x finish soon\n", &err), "and its words: %s", err.text);
}

static void test_actions(void)
{
	const struct wf_attempt_ref asked[] = { { .number = 4 }, { .number = 5 } };
	const char *said;

	connect_engine(1);
	reattach(NULL, 0);
	start(1, "fine", 1);
	start(2, "flaky", 1);
	start(3, "flaky", 2);
	start(4, "lost", 1);
	start(5, "liar", 1);
	start(6, "no", 1);
	said = run_until("ended", 3);
	has_str(said, "hello:fake-0:0 accepted:1 running:1:0 accepted:2 running:2:0 accepted:3", "in order");
	has_str(said, "ended:1:ok:{\"a\":1}", "finish with a result");
	has_str(said, "ended:2:launch_failed", "fail with a class");
	has_str(said, "ended:3:ok", "by attempt");
	has_str(said, "rejected:6", "refuse");
	is_int(fake_agent_live(fake), 2, "two are still there");

	wf_channel_close(end);
	run_until("closed", 1);
	connect_engine(1);
	reattach(asked, 2);
	said = run_until("ended", 3);
	has_str(said, "lost:4:2 ", "vanish: cannot be told");
	has_str(said, "lost:5:0 ", "forget: says never, though it ran");
	is_int(fake_agent_ran(fake, "liar"), 1, "the fake knows better");

	start(7, "late", 1);
	start(8, "twice", 1);
	said = run_until("ended", 3);
	has_str(said, "ended:8:ok: ended:8:ok: ended:7", "answer late, answer twice");
	start(9, "reuse1", 1);
	start(10, "reuse2", 1);
	said = run_until("ended", 2);
	has_str(said, "running:9:1", "a process number");
	has_str(said, "running:10:1", "used again");
}

static void test_revoke(void)
{
	const char *said;

	start(11, "queued", 1);
	call(11, "revoke");
	said = run_until("lost", 1);
	is_str(said, "accepted:11 result:ok lost:11:0 ", "revoke of what is queued");
	is_int(fake_agent_ran(fake, "queued"), 0, "it never ran");
	start(12, "endless", 1);
	call(12, "revoke");
	said = run_until("result", 1);
	has_str(said, "result:rejected", "revoke of what runs");
}

static void test_members(void)
{
	const char *said;

	start(20, "db.member", 1);
	said = run_until("signal:ready", 1);
	has_str(said, "signal:launched signal:joining signal:ready", "a member becomes ready");
	call(20, "stop");
	said = run_until("ended", 1);
	is_str(said, "signal:leaving signal:stopped result:ok ended:20:ok: ", "and stops");
	start(21, "broken.member", 1);
	said = run_until("ended", 1);
	has_str(said, "signal:failed ended:21:exit", "one that fails before it is ready");
}

static void test_deaths(void)
{
	const char *said;
	struct wf_buf b = { 0 };

	wf_wire_ack(&b, UINT64_MAX);
	send(&b);
	start(30, "endless", 1);
	run_until("running:30", 1);
	fake_agent_die(fake);
	run_until("closed", 1);
	connect_engine(2);
	reattach(NULL, 0);
	said = run_until("lost:30", 1);
	has_str(said, "hello:fake-0:30", "the next agent has the same memory");
	has_str(said, "lost:30:1", "and knows that it is dead");
	fake_agent_forget_all(fake);
	run_until("closed", 1);
	connect_engine(2);
	said = run_until("hello", 1);
	has_str(said, "hello:fake-2:0", "or another memory");
	is_int(fake_agent_unacknowledged(fake), 0, "with nothing in it");
	is_int(fake_agent_ran(fake, "endless"), 2, "the test still knows what ran");
	wf_channel_close(end);
	run_until("closed", 1);
}

int main(void)
{
	struct wf_err err = { 0 };

	loop = wf_loop_uv_create();
	test_script();
	fake = fake_agent_create(loop, wf_os_posix(), script, &err);
	if (!fake)
		bail("%s", err.text);
	test_actions();
	test_revoke();
	test_members();
	test_deaths();
	fake_agent_destroy(fake);
	wf_loop_destroy(loop);
	return done_testing();
}
