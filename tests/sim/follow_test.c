/* follow_test.c - the simulator's plays conform to the model of the local agent: what happened to each task is a path of tests/model/local.pml
 *
 * Plays some seeds and writes down, for each task, what could be seen: attempts that the engine posted, that began and ended at the agent,
 * the state in which the engine had them after each step, its deaths. Spin then looks for a path of the model with exactly these steps; what cannot be
 * seen (messages, commits, acknowledgements) is free. Then traces are damaged, and no path may be found.
 *
 * WF_FOLLOW_SEEDS: how many plays. Needs spin and gcc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "tests/sim/play.h"
#include "tests/tap/tap.h"

enum { ATTEMPTS = 6, STEPS = 60, TRACES = 400, PER_PLAY = 12, DAMAGED = 12, TASKS = 4096 };
enum seen { STARTS = 1, BEGINS, ENDS, LOSES, ENGINE_DIES, IS = 7 };

struct trace {
	uint64_t seed, run;
	uint32_t instance, index;
	uint64_t numbers[ATTEMPTS];    /* those posted, by order */
	unsigned count, last_state, last_count;
	uint8_t steps[STEPS][2];
	unsigned n;
	int full;                      /* it went on; this much of it is a trace as well */
};
static struct trace *now, *kept;       /* of the play; of all */
static unsigned now_count, kept_count;
static uint64_t playing;
static char dir[] = "/tmp/wf-follow.XXXXXX";

static void step(struct trace *t, unsigned kind, unsigned n)
{
	if (t->full || t->n == STEPS) {
		t->full = 1;
		return;
	}
	t->steps[t->n][0] = (uint8_t)kind;
	t->steps[t->n++][1] = (uint8_t)n;
}

static struct trace *trace_of(uint64_t run, uint32_t instance, uint32_t index)
{
	for (unsigned i = 0; i < now_count; i++)
		if (now[i].run == run && now[i].instance == instance && now[i].index == index)
			return &now[i];
	if (now_count == TASKS)
		return NULL;
	now[now_count] = (struct trace){ .seed = playing, .run = run, .instance = instance, .index = index };
	return &now[now_count++];
}

static unsigned place_of(const struct trace *t, uint64_t number)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->numbers[i] == number)
			return i + 1;
	return 0;
}

static unsigned state_of(const struct wf_task *t)
{
	static const uint8_t states[WF_ATTEMPT_STATES] = {
		[WF_ATTEMPT_SUBMITTING] = 1, [WF_ATTEMPT_QUEUED] = 2, [WF_ATTEMPT_RUNNING] = 3,
		[WF_ATTEMPT_UNKNOWN] = 4,    [WF_ATTEMPT_ENDED] = 5,  [WF_ATTEMPT_REVOKED] = 6,
	};

	return states[t->astate];
}

/* What the engine has of a task now, if that is another than before. */
static void compare(struct trace *t, const struct wf_task *task)
{
	unsigned place = task->number ? place_of(t, task->number) : 0, state = state_of(task);

	if (task->number && !place) {
		if (t->count == ATTEMPTS) {
			t->full = 1;
			return;
		}
		t->numbers[t->count++] = task->number;
		place = t->count;
		step(t, STARTS, place);
	} else if (place < t->count) {
		t->count = place;      /* read back: what was posted after it was never committed, nor sent */
	}
	if (place != t->last_count || state != t->last_state)
		step(t, IS + state, place);
	t->last_count = place;
	t->last_state = state;
}

static void each_task(struct play *p)
{
	for (size_t i = 0; i < p->engine->live_count; i++) {
		struct run *r = p->engine->live[i];

		for (uint32_t k = 0; k < r->inst_count; k++)
			for (uint32_t n = 0; n < r->inst[k].count; n++) {
				const struct wf_task *task = &r->inst[k].tasks[n];
				struct trace *t = task->number ? trace_of(r->row.number, k, n) : NULL;

				if (t)
					compare(t, task);
			}
	}
}

static void watch(struct play *p, const struct fake_seen *a)
{
	struct trace *t;

	if (a) {
		if (a->member)
			return;
		t = trace_of(a->ref.key.run, a->ref.key.instance, a->ref.key.index);
		if (t && !t->full)
			step(t, !a->over ? BEGINS : a->lost ? LOSES : ENDS, place_of(t, a->ref.number));
	} else if (!p->engine) {
		for (unsigned i = 0; i < now_count; i++)
			if (now[i].n) {
				step(&now[i], ENGINE_DIES, 0);
				now[i].last_state = UINT8_MAX;
			}
	} else if (!p->home->dead) {
		each_task(p);
	}
}

/* The longest tell most. */
static int by_length(const void *a, const void *b)
{
	return (int)((const struct trace *)b)->n - (int)((const struct trace *)a)->n;
}

