/* plan_test.c - who is released and who is skipped, one small graph at a time. */
#include <stdio.h>

#include "tests/unit/dag/maker.h"

/* All verdicts that are due, as "release b[0-2], skip c failed a[1] root a, size l". */
static const char *verdicts(const struct dag *d, struct dag_plan *p)
{
	static const char *const words[] = { "failed", "skipped", "empty", "unneeded" };
	static struct wf_buf out;
	struct dag_verdict v;

	wf_buf_clear(&out);
	while (dag_plan_next(p, &v)) {
		const char *name = d->instances[v.instance].name;

		wf_buf_str(&out, out.len ? ", " : "");
		wf_buf_str(&out, v.kind == DAG_RELEASE ? "release "
				 : v.kind == DAG_SKIP  ? "skip "
						       : "size ");
		if (v.kind == DAG_SIZE || !v.count)
			wf_buf_str(&out, name);
		else if (v.count == 1)
			wf_buf_str(&out, task(d, v.instance, v.first));
		else
			wf_buf_printf(&out, "%s[%u-%u]", name, v.first, v.first + v.count - 1);
		if (v.kind == DAG_SKIP)
			wf_buf_printf(&out, " %s %s root %s", words[v.skip],
				      task(d, v.cause_instance, v.cause_index),
				      d->instances[v.root_instance].name);
	}
	return wf_buf_cstr(&out);
}

static void ended(struct dag_plan *p, uint32_t instance, uint32_t index, enum dag_outcome o)
{
	dag_plan_ended(p, instance, index, o, 0);
}

struct fixture {
	struct maker m;
	struct dag *d;
	struct dag_plan *p;
};

static void start(struct fixture *f)
{
	f->d = build(&f->m);
	f->p = dag_plan_create(f->d);
}

static void stop(struct fixture *f)
{
	dag_plan_free(f->p);
	dag_free(f->d);
	maker_release(&f->m);
}

