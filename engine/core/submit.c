/* submit.c - the verb submit: from a workflow's text to a committed run.
 *
 * Rules in order, one sentence each: the file is right; a key that is known answers with its run; this version can execute it all; its executor
 * exists here; no task asks for more than there is; then the run's directory and environment are on disk, then the events.
 * Because the fourth rule needs to know what the agent can do, a submit waits for the agent's hello; the reply comes after the
 * commit.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/core/engine.h"

extern char **environ;

struct submission {
	struct engine *engine;
	struct wdf *wdf;
	struct dag *dag;
	struct wdf_diags diags;
	char *text, *params, *file, *name, *key, *hash, *executor, *why, *workdir;
	size_t text_n;
	char **env;
	uint32_t umask_bits;
	char *limits;
	int dry_run;
	uint64_t run;
	int replayed;
	struct wf_err err;
	int failed;
	int waiting;                   /* for the agent's hello */
	struct wf_timer wait;
	struct submission *next;       /* of all that were not answered, in order */
	void (*done)(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err);
	void *arg;
};

enum { AGENT_WAIT_MS = 15000 };

static void destroy(struct submission *s)
{
	struct submission **at = &s->engine->submissions;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	wf_timer_stop(s->engine->loop, &s->wait);
	for (size_t i = 0; s->env && s->env[i]; i++)
		free(s->env[i]);
	free(s->env);
	free(s->text);
	free(s->params);
	free(s->file);
	free(s->name);
	free(s->key);
	free(s->hash);
	free(s->executor);
	free(s->why);
	free(s->workdir);
	free(s->limits);
	dag_free(s->dag);
	wdf_free(s->wdf);
	wdf_diags_release(&s->diags);
	free(s);
}

static void reply(void *arg)
{
	struct submission *s = arg;

	s->done(s->arg, s->run, s->replayed, &s->diags, s->failed ? &s->err : NULL);
	destroy(s);
}

/* The answer leaves once everything it rests on is on disk. */
static void finish(struct submission *s)
{
	wf_core_when_durable(s->engine, reply, s);
}

static void fail(struct submission *s)
{
	s->failed = 1;
	finish(s);
}

/* ---- rules ------------------------------------------------------------------------------------------------- */

static struct run *run_of_key(struct engine *e, const char *key)
{
	for (size_t i = e->run_count; i-- > 0;)
		if (e->runs[i]->row.key && strcmp(e->runs[i]->row.key, key) == 0)
			return e->runs[i];
	return NULL;
}

/* 1: answered with the run that has this key. */
static int replay(struct submission *s)
{
	struct run *r = s->key ? run_of_key(s->engine, s->key) : NULL;

	if (!r)
		return 0;
	if (s->hash && r->row.body_hash && strcmp(r->row.body_hash, s->hash) != 0) {
		char id[WF_ID_TEXT + 1];

		wf_id_text(&r->row.id, id);
		wf_errf(&s->err, WF_CONFLICT, "key '%s' was used for another submission, run %s ('%s', %s); choose a new key", s->key, id,
			r->row.name, wf_sm_name(&wf_run_machine, r->row.state));
		fail(s);
		return 1;
	}
	s->run = r->row.number;
	s->replayed = 1;
	finish(s);
	return 1;
}

/* design.md 11: packages alone are no Slurm; a readable configuration is. NULL: none. */
static const char *slurm_conf(void)
{
	const char *const at[] = { getenv("SLURM_CONF"), "/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf" };

	for (size_t i = 0; i < WF_COUNT(at); i++)
		if (at[i] && *at[i] && access(at[i], R_OK) == 0)
			return at[i];
	return NULL;
}

static void choose_executor(struct submission *s)
{
	const char *conf = slurm_conf(), *executor = "local";

	if (s->executor) {
		if (!s->why)
			s->why = wf_xstrdup("asked for");
		return;
	}
	free(s->why);
	if (s->engine->opt.default_executor) {
		executor = s->engine->opt.default_executor;
		s->why = wf_xstrdup("the configuration's default");
	} else if (conf) {
		executor = "slurm";
		s->why = wf_xasprintf("this host has a Slurm configuration, '%s'", conf);
	} else {
		s->why = wf_xstrdup("this host has no Slurm configuration");
	}
	s->executor = wf_xstrdup(executor);
}

static int check_executor(const char *executor, const char *step, const char *why, struct wf_err *err)
{
	if (strcmp(executor, "local") == 0)
		return 0;
	if (strcmp(executor, "slurm") == 0)
		return wf_errf(err, WF_RESOURCE,
			       "executor 'slurm'%s%s%s (%s) needs wf-agent-slurm, which this version does not have; --executor local runs it on this host",
			       step ? " of step '" : "", step ? step : "", step ? "'" : "", why);
	return wf_errf(err, WF_RESOURCE, "no executor '%s'%s%s%s here; there is 'local'", executor, step ? " for step '" : "",
		       step ? step : "", step ? "'" : "");
}

