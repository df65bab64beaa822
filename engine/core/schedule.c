/* schedule.c - who starts now: the best ready task of all runs for which pool, step limit, services and capacity have room.
 *
 * Owns the back-offs of requeued tasks. Part of deciding: it posts task.started and hands the start to the batch as an effect. A task that
 * does not fit may be overtaken by lesser ones, but not for ever: after OVERTAKE_MAX starts everybody waits for it.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"

enum { OVERTAKE_MAX = 256, LOOK_MAX = 64 };

static const struct wdf_step *step_of(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

static int services_usable(const struct run *r, uint32_t instance, uint32_t index)
{
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++)
		if (!service_usable(r, task_service(r, instance, index, k)))
			return 0;
	return 1;
}

static enum park why_not(const struct run *r, uint32_t instance)
{
	const struct wdf_step *step = step_of(r, instance);

	if (step->parallel && r->inst[instance].active >= step->parallel)
		return PARK_PARALLEL;
	if (step->pool != UINT32_MAX && r->pool_used[step->pool] >= r->wdf->pools[step->pool].limit)
		return PARK_POOL;
	return PARK_NONE;
}

static void hold_leases(struct engine *e, struct run *r, uint32_t instance, uint32_t index)
{
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++) {
		const struct wf_lease *l = task_lease(r, instance, index, k);
		struct wf_event ev = { .kind = WF_E_LEASE_HELD, .a = l->instance, .b = l->service,
				       .v = { r->services[l->service].s.view } };

		if (l->state == WF_LEASE_WANTED)
			core_post(e, r, &ev);
	}
}

static void start(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int queue)
{
	struct effect f = { .kind = EFFECT_START, .run = r->row.number, .a = instance, .b = index,
			    .number = e->next_number++ };

	hold_leases(e, r, instance, index);
	core_post_task(e, r, WF_E_TASK_STARTED, instance, index, (int64_t)f.number);
	if (queue)
		f.places = places_queue(agents_of(e, "local"), r->inst[instance].cores,
					task_memory(r, instance, &r->inst[instance].tasks[index]));
	batch_effect(e, &f);
	e->starts++;
}

/* First index of the ring that is still ready, or -1 when the ring is empty. */
static int64_t first_ready(struct run *r, uint32_t instance)
{
	struct instance *in = &r->inst[instance];

	while (in->ready_count) {
		uint32_t index = in->ready[in->ready_head];

		if (in->tasks[index].state == WF_TASK_READY)
			return index;
		in->ready_head = (in->ready_head + 1) % in->ready_cap;
		in->ready_count--;
	}
	return -1;
}

/* The first that finds its services there, brought to the front of the ring; -1: none. Where they share them the first speaks for all. */
static int64_t first_served(struct run *r, uint32_t instance)
{
	struct instance *in = &r->inst[instance];

	for (uint32_t n = 0; n < in->ready_count; n++) {
		uint32_t index = in->ready[(in->ready_head + n) % in->ready_cap];

		if (in->tasks[index].state != WF_TASK_READY || !services_usable(r, instance, index)) {
			if (!in->own)
				break;
			continue;
		}
		for (; n; n--)
			in->ready[(in->ready_head + n) % in->ready_cap] = in->ready[(in->ready_head + n - 1) % in->ready_cap];
		in->ready[in->ready_head] = index;
		return index;
	}
	return -1;
}

static void pop_ready(struct run *r, uint32_t instance)
{
	struct instance *in = &r->inst[instance];

	in->ready_head = (in->ready_head + 1) % in->ready_cap;
	in->ready_count--;
	if (!in->ready_count)
		offer_remove(r, instance);
}

static struct run *best_run(struct engine *e)
{
	struct run *best = NULL;

	for (size_t i = 0; i < e->live_count; i++) {
		struct run *r = e->live[i];

		if (r->row.state != WF_RUN_RUNNING || !r->offered.count)
			continue;
		if (!best || offer_before(r, r->offered.items[0], best, best->offered.items[0]))
			best = r;
	}
	return best;
}

