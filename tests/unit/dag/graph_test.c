/* graph_test.c - how steps become tasks and edges: fan-outs, groups, data, names, and what is refused. */
#include <stdio.h>

#include "engine/base/json.h"
#include "tests/unit/dag/maker.h"

/* Fan-out values of a task, "seed=11 size=2". */
static void add_value(const char *name, const struct wdf_value *v, void *arg)
{
	struct wf_buf *out = arg;

	wf_buf_printf(out, "%s%s=", out->len ? " " : "", name);
	wdf_value_text(v, out);
}

static const char *values(const struct dag *d, uint32_t instance, uint32_t index)
{
	static struct wf_buf out;

	wf_buf_clear(&out);
	dag_task_values(d, instance, index, add_value, &out);
	return wf_buf_cstr(&out);
}

static int add_parent(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	void **a = arg;
	struct wf_buf *out = a[1];

	(void)dep;
	wf_buf_printf(out, "%s%s", out->len ? " " : "", task(a[0], instance, index));
	return 0;
}

/* Parents of a task, "a[0] a[2] prepare". */
static const char *parents(const struct dag *d, uint32_t instance, uint32_t index)
{
	static struct wf_buf out;
	void *arg[2] = { (void *)(uintptr_t)d, &out };

	wf_buf_clear(&out);
	dag_task_parents(d, instance, index, add_parent, arg);
	return wf_buf_cstr(&out);
}

/* Text of a template for one task. */
static const char *render(struct maker *m, const struct dag *d, uint32_t instance, uint32_t index,
			  const char *text)
{
	static struct wf_buf out;
	struct dag_scope s = { .dag = d, .instance = instance, .index = index };
	struct wdf_scope names = dag_scope_of(&s);
	struct wdf_tmpl t = tmpl(m, text, 1);
	struct wf_err err;

	wf_buf_clear(&out);
	if (wdf_tmpl_render(&t, &names, &out, &err) < 0)
		return "unknown";
	return wf_buf_cstr(&out);
}

static void refused(struct maker *m, const char *code, const char *text)
{
	struct dag *d = try_build(m);

	ok(!d && m->diags.errors == 1, "refused, with one finding");
	if (m->diags.count) {
		is_str(m->diags.items[0].code, code, "its code");
		is_str(m->diags.items[0].text, text, "its sentence");
		ok(m->diags.items[0].pos.line > 0, "and a place");
	}
	dag_free(d);
	maker_release(m);
}

static void products(void)
{
	struct maker m;
	struct dag *d;
	uint32_t a, z;

	maker_init(&m);
	a = step(&m, "a");
	z = step(&m, "z");
	fan_words(&m, a, "seed", "11 12 013");
	fan(&m, a, "n", 2);
	fan_words(&m, z, "x", "p q");
	fan_words(&m, z, "y", "1 2");
	m.w.steps[z].zip = 1;
	param(&m, "mode", "quick");
	d = build(&m);
	is_int(d->instances[a].count, 6, "a product of 3 and 2");
	is_str(values(d, a, 0), "seed=11 n=0", "the last name varies fastest");
	is_str(values(d, a, 5), "seed=013 n=1", "values keep the text they were written with");
	is_int(d->instances[z].count, 2, "a zip pairs");
	is_str(values(d, z, 1), "x=q y=2", "second with second");
	is_str(render(&m, d, z, 1, "{{ y:03 }}/{{ mode }}"), "002/quick",
	       "fan-out values, then parameters");
	is_str(render(&m, d, z, 1, "{{ seed }}"), "unknown", "not those of other steps");
	dag_free(d);
	maker_release(&m);

	maker_init(&m);
	a = step(&m, "a");
	fan_words(&m, a, "x", "1 2 3");
	fan_words(&m, a, "y", "1 2");
	m.w.steps[a].zip = 1;
	refused(&m, "E0218",
		"'y' of step 'a' has 2 values and 'x' has 3; 'zip' pairs lists of one length");

	maker_init(&m);
	a = step(&m, "a");
	fan(&m, a, "x", 5000);
	fan(&m, a, "y", 5000);
	refused(&m, "E0319", "step 'a' fans out to more than 16000000 tasks");

	maker_init(&m);
	for (int i = 0; i < 3; i++) {
		a = step(&m, i == 0 ? "a" : i == 1 ? "b" : "c");
		fan(&m, a, "x", 6000000);
	}
	refused(&m, "E0319", "step 'c' brings the run to 18000000 tasks, more than 16000000");
}

