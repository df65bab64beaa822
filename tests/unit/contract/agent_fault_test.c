/* The agent is killed at each of its fault points; the one after it accounts for every attempt, and what it calls never did not run.
 *
 * Needs a build with FAULTS=1; others skip it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/contract/peer.h"
#include "tests/tap/tap.h"

#ifdef WF_FAULTS

enum { TASKS = 8 };
static const char *const points[] = {
	"agent.journal.before", "agent.journal.after", "agent.start.before", "agent.start.after", "os.spawn.before", "os.spawn.after",
	"agent.reaped", "agent.ended", "agent.send.before", "agent.send.after", "agent.pack.before", "agent.pack.after",
	"agent.unlink.before", "agent.unlink.after", "link.send", "link.receive",
};
static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
static const char *const agent_argv[] = { "wf-agent-local", NULL };
static char dir[300], log_dir[300], work[300];

static void start_all(struct peer *p)
{
	static char lines[TASKS][512], tokens[TASKS][64];
	static const char *argv[TASKS][4];
	struct wf_start s[TASKS];

	for (int i = 0; i < TASKS; i++) {
		snprintf(lines[i], sizeof(lines[i]), "echo x >> %s/ran.%d; echo output; [ %d -lt 4 ] || { /bin/sleep 0.25; /bin/sleep 7501.%d & }", work,
			 i + 1, i, i);
		snprintf(tokens[i], sizeof(tokens[i]), "fault%d/%d", (int)getpid(), i);
		argv[i][0] = "/bin/sh";
		argv[i][1] = "-c";
		argv[i][2] = lines[i];
		s[i] = (struct wf_start){ .number = (uint64_t)i + 1, .key = { .run = 1, .index = (uint32_t)i, .attempt = 1 }, .name = "t",
					  .argv = argv[i], .env = env, .log_dir = log_dir, .cwd = work, .token = tokens[i],
					  .grace_ms = 1000, .umask_bits = 022 };
	}
	for (int i = 0; i < TASKS; i += 2)
		peer_start(p, &s[i], 2);
}

/* Everything it says until it dies or all has ended, acknowledged piece by piece so that files are removed too. */
static void watch(struct peer *p)
{
	for (int i = 0; i < 400 && !p->closed; i++) {
		size_t ended = 0;

		(void)peer_heard(p, WF_WIRE_HELLO, 0);
		for (size_t k = 0; k < p->count; k++)
			ended += p->said[k].type == WF_WIRE_ENDED;
		if (p->count && i % 8 == 0)
			peer_ack_all(p);
		if (ended == TASKS)
			return;
		usleep(5000);
	}
}

static int lines_in(int task)
{
	struct wf_buf b = { 0 };
	struct wf_err err;
	char path[512];
	int n;

	snprintf(path, sizeof(path), "%s/ran.%d", work, task);
	n = wf_file_read(wf_os_posix(), path, 1000, &b, &err) < 0 ? 0 : (int)(b.len / 2);
	wf_buf_release(&b);
	return n;
}

/* It listens (1), or died before it could (0). */
static int comes_up(struct program *a)
{
	for (int i = 0; i < 5000; i++) {
		int status;

		if (wf_file_exists(wf_os_posix(), a->socket))
			return 1;
		if (waitpid(a->pid, &status, WNOHANG) == a->pid) {
			a->pid = 0;
			return 0;
		}
		usleep(1000);
	}
	bail("the agent neither listens nor dies");
}

static void test_point(const char *point, int hit)
{
	struct wf_attempt_ref refs[TASKS];
	struct program a;
	struct peer p = { .fd = -1, .closed = 1 }, q;
	struct wf_err err;
	char fault[100];
	int accounted = 0, lied = 0, twice = 0;

	wf_dir_remove(wf_os_posix(), dir, &err);
	wf_dir_remove(wf_os_posix(), work, &err);
	wf_dir_make(wf_os_posix(), work, 0700, &err);
	snprintf(fault, sizeof(fault), "%s:%d=kill", point, hit);
	setenv("WF_FAULT", fault, 1);
	program_start(&a, dir, agent_argv);
	unsetenv("WF_FAULT");
	if (comes_up(&a)) {
		peer_try(&p, a.socket, 1);
		if (!p.closed)
			peer_reattach(&p, NULL, 0);
		if (!p.closed)
			start_all(&p);
		watch(&p);
		program_end(&a, SIGKILL);
	}
	program_start(&a, dir, agent_argv);
	peer_open(&q, a.socket, 1);
	for (int i = 0; i < TASKS; i++)
		refs[i] = (struct wf_attempt_ref){ .number = (uint64_t)i + 1 };
	peer_reattach(&q, refs, TASKS);
	peer_settle(&q);
	for (int i = 1; i <= TASKS; i++) {
		const struct said *ended = peer_heard(&q, WF_WIRE_ENDED, (uint64_t)i), *lost = peer_heard(&q, WF_WIRE_LOST, (uint64_t)i);
		int known = peer_heard(&p, WF_WIRE_ENDED, (uint64_t)i) != NULL;

		/* What was acknowledged is never asked for by an engine; this test asks, and hears "never". */
		accounted += ended || lost;
		lied += lost && lost->why == WF_LOST_NEVER && !known && lines_in(i) > 0;
		twice += lines_in(i) > 1;
	}
	ok(accounted == TASKS && !lied && !twice, "killed at %s, hit %d: %d accounted for, %d ran though never, %d ran twice", point, hit,
	   accounted, lied, twice);
	peer_close(&p);
	peer_close(&q);
	ok(program_end(&a, SIGTERM) == 0, "the next agent leaves in order");
}

int main(void)
{
	snprintf(dir, sizeof(dir), "%s/agent", test_dir());
	snprintf(log_dir, sizeof(log_dir), "%s/log", test_dir());
	snprintf(work, sizeof(work), "%s/work", test_dir());
	mkdir(log_dir, 0700);
	for (size_t i = 0; i < WF_COUNT(points); i++)
		for (int hit = 1; hit <= 9; hit += 4)
			test_point(points[i], hit);
	return done_testing();
}

#else

int main(void)
{
	ok(1, "# SKIP needs a build with FAULTS=1");
	return done_testing();
}

#endif
