/* explain_ready.c - why a ready task has not started: the conditions of schedule.c, in its order; one that it gains has to be named here too.
 */
#include <stdio.h>

#include "engine/core/explain_internal.h"
#include "engine/core/words.h"

static const struct backoff *backoff_of(const struct why *w, const struct node *n)
{
	const struct engine *e = w->engine;
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];

	for (size_t i = 0; t->delay_ms && i < e->backoff_count; i++)
		if (e->backoffs[i].run == w->run->row.number && e->backoffs[i].instance == n->instance &&
		    e->backoffs[i].index == n->index && e->backoffs[i].number == t->number)
			return &e->backoffs[i];
	return NULL;
}

static void backs_off(struct why *w, const struct node *n, const struct backoff *b)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];
	const struct wdf_step *step = explain_step(w->run, n->instance);
	int64_t left = b->due_ms - wf_os_mono_ms(w->engine->os);

	wf_buf_str(w->say, "backs off: next attempt in ");
	words_duration(w->say, left > 0 ? left : 0);
	if (t->losses && !t->retries)
		wf_buf_printf(w->say, " (its attempt was lost, %u of 3)", t->losses);
	else
		wf_buf_printf(w->say, " (attempt %u of %u)", t->retries + 1u, step->retry.limit + 1);
	wf_buf_str(w->say, "; the last one: ");
	if (w->extra && w->extra->reason)
		wf_buf_str(w->say, w->extra->reason);
	else if (!words_reason(w->say, w->run, n->instance, n->index))
		wf_buf_str(w->say, "not known");
}

/* Tasks that hold slots of a pool. */
static void list_pool(struct why *w, uint32_t pool)
{
	const struct run *r = w->run;

	for (uint32_t i = 0; w->list && i < r->inst_count; i++)
		if (explain_step(r, i)->pool == pool && r->inst[i].active) {
			struct node n = { i, DAG_UNSIZED };
			char text[80];

			snprintf(text, sizeof(text), "holds %u of its slots", r->inst[i].active);
			explain_add_node(w, &n, text);
		}
}

static void needs_room(struct why *w, const struct node *n)
{
	const struct agent *a = agents_of(w->engine, "local");
	const struct instance *in = &w->run->inst[n->instance];
	uint64_t memory = task_memory(w->run, n->instance, &in->tasks[n->index]);
	uint64_t cores_free = a->cores > a->cores_used ? a->cores - a->cores_used : 0;

	if (in->cores > cores_free) {
		wf_buf_str(w->say, "ready: waits for ");
		words_cores(w->say, in->cores);
		wf_buf_str(w->say, in->cores == 1000 ? " core (" : " cores (");
		words_cores(w->say, cores_free);
		wf_buf_str(w->say, " of ");
		words_cores(w->say, a->cores);
		wf_buf_str(w->say, " free)");
	} else if (memory && a->memory_used + memory > a->memory) {
		wf_buf_str(w->say, "ready: waits for ");
		words_bytes(w->say, memory);
		wf_buf_str(w->say, " of memory (");
		words_bytes(w->say, a->memory > a->memory_used ? a->memory - a->memory_used : 0);
		wf_buf_str(w->say, " of ");
		words_bytes(w->say, a->memory);
		wf_buf_str(w->say, " free)");
	} else {
		wf_buf_str(w->say, "ready: others come before it, it starts soon");
	}
}

/* The first service of the task's that cannot be used yet, or UINT32_MAX. */
static uint32_t missing_service(const struct run *r, uint32_t instance, uint32_t index)
{
	for (uint32_t k = 0; k < r->inst[instance].use_count; k++) {
		uint32_t s = task_service(r, instance, index, k);

		if (!service_usable(r, s))
			return s;
	}
	return UINT32_MAX;
}

static void waits_for_agent(struct why *w, const struct agent *a)
{
	static const char *const states[] = {
		[AGENT_ABSENT] = "is not running", [AGENT_CONNECTING] = "is being reached", [AGENT_HELLO] = "is being reached",
		[AGENT_REATTACHING] = "is being asked what became of earlier attempts", [AGENT_READY] = "is ready",
	};

	wf_buf_printf(w->say, "ready: waits for the agent of executor '%s', which %s%s%s", a->executor, states[a->state],
		      a->error[0] ? ": " : "", a->error);
}

void explain_ready(struct why *w, const struct node *n)
{
	const struct engine *e = w->engine;
	const struct run *r = w->run;
	const struct instance *in = &r->inst[n->instance];
	const struct wdf_step *step = explain_step(r, n->instance);
	const struct agent *a = agents_of(w->engine, "local");
	const struct backoff *b = backoff_of(w, n);
	uint32_t service = missing_service(r, n->instance, n->index);

	if (b) {
		backs_off(w, n, b);
	} else if (r->row.state == WF_RUN_PAUSED) {
		wf_buf_str(w->say, "paused: nothing of this run starts until `wf resume RUN`");
	} else if (e->full) {
		wf_buf_printf(w->say, "ready: the disk of '%s' is full, nothing starts until it has room", e->state_dir);
	} else if (step->parallel && in->active >= step->parallel) {
		wf_buf_printf(w->say, "ready: its step allows %u at once and %u run", step->parallel, in->active);
	} else if (step->pool != UINT32_MAX && r->pool_used[step->pool] >= r->wdf->pools[step->pool].limit) {
		wf_buf_printf(w->say, "ready: waits for a slot of pool '%s' (%u of %u in use)", r->wdf->pools[step->pool].name,
			      r->pool_used[step->pool], r->wdf->pools[step->pool].limit);
		list_pool(w, step->pool);
	} else if (service != UINT32_MAX) {
		wf_buf_printf(w->say, "ready: waits for service '%s', which ", r->services[service].s.name);
		words_service(w->say, e, r, service);
		explain_add_service(w, service);
	} else if (a->state != AGENT_READY) {
		waits_for_agent(w, a);
	} else {
		needs_room(w, n);
	}
}
