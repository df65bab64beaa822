/* wdf_fuzz.c - any text as a workflow file, and the graph of those that are accepted
 *
 * Asserts: a refused file has an error, each with a place inside the file; an accepted file has none; a rendered placeholder is inserted
 * once; the graph comes back from its stored form as it went in, and its plan gives each task one verdict.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/dag.h"
#include "tests/fuzz/fuzz.h"
#include "wdf-schema/wdf.h"

/* Beyond that a few bytes of file are seconds of work: a bound of the site, not of the reader. */
#define TASKS_MAX 5000

static const struct wdf_types *types(void)
{
	static struct wdf_types *loaded;
	const char *dir = "services/types";

	if (!loaded)
		loaded = wdf_types_load(&dir, 1, NULL);
	return loaded;
}

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	(void)self;
	(void)name;
	*out = (struct wdf_value){ .kind = WDF_STRING, .text = n % 2 ? "{{ x }}$(id)'\"" : "7" };
	return 0;
}

/* Everything that a run would do with an accepted file's commands. */
static void render_all(const struct wdf *w)
{
	struct wdf_scope scope = { lookup, NULL };

	for (uint32_t i = 0; i < w->step_count; i++) {
		const struct wdf_step *s = &w->steps[i];
		struct wf_arena a = { 0 };
		struct wf_buf b = { 0 };
		struct wdf_argv argv;
		const char *script;
		char **env;
		size_t n;
		int truth;

		if (s->command && wdf_command_render(s->command, &scope, &a, &argv, NULL) == 0)
			MUST(argv.argc > 0 && argv.argv[argv.argc] == NULL);
		if (wdf_setup_render(s, &scope, &a, &script, &env, &n, NULL) == 0)
			MUST(script && env);
		if (s->workdir.count)
			wdf_tmpl_render(&s->workdir, &scope, &b, NULL);
		if (s->when)
			wdf_expr_eval(s->when, &scope, &truth, NULL);
		wf_buf_release(&b);
		wf_arena_release(&a);
	}
}

/* ---- the graph ------------------------------------------------------------------------------------------- */

static uint64_t tasks_of(const struct wdf_step *s)
{
	uint64_t n = 1;

	for (uint32_t i = 0; i < s->dim_count && n <= TASKS_MAX; i++) {
		const struct wdf_dim *dim = &s->dims[i];

		if (dim->kind == WDF_DIM_LIST)
			n *= dim->list.count + 1;
		else if (dim->kind == WDF_DIM_RANGE)
			n *= ((uint64_t)dim->last - (uint64_t)dim->first) / (uint64_t)(dim->step > 0 ? dim->step : -dim->step) % (1u << 30) + 2;
	}
	return n;
}

static void plan_all(const struct dag *d)
{
	struct dag_plan *p = dag_plan_create(d);
	uint32_t verdicts = 0;
	struct dag_verdict v;

	while (dag_plan_next(p, &v)) {
		if (v.kind == DAG_SIZE) {
			dag_plan_unlisted(p, v.instance);
			continue;
		}
		MUST(v.instance < d->instance_count && v.first + v.count <= d->instances[v.instance].count);
		verdicts += v.count;
		for (uint32_t i = v.first; i < v.first + v.count; i++)
			if (v.kind == DAG_RELEASE) {
				dag_plan_started(p, v.instance, i);
				dag_plan_ended(p, v.instance, i, (v.instance + i) % 3 == 1 ? DAG_FAILED : DAG_SUCCEEDED, 0);
			} else {
				dag_plan_ended(p, v.instance, i, DAG_SKIPPED_BAD, v.skip == DAG_SKIP_NOT_NEEDED ? v.instance : v.root_instance);
			}
	}
	MUST(verdicts == d->task_count);
	dag_plan_free(p);
}

static void build(const struct wdf *w)
{
	json_t *sources = json_pack("{s{} s{}}", "glob", "csv");
	struct wdf_diags diags = { 0 };
	struct wf_buf once = { 0 }, twice = { 0 };
	uint64_t tasks = 0;
	struct wf_err err;
	struct dag *d, *back;

	for (uint32_t i = 0; i < w->step_count; i++)
		tasks += tasks_of(&w->steps[i]);
	if (w->step_count <= 200 && tasks <= TASKS_MAX) {
		d = dag_build(w, sources, "/w", &diags);
		MUST((d == NULL) == (diags.errors > 0));
		if (d) {
			dag_encode(d, &once);
			back = dag_decode(w, once.data, once.len, &err);
			MUST_SAY(back, err.text);
			dag_encode(back, &twice);
			MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
			plan_all(back);
			dag_free(back);
			dag_free(d);
		}
	}
	json_decref(sources);
	wf_buf_release(&once);
	wf_buf_release(&twice);
	wdf_diags_release(&diags);
}

/* ---- the file ---------------------------------------------------------------------------------------------- */

static void are_placed(const struct wdf_diags *d, const char *text, size_t n)
{
	uint32_t lines = fuzz_lines(text, n);
	size_t errors = 0;

	for (size_t i = 0; i < d->count; i++) {
		const struct wdf_diag *f = &d->items[i];

		errors += f->severity == WDF_ERROR;
		MUST(f->text && *f->text && f->span > 0);
		MUST_SAY(f->pos.line <= lines && f->related.line <= lines, f->text);
		/* Only what concerns -p has no place. */
		MUST_SAY((f->pos.line > 0 && f->pos.column > 0) || strncmp(f->text, "-p", 2) == 0 || strcmp(f->code, "E0101") == 0, f->text);
	}
	MUST(errors <= WDF_MAX_ERRORS && errors <= d->errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "X", "seed" }, *const values[] = { "1,2", "a b" };
	int64_t start = fuzz_start();
	struct wdf_input in = { .file = "f", .names = names, .values = values };
	struct wdf_diags d = { 0 };
	struct wf_buf out = { 0 };
	struct wdf *w;
	json_t *j;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	in.given = data[0] % 2;
	in.allow_needed = data[0] % 2;
	in.len = size - 1;
	in.text = wf_xstrndup((const char *)data + 1, in.len);
	w = wdf_parse(&in, types(), &d);
	MUST((w == NULL) == (d.errors > 0));
	are_placed(&d, in.text, in.len);
	if (w) {
		wdf_executable(w, "local", types(), &d);
		render_all(w);
		if (!w->needed_count)
			build(w);
	}
	wdf_diags_text(&d, "f", in.text, in.len, 1, &out);
	j = wdf_diags_json(&d);
	MUST(j && json_array_size(j) == d.count);
	json_decref(j);
	wf_buf_release(&out);
	wdf_diags_release(&d);
	wdf_free(w);
	free((char *)(uintptr_t)in.text);
	fuzz_end(start);
	return 0;
}
