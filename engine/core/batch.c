/* batch.c - group commit: one batch gathers while one is being committed; effects and replies of a batch leave after it is on disk.
 *
 * A turn: decide for every run that was touched, let the scheduler start what fits, then, if the store is free, seal. While a
 * commit is under way later events gather, so the batch grows with the load. Only what nobody waits for waits a moment for better company:
 * news that nothing follows from (an attempt runs), and the ends of tasks while the agent has others to go on with.
 *
 * Dirty task blobs are not written with every batch: each event earns a few bytes of budget, and now and then the oldest dirty ones
 * are written, as far as it goes. So a busy run writes about twice its events, and a restart replays at most
 * (dirty blobs x blob size / budget per event) events. A run that is over has all its blobs written, a few with each batch: a batch holds
 * copies of them, and those of a million tasks are as large as all else.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/core/engine.h"

enum {
	BUDGET_PER_EVENT = 64,           /* bytes of task blobs an event pays for */
	BUDGET_STEP = 64 << 10,          /* earned between two times that any are written: the store looks at all of a run each time */
	BUDGET_CAP = 8 << 20,            /* most of it saved up, and most written in one batch */
	OVER_STEP = 4 << 20,             /* most written in one batch of a run that is over */
	GAP_MS = 10,                     /* the longest that news nobody waits for stays uncommitted */
	SPACE_MS = 5000,                 /* between two looks at a full disk */
};

static void turn(struct engine *e);
static void seal(struct engine *e);

static void on_kick(struct wf_post *p)
{
	struct engine *e = wf_container_of(p, struct engine, kick);

	e->kicked = 0;
	turn(e);
}

void batch_kick(struct engine *e)
{
	if (e->kicked || e->deciding)
		return;
	e->kicked = 1;
	e->kick.fn = on_kick;
	wf_loop_post(e->loop, &e->kick);
}

void batch_effect(struct engine *e, const struct effect *f)
{
	struct gather *g = &e->open;

	g->effects = wf_grow(g->effects, &g->effect_cap, g->effect_count + 1, sizeof(*g->effects));
	g->effects[g->effect_count++] = *f;
	if (f->kind == EFFECT_START && f->places) {
		g->flow = 1;
		g->queued++;
	} else {
		g->urgent |= f->kind != EFFECT_ACK;
	}
	batch_kick(e);
}

void batch_note_run(struct engine *e, struct run *r)
{
	struct gather *g = &e->open;

	g->runs = wf_grow(g->runs, &g->run_cap, g->run_count + 1, sizeof(*g->runs));
	g->runs[g->run_count++] = r;
}

void wf_core_when_durable(struct engine *e, void (*fn)(void *arg), void *arg)
{
	struct effect f = { .kind = EFFECT_FN, .fn = fn, .arg = arg };

	/* What is gathering rests on what flies: its effects come after both. */
	batch_effect(e, &f);
}

static void turn(struct engine *e)
{
	e->deciding = 1;
	while (e->touched_count) {
		struct run *r = e->touched[--e->touched_count];

		r->touched = 0;
		decide_run(e, r);
		e->cause = 0;
		if (!e->touched_count)
			schedule(e);
	}
	schedule(e);
	e->cause = 0;
	e->deciding = 0;
	if (e->touched_count)
		batch_kick(e);
	seal(e);
}

/* ---- sealing --------------------------------------------------------------------------------------- */

static size_t write_chunk(struct engine *e, struct run *r, uint32_t instance, uint32_t chunk, uint64_t seq)
{
	struct instance *in = &r->inst[instance];
	uint32_t first = chunk * WF_TASKS_PER_BLOB;
	uint32_t count = in->count - first < WF_TASKS_PER_BLOB ? in->count - first : WF_TASKS_PER_BLOB;

	wf_batch_tasks(e->open.rows, r->row.number, instance, chunk, seq, in->tasks + first, count);
	in->dirty[chunk / 64] &= ~((uint64_t)1 << (chunk % 64));
	in->applied[chunk] = seq;
	return count * sizeof(*in->tasks);
}

void batch_dirty(struct run *r, uint32_t instance, uint32_t chunk)
{
	struct instance *in = &r->inst[instance];
	uint64_t bit = (uint64_t)1 << (chunk % 64);

	if (in->dirty[chunk / 64] & bit)
		return;
	in->dirty[chunk / 64] |= bit;
	if (r->chunk_count == r->chunk_cap) {
		uint32_t cap = r->chunk_cap ? r->chunk_cap * 2 : 16;
		struct chunk *ring = wf_xmalloc(cap * sizeof(*ring));

		for (uint32_t i = 0; i < r->chunk_count; i++)
			ring[i] = r->chunks[(r->chunk_head + i) % r->chunk_cap];
		free(r->chunks);
		r->chunks = ring;
		r->chunk_cap = cap;
		r->chunk_head = 0;
	}
	r->chunks[(r->chunk_head + r->chunk_count++) % r->chunk_cap] = (struct chunk){ instance, chunk };
}

