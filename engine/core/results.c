/* results.c - owns what later steps see of earlier ones: results kept in memory, step.tasks files, lists of run-time fan-outs.
 *
 * Only results that something refers to are kept; the store keeps all.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/core/engine.h"

enum { LIST_MAX = 64 << 20 };

/* ---- which are kept ---------------------------------------------------------------------------------------- */

static int name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* "<name>.result" or "<name>.tasks" ends at text[dot]: mark the longest step name before it. */
static void mark_before(struct run *r, const char *text, size_t dot)
{
	size_t start = dot;
	char name[160];

	while (start > 0 && dot - start < sizeof(name) - 1 && name_char(text[start - 1]))
		start--;
	for (; start < dot; start++) {
		uint32_t instance, index;

		memcpy(name, text + start, dot - start);
		name[dot - start] = '\0';
		if (dag_task_find(r->dag, name, &instance, &index, NULL) == 0) {
			r->inst[instance].keep_results = 1;
			return;
		}
	}
}

void results_mark(struct run *r, const char *text, size_t n)
{
	for (size_t i = 0; i + 6 < n; i++)
		if (text[i] == '.' && (strncmp(text + i, ".tasks", 6) == 0 ||
				       (i + 7 < n && strncmp(text + i, ".result", 7) == 0)))
			mark_before(r, text, i);
	for (uint32_t i = 0; i < r->inst_count; i++) {
		const struct wdf_step *step = &r->wdf->steps[r->dag->instances[i].step];

		for (uint32_t k = 0; k < step->dim_count; k++)
			if (step->dims[k].kind == WDF_DIM_FROM)
				r->inst[step->dims[k].from_step].keep_results = 1;
	}
}

/* ---- step.tasks: one JSON line a task ------------------------------------------------------------------------ */

static void add_parameter(const char *name, const struct wdf_value *v, void *arg)
{
	json_object_set_new(arg, name, wdf_value_json(v));
}

static json_t *outputs_of(struct engine *e, struct run *r, uint32_t instance, uint32_t index)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	struct wf_arena a = { 0 };
	/* The step's own outputs refer to nothing but parameters here: a scope without further steps, so that this cannot recurse. */
	struct dag_scope ds = { .dag = r->dag, .instance = instance, .index = index };
	struct wdf_scope scope = dag_scope_of(&ds);
	json_t *list = json_array();
	struct wf_buf b = { 0 };
	char *cwd;

	(void)e;
	if (step->workdir.count && wdf_tmpl_render(&step->workdir, &scope, &b, NULL) == 0)
		cwd = wf_path_resolve(r->row.workdir, wf_buf_cstr(&b));
	else
		cwd = wf_xstrdup(r->row.workdir);
	for (uint32_t i = 0; i < step->output_count; i++) {
		wf_buf_clear(&b);
		if (wdf_tmpl_render(&step->outputs[i], &scope, &b, NULL) == 0) {
			char *path = wf_path_resolve(cwd, wf_buf_cstr(&b));

			json_array_append_new(list, wf_json_text(path, strlen(path)));
			free(path);
		}
	}
	free(cwd);
	wf_buf_release(&b);
	wf_arena_release(&a);
	return list;
}

static void add_line(struct engine *e, struct run *r, uint32_t instance, uint32_t index, struct wf_buf *b)
{
	struct instance *in = &r->inst[instance];
	json_t *o = json_object(), *p = json_object(), *result = NULL;

	dag_task_values(r->dag, instance, index, add_parameter, p);
	if (in->results && in->results[index])
		result = wf_json_parse(in->results[index], strlen(in->results[index]), NULL);
	json_object_set_new(o, "index", json_integer(index));
	json_object_set_new(o, "parameters", p);
	json_object_set_new(o, "state", json_string(wf_seen_name(wf_task_seen(&in->tasks[index]))));
	json_object_set_new(o, "outputs", outputs_of(e, r, instance, index));
	json_object_set_new(o, "result", result ? result : json_null());
	wf_json_dump(o, b);
	wf_buf_char(b, '\n');
	json_decref(o);
}

int results_write_tasks(struct engine *e, struct run *r, uint32_t instance, char **path, struct wf_err *err)
{
	struct instance *in = &r->inst[instance];
	struct wf_buf b = { 0 };
	int rc;

	*path = wf_xasprintf("%s/tasks/%s.jsonl", r->dir, r->dag->instances[instance].name);
	/* Written again only when one more of its tasks has ended: all users of a settled step share one writing. */
	if (in->tasks_written == in->over + 1 && wf_file_exists(e->os, *path))
		return 0;
	for (uint32_t i = 0; i < in->count; i++)
		add_line(e, r, instance, i, &b);
	rc = wf_file_replace(e->os, *path, wf_buf_cstr(&b), b.len, 0600, err);
	wf_buf_release(&b);
	if (rc < 0) {
		free(*path);
		return -1;
	}
	in->tasks_written = in->over + 1;
	return 0;
}

/* ---- lists of run-time fan-outs --------------------------------------------------------------------------------- */

/* A list file: a JSON array, or JSON values one a line, or plain text one value a line. */
static json_t *parse_list(const char *text, size_t n)
{
	json_t *list, *v;
	size_t i = 0;

	while (i < n && isspace((unsigned char)text[i]))
		i++;
	if (i < n && text[i] == '[') {
		list = wf_json_parse(text, n, NULL);
		if (list && json_is_array(list))
			return list;
		json_decref(list);
	}
	list = json_array();
	for (const char *p = text, *end = text + n, *eol; p < end; p = eol + 1) {
		size_t len;

		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		len = (size_t)(eol - p);
		if (len && p[len - 1] == '\r')
			len--;
		if (!len)
			continue;
		v = *p == '{' || *p == '"' || *p == '[' ? wf_json_parse(p, len, NULL) : NULL;
		json_array_append_new(list, v ? v : wf_json_text(p, len));
	}
	return list;
}

