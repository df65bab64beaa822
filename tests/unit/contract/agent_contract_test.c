/* The contract of an agent (wire.h, serve.h): the same cases against the scripted fake and against wf-agent-local.
 *
 * What an attempt does follows from its name: the fake has a rule for it, the real agent a command.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/contract/peer.h"
#include "tests/tap/tap.h"

static const char script[] =
	"ok* finish\n"
	"exit3 fail exit exit=3\n"
	"killed fail signal exit=9\n"
	"slow finish after=300\n"
	"hang hang\n";

static const struct behaviour {
	const char *name;
	const char *argv[4];
} behaviours[] = {
	{ "ok", { "/bin/true" } },
	{ "exit3", { "/bin/sh", "-c", "exit 3" } },
	{ "killed", { "/bin/sh", "-c", "kill -9 $$" } },
	{ "slow", { "/bin/sleep", "0.3" } },
	{ "hang", { "/bin/sleep", "1000" } },
};

struct subject {
	const char *name;
	const char *role;
	const char *argv[4];
};

static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
static char log_dir[300];

static struct wf_start start_of(uint64_t number, const char *name)
{
	struct wf_start s = { .number = number, .key = { .run = 1, .instance = 2, .index = (uint32_t)number, .attempt = 1 },
			      .name = name, .env = env, .log_dir = log_dir, .cwd = "/", .token = "engine/task/1/1",
			      .grace_ms = 2000, .output_limit = 1 << 30, .cores = 1000, .umask_bits = 022 };

	for (size_t i = 0; i < WF_COUNT(behaviours); i++)
		if (strncmp(name, behaviours[i].name, strlen(behaviours[i].name)) == 0)
			s.argv = behaviours[i].argv;
	if (!s.argv)
		bail("no behaviour '%s'", name);
	return s;
}

static void start(struct peer *p, uint64_t number, const char *name)
{
	struct wf_start s = start_of(number, name);

	peer_start(p, &s, 1);
}

static void open_agent(const struct subject *s, struct program *a, const char *dir)
{
	char path[320];
	struct wf_err err;

	wf_dir_make(wf_os_posix(), dir, 0700, &err);
	snprintf(path, sizeof(path), "%s/script", dir);
	if (s->argv[1] && wf_file_replace(wf_os_posix(), path, script, strlen(script), 0600, &err) < 0)
		bail("%s", err.text);
	program_start(a, dir, s->argv[1] ? (const char *const[]){ s->argv[0], s->argv[1], path, NULL } : s->argv);
}

/* Index of the first frame of a type about a number. */
static size_t place(struct peer *p, enum wf_wire_type type, uint64_t number)
{
	const struct said *s = peer_wait(p, type, number);

	return (size_t)(s - p->said);
}

static void test_hello(const struct subject *s, struct program *a)
{
	struct peer p, low;
	char instance[64];

	peer_open(&p, a->socket, 5);
	is_str(p.role, s->role, "%s: says what it is", s->name);
	ok(*p.instance && *p.host && p.cores >= 1 && p.memory > 0, "%s: names its memory and its host, and what it offers", s->name);
	is_int(p.mark, 0, "%s: nothing was started yet", s->name);
	snprintf(instance, sizeof(instance), "%s", p.instance);
	peer_reattach(&p, NULL, 0);
	peer_settle(&p);

	peer_open(&low, a->socket, 4);
	peer_wait(&low, WF_WIRE_REJECTED, 0);
	peer_wait_closed(&low);
	ok(1, "%s: an engine of a lower epoch is refused and hung up on", s->name);
	peer_settle(&p);
	ok(!p.closed, "%s: and the one that is served notices nothing", s->name);
	peer_close(&low);

	peer_open(&low, a->socket, 6);
	peer_wait_closed(&p);
	ok(1, "%s: an engine of a higher epoch replaces the one before", s->name);
	is_str(low.instance, instance, "%s: and meets the same memory", s->name);
	peer_close(&p);
	peer_reattach(&low, NULL, 0);
	peer_settle(&low);
	peer_close(&low);

	peer_open(&p, a->socket, 5);
	peer_wait_closed(&p);
	ok(1, "%s: a lower epoch is refused also when nobody is connected", s->name);
	peer_close(&p);
}

