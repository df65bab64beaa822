/* history.c - owns reads that leave memory: what is asked is put together on the loop, read on the store's thread, shown on the loop.
 *
 * One struct look per question. Its `read` runs on the store's thread and touches only what the look owns; its `show` runs on the loop and may
 * look at the run again, which may have gone meanwhile.
 */
#include "engine/core/history.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/core/explain.h"
#include "engine/core/view_internal.h"
#include "engine/core/words.h"
#include "engine/link/output.h"

enum { LINE_MAX = 400, TAIL_LINES = 8, ATTEMPTS_SHOWN = 1000 };

/* Where an attempt's output is; owns its strings. */
struct source {
	char *log_dir, *user_path;
	struct wf_key key;
	struct wf_log_ref ref;
	uint8_t ended;
};

struct past {                          /* an attempt, with what was noted of it */
	uint32_t attempt;
	struct wf_task task;
	char *reason, *result;
};

struct look {
	struct engine *engine;
	uint64_t number;               /* of the run; 0: none */
	void (*read)(struct look *l, struct wf_store *s);
	void (*show)(struct look *l, struct run *r);
	wf_answer_fn *done;
	void *arg;
	struct wf_answer answer;
	struct wf_err err;
	uint8_t failed;
	/* tasks */
	uint32_t instance, index;
	struct past *past;             /* oldest first, the last one last */
	size_t past_count, past_cap;
	uint8_t only_why, wants_line;
	uint32_t of_instance, of_index, of_attempt; /* whose note and last line explain it; attempt 0: nobody's */
	char *of_reason, *line;
	/* output */
	struct source source;
	struct wf_log_query query;
	/* events */
	uint64_t since;
	uint32_t limit;
	struct wf_event *events;
	size_t event_count, event_cap;
	struct wf_arena texts;
	/* backup */
	char *file;
	uint64_t bytes;
};

static void source_release(struct source *s)
{
	free(s->log_dir);
	free(s->user_path);
	memset(s, 0, sizeof(*s));
}

static void look_free(struct look *l)
{
	for (size_t i = 0; i < l->past_count; i++) {
		free(l->past[i].reason);
		free(l->past[i].result);
	}
	free(l->past);
	free(l->of_reason);
	free(l->line);
	free(l->events);
	free(l->file);
	source_release(&l->source);
	wf_arena_release(&l->texts);
	wf_buf_release(&l->answer.body);
	free(l);
}

static void fail(struct look *l)
{
	l->failed = 1;
}

static void on_read(struct wf_store *s, void *arg)
{
	struct look *l = arg;

	l->read(l, s);
}

static void on_done(void *arg)
{
	struct look *l = arg;
	struct run *r = l->number ? wf_core_run(l->engine, l->number) : NULL;

	if (r)
		r->users--;
	if (!l->failed && l->number && (!r || !r->loaded)) {
		wf_errf(&l->err, WF_NOT_FOUND, "the run was removed meanwhile");
		fail(l);
	}
	if (!l->failed)
		l->show(l, r);
	if (l->failed) {
		wf_buf_release(&l->answer.body);
		l->answer.err = &l->err;
	}
	l->done(l->arg, &l->answer);
	look_free(l);
}

static struct look *look_create(struct engine *e, struct run *r, wf_answer_fn *done, void *arg)
{
	struct look *l = wf_xcalloc(1, sizeof(*l));

	l->engine = e;
	l->done = done;
	l->arg = arg;
	if (r) {
		l->number = r->row.number;
		r->users++;
	}
	return l;
}

static void look_start(struct look *l)
{
	wf_store_read(l->engine->store, l->engine->loop, on_read, on_done, l);
}

/* ---- output ----------------------------------------------------------------------------------------------- */

static char *render_path(const struct wdf_tmpl *t, const char *base, const struct wdf_scope *scope)
{
	struct wf_buf b = { 0 };
	char *path = NULL;

	if (wdf_tmpl_render(t, scope, &b, NULL) == 0)
		path = wf_path_resolve(base, wf_buf_cstr(&b));
	wf_buf_release(&b);
	return path;
}

