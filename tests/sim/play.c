/* play.c - owns one play from its first event to the last look at what is left: drives the world, decides when it is over. */
#include "tests/sim/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/files.h"

enum {
	STEPS_MAX = 4000000,
	HOURS_MAX = 12,                /* of virtual time: a run that takes longer waits for something that does not come */
	QUIET_MS = 300 * 1000,
};

static struct play_counts own_counts;
struct play_counts *play_counts = &own_counts;

void (*play_watch)(struct play *p, const struct fake_seen *a);

int play_step(struct play *p)
{
	if (p->wrong[0])
		return 0;
	if (!sim_step(p->sim))
		return check_wrong(p, "nothing is left to happen"), 0;
	if (play_watch)
		play_watch(p, NULL);
	check_engine(p);
	if (sim_steps(p->sim) > STEPS_MAX || sim_now_ns(p->sim) > HOURS_MAX * 3600000 * SIM_MS)
		check_wrong(p, "it does not come to an end");
	return !p->wrong[0];
}

/* ---- is it over? ------------------------------------------------------------------------------------------------ */

static int is_over(const struct play *p)
{
	if (!engine_is_up(p) || p->old.engine || !clients_are_done(p))
		return 0;
	for (unsigned i = 0; i < p->client_count; i++)
		if (!wf_run_is_over(&wf_core_run(p->engine, p->clients[i].run)->row))
			return 0;
	return !p->engine->committing && !p->engine->open.events;
}

/* After the end: strays, acknowledgements, what the agent still has to say. */
static void settle(struct play *p)
{
	uint64_t until = sim_now_ns(p->sim) + QUIET_MS * SIM_MS;

	while (sim_now_ns(p->sim) < until && !p->left &&
	       (fake_agent_unacknowledged(p->agent) || fake_agent_live(p->agent) || p->engine->committing || p->engine->open.events) &&
	       play_step(p))
		;
	/* Without a live run nobody calls the agent: what it has to say then is said to the next run. */
	if (!p->left && p->engine->local.state == AGENT_READY && fake_agent_unacknowledged(p->agent))
		check_wrong(p, "%zu facts of the agent were never acknowledged", fake_agent_unacknowledged(p->agent));
}

/* ---- the same again ------------------------------------------------------------------------------------------------ */

struct again {
	struct play *p;
	const struct facts *facts;
	int done;
};

static void on_loaded(void *arg, struct run *r, const struct wf_err *err)
{
	struct again *a = arg;

	a->done = 1;
	if (err)
		check_wrong(a->p, "the run cannot be read again: %s", err->text);
	else if (a->facts)
		check_same(a->p, a->facts, r);
}

static void load(struct play *p, unsigned client, struct again *a)
{
	wf_core_load(p->engine, p->clients[client].run, on_loaded, a);
	while (!a->done && play_step(p))
		;
}

/* What was written is what was in memory, and what the events say. */
static void read_again(struct play *p, struct facts *const *facts)
{
	struct wf_buf out = { 0 };
	struct wf_err err = { 0 };
	char *dir;

	if (engine_boot(p, 0) < 0)
		return;
	for (unsigned i = 0; i < p->client_count && !p->wrong[0]; i++) {
		struct again a = { p, facts[i], 0 };

		load(p, i, &a);
	}
	if (!p->wrong[0])
		engine_stop(p);
	if (p->wrong[0])
		return;
	p->home = sim_process_start(p->sim, "recover");
	dir = wf_core_data_dir(&p->home->os, SIM_STATE_DIR, &err);
	if (!dir || wf_store_recover(&p->home->os, dir, 1, 1, &out, &err) < 0)
		check_wrong(p, "the events say otherwise: %s", err.text);
	free(dir);
	wf_buf_release(&out);
}

static int all_loaded(const struct play *p)
{
	for (unsigned i = 0; i < p->client_count && !p->wrong[0]; i++)
		if (!wf_core_run(p->engine, p->clients[i].run)->loaded)
			return 0;
	return 1;
}