/*   a --> b --> c   */
static void chain(void)
{
	struct fixture f;
	uint32_t a, b, c;

	maker_init(&f.m);
	a = step(&f.m, "a");
	b = step(&f.m, "b");
	c = step(&f.m, "c");
	after(&f.m, b, a, WDF_SUCCESS);
	after(&f.m, c, b, WDF_SUCCESS);
	start(&f);
	is_str(verdicts(f.d, f.p), "release a", "a chain starts at its head");
	ended(f.p, a, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release b", "then its second");
	ended(f.p, b, 0, DAG_SKIPPED);
	is_str(verdicts(f.d, f.p), "release c", "skipped by its own 'when' satisfies success");
	stop(&f);
}

/*   a --> b --> c   fails at a */
static void chain_fails(void)
{
	struct fixture f;
	uint32_t a, b, c;

	maker_init(&f.m);
	a = step(&f.m, "a");
	b = step(&f.m, "b");
	c = step(&f.m, "c");
	after(&f.m, b, a, WDF_SUCCESS);
	after(&f.m, c, b, WDF_SUCCESS);
	start(&f);
	verdicts(f.d, f.p);
	ended(f.p, a, 0, DAG_FAILED);
	is_str(verdicts(f.d, f.p), "skip b failed a root a", "a failure skips the next");
	dag_plan_ended(f.p, b, 0, DAG_SKIPPED_BAD, a);
	is_str(verdicts(f.d, f.p), "skip c skipped b root a", "and what follows, which names both");
	ok(dag_plan_intolerable(f.p, a), "one failure is one too many");
	stop(&f);
}

/*   a[0] --\
     a[1] ---+==> gather      tolerate 1
     a[2] --/                 */
static void tolerated(void)
{
	struct fixture f;
	uint32_t a, g;

	maker_init(&f.m);
	a = step(&f.m, "a");
	g = step(&f.m, "gather");
	fan(&f.m, a, "i", 3);
	f.m.w.steps[a].tolerate = 1;
	after(&f.m, g, a, WDF_SUCCESS);
	start(&f);
	is_str(verdicts(f.d, f.p), "release a[0-2]", "a fan-out is released as one range");
	ended(f.p, a, 1, DAG_FAILED);
	ended(f.p, a, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "", "one failure is borne, but not all have ended");
	ended(f.p, a, 2, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release gather", "the reduction runs without it");
	ok(!dag_plan_intolerable(f.p, a), "and the step is not failed");
	stop(&f);

	maker_init(&f.m);
	a = step(&f.m, "a");
	g = step(&f.m, "gather");
	fan(&f.m, a, "i", 3);
	f.m.w.steps[a].tolerate = 1;
	after(&f.m, g, a, WDF_SUCCESS);
	start(&f);
	verdicts(f.d, f.p);
	ended(f.p, a, 2, DAG_FAILED);
	ended(f.p, a, 1, DAG_FAILED);
	is_str(verdicts(f.d, f.p), "skip gather failed a[1] root a",
	       "a second failure skips at once, and names the first of them");
	stop(&f);
}

/*   a[0] --> b[0] --\
     a[1] --> b[1] ---+==> c      a tolerates 1: what a[1] took along does not count either
     a[2] --> b[2] --/            */
static void tolerated_through(void)
{
	struct fixture f;
	uint32_t a, b, c;

	maker_init(&f.m);
	a = step(&f.m, "a");
	b = step(&f.m, "b");
	c = step(&f.m, "c");
	fan(&f.m, a, "i", 3);
	f.m.w.steps[a].tolerate = 1;
	each(&f.m, b, a, WDF_SUCCESS);
	after(&f.m, c, b, WDF_SUCCESS);
	start(&f);
	verdicts(f.d, f.p);
	ended(f.p, a, 1, DAG_FAILED);
	is_str(verdicts(f.d, f.p), "skip b[1] failed a[1] root a", "the same index is skipped");
	dag_plan_ended(f.p, b, 1, DAG_SKIPPED_BAD, a);
	ended(f.p, a, 0, DAG_SUCCEEDED);
	ended(f.p, a, 2, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release b[0], release b[2]", "the others are not");
	ended(f.p, b, 0, DAG_SUCCEEDED);
	ended(f.p, b, 2, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release c", "and the reduction runs");
	stop(&f);
}

/*   a[0] --> b[0] ==> c     a tolerates 1 of 2; a[1] still runs when b is complete through BY
     by x: b[x] waits for the a of its group                                                */
static void tolerated_group(void)
{
	struct fixture f;
	uint32_t a, b;

	maker_init(&f.m);
	a = step(&f.m, "a");
	b = step(&f.m, "b");
	fan(&f.m, a, "x", 2);
	fan(&f.m, a, "y", 2);
	f.m.w.steps[a].tolerate = 1;
	by(&f.m, b, a, WDF_SUCCESS, "x");
	start(&f);
	verdicts(f.d, f.p);
	ended(f.p, a, 0, DAG_FAILED);
	ended(f.p, a, 1, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "",
	       "a group with a failure waits: the step may yet fail too often");
	ended(f.p, a, 2, DAG_SUCCEEDED);
	ended(f.p, a, 3, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release b[0-1]", "it did not");
	stop(&f);
}

/*   r[0] --> b[0] ..> r[1] --> b[1]      by group, then by file: they take turns */
static void taking_turns(void)
{
	struct fixture f;
	uint32_t r, b, c;

	maker_init(&f.m);
	r = step(&f.m, "r");
	b = step(&f.m, "b");
	fan_words(&f.m, r, "x", "0 1");
	f.m.w.steps[r].tolerate = 1;
	by(&f.m, b, r, WDF_SUCCESS, "x");
	writes(&f.m, b, "turn1/{{ x }}");
	reads(&f.m, r, "turn{{ x }}/0");
	start(&f);
	is_str(verdicts(f.d, f.p), "release r[0]", "the first turn");
	ended(f.p, r, 0, DAG_FAILED);
	is_str(verdicts(f.d, f.p), "skip b[0] failed r[0] root r",
	       "to wait for the end of r would be to wait for ever");
	dag_plan_ended(f.p, b, 0, DAG_SKIPPED_BAD, r);
	is_str(verdicts(f.d, f.p), "skip r[1] skipped b[0] root r", "so the rest goes too");
	stop(&f);

	/*   a[0..1] ==> j ..> y[0]      y[1] ..> a[0]      a and j lead to each other, their tasks do not */
	maker_init(&f.m);
	r = step(&f.m, "a");
	b = step(&f.m, "j");
	c = step(&f.m, "y");
	fan_words(&f.m, r, "x", "0 1");
	fan_words(&f.m, c, "x", "0 1");
	f.m.w.steps[r].tolerate = 1;
	after(&f.m, b, r, WDF_SUCCESS);
	writes(&f.m, b, "j/0");
	reads(&f.m, c, "j/{{ x }}");
	writes(&f.m, c, "y0/{{ x }}");
	reads(&f.m, r, "y{{ x }}/1");
	start(&f);
	is_str(verdicts(f.d, f.p), "release a[1], release y[1]", "what waits for nobody");
	ended(f.p, r, 1, DAG_FAILED);
	ended(f.p, c, 1, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release a[0]", "then a[0]");
	ended(f.p, r, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release j", "a is complete, and bears its own failure");
	stop(&f);
}

/*   work ==> clean (failure)      work ==> report (any)      clean --> done   */
static void failure_and_any(void)
{
	struct fixture f;
	uint32_t w, c, r, d;

	for (int fails = 0; fails < 2; fails++) {
		maker_init(&f.m);
		w = step(&f.m, "work");
		c = step(&f.m, "clean");
		r = step(&f.m, "report");
		d = step(&f.m, "done");
		fan(&f.m, w, "i", 2);
		after(&f.m, c, w, WDF_FAILURE);
		after(&f.m, r, w, WDF_ANY);
		after(&f.m, d, c, WDF_SUCCESS);
		start(&f);
		verdicts(f.d, f.p);
		ended(f.p, w, 0, fails ? DAG_FAILED : DAG_SUCCEEDED);
		is_str(verdicts(f.d, f.p), "", "nobody acts before all of 'work' ended");
		ended(f.p, w, 1, DAG_SUCCEEDED);
		if (fails) {
			is_str(verdicts(f.d, f.p), "release clean, release report",
			       "one failure is enough to clean up");
		} else {
			is_str(verdicts(f.d, f.p),
			       "skip clean unneeded work root work, release report",
			       "nothing to clean up");
			ended(f.p, c, 0, DAG_SKIPPED);
			is_str(verdicts(f.d, f.p), "release done", "which is no misfortune");
		}
		stop(&f);
	}
}

/* An unneeded edge is looked at last:   a --failure--> c <--success-- b    */
static void unneeded_waits(void)
{
	struct fixture f;
	uint32_t a, b, c;

	maker_init(&f.m);
	a = step(&f.m, "a");
	b = step(&f.m, "b");
	c = step(&f.m, "c");
	after(&f.m, c, a, WDF_FAILURE);
	after(&f.m, c, b, WDF_SUCCESS);
	start(&f);
	verdicts(f.d, f.p);
	ended(f.p, a, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "", "not needed, but b may still fail");
	ended(f.p, b, 0, DAG_FAILED);
	is_str(verdicts(f.d, f.p), "skip c failed b root b", "and that weighs more");
	stop(&f);
}

/*   server ~start~> client      server ==> after   */
static void started(void)
{
	struct fixture f;
	uint32_t s, c, a;

	maker_init(&f.m);
	s = step(&f.m, "server");
	c = step(&f.m, "client");
	a = step(&f.m, "after");
	fan(&f.m, s, "i", 2);
	after(&f.m, c, s, WDF_START);
	after(&f.m, a, s, WDF_SUCCESS);
	start(&f);
	verdicts(f.d, f.p);
	dag_plan_started(f.p, s, 0);
	dag_plan_started(f.p, s, 0);
	is_str(verdicts(f.d, f.p), "", "one of two runs");
	ended(f.p, s, 1, DAG_FAILED);
	is_str(verdicts(f.d, f.p), "release client, skip after failed server[1] root server",
	       "the other ended, which counts as started");
	ended(f.p, s, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "", "and nothing is said twice");
	stop(&f);
}

/*   find (no files) ==> gather ==> report(any)      if_empty: skip, run   */
static void empty(void)
{
	struct fixture f;
	uint32_t a, b, c;

	for (uint8_t run = 0; run < 2; run++) {
		maker_init(&f.m);
		a = step(&f.m, "find");
		b = step(&f.m, "gather");
		c = step(&f.m, "report");
		fan(&f.m, a, "i", 0);
		f.m.w.steps[a].if_empty_run = run;
		after(&f.m, b, a, WDF_SUCCESS);
		after(&f.m, c, b, WDF_ANY);
		start(&f);
		is_str(verdicts(f.d, f.p),
		       run ? "release gather" : "skip gather empty find root find",
		       "an empty fan-out, if_empty %s", run ? "run" : "skip");
		dag_plan_ended(f.p, b, 0, run ? DAG_SUCCEEDED : DAG_SKIPPED_BAD, a);
		is_str(verdicts(f.d, f.p), "release report", "'any' does not mind");
		stop(&f);
	}
}

/*   prepare --> sweep (nothing to do) ==> report     */
static void empty_waits(void)
{
	struct fixture f;
	uint32_t p, s, r;

	maker_init(&f.m);
	p = step(&f.m, "prepare");
	s = step(&f.m, "sweep");
	r = step(&f.m, "report");
	fan(&f.m, s, "i", 0);
	f.m.w.steps[s].if_empty_run = 1;
	after(&f.m, s, p, WDF_SUCCESS);
	after(&f.m, r, s, WDF_SUCCESS);
	start(&f);
	is_str(verdicts(f.d, f.p), "release prepare",
	       "the report does not overtake what comes before the sweep");
	ended(f.p, p, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "release report", "then it comes");
	stop(&f);
}

/*   list --from--> sim (how many?) --each--> post ==> gather    */
static void run_time_list(void)
{
	struct fixture f;
	struct wdf_value v[3];
	struct wf_err err;
	uint32_t l, s, p, g;

	for (int dead = 0; dead < 3; dead++) {
		maker_init(&f.m);
		l = step(&f.m, "list");
		s = step(&f.m, "sim");
		p = step(&f.m, "post");
		g = step(&f.m, "gather");
		fan_from(&f.m, s, "member", l);
		each(&f.m, p, s, WDF_SUCCESS);
		after(&f.m, g, p, WDF_SUCCESS);
		start(&f);
		is_str(verdicts(f.d, f.p), "release list", "nothing else is known");
		ended(f.p, l, 0, dead == 1 ? DAG_FAILED : DAG_SUCCEEDED);
		if (dead == 1) {
			is_str(verdicts(f.d, f.p),
			       "skip sim failed list root list, skip post skipped sim root list, "
			       "skip gather skipped post root list",
			       "a list that can never be read buries what hangs on it");
			stop(&f);
			continue;
		}
		is_str(verdicts(f.d, f.p), "size sim", "now its list can be read");
		if (dead == 2) {
			dag_plan_unlisted(f.p, s);
			is_str(verdicts(f.d, f.p),
			       "skip sim empty sim root sim, skip post skipped sim root sim, "
			       "skip gather skipped post root sim",
			       "a list of no use buries what hangs on it");
			dag_plan_free(f.p);
			f.p = dag_plan_create(f.d);
			ended(f.p, l, 0, DAG_SUCCEEDED);
			dag_plan_ended(f.p, g, 0, DAG_SKIPPED_BAD, s);
			is_str(verdicts(f.d, f.p), "size sim", "a plan made anew asks for it again");
			stop(&f);
			continue;
		}
		for (int i = 0; i < 3; i++)
			v[i] = wdf_value_of_text(&f.m.w.arena, i == 0	? "red"
							       : i == 1 ? "green"
									: "blue");
		ok(dag_size(f.d, s, v, 3, &err) == 0, "it is sized");
		dag_plan_sized(f.p, s);
		is_int(f.d->task_count, 8, "with those that inherit");
		is_str(verdicts(f.d, f.p), "release sim[0-2]", "and runs");
		ended(f.p, s, 1, DAG_SUCCEEDED);
		is_str(verdicts(f.d, f.p), "release post[1]", "index by index");
		stop(&f);
	}
}

/* Canceled before its turn: no verdict, and what waits for it is skipped. */
static void canceled(void)
{
	struct fixture f;
	uint32_t a, b, c;

	maker_init(&f.m);
	a = step(&f.m, "a");
	b = step(&f.m, "b");
	c = step(&f.m, "c");
	f.m.w.steps[b].tolerate = 5;
	after(&f.m, b, a, WDF_SUCCESS);
	after(&f.m, c, b, WDF_SUCCESS);
	start(&f);
	verdicts(f.d, f.p);
	ended(f.p, b, 0, DAG_CANCELED);
	is_str(verdicts(f.d, f.p), "skip c skipped b root b",
	       "a cancel is no failure that could be tolerated");
	ended(f.p, a, 0, DAG_SUCCEEDED);
	is_str(verdicts(f.d, f.p), "", "b gets no verdict");
	stop(&f);
}

/* Layers of 1,000, all to all: one verdict per layer. */
static void layers(void)
{
	enum { LAYERS = 60, WIDTH = 1000 };
	struct fixture f;
	struct dag_verdict v;
	uint32_t count = 0, tasks = 0;

	maker_init(&f.m);
	for (uint32_t i = 0; i < LAYERS; i++) {
		char name[16];
		uint32_t s;

		snprintf(name, sizeof(name), "l%u", i);
		s = step(&f.m, name);
		fan(&f.m, s, "i", WIDTH);
		if (i)
			after(&f.m, s, i - 1, WDF_SUCCESS);
	}
	start(&f);
	while (dag_plan_next(f.p, &v)) {
		count++;
		for (uint32_t i = 0; i < v.count; i++, tasks++)
			ended(f.p, v.instance, v.first + i, DAG_SUCCEEDED);
	}
	is_int(count, LAYERS, "one verdict for each layer");
	is_int(tasks, LAYERS * WIDTH, "all ran");
	ok(dag_plan_bytes(f.p) < 5 * f.d->task_count + 65536,
	   "an all-to-all costs nothing per task");
	stop(&f);
}

/* 100,000 x 10 with three parents each by index. */
static void memory(void)
{
	struct fixture f;

	maker_init(&f.m);
	for (uint32_t i = 0; i < 10; i++) {
		char name[16];
		uint32_t s;

		snprintf(name, sizeof(name), "s%u", i);
		s = step(&f.m, name);
		if (i == 0)
			fan(&f.m, s, "i", 100000);
		for (uint32_t k = 1; k <= 3 && k <= i; k++)
			each(&f.m, s, i - k, WDF_SUCCESS);
	}
	start(&f);
	is_int(f.d->task_count, 1000000, "a million tasks");
	ok((f.d->arena.total + dag_plan_bytes(f.p)) / f.d->task_count < 24,
	   "in less than 24 bytes each");
	stop(&f);
}

/* A chain of 200,000 tasks inside one step, by files: no recursion anywhere. */
static void long_chain(void)
{
	enum { LONG = 200000 };
	struct fixture f;
	struct dag_estimate e;
	struct dag_verdict v;
	uint32_t s, ran = 0;

	maker_init(&f.m);
	s = step(&f.m, "s");
	fan(&f.m, s, "i", LONG);
	{
		struct wdf_dim *d = add_dim(&f.m, s, "before", WDF_DIM_RANGE);

		d->first = -1;
		d->last = LONG - 2;
		d->step = 1;
		f.m.w.steps[s].zip = 1;
	}
	writes(&f.m, s, "state/{{ i }}");
	reads(&f.m, s, "state/{{ before }}");
	start(&f);
	while (dag_plan_next(f.p, &v)) {
		ran += v.count;
		ended(f.p, v.instance, v.first, DAG_SUCCEEDED);
	}
	is_int(ran, LONG, "a chain within a step runs to its end");
	is_int(f.d->instances[s].weight, LONG, "and weighs what it is long");
	dag_estimate(f.d, 4, 0, &e);
	is_int(e.depth, LONG, "its depth");
	is_int(e.width, 1, "its width");
	stop(&f);
}

int main(void)
{
	chain();
	chain_fails();
	tolerated();
	tolerated_through();
	tolerated_group();
	taking_turns();
	failure_and_any();
	unneeded_waits();
	started();
	empty();
	empty_waits();
	run_time_list();
	canceled();
	layers();
	memory();
	long_chain();
	return done_testing();
}