/* The file that the step chose for a stream; NULL when it chose none. */
static char *user_path(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wdf_tmpl *t)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	struct wf_arena arena = { 0 };
	const struct wdf_scope *scope;
	char *base, *path;

	if (!t->count)
		return NULL;
	scope = render_scope(e, r, instance, index, &arena);
	base = step->workdir.count ? render_path(&step->workdir, r->row.workdir, scope) : wf_xstrdup(r->row.workdir);
	path = base ? render_path(t, base, scope) : NULL;
	free(base);
	wf_arena_release(&arena);
	return path;
}

static void source_of_attempt(struct source *s, uint32_t attempt, const struct wf_task *t)
{
	s->key.attempt = (uint16_t)attempt;
	s->ended = t->astate == WF_ATTEMPT_ENDED;
	s->ref = (struct wf_log_ref){ .where = (uint8_t)(t->log >> 56), .offset = t->log & 0xffffffffffffffu, .length = t->log_length };
}

/* Of the last attempt; source_of_attempt turns it to an earlier one. Streams that the step does not keep apart are one. */
static void source_of(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int errors, struct source *s)
{
	const struct wdf_step *step = &r->wdf->steps[r->dag->instances[instance].step];
	const struct wf_task *t = &r->inst[instance].tasks[index];

	s->log_dir = wf_xasprintf("%s/log", r->dir);
	s->key = (struct wf_key){ .run = r->row.number, .instance = instance, .index = index, .kind = WF_KIND_STEP };
	source_of_attempt(s, t->attempt, t);
	s->user_path = user_path(e, r, instance, index, errors && step->stderr_path.count ? &step->stderr_path : &step->stdout_path);
	if (errors && step->stderr_path.count && s->user_path)
		s->ref = (struct wf_log_ref){ .where = WF_LOG_USER };
}

static struct wf_output output_of(const struct source *s)
{
	return (struct wf_output){ .log_dir = s->log_dir, .key = s->key, .stream = WF_OUTPUT_OUT, .ref = s->ended ? &s->ref : NULL,
				   .user_path = s->user_path };
}

/* Text of the last line that is not blank, fit for a sentence. */
static char *last_line(struct wf_os *os, const struct source *s)
{
	struct wf_output o = output_of(s);
	struct wf_buf b = { 0 };
	char *line = NULL;
	uint64_t at = 0;
	size_t end, from;

	if (wf_output_tail(os, &o, TAIL_LINES, &at, NULL) < 0 || wf_output_read(os, &o, at, 1 << 20, &b, NULL, NULL) < 0)
		goto out;
	end = b.len;
	while (end && strchr(" \t\r\n", b.data[end - 1]))
		end--;
	from = end;
	while (from && b.data[from - 1] != '\n')
		from--;
	while (from < end && (b.data[from] == ' ' || b.data[from] == '\t'))
		from++;
	if (end - from > LINE_MAX)
		end = from + LINE_MAX;
	if (end > from)
		line = wf_xstrndup(b.data + from, end - from);
out:
	wf_buf_release(&b);
	return line;
}

static int find_attempt(uint32_t attempt, const struct wf_task *t, void *arg)
{
	struct look *l = arg;

	if (attempt == l->query.attempt) {
		source_of_attempt(&l->source, attempt, t);
		l->answer.attempt = attempt;
	}
	return 0;
}