static void look_back(struct play *p)
{
	struct facts *facts[CLIENTS] = { NULL };

	/* A finished run may have left the memory already, or leave it while another one is read. */
	for (int tries = 0; tries < 20 && !all_loaded(p); tries++)
		for (unsigned i = 0; i < p->client_count && !p->wrong[0]; i++) {
			struct again a = { .p = p };

			load(p, i, &a);
		}
	if (!p->wrong[0])
		check_end(p);
	for (unsigned i = 0; i < p->client_count && !p->wrong[0]; i++)
		facts[i] = check_facts(wf_core_run(p->engine, p->clients[i].run));
	if (!p->wrong[0])
		engine_stop(p);
	if (!p->wrong[0])
		read_again(p, facts);
	for (unsigned i = 0; i < p->client_count; i++)
		check_facts_free(facts[i]);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static int print_event(const struct wf_event *ev, void *arg)
{
	json_t *o = wf_event_json(ev, "", NULL, NULL);
	char *text = json_dumps(o, JSON_COMPACT);

	(void)arg;
	fprintf(stderr, "#   %s\n", text);
	free(text);
	json_decref(o);
	return 0;
}

static void tell_run(const struct run *r)
{
	char name[WF_TASK_NAME];

	fprintf(stderr, "# run %llu is %s\n", (unsigned long long)r->row.number, wf_sm_name(&wf_run_machine, r->row.state));
	for (uint32_t i = 0; r->loaded && i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++) {
			const struct wf_task *t = &r->inst[i].tasks[k];

			dag_task_name(r->dag, i, k, name, sizeof(name));
			if (!wf_task_is_over(t))
				fprintf(stderr, "# %s is %s, its attempt %llu is %s\n", name, wf_sm_name(&wf_task_machine, t->state),
					(unsigned long long)t->number, wf_sm_name(&wf_attempt_machine, t->astate));
		}
	for (uint32_t i = 0; r->loaded && i < r->service_count; i++)
		fprintf(stderr, "# service %s is %s\n", r->services[i].s.name, wf_sm_name(&wf_service_machine, r->services[i].s.state));
}

static void tell(struct play *p)
{
	for (size_t i = 0; p->engine && i < p->engine->run_count; i++)
		tell_run(p->engine->runs[i]);
	if (p->engine && !p->home->dead)
		(void)wf_store_get_events(p->engine->store, 0, 0, 100000, print_event, NULL, NULL);
	fprintf(stderr, "# the workflow:\n%s\n# the agent's script:\n%s\n", wf_buf_cstr(&p->text), wf_buf_cstr(&p->script));
}

static void begin(struct play *p)
{
	struct wf_err err;

	p->sim = sim_create(p->plan->seed);
	sim_trace(p->sim, p->tracing);
	sim_channels_double(p->sim, p->plan->most[KNOB_doubles]);
	p->host = "alpha";
	p->world = sim_process_start(p->sim, "world");
	if (wf_dir_make(&p->world->os, SIM_STATE_DIR, 0700, &err) < 0 || wf_dir_make(&p->world->os, "/sim/work", 0700, &err) < 0)
		WF_BUG("%s", err.text);
	sim_disk_settle(p->sim);
	if (p->scenario->text)
		wf_buf_str(&p->text, p->scenario->text);
	memcpy(p->acts, p->scenario->acts, sizeof(p->acts));
	p->scenario->write(p, &p->script);
	p->agent = fake_agent_create(&p->world->loop, &p->world->os, wf_buf_cstr(&p->script), &err);
	if (!p->agent)
		WF_BUG("%s in\n%s", err.text, wf_buf_cstr(&p->script));
	if (sim_chance(p->sim, 300)) {
		COUNT(marks);
		fake_agent_mark(p->agent, sim_rnd(p->sim, 1000));
	}
	fake_agent_watch(p->agent, check_attempt, p);
	clients_begin(p);
}

static void count(struct play *p)
{
	const struct fake_counts *f = fake_agent_counts(p->agent);

	play_counts->n[COUNT_late] += f->late;
	play_counts->n[COUNT_stale] += f->stale;
	play_counts->n[COUNT_reused] += f->reused;
	play_counts->n[COUNT_denied] += f->denied;
	play_counts->n[COUNT_vanished] += f->vanished;
	play_counts->n[COUNT_doubled] += sim_links_of(p->sim)->doubled;
	play_counts->n[COUNT_checkpoints] += sim_files_of(p->sim)->checkpoints;
	play_counts->n[COUNT_powers_torn] += sim_files_of(p->sim)->sectors_lost;
	play_counts->n[COUNT_powers_names] += sim_files_of(p->sim)->names_lost;
	play_counts->plays++;
	play_counts->steps += sim_steps(p->sim);
	play_counts->virtual_ns += sim_now_ns(p->sim);
}

static void end(struct play *p)
{
	if (p->old.engine)
		engine_end_old(p);
	if (p->home)
		sim_process_kill(p->home);
	sim_current = p->home;
	wf_core_destroy(p->engine);
	sim_current = NULL;
	count(p);
	fake_agent_destroy(p->agent);
	/* Hung up is told later. */
	while (sim_pending(p->sim, p->world) && sim_step(p->sim))
		;
	wf_buf_release(&p->script);
	wf_buf_release(&p->text);
	wf_idmap_release(&p->live);
	wf_idmap_release(&p->generations);
	free(p->acks);
	sim_destroy(p->sim);
}

int play(const struct plan *plan, int tracing, uint64_t *hash, struct play *p)
{
	memset(p, 0, sizeof(*p));
	p->plan = plan;
	p->scenario = plan->scenario;
	p->tracing = tracing;
	begin(p);
	(void)engine_boot(p, 1);
	while (!p->wrong[0] && !is_over(p)) {
		faults(p);
		clients(p);
		if (!play_step(p))
			break;
	}
	if (!p->wrong[0]) {
		faults_end(p);
		settle(p);
	}
	if (!p->wrong[0] && p->engine->left) {
		/* What struck it before the end tells only now. */
		engine_kill(p);
		(void)engine_boot(p, 0);
		settle(p);
	}
	if (!p->wrong[0])
		look_back(p);
	*hash = sim_hash(p->sim);
	if (p->wrong[0] && tracing)
		tell(p);
	end(p);
	return p->wrong[0] ? -1 : 0;
}
