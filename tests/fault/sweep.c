/* sweep.c - the kill sweep: a scenario of 50 tasks and two services on the real engine and agent, with a death or a failure at every fault point
 *
 *     sweep [--take N | --take all] [--pairs N] [--seed S]
 *     sweep --keep DIR                one trial undisturbed, in DIR, which stays
 *
 * Pass 1 lets the scenario run and counts what each program passes. Pass 2 kills, once a trial: the engine, the agent, the services' host, and the engine
 * in the middle of a slow commit. Pass 3 lets writes be short and fail (ENOSPC, EIO) and syncs fail. Pass 4 kills twice, the second time while the first
 * is being got over. After each trial the checker (check.c) looks at what is left. Of a point that is passed more than FEW times the first and last hit and a
 * seeded sample are taken; --take all takes every hit, --take N at most N a pass, each point's first hit before any second. Prints TAP; a trial that
 * went wrong keeps its directory.
 *
 * Must be built, like what it starts, with FAULTS=1.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/os.h"
#include "tests/fault/sweep.h"
#include "tests/fault/trial.h"

enum { FEW = 8, PAIRS = 60, SHOWN = 20 };

static const char *const programs[] = { "wf-engine", "wf-agent-local", "wf-service" };
enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

struct sweep {
	char dir[64], bin[400], tests[400];
	struct points points[PROGRAMS];
	unsigned few;
	size_t limit, pairs;
	uint64_t seed;
	char *keep;
	int trials, points_run, failed, kept;

	/* of the pass under way */
	const char *action;            /* NULL: kill */
	int calm, succeeds, taken, fired, bad;
	int64_t begun;
};