static void read_log(struct look *l, struct wf_store *s)
{
	struct wf_output o;
	uint64_t total = 0, at = l->query.offset > 0 ? (uint64_t)l->query.offset : 0;

	if (!l->query.attempt)
		return;                /* the task has none yet */
	if (!l->answer.attempt) {
		if (wf_store_get_attempts(s, l->number, l->instance, l->index, find_attempt, l, &l->err) < 0) {
			fail(l);
			return;
		}
		if (!l->answer.attempt) {
			wf_errf(&l->err, WF_NOT_FOUND, "the task has no attempt %u", l->query.attempt);
			fail(l);
			return;
		}
	}
	o = output_of(&l->source);
	if (l->query.offset < 0) {
		uint64_t back = (uint64_t)0 - (uint64_t)l->query.offset;

		if (wf_output_read(l->engine->os, &o, 0, 0, &l->answer.body, &total, &l->err) < 0) {
			fail(l);
			return;
		}
		at = total > back ? total - back : 0;
	}
	if (wf_output_read(l->engine->os, &o, at, l->query.limit, &l->answer.body, &total, &l->err) < 0) {
		fail(l);
		return;
	}
	l->answer.next = at + l->answer.body.len;
	l->answer.complete = l->source.ended && l->answer.next >= total;
}

static void show_nothing(struct look *l, struct run *r)
{
	(void)l;
	(void)r;
}

void wf_history_log(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wf_log_query *q, wf_answer_fn *done,
		    void *arg)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct look *l = look_create(e, r, done, arg);

	l->instance = instance;
	l->index = index;
	l->query = *q;
	l->read = read_log;
	l->show = show_nothing;
	if (!q->attempt)
		l->query.attempt = t->attempt;
	if (!l->query.attempt)
		l->answer.complete = (uint8_t)wf_task_is_over(t);
	else
		source_of(e, r, instance, index, q->errors, &l->source);
	if (l->query.attempt == t->attempt)
		l->answer.attempt = t->attempt;
	look_start(l);
}

/* ---- a task --------------------------------------------------------------------------------------------------- */

static struct past *add_past(struct look *l, uint32_t attempt, const struct wf_task *t)
{
	struct past *p;

	l->past = wf_grow(l->past, &l->past_cap, l->past_count + 1, sizeof(*l->past));
	p = &l->past[l->past_count++];
	*p = (struct past){ .attempt = attempt, .task = *t };
	return p;
}

static int on_past(uint32_t attempt, const struct wf_task *t, void *arg)
{
	struct look *l = arg;

	/* The last attempt is in the task's own record. */
	if (l->past_count < ATTEMPTS_SHOWN && (!l->past_count || attempt != l->past[0].attempt))
		add_past(l, attempt, t);
	return 0;
}

static int older(const void *a, const void *b)
{
	const struct past *x = a, *y = b;

	return x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
}

static void read_task(struct look *l, struct wf_store *s)
{
	if (!l->only_why) {
		if (wf_store_get_attempts(s, l->number, l->instance, l->index, on_past, l, &l->err) < 0) {
			fail(l);
			return;
		}
		if (l->past_count)
			qsort(l->past, l->past_count, sizeof(*l->past), older);
		for (size_t i = 0; i < l->past_count; i++)
			if (wf_store_get_note(s, l->number, l->instance, l->index, l->past[i].attempt, &l->past[i].reason,
					      &l->past[i].result, &l->err) < 0) {
				fail(l);
				return;
			}
	}
	if (l->of_attempt || l->wants_line) {
		char *result = NULL;

		if (wf_store_get_note(s, l->number, l->of_instance, l->of_index, l->of_attempt, &l->of_reason, &result, &l->err) < 0)
			fail(l);
		free(result);
	}
	if (!l->failed && l->wants_line && l->source.log_dir)
		l->line = last_line(l->engine->os, &l->source);
}

static void put_list(struct wf_buf *out, const char *key, const char *const *list)
{
	jw_open(out, key, '[');
	for (size_t i = 0; list && list[i]; i++)
		jw_str(out, NULL, list[i]);
	jw_close(out, ']');
}

static void put_value(const char *name, const struct wdf_value *v, void *arg)
{
	json_object_set_new(arg, name, wdf_value_json(v));
}

