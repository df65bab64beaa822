/* render.c - a task becomes a wf_start, a service member too: names to values, paths made absolute, the environment put together.
 *
 * Pure but for the files that a start needs beside it (a service's spec, step.tasks), which are derived and written again at need. Everything
 * it hands out lives in the caller's arena or in the run.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/json.h"
#include "engine/core/engine.h"
#include "wdf-schema/driver.h"

enum { GRACE_MS = 10 * 1000 };

/* ---- names in reach -------------------------------------------------------------------------------------- */

struct scope {
	struct engine *engine;
	struct run *run;
	uint32_t instance, index;
	struct wf_arena *arena;
	int files;                     /* step.tasks may be written; deciding writes nothing */
	struct dag_scope dag;
	struct wdf_scope own, first;
};

static void set_string(struct wdf_value *v, const char *s)
{
	memset(v, 0, sizeof(*v));
	v->kind = WDF_STRING;
	v->text = s;
}

/* `step.result`: of the only task, or of the task of the same index. */
static int result_of(struct scope *s, uint32_t instance, struct wdf_value *out)
{
	const struct instance *in = &s->run->inst[instance];
	uint32_t index = in->count == 1 ? 0 : s->index;
	json_t *v;

	if (!in->results || index >= in->count || !in->results[index])
		return -1;
	v = wf_json_parse(in->results[index], strlen(in->results[index]), NULL);
	if (!v)
		return -1;
	*out = wdf_value_of_json(s->arena, v);
	json_decref(v);
	return 0;
}

/* A step's name is a record: its tasks file, and its result. */
static int step_record(struct scope *s, const char *name, size_t n, struct wdf_value *out)
{
	struct wdf_field *f = wf_arena_alloc(s->arena, 2 * sizeof(*f));
	char *copy = wf_arena_strndup(s->arena, name, n), *path;
	uint32_t instance, index;
	struct wf_err err;

	if (dag_task_find(s->run->dag, copy, &instance, &index, &err) < 0)
		return -1;
	memset(out, 0, sizeof(*out));
	out->kind = WDF_RECORD;
	out->fields = f;
	if (s->files && results_write_tasks(s->engine, s->run, instance, &path, &err) == 0) {
		f[out->count].name = "tasks";
		set_string(&f[out->count++].value, wf_arena_strdup(s->arena, path));
		free(path);
	}
	f[out->count].name = "result";
	if (result_of(s, instance, &f[out->count].value) == 0)
		out->count++;
	return 0;
}

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	struct scope *s = self;

	if (n == 7 && memcmp(name, "SESSION", n) == 0) {
		set_string(out, s->run->row.name);
		return 0;
	}
	if (n == 4 && memcmp(name, "STEP", n) == 0) {
		set_string(out, s->run->dag->instances[s->instance].name);
		return 0;
	}
	return step_record(s, name, n, out);
}

static struct scope *scope_of(struct engine *e, struct run *r, uint32_t instance, uint32_t index, struct wf_arena *a, int files)
{
	struct scope *s = wf_arena_alloc(a, sizeof(*s));

	s->engine = e;
	s->run = r;
	s->instance = instance;
	s->index = index;
	s->arena = a;
	s->files = files;
	s->own.lookup = lookup;
	s->own.self = s;
	s->dag.dag = r->dag;
	s->dag.instance = instance;
	s->dag.index = index;
	s->dag.next = &s->own;
	s->first = dag_scope_of(&s->dag);
	return s;
}

struct wdf_scope *render_scope(struct engine *e, struct run *r, uint32_t instance, uint32_t index, struct wf_arena *a)
{
	return &scope_of(e, r, instance, index, a, 1)->first;
}

int render_when(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int *truth, struct wf_err *err)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	struct wf_arena a = { 0 };
	int rc = wdf_expr_eval(step->when, &scope_of(e, r, instance, index, &a, 0)->first, truth, err);

	wf_arena_release(&a);
	return rc < 0 ? wf_err_wrap(err, "`when` of '%s'", step->name) : 0;
}

/* ---- small pieces ------------------------------------------------------------------------------------------ */

