/* The production engine in a simulated world: plans that once failed, then one seed after the other, each played twice.
 *
 *     sim_test                       what `make check` does: 300 seeds (fewer with a sanitizer), or WF_SIM_SEEDS
 *     sim_test -n 20000 [-s FIRST]   so many, from that one on
 *     sim_test -f 2000               until one fails: `found at seed N`; keeps nothing
 *     sim_test -p "seed 17 ..."      plays this plan and shows each step
 *
 * A plan that fails is made smaller as long as it still fails, printed, and added to tests/sim/kept/found. Plays are spread over two processes; a
 * play that ends its process (a BUG) is a failure like another.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "tests/sim/play.h"
#include "tests/tap/tap.h"

/* A sanitizer makes each step cost ten. */
#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 12 };
#else
enum { SEEDS = 300 };
#endif
enum { WORKERS = 2, FOUND_MAX = 3, SHRINK_MAX = 400, FAILED = 2 };

#define KEPT "tests/sim/kept"

/* Memory that all processes see. */
static struct shared {
	struct play_counts counts[WORKERS];
	struct worker {
		struct plan now;
		int playing;
		struct found {
			struct plan plan;
			char wrong[512];
		} found[FOUND_MAX];
		int found_count;
	} workers[WORKERS];
	volatile uint64_t found_at;    /* lowest seed that failed so far; UINT64_MAX: none */
} *shared;

/* ---- one plan ------------------------------------------------------------------------------------------------- */

/* Twice; 0, or -1 with `wrong`. */
static int twice(const struct plan *plan, char *wrong, size_t size)
{
	static struct play p;
	uint64_t hash, twin;
	int rc = play(plan, 0, &hash, &p);

	if (rc == 0)
		rc = play(plan, 0, &twin, &p);
	snprintf(wrong, size, "%s", p.wrong);
	if (rc == 0 && hash != twin) {
		snprintf(wrong, size, "played again, something else happened");
		rc = -1;
	}
	return rc;
}

/* In a process of its own, which may end any way; 0, or -1 with `wrong`. */
static int twice_apart(const struct plan *plan, char *wrong, size_t size)
{
	static char (*said)[512];
	int status;
	pid_t pid;

	if (!said)
		said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(*said, sizeof(*said), "it ends the process");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int null = freopen("/dev/null", "w", stderr) != NULL;

		_exit(twice(plan, *said, sizeof(*said)) < 0 && null);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		bail("cannot play apart");
	snprintf(wrong, size, "%s", *said);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* ---- smaller ------------------------------------------------------------------------------------------------------ */

static int try(struct plan *best, const struct plan *plan, char *wrong, size_t size, int *tries)
{
	char other[512];

	if (--*tries < 0 || twice_apart(plan, other, sizeof(other)) == 0)
		return 0;
	*best = *plan;
	snprintf(wrong, size, "%s", other);
	return 1;
}

/* Fewer of everything, as long as it fails, whatever way. */
static void shrink(struct plan *best, char *wrong, size_t size)
{
	int tries = SHRINK_MAX, better = 1;

	while (better && tries > 0) {
		better = 0;
		for (int i = 0; i < KNOB_COUNT; i++) {
			struct plan plan = *best;

			/* A written workflow needs its client's acts to end as it should. */
			if (!plan.most[i] || (i <= KNOB_acts && plan.scenario->text))
				continue;
			for (unsigned to = i == KNOB_steps; to < best->most[i]; to += (best->most[i] - to + 1) / 2) {
				plan = *best;
				plan.most[i] = to;
				if (try(best, &plan, wrong, size, &tries)) {
					better = 1;
					break;
				}
			}
		}
	}
}

static void keep(const struct plan *plan, const char *wrong)
{
	struct wf_buf b = { 0 };
	FILE *f = fopen(KEPT "/found", "a");

	plan_text(plan, &b);
	diag("smaller: %s", wf_buf_cstr(&b));
	diag("  %s", wrong);
	diag("kept in " KEPT "/found; look with: sim_test -p \"%s\"", wf_buf_cstr(&b));
	if (f) {
		fprintf(f, "# %.*s\n%s\n", (int)strcspn(wrong, "\n"), wrong, wf_buf_cstr(&b));
		fclose(f);
	}
	wf_buf_release(&b);
}

/* ---- kept plans ---------------------------------------------------------------------------------------------------- */

static void replay_kept(const char *name)
{
	char path[256], line[1024], wrong[512];
	unsigned lines = 0, bad = 0;
	FILE *f;

	snprintf(path, sizeof(path), KEPT "/%s", name);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		struct plan plan;
		struct wf_err err;

		if (line[0] == '#' || line[0] == '\n')
			continue;
		lines++;
		if (plan_parse(&plan, line, &err) < 0)
			bail("%s: %s", path, err.text);
		if (twice_apart(&plan, wrong, sizeof(wrong)) < 0) {
			bad++;
			diag("%.*s", (int)strcspn(line, "\n"), line);
			diag("  %s", wrong);
		}
	}
	if (f)
		fclose(f);
	if (lines || strcmp(name, "plans") == 0)
		ok(lines && !bad, "%u plans of %s hold", lines, path);
}

