/* services.c - what follows for the services of a run: founding, watching, restarting, stopping. Level-triggered: looks at the state of
 * leases, members and consumers and posts what is missing; called again whenever one of them changed.
 *
 * Owns the timers of a service (back-off of a restart, deadlines of a fencing and of a stop). Who wants a service is demand.c's, its share of the host
 * grants.c's. Knows no driver and no probe: wf-service does, and says only what changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"

enum {
	RESTART_DELAY_MS = 200,          /* before the first restart; doubles */
	STOP_DEADLINE_MS = 120 * 1000,   /* a member that has not ended by then is killed with its process group */
	KILL_DEADLINE_MS = 30 * 1000,    /* one that was not seen to end by then is leaked */
	FENCE_DEADLINE_MS = 30 * 1000,   /* a fenced one that was not seen to end by then takes its service down */
};

static void post_service(struct engine *e, struct run *r, uint8_t kind, uint32_t service, int64_t v0, const char *text)
{
	core_post_text(e, r, kind, service, 0, v0, text);
}

void services_declare(struct engine *e, struct run *r, uint32_t first_service, uint32_t first_lease)
{
	for (uint32_t i = first_service; i < r->service_count; i++) {
		const struct wf_service *s = &r->services[i].s;
		struct wf_event d = { .kind = WF_E_SERVICE_DECLARED, .a = i, .v = { s->target, s->min } };
		char *name = wf_xstrdup(s->name);

		d.text[0].p = name;
		d.text[0].n = (uint32_t)strlen(name);
		core_post(e, r, &d);
		free(name);
	}
	for (uint32_t i = first_lease; i < r->lease_count; i++) {
		const struct wf_lease *l = &r->leases[i].l;
		struct wf_event w = { .kind = WF_E_LEASE_WANTED, .a = l->instance, .b = l->service, .v = { l->mode } };

		core_post(e, r, &w);
	}
}

/* ---- what people and schedule.c ask ------------------------------------------------------------------- */

/* A suspect counts: its probe passed, then missed fewer times than its driver allows, and no verdict was spoken. Were it not counted, a single
 * slow answer would take the service away from its consumers, and give them a new view a second later. */
static uint32_t members_ready(const struct run *r, uint32_t service)
{
	const struct wf_service *s = &r->services[service].s;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;

		if (m->service == service && m->generation == s->generation &&
		    (m->state == WF_MEMBER_READY || m->state == WF_MEMBER_SUSPECT))
			n++;
	}
	return n;
}

int service_usable(const struct run *r, uint32_t service)
{
	const struct wf_service *s = &r->services[service].s;

	if (s->state == WF_SERVICE_READY)
		return 1;
	return s->state == WF_SERVICE_DEGRADED && !s->held && members_ready(r, service) >= s->min;
}

int service_hopeless(const struct run *r, uint32_t service)
{
	uint8_t state = r->services[service].s.state;

	return state == WF_SERVICE_FAILED || state == WF_SERVICE_LEAKED;
}

/* ---- capacity ---------------------------------------------------------------------------------------------- */

static int holds_capacity(const struct wf_service *s)
{
	return s->state >= WF_SERVICE_STAGING_IN && s->state <= WF_SERVICE_STOPPING;
}

void services_hold(struct engine *e, struct run *r)
{
	for (uint32_t i = 0; i < r->service_count; i++)
		if (holds_capacity(&r->services[i].s))
			grants_hold(e, r, i);
}

void services_let_go(struct engine *e, struct run *r)
{
	for (uint32_t i = 0; i < r->service_count; i++) {
		grants_forget(e, r, i);
		wf_timer_stop(e->loop, &r->services[i].timer);
		r->services[i].backoff = 0;
		r->services[i].stop = STOP_NONE;
		r->services[i].overdue = 0;
		r->services[i].fencing = 0;
	}
}

/* ---- members ------------------------------------------------------------------------------------------------- */

static int member_lives(const struct wf_member *m)
{
	return m->state != WF_MEMBER_GONE && m->number;
}

static uint32_t members_live(const struct run *r, uint32_t service)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->member_count; i++)
		n += r->members[i].m.service == service && member_lives(&r->members[i].m);
	return n;
}

