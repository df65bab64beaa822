/* client.c - owns the clients: each submits one workflow, then asks what its list says, and repeats what was not answered. What was answered
 * goes into the log of acknowledgements.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/play.h"

static void act_later(struct client *c)
{
	struct sim *s = c->p->sim;

	c->asked = CLIENT_TODO;
	c->act_due_ns = sim_now_ns(s) + SIM_MS * sim_rnd(s, c->acts[c->act].after_ms + 1);
}

static void again_soon(struct client *c)
{
	c->act_due_ns = sim_now_ns(c->p->sim) + 500 * SIM_MS;
}

/* ---- submit ---------------------------------------------------------------------------------------------------- */

static int may_be_refused(const struct client *c, const struct wf_err *err)
{
	return err->code == WF_UNREACHABLE || err->code == WF_RESOURCE || err->code == WF_FULL ||
	       (err->code == WF_IO && c->p->plan->most[KNOB_errors] + c->p->plan->most[KNOB_syncs]);
}

static void on_submitted(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	struct client *c = arg;
	struct play *p = c->p;

	(void)findings;
	if (!engine_answers(p, c->at) || c->submit != CLIENT_ASKED)
		return;
	if (err && may_be_refused(c, err)) {
		play_counts->n[COUNT_full_refused] += err->code == WF_FULL;
		c->submit = CLIENT_TODO;
		again_soon(c);
		return;
	}
	if (err) {
		check_wrong(p, "submit: %s", err->text);
		return;
	}
	play_counts->n[COUNT_lost_answers] += (unsigned long)replayed;
	c->submit = CLIENT_ANSWERED;
	c->run = run;
	c->id = wf_core_run(c->at, run)->row.id;
	sim_mark(p->sim, "submitted", run, 0);
	act_later(c);
}

static void submit(struct client *c)
{
	static char home[] = "HOME=/sim/home";
	static char *const env[] = { home, NULL };
	struct play *p = c->p;
	struct wf_submit s = {
		.text = wf_buf_cstr(&p->text),
		.text_n = p->text.len,
		.file = "sim.yaml",
		.key = c->key,
		.body_hash = "same",
		.executor = "local",
		.workdir = "/sim/work",
		.env = env,
		.umask_bits = 022,
	};

	play_counts->n[COUNT_again] += (unsigned long)c->sent;
	c->sent = 1;
	c->submit = CLIENT_ASKED;
	c->at = p->engine;
	wf_core_submit(p->engine, &s, on_submitted, c);
}

/* ---- acts ------------------------------------------------------------------------------------------------------- */

static const struct act *act_of(const struct client *c)
{
	return c->act < WF_COUNT(c->acts) && c->act < c->p->plan->most[KNOB_acts] && c->acts[c->act].verb ? &c->acts[c->act] : NULL;
}

static void answered(struct client *c)
{
	sim_mark(c->p->sim, "answered", c->number, c->act);
	if (c->acts[c->act].verb == ACT_CANCEL && c->at == c->p->engine)
		c->canceled_at = c->p->engine->next_number;
	c->act++;
	if (act_of(c))
		act_later(c);
}

static void on_durable(void *arg)
{
	struct client *c = arg;

	if (!engine_answers(c->p, c->at) || c->asked != CLIENT_ASKED)
		return;
	check_ack(c->p, c->at, c->asked_seq);
	answered(c);
}

static void wait_for_disk(struct client *c)
{
	c->asked_seq = c->at->next_seq - 1;
	wf_core_when_durable(c->at, on_durable, c);
}

static void on_retried(void *arg, const struct wf_err *err)
{
	struct client *c = arg;
	struct play *p = c->p;

	if (!engine_answers(p, c->at) || c->asked != CLIENT_ASKED)
		return;
	if (err && err->code == WF_FULL) {
		COUNT(full_refused);
		c->asked = CLIENT_TODO;
		again_soon(c);
		return;
	}
	if (err && p->scenario->ends != WF_RUN_STATES) {
		check_wrong(p, "retry: %s", err->text);
		return;
	}
	c->refused[c->act] = err != NULL;
	c->canceled_at = 0;
	wait_for_disk(c);
}

