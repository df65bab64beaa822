/* history_output.c - owns where an attempt's output is and which part of it is asked for; what is in the files is engine/link/output.c's. */
#include "engine/core/history_internal.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX = 400, TAIL_LINES = 8 };

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
void source_of(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int errors, struct source *s)
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
char *source_last_line(struct wf_os *os, const struct source *s)
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
			look_fail(l);
			return;
		}
		if (!l->answer.attempt) {
			wf_errf(&l->err, WF_NOT_FOUND, "the task has no attempt %u", l->query.attempt);
			look_fail(l);
			return;
		}
	}
	o = output_of(&l->source);
	if (l->query.offset < 0) {
		uint64_t back = (uint64_t)0 - (uint64_t)l->query.offset;

		if (wf_output_read(l->engine->os, &o, 0, 0, &l->answer.body, &total, &l->err) < 0) {
			look_fail(l);
			return;
		}
		at = total > back ? total - back : 0;
	}
	if (wf_output_read(l->engine->os, &o, at, l->query.limit, &l->answer.body, &total, &l->err) < 0) {
		look_fail(l);
		return;
	}
	l->answer.next = at + l->answer.body.len;
	l->answer.complete = l->source.ended && l->answer.next >= total;
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
	l->show = look_is_read;
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