/* Of these, how many the agent of another host has; `host` is one of theirs. */
static uint32_t members_elsewhere(const struct engine *e, const struct run *r, uint32_t service, const char **host)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;
		const char *at = m->service == service && member_lives(m) ? elsewhere(e, m->number) : NULL;

		if (at) {
			*host = at;
			n++;
		}
	}
	return n;
}

static void member_effect(struct engine *e, const struct run *r, enum effect_kind kind, const struct wf_member *m)
{
	struct effect f = { .kind = (uint8_t)kind, .why = WF_CANCEL_STOP, .run = r->row.number, .a = m->service,
			    .b = m->n, .number = m->number };

	batch_effect(e, &f);
}

/* Ask an agent for every member that is not there in this generation. */
static void request_members(struct engine *e, struct run *r, uint32_t service)
{
	struct wf_service *s = &r->services[service].s;

	/* Asked for while the agent still answers for others it would not be sent, nor be among those that are asked for. */
	if (agents_of(e, "local")->state != AGENT_READY)
		return;
	for (uint32_t n = 0; n < s->target; n++) {
		struct wf_member *m = &run_member(r, service, n)->m;
		struct wf_event ev = { .kind = WF_E_MEMBER_REQUESTED, .a = service, .b = n,
				       .v = { 0, s->generation } };

		if (member_lives(m))
			continue;
		if (m->number && m->generation == s->generation && m->class != WF_CLASS_NEVER_SATISFIED)
			continue; /* it was there and failed: judged below */
		ev.v[0] = (int64_t)e->next_number++;
		core_post(e, r, &ev);
		member_effect(e, r, EFFECT_START_MEMBER, m);
	}
}

/* A member of this generation that is gone although it was wanted; NULL when there is none. */
static const struct wf_member *member_failed(const struct run *r, uint32_t service)
{
	for (uint32_t i = 0; i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;

		if (m->service == service && m->state == WF_MEMBER_GONE &&
		    m->generation == r->services[service].s.generation && m->class != WF_CLASS_NEVER_SATISFIED)
			return m;
	}
	return NULL;
}

static void say_why(const struct wf_member *m, char *why, size_t size)
{
	if (m->reason)
		snprintf(why, size, "%s", m->reason);
	else if (m->class == WF_CLASS_AGENT_LOST)
		snprintf(why, size, "its host process was lost with the agent");
	else
		snprintf(why, size, "its host ended: %s %d", wf_class_name((enum wf_class)m->class), m->exit);
}

/* ---- timers --------------------------------------------------------------------------------------------------- */

static void on_timer(struct wf_timer *t)
{
	struct service *svc = wf_container_of(t, struct service, timer);
	struct run *r = svc->run;

	if (svc->s.state == WF_SERVICE_STOPPING)
		svc->overdue = 1;
	else if (svc->fencing)
		svc->fencing = 2;
	else if (svc->s.state == WF_SERVICE_STARTING)
		svc->backoff = 2;
	r->services_touched = 1;
	core_touch_run(svc->engine, r);
}

static void arm(struct engine *e, struct service *svc, uint64_t ms)
{
	svc->timer.fn = on_timer;
	svc->engine = e;
	wf_timer_start(e->loop, &svc->timer, ms);
}

/* ---- members whose end is not proven ----------------------------------------------------------------------------- */

/* One whose host has ended and left processes of it; NULL when there is none. */
static struct member *member_unproven(const struct run *r, uint32_t service)
{
	for (uint32_t i = 0; i < r->member_count; i++)
		if (r->members[i].m.service == service && r->members[i].unproven)
			return &r->members[i];
	return NULL;
}

/* One is being fenced, and nobody saw its end in time. Without an agent nobody can be asked: when it is back, the time begins again. */
static int fencing_is_over(struct engine *e, struct run *r, uint32_t service)
{
	struct service *svc = &r->services[service];
	int fenced = 0;

	for (uint32_t i = 0; i < r->member_count; i++)
		fenced |= r->members[i].m.service == service && r->members[i].m.state == WF_MEMBER_FENCING;
	if (!fenced || agents_of(e, "local")->state != AGENT_READY) {
		if (svc->fencing)
			wf_timer_stop(e->loop, &svc->timer);
		svc->fencing = 0;
	} else if (!svc->fencing) {
		svc->fencing = 1;
		arm(e, svc, FENCE_DEADLINE_MS);
	}
	return svc->fencing == 2;
}

