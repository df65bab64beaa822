/* explain.c - owns the answer to "why": which of the many conditions of a task is the one that matters, and what lies behind it.
 *
 * It asks in the order in which decide.c and schedule.c do; a condition that they gain has to be named here, or in explain_ready.c and
 * explain_waiting.c. Knows nothing of how the answer travels.
 */
#include "engine/core/explain.h"

#include <string.h>

#include "engine/core/explain_internal.h"
#include "engine/core/words.h"
#include "engine/core/writer.h"

/* ---- items of `because` ------------------------------------------------------------------------------ */

/* A text stands behind its state: "running: running for 5 s" says it twice. */
static const char *without_state(const char *text, const char *state)
{
	size_t n = strlen(state);

	if (strncmp(text, state, n) != 0 || !text[n])
		return text;
	return text[n] == ' ' ? text + n + 1 : strchr(":,", text[n]) && text[n + 1] == ' ' ? text + n + 2 : text;
}

static void add(struct why *w, const char *kind, const char *name, const char *state, const char *text)
{
	if (!w->list || w->listed >= EXPLAIN_NAMED)
		return;
	w->listed++;
	text = without_state(text, state);
	jw_open(w->list, NULL, '{');
	jw_str(w->list, kind, name);
	jw_str(w->list, "state", state);
	jw_str(w->list, "text", text);
	jw_close(w->list, '}');
}

void explain_add_node(struct why *w, const struct node *n, const char *text)
{
	const struct instance *in = &w->run->inst[n->instance];
	char name[WORDS_NAME];

	words_name(w->run, n->instance, n->index, name);
	add(w, "task", name, n->index == DAG_UNSIZED ? words_step_state(in) : wf_seen_name(wf_task_seen(&in->tasks[n->index])), text);
}

void explain_add_service(struct why *w, uint32_t service)
{
	const struct wf_service *s = &w->run->services[service].s;
	struct wf_buf text = { 0 };

	words_service(&text, w->engine, w->run, service);
	add(w, "service", s->name, wf_sm_name(&wf_service_machine, s->state), wf_buf_cstr(&text));
	wf_buf_release(&text);
}
/* ---- active, held, ended ------------------------------------------------------------------------------------- */

static void say_active(struct why *w, const struct node *n)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];
	int64_t since = wf_os_wall_ms(w->engine->os) - t->started_ms;

	switch (wf_task_seen(t)) {
	case WF_SEEN_RUNNING:
		wf_buf_str(w->say, "running");
		if (t->started_ms) {
			wf_buf_str(w->say, " for ");
			words_duration(w->say, since);
		}
		if (t->attempt > 1)
			wf_buf_printf(w->say, ", attempt %u", t->attempt);
		if (t->pid)
			wf_buf_printf(w->say, ", process %u", t->pid);
		break;
	case WF_SEEN_CANCELING:
		wf_buf_str(w->say, "is being stopped");
		break;
	case WF_SEEN_UNKNOWN:
		wf_buf_str(w->say, "nobody can tell whether its attempt still runs");
		break;
	case WF_SEEN_QUEUED:
		wf_buf_str(w->say, "taken by its agent, about to run");
		break;
	default:
		wf_buf_str(w->say, "is being handed to its agent");
	}
}

static void say_held(struct why *w, const struct node *n)
{
	char name[WORDS_NAME];

	words_name(w->run, n->instance, n->index, name);
	wf_buf_printf(w->say, "held: %s; `wf resolve RUN %s --as succeeded|failed|rerun` decides",
		      w->extra && w->extra->reason ? w->extra->reason : "nobody can tell what became of its attempt", name);
}

static void say_succeeded(struct why *w, const struct node *n)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];

	if (t->flags & WF_TASK_F_RESOLVED) {
		wf_buf_str(w->say, "succeeded: a person said so");
		return;
	}
	wf_buf_str(w->say, "succeeded");
	if (t->started_ms && t->ended_ms >= t->started_ms) {
		wf_buf_str(w->say, " in ");
		words_duration(w->say, t->ended_ms - t->started_ms);
	}
	if (t->attempt > 1)
		wf_buf_printf(w->say, ", at attempt %u", t->attempt);
}

