/* cancel.c - the verbs cancel, pause and resume: what a user may ask of a live run. Each is a rule and an event; what follows is
 * decide.c's. Cancel is safe to repeat.
 */
#include <stdio.h>

#include "engine/core/engine.h"

static void post(struct engine *e, struct run *r, uint8_t kind, const char *message)
{
	struct wf_event ev = { .kind = kind };

	e->cause = 0;
	core_post(e, r, &ev);
	snprintf(r->message, sizeof(r->message), "%s", message);
}

static struct run *live(struct engine *e, uint64_t number, const char *verb, struct wf_err *err)
{
	struct run *r = wf_core_run(e, number);

	wf_core_touch(e);
	if (!r) {
		wf_errf(err, WF_NOT_FOUND, "no run %llu", (unsigned long long)number);
		return NULL;
	}
	if (wf_run_is_over(&r->row)) {
		wf_errf(err, WF_CONFLICT, "cannot %s run '%s': it has %s", verb, r->row.name,
			wf_sm_name(&wf_run_machine, r->row.state));
		return NULL;
	}
	return r;
}

int wf_core_cancel(struct engine *e, uint64_t number, struct wf_err *err)
{
	struct run *r = wf_core_run(e, number);

	if (r && (r->row.state == WF_RUN_CANCELING || r->row.state == WF_RUN_CANCELED_))
		return 0;
	r = live(e, number, "cancel", err);
	if (!r)
		return -1;
	post(e, r, WF_E_RUN_CANCELING, "canceling");
	return 0;
}

int wf_core_pause(struct engine *e, uint64_t number, struct wf_err *err)
{
	struct run *r = live(e, number, "pause", err);

	if (!r)
		return -1;
	if (r->row.state != WF_RUN_RUNNING)
		return wf_errf(err, WF_CONFLICT, "cannot pause run '%s': it is %s", r->row.name,
			       wf_sm_name(&wf_run_machine, r->row.state));
	post(e, r, WF_E_RUN_PAUSED, "paused: what runs goes on, nothing starts");
	return 0;
}

int wf_core_resume(struct engine *e, uint64_t number, struct wf_err *err)
{
	struct run *r = live(e, number, "resume", err);

	if (!r)
		return -1;
	if (r->row.state != WF_RUN_PAUSED)
		return wf_errf(err, WF_CONFLICT, "cannot resume run '%s': it is %s", r->row.name,
			       wf_sm_name(&wf_run_machine, r->row.state));
	post(e, r, WF_E_RUN_RESUMED, "resumed");
	return 0;
}