static void test_unknown(const struct subject *s, struct program *a)
{
	static const uint8_t nonsense[] = { 20, 0, 0, 0, WF_WIRE_START, 0, 1, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9 };
	struct peer p;
	struct wf_buf b = { 0 };
	int fd;
	struct wf_err err;

	peer_open(&p, a->socket, 10);
	peer_settle(&p);
	ok(peer_count(&p, WF_WIRE_REJECTED, 0) == 1 && !p.closed, "%s: an unknown message is rejected, the connection kept", s->name);
	wf_buf_add(&b, nonsense, sizeof(nonsense));
	peer_send(&p, &b);
	peer_wait_closed(&p);
	ok(peer_count(&p, WF_WIRE_REJECTED, 0) == 2, "%s: a malformed one is rejected and ends the connection", s->name);
	peer_close(&p);

	fd = wf_unix_connect(a->socket, &err);
	memset(&p, 0, sizeof(p));
	p.fd = fd;
	wf_wire_ack(&b, 1);
	peer_send(&p, &b);
	peer_wait_closed(&p);
	ok(peer_count(&p, WF_WIRE_REJECTED, 0) == 1, "%s: who does not say hello is not served", s->name);
	peer_close(&p);
}

static void test_life(const struct subject *s, struct program *a)
{
	const struct said *e;
	struct wf_start three[3];
	struct peer p;

	peer_open(&p, a->socket, 11);
	peer_reattach(&p, NULL, 0);
	three[0] = start_of(1, "ok");
	three[1] = start_of(2, "exit3");
	three[2] = start_of(5, "killed"); /* gaps are allowed */
	peer_start(&p, three, 3);
	e = peer_wait(&p, WF_WIRE_ENDED, 1);
	ok(e->class == WF_CLASS_OK && e->exit == 0, "%s: success", s->name);
	ok(e->started_ms > 0 && e->ended_ms >= e->started_ms, "%s: with its times", s->name);
	e = peer_wait(&p, WF_WIRE_ENDED, 2);
	ok(e->class == WF_CLASS_EXIT && e->exit == 3 && e->text, "%s: an exit code: %s", s->name, e->text);
	e = peer_wait(&p, WF_WIRE_ENDED, 5);
	ok(e->class == WF_CLASS_SIGNAL && e->exit == 9, "%s: a signal", s->name);
	ok(e->key.run == 1 && e->key.instance == 2 && e->key.index == 5 && e->key.attempt == 1, "%s: the key comes back", s->name);
	for (uint64_t n = 1; n <= 5; n += n == 2 ? 3 : 1)
		ok(place(&p, WF_WIRE_ACCEPTED, n) < place(&p, WF_WIRE_RUNNING, n) &&
			   place(&p, WF_WIRE_RUNNING, n) < place(&p, WF_WIRE_ENDED, n),
		   "%s: %d is accepted, runs, ends, in this order", s->name, (int)n);
	ok(peer_wait(&p, WF_WIRE_RUNNING, 1)->cursor < peer_wait(&p, WF_WIRE_ENDED, 1)->cursor, "%s: cursors rise", s->name);

	start(&p, 4, "ok");
	peer_wait(&p, WF_WIRE_REJECTED, 4);
	start(&p, 5, "ok");
	peer_wait(&p, WF_WIRE_REJECTED, 5);
	peer_settle(&p);
	ok(peer_count(&p, WF_WIRE_ACCEPTED, 4) == 0 && peer_count(&p, WF_WIRE_ACCEPTED, 5) == 1,
	   "%s: a number at or below the mark is rejected", s->name);
	peer_close(&p);
}

static void test_resend(const struct subject *s, struct program *a)
{
	struct wf_attempt_ref known[3] = { { .number = 1 }, { .number = 2 }, { .number = 5 } };
	struct peer p;
	uint64_t cursor;
	int rising = 1;

	peer_open(&p, a->socket, 11);
	peer_settle(&p);
	is_int(peer_count(&p, WF_WIRE_ENDED, 1), 0, "%s: nothing is said before REATTACH", s->name);
	peer_reattach(&p, known, 3);
	peer_wait(&p, WF_WIRE_ENDED, 1);
	peer_wait(&p, WF_WIRE_ENDED, 2);
	peer_wait(&p, WF_WIRE_ENDED, 5);
	peer_settle(&p);
	ok(peer_count(&p, WF_WIRE_ENDED, 1) == 1 && peer_count(&p, WF_WIRE_ENDED, 2) == 1 && peer_count(&p, WF_WIRE_LOST, 5) == 0,
	   "%s: a new connection hears what was not acknowledged, once", s->name);
	cursor = 0;
	for (size_t i = 0; i < p.count; i++) {
		if (p.said[i].cursor) {
			rising = rising && p.said[i].cursor > cursor;
			cursor = p.said[i].cursor;
		}
	}
	ok(rising, "%s: in the order of the cursors", s->name);
	peer_ack(&p, peer_wait(&p, WF_WIRE_ENDED, 1)->cursor);
	peer_settle(&p);
	peer_close(&p);

	peer_open(&p, a->socket, 11);
	peer_reattach(&p, NULL, 0);
	peer_wait(&p, WF_WIRE_ENDED, 5);
	peer_settle(&p);
	is_int(peer_count(&p, WF_WIRE_ENDED, 1), 0, "%s: what was acknowledged is not said again", s->name);
	peer_ack_all(&p);
	peer_settle(&p);
	peer_close(&p);

	peer_open(&p, a->socket, 11);
	peer_reattach(&p, NULL, 0);
	peer_settle(&p);
	is_int(peer_count(&p, WF_WIRE_ENDED, 5), 0, "%s: nothing is left when all is acknowledged", s->name);
	is_int(p.mark, 5, "%s: the mark stays", s->name);
	peer_close(&p);
}