static void ranges(void)
{
	struct maker m;
	struct wdf_dim *dim;
	struct dag *d;
	uint32_t a, b;

	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	dim = add_dim(&m, a, "t", WDF_DIM_RANGE);
	dim->first = 10;
	dim->last = -5;
	dim->step = -5;
	fan(&m, b, "i", 3);
	b = step(&m, "c");
	fan(&m, b, "j", 5);
	d = build(&m);
	is_int(d->instances[a].count, 4, "10 5 0 -5");
	is_str(values(d, a, 3), "t=-5", "both ends are included");
	is_str(values(d, b, 4), "j=4", "a longer range of the same kind");
	is_str(values(d, 1, 2), "i=2", "and the shorter");
	dag_free(d);
	maker_release(&m);
}

/* glob and csv come from the submitting side */
static void sources(void)
{
	static const char text[] =
		"{\"glob\": {\"in/*.dat\": [\"in/a.dat\", \"in/b.tar.gz\", \"in/.c\"]},"
		" \"csv\": {\"runs.csv\": [{\"site\": \"N\", \"t\": \"300\"}, {\"site\": \"S\", "
		"\"t\": \"310\"}]}}";
	struct maker m;
	struct dag *d;
	struct wf_err err;
	json_t *given = wf_json_parse(text, sizeof(text) - 1, &err);
	uint32_t g, c;

	maker_init(&m);
	g = step(&m, "g");
	c = step(&m, "c");
	add_dim(&m, g, "f", WDF_DIM_GLOB)->source = "in/*.dat";
	add_dim(&m, c, "s", WDF_DIM_CSV)->source = "runs.csv";
	d = dag_build(&m.w, given, "/run", &m.diags);
	ok(d != NULL, "built");
	is_str(render(&m, d, g, 0, "{{ f }}|{{ f.name }}|{{ f.stem }}|{{ f.path }}"),
	       "in/a.dat|a.dat|a|in/a.dat", "a file found by a pattern");
	is_str(render(&m, d, g, 1, "{{ f.stem }}"), "b.tar", "the last extension goes");
	is_str(render(&m, d, g, 2, "{{ f.stem }}"), ".c", "a hidden file has none");
	is_str(render(&m, d, c, 1, "{{ s.site }}-{{ s.t }}"), "S-310", "a row's columns");
	dag_free(d);
	json_decref(given);
	ok(!try_build(&m), "not without its sources");
	has_str(m.diags.items[0].text, "glob 'in/*.dat' was not read", "which is said");
	maker_release(&m);
}