static char *render_text(const struct wdf_tmpl *t, const struct wdf_scope *scope, struct wf_arena *a, struct wf_err *err)
{
	struct wf_buf b = { 0 };
	char *s;

	if (wdf_tmpl_render(t, scope, &b, err) < 0) {
		wf_buf_release(&b);
		return NULL;
	}
	s = wf_arena_strndup(a, wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	return s;
}

static char *render_path(const struct wdf_tmpl *t, const char *base, const struct wdf_scope *scope, struct wf_arena *a,
			 struct wf_err *err)
{
	char *text = render_text(t, scope, a, err), *path, *kept;

	if (!text)
		return NULL;
	path = wf_path_resolve(base, text);
	kept = wf_arena_strdup(a, path);
	free(path);
	return kept;
}

static const char *const nothing[] = { NULL };

static const char *const *render_paths(const struct wdf_tmpl *t, uint32_t n, const char *base, const struct wdf_scope *scope,
				       struct wf_arena *a, struct wf_err *err)
{
	const char **list = n ? wf_arena_alloc(a, (n + 1) * sizeof(*list)) : NULL;

	for (uint32_t i = 0; i < n; i++) {
		list[i] = render_path(&t[i], base, scope, a, err);
		if (!list[i])
			return NULL;
	}
	return n ? list : nothing;
}

/* ---- environment --------------------------------------------------------------------------------------------- */

struct env {
	struct wf_arena *arena;
	char **items;
	size_t count, cap;
};

static void env_add(struct env *v, char *item)
{
	if (v->count + 1 >= v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 32;
		char **items = wf_arena_alloc(v->arena, cap * sizeof(*items));

		if (v->count)
			memcpy(items, v->items, v->count * sizeof(*items));
		v->items = items;
		v->cap = cap;
	}
	v->items[v->count++] = item;
	v->items[v->count] = NULL;
}

static void env_set(struct env *v, const char *name, const char *value)
{
	env_add(v, wf_arena_join(v->arena, name, "=", value, NULL));
}

static void value_text(const struct wdf_value *v, struct wf_buf *b)
{
	if (v->kind == WDF_LIST) {
		for (uint32_t i = 0; i < v->count; i++) {
			if (i)
				wf_buf_char(b, ' ');
			value_text(&v->items[i], b);
		}
	} else if (v->text) {
		wf_buf_str(b, v->text);
	}
}

static void env_value(const char *name, const struct wdf_value *v, void *arg)
{
	struct env *env = arg;
	struct wf_buf b = { 0 };

	wdf_param_env(&b, name);
	wf_buf_char(&b, '=');
	value_text(v, &b);
	if (v->kind != WDF_RECORD || v->text)
		env_add(env, wf_arena_strndup(env->arena, b.data, b.len));
	wf_buf_release(&b);
	for (uint32_t i = 0; v->kind == WDF_RECORD && i < v->count; i++) {
		char *field = wf_arena_printf(env->arena, "%s.%s", name, v->fields[i].name);

		env_value(field, &v->fields[i].value, env);
	}
}

static char *upper_name(struct wf_arena *a, const char *name)
{
	char *s = wf_arena_strdup(a, name);

	for (char *p = s; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	return s;
}

char *render_service_file(struct wf_arena *a, const struct run *r, uint32_t service)
{
	const char *name = run_spec(r, service)->name;

	return r->dag->services[service].instance == DAG_UNSIZED ? wf_arena_strdup(a, name) : wf_arena_printf(a, "%s@%u", name, service);
}

char *render_view_path(struct wf_arena *a, const struct run *r, uint32_t service)
{
	return wf_arena_printf(a, "%s/services/%s.json", r->dir, render_service_file(a, r, service));
}

/* What a service provides, from its first member that is ready, and where its view file is. */
static void env_service(struct env *env, struct run *r, uint32_t service)
{
	const struct wf_member *m = &run_member(r, service, 0)->m;
	json_t *o = m->provides ? wf_json_parse(m->provides, strlen(m->provides), NULL) : NULL, *v;
	const char *key;

	json_object_foreach(o, key, v)
		env_set(env, key, json_string_value(v) ? json_string_value(v) : "");
	json_decref(o);
	env_add(env, wf_arena_join(env->arena, "WF_SERVICE_", upper_name(env->arena, run_spec(r, service)->name), "_FILE=",
				   render_view_path(env->arena, r, service), NULL));
}

static void load_base_env(struct engine *e, struct run *r)
{
	char *path = wf_xasprintf("%s/env", r->dir), id[WF_ID_TEXT + 1], when[64];
	time_t created = (time_t)(r->row.created_ms / 1000);
	struct wf_arena arena = { 0 };
	struct env env = { .arena = &arena };
	struct wf_buf text = { 0 };
	struct tm tm;

	/* Ours first: of two that have a name, most programs take the first. */
	wf_id_text(&r->row.id, id);
	localtime_r(&created, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d_%H:%M:%S", &tm);
	env_set(&env, "WF_RUN_ID", id);
	env_set(&env, "WF_RUN_NAME", r->row.name);
	env_set(&env, "IOI_WORKFLOW_NAME", r->row.workflow);
	env_add(&env, wf_arena_join(&arena, "IOI_WORKFLOW_RUN_ID=", r->row.name, "-", when, NULL));
	for (uint32_t i = 0; i < r->wdf->param_count; i++)
		env_value(r->wdf->params[i].name, &r->wdf->params[i].value, &env);
	/* Without the file (removed by hand) tasks still get what is ours to give. */
	(void)wf_file_read(e->os, path, 64u << 20, &text, NULL);
	free(path);
	for (size_t i = 0; i < text.len; i += strlen(text.data + i) + 1)
		env_add(&env, text.data + i);
	r->base_env = wf_xcalloc(env.count + 1, sizeof(*r->base_env));
	for (size_t i = 0; i < env.count; i++)
		r->base_env[i] = wf_xstrdup(env.items[i]);
	wf_buf_release(&text);
	wf_arena_release(&arena);
}

static const char *const *base_env(struct engine *e, struct run *r)
{
	if (!r->base_env)
		load_base_env(e, r);
	return (const char *const *)r->base_env;
}

/* ---- a task ------------------------------------------------------------------------------------------------------ */

static int task_env(struct run *r, uint32_t instance, uint32_t index, const struct wdf_scope *scope, struct wf_start *s,
		    const struct wdf_argv *argv, char **setup_env, size_t setup_count, struct wf_arena *a, struct wf_err *err)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	struct env env = { .arena = a };

	dag_task_values(r->dag, instance, index, env_value, &env);
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++)
		env_service(&env, r, task_service(r, instance, index, k));
	for (uint32_t i = 0; i < step->env_count; i++) {
		char *value = render_text(&step->env[i].value, scope, a, err);

		if (!value)
			return wf_err_wrap(err, "env '%s'", step->env[i].name);
		env_set(&env, step->env[i].name, value);
	}
	for (size_t i = 0; i < argv->env_count; i++)
		env_add(&env, argv->env[i]);
	for (size_t i = 0; i < setup_count; i++)
		env_add(&env, setup_env[i]);
	s->env_more = env.count ? (const char *const *)env.items : nothing;
	return 0;
}

static int is_constant(const struct wdf_command *c)
{
	for (uint32_t i = 0; i < c->word_count; i++)
		if (!wdf_tmpl_is_literal(&c->words[i].tmpl))
			return 0;
	return wdf_tmpl_is_literal(&c->script);
}

int render_task(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wf_start *like, struct wf_arena *a,
		struct wf_start *s, struct wf_err *err)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct wdf_scope *scope = render_scope(e, r, instance, index, a);
	struct wdf_argv argv = { 0 };
	char name[WF_TASK_NAME], d[3][24], **setup_env = NULL;
	size_t setup_count = 0;

	dag_task_name(r->dag, instance, index, name, sizeof(name));
	s->number = t->number;
	s->key = (struct wf_key){ .run = r->row.number, .instance = instance, .index = index, .attempt = t->attempt,
				  .kind = WF_KIND_STEP };
	s->name = wf_arena_strdup(a, name);
	if (like && is_constant(step->command)) {
		s->argv = like->argv;
	} else {
		if (wdf_command_render(step->command, scope, a, &argv, err) < 0)
			return wf_err_wrap(err, "command of '%s'", name);
		s->argv = (const char *const *)argv.argv;
	}
	s->cwd = step->workdir.count ? render_path(&step->workdir, r->row.workdir, scope, a, err) : r->row.workdir;
	if (!s->cwd)
		return wf_err_wrap(err, "workdir of '%s'", name);
	if (step->setup.count && wdf_setup_render(step, scope, a, &s->setup, &setup_env, &setup_count, err) < 0)
		return wf_err_wrap(err, "setup of '%s'", name);
	if (!(s->inputs = render_paths(step->inputs, step->input_count, s->cwd, scope, a, err)) ||
	    !(s->outputs = render_paths(step->outputs, step->output_count, s->cwd, scope, a, err)))
		return wf_err_wrap(err, "paths of '%s'", name);
	if (step->stdout_path.count && !(s->stdout_path = render_path(&step->stdout_path, s->cwd, scope, a, err)))
		return wf_err_wrap(err, "stdout of '%s'", name);
	if (step->stderr_path.count && !(s->stderr_path = render_path(&step->stderr_path, s->cwd, scope, a, err)))
		return wf_err_wrap(err, "stderr of '%s'", name);
	s->log_dir = like ? like->log_dir : wf_arena_join(a, r->dir, "/log", NULL);
	s->result_path = wf_arena_join(a, r->dir, "/result/", wf_u64_text(d[0], instance), ".", wf_u64_text(d[1], index), ".",
				       wf_u64_text(d[2], t->attempt), NULL);
	s->token = wf_arena_join(a, e->tag, "/step/", wf_u64_text(d[0], r->row.number), "/", wf_u64_text(d[1], t->number), NULL);
	s->env = base_env(e, r);
	if (task_env(r, instance, index, scope, s, &argv, setup_env, setup_count, a, err) < 0)
		return wf_err_wrap(err, "'%s'", name);
	s->success_codes = step->success_codes;
	s->success_count = step->success_code_count;
	s->update = step->update;
	s->results_needed = step->result_count > 0;
	s->first_started_ms = t->first_ms;
	s->timeout_ms = task_time_ms(r, instance, t);
	s->grace_ms = GRACE_MS;
	s->output_limit = step->output_limit;
	s->cores = r->inst[instance].cores;
	s->memory = task_memory(r, instance, t);
	s->umask_bits = r->row.umask_bits;
	s->limits = r->row.limits;
	return 0;
}

