/* retry.c - the verb retry: a failed or canceled run goes on with what failed or did not run; what succeeded stays.
 *
 * A finished run may not be in memory: it is loaded first. Leases that ended are wanted again where their instance has work, services that
 * failed are declared anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"

struct retry {
	struct engine *engine;
	void (*done)(void *arg, const struct wf_err *err);
	void *arg;
};

static int again(const struct wf_task *t)
{
	if (t->state == WF_TASK_SKIPPED)
		return t->class == WF_SKIP_PARENT_FAILED || t->class == WF_SKIP_PARENT_SKIPPED || t->class == WF_SKIP_EMPTY;
	return t->state == WF_TASK_FAILED || t->state == WF_TASK_CANCELED;
}

/* A list that was never read is a fan-out that did not run, also when it was closed because its source failed. */
static int is_unsized(const struct run *r, uint32_t instance)
{
	return r->dag->instances[instance].count == DAG_UNSIZED;
}

static uint32_t count_again(const struct run *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->inst_count; i++)
		n += (uint32_t)is_unsized(r, i);
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++)
			n += (uint32_t)again(&r->inst[i].tasks[k]);
	return n;
}

static void post_again(struct engine *e, struct run *r)
{
	struct wf_event ev = { .kind = WF_E_RUN_RETRIED };

	e->cause = 0;
	core_post(e, r, &ev);
	e->cause = ev.seq;
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++)
			if (again(&r->inst[i].tasks[k]))
				core_post_task(e, r, WF_E_TASK_RETRIED, i, k, 0);
	for (uint32_t i = 0; i < r->service_count; i++) {
		const struct wf_service *s = &r->services[i].s;
		struct wf_event d = { .kind = WF_E_SERVICE_DECLARED, .a = i, .v = { s->target, s->min } };
		char *name;

		if (s->state != WF_SERVICE_FAILED)
			continue;
		name = wf_xstrdup(s->name);
		d.text[0].p = name;
		d.text[0].n = (uint32_t)strlen(name);
		core_post(e, r, &d);
		free(name);
	}
	/* The plan only ever goes forward: taken back, it is made again from what is left. Lists that could never be read may be now. */
	derive_all(e, r);
	for (uint32_t i = 0; i < r->lease_count; i++) {
		const struct wf_lease *l = &r->leases[i].l;
		struct wf_event w = { .kind = WF_E_LEASE_WANTED, .a = l->instance, .b = l->service, .v = { l->mode } };

		if (l->state == WF_LEASE_ENDED && (is_unsized(r, l->instance) || !demand_lease_over(r, l)))
			core_post(e, r, &w);
	}
	e->cause = 0;
	core_touch_run(e, r);
}

static void on_loaded(void *arg, struct run *r, const struct wf_err *load_err)
{
	struct retry *t = arg;
	struct wf_err err;
	uint32_t n = 0;

	if (load_err)
		err = *load_err;
	else if (r->row.state != WF_RUN_FAILED_ && r->row.state != WF_RUN_CANCELED_)
		wf_errf(&err, WF_CONFLICT, "cannot retry run '%s': it %s %s", r->row.name,
			wf_run_is_over(&r->row) ? "has" : "is", wf_sm_name(&wf_run_machine, r->row.state));
	else if (t->engine->full)
		wf_errf(&err, WF_FULL, "no space left in '%s'; free some, then retry", t->engine->state_dir);
	else if (!(n = count_again(r)))
		wf_errf(&err, WF_CONFLICT, "run '%s' has no task to retry", r->row.name);
	if (n) {
		post_again(t->engine, r);
		agents_need(t->engine, "local");
		snprintf(r->message, sizeof(r->message), "retried: %u tasks or steps run again", n);
	}
	t->done(t->arg, n ? NULL : &err);
	free(t);
}

void wf_core_retry(struct engine *e, uint64_t run, void (*done)(void *arg, const struct wf_err *err), void *arg)
{
	struct retry *t = wf_xcalloc(1, sizeof(*t));

	t->engine = e;
	t->done = done;
	t->arg = arg;
	wf_core_touch(e);
	wf_core_load(e, run, on_loaded, t);
}