/*   sim (site x year) by site --> mean        */
static void groups(void)
{
	struct maker m;
	struct dag *d;
	uint32_t s, o, a, b, c;

	maker_init(&m);
	s = step(&m, "sim");
	o = step(&m, "obs");
	a = step(&m, "mean");
	b = step(&m, "both");
	c = step(&m, "own");
	fan_words(&m, s, "site", "N S");
	fan_words(&m, s, "year", "1 2 1.0");
	fan_words(&m, o, "site", "S W");
	by(&m, a, s, WDF_SUCCESS, "site");
	by(&m, a, o, WDF_SUCCESS, "site");
	by(&m, b, s, WDF_SUCCESS, "year site");
	fan_words(&m, c, "site", "W N");
	fan(&m, c, "k", 2);
	by(&m, c, s, WDF_SUCCESS, "site");
	d = build(&m);
	is_int(d->instances[a].count, 3, "groups of both parents");
	is_str(values(d, a, 0), "site=N", "in the order in which they come");
	is_str(values(d, a, 2), "site=W", "those of the second parent after");
	is_str(parents(d, a, 0), "sim[0] sim[1] sim[2]", "a group only one has");
	is_str(parents(d, a, 1), "sim[3] sim[4] sim[5] obs[0]", "a group both have");
	is_str(parents(d, a, 2), "obs[1]", "and one the first has not");
	is_int(d->instances[b].count, 4, "1 and 1.0 are one year");
	is_str(values(d, b, 1), "year=2 site=N", "by two names");
	is_str(parents(d, b, 2), "sim[3] sim[5]", "of the same values");
	is_str(parents(d, c, 0), "", "a fan-out of its own may have groups nobody is in");
	is_str(parents(d, c, 3), "sim[0] sim[1] sim[2]", "or several tasks in one group");
	dag_free(d);
	maker_release(&m);

	maker_init(&m);
	s = step(&m, "sim");
	a = step(&m, "mean");
	fan_words(&m, s, "site", "N S");
	by(&m, a, s, WDF_SUCCESS, "sit");
	refused(&m, "E0315",
		"step 'mean' goes by 'sit', which is not a name of the fan-out of 'sim'");
}

/* Values that no task has make no group. */
static void groups_of_none(void)
{
	struct maker m;
	struct dag *d;
	uint32_t s, o, a;

	maker_init(&m);
	s = step(&m, "sim");
	o = step(&m, "obs");
	a = step(&m, "mean");
	fan_words(&m, s, "site", "N S");
	fan(&m, s, "year", 0);
	fan_words(&m, o, "site", "W");
	by(&m, a, s, WDF_SUCCESS, "site");
	by(&m, a, o, WDF_SUCCESS, "site");
	d = build(&m);
	is_int(d->instances[a].count, 1, "one group");
	is_str(values(d, a, 0), "site=W", "of the tasks there are");
	dag_free(d);
	maker_release(&m);
}

static void group_by_field(void)
{
	static const char text[] = "{\"csv\": {\"r\": [{\"site\": \"N\", \"t\": \"1\"}, {\"site\": "
				   "\"S\", \"t\": \"2\"}, {\"site\": \"N\", \"t\": \"3\"}]}}";
	struct maker m;
	struct dag *d;
	json_t *given = wf_json_parse(text, sizeof(text) - 1, NULL);
	uint32_t s, a;

	maker_init(&m);
	s = step(&m, "sim");
	a = step(&m, "mean");
	add_dim(&m, s, "s", WDF_DIM_CSV)->source = "r";
	by(&m, a, s, WDF_SUCCESS, "s.site");
	d = dag_build(&m.w, given, "/run", &m.diags);
	is_int(d->instances[a].count, 2, "by a column");
	is_str(parents(d, a, 0), "sim[0] sim[2]", "its rows");
	is_str(render(&m, d, a, 1, "{{ s.site }}"), "S", "has its name");
	dag_free(d);
	json_decref(given);
	maker_release(&m);
}

static void inherited(void)
{
	struct maker m;
	struct dag *d;
	uint32_t a, b, c, e;

	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	c = step(&m, "c");
	e = step(&m, "e");
	fan_words(&m, a, "x", "p q r");
	fan_words(&m, b, "y", "1 2 3");
	each(&m, c, a, WDF_SUCCESS);
	each(&m, c, b, WDF_ANY);
	each(&m, e, c, WDF_SUCCESS);
	d = build(&m);
	is_str(values(d, c, 1), "x=q y=2", "names of both parents");
	is_int(d->instances[e].dims_of, a, "the owner of the fan-out");
	is_str(parents(d, c, 2), "a[2] b[2]", "index by index");
	ok(d->instances[a].dims[0].values == d->instances[e].dims[0].values, "values are shared");
	dag_free(d);
	maker_release(&m);

	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	fan(&m, a, "x", 3);
	fan(&m, b, "y", 4);
	each(&m, b, a, WDF_SUCCESS);
	refused(&m, "E0315", "step 'b' has 4 tasks and waits for 'each' of 'a', which has 3");
}

