/* history.c - owns reads that leave memory: what is asked is put together on the loop, read on the store's thread, shown on the loop.
 *
 * Here are the way there and back, and the questions about a run as a whole; history_task.c and history_output.c ask about a task.
 */
#include "engine/core/history_internal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/view_internal.h"

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
	free(l->source.log_dir);
	free(l->source.user_path);
	wf_arena_release(&l->texts);
	wf_buf_release(&l->answer.body);
	free(l);
}

void look_fail(struct look *l)
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
		look_fail(l);
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

struct look *look_create(struct engine *e, struct run *r, wf_answer_fn *done, void *arg)
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

void look_start(struct look *l)
{
	wf_store_read(l->engine->store, l->engine->loop, on_read, on_done, l);
}

void look_is_read(struct look *l, struct run *r)
{
	(void)l;
	(void)r;
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
		look_fail(l);
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
		look_fail(l);
	wf_buf_release(&dag);
	free(params);
}

void wf_history_workflow(struct engine *e, struct run *r, wf_answer_fn *done, void *arg)
{
	struct look *l = look_create(e, r, done, arg);

	l->read = read_workflow;
	l->show = look_is_read;
	look_start(l);
}

static void read_backup(struct look *l, struct wf_store *s)
{
	if (wf_store_backup(s, l->file, &l->bytes, &l->err) < 0)
		look_fail(l);
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