/* Is what the client waits for there? */
static int may_act(struct client *c, const struct act *a)
{
	struct play *p = c->p;
	struct run *r = wf_core_run(p->engine, c->run);
	uint32_t instance, index;

	if (a->verb == ACT_RETRY)
		return wf_run_is_over(&r->row);
	if (wf_run_is_over(&r->row) && p->scenario->ends != WF_RUN_STATES && !c->tried[c->act])
		check_wrong(p, "the run is over before act %zu", c->act);
	if (!a->what)
		return 1;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (strcmp(r->services[i].s.name, a->what) == 0)
			return r->services[i].s.held;
	if (!r->loaded || dag_task_find(r->dag, a->what, &instance, &index, NULL) < 0 || index >= r->inst[instance].count)
		return 0;
	if (a->verb == ACT_RESOLVE)
		return r->inst[instance].tasks[index].state == WF_TASK_HELD;
	return r->inst[instance].tasks[index].pid || r->inst[instance].tasks[index].state == WF_TASK_HELD || wf_run_is_over(&r->row);
}

static uint32_t retries_before(const struct client *c)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->act; i++)
		n += c->acts[i].verb == ACT_RETRY && !c->refused[i];
	return n;
}

/* Its answer was lost, it was not; or it came too late to mean anything. */
static int is_done_already(struct client *c, const struct act *a, const struct run *r)
{
	int tried = c->tried[c->act] && c->asked == CLIENT_TODO, over = wf_run_is_over(&r->row);

	if (over && (a->verb >= ACT_BREAK || (c->p->scenario->ends == WF_RUN_STATES && a->verb != ACT_RETRY)))
		return 1;
	return (a->verb == ACT_RETRY && r->row.retries > retries_before(c)) || (a->verb == ACT_RESOLVE && tried && (over || c->p->engine->local.state == AGENT_READY) && !may_act(c, a)) ||
	       (a->verb == ACT_CANCEL && tried && over);
}

static void act(struct client *c, const struct act *a)
{
	struct play *p = c->p;
	struct run *r = wf_core_run(p->engine, c->run);
	struct wf_err err = { 0 };
	int rc = 0;

	c->at = p->engine;
	if (is_done_already(c, a, r)) {
		play_counts->n[COUNT_lost_answers] += (unsigned long)(c->tried[c->act] != 0);
		answered(c);
		return;
	}
	if (!may_act(c, a)) {
		c->act_due_ns = sim_now_ns(p->sim) + 100 * SIM_MS;
		return;
	}
	sim_mark(p->sim, "act", c->act, (uint64_t)a->verb);
	c->tried[c->act] = 1;
	c->asked = CLIENT_ASKED;
	switch (a->verb) {
	case ACT_CANCEL:
		rc = wf_core_cancel(p->engine, c->run, &err);
		break;
	case ACT_PAUSE:
		rc = r->row.state == WF_RUN_PAUSED ? 0 : wf_core_pause(p->engine, c->run, &err);
		break;
	case ACT_RESUME:
		rc = r->row.state == WF_RUN_RUNNING ? 0 : wf_core_resume(p->engine, c->run, &err);
		break;
	case ACT_RESOLVE:
		rc = wf_core_resolve(p->engine, c->run, a->what, a->as, &err);
		break;
	case ACT_BREAK:
		COUNT(breaks);
		sim_channels_break(p->sim);
		break;
	case ACT_AGENT_DIES:
		fault_agent_dies(p);
		break;
	case ACT_RETRY:
		wf_core_retry(p->engine, c->run, on_retried, c);
		return;
	case ACT_NONE:
	case ACT_READ:
		break;
	}
	if (rc < 0 && p->scenario->ends != WF_RUN_STATES)
		check_wrong(p, "act %zu: %s", c->act, err.text);
	else
		wait_for_disk(c);
}

/* ---- looking, helping -------------------------------------------------------------------------------------------- */

static void on_read(void *arg)
{
	struct reading *d = arg;

	if (!d->p || !engine_answers(d->p, d->at))
		return;
	check_ack(d->p, d->at, d->seq);
	COUNT(reads);
	d->p = NULL;
}