/* ---- a service member --------------------------------------------------------------------------------------------- */

static json_t *params_json(const struct run *r)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < r->wdf->param_count; i++)
		json_object_set_new(o, r->wdf->params[i].name, wdf_value_json(&r->wdf->params[i].value));
	json_object_set_new(o, "SESSION", json_string(r->row.name));
	return o;
}

static int write_spec(struct engine *e, struct run *r, uint32_t service, uint32_t n, const char *file, const char *path,
		      struct wf_err *err)
{
	const struct wdf_service *w = run_spec(r, service);
	const struct wf_service *s = &r->services[service].s;
	const struct wdf_driver *driver = wdf_types_find(e->types, w->type);
	char id[WF_ID_TEXT + 1];
	char *dir, *endpoint;
	struct wf_buf b = { 0 };
	json_t *o;
	int rc;

	if (!driver)
		return wf_errf(err, WF_RESOURCE, "no driver for services of type '%s' any more", w->type);
	wf_id_text(&r->row.id, id);
	dir = wf_xasprintf("%s/services/%s.%u.%u", r->dir, file, s->generation, n);
	endpoint = wf_xasprintf("%s/services/%s.%u.endpoint", r->dir, file, n);
	o = json_pack("{s:i, s:s, s:s, s:{s:s, s:s, s:O?, s:O?}, s:s, s:I, s:I, s:{s:I, s:s, s:s, s:s}, s:o, s:s, s:s}", "version",
		      1 /* services/spec.h */, "run", id, "run_name", r->row.name, "service", "name", file, "type", w->type,
		      "attributes", w->attributes, "spec", w->spec, "driver", driver->file, "generation", (json_int_t)s->generation,
		      "view", (json_int_t)s->view + 1, "member", "n", (json_int_t)n, "role", n ? "joiner" : "founder", "dir", dir,
		      "host", "127.0.0.1", "params", params_json(r), "workdir", r->row.workdir, "endpoint_file", endpoint);
	WF_ASSERT(o);
	wf_json_dump(o, &b);
	json_decref(o);
	rc = wf_file_replace(e->os, path, b.data, b.len, 0600, err);
	wf_buf_release(&b);
	free(dir);
	free(endpoint);
	return rc;
}