/*   prepare ..> sim[i] ..> post[i] ..> gather      all by files */
static void data(void)
{
	struct maker m;
	struct dag *d;
	uint32_t p, s, o, g, x;

	maker_init(&m);
	p = step(&m, "prepare");
	s = step(&m, "sim");
	o = step(&m, "post");
	g = step(&m, "gather");
	x = step(&m, "shift");
	writes(&m, p, "in.crack");
	fan_words(&m, s, "seed", "7 8 9");
	workdir(&m, s, "member/{{ seed }}");
	reads(&m, s, "../../in.crack");
	writes(&m, s, "out/");
	fan_words(&m, o, "seed", "7 8 9");
	reads(&m, o, "/run/./member/{{ seed }}//out/dump.1");
	writes(&m, o, "table/{{ seed }}");
	reads(&m, g, "table/7");
	reads(&m, g, "table/9");
	reads(&m, g, "from/elsewhere");
	fan_words(&m, x, "of", "9 7");
	reads(&m, x, "table/{{ of }}");
	d = build(&m);
	is_int(d->dep_count, 4, "an edge for each pair of steps");
	is_int(d->deps[0].kind, DAG_ALL, "one for all: a barrier");
	is_int(d->deps[1].kind, DAG_EACH, "i for i, found below a directory");
	is_int(d->deps[2].kind, DAG_SOME, "some");
	is_str(parents(d, s, 1), "prepare", "the one that writes it");
	is_str(parents(d, o, 2), "sim[2]", "as each");
	is_str(parents(d, g, 0), "post[0] post[2]", "two of three");
	is_str(parents(d, x, 0), "post[2]", "crosswise");
	is_str(parents(d, x, 1), "post[0]", "crosswise");
	is_int(d->deps[2].cause, DAG_BY_DATA, "by data");
	dag_free(d);
	maker_release(&m);
}

static void data_beside_after(void)
{
	struct maker m;
	struct dag *d;
	uint32_t a, b, c;

	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	c = step(&m, "c");
	fan(&m, a, "i", 3);
	writes(&m, a, "o/{{ i }}");
	each(&m, b, a, WDF_ANY);
	reads(&m, b, "o/{{ i }}");
	after(&m, c, a, WDF_START);
	reads(&m, c, "o/1");
	d = build(&m);
	is_int(d->instances[b].in_count, 1, "what 'after' orders needs no second edge");
	is_int(d->instances[c].in_count, 2, "a start is no end");
	is_str(parents(d, c, 0), "a a[1]", "so both stand");
	dag_free(d);
	maker_release(&m);
}

static void data_refused(void)
{
	struct maker m;
	struct dag *d;
	uint32_t a, b, c;

	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	writes(&m, a, "x/../out");
	workdir(&m, b, "sub");
	writes(&m, b, "../out");
	refused(&m, "E0316", "output '/run/out' is declared by two tasks, 'a' and 'b'");

	maker_init(&m);
	a = step(&m, "a");
	fan(&m, a, "i", 3);
	writes(&m, a, "out");
	refused(&m, "E0316", "output '/run/out' is declared by two tasks, 'a[0]' and 'a[1]'");

	maker_init(&m);
	a = step(&m, "a");
	reads(&m, a, "out");
	writes(&m, a, "out");
	refused(&m, "E0306", "task 'a' needs its own output 'out'");

	/*   make ..> fill[0..2] (in place) ..> show    */
	maker_init(&m);
	a = step(&m, "make");
	b = step(&m, "fill");
	c = step(&m, "show");
	writes(&m, a, "db");
	fan(&m, b, "i", 3);
	reads(&m, b, "db");
	writes(&m, b, "db");
	m.w.steps[b].update = 1;
	reads(&m, c, "db");
	d = build(&m);
	is_str(parents(d, b, 2), "make",
	       "who updates a file waits for its maker, not for the others");
	is_str(parents(d, c, 0), "make fill", "who reads it waits for all of them");
	dag_free(d);
	maker_release(&m);
}