static void test_reattach(const struct subject *s, struct program *a)
{
	struct wf_attempt_ref asked[3] = { { .number = 10 }, { .number = 11 }, { .number = 77 } };
	const struct said *l;
	struct peer p;
	size_t from;

	peer_open(&p, a->socket, 12);
	peer_reattach(&p, NULL, 0);
	start(&p, 10, "hang");
	start(&p, 11, "slow");
	peer_wait(&p, WF_WIRE_RUNNING, 10);
	peer_wait(&p, WF_WIRE_RUNNING, 11);
	peer_ack_all(&p);
	peer_settle(&p);
	peer_close(&p); /* the engine dies; the slow one ends meanwhile */

	peer_open(&p, a->socket, 13);
	usleep(400000);
	peer_reattach(&p, asked, 3);
	peer_wait(&p, WF_WIRE_RUNNING, 10);
	ok(peer_wait(&p, WF_WIRE_ENDED, 11)->class == WF_CLASS_OK, "%s: one that ended without an engine is told with its end", s->name);
	l = peer_wait(&p, WF_WIRE_LOST, 77);
	is_int(l->why, WF_LOST_NEVER, "%s: one never heard of is told so", s->name);
	ok(peer_count(&p, WF_WIRE_RUNNING, 10) == 1, "%s: one that runs is told once", s->name);
	start(&p, 77, "ok");
	peer_wait(&p, WF_WIRE_REJECTED, 77);
	ok(1, "%s: what was answered with never is refused from then on", s->name);

	from = p.count;
	peer_cancel(&p, 10, 2000);
	is_int(peer_wait_from(&p, from, WF_WIRE_ENDED, 10)->class, WF_CLASS_CANCELED, "%s: cancel", s->name);
	peer_cancel(&p, 10, 2000);
	peer_cancel(&p, 99, 2000);
	peer_settle(&p);
	is_int(peer_count(&p, WF_WIRE_ENDED, 10), 1, "%s: cancel of what has ended or never began changes nothing", s->name);
	peer_ack_all(&p);
	peer_settle(&p);
	peer_close(&p);
}

static void test_observe(const struct subject *s, struct program *a)
{
	struct wf_attempt_ref asked[2] = { { .number = 80 }, { .number = 999 } };
	struct wf_buf b = { 0 };
	struct peer p;

	peer_open(&p, a->socket, 14);
	peer_reattach(&p, NULL, 0);
	start(&p, 80, "hang");
	peer_wait(&p, WF_WIRE_RUNNING, 80);
	wf_wire_refs(&b, WF_WIRE_OBSERVE, asked, 2, 0);
	peer_send(&p, &b);
	peer_wait(&p, WF_WIRE_SAMPLE, 80);
	is_int(peer_wait(&p, WF_WIRE_LOST, 999)->why, WF_LOST_UNKNOWN, "%s: observe tells what runs and what cannot be told", s->name);
	start(&p, 999, "ok");
	is_int(peer_wait(&p, WF_WIRE_ENDED, 999)->class, WF_CLASS_OK, "%s: and changes nothing", s->name);
	peer_cancel(&p, 80, 0);
	peer_wait(&p, WF_WIRE_ENDED, 80);
	peer_ack_all(&p);
	peer_settle(&p);
	peer_close(&p);
}