/* ---- many seeds ------------------------------------------------------------------------------------------------------ */

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void found(struct worker *w, const struct plan *plan, const char *wrong)
{
	struct found *f = &w->found[w->found_count];

	f->plan = *plan;
	snprintf(f->wrong, sizeof(f->wrong), "%s", wrong);
	w->found_count++;
	if (plan->seed < shared->found_at)
		shared->found_at = plan->seed;
}

/* Every WORKERS-th seed from `seed` on; stops when it has found enough, or somebody found one that is lower. */
static void work(struct worker *w, uint64_t seed, uint64_t end, int first_only)
{
	char wrong[512];

	for (; seed < end && w->found_count < FOUND_MAX && !(first_only && shared->found_at < seed); seed += WORKERS) {
		plan_of_seed(&w->now, seed);
		w->playing = 1;
		if (twice(&w->now, wrong, sizeof(wrong)) < 0) {
			/* Its memory may be in any state: another process goes on. */
			found(w, &w->now, wrong);
			w->playing = FAILED;
			_exit(0);
		}
		w->playing = 0;
	}
}

static pid_t start(int i, uint64_t seed, uint64_t end, int first_only)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		play_counts = &shared->counts[i];
		work(&shared->workers[i], seed, end, first_only);
		_exit(0);
	}
	if (pid < 0)
		bail("cannot fork");
	return pid;
}

static void run_seeds(uint64_t first, uint64_t count, int first_only)
{
	pid_t pids[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		pids[i] = start(i, first + (uint64_t)i, first + count, first_only);
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &shared->workers[i];
		int status;

		while (waitpid(pids[i], &status, 0) == pids[i] && w->playing) {
			/* It ended in a play or after one that failed: go on behind it. */
			if (w->playing != FAILED)
				found(w, &w->now, "it ended the process");
			w->playing = 0;
			if (w->found_count == FOUND_MAX)
				break;
			pids[i] = start(i, w->now.seed + WORKERS, first + count, first_only);
		}
	}
}

/* ---- what happened -------------------------------------------------------------------------------------------------- */

static struct play_counts add_up(void)
{
	struct play_counts sum = { 0 };

	for (int i = 0; i < WORKERS; i++) {
		const struct play_counts *c = &shared->counts[i];

		sum.plays += c->plays;
		sum.steps += c->steps;
		sum.starts += c->starts;
		sum.virtual_ns += c->virtual_ns;
		for (int k = 0; k < COUNT_COUNT; k++)
			sum.n[k] += c->n[k];
		for (int k = 0; k < 256; k++)
			sum.events[k] += c->events[k];
	}
	return sum;
}

/* Events that no play can bring about: drivers, transfers and hosts do not exist there. */
static int cannot_happen(int kind)
{
	static const uint8_t kinds[] = { WF_E_SERVICE_REFUSED, WF_E_SERVICE_GONE, WF_E_MEMBER_SUSPECT, WF_E_MEMBER_HEALTHY,
					 WF_E_MEMBER_FENCING };

	return !wf_event_info((uint8_t)kind) || memchr(kinds, kind, sizeof(kinds)) != NULL;
}