/* Nothing may take the place of a member that may still act: its service ends, and is leaked unless the proof comes. */
static int gives_up(struct engine *e, struct run *r, uint32_t service, char *why, size_t size)
{
	const struct member *mem = member_unproven(r, service);

	if (mem)
		snprintf(why, size, "%s", mem->why ? mem->why : "its host ended and left processes of it");
	else if (fencing_is_over(e, r, service))
		snprintf(why, size, "a member does not answer, was killed, and nobody saw its end");
	else
		return 0;
	return 1;
}

/* ---- one state each --------------------------------------------------------------------------------------------- */

static enum wdf_on_failure policy(const struct run *r, uint32_t service)
{
	enum wdf_on_failure p = run_spec(r, service)->on_failure;

	/* Who writes to a service that cannot restore would lose the data of tasks that succeeded by a silent restart (design.md 7). */
	if (p == WDF_ON_FAILURE_DEFAULT)
		return demand_has_writers(r, service) ? WDF_ON_FAILURE_HOLD : WDF_ON_FAILURE_RESTART;
	return p;
}

static void restart(struct engine *e, struct run *r, uint32_t service, const char *why)
{
	struct service *svc = &r->services[service];
	int64_t delay = run_spec(r, service)->failure_backoff_ms;

	if (!delay)
		delay = RESTART_DELAY_MS;
	for (uint32_t i = 0; i < svc->s.restarts && delay < 60000; i++)
		delay *= 2;
	svc->backoff = 0;
	post_service(e, r, WF_E_SERVICE_RESTARTING, service, delay, why);
}

static void when_starting(struct engine *e, struct run *r, uint32_t service)
{
	struct service *svc = &r->services[service];
	const struct wf_member *failed;
	const char *host;
	char why[400];

	if (svc->s.delay_ms && svc->backoff != 2) {
		if (svc->backoff == 0)
			arm(e, svc, svc->s.delay_ms);
		svc->backoff = 1;
		return;
	}
	if (members_elsewhere(e, r, service, &host)) {
		snprintf(why, sizeof(why), "it was being founded on host '%.100s', from which this engine took over", host);
		post_service(e, r, WF_E_SERVICE_START_FAILED, service, 0, why);
		return;
	}
	if (members_ready(r, service) >= svc->s.min) {
		struct effect f = { .kind = EFFECT_VIEW_FILE, .run = r->row.number, .a = service };

		post_service(e, r, WF_E_SERVICE_READY, service, 0, NULL);
		/* Before any consumer's start in the order of effects: whoever starts finds the file. */
		batch_effect(e, &f);
		return;
	}
	if (gives_up(e, r, service, why, sizeof(why))) {
		post_service(e, r, WF_E_SERVICE_START_FAILED, service, 0, why);
		return;
	}
	failed = member_failed(r, service);
	if (failed && !members_live(r, service)) {
		say_why(failed, why, sizeof(why));
		/* The first founding is tried once, unless its loss was not its fault, or it was ready while we were away. */
		if ((svc->s.restarts || wf_class_is_loss((enum wf_class)failed->class) ||
		     (failed->endpoint && policy(r, service) != WDF_ON_FAILURE_FAIL)) &&
		    svc->s.restarts < run_spec(r, service)->failure_limit)
			restart(e, r, service, why);
		else
			post_service(e, r, WF_E_SERVICE_START_FAILED, service, 0, why);
		return;
	}
	request_members(e, r, service);
}