void schedule(struct engine *e)
{
	struct agent *a = agents_of(e, "local");
	struct passed {
		struct run *run;
		uint32_t instance;
	} passed[LOOK_MAX];
	size_t passed_count = 0;
	struct run *r;

	if (a->state != AGENT_READY || e->full || e->stopping || e->left)
		return;
	while ((r = best_run(e))) {
		uint32_t i = r->offered.items[0];
		int64_t index = first_ready(r, i);
		uint64_t memory;
		enum park park;
		int room;

		if (index < 0) {
			offer_remove(r, i);
			continue;
		}
		park = why_not(r, i);
		if (!park && r->inst[i].use_count && (index = first_served(r, i)) < 0)
			park = PARK_SERVICE;
		if (park) {
			offer_park(r, i, park);
			if (park == PARK_SERVICE) {
				r->services_touched = 1;
				core_touch_run(e, r);
			}
			continue;
		}
		memory = task_memory(r, i, &r->inst[i].tasks[index]);
		/* With starts in its queue an agent has only tasks that are alike. */
		room = (!a->queued || places_alike(a, r->inst[i].cores, memory)) && grants_leave_room(e, r, i, (uint32_t)index, memory);
		if (room || (!passed_count && places_may_queue(a, &r->inst[i], memory))) {
			pop_ready(r, i);
			start(e, r, i, (uint32_t)index, !room);
			if (passed_count)
				e->bypassed++;
			else
				e->bypassed = 0;
			continue;
		}
		if (passed_count == LOOK_MAX || e->bypassed >= OVERTAKE_MAX || a->cores_used >= a->cores)
			break;
		passed[passed_count++] = (struct passed){ r, i };
		offer_remove(r, i);
	}
	for (size_t k = 0; k < passed_count; k++)
		offer_push(passed[k].run, passed[k].instance);
}

/* ---- back-offs ---------------------------------------------------------------------------------------- */

static int later(const struct backoff *a, const struct backoff *b)
{
	return a->due_ms != b->due_ms ? a->due_ms > b->due_ms : a->number > b->number;
}

static void arm(struct engine *e)
{
	int64_t left;

	if (!e->backoff_count) {
		wf_timer_stop(e->loop, &e->backoff_timer);
		return;
	}
	left = e->backoffs[0].due_ms - wf_os_mono_ms(e->os);
	wf_timer_start(e->loop, &e->backoff_timer, left > 0 ? (uint64_t)left : 0);
}

static struct backoff pop_backoff(struct engine *e)
{
	struct backoff top = e->backoffs[0], last = e->backoffs[--e->backoff_count];
	size_t at = 0;

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= e->backoff_count)
			break;
		if (child + 1 < e->backoff_count && later(&e->backoffs[child], &e->backoffs[child + 1]))
			child++;
		if (!later(&last, &e->backoffs[child]))
			break;
		e->backoffs[at] = e->backoffs[child];
		at = child;
	}
	e->backoffs[at] = last;
	return top;
}

static void on_due(struct wf_timer *t)
{
	struct engine *e = wf_container_of(t, struct engine, backoff_timer);
	int64_t now = wf_os_mono_ms(e->os);

	while (e->backoff_count && e->backoffs[0].due_ms <= now) {
		struct backoff b = pop_backoff(e);
		struct run *r = wf_core_run(e, b.run);
		const struct wf_task *task;

		if (!r || !r->loaded || b.instance >= r->inst_count || b.index >= r->inst[b.instance].count)
			continue;
		/* Only if it is still the same wait: canceled or retried meanwhile, another entry or none counts. */
		task = &r->inst[b.instance].tasks[b.index];
		if (task->state != WF_TASK_READY || task->number != b.number || !task->delay_ms)
			continue;
		derive_ready_push(e, r, b.instance, b.index);
		core_touch_run(e, r);
	}
	arm(e);
}

/* What is left of a back-off: by the monotonic clock, if it began since this host was booted; else all of it, as no clock can be trusted to
 * tell how long ago that was. The task keeps the lower half of the time: enough, since nothing is further ahead than its delay. */
static int64_t backoff_left(const struct engine *e, const struct wf_task *t)
{
	uint32_t left = t->pid - (uint32_t)wf_os_mono_ms(e->os);

	if (!since_boot(e, t->number))
		return t->delay_ms;
	return left <= t->delay_ms ? left : 0;
}

void schedule_backoff(struct engine *e, struct run *r, uint32_t instance, uint32_t index)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct backoff b = {
		.due_ms = wf_os_mono_ms(e->os) + backoff_left(e, t),
		.run = r->row.number,
		.instance = instance,
		.index = index,
		.number = t->number,
	};
	size_t at = e->backoff_count;

	e->backoffs = wf_grow(e->backoffs, &e->backoff_cap, at + 1, sizeof(*e->backoffs));
	e->backoff_count++;
	while (at && later(&e->backoffs[(at - 1) / 2], &b)) {
		e->backoffs[at] = e->backoffs[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	e->backoffs[at] = b;
	e->backoff_timer.fn = on_due;
	arm(e);
}
