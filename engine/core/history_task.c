/* history_task.c - owns a task with its attempts and notes, and why it is what it is. */
#include "engine/core/history_internal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/explain.h"
#include "engine/core/view_internal.h"

enum { ATTEMPTS_SHOWN = 1000 };

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
			look_fail(l);
			return;
		}
		if (l->past_count)
			qsort(l->past, l->past_count, sizeof(*l->past), older);
		for (size_t i = 0; i < l->past_count; i++)
			if (wf_store_get_note(s, l->number, l->instance, l->index, l->past[i].attempt, &l->past[i].reason,
					      &l->past[i].result, &l->err) < 0) {
				look_fail(l);
				return;
			}
	}
	if (l->of_attempt || l->wants_line) {
		char *result = NULL;

		if (wf_store_get_note(s, l->number, l->of_instance, l->of_index, l->of_attempt, &l->of_reason, &result, &l->err) < 0)
			look_fail(l);
		free(result);
	}
	if (!l->failed && l->wants_line && l->source.log_dir)
		l->line = source_last_line(l->engine->os, &l->source);
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
