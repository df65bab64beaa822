/* plan_test.c - who is released and who is skipped, one small graph at a time. */
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
		wf_buf_str(&out, v.kind == DAG_RELEASE ? "release " : v.kind == DAG_SKIP ? "skip " : "size ");
		if (v.kind == DAG_SIZE || !v.count)
			wf_buf_str(&out, name);
		else if (v.count == 1)
			wf_buf_str(&out, task(d, v.instance, v.first));
		else
			wf_buf_printf(&out, "%s[%u-%u]", name, v.first, v.first + v.count - 1);
		if (v.kind == DAG_SKIP)
			wf_buf_printf(&out, " %s %s root %s", words[v.skip], task(d, v.cause_instance, v.cause_index),
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

int main(void)
{
	chain();
	chain_fails();
	return done_testing();
}
