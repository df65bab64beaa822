/* parsed_test.c - from the text of a file to tasks: the shapes that docs/wdf.md promises. */
#include <string.h>

#include "dag/dag.h"
#include "engine/base/json.h"
#include "tests/tap/tap.h"

static struct wdf *parse(const char *text)
{
	struct wdf_input in = { .text = text, .len = strlen(text), .file = "test.yaml" };
	struct wdf_diags diags = { 0 };
	struct wf_buf out = { 0 };
	struct wdf_types *types;
	struct wdf *w;
	struct wf_err err;

	types = wdf_types_load(NULL, 0, &err);
	if (!types)
		bail("types: %s", err.text);
	w = wdf_parse(&in, types, &diags);
	if (!w) {
		wdf_diags_text(&diags, "test.yaml", text, strlen(text), 0, &out);
		bail("%s", wf_buf_cstr(&out));
	}
	wdf_types_free(types);
	wdf_diags_release(&diags);
	return w;
}

static int add_parent(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	void **a = arg;
	char name[160];

	(void)dep;
	dag_task_name(a[0], instance, index, name, sizeof(name));
	wf_buf_printf(a[1], "%s%s", ((struct wf_buf *)a[1])->len ? " " : "", name);
	return 0;
}

static const char *parents(const struct dag *d, const char *name)
{
	static struct wf_buf out;
	void *arg[2] = { (void *)(uintptr_t)d, &out };
	uint32_t instance, index;
	struct wf_err err;

	wf_buf_clear(&out);
	if (dag_task_find(d, name, &instance, &index, &err) < 0)
		return err.text[0] ? "no such task" : "";
	dag_task_parents(d, instance, index, add_parent, arg);
	return wf_buf_cstr(&out);
}

/*   prepare ..> simulate[seed] --each--> csym[seed] ==> report
                              `-each--> cna[seed] ==any==^            */
static void crack(void)
{
	static const char text[] =
		"workflow: {name: crack}\n"
		"params:\n"
		"  seeds: [11, 12, 13]\n"
		"  mode: {type: string, choices: [quick, full], default: quick}\n"
		"defaults:\n"
		"  resources: {cpus: 1, time: 10m}\n"
		"steps:\n"
		"  - name: prepare\n"
		"    command: ./make-input {{ mode }} > in.crack\n"
		"    outputs: [in.crack]\n"
		"  - name: simulate\n"
		"    foreach: {seed: \"{{ seeds }}\"}\n"
		"    workdir: \"member/{{ seed }}\"\n"
		"    command: \"lmp -in ../../in.crack -var seed {{ seed }}\"\n"
		"    inputs: [../../in.crack]\n"
		"    outputs: [dump.crack]\n"
		"    resources: {time: 1h}\n"
		"  - name: csym\n"
		"    after: [{step: simulate, each: true}]\n"
		"    workdir: \"member/{{ seed }}\"\n"
		"    argv: [../../csym, dump.crack]\n"
		"  - name: cna\n"
		"    after: [{step: simulate, each: true}]\n"
		"    when: mode == 'full'\n"
		"    workdir: \"member/{{ seed }}\"\n"
		"    argv: [../../cna, dump.crack]\n"
		"  - name: report\n"
		"    after: [csym, {step: cna, result: any}]\n"
		"    argv: [./report]\n";
	struct wdf *w = parse(text);
	struct wdf_diags diags = { 0 };
	struct dag *d = dag_build(w, NULL, "/work", &diags);
	struct dag_estimate e;

	ok(d != NULL, "built");
	is_int(d->task_count, 11, "prepare, three times three, report");
	is_str(parents(d, "simulate[2]"), "prepare",
	       "an edge from data, through the working directory");
	is_str(parents(d, "cna[1]"), "simulate[1]", "each");
	is_str(parents(d, "report"), "csym cna", "after");
	dag_estimate(d, 2, 0, &e);
	is_int(e.critical_ms, (10 + 60 + 10 + 10) * 60000, "declared times make the longest path");
	is_int(e.makespan_ms, (10 + 60 + 60 + 10 + 10) * 60000, "and the makespan on two cores");
	dag_free(d);
	wdf_free(w);
	wdf_diags_release(&diags);
}

/* every form of foreach */
static void fan_outs(void)
{
	static const char text[] = "workflow: {name: forms}\n"
				   "steps:\n"
				   "  - name: product\n"
				   "    foreach: {a: [x, y], b: {range: 3}}\n"
				   "    command: echo {{ a }} {{ b }}\n"
				   "  - name: zip\n"
				   "    foreach: {a: [x, y], b: {range: [5, 6, 1]}}\n"
				   "    zip: true\n"
				   "    command: echo {{ a }} {{ b }}\n"
				   "  - name: files\n"
				   "    foreach: {f: {glob: \"in/*.dat\"}}\n"
				   "    command: echo {{ f.stem }}\n"
				   "  - name: rows\n"
				   "    foreach: {s: {csv: runs.csv}}\n"
				   "    command: echo {{ s.t }}\n"
				   "  - name: list\n"
				   "    command: ./list\n"
				   "    outputs: [members.json]\n"
				   "  - name: members\n"
				   "    foreach: {m: {from: list, list: members.json}}\n"
				   "    command: echo {{ m }}\n"
				   "  - name: by_a\n"
				   "    after: [{step: product, by: [a]}]\n"
				   "    command: echo {{ a }}\n";
	static const char given[] = "{\"glob\": {\"in/*.dat\": [\"in/a.dat\"]}, \"csv\": "
				    "{\"runs.csv\": [{\"t\": \"1\"}, {\"t\": \"2\"}]}}";
	struct wdf *w = parse(text);
	struct wdf_diags diags = { 0 };
	json_t *sources = wf_json_parse(given, sizeof(given) - 1, NULL);
	struct dag *d = dag_build(w, sources, "/work", &diags);
	static const uint32_t counts[] = { 6, 2, 1, 2, 1, DAG_UNSIZED, 2 };

	ok(d != NULL, "built");
	for (uint32_t i = 0; d && i < WF_COUNT(counts); i++)
		is_int(d->instances[i].count, counts[i], "tasks of '%s'", d->instances[i].name);
	is_str(parents(d, "by_a[1]"), "product[3] product[4] product[5]", "by group");
	is_str(parents(d, "members"), "list", "a list comes from its step");
	dag_free(d);
	json_decref(sources);
	wdf_free(w);
	wdf_diags_release(&diags);
}