static void ok(struct sweep *s, int good, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void ok(struct sweep *s, int good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++s->points_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	s->failed += !good;
}

/* ---- one trial ------------------------------------------------------------------------------------------------------ */

static int one(struct sweep *s, const char *fault, int calm, const char *log)
{
	char dir[96];
	struct trial t = { .bin = s->bin, .tests = s->tests, .dir = dir, .fault = fault, .log = log, .calm = calm, .succeeds = s->succeeds };
	struct wf_err err;

	snprintf(dir, sizeof(dir), "%s/%d", s->dir, ++s->trials);
	if (trial_run(&t) < 0) {
		s->bad++;
		if (s->kept++ < SHOWN)
			printf("# %s: %s (%s)\n", fault ? fault : "undisturbed", t.problem, dir);
		fflush(stdout);
	}
	if (!*t.problem && wf_dir_remove(wf_os_posix(), dir, &err) < 0)
		printf("# %s\n", err.text);
	if (getenv("WF_SWEEP_TIMES"))
		printf("# %s: fired %d, %d engines, %lld ms\n", fault ? fault : "undisturbed", t.fired, t.starts, (long long)t.took_ms);
	s->taken++;
	s->fired += t.fired > 0;
	return t.fired;
}

static void begin(struct sweep *s, const char *action, int calm, int succeeds)
{
	s->action = action;
	s->calm = calm;
	s->succeeds = succeeds;
	s->taken = s->fired = s->bad = 0;
	s->begun = now_ms();
}

static void hit(const struct point *p, unsigned n, void *arg)
{
	struct sweep *s = arg;
	char fault[200];

	snprintf(fault, sizeof(fault), "%s/%s:%u=%s", p->program, p->name, n, s->action ? s->action : "kill");
	one(s, fault, s->calm, NULL);
}

/* ---- pass 1 ------------------------------------------------------------------------------------------------------------ */

static int count_points(struct sweep *s)
{
	char log[96];
	size_t all = 0, hits = 0;

	snprintf(log, sizeof(log), "%s/points", s->dir);
	begin(s, NULL, 1, 1);
	one(s, NULL, 1, log);
	ok(s, !s->bad, "the scenario undisturbed (%lld ms)", (long long)(now_ms() - s->begun));
	if (s->bad)
		return -1;
	for (int i = 0; i < PROGRAMS; i++) {
		if (points_read(&s->points[i], log, programs[i]) < 0)
			return -1;
		for (size_t k = 0; k < s->points[i].count; k++, all++)
			hits += s->points[i].all[k].hits;
	}
	if (getenv("WF_SWEEP_POINTS"))
		for (int i = 0; i < PROGRAMS; i++)
			for (size_t k = 0; k < s->points[i].count; k++)
				printf("# %s/%s %u\n", programs[i], s->points[i].all[k].name, s->points[i].all[k].hits);
	ok(s, s->points[0].count > 20 && s->points[1].count > 10, "it passes %zu fault points %zu times", all, hits);
	return 0;
}

/* ---- pass 2: a death at each -------------------------------------------------------------------------------------------- */

static void kill_each(struct sweep *s, int i)
{
	size_t all;

	/* The engine's death disturbs nobody; the agent's takes its tasks with it. A host that dies at a first founding fails its service. */
	begin(s, NULL, i == 0, i < 2);
	all = points_choose(&s->points[i], s->few, s->limit, hit, s);
	ok(s, !s->bad, "kill -9 of %s: %zu points, %zu hits, %d taken, %d fired, %d violations, %lld ms a trial", programs[i],
	   s->points[i].count, all, s->taken, s->fired, s->bad, (long long)(now_ms() - s->begun) / (s->taken ? s->taken : 1));
	ok(s, s->fired * 4 >= s->taken * 3, "and they did die, nearly always (%d of %d)", s->fired, s->taken);
}

/* A disk that is slow before the death: what the loop's thread does meanwhile, it does without the commit. */
static void kill_late(struct sweep *s)
{
	struct points p = { 0 };
	size_t all;

	for (size_t i = 0; i < s->points[0].count; i++) {
		const struct point *pt = &s->points[0].all[i];

		if (strncmp(pt->name, "store.", 6) != 0 && strncmp(pt->name, "sqlite.", 7) != 0)
			continue;
		p.all = wf_xrealloc(p.all, (p.count + 1) * sizeof(*p.all));
		p.all[p.count++] = *pt;
	}
	begin(s, "late", 1, 1);
	all = points_choose(&p, s->few, s->limit, hit, s);
	ok(s, !s->bad, "a slow disk, then kill -9 of wf-engine: %zu points, %zu hits, %d taken, %d fired, %d violations, %lld ms a trial", p.count,
	   all, s->taken, s->fired, s->bad, (long long)(now_ms() - s->begun) / (s->taken ? s->taken : 1));
	points_release(&p);
}

/* ---- pass 3: writes that are short or fail, syncs that fail ---------------------------------------------------------------- */

/* What can be a short write, what can find no room, and what can fail. Every other point stands for no write. */
static const struct {
	const char *name;
	int is_short, is_full, is_error;
} writes[] = {
	{ "sqlite.write", 1, 1, 1 },        { "sqlite.sync", 0, 0, 1 },          { "sqlite.truncate", 0, 0, 1 },
	{ "store.begin.before", 0, 1, 1 },  { "store.commit.before", 0, 1, 1 },  { "store.commit.after", 0, 0, 1 },
	{ "store.checkpoint.before", 0, 1, 1 }, { "store.ballast.make", 0, 1, 1 },
	{ "store.rewrite.sync", 0, 0, 1 },  { "os.write.before", 1, 1, 1 },      { "os.fsync.before", 0, 0, 1 },
	{ "os.fsyncdir.before", 0, 0, 1 },  { "os.rename.before", 0, 1, 1 },     { "os.mkdir.before", 0, 1, 1 },
	{ "os.link.before", 0, 1, 1 },      { "os.unlink.before", 0, 0, 1 },     { "owner.epoch.before", 0, 1, 1 },
	{ "agent.journal.before", 1, 1, 1 }, { "agent.journal.room", 0, 1, 1 },  { "agent.pack.before", 0, 1, 1 },
	{ "agent.rename.before", 0, 1, 1 }, { "agent.unlink.before", 0, 0, 1 },  { "agent.link.before", 0, 1, 1 },
};

static struct points select_writes(const struct points *p, int kind)
{
	struct points out = { 0 };

	for (size_t i = 0; i < p->count; i++)
		for (size_t k = 0; k < WF_COUNT(writes); k++) {
			int wanted = kind == 0 ? writes[k].is_short : kind == 1 ? writes[k].is_full : writes[k].is_error;

			if (!wanted || strcmp(writes[k].name, p->all[i].name) != 0)
				continue;
			out.all = wf_xrealloc(out.all, (out.count + 1) * sizeof(*out.all));
			out.all[out.count++] = p->all[i];
		}
	return out;
}

static void fail_each(struct sweep *s, int i)
{
	static const struct {
		const char *action, *text;
	} kinds[] = { { "short", "short writes" }, { "err:28", "no space left" }, { "err:5", "I/O errors and failed syncs" } };

	for (int kind = 0; kind < 3; kind++) {
		struct points p = select_writes(&s->points[i], kind);
		size_t all;

		begin(s, kinds[kind].action, 0, 0);
		all = points_choose(&p, s->few, s->limit ? (s->limit + 2) / 3 : 0, hit, s);
		if (p.count)
			ok(s, !s->bad, "%s in %s: %zu points, %zu hits, %d taken, %d fired, %d violations, %lld ms a trial", kinds[kind].text,
			   programs[i], p.count, all, s->taken, s->fired, s->bad,
			   (long long)(now_ms() - s->begun) / (s->taken ? s->taken : 1));
		points_release(&p);
	}
}

/* ---- pass 4: a second death, while the first is being got over ---------------------------------------------------------------- */

static const struct point *any_point(struct sweep *s, int program)
{
	return &s->points[program].all[seed_next(s->points[program].count)];
}

static void kill_pairs(struct sweep *s)
{
	int both = 0;

	begin(s, NULL, 0, 1);
	for (size_t n = 0; n < s->pairs; n++) {
		int one_of = (int)seed_next(2), other = (int)seed_next(4) ? one_of : !one_of;
		const struct point *first = any_point(s, one_of), *second = any_point(s, other);
		unsigned early = one_of == other && second->hits > 6 ? 6 : second->hits;
		char fault[300];

		/* Recovery is what a new process passes first: low numbers. The other program goes on counting. */
		snprintf(fault, sizeof(fault), "%s/%s:%llu=kill,%s/%s:%llu=kill", first->program, first->name,
			 1 + (unsigned long long)seed_next(first->hits), second->program, second->name,
			 1 + (unsigned long long)seed_next(early));
		both += one(s, fault, 0, NULL) == 2;
	}
	ok(s, !s->bad, "pairs of deaths, the second in recovery: %d taken, %d fired once, %d twice, %d violations, %lld ms a trial", s->taken,
	   s->fired, both, s->bad, (long long)(now_ms() - s->begun) / (s->taken ? s->taken : 1));
	ok(s, both * 4 >= s->taken, "and the second did come, often enough (%d of %d)", both, s->taken);
}

/* ---- */

static int usage(void)
{
	fprintf(stderr, "usage: sweep [--take N | --take all] [--pairs N] [--seed S] | --keep DIR\n");
	return 2;
}

static int options(struct sweep *s, int argc, char **argv)
{
	static const struct option known[] = { { "take", required_argument, NULL, 't' },
					       { "pairs", required_argument, NULL, 'p' },
					       { "seed", required_argument, NULL, 's' },
					       { "keep", required_argument, NULL, 'k' },
					       { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 't' && strcmp(optarg, "all") == 0)
			s->few = UINT_MAX;
		else if (c == 't')
			s->limit = strtoul(optarg, NULL, 10);
		else if (c == 'p')
			s->pairs = strtoul(optarg, NULL, 10);
		else if (c == 'k')
			s->keep = optarg;
		else if (c == 's')
			s->seed = strtoull(optarg, NULL, 10);
		else
			return -1;
	}
	return optind == argc ? 0 : -1;
}

static int keep_one(struct sweep *s)
{
	struct trial t = { .bin = s->bin, .tests = s->tests, .dir = s->keep, .calm = 1, .succeeds = 1 };

	if (trial_run(&t) == 0)
		return 0;
	fprintf(stderr, "sweep: %s\n", t.problem);
	return 1;
}

int main(int argc, char **argv)
{
	struct sweep s = { .few = FEW, .pairs = PAIRS, .seed = 1 };
	const char *tmp = getenv("TMPDIR"), *bin = wf_path_bin();
	struct wf_err err;
	int64_t begun = now_ms();

	if (options(&s, argc, argv) < 0)
		return usage();
	seed_set(s.seed);
	/* wf_path_bin is our own directory, B/test/fault. */
	snprintf(s.tests, sizeof(s.tests), "%s", bin);
	snprintf(s.bin, sizeof(s.bin), "%s/../../bin", bin);
	if (s.keep)
		return keep_one(&s);
	snprintf(s.dir, sizeof(s.dir), "%.30s/wfs.XXXXXX", tmp && *tmp && strlen(tmp) <= 30 ? tmp : "/tmp");
	if (!mkdtemp(s.dir)) {
		printf("Bail out! cannot make '%s': %s\n", s.dir, strerror(errno));
		return 1;
	}
	if (count_points(&s) == 0) {
		for (int i = 0; i < PROGRAMS; i++)
			kill_each(&s, i);
		kill_late(&s);
		for (int i = 0; i < PROGRAMS; i++)
			fail_each(&s, i);
		kill_pairs(&s);
	}
	printf("# %d trials, %d violations, %lld s, seed %llu\n", s.trials, s.kept, (long long)(now_ms() - begun) / 1000,
	       (unsigned long long)s.seed);
	printf("1..%d\n", s.points_run);
	for (int i = 0; i < PROGRAMS; i++)
		points_release(&s.points[i]);
	if (!s.kept && wf_dir_remove(wf_os_posix(), s.dir, &err) < 0)
		printf("# %s\n", err.text);
	return s.failed > 0;
}