/* What would be started, or was: made from the same templates. */
static void show_rendered(struct look *l, struct run *r, struct wf_buf *out)
{
	struct wf_arena arena = { 0 };
	struct wf_start st = { 0 };
	struct wf_err err;
	json_t *parameters = json_object();

	for (uint32_t i = 0; i < r->wdf->param_count; i++)
		put_value(r->wdf->params[i].name, &r->wdf->params[i].value, parameters);
	dag_task_values(r->dag, l->instance, l->index, put_value, parameters);
	if (render_task(l->engine, r, l->instance, l->index, NULL, &arena, &st, &err) == 0) {
		put_list(out, "command", st.argv);
		jw_str(out, "workdir", st.cwd);
		put_list(out, "inputs", st.inputs);
		put_list(out, "outputs", st.outputs);
	} else {
		/* A value that it needs is not known yet, or no more. */
		jw_null(out, "command");
		jw_null(out, "workdir");
		put_list(out, "inputs", NULL);
		put_list(out, "outputs", NULL);
	}
	jw_json(out, "parameters", parameters);
	json_decref(parameters);
	wf_arena_release(&arena);
}

static void show_task(struct look *l, struct run *r)
{
	const struct wf_task *t = &r->inst[l->instance].tasks[l->index];
	struct explain_extra x = { .reason = l->of_reason, .last_line = l->line };
	struct past *last = l->past_count ? &l->past[l->past_count - 1] : NULL;
	struct wf_buf *out = &l->answer.body, why = { 0 };

	if (l->only_why) {
		explain(l->engine, r, l->instance, l->index, &x, out);
		return;
	}
	/* Another attempt may have begun while we read: its note is not there yet. */
	if (last && last->attempt == t->attempt)
		last->task = *t;
	else
		last = NULL;
	view_task_open(l->engine, r, l->instance, l->index,
		       last && last->reason && t->state != WF_TASK_SKIPPED && t->state != WF_TASK_ACTIVE ? last->reason : NULL, out);
	jw_open(out, "attempts", '[');
	for (size_t i = 0; i < l->past_count; i++)
		view_attempt(l->engine, r, l->instance, l->past[i].attempt, &l->past[i].task, l->past[i].reason, out);
	jw_close(out, ']');
	show_rendered(l, r, out);
	view_declared(r, l->instance, l->index, out);
	jw_text(out, "result", last && t->state == WF_TASK_SUCCEEDED ? last->result : NULL);
	explain_sentence(l->engine, r, l->instance, l->index, &x, &why);
	jw_str(out, "why", wf_buf_cstr(&why));
	wf_buf_release(&why);
	jw_close(out, '}');
	jw_end(out);
}

static void look_at_task(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int only_why, wf_answer_fn *done, void *arg)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct look *l = look_create(e, r, done, arg);

	l->instance = instance;
	l->index = index;
	l->only_why = (uint8_t)only_why;
	l->read = read_task;
	l->show = show_task;
	if (t->attempt && t->state != WF_TASK_WAITING && t->state != WF_TASK_SKIPPED)
		add_past(l, t->attempt, t);
	if (explain_wants(r, instance, index, &l->of_instance, &l->of_index)) {
		const struct wf_task *of = &r->inst[l->of_instance].tasks[l->of_index];

		l->of_attempt = of->attempt;
		l->wants_line = of->state == WF_TASK_FAILED;
		if (l->wants_line && of->attempt)
			source_of(e, r, l->of_instance, l->of_index, 1, &l->source);
	}
	look_start(l);
}

void wf_history_task(struct engine *e, struct run *r, uint32_t instance, uint32_t index, wf_answer_fn *done, void *arg)
{
	look_at_task(e, r, instance, index, 0, done, arg);
}