static void circles(void)
{
	struct maker m;
	uint32_t a, b, c, s;

	/*   a --> b --> c --> a   */
	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	c = step(&m, "c");
	after(&m, b, a, WDF_SUCCESS);
	after(&m, c, b, WDF_SUCCESS);
	after(&m, a, c, WDF_SUCCESS);
	refused(&m, "E0306",
		"dependency cycle: 'a' waits for 'c', which waits for 'b', which waits for 'a'");

	/*   a --> a   */
	maker_init(&m);
	a = step(&m, "a");
	after(&m, a, a, WDF_ANY);
	refused(&m, "E0306", "dependency cycle: 'a' waits for 'a'");

	/*   a --> b ..table.txt..> a   */
	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	after(&m, b, a, WDF_SUCCESS);
	reads(&m, a, "table.txt");
	writes(&m, b, "table.txt");
	refused(&m, "E0306", "dependency cycle: 'a' needs 'table.txt' of 'b', which waits for 'a'");

	/*   a[0] ..> b[0] ..> a[1] is none; b[0] ..> a[0] closes it   */
	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	fan(&m, a, "i", 2);
	fan(&m, b, "i", 2);
	writes(&m, a, "a/{{ i }}");
	reads(&m, b, "a/{{ i }}");
	writes(&m, b, "b/{{ i }}");
	reads(&m, a, "b/0");
	refused(&m, "E0306",
		"dependency cycle: 'a[0]' needs 'b/0' of 'b[0]', which needs 'a/0' of 'a[0]'");

	/*   a uses db, which comes after b, which comes after a   */
	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	s = service(&m, "db");
	use(&m, a, s);
	after(&m, b, a, WDF_SUCCESS);
	m.w.services[s].after[m.w.services[s].after_count++] =
		(struct wdf_after){ .step = b, .service = UINT32_MAX };
	refused(&m, "E0306",
		"dependency cycle: 'a' uses service 'db', which waits for 'b', which waits for "
		"'a'");

	/*   the same, but b needs a's file   */
	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	s = service(&m, "db");
	use(&m, a, s);
	writes(&m, a, "f");
	reads(&m, b, "f");
	m.w.services[s].after[m.w.services[s].after_count++] =
		(struct wdf_after){ .step = b, .service = UINT32_MAX };
	refused(&m, "E0306",
		"dependency cycle: 'a' uses service 'db', which waits for 'b', which needs 'f' of "
		"'a'");

	/*   two services after each other   */
	maker_init(&m);
	step(&m, "a");
	service(&m, "p");
	service(&m, "q");
	for (uint32_t k = 0; k < 2; k++)
		m.w.services[k].after[m.w.services[k].after_count++] =
			(struct wdf_after){ .step = UINT32_MAX, .service = 1 - k };
	refused(&m, "E0306",
		"dependency cycle: service 'p' waits for service 'q', which waits for service 'p'");

	/*   list --from--> fan --> list   */
	maker_init(&m);
	a = step(&m, "list");
	b = step(&m, "fan");
	fan_from(&m, b, "x", a);
	after(&m, a, b, WDF_SUCCESS);
	refused(&m, "E0306",
		"dependency cycle: 'list' waits for 'fan', which fans out over a list of 'list'");
}