/* How it failed, for its own sentence and for those it took along. */
static void failure(struct why *w, const struct node *n)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];

	if (w->extra && w->extra->reason)
		wf_buf_str(w->say, w->extra->reason);
	else if (!words_reason(w->say, w->run, n->instance, n->index))
		wf_buf_str(w->say, "for a reason that was not recorded");
	if (t->attempt > 1)
		wf_buf_printf(w->say, ", after %u attempts", t->attempt);
	if (w->extra && w->extra->last_line && *w->extra->last_line)
		wf_buf_printf(w->say, "; last line of its output: %s", w->extra->last_line);
}

static void say_failed(struct why *w, const struct node *n)
{
	const struct run *r = w->run;

	wf_buf_str(w->say, "failed: ");
	failure(w, n);
	if (!dag_plan_intolerable(r->plan, n->instance))
		wf_buf_str(w->say, "; its step tolerates that");
	for (uint32_t k = 0; k < r->inst[n->instance].use_count; k++) {
		uint32_t s = task_service(r, n->instance, n->index, k);

		if (r->inst[n->instance].tasks[n->index].class == WF_CLASS_SERVICE_FAILED && words_service_troubled(&r->services[s]))
			explain_add_service(w, s);
	}
}

/* ---- skipped: back along the causes to the first ---------------------------------------------------------------- */

static int first_in_state(const struct instance *in, uint8_t state, uint32_t *index)
{
	for (uint32_t k = 0; k < in->count; k++)
		if (in->tasks[k].state == state) {
			*index = k;
			return 1;
		}
	return 0;
}

/* The task that a skipped one names, or of a step named as a whole one that stands for it. */
static int cause_of(const struct run *r, const struct node *n, struct node *cause)
{
	const struct wf_task *t = &r->inst[n->instance].tasks[n->index];

	if (t->state != WF_TASK_SKIPPED || t->class == WF_SKIP_WHEN || t->pid >= r->inst_count)
		return 0;
	cause->instance = t->pid;
	cause->index = (uint32_t)t->exit;
	if (cause->index == DAG_UNSIZED &&
	    !first_in_state(&r->inst[cause->instance], t->class == WF_SKIP_PARENT_FAILED ? WF_TASK_FAILED : WF_TASK_SKIPPED, &cause->index))
		return 0;
	return cause->index < r->inst[cause->instance].count;
}

/* Follows the causes of a skipped task; the chain without the task itself, the first cause last. */
static size_t causes(const struct run *r, const struct node *n, struct node *chain)
{
	struct node at = *n;
	size_t count = 0;

	while (count < EXPLAIN_CHAIN && cause_of(r, &at, &chain[count]))
		at = chain[count++];
	return count;
}

struct names {
	const struct why *why;
	struct wdf_scope *scope;
	uint32_t count;
};

/* "mode = 'quick'" for each name of a `when` that can be looked up. */
static void say_name(const char *name, struct wdf_pos pos, void *arg)
{
	struct names *s = arg;
	struct wf_buf *b = s->why->say, text = { 0 };
	struct wdf_value v;
	size_t n = strcspn(name, ".");

	(void)pos;
	if (name[n] || s->scope->lookup(s->scope->self, name, n, &v) < 0)
		return;
	wdf_value_text(&v, &text);
	wf_buf_printf(b, "%s%s is %s", s->count++ ? ", " : " (", name, text.len ? wf_buf_cstr(&text) : "empty");
	wf_buf_release(&text);
}

static void say_when(struct why *w, const struct node *n)
{
	const struct wdf_step *step = explain_step(w->run, n->instance);
	struct wf_arena arena = { 0 };
	struct names s = { .why = w };

	wf_buf_str(w->say, "skipped: its `when` is false");
	if (step->when && w->engine->os) {
		s.scope = render_scope(w->engine, w->run, n->instance, n->index, &arena);
		wdf_expr_names(step->when, say_name, &s);
		if (s.count)
			wf_buf_char(w->say, ')');
	}
	wf_arena_release(&arena);
}