void wf_history_why(struct engine *e, struct run *r, uint32_t instance, uint32_t index, wf_answer_fn *done, void *arg)
{
	look_at_task(e, r, instance, index, 1, done, arg);
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

static int keep_event(const struct wf_event *ev, void *arg)
{
	struct look *l = arg;
	struct wf_event *kept;

	l->events = wf_grow(l->events, &l->event_cap, l->event_count + 1, sizeof(*l->events));
	kept = &l->events[l->event_count++];
	*kept = *ev;
	for (size_t i = 0; i < WF_EVENT_TEXTS; i++)
		if (ev->text[i].n)
			kept->text[i].p = wf_arena_strndup(&l->texts, ev->text[i].p, ev->text[i].n);
	return 0;
}

static void read_events(struct look *l, struct wf_store *s)
{
	if (wf_store_get_events(s, l->number, l->since, l->limit, keep_event, l, &l->err) < 0)
		fail(l);
}

static void subject_name(const struct wf_event *ev, char *out, size_t size, void *arg)
{
	const struct run *r = arg;
	const struct wf_event_info *info = wf_event_info(ev->kind);

	switch (info ? info->subject : WF_S_ENGINE) {
	case WF_S_RUN:
		if (size > WF_ID_TEXT)
			wf_id_text(&r->row.id, out);
		break;
	case WF_S_INSTANCE:
	case WF_S_LEASE:
		if (ev->a < r->inst_count)
			snprintf(out, size, "%s", r->dag->instances[ev->a].name);
		break;
	case WF_S_TASK:
		if (ev->a < r->inst_count)
			dag_task_name(r->dag, ev->a, ev->b, out, size);
		break;
	case WF_S_SERVICE:
		if (ev->a < r->service_count)
			snprintf(out, size, "%s", r->services[ev->a].s.name);
		break;
	case WF_S_MEMBER:
		if (ev->a < r->service_count)
			snprintf(out, size, "%s.%u", r->services[ev->a].s.name, ev->b);
		break;
	default:
		break;
	}
}

static void show_events(struct look *l, struct run *r)
{
	struct wf_buf *out = &l->answer.body;
	char id[WF_ID_TEXT + 1];

	wf_id_text(&r->row.id, id);
	jw_open(out, NULL, '{');
	jw_open(out, "items", '[');
	for (size_t i = 0; i < l->event_count; i++) {
		json_t *o = wf_event_json(&l->events[i], id, subject_name, r);

		jw_json(out, NULL, o);
		json_decref(o);
	}
	jw_close(out, ']');
	l->answer.count = (uint32_t)l->event_count;
	l->answer.next = l->event_count ? l->events[l->event_count - 1].seq : l->since;
	jw_int(out, "next", (int64_t)l->answer.next);
	jw_close(out, '}');
	jw_end(out);
}

void wf_history_events(struct engine *e, struct run *r, uint64_t since, uint32_t limit, wf_answer_fn *done, void *arg)
{
	struct look *l = look_create(e, r, done, arg);

	l->since = since;
	l->limit = limit;
	l->read = read_events;
	l->show = show_events;
	look_start(l);
}

/* ---- file and backup --------------------------------------------------------------------------------------------------- */

static void read_workflow(struct look *l, struct wf_store *s)
{
	struct wf_buf dag = { 0 };
	char *params = NULL;

	if (wf_store_get_input(s, l->number, &l->answer.body, &dag, &params, &l->err) < 0)
		fail(l);
	wf_buf_release(&dag);
	free(params);
}

void wf_history_workflow(struct engine *e, struct run *r, wf_answer_fn *done, void *arg)
{
	struct look *l = look_create(e, r, done, arg);

	l->read = read_workflow;
	l->show = show_nothing;
	look_start(l);
}

static void read_backup(struct look *l, struct wf_store *s)
{
	if (wf_store_backup(s, l->file, &l->bytes, &l->err) < 0)
		fail(l);
}

static void show_backup(struct look *l, struct run *r)
{
	struct wf_buf *out = &l->answer.body;

	(void)r;
	jw_open(out, NULL, '{');
	jw_str(out, "file", l->file);
	jw_int(out, "bytes", (int64_t)l->bytes);
	jw_close(out, '}');
	jw_end(out);
}

void wf_history_backup(struct engine *e, const char *file, wf_answer_fn *done, void *arg)
{
	struct look *l = look_create(e, NULL, done, arg);

	l->file = wf_xstrdup(file);
	l->read = read_backup;
	l->show = show_backup;
	look_start(l);
}