/* What waits for a circle is not part of it; an empty fan-out is no way out of one. */
static void beside_circles(void)
{
	struct maker m;
	uint32_t a, b, c, z;

	/*   a --> b --> c --> a      c --> z   */
	maker_init(&m);
	z = step(&m, "z");
	a = step(&m, "a");
	b = step(&m, "b");
	c = step(&m, "c");
	after(&m, z, c, WDF_SUCCESS);
	after(&m, b, a, WDF_SUCCESS);
	after(&m, c, b, WDF_SUCCESS);
	after(&m, a, c, WDF_SUCCESS);
	refused(&m, "E0306",
		"dependency cycle: 'a' waits for 'c', which waits for 'b', which waits for 'a'");

	/*   b --> c --> b      c --> a --> b   : told from where the file begins   */
	maker_init(&m);
	a = step(&m, "a");
	b = step(&m, "b");
	c = step(&m, "c");
	after(&m, a, c, WDF_SUCCESS);
	after(&m, c, b, WDF_SUCCESS);
	after(&m, b, c, WDF_SUCCESS);
	after(&m, b, a, WDF_SUCCESS);
	refused(&m, "E0306", "dependency cycle: 'b' waits for 'c', which waits for 'b'");

	/*   a[x] --by x--> none (no tasks) ==> b ..> a[1]   */
	maker_init(&m);
	a = step(&m, "a");
	z = step(&m, "none");
	b = step(&m, "b");
	fan_words(&m, a, "x", "0 1");
	fan(&m, z, "x", 0);
	by(&m, z, a, WDF_SUCCESS, "x");
	after(&m, b, z, WDF_ANY);
	writes(&m, b, "to/1");
	reads(&m, a, "to/{{ x }}");
	refused(&m, "E0306",
		"dependency cycle: 'a[1]' needs 'to/1' of 'b', which waits for 'none', which waits "
		"for 'a[1]'");
}

/* Chains within a step and steps that take turns are no circles. */
static void no_circles(void)
{
	struct maker m;
	struct dag *d;
	uint32_t a, b;

	/*   ocean[t] ..> air[t] ..> ocean[t+1]   */
	maker_init(&m);
	a = step(&m, "ocean");
	b = step(&m, "air");
	for (uint32_t k = 0; k < 2; k++) {
		struct wdf_dim *dim;

		fan(&m, k, "t", 50);
		dim = add_dim(&m, k, "last", WDF_DIM_RANGE);
		dim->first = -1;
		dim->last = 48;
		dim->step = 1;
		m.w.steps[k].zip = 1;
	}
	writes(&m, a, "ocean/{{ t }}");
	reads(&m, b, "ocean/{{ t }}");
	writes(&m, b, "air/{{ t }}");
	reads(&m, a, "air/{{ last }}");
	m.w.steps[a].resources.time_ms = 10;
	m.w.steps[b].resources.time_ms = 1;
	d = build(&m);
	is_str(parents(d, a, 3), "air[2]", "turn by turn");
	is_int(d->instances[a].part, d->instances[b].part, "in one part");
	is_int(d->instances[a].weight, 50 * 11, "weighed task by task");
	is_int(d->instances[b].weight, 49 * 11 + 1, "both");
	dag_free(d);
	maker_release(&m);
}

/*   list --from--> sim (writes dump/{{ x }}) ..> show (reads dump/7.dat) */
static void run_time_data(void)
{
	struct maker m;
	struct dag *d;
	struct wdf_value v[2];
	struct wf_err err;
	uint32_t l, s, o, p;

	maker_init(&m);
	l = step(&m, "list");
	s = step(&m, "sim");
	o = step(&m, "show");
	p = step(&m, "prepare");
	fan_from(&m, s, "x", l);
	writes(&m, s, "dump/{{ x }}.dat");
	reads(&m, o, "dump/7.dat");
	writes(&m, p, "in/b");
	reads(&m, s, "in/{{ x }}");
	d = build(&m);
	is_str(parents(d, o, 0), "sim", "who reads what a list may write waits for all of it");
	is_int(d->instances[s].in_count, 1, "what a list will read is not known");
	v[0] = wdf_value_of_text(&m.w.arena, "a");
	v[1] = wdf_value_of_text(&m.w.arena, "b");
	ok(dag_size(d, s, v, 2, &err) == 0, "sized");
	is_str(parents(d, s, 1), "list prepare", "now it is");
	is_str(parents(d, s, 0), "list", "task by task");
	is_int(d->instances[s].first, 3, "ordinals after the last");
	is_int(dag_task_instance(d, 4), s, "which are found");
	dag_free(d);

	d = build(&m);
	v[1] = v[0];
	ok(dag_size(d, s, v, 2, &err) < 0, "two entries that write one file");
	is_str(err.text, "output '/run/dump/a.dat' is declared by two tasks, 'sim[0]' and 'sim[1]'",
	       "are refused");
	is_int(d->instances[s].count, DAG_UNSIZED, "and all is as before");
	v[1] = wdf_value_of_text(&m.w.arena, "b");
	ok(dag_size(d, s, v, 2, &err) == 0, "so that a better list can come");
	dag_free(d);
	maker_release(&m);
}

