/* post.c - the single door for events: number, apply, derive, into the batch. Owns nothing but the order of these four.
 *
 * Our own code posts only what the machine allows: a refusal here is a BUG. What agents say is checked by messages.c first.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"

static struct wf_task *task_of(struct run *r, const struct wf_event *ev)
{
	WF_ASSERT(ev->a < r->inst_count && ev->b < r->inst[ev->a].count);
	return &r->inst[ev->a].tasks[ev->b];
}

static int apply(struct engine *e, struct run *r, const struct wf_event *ev, struct wf_task *before,
		 struct wf_err *err)
{
	const struct wf_event_info *info = wf_event_info(ev->kind);

	switch (info->subject) {
	case WF_S_ENGINE:
	case WF_S_INSTANCE:
		return 0;
	case WF_S_RUN:
		return wf_run_update(&r->row, ev, err);
	case WF_S_TASK: {
		struct wf_task *t = task_of(r, ev);

		*before = *t;
		if (wf_task_update(t, ev, err) < 0)
			return -1;
		batch_dirty(r, ev->a, ev->b / WF_TASKS_PER_BLOB);
		/* Rare texts and attempts that are not the last leave for rows of their own. */
		wf_batch_derive(e->open.rows, ev, before);
		return 0;
	}
	case WF_S_SERVICE:
		r->services[ev->a].dirty = r->things_dirty = 1;
		return wf_service_update(&r->services[ev->a].s, ev, err);
	case WF_S_MEMBER: {
		struct member *m = run_member(r, ev->a, ev->b);

		m->dirty = r->things_dirty = 1;
		return wf_member_update(&m->m, ev, err);
	}
	case WF_S_LEASE: {
		struct lease *l = run_lease(r, ev->a, ev->b);

		WF_ASSERT(l);
		l->dirty = r->things_dirty = 1;
		return wf_lease_update(&l->l, ev, err);
	}
	}
	return wf_errf(err, WF_INTERNAL, "event %u has no subject", ev->kind);
}

/* News of something under way: what follows from it, if anything, is posted and urgent by itself. */
static int is_news(uint8_t kind)
{
	return kind == WF_E_ATTEMPT_ACCEPTED || kind == WF_E_ATTEMPT_RUNNING || kind == WF_E_ATTEMPT_STRAY ||
	       kind == WF_E_MEMBER_LAUNCHED || kind == WF_E_MEMBER_JOINING;
}

/* What a short task does many times. */
static int is_flow(const struct wf_event *ev)
{
	return (ev->kind == WF_E_ATTEMPT_ENDED && ev->v[1] == WF_CLASS_OK) || ev->kind == WF_E_TASK_SUCCEEDED ||
	       ev->kind == WF_E_TASK_RELEASED || ev->kind == WF_E_TASK_STARTED;
}

static void pack(struct engine *e, const struct wf_event *ev)
{
	struct gather *g = &e->open;

	if (g->pack.count && g->pack_run != ev->run) {
		wf_pack_finish(&g->pack);
		wf_batch_events(g->rows, g->pack_run, g->pack.first_seq, g->pack.count, g->pack.time,
				g->pack.buf.data, g->pack.buf.len);
		wf_pack_clear(&g->pack);
	}
	g->pack_run = ev->run;
	wf_pack_add(&g->pack, ev);
	g->events++;
	if (is_flow(ev))
		g->flow = 1;
	else
		g->urgent |= !is_news(ev->kind);
}

void core_post(struct engine *e, struct run *r, struct wf_event *ev)
{
	struct wf_task before = { 0 };
	struct wf_err err;

	ev->seq = e->next_seq++;
	ev->at = wf_os_wall_ms(e->os);
	ev->epoch = e->epoch;
	ev->run = r ? r->row.number : 0;
	ev->cause = e->cause;
	if (apply(e, r, ev, &before, &err) < 0)
		WF_BUG("run %llu, event %llu '%s' on (%u, %u): %s", (unsigned long long)ev->run,
		       (unsigned long long)ev->seq, wf_event_name(ev->kind), ev->a, ev->b, err.text);
	pack(e, ev);
	if (r) {
		r->row.seq = ev->seq;
		/* Dirty is what was noted already. */
		if (!r->row_dirty)
			batch_note_run(e, r);
		r->row_dirty = 1;
		derive_after(e, r, ev, &before);
	}
	batch_kick(e);
}

void core_post_task(struct engine *e, struct run *r, uint8_t kind, uint32_t instance, uint32_t index, int64_t v0)
{
	struct wf_event ev = { .kind = kind, .a = instance, .b = index, .v = { v0 } };

	core_post(e, r, &ev);
}

void core_post_text(struct engine *e, struct run *r, uint8_t kind, uint32_t a, uint32_t b, int64_t v0,
		    const char *text)
{
	struct wf_event ev = { .kind = kind, .a = a, .b = b, .v = { v0 } };

	if (text) {
		ev.text[0].p = text;
		ev.text[0].n = (uint32_t)strlen(text);
	}
	core_post(e, r, &ev);
}

void core_touch_run(struct engine *e, struct run *r)
{
	if (!r->touched) {
		r->touched = 1;
		e->touched = wf_grow(e->touched, &e->touched_cap, e->touched_count + 1,
				     sizeof(*e->touched));
		e->touched[e->touched_count++] = r;
	}
	batch_kick(e);
}

void core_touch_all(struct engine *e)
{
	for (size_t i = 0; i < e->live_count; i++)
		core_touch_run(e, e->live[i]);
	batch_kick(e);
}
