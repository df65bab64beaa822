/* Death and errors at every fault point of the store, in turn: what was acknowledged is there,
 * whatever happened. Needs a build with FAULTS=1; others skip it. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/store/store_internal.h"
#include "tests/unit/store/world.h"

#ifdef WF_FAULTS

enum { COMMITS = 5 };

struct shared {
	uint64_t acked, tried;
	int refused, finished;
};

static void take(struct shared *sh, struct wf_store *s, struct world *w)
{
	struct wf_batch *b;

	for (int n = 0; n < 15; n++)
		world_step(w, 0);
	b = world_seal(w, 1);
	sh->tried = w->seq;
	if (wf_store_commit_now(s, b, NULL) == 0)
		sh->acked = w->seq;
	else
		sh->refused = 1;
}

/* Everything a store does in its life: made, written, moved, copied, rebuilt, opened again. */
static void live(struct shared *sh, const char *dir)
{
	char *copy = wf_xasprintf("%s/copy.db", dir);
	struct wf_buf out = { 0 };
	struct wf_store *s = wf_store_open(wf_os_posix(), dir, 1, NULL);
	struct world w;

	world_init(&w, 8);
	if (!s)
		return;
	world_submit(&w, 1, 1, 100, 1);
	for (int n = 0; n < COMMITS && !sh->refused; n++) {
		take(sh, s, &w);
		if (n == 2)
			store_tidy(s);
	}
	(void)wf_store_backup(s, copy, NULL, NULL);
	wf_store_close(s);
	(void)wf_store_recover(wf_os_posix(), dir, 1, 0, &out, NULL);
	s = wf_store_open(wf_os_posix(), dir, 2, NULL);
	if (s && !sh->refused && wf_store_last_seq(s) == w.seq)
		take(sh, s, &w);
	wf_store_close(s);
	sh->finished = 1;
	wf_buf_release(&out);
	free(copy);
	world_release(&w);
}

static struct shared *shared;
static int deaths_seen;

/* With a sound disk: 0 when the store is what it must be. */
static int look(const char *dir, const char *spec)
{
	struct wf_buf out = { 0 };
	struct wf_err err = { 0 };
	struct wf_store *s = wf_store_open(wf_os_posix(), dir, 3, &err);
	int wrong = !s;

	if (s) {
		uint64_t there = wf_store_last_seq(s);

		wrong = there != shared->acked && there != shared->tried;
		wf_store_close(s);
		wrong |= wf_store_recover(wf_os_posix(), dir, 1, 1, &out, &err) < 0;
	}
	if (wrong)
		diag("%s: acked %d, tried %d: %s", spec, (int)shared->acked, (int)shared->tried,
		     err.text);
	wf_buf_release(&out);
	return wrong;
}

/* Both lives in processes of their own: the points count their hits from its beginning. */
static int in_child(const char *dir, const char *spec, int faulty)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		wf_log_to(open("/dev/null", O_WRONLY), WF_LOG_ERROR, "test");
		if (!faulty)
			_exit(look(dir, spec));
		setenv("WF_FAULT", spec, 1);
		live(shared, dir);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* 0 when the fault did no harm. */
static int one(const char *spec)
{
	char *dir = world_dir();
	int status, killed, wrong;

	memset(shared, 0, sizeof(*shared));
	status = in_child(dir, spec, 1);
	killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	deaths_seen += killed;
	wrong = (status && !killed) || in_child(dir, spec, 0);
	world_rmdir(dir);
	return wrong;
}

static void sweep(const char *point, void *arg)
{
	static const char *const actions[] = { "kill", "err:5", "err:28" };
	int wrong = 0, deaths = deaths_seen, *points = arg;

	if (strncmp(point, "store.", 6) != 0)
		return;
	++*points;
	for (int hit = 1; hit <= 8; hit += hit < 3 ? 1 : 2)
		for (size_t a = 0; a < WF_COUNT(actions); a++) {
			char *spec = wf_xasprintf("%s:%d=%s", point, hit, actions[a]);

			wrong += one(spec);
			free(spec);
		}
	is_int(wrong, 0, "death and errors at %s (%d deaths)", point, deaths_seen - deaths);
}

/* Places that only an earlier fault leads to. */
static void test_after_a_fault(void)
{
	static const char *const specs[] = {
		"store.commit.before:4=err:5,store.reopen:1=kill",
		"store.commit.before:4=err:5,store.reopen:1=err:5",
		"store.commit.after:4=err:5,store.reopen:1=kill",
		"store.commit.after:4=err:5,store.rewrite.sync:2=err:5",
		"store.commit.after:4=err:5,store.commit.before:5=err:5",
		"store.commit.before:4=err:28,store.ballast.release:1=kill",
		"store.checkpoint.before:1=err:5,store.reopen:1=kill",
		"store.begin.before:4=err:28,store.ballast.make:2=err:28",
	};
	int deaths = deaths_seen;

	for (size_t i = 0; i < WF_COUNT(specs); i++)
		is_int(one(specs[i]), 0, "%s", specs[i]);
	is_int(deaths_seen - deaths, 4, "four of them deaths");
}

int main(void)
{
	int points = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	wf_fault_list(sweep, &points);
	test_after_a_fault();
	ok(points >= 12, "%d points", points);
	ok(deaths_seen >= points, "%d deaths", deaths_seen);
	return done_testing();
}

#else

int main(void)
{
	ok(1, "# SKIP needs a build with FAULTS=1");
	return done_testing();
}

#endif