/*   seed ..> list --from--> sim     list reads dump/first, which sim's pattern would fit, and comes before it */
static void guesses(void)
{
	struct maker m;
	struct dag *d;
	struct wdf_value v;
	struct wf_err err;
	uint32_t e, l, s;

	maker_init(&m);
	e = step(&m, "seed");
	l = step(&m, "list");
	s = step(&m, "sim");
	writes(&m, e, "dump/first");
	reads(&m, l, "dump/first");
	fan_from(&m, s, "x", l);
	writes(&m, s, "dump/{{ x }}");
	d = build(&m);
	is_str(parents(d, l, 0), "seed",
	       "what leads to a fan-out does not wait for what it may write");
	v = wdf_value_of_text(&m.w.arena, "second");
	ok(dag_size(d, s, &v, 1, &err) == 0, "as long as it does not");
	dag_free(d);
	m.w.steps[e].output_count = 0;
	d = build(&m);
	v = wdf_value_of_text(&m.w.arena, "first");
	ok(dag_size(d, s, &v, 1, &err) < 0, "when it does, it is too late");
	is_str(err.text, "step 'sim' turns out to write what 'list' reads, which comes before it",
	       "and said");
	dag_free(d);
	maker_release(&m);
}

static void names(void)
{
	struct maker m;
	struct dag *d;
	struct wf_err err;
	uint32_t a, b, i, k;

	maker_init(&m);
	a = step(&m, "simulate");
	b = step(&m, "a.b-c");
	fan(&m, a, "x", 20);
	d = build(&m);
	ok(dag_task_find(d, "simulate[12]", &i, &k, &err) == 0 && i == a && k == 12, "a task");
	ok(dag_task_find(d, "a.b-c", &i, &k, &err) == 0 && i == b && k == 0,
	   "the task of a step that does not fan out");
	ok(dag_task_find(d, "simulate", &i, &k, &err) == 0 && i == a && k == DAG_UNSIZED,
	   "a step as a whole");
	is_str(task(d, a, 12), "simulate[12]", "there and back");
	ok(dag_task_find(d, "simulate[20]", &i, &k, &err) < 0, "one too far");
	is_str(err.text, "no task 'simulate[20]'; step 'simulate' has 20", "is told how far");
	ok(dag_task_find(d, "simulat[1]", &i, &k, &err) < 0, "a slip");
	is_str(err.text, "no step 'simulat' in this run; did you mean 'simulate'?",
	       "is met with the nearest");
	ok(dag_task_find(d, "a.b-c[0]", &i, &k, &err) < 0 && err.code == WF_NOT_FOUND,
	   "an index where there is none");
	ok(dag_task_find(d, "simulate[99999999999]", &i, &k, &err) < 0, "a very large index");
	ok(dag_task_find(d, "[1]", &i, &k, &err) < 0, "no name");
	for (uint32_t o = 0; o < d->task_count; o++)
		if (d->instances[dag_task_instance(d, o)].first > o)
			ok(0, "ordinal %u", o);
	dag_free(d);
	maker_release(&m);
}

/* ---- services of a step's or a task's own ------------------------------------------------ */

