/* effect.c - what leaves the house after the commit: starts, cancels, stops, acknowledgements, files for consumers, replies.
 *
 * Idempotent: an effect that is lost (the process died, the agent was away) is found again by recovery or reattach, one that is done twice
 * does no harm: starts carry a number the agent takes only once. Decides nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/core/engine.h"

enum { STARTS_PER_FRAME = 1000, STOP_OP_MS = 90 * 1000, GRACE_MS = 10 * 1000 };

struct starts {
	struct wf_start *items;
	uint32_t count;
	size_t cap;
	struct wf_arena arena;
};

static void send_starts(struct engine *e, struct starts *s)
{
	struct wf_buf b = { 0 };

	if (s->count) {
		(void)WF_FAULT("core.start.send.before");
		wf_wire_start(&b, s->items, s->count);
		agent_send(agents_of(e, "local"), &b);
		(void)WF_FAULT("core.start.send.after");
	}
	wf_buf_release(&b);
	wf_arena_release(&s->arena);
	free(s->items);
	memset(s, 0, sizeof(*s));
}

static struct wf_start *room(struct engine *e, struct starts *s)
{
	if (s->count == (e->opt.limits.starts_per_frame ?: STARTS_PER_FRAME))
		send_starts(e, s);
	s->items = wf_grow(s->items, &s->cap, s->count + 1, sizeof(*s->items));
	memset(&s->items[s->count], 0, sizeof(*s->items));
	return &s->items[s->count];
}

/* A task that cannot be rendered never reaches an agent: its attempt ends here. */
static void refuse(struct engine *e, struct run *r, const struct effect *f, const struct wf_err *err)
{
	struct wf_event ev = { .kind = WF_E_ATTEMPT_ENDED, .a = f->a, .b = f->b };
	int64_t now = wf_os_wall_ms(e->os);

	ev.v[0] = (int64_t)f->number;
	ev.v[1] = err->code == WF_INVALID ? WF_CLASS_TEMPLATE_REFUSED : WF_CLASS_LAUNCH_FAILED;
	ev.v[4] = now;
	ev.text[0].p = err->text;
	ev.text[0].n = (uint32_t)strlen(err->text);
	e->cause = 0;
	core_post(e, r, &ev);
}

/* The file by which consumers find a service. One that could not be written is tried again before each consumer's start. */
static int write_view(struct engine *e, struct run *r, uint32_t service, struct wf_err *err)
{
	int rc = render_view_file(e, r, service, err);

	r->services[service].view_lost = rc < 0;
	if (rc < 0)
		wf_log(WF_LOG_ERROR, "run %llu: %s", (unsigned long long)r->row.number, err->text);
	return rc;
}

static int views_are_there(struct engine *e, struct run *r, uint32_t instance, uint32_t index, struct wf_err *err)
{
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++) {
		uint32_t service = task_service(r, instance, index, k);

		if (r->services[service].view_lost && write_view(e, r, service, err) < 0)
			return -1;
	}
	return 0;
}

/* The start before it in the frame, if that is of the same step. */
static const struct wf_start *start_like(const struct starts *s, const struct effect *f)
{
	const struct wf_start *before = s->count ? &s->items[s->count - 1] : NULL;

	return before && before->key.kind == WF_KIND_STEP && before->key.run == f->run && before->key.instance == f->a ? before : NULL;
}

static void start(struct engine *e, struct run *r, const struct effect *f, struct starts *s)
{
	const struct wf_task *t = &r->inst[f->a].tasks[f->b];
	struct wf_start *st;
	struct wf_err err;

	/* Canceled or lost between the commit and now, or no agent to send to: reattach resolves it. */
	if (t->number != f->number || t->astate != WF_ATTEMPT_SUBMITTING ||
	    agents_of(e, "local")->state != AGENT_READY)
		return;
	st = room(e, s);
	if (views_are_there(e, r, f->a, f->b, &err) < 0 || render_task(e, r, f->a, f->b, start_like(s, f), &s->arena, st, &err) < 0) {
		refuse(e, r, f, &err);
		return;
	}
	st->places = f->places;
	s->count++;
}