static void write_blobs(struct engine *e, struct run *r, uint64_t seq, int64_t *budget)
{
	while (r->chunk_count && *budget > 0) {
		struct chunk c = r->chunks[r->chunk_head];

		r->chunk_head = (r->chunk_head + 1) % r->chunk_cap;
		r->chunk_count--;
		/* One that was read clean from the store after it was queued has nothing to say. */
		if (r->inst[c.instance].dirty[c.number / 64] >> (c.number % 64) & 1)
			*budget -= (int64_t)write_chunk(e, r, c.instance, c.number, seq);
	}
}

/* What earlier batches left of runs that are over. */
static void write_more(struct engine *e, uint64_t seq, int64_t *budget)
{
	e->lagging = 0;
	for (size_t i = 0; i < e->run_count; i++) {
		struct run *r = e->runs[i];

		if (!wf_run_is_over(&r->row) || !r->chunk_count)
			continue;
		write_blobs(e, r, seq, budget);
		e->lagging |= r->chunk_count > 0;
	}
}

static void write_rows(struct engine *e, struct run *r)
{
	struct wf_batch *b = e->open.rows;

	if (r->row_dirty)
		wf_batch_run(b, &r->row);
	r->row_dirty = 0;
	if (!r->things_dirty)
		return;
	r->things_dirty = 0;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].dirty) {
			wf_batch_service(b, &r->services[i].s);
			r->services[i].dirty = 0;
		}
	for (uint32_t i = 0; i < r->member_count; i++)
		if (r->members[i].dirty) {
			wf_batch_member(b, &r->members[i].m);
			r->members[i].dirty = 0;
		}
	for (uint32_t i = 0; i < r->lease_count; i++)
		if (r->leases[i].dirty) {
			wf_batch_lease(b, &r->leases[i].l);
			r->leases[i].dirty = 0;
		}
}

static void gather_release(struct gather *g)
{
	wf_batch_free(g->rows);
	wf_pack_release(&g->pack);
	free(g->effects);
	free(g->runs);
	memset(g, 0, sizeof(*g));
}

void batch_release(struct engine *e)
{
	gather_release(&e->open);
	gather_release(&e->flying);
}

static void tell_watchers(struct engine *e, struct run *const *runs, size_t n)
{
	for (struct wf_watch *w = e->watches.next, *next; w && w != &e->watches; w = next) {
		next = w->next;
		for (size_t i = 0; i < n; i++)
			if (!w->run || w->run == runs[i]->row.number) {
				w->fn(w, runs[i]->row.number);
				break;
			}
	}
}

/* ---- a full disk ----------------------------------------------------------------------------------- */

static void on_committed(void *arg, const struct wf_err *err, const struct wf_store_state *st);

static void take_state(struct engine *e, const struct wf_store_state *st)
{
	int was = e->full;

	e->store_state = *st;
	e->full = (uint8_t)st->full;
	if (was == st->full)
		return;
	wf_log(WF_LOG_WARN, st->full ? "the disk of '%s' is full: starting nothing new until it has room"
				     : "the disk of '%s' has room again: going on",
	       e->state_dir);
	if (!st->full)
		core_touch_all(e);
}

static void look_again(struct engine *e);

static void on_space(void *arg, const struct wf_err *err, const struct wf_store_state *st)
{
	struct engine *e = arg;

	e->looking = 0;
	if (err && err->code != WF_FULL) {
		core_leave(e, err);
		return;
	}
	if (!err && st)
		take_state(e, st);
	if (e->full)
		look_again(e);
	batch_kick(e);
}

static void on_look(struct wf_timer *t)
{
	struct engine *e = wf_container_of(t, struct engine, space);

	/* Who stops must not wait for an answer that comes after it is gone. */
	if (e->left || e->stopping)
		return;
	if (e->kept) {
		/* The store kept the batch that did not fit: nothing else may be written before it. */
		e->kept = 0;
		wf_store_commit(e->store, e->loop, NULL, on_committed, e);
	} else if (e->committing) {
		look_again(e);
	} else {
		e->looking = 1;
		wf_store_commit(e->store, e->loop, NULL, on_space, e);
	}
}

void batch_full_at_start(struct engine *e)
{
	struct wf_store_state st;

	wf_store_state(e->store, &st);
	take_state(e, &st);
	if (e->full)
		look_again(e);
}

static void look_again(struct engine *e)
{
	/* Never put off: somebody who asks every second would keep the disk full for ever. */
	if (e->space.armed)
		return;
	e->space.fn = on_look;
	wf_timer_start(e->loop, &e->space, e->opt.limits.space_ms ?: SPACE_MS);
}