/* A finding of the graph stands beside those of the language: same list, with its place in the file. */
static void located(void)
{
	static const char text[] = "workflow: {name: twice}\n"
				   "steps:\n"
				   "  - name: a\n"
				   "    foreach: {i: [1, 2]}\n"
				   "    command: echo {{ i }}\n"
				   "    outputs: [\"o/{{ i }}\"]\n"
				   "  - name: b\n"
				   "    command: echo\n"
				   "    outputs: [o/2]\n";
	struct wdf *w = parse(text);
	struct wdf_diags diags = { 0 };
	struct wf_buf out = { 0 };

	ok(!dag_build(w, NULL, "/work", &diags), "refused");
	wdf_diags_text(&diags, "twice.yaml", text, sizeof(text) - 1, 0, &out);
	has_str(wf_buf_cstr(&out),
		"twice.yaml:9:15: error[E0316]: output '/work/o/2' is declared by two tasks, "
		"'a[1]' and 'b'",
		"with its place");
	has_str(wf_buf_cstr(&out), "twice.yaml:6:15: note: declared here first", "and the other's");
	wf_buf_release(&out);
	wdf_free(w);
	wdf_diags_release(&diags);
}

static void add_value(const char *name, const struct wdf_value *v, void *arg)
{
	wf_buf_printf(arg, "%s%s=", ((struct wf_buf *)arg)->len ? " " : "", name);
	wdf_value_text(v, arg);
}

/* All values of a task as templates see them at one time, and one by one. */
static void see(const struct dag *d, uint32_t step, uint32_t index, const char *want, const char *how)
{
	struct dag_scope s = { .dag = d, .instance = step, .index = index };
	struct wdf_scope names = dag_scope_of(&s);
	const struct dag_instance *in = &d->instances[step];
	struct wdf_value v[16];
	struct wf_buf seen = { 0 }, listed = { 0 };

	for (uint32_t k = 0; k < in->dim_count; k++)
		if (names.lookup(names.self, in->dims[k].name, strlen(in->dims[k].name), &v[k]) < 0)
			bail("'%s' is not in reach", in->dims[k].name);
	for (uint32_t k = 0; k < in->dim_count; k++)
		add_value(in->dims[k].name, &v[k], &seen);
	dag_task_values(d, step, index, add_value, &listed);
	is_str(wf_buf_cstr(&seen), want, "%s: names in reach", how);
	is_str(wf_buf_cstr(&listed), want, "%s: listed", how);
	wf_buf_release(&seen);
	wf_buf_release(&listed);
}

/* More names than have room of their own in a scope, downwards and below zero too. */
static void ranges(void)
{
	static const char text[] = "workflow: {name: t}\n"
				   "steps:\n"
				   "  - name: a\n"
				   "    zip: true\n"
				   "    foreach: {a: {range: [5, 1, -2]}, b: {range: [-9, -7]}, c: {range: 3}, d: {range: 3}, e: {range: 3},\n"
				   "              f: {range: 3}, g: {range: 3}, h: {range: 3}, i: {range: [7, 9]}, j: {range: [-20, 0, 10]}}\n"
				   "    command: echo {{ a }}\n"
				   "  - name: b\n"
				   "    foreach: {k: {range: [100, 300, 100]}}\n"
				   "    after: [{step: a, each: true}]\n"
				   "    command: echo {{ a }} {{ k }}\n";
	struct wdf *w = parse(text);
	struct wdf_diags diags = { 0 };
	struct dag *d = dag_build(w, NULL, "/work", &diags), *again;
	struct wf_buf stored = { 0 };
	struct wf_err err;

	if (!d)
		bail("not built");
	see(d, 0, 2, "a=1 b=-7 c=2 d=2 e=2 f=2 g=2 h=2 i=9 j=0", "ten ranges");
	see(d, 1, 1, "k=200 a=3 b=-8 c=1 d=1 e=1 f=1 g=1 h=1 i=8 j=-10", "one more before them");
	dag_encode(d, &stored);
	again = dag_decode(w, stored.data, stored.len, &err);
	if (!again)
		bail("%s", err.text);
	see(again, 1, 1, "k=200 a=3 b=-8 c=1 d=1 e=1 f=1 g=1 h=1 i=8 j=-10", "stored and read again");
	wf_buf_release(&stored);
	dag_free(again);
	dag_free(d);
	wdf_free(w);
	wdf_diags_release(&diags);
}

int main(void)
{
	crack();
	ranges();
	fan_outs();
	located();
	return done_testing();
}