int render_member(struct engine *e, struct run *r, uint32_t service, uint32_t n, struct wf_arena *a, struct wf_start *st,
		  struct wf_err *err)
{
	const struct wf_service *s = &r->services[service].s;
	const struct wf_member *m = &run_member(r, service, n)->m;
	char *file = render_service_file(a, r, service);
	char *spec = wf_arena_printf(a, "%s/services/%s.%u.%u.spec", r->dir, file, s->generation, n);
	const char **argv = wf_arena_alloc(a, 3 * sizeof(*argv));
	static const int32_t success[] = { 0 };

	if (write_spec(e, r, service, n, file, spec, err) < 0)
		return wf_err_wrap(err, "service '%s'", s->name);
	argv[0] = wf_arena_printf(a, "%s/wf-service", wf_path_bin());
	argv[1] = spec;
	st->number = m->number;
	st->key = (struct wf_key){ .run = r->row.number, .instance = service, .index = n,
				   .attempt = (uint16_t)m->generation, .kind = WF_KIND_MEMBER };
	st->name = wf_arena_printf(a, "%s.%u", file, n);
	st->argv = argv;
	st->env = base_env(e, r);
	st->cwd = r->row.workdir;
	st->log_dir = wf_arena_printf(a, "%s/log", r->dir);
	st->token = wf_arena_printf(a, "%s/member/%llu/%llu", e->tag, (unsigned long long)r->row.number,
				    (unsigned long long)m->number);
	st->success_codes = success;
	st->success_count = 1;
	st->control = 1;
	st->grace_ms = GRACE_MS;
	st->output_limit = (uint64_t)1 << 30;
	st->umask_bits = r->row.umask_bits;
	st->limits = r->row.limits;
	return 0;
}