/* What is seen now may be told when it is on disk. */
static void look(struct play *p)
{
	for (size_t i = 0; i < WF_COUNT(p->readings); i++)
		if (!p->readings[i].p) {
			p->readings[i] = (struct reading){ p, p->engine, p->engine->next_seq - 1 };
			wf_core_when_durable(p->engine, on_read, &p->readings[i]);
			return;
		}
}

static void resolve(struct play *p, struct run *r, const char *name)
{
	struct wf_err err;

	/* What is left at another host may have to wait for it. */
	if (wf_core_resolve(p->engine, r->row.number, name, WF_RESOLVE_RERUN, &err) < 0 && !p->took_over)
		check_wrong(p, "resolve: %s", err.text);
}

/* A person who looks now and then, and runs again what waits for a decision. */
static void help(struct play *p, struct run *r)
{
	char name[WF_TASK_NAME];

	if (!r->loaded || wf_run_is_over(&r->row) || !sim_chance(p->sim, 20))
		return;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].s.held)
			resolve(p, r, r->services[i].s.name);
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; r->inst[i].counts[WF_SEEN_HELD] && k < r->inst[i].count; k++)
			if (r->inst[i].tasks[k].state == WF_TASK_HELD) {
				dag_task_name(r->dag, i, k, name, sizeof(name));
				resolve(p, r, name);
			}
}

static void one_client(struct client *c)
{
	struct play *p = c->p;
	const struct act *a = act_of(c);
	struct run *r;

	if (sim_now_ns(p->sim) < c->act_due_ns)
		return;
	if (c->submit == CLIENT_TODO)
		submit(c);
	if (c->submit != CLIENT_ANSWERED)
		return;
	r = wf_core_run(p->engine, c->run);
	if (!r || memcmp(&r->row.id, &c->id, sizeof(c->id)) != 0)
		check_wrong(p, "the run that was acknowledged is gone");
	else if (a && c->asked == CLIENT_TODO)
		act(c, a);
	else if (!a && r->row.state == WF_RUN_PAUSED)
		(void)wf_core_resume(p->engine, c->run, NULL); /* nobody leaves it so */
	if (r && p->scenario->helps)
		help(p, r);
}

void clients(struct play *p)
{
	if (!engine_is_up(p))
		return;
	for (unsigned i = 0; i < p->client_count && !p->wrong[0]; i++)
		one_client(&p->clients[i]);
	if (sim_chance(p->sim, 5))
		look(p);
}

void clients_died(struct play *p, const struct engine *e)
{
	for (unsigned i = 0; i < p->client_count; i++) {
		struct client *c = &p->clients[i];

		if (c->at != e)
			continue;
		if (c->submit == CLIENT_ASKED)
			c->submit = CLIENT_TODO;
		if (c->asked == CLIENT_ASKED)
			c->asked = CLIENT_TODO;
	}
	for (size_t i = 0; i < WF_COUNT(p->readings); i++)
		if (p->readings[i].at == e)
			p->readings[i].p = NULL;
}

int clients_are_done(const struct play *p)
{
	for (unsigned i = 0; i < p->client_count; i++) {
		const struct client *c = &p->clients[i];

		if (c->submit != CLIENT_ANSWERED || act_of(c))
			return 0;
	}
	return 1;
}

void clients_begin(struct play *p)
{
	/* A scenario that waits for what its workflow does has one run. */
	unsigned more = p->scenario->text && p->acts[0].verb ? 0 : p->plan->most[KNOB_runs];

	p->client_count = 1 + more;
	play_counts->n[COUNT_runs] += more;
	for (unsigned i = 0; i < p->client_count; i++) {
		struct client *c = &p->clients[i];

		c->p = p;
		c->number = i;
		snprintf(c->key, sizeof(c->key), "client-%u", i);
		memcpy(c->acts, p->acts, sizeof(c->acts));
		c->act_due_ns = i ? sim_now_ns(p->sim) + SIM_MS * sim_rnd(p->sim, 20000) : 0;
	}
}