static void is_service(const struct dag *d, uint32_t n, const char *name)
{
	char text[DAG_SERVICE_NAME];

	dag_service_name(d, n, text, sizeof(text));
	is_str(text, name, "service %u", n);
}

/* What was numbered before a list is known keeps its number. */
static void own_services(void)
{
	struct maker m;
	struct dag *d, *again;
	struct wf_buf b = { 0 };
	struct wf_err err;
	struct wdf_value v[2];
	uint32_t l, s, t, all, each_step, each_task, under;

	maker_init(&m);
	l = step(&m, "list");
	s = step(&m, "sim");
	t = step(&m, "tell");
	fan(&m, t, "x", 2);
	fan_from(&m, s, "x", l);
	each_task = service(&m, "own");
	all = service(&m, "all");
	each_step = service(&m, "db");
	under = service(&m, "under");
	m.w.services[each_task].scope = m.w.services[under].scope = WDF_SCOPE_TASK;
	m.w.services[each_step].scope = WDF_SCOPE_STEP;
	m.w.services[each_task].after[m.w.services[each_task].after_count++] = (struct wdf_after){ .step = DAG_UNSIZED, .service = under };
	use(&m, s, each_task);
	use(&m, t, each_task);
	use(&m, t, all);
	use(&m, s, each_step);
	use(&m, t, each_step);
	d = build(&m);
	is_int(d->service_count, 7, "what is known at submit");
	is_service(d, 0, "own (of tell[0])");
	is_service(d, 2, "all");
	is_service(d, 3, "db (of sim)");
	is_service(d, 6, "under (of tell[1])");
	is_int(dag_service_of(d, each_task, s, DAG_UNSIZED), DAG_UNSIZED, "none for tasks that are not known");
	is_int(dag_service_of(d, all, s, 0), 2, "the run's is everybody's");
	is_int(dag_service_of(d, each_step, t, 1), 4, "a step's own that of its tasks");
	is_int(dag_service_of(d, under, t, 1), 6, "what it comes after is the task's own too");
	v[0] = wdf_value_of_text(&m.w.arena, "a");
	v[1] = wdf_value_of_text(&m.w.arena, "b");
	ok(dag_size(d, s, v, 2, &err) == 0, "a list is known");
	is_int(d->service_count, 11, "its tasks get theirs");
	is_service(d, 0, "own (of tell[0])");
	is_service(d, 8, "own (of sim[1])");
	is_int(dag_service_of(d, under, s, 1), 10, "by task");
	dag_encode(d, &b);
	again = dag_decode(&m.w, b.data, b.len, &err);
	ok(again && again->service_count == 11 && memcmp(again->services, d->services, 11 * sizeof(*d->services)) == 0,
	   "all the same when it is read again");
	wf_buf_release(&b);
	dag_free(again);
	dag_free(d);
	maker_release(&m);
}

static void too_many_services(void)
{
	struct maker m;
	uint32_t s;

	maker_init(&m);
	s = step(&m, "sim");
	fan(&m, s, "x", 10001);
	use(&m, s, service(&m, "db"));
	m.w.services[0].scope = WDF_SCOPE_TASK;
	ok(!try_build(&m), "more services than a run may have");
	is_str(m.diags.items[0].text, "with service 'db' for each of the tasks that use it the run has more than 10000 services", "are refused");
	is_int(m.diags.items[0].pos.line, 500, "where it is declared");
	wdf_diags_release(&m.diags);
	memset(&m.diags, 0, sizeof(m.diags));
	m.w.services[0].scope = WDF_SCOPE_STEP;
	dag_free(build(&m));
	maker_release(&m);
}

int main(void)
{
	own_services();
	too_many_services();
	products();
	ranges();
	sources();
	groups();
	groups_of_none();
	group_by_field();
	inherited();
	data();
	data_beside_after();
	data_refused();
	circles();
	beside_circles();
	no_circles();
	run_time_data();
	guesses();
	names();
	return done_testing();
}