int render_view_file(struct engine *e, struct run *r, uint32_t service, struct wf_err *err)
{
	const struct wf_service *s = &r->services[service].s;
	struct wf_arena a = { 0 };
	struct wf_buf b = { 0 };
	json_t *members = json_array(), *o;
	int rc;

	for (uint32_t n = 0; n < s->target; n++) {
		const struct wf_member *m = &run_member(r, service, n)->m;
		json_t *ep = m->endpoint ? wf_json_parse(m->endpoint, strlen(m->endpoint), NULL) : NULL;
		json_t *pr = m->provides ? wf_json_parse(m->provides, strlen(m->provides), NULL) : NULL;

		if (m->state == WF_MEMBER_READY || m->state == WF_MEMBER_SUSPECT)
			json_array_append_new(members, json_pack("{s:i, s:O?, s:O?}", "n", (int)n, "endpoint", ep, "provides", pr));
		json_decref(ep);
		json_decref(pr);
	}
	o = json_pack("{s:s, s:s, s:I, s:I, s:o}", "service", run_spec(r, service)->name, "type", run_spec(r, service)->type, "generation",
		      (json_int_t)s->generation, "view", (json_int_t)s->view, "members", members);
	wf_json_dump(o, &b);
	wf_buf_char(&b, '\n');
	json_decref(o);
	rc = wf_file_replace(e->os, render_view_path(&a, r, service), b.data, b.len, 0600, err);
	wf_buf_release(&b);
	wf_arena_release(&a);
	return rc;
}