static int play_seed(uint64_t seed)
{
	struct plan plan;
	struct play p;
	uint64_t hash;

	playing = seed;
	plan_of_seed(&plan, seed);
	if (plan.scenario->lies || plan.scenario->helps)
		return 0;
	/* The link keeps what is sent once, in order; one engine at a time. */
	plan.most[KNOB_doubles] = plan.most[KNOB_twins] = 0;
	now_count = 0;
	if (play(&plan, 0, &hash, &p) < 0) {
		diag("seed %llu: %s", (unsigned long long)seed, p.wrong);
		return -1;
	}
	qsort(now, now_count, sizeof(*now), by_length);
	for (unsigned i = 0; i < now_count && i < PER_PLAY && kept_count < TRACES; i++)
		if (now[i].n > 2)
			kept[kept_count++] = now[i];
	return 1;
}

/* ---- the model ------------------------------------------------------------------------------------------- */

static void write_traces(const struct trace *t, unsigned n)
{
	char *path = wf_xasprintf("%s/trace.h", dir);
	FILE *f = fopen(path, "w");

	if (!f)
		bail("cannot write %s", path);
	fprintf(f, "c_decl {\nstatic const unsigned char steps[][%d][2] = {\n", STEPS + 1);
	for (unsigned i = 0; i < n; i++) {
		fprintf(f, "{");
		for (unsigned k = 0; k < t[i].n; k++)
			fprintf(f, "{%u,%u},", t[i].steps[k][0], t[i].steps[k][1]);
		fprintf(f, "},\n");
	}
	fprintf(f, "};\nstatic const short lengths[] = {");
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%u,", t[i].n);
	fprintf(f,
		"};\nstatic char went[%u];\nenum { traces = %u };\n"
		"static void trace_went(int w, int at)\n"
		"{ if (at > went[w]) went[w] = (char)at; if (at == lengths[w] && at) printf(\"followed %%d\\n\", w); }\n}\n",
		n, n);
	fclose(f);
	free(path);
}

/* Which of them are paths of the model; heap. */
static char *follow(const struct trace *t, unsigned n)
{
	char *command = wf_xasprintf("cd %s && cp \"$OLDPWD\"/tests/model/local.pml . && spin -a -DTRACE -DA=6 local.pml >spin.out 2>&1 && "
				     "gcc -w -O1 -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -o pan pan.c >gcc.out 2>&1 && "
				     "timeout 300 ./pan -E -A -m100000 -w24 >out; sort -u out", dir);
	char *gone = wf_xcalloc(n, 1), line[128];
	unsigned w;
	int sound = 0;
	FILE *f;

	write_traces(t, n);
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f)) {
		sound |= strstr(line, "errors: 0") != NULL;
		if (sscanf(line, "followed %u", &w) == 1 && w < n)
			gone[w] = 1;
	}
	if (f)
		pclose(f);
	if (!sound)
		bail("the model was not explored to its end; see %s", dir);
	free(command);
	return gone;
}

static void show(const struct trace *t)
{
	static const char *const names[] = { "?",	   "starts",	  "begins",	"ends",	      "is lost with its agent",
					     "engine dies", "?",	  "is none",	"is submitting", "is queued",
					     "is running",  "is unknown", "has ended", "is revoked" };

	diag("seed %llu, task %u[%u]", (unsigned long long)t->seed, t->instance, t->index);
	for (unsigned i = 0; i < t->n; i++)
		diag("%u %s", t->steps[i][1], names[t->steps[i][0]]);
}

/* ---- damage ---------------------------------------------------------------------------------------------- */

/* Each makes of a trace one that must not be; 0 when there is nothing in it to damage. */
static int find(const struct trace *t, unsigned kind, unsigned from)
{
	while (from < t->n && t->steps[from][0] != kind)
		from++;
	return from < t->n ? (int)from : -1;
}

static void insert(struct trace *t, unsigned at, unsigned kind, unsigned n)
{
	if (t->n == STEPS)
		t->n--;
	memmove(&t->steps[at + 1], &t->steps[at], (t->n - at) * sizeof(t->steps[0]));
	t->steps[at][0] = (uint8_t)kind;
	t->steps[at][1] = (uint8_t)n;
	t->n++;
}

static int begins_twice(struct trace *t)
{
	int i = find(t, BEGINS, 0);

	if (i >= 0)
		insert(t, (unsigned)i + 1, BEGINS, t->steps[i][1]);
	return i >= 0;
}

static int ends_unseen(struct trace *t)
{
	int i = find(t, ENDS, 0);

	if (i < 0 || i + 1 == (int)t->n)
		return 0;
	memmove(&t->steps[i], &t->steps[i + 1], (t->n - (unsigned)i - 1) * sizeof(t->steps[0]));
	t->n--;
	return find(t, IS + 5, (unsigned)i) >= 0;
}

/* The next one begins while the engine has this one running. */
static int followed_too_early(struct trace *t)
{
	int i = find(t, IS + 3, 0);

	if (i < 0)
		return 0;
	insert(t, (unsigned)i + 1, STARTS, t->steps[i][1] + 1u);
	t->n = (unsigned)i + 2;
	return 1;
}