static json_t *read_list(struct engine *e, struct run *r, const struct wdf_dim *d, struct wf_err *err)
{
	const struct wdf_step *from = &r->wdf->steps[d->from_step];
	struct instance *in = &r->inst[d->from_step];
	struct dag_scope ds = { .dag = r->dag, .instance = d->from_step };
	struct wdf_scope scope = dag_scope_of(&ds);
	struct wf_buf b = { 0 };
	char *cwd, *path;
	json_t *list = NULL;

	if (in->results && in->count && in->results[0]) {
		json_t *o = wf_json_parse(in->results[0], strlen(in->results[0]), NULL);

		list = json_incref(json_object_get(o, d->source));
		json_decref(o);
		if (json_is_array(list))
			return list;
		if (list) {
			json_decref(list);
			wf_errf(err, WF_INVALID, "result '%s' of step '%s' is not a list", d->source, d->from);
			return NULL;
		}
	}
	if (from->workdir.count && wdf_tmpl_render(&from->workdir, &scope, &b, NULL) == 0)
		cwd = wf_path_resolve(r->row.workdir, wf_buf_cstr(&b));
	else
		cwd = wf_xstrdup(r->row.workdir);
	wf_buf_clear(&b);
	path = wf_path_resolve(cwd, d->source);
	if (wf_file_read(e->os, path, LIST_MAX, &b, err) == 0)
		list = parse_list(wf_buf_cstr(&b), b.len);
	free(path);
	free(cwd);
	wf_buf_release(&b);
	return list;
}

static const struct wdf_dim *list_dim(const struct run *r, uint32_t instance)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];

	for (uint32_t k = 0; k < step->dim_count; k++)
		if (step->dims[k].kind == WDF_DIM_FROM)
			return &step->dims[k];
	return NULL;
}

static void post_size(struct engine *e, struct run *r, uint32_t instance, json_t *values)
{
	struct wf_event ev = { .kind = WF_E_INSTANCE_SIZED, .a = instance, .v = { r->dag->instances[instance].count } };
	struct wf_buf b = { 0 };

	if (values) {
		wf_json_dump(values, &b);
		ev.text[0].p = b.data;
		ev.text[0].n = (uint32_t)b.len;
	}
	core_post(e, r, &ev);
	wf_buf_release(&b);
}

/* The sized instance and all that inherit from it get their tasks; the stored graph is renewed in the same batch. */
static void sized(struct engine *e, struct run *r, uint32_t instance, json_t *list)
{
	struct wf_buf b = { 0 };

	uint32_t services = r->service_count, leases = r->lease_count;

	for (uint32_t i = 0; i < r->inst_count; i++) {
		if (!r->inst[i].unsized || r->dag->instances[i].count == DAG_UNSIZED)
			continue;
		derive_size_instance(r, i, r->dag->instances[i].count);
		r->inst[i].cores = task_cores(r, i);
		r->inst[i].counts[WF_SEEN_WAITING] += r->inst[i].count;
		r->counts[WF_SEEN_WAITING] += r->inst[i].count;
		r->total += r->inst[i].count;
		r->unsized--;
		post_size(e, r, i, i == instance ? list : NULL);
	}
	run_grow_services(e, r);
	services_declare(e, r, services, leases);
	dag_encode(r->dag, &b);
	wf_batch_graph(e->open.rows, r->row.number, b.data, b.len);
	wf_buf_release(&b);
	dag_plan_sized(r->plan, instance);
	r->services_touched = r->leases_touched = 1; /* nothing may be left to use them */
	core_touch_run(e, r);
}

void results_size(struct engine *e, struct run *r, uint32_t instance)
{
	const struct wdf_dim *d = list_dim(r, instance);
	struct wf_arena a = { 0 };
	struct wdf_value *values = NULL;
	struct wf_err err;
	json_t *list;
	size_t n;

	/* A run that is canceled meanwhile does not want it any more; should it be retried, the plan asks again. */
	if (!d || !r->inst[instance].unsized || (r->row.state != WF_RUN_RUNNING && r->row.state != WF_RUN_PAUSED))
		return;
	list = read_list(e, r, d, &err);
	n = json_array_size(list);
	values = wf_xcalloc(n + 1, sizeof(*values));
	for (size_t i = 0; i < n; i++)
		values[i] = wdf_value_of_json(&a, json_array_get(list, i));
	e->cause = 0;
	if (list && dag_size(r->dag, instance, values, (uint32_t)n, &err) == 0) {
		sized(e, r, instance, list);
	} else {
		/* It stays without a size: a retry reads the list again. */
		struct wf_event ev = { .kind = WF_E_RUN_LIST_FAILED, .v = { instance } };

		ev.text[0].p = err.text;
		ev.text[0].n = (uint32_t)strlen(err.text);
		core_post(e, r, &ev);
		snprintf(r->message, sizeof(r->message), "the list of '%.60s' cannot be used: %.160s", r->dag->instances[instance].name,
			 err.text);
		dag_plan_unlisted(r->plan, instance);
		core_touch_run(e, r);
	}
	free(values);
	json_decref(list);
	wf_arena_release(&a);
}