static void start_member(struct engine *e, struct run *r, const struct effect *f, struct starts *s)
{
	const struct wf_member *m = &run_member(r, f->a, f->b)->m;
	struct wf_event ev = { .kind = WF_E_MEMBER_GONE, .a = f->a, .b = f->b,
			       .v = { (int64_t)f->number, WF_CLASS_LAUNCH_FAILED } };
	struct wf_err err;

	if (m->number != f->number || agents_of(e, "local")->state != AGENT_READY)
		return;
	if (m->state == WF_MEMBER_LEAVING) {
		/* Not wanted any more before it was sent: nobody else can tell that it never was. */
		ev.v[1] = WF_CLASS_CANCELED;
		e->cause = 0;
		core_post(e, r, &ev);
		return;
	}
	if (m->state != WF_MEMBER_PENDING)
		return;
	if (render_member(e, r, f->a, f->b, &s->arena, room(e, s), &err) == 0) {
		s->count++;
		return;
	}
	ev.text[0].p = err.text;
	ev.text[0].n = (uint32_t)strlen(err.text);
	e->cause = 0;
	core_post(e, r, &ev);
}

static struct wf_key key_of(const struct run *r, const struct effect *f, int member)
{
	struct wf_key k = { .run = r->row.number, .instance = f->a, .index = f->b };

	if (member) {
		k.kind = WF_KIND_MEMBER;
		k.attempt = (uint16_t)run_member((struct run *)r, f->a, f->b)->m.generation;
	} else {
		k.attempt = r->inst[f->a].tasks[f->b].attempt;
	}
	return k;
}

static void cancel(struct engine *e, struct run *r, const struct effect *f, int member)
{
	struct wf_cancel c = { .ref = { .number = f->number, .key = key_of(r, f, member) }, .why = f->why,
			       .grace_ms = GRACE_MS };
	struct wf_buf b = { 0 };

	(void)WF_FAULT("core.cancel.send.before");
	wf_wire_cancel(&b, &c, 1);
	agent_send(agents_of(e, "local"), &b);
	wf_buf_release(&b);
}

static void stop_member(struct engine *e, struct run *r, const struct effect *f)
{
	struct wf_call c = { .op_id = f->number, .ref = { .number = f->number, .key = key_of(r, f, 1) }, .op = "stop",
			     .args = "{}", .deadline_ms = STOP_OP_MS };
	struct wf_buf b = { 0 };

	(void)WF_FAULT("core.stop.send.before");
	wf_wire_call(&b, &c, 1);
	agent_send(agents_of(e, "local"), &b);
	wf_buf_release(&b);
}

static void ack(struct engine *e, const struct effect *f)
{
	struct wf_buf b = { 0 };

	/* A cursor is a place in the journal of the agent that gave it; another one counts anew. */
	if (f->a != e->local.connection)
		return;
	wf_wire_ack(&b, f->number);
	agent_send(agents_of(e, "local"), &b);
	wf_buf_release(&b);
}

static void of_run(struct engine *e, const struct effect *f, struct starts *s)
{
	struct run *r = wf_core_run(e, f->run);
	struct wf_err err;

	if (!r || !r->loaded)
		return;
	switch (f->kind) {
	case EFFECT_START:
		start(e, r, f, s);
		break;
	case EFFECT_START_MEMBER:
		start_member(e, r, f, s);
		break;
	case EFFECT_CANCEL:
	case EFFECT_CANCEL_MEMBER:
		cancel(e, r, f, f->kind == EFFECT_CANCEL_MEMBER);
		break;
	case EFFECT_STOP_MEMBER:
		stop_member(e, r, f);
		break;
	case EFFECT_SIZE:
		results_size(e, r, f->a);
		break;
	case EFFECT_VIEW_FILE:
		(void)write_view(e, r, f->a, &err);
		break;
	case EFFECT_TIDY:
		tidy_service(e, r, f->a);
		break;
	}
}

void effect_run(struct engine *e, const struct effect *f, size_t n)
{
	struct starts s = { 0 };

	for (size_t i = 0; i < n; i++) {
		/* A cancel may not overtake the start it is about. */
		if (f[i].kind != EFFECT_START && f[i].kind != EFFECT_START_MEMBER && f[i].kind != EFFECT_FN)
			send_starts(e, &s);
		if (f[i].kind == EFFECT_FN)
			f[i].fn(f[i].arg);
		else if (f[i].kind == EFFECT_ACK)
			ack(e, &f[i]);
		else
			of_run(e, &f[i], &s);
	}
	send_starts(e, &s);
}