static void test_places(const struct subject *s, struct program *a)
{
	struct wf_start next = start_of(1001, "ok"), second = start_of(1002, "ok"), wide = start_of(1003, "ok"), third = start_of(1004, "ok");
	struct wf_attempt_ref asked[3] = { { .number = 1000 }, { .number = 1002 }, { .number = 1004 } };
	struct peer p;

	peer_open(&p, a->socket, 14);
	peer_reattach(&p, NULL, 0);
	start(&p, 1000, "hang");
	peer_wait(&p, WF_WIRE_RUNNING, 1000);
	wide.number = 1001;
	next.number = 1002;
	second.number = 1003;
	wide.places = 2;
	next.places = second.places = third.places = 1;
	peer_start(&p, &wide, 1);
	is_int(peer_wait(&p, WF_WIRE_ENDED, 1001)->class, WF_CLASS_OK, "%s: a place is free: at once", s->name);
	peer_start(&p, &next, 1);
	peer_start(&p, &second, 1);
	peer_start(&p, &third, 1);
	peer_wait(&p, WF_WIRE_ACCEPTED, 1004);
	ok(peer_heard(&p, WF_WIRE_ACCEPTED, 1002) && !peer_heard(&p, WF_WIRE_RUNNING, 1002), "%s: none is: accepted, and waiting", s->name);
	peer_ack_all(&p);
	peer_settle(&p);
	peer_close(&p);

	peer_open(&p, a->socket, 14);
	peer_reattach(&p, asked, 3);
	peer_wait(&p, WF_WIRE_RUNNING, 1000);
	peer_wait(&p, WF_WIRE_ACCEPTED, 1002);
	ok(peer_heard(&p, WF_WIRE_LOST, 1002) == NULL, "%s: asked for it, the agent says that it has it", s->name);
	peer_cancel(&p, 1004, 0);
	is_int(peer_wait(&p, WF_WIRE_ENDED, 1004)->class, WF_CLASS_CANCELED, "%s: one that waits can be canceled", s->name);
	peer_cancel(&p, 1000, 0);
	is_int(peer_wait(&p, WF_WIRE_ENDED, 1003)->class, WF_CLASS_OK, "%s: one after the other, without being asked", s->name);
	ok(place(&p, WF_WIRE_ENDED, 1000) < place(&p, WF_WIRE_RUNNING, 1002) &&
		   place(&p, WF_WIRE_ENDED, 1002) < place(&p, WF_WIRE_RUNNING, 1003), "%s: in order", s->name);
	ok(!peer_heard(&p, WF_WIRE_RUNNING, 1004), "%s: and the canceled one never runs", s->name);
	peer_ack_all(&p);
	peer_settle(&p);
	peer_close(&p);
}

static void test_burst(const struct subject *s, struct program *a)
{
	enum { N = 1000 };
	struct wf_start *burst = calloc(N, sizeof(*burst));
	static char names[N][24];
	int good = 1;
	struct peer p;

	peer_open(&p, a->socket, 15);
	peer_reattach(&p, NULL, 0);
	for (uint32_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "ok[%u]", i);
		burst[i] = start_of(2000 + i, names[i]);
	}
	peer_start(&p, burst, N);
	peer_wait_count(&p, WF_WIRE_ENDED, N);
	for (size_t i = 0; i < p.count; i++)
		good = good && (p.said[i].type != WF_WIRE_ENDED || p.said[i].class == WF_CLASS_OK) &&
		       p.said[i].type != WF_WIRE_REJECTED;
	ok(good, "%s: 1,000 starts in one message all end well", s->name);
	peer_ack_all(&p);
	peer_settle(&p);
	is_int(peer_count(&p, WF_WIRE_ENDED, 2999), 1, "%s: each once", s->name);
	peer_close(&p);
	free(burst);
}

static void test_subject(const struct subject *s)
{
	struct program a;
	char dir[300];

	snprintf(dir, sizeof(dir), "%s/%s", test_dir(), s->role);
	snprintf(log_dir, sizeof(log_dir), "%s/%s-log", test_dir(), s->role);
	mkdir(log_dir, 0700);
	open_agent(s, &a, dir);
	test_hello(s, &a);
	test_unknown(s, &a);
	test_life(s, &a);
	test_resend(s, &a);
	test_reattach(s, &a);
	test_observe(s, &a);
	test_places(s, &a);
	test_burst(s, &a);
	ok(program_end(&a, SIGTERM) == 0, "%s: leaves when told to", s->name);
}

int main(void)
{
	static const struct subject fake = { "fake", "fake", { "wf-fake-agent", "--script" } };
	static const struct subject local = { "wf-agent-local", "local", { "wf-agent-local" } };

	test_subject(&fake);
	test_subject(&local);
	return done_testing();
}
