/* resolve.c - the verb resolve: a person says what became of a held task, or what to do with a held service. */
#include <stdio.h>
#include <string.h>

#include "engine/core/engine.h"

static int resolve_service(struct engine *e, struct run *r, uint32_t service, enum wf_resolve_as as, struct wf_err *err)
{
	const struct wf_service *s = &r->services[service].s;

	if (!s->held)
		return wf_errf(err, WF_CONFLICT, "service '%s' is %s, not held", s->name, wf_sm_name(&wf_service_machine, s->state));
	if (as == WF_RESOLVE_SUCCEEDED)
		return wf_errf(err, WF_INVALID, "a service is resolved as 'rerun' (found again, empty) or 'failed'");
	r->services[service].backoff = 0;
	/* That those of another host are gone is what the person says. */
	for (uint32_t i = 0; as == WF_RESOLVE_RERUN && i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;
		struct wf_event ev = { .kind = WF_E_MEMBER_GONE, .a = service, .b = m->n, .v = { (int64_t)m->number, WF_CLASS_AGENT_LOST } };

		if (m->service == service && m->number && m->state != WF_MEMBER_GONE && elsewhere(e, m->number))
			core_post(e, r, &ev);
	}
	if (as == WF_RESOLVE_RERUN)
		core_post_text(e, r, WF_E_SERVICE_RESTARTING, service, 0, 0, "restarted by hand");
	else
		core_post_text(e, r, WF_E_SERVICE_DRAINING, service, 0, 1, "given up by hand");
	return 0;
}

/* By all of its name, "db (of sim[3])", or as it was declared, "db": then the one that is held. 0: no service has that name. */
static int find_service(const struct run *r, const char *name, uint32_t *service, struct wf_err *err)
{
	uint32_t found = 0, held = 0;

	for (uint32_t i = 0; i < r->service_count; i++) {
		int is_held = r->services[i].s.held;

		if (strcmp(r->services[i].s.name, name) == 0) {
			*service = i;
			return 1;
		}
		if (strcmp(run_spec(r, i)->name, name) != 0)
			continue;
		if (!found++ || (is_held && !held))
			*service = i;
		held += (uint32_t)is_held;
	}
	if (held > 1)
		return wf_errf(err, WF_CONFLICT, "%u services '%s' are held; name one: '%s'", held, name, r->services[*service].s.name);
	return found > 0;
}

int wf_core_resolve(struct engine *e, uint64_t number, const char *task, enum wf_resolve_as as, struct wf_err *err)
{
	struct run *r = wf_core_run(e, number);
	uint32_t instance, index, service = 0;
	const struct wf_task *t;
	int found;

	wf_core_touch(e);
	if (!r || !r->loaded || wf_run_is_over(&r->row))
		return wf_errf(err, WF_CONFLICT, "the run is over: nothing in it is held");
	e->cause = 0;
	found = find_service(r, task, &service, err);
	if (found)
		return found < 0 ? -1 : resolve_service(e, r, service, as, err);
	if (dag_task_find(r->dag, task, &instance, &index, err) < 0)
		return -1;
	if (index == DAG_UNSIZED)
		return wf_errf(err, WF_INVALID, "'%s' has %u tasks; name one: '%s[0]'", task, r->inst[instance].count, task);
	t = &r->inst[instance].tasks[index];
	if (t->state != WF_TASK_HELD)
		return wf_errf(err, WF_CONFLICT, "task '%s' is %s, not held", task, wf_seen_name(wf_task_seen(t)));
	cancel_unknown(e, r, instance, index);
	core_post_task(e, r, WF_E_TASK_RESOLVED, instance, index, as);
	return 0;
}