/* ---- landing ----------------------------------------------------------------------------------------- */

/* The batch is on disk: now its effects may leave. */
static void landed(struct engine *e, const struct wf_err *err, const struct wf_store_state *st)
{
	struct gather g = e->flying;

	if (err && err->code == WF_FULL) {
		/* Not even the ballast was room enough. The batch is kept, its effects wait with it. */
		if (!e->full)
			wf_log(WF_LOG_ERROR, "%s; what ended is recorded when there is room", err->text);
		e->full = 1;
		e->kept = 1;
		look_again(e);
		batch_kick(e);
		return;
	}
	memset(&e->flying, 0, sizeof(e->flying));
	e->committing = 0;
	if (err) {
		/* Nothing of this batch has left the house: a restart reads what is there, and agents and tasks go on. */
		core_leave(e, err);
		gather_release(&g);
		return;
	}
	if (st)
		take_state(e, st);
	if (e->full)
		look_again(e);
	(void)WF_FAULT("core.effects.before");
	effect_run(e, g.effects, g.effect_count);
	tell_watchers(e, g.runs, g.run_count);
	gather_release(&g);
	(void)WF_FAULT("core.effects.after");
	batch_kick(e);
}

static void on_committed(void *arg, const struct wf_err *err, const struct wf_store_state *st)
{
	landed(arg, err, st);
}

static void on_gap(struct wf_timer *t)
{
	struct engine *e = wf_container_of(t, struct engine, gap);

	e->open.urgent = 1;
	batch_kick(e);
}

/* Nobody waits for what gathered, and nothing follows from it that cannot wait. */
static int may_wait(struct engine *e)
{
	if (e->open.urgent || e->stopping || !e->open.events || (e->open.flow && !places_are_covered(e)))
		return 0;
	if (!e->gap.armed) {
		e->gap.fn = on_gap;
		wf_timer_start(e->loop, &e->gap, e->opt.limits.gap_ms ?: GAP_MS);
	}
	return 1;
}

static void stopped(struct engine *e)
{
	void (*fn)(void *) = e->on_stopped;

	if (!e->stopping || !fn || e->loads)
		return;
	e->on_stopped = NULL;
	fn(e->on_stopped_arg);
}

static void seal(struct engine *e)
{
	struct gather *g = &e->open;
	struct wf_batch *rows;
	uint64_t seq = e->next_seq - 1;
	int64_t over_budget = OVER_STEP;
	int writes, more = e->lagging && !e->full;

	/* Room may never come; nothing of what waits for it has left the house, and agents say it again. */
	if (e->kept)
		stopped(e);
	if (e->committing || e->looking || e->left || may_wait(e))
		return;
	if (!g->events && !g->effect_count && !more) {
		stopped(e);
		return;
	}
	if (!g->events && !more) {
		/* Only replies and acknowledgements: they rest on batches that are on disk, if we still own it. */
		struct wf_err err;

		e->flying = *g;
		memset(g, 0, sizeof(*g));
		g->rows = wf_batch_create();
		e->committing = 1;
		landed(e, e->opt.take_owner && owner_check(e, &err) < 0 ? &err : NULL, NULL);
		return;
	}
	if (g->pack.count) {
		wf_pack_finish(&g->pack);
		wf_batch_events(g->rows, g->pack_run, g->pack.first_seq, g->pack.count, g->pack.time,
				g->pack.buf.data, g->pack.buf.len);
	}
	e->blob_budget += (int64_t)g->events * BUDGET_PER_EVENT;
	if (e->blob_budget > BUDGET_CAP)
		e->blob_budget = BUDGET_CAP;
	e->blob_earned += (int64_t)g->events * BUDGET_PER_EVENT;
	writes = e->blob_earned >= (e->opt.limits.blob_step ?: BUDGET_STEP);
	if (writes)
		e->blob_earned = 0;
	for (size_t i = 0; i < g->run_count; i++) {
		int over = wf_run_is_over(&g->runs[i]->row);

		write_rows(e, g->runs[i]);
		/* Events alone make the ballast last longer. */
		if (!e->full && (writes || over))
			write_blobs(e, g->runs[i], seq, over ? &over_budget : &e->blob_budget);
		e->lagging |= over && g->runs[i]->chunk_count;
	}
	if (e->lagging && !e->full)
		write_more(e, seq, &over_budget);
	rows = g->rows;
	e->flying = *g;
	e->flying.rows = NULL;
	memset(g, 0, sizeof(*g));
	g->rows = wf_batch_create();
	e->committing = 1;
	wf_store_commit(e->store, e->loop, rows, on_committed, e);
}