static int runs_after_revoked(struct trace *t)
{
	int i = find(t, IS + 6, 0);

	if (i < 0)
		return 0;
	insert(t, (unsigned)i + 1, ENGINE_DIES, 0);
	insert(t, (unsigned)i + 2, IS + 6, t->steps[i][1]);
	insert(t, (unsigned)i + 3, BEGINS, t->steps[i][1]);
	t->n = (unsigned)i + 4;
	return 1;
}

static int acknowledged_is_forgotten(struct trace *t)
{
	int i = find(t, STARTS, 0);

	/* It began at the agent: that it was started had been committed. */
	i = i < 0 ? -1 : find(t, BEGINS, (unsigned)i);
	if (i < 0)
		return 0;
	insert(t, (unsigned)i + 1, ENGINE_DIES, 0);
	insert(t, (unsigned)i + 2, IS, 0);
	t->n = (unsigned)i + 3;
	return t->steps[i][1] == 1;
}

static const struct damage {
	const char *what;
	int (*fn)(struct trace *t);
} damages[] = {
	{ "an attempt that begins twice", begins_twice },
	{ "an end that never was", ends_unseen },
	{ "an attempt that follows one that runs", followed_too_early },
	{ "one that runs after it was committed as revoked", runs_after_revoked },
	{ "an engine that forgot what it had sent", acknowledged_is_forgotten },
};

static int all_can_be_damaged(void)
{
	unsigned d, i;

	for (d = 0; d < WF_COUNT(damages); d++) {
		for (i = 0; i < kept_count; i++) {
			struct trace t = kept[i];

			if (damages[d].fn(&t))
				break;
		}
		if (i == kept_count)
			return 0;
	}
	return 1;
}

/* All in one exploration: which of them leads along a path tells which damage is not seen. */
static void test_damages(void)
{
	struct trace *t = wf_xcalloc(WF_COUNT(damages) * DAMAGED, sizeof(*t));
	unsigned of[WF_COUNT(damages) * DAMAGED], n = 0, seen[WF_COUNT(damages)] = { 0 }, missed[WF_COUNT(damages)] = { 0 };
	char *gone;

	for (unsigned d = 0; d < WF_COUNT(damages); d++)
		for (unsigned i = 0; i < kept_count && seen[d] < DAMAGED; i++) {
			t[n] = kept[i];
			if (!damages[d].fn(&t[n]))
				continue;
			of[n++] = d;
			seen[d]++;
		}
	gone = follow(t, n);
	for (unsigned i = 0; i < n; i++)
		if (gone[i]) {
			if (!missed[of[i]]++)
				show(&t[i]);
		}
	for (unsigned d = 0; d < WF_COUNT(damages); d++)
		ok(seen[d] && !missed[d], "no path of the model leads to %s (%u traces, %u were found)", damages[d].what, seen[d], missed[d]);
	free(gone);
	free(t);
}

int main(void)
{
	const char *want = getenv("WF_FOLLOW_SEEDS");
	unsigned seeds = want ? (unsigned)atoi(want) : 30, played = 0, followed = 0, deaths = 0;
	char *gone;
	struct wf_err err;

	if (system("command -v spin >/dev/null && command -v gcc >/dev/null") != 0)
		bail("'spin' or 'gcc' is missing: make deps installs it");
	if (!mkdtemp(dir))
		bail("no directory in /tmp");
	wf_log_to(2, WF_LOG_ERROR, NULL);
	now = wf_xcalloc(TASKS, sizeof(*now));
	kept = wf_xcalloc(TRACES, sizeof(*kept));
	play_watch = watch;
	/* And more, until each kind of damage can be done to some. */
	for (uint64_t seed = 1; seed <= seeds || (seed <= 20 * seeds && !all_can_be_damaged()); seed++) {
		int rc = play_seed(seed);

		if (rc < 0)
			bail("a play went wrong");
		played += (unsigned)rc;
	}
	play_watch = NULL;
	for (unsigned i = 0; i < kept_count; i++)
		deaths += find(&kept[i], ENGINE_DIES, 0) >= 0;
	ok(kept_count > seeds / 2 && deaths, "%u plays left %u traces, in %u of them the engine dies", played, kept_count, deaths);
	gone = follow(kept, kept_count);
	for (unsigned i = 0; i < kept_count; i++) {
		if (!gone[i] && followed == i)
			show(&kept[i]);
		followed += (unsigned)gone[i];
	}
	is_int(followed, kept_count, "each is a path of the model");
	free(gone);
	test_damages();
	free(now);
	free(kept);
	if (!getenv("WF_FOLLOW_KEEP") && wf_dir_remove(wf_os_posix(), dir, &err) < 0)
		bail("%s", err.text);
	return done_testing();
}