static void say_skipped(struct why *w, const struct node *n)
{
	const struct run *r = w->run;
	const struct wf_task *t = &r->inst[n->instance].tasks[n->index];
	struct node chain[EXPLAIN_CHAIN];
	size_t count = causes(r, n, chain);
	char name[WORDS_NAME];

	if (t->class == WF_SKIP_WHEN) {
		say_when(w, n);
		return;
	}
	if (!count || r->inst[chain[count - 1].instance].tasks[chain[count - 1].index].state != WF_TASK_FAILED) {
		words_reason(w->say, r, n->instance, n->index);
	} else {
		wf_buf_printf(w->say, "skipped: '%s' failed: ", words_name(r, chain[count - 1].instance, chain[count - 1].index, name));
		failure(w, &chain[count - 1]);
		if (count > 1)
			wf_buf_printf(w->say, "; '%s' before it was skipped too", words_name(r, chain[0].instance, chain[0].index, name));
	}
	for (size_t i = count; i-- > 0;) {
		struct wf_buf text = { 0 };

		if (!words_reason(&text, r, chain[i].instance, chain[i].index))
			wf_buf_str(&text, wf_seen_name(wf_task_seen(&r->inst[chain[i].instance].tasks[chain[i].index])));
		explain_add_node(w, &chain[i], text.data);
		wf_buf_release(&text);
	}
}

/* ---- the door ----------------------------------------------------------------------------------------------------------- */

void explain_one(struct why *w, const struct node *n)
{
	switch (w->run->inst[n->instance].tasks[n->index].state) {
	case WF_TASK_WAITING:
		/* As the cause of another: its own parents were followed already. */
		if (w->list)
			explain_waiting(w, n);
		else
			explain_waiting_short(w, n);
		break;
	case WF_TASK_READY:
		explain_ready(w, n);
		break;
	case WF_TASK_ACTIVE:
		say_active(w, n);
		break;
	case WF_TASK_HELD:
		say_held(w, n);
		break;
	case WF_TASK_SUCCEEDED:
		say_succeeded(w, n);
		break;
	case WF_TASK_FAILED:
		say_failed(w, n);
		break;
	case WF_TASK_SKIPPED:
		say_skipped(w, n);
		break;
	case WF_TASK_CANCELED:
		wf_buf_str(w->say, w->run->row.cancel ? "canceled with its run" : "canceled");
		break;
	default:
		wf_buf_str(w->say, wf_seen_name(wf_task_seen(&w->run->inst[n->instance].tasks[n->index])));
	}
}

int explain_wants(const struct run *r, uint32_t instance, uint32_t index, uint32_t *of_instance, uint32_t *of_index)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct node n = { instance, index }, chain[EXPLAIN_CHAIN];

	if (t->state == WF_TASK_SKIPPED) {
		size_t count = causes(r, &n, chain);

		if (!count)
			return 0;
		n = chain[count - 1];
		t = &r->inst[n.instance].tasks[n.index];
	}
	if (t->state != WF_TASK_FAILED && t->state != WF_TASK_HELD && t->state != WF_TASK_READY && t->state != WF_TASK_ACTIVE)
		return 0;
	*of_instance = n.instance;
	*of_index = n.index;
	return 1;
}

void explain_sentence(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct explain_extra *x, struct wf_buf *out)
{
	struct wf_buf list = { 0 };
	struct why w = { .engine = e, .run = r, .extra = x, .say = out, .list = &list };
	struct node n = { instance, index };

	explain_one(&w, &n);
	wf_buf_release(&list);
}

void explain(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct explain_extra *x, struct wf_buf *out)
{
	struct wf_buf say = { 0 }, list = { 0 };
	struct why w = { .engine = e, .run = r, .extra = x, .say = &say, .list = &list };
	struct node n = { instance, index };

	explain_one(&w, &n);
	jw_open(out, NULL, '{');
	jw_str(out, "state", wf_seen_name(wf_task_seen(&r->inst[instance].tasks[index])));
	jw_str(out, "why", wf_buf_cstr(&say));
	jw_open(out, "because", '[');
	if (list.len)
		wf_buf_add(out, list.data, list.len);
	jw_close(out, ']');
	jw_close(out, '}');
	jw_end(out);
	wf_buf_release(&say);
	wf_buf_release(&list);
}