static void check_sometimes(const struct play_counts *c)
{
	static const char *const texts[] = {
#define X(name, text) text,
		COUNTS(X)
#undef X
	};
	unsigned never = 0;

	for (int i = 0; i < COUNT_COUNT; i++) {
		diag("%8lu  %s", c->n[i], texts[i]);
		never += !c->n[i];
	}
	ok(!never, "every kind of fault struck");
	never = 0;
	for (int i = 0; i < 256; i++)
		if (!cannot_happen(i) && !c->events[i]) {
			diag("never: %s", wf_event_name((uint8_t)i));
			never++;
		}
	ok(!never, "every kind of event happened");
}

static void tell_failures(void)
{
	for (int i = 0; i < WORKERS; i++)
		for (int k = 0; k < shared->workers[i].found_count; k++) {
			struct found *f = &shared->workers[i].found[k];

			diag("seed %llu: %s", (unsigned long long)f->plan.seed, f->wrong);
			shrink(&f->plan, f->wrong, sizeof(f->wrong));
			keep(&f->plan, f->wrong);
		}
}

static int find(uint64_t count)
{
	run_seeds(1, count, 1);
	if (shared->found_at == UINT64_MAX) {
		printf("not found in %llu seeds\n", (unsigned long long)count);
		return 1;
	}
	for (int i = 0; i < WORKERS; i++)
		for (int k = 0; k < shared->workers[i].found_count; k++)
			if (shared->workers[i].found[k].plan.seed == shared->found_at)
				printf("found at seed %llu: %s\n", (unsigned long long)shared->found_at, shared->workers[i].found[k].wrong);
	return 0;
}

static int show(const char *line)
{
	static struct play p;
	struct wf_err err;
	struct plan plan;
	uint64_t hash;
	int rc;

	if (plan_parse(&plan, line, &err) < 0)
		bail("%s", err.text);
	wf_log_to(2, WF_LOG_DEBUG, "sim");
	rc = play(&plan, 1, &hash, &p);
	printf("%s\n", rc == 0 ? "it holds" : p.wrong);
	return rc != 0;
}

static void many(uint64_t first, uint64_t seeds)
{
	double began = now_s(), took;
	struct play_counts c;
	struct rusage used;

	run_seeds(first, seeds, 0);
	took = now_s() - began;
	c = add_up();
	getrusage(RUSAGE_CHILDREN, &used);
	diag("%lu plays (each seed twice) in %.1f s, %.0f a second; %lu steps, %lu starts", c.plays, took, (double)c.plays / took, c.steps, c.starts);
	diag("%.0f hours of virtual time, %.0f times as fast as real time", (double)c.virtual_ns / 3.6e12, (double)c.virtual_ns / 1e9 / took);
	tell_failures();
	ok(shared->found_at == UINT64_MAX, "%llu seeds from %llu on", (unsigned long long)seeds, (unsigned long long)first);
	if (seeds >= 300)
		check_sometimes(&c);
	if (seeds >= 20000)
		ok((double)c.virtual_ns / 1e9 / took >= 1000, "a thousand times as fast as real time");
}

int main(int argc, char **argv)
{
	const char *given = getenv("WF_SIM_SEEDS");
	uint64_t seeds = given ? strtoull(given, NULL, 10) : SEEDS, first = 1;
	int opt;

	wf_log_to(-1, WF_LOG_ERROR, "sim");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("no shared memory");
	shared->found_at = UINT64_MAX;
	while ((opt = getopt(argc, argv, "n:s:f:p:")) != -1)
		switch (opt) {
		case 'n':
			seeds = strtoull(optarg, NULL, 10);
			break;
		case 's':
			first = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			return find(strtoull(optarg, NULL, 10));
		case 'p':
			return show(optarg);
		default:
			return 2;
		}
	replay_kept("plans");
	replay_kept("found");
	many(first, seeds);
	return done_testing();
}