/* Ready, or degraded: is it still what it should be? */
static void when_serving(struct engine *e, struct run *r, uint32_t service)
{
	struct wf_service *s = &r->services[service].s;
	const struct wf_member *failed = member_failed(r, service);
	char why[400] = "a member does not answer";
	const char *host;

	if (members_elsewhere(e, r, service, &host)) {
		/* Whether it lives there is a person's to say. */
		snprintf(why, sizeof(why), "it was left on host '%.100s', from which this engine took over", host);
		if (s->state == WF_SERVICE_READY)
			post_service(e, r, WF_E_SERVICE_DEGRADED, service, 0, why);
		if (!s->held)
			post_service(e, r, WF_E_SERVICE_HELD, service, 0, why);
		return;
	}
	if (gives_up(e, r, service, why, sizeof(why))) {
		post_service(e, r, WF_E_SERVICE_DRAINING, service, 1, why);
		return;
	}
	if (failed)
		say_why(failed, why, sizeof(why));
	if (s->state == WF_SERVICE_READY) {
		if (members_ready(r, service) >= s->min)
			return;
		post_service(e, r, WF_E_SERVICE_DEGRADED, service, 0, why);
	}
	if (members_ready(r, service) >= s->min) {
		post_service(e, r, WF_E_SERVICE_READY, service, 0, NULL);
		return;
	}
	if (!failed || members_live(r, service) || s->held)
		return; /* first the proof that what was there is gone */
	if (policy(r, service) == WDF_ON_FAILURE_HOLD)
		post_service(e, r, WF_E_SERVICE_HELD, service, 0, why);
	else if (policy(r, service) == WDF_ON_FAILURE_RESTART && s->restarts < run_spec(r, service)->failure_limit)
		restart(e, r, service, why);
	else
		post_service(e, r, WF_E_SERVICE_DRAINING, service, 1, why);
}

static void when_draining(struct engine *e, struct run *r, uint32_t service)
{
	struct wf_service *s = &r->services[service].s;
	uint32_t own = r->dag->services[service].index;

	if (r->services[service].active) {
		for (uint32_t i = 0; s->failing && i < r->lease_count; i++) {
			const struct wf_lease *l = &r->leases[i].l;
			struct instance *in = &r->inst[l->instance];

			for (uint32_t k = 0; l->service == service && in->active && k < in->count; k++) {
				const struct wf_task *t = &in->tasks[k];
				struct effect f = { .kind = EFFECT_CANCEL, .why = WF_CANCEL_STOP, .run = r->row.number,
						    .a = l->instance, .b = k, .number = t->number };

				if ((own != DAG_UNSIZED && own != k) || t->state != WF_TASK_ACTIVE || (t->flags & WF_TASK_F_CANCELING) ||
				    t->astate == WF_ATTEMPT_ENDED || t->astate == WF_ATTEMPT_REVOKED)
					continue;
				core_post_task(e, r, WF_E_ATTEMPT_CANCELING, l->instance, k, (int64_t)t->number);
				batch_effect(e, &f);
			}
		}
		return;
	}
	post_service(e, r, WF_E_SERVICE_DRAINED, service, 0, NULL);
	post_service(e, r, WF_E_SERVICE_SAVED, service, 0, NULL);
}

/* Asked, then killed; whoever does not answer then is not waited for any longer, but not forgotten either. */
static void when_stopping(struct engine *e, struct run *r, uint32_t service)
{
	struct service *svc = &r->services[service];
	enum service_stop next = !svc->overdue ? STOP_ASKED : svc->stop == STOP_ASKED ? STOP_KILLED : STOP_GIVEN_UP;
	struct member *unproven = member_unproven(r, service);
	const char *host;
	char why[400];

	if (unproven) {
		/* Its host has ended, its processes have not: shown and kept, never forgotten. */
		wf_timer_stop(e->loop, &svc->timer);
		post_service(e, r, WF_E_SERVICE_UNPROVEN, service, 0, unproven->why);
		unproven->why_at = 0;
		return;
	}
	if (members_elsewhere(e, r, service, &host)) {
		wf_timer_stop(e->loop, &svc->timer);
		snprintf(why, sizeof(why), "it was left on host '%.100s', from which this engine took over; nobody saw its end", host);
		post_service(e, r, WF_E_SERVICE_UNPROVEN, service, 0, why);
		return;
	}
	for (uint32_t i = 0; i < r->member_count; i++) {
		struct wf_member *m = &r->members[i].m;
		struct wf_event ev = { .kind = WF_E_MEMBER_LEAVING, .a = m->service, .b = m->n,
				       .v = { (int64_t)m->number } };

		if (m->service == service && member_lives(m) && m->state != WF_MEMBER_LEAVING && m->state != WF_MEMBER_FENCING)
			core_post(e, r, &ev);
	}
	if (!members_live(r, service)) {
		struct effect f = { .kind = EFFECT_TIDY, .run = r->row.number, .a = service };

		wf_timer_stop(e->loop, &svc->timer);
		post_service(e, r, svc->s.failing ? WF_E_SERVICE_FAILED : WF_E_SERVICE_STOPPED, service, 0, NULL);
		batch_effect(e, &f);
		return;
	}
	/* Without an agent nobody can be asked: when it is back, all begins again. */
	if (agents_of(e, "local")->state != AGENT_READY || (svc->stop && !svc->overdue))
		return;
	svc->stop = next;
	svc->overdue = 0;
	if (next == STOP_GIVEN_UP) {
		post_service(e, r, WF_E_SERVICE_UNPROVEN, service, 0, "its processes were told to end and killed, and nobody saw their end");
		return;
	}
	for (uint32_t i = 0; i < r->member_count; i++)
		if (r->members[i].m.service == service && member_lives(&r->members[i].m))
			member_effect(e, r, next == STOP_KILLED ? EFFECT_CANCEL_MEMBER : EFFECT_STOP_MEMBER, &r->members[i].m);
	arm(e, svc, next == STOP_KILLED ? KILL_DEADLINE_MS : STOP_DEADLINE_MS);
}