static int check_executors(struct submission *s)
{
	int used = 0;

	for (uint32_t i = 0; i < s->wdf->step_count; i++) {
		const struct wdf_step *step = &s->wdf->steps[i];

		used |= !step->executor;
		if (step->executor && check_executor(step->executor, step->name, "asked for by the step", &s->err) < 0)
			return -1;
	}
	return used || !s->wdf->step_count ? check_executor(s->executor, NULL, s->why, &s->err) : 0;
}

/* ---- the run's directory -------------------------------------------------------------------------------------- */

static int make_dir(struct submission *s, struct run *r)
{
	static const char *const subs[] = { "log", "result", "services", "tasks" };
	struct wf_os *os = s->engine->os;
	struct wf_buf b = { 0 };
	char *path;
	int rc = wf_dir_make(os, s->engine->run_root, 0700, &s->err);

	if (rc == 0)
		rc = wf_dir_make(os, r->dir, 0700, &s->err);
	for (size_t i = 0; rc == 0 && i < WF_COUNT(subs); i++) {
		path = wf_xasprintf("%s/%s", r->dir, subs[i]);
		rc = wf_dir_make(os, path, 0700, &s->err);
		free(path);
	}
	for (size_t i = 0; s->env && s->env[i]; i++)
		wf_buf_add(&b, s->env[i], strlen(s->env[i]) + 1);
	path = wf_xasprintf("%s/env", r->dir);
	if (rc == 0)
		rc = wf_file_publish(os, path, wf_buf_cstr(&b), b.len, 0600, &s->err);
	if (rc == 0)
		rc = wf_dir_sync(os, s->engine->run_root, &s->err);
	/* The run root may lie on another file system than the state, and fill up alone. */
	if (rc < 0 && s->err.code == WF_FULL)
		wf_errf(&s->err, WF_FULL, "no space left in '%s': what runs goes on, nothing new is taken; free some",
			s->engine->run_root);
	free(path);
	wf_buf_release(&b);
	return rc;
}

/* ---- the run ---------------------------------------------------------------------------------------------------- */

static void post_start(struct engine *e, struct run *r)
{
	json_t *facts = wf_run_facts(&r->row);
	struct wf_event ev = { .kind = WF_E_RUN_SUBMITTED };
	struct wf_buf b = { 0 };

	wf_json_dump(facts, &b);
	json_decref(facts);
	ev.text[0].p = b.data;
	ev.text[0].n = (uint32_t)b.len;
	core_post(e, r, &ev);
	wf_buf_release(&b);
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct wf_event size = { .kind = WF_E_INSTANCE_SIZED, .a = i, .v = { r->inst[i].count } };

		if (!r->inst[i].unsized)
			core_post(e, r, &size);
	}
	services_declare(e, r, 0, 0);
}