static void demand(struct engine *e, struct run *r, uint32_t service)
{
	const struct dag_service *own = &r->dag->services[service];

	if (own->index != DAG_UNSIZED && !demand_attended(r, own->instance, own->index))
		r->inst[own->instance].attended++;
	post_service(e, r, WF_E_SERVICE_DEMANDED, service, 0, NULL);
}

static void decide_one(struct engine *e, struct run *r, uint32_t service)
{
	struct service *svc = &r->services[service];
	struct wf_service *s = &svc->s;
	int wanted = r->row.state != WF_RUN_CANCELING && r->row.state != WF_RUN_CLOSING && demand_is_open(r, service);
	char why[400];
	int after;

	switch (s->state) {
	case WF_SERVICE_DECLARED:
	case WF_SERVICE_STOPPED:
		if (!wanted || r->row.state != WF_RUN_RUNNING)
			return;
		after = s->state == WF_SERVICE_DECLARED ? demand_after(r, service, why, sizeof(why)) : 1;
		if (after < 0)
			post_service(e, r, WF_E_SERVICE_FAILED, service, 0, why);
		else if (after && demand_is_due(r, service))
			demand(e, r, service);
		return;
	case WF_SERVICE_RESERVING:
		if (!wanted) {
			post_service(e, r, WF_E_SERVICE_CANCELED, service, 0, NULL);
			return;
		}
		if (grants_never(e, r, service, why, sizeof(why))) {
			post_service(e, r, WF_E_SERVICE_REFUSED, service, 0, why);
			return;
		}
		if (!grants_try(e, r, service))
			return;
		post_service(e, r, WF_E_SERVICE_GRANTED, service, 0, NULL);
		grants_hold(e, r, service);
		svc->stop = STOP_NONE;
		svc->overdue = 0;
		post_service(e, r, WF_E_SERVICE_STAGED, service, 0, NULL);
		return;
	case WF_SERVICE_STARTING:
		if (wanted)
			when_starting(e, r, service);
		else
			post_service(e, r, WF_E_SERVICE_CANCELED, service, 0, NULL);
		return;
	case WF_SERVICE_READY:
	case WF_SERVICE_DEGRADED:
		if (wanted)
			when_serving(e, r, service);
		else
			post_service(e, r, WF_E_SERVICE_DRAINING, service, 0, NULL);
		return;
	case WF_SERVICE_DRAINING:
		when_draining(e, r, service);
		return;
	case WF_SERVICE_STOPPING:
		when_stopping(e, r, service);
		return;
	case WF_SERVICE_LEAKED:
		wf_timer_stop(e->loop, &svc->timer);
		if (!members_live(r, service))
			post_service(e, r, WF_E_SERVICE_GONE, service, 0, NULL);
		return;
	}
}

void decide_services(struct engine *e, struct run *r)
{
	demand_end_leases(e, r);
	demand_count_attended(r);
	for (uint32_t i = 0; i < r->service_count; i++) {
		uint8_t before;

		do {
			before = r->services[i].s.state;
			decide_one(e, r, i);
		} while (r->services[i].s.state != before);
		if (!holds_capacity(&r->services[i].s))
			grants_release(e, r, i);
	}
}