static char *copy(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

static void create(struct submission *s)
{
	struct engine *e = s->engine;
	struct run *r = run_create(e);
	struct wf_run *row = &r->row;
	struct wf_buf dag = { 0 };

	row->number = e->next_run;
	wf_id_make(&row->id, e->os);
	row->name = copy(s->name ? s->name : s->wdf->name);
	row->workflow = copy(s->wdf->name);
	row->file = copy(s->file);
	row->key = copy(s->key);
	row->body_hash = copy(s->hash);
	row->executor = copy(s->executor);
	row->executor_why = copy(s->why);
	row->workdir = copy(s->workdir);
	row->umask_bits = s->umask_bits;
	row->limits = copy(s->limits);
	if (run_prepare(e, r, s->text, s->text_n, s->dag, s->wdf, NULL, 0, s->params, &s->err) < 0)
		WF_BUG("a run made from its own graph was refused: %s", s->err.text);
	s->wdf = NULL;
	s->dag = NULL;
	if (make_dir(s, r) < 0) {
		wf_dir_remove(e->os, r->dir, NULL);
		e->run_count--;
		run_free(r);
		fail(s);
		return;
	}
	e->next_run++;
	wf_idmap_set(&e->by_number, row->number, r);
	derive_all(e, r);
	dag_encode(r->dag, &dag);
	wf_batch_input(e->open.rows, row->number, s->text, s->text_n, dag.data, dag.len, s->params);
	wf_buf_release(&dag);
	e->cause = 0;
	post_start(e, r);
	s->run = row->number;
	snprintf(r->message, sizeof(r->message), "submitted");
	finish(s);
}

/* The agent said what it can do (or nobody needs it). */
static void go_on(struct submission *s)
{
	wf_timer_stop(s->engine->loop, &s->wait);
	if (replay(s))
		return;
	if (capacity_check(s->engine, s->wdf, s->dag, s->file, &s->err) < 0)
		fail(s);
	else if (s->dry_run)
		finish(s);
	else
		create(s);
}

void submit_agent_ready(struct engine *e)
{
	for (struct submission *s = e->submissions; s; s = s->next)
		if (s->waiting) {
			s->waiting = 0;
			go_on(s);
		}
}

/* What the agent said last comes last, and whole: it is longer than all else. */
static void give_up(struct submission *s)
{
	wf_timer_stop(s->engine->loop, &s->wait);
	s->waiting = 0;
	wf_errf(&s->err, WF_RESOURCE, "the agent of executor 'local' does not answer; see `wf doctor`%s%s",
		s->engine->local.error[0] ? ": " : "", s->engine->local.error);
	fail(s);
}

static void on_wait_over(struct wf_timer *t)
{
	give_up(wf_container_of(t, struct submission, wait));
}

void submit_no_agent(struct engine *e)
{
	for (struct submission *s = e->submissions; s; s = s->next)
		if (s->waiting)
			give_up(s);
}

void submit_refuse_all(struct engine *e)
{
	for (struct submission *s = e->submissions, *next; s; s = next) {
		next = s->next;
		if (!s->waiting)
			continue;
		wf_errf(&s->err, WF_UNREACHABLE, "the engine is stopping; submit again");
		s->failed = 1;
		reply(s);
	}
}

void submit_release(struct engine *e)
{
	while (e->submissions)
		destroy(e->submissions);
}

/* ---- the verb ------------------------------------------------------------------------------------------------------ */

static char *params_text(const struct wf_submit *in)
{
	json_t *o = json_object();
	struct wf_buf b = { 0 };

	for (size_t i = 0; i < in->given; i++)
		json_object_set_new(o, in->names[i], wf_json_text(in->values[i], strlen(in->values[i])));
	wf_json_dump(o, &b);
	json_decref(o);
	return wf_buf_take(&b);
}

static char **copy_env(char *const *env)
{
	size_t n = 0;
	char **out;

	if (!env)
		env = environ;
	while (env[n])
		n++;
	out = wf_xcalloc(n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		out[i] = wf_xstrdup(env[i]);
	return out;
}

static int read_file(struct submission *s, const struct wf_submit *in)
{
	struct wdf_input wi = { .text = in->text, .len = in->text_n, .file = s->file, .names = in->names, .values = in->values,
				.given = in->given, .session = in->name };
	json_t *sources = json_incref(in->sources);

	s->wdf = wdf_parse(&wi, s->engine->types, &s->diags);
	if (!s->wdf)
		goto refused;
	choose_executor(s);
	if (check_executors(s) < 0)
		goto error;
	if (wdf_executable(s->wdf, s->executor, s->engine->types, &s->diags) < 0) {
		/* The file is right; it is this version that cannot be used for it. */
		wdf_diags_err(&s->diags, s->file, &s->err);
		s->err.code = WF_RESOURCE;
		goto error;
	}
	if (!sources && !(sources = wdf_source_read(s->wdf, s->workdir, &s->err)))
		goto error;
	s->dag = dag_build(s->wdf, sources, s->workdir, &s->diags);
	json_decref(sources);
	if (s->dag)
		return 0;
	sources = NULL;
refused:
	wdf_diags_err(&s->diags, s->file, &s->err);
error:
	json_decref(sources);
	return -1;
}

void wf_core_submit(struct engine *e, const struct wf_submit *in,
		    void (*done)(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err),
		    void *arg)
{
	struct submission *s = wf_xcalloc(1, sizeof(*s)), **end = &e->submissions;

	while (*end)
		end = &(*end)->next;
	*end = s;
	s->engine = e;
	s->done = done;
	s->arg = arg;
	s->text = wf_xstrndup(in->text, in->text_n);
	s->text_n = in->text_n;
	s->params = params_text(in);
	s->file = wf_xstrdup(in->file ? in->file : "workflow");
	s->name = copy(in->name);
	s->key = copy(in->key);
	s->hash = copy(in->body_hash);
	s->executor = copy(in->executor);
	s->why = copy(in->executor_why);
	s->workdir = wf_path_resolve("/", in->workdir);
	s->umask_bits = in->umask_bits;
	s->limits = copy(in->limits);
	s->dry_run = in->dry_run;
	s->env = copy_env(in->env);
	wf_core_touch(e);
	if (replay(s))
		return;
	if (e->stopping) {
		wf_errf(&s->err, WF_UNREACHABLE, "the engine is stopping; submit again");
		fail(s);
	} else if (e->full) {
		wf_errf(&s->err, WF_FULL, "no space left in '%s': what runs goes on, nothing new is taken; free some", e->state_dir);
		fail(s);
	} else if (s->name && !wdf_name_ok(s->name)) {
		wf_errf(&s->err, WF_INVALID, "'%s' is no name for a run; use letters, digits and ._- (1 to 128, beginning with a letter or digit)",
			s->name);
		fail(s);
	} else if (read_file(s, in) < 0) {
		fail(s);
	} else if (e->local.state >= AGENT_REATTACHING) {
		go_on(s);
	} else {
		s->waiting = 1;
		s->wait.fn = on_wait_over;
		wf_timer_start(e->loop, &s->wait, AGENT_WAIT_MS);
		agents_need(e, "local");
	}
}
