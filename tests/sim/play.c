/* play.c - owns the life of a scenario: boots and kills the engine, plays the client, connects the agent, decides when it is over. */
#include "tests/sim/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"

#define MS ((uint64_t)1000000)
#define STATE_DIR "/sim/state"

enum {
	STEPS_MAX = 2000000,
	HOURS_MAX = 6,                 /* of virtual time: a run that takes longer waits for something that does not come */
	QUIET_MS = 300 * 1000,
};

struct play_counts play_counts;

/* ---- the engine's life --------------------------------------------------------------------------------------- */

static int is_up(const struct play *p)
{
	return p->engine && !p->home->dead;
}

struct call {
	struct play *p;
	struct engine *engine;
	struct sim_process *home;
};

static void connect_now(void *arg)
{
	struct call *c = arg;
	struct play *p = c->p;
	struct wf_channel *ends[2];
	struct wf_err err;

	if (sim_chance(p->sim, 50)) {
		wf_errf(&err, WF_UNREACHABLE, "nobody listens");
		wf_core_connected(c->engine, "local", NULL, &err);
	} else {
		sim_channel_pair(p->sim, c->home, p->world, ends);
		fake_agent_attach(p->agent, ends[1]);
		wf_core_connected(c->engine, "local", ends[0], NULL);
	}
	free(c);
}

static void connect_agent(struct engine *e, const char *executor, void *arg)
{
	struct play *p = arg;
	struct call *c = wf_xcalloc(1, sizeof(*c));

	WF_ASSERT(strcmp(executor, "local") == 0);
	c->p = p;
	c->engine = e;
	c->home = p->home;
	sim_at(p->sim, p->home, sim_now_ns(p->sim) + MS + sim_rnd(p->sim, 20 * MS), connect_now, free, c);
}

static void on_leave(void *arg, const struct wf_err *why)
{
	struct play *p = arg;

	p->left = 1;
	if (!p->home->dead && !p->scenario->errors)
		check_wrong(p, "the engine left: %s", why ? why->text : "idle");
}

static int boot_engine(struct play *p, int mortal)
{
	struct wf_core_options o = {
		.state_dir = STATE_DIR,
		.types_dirs = { "services/types" },
		.connect = connect_agent,
		.connect_arg = p,
	};
	struct wf_err err = { 0 };

	p->home = sim_process_start(p->sim, "engine");
	p->die_at_step = 0;
	p->left = 0;
	if (mortal && p->errors < p->scenario->errors) {
		p->home->fail_at_write = 20 + sim_rnd(p->sim, 600);
		p->errors++;
	}
	if (mortal && p->deaths < p->scenario->deaths) {
		/* Some die in the middle of writing, most between two steps; some live long, some die young. */
		if (sim_chance(p->sim, 400))
			p->home->die_at_write = 1 + sim_rnd(p->sim, sim_chance(p->sim, 500) ? 60 : 600);
		else
			p->die_at_step = sim_steps(p->sim) + 1 + sim_rnd(p->sim, sim_chance(p->sim, 500) ? 150 : 1500);
	}
	o.os = &p->home->os;
	o.loop = &p->home->loop;
	p->engine = wf_core_create(&o, &err);
	if (p->engine) {
		wf_core_on_leave(p->engine, on_leave, p);
		wf_core_start(p->engine);
		return 0;
	}
	/* A directory that never held an engine has no ballast; what was acknowledged has. */
	if (err.code == WF_FULL && p->full_until_ns && p->submit != CLIENT_ANSWERED)
		return -1;
	play_counts.errors += p->home->fail_at_write && p->home->writes >= p->home->fail_at_write;
	if (!p->home->dead && (!p->home->fail_at_write || p->home->writes < p->home->fail_at_write))
		check_wrong(p, "the engine does not start: %s", err.text);
	return -1;
}

static void boot_now(void *arg)
{
	struct play *p = arg;

	if (!p->wrong[0])
		(void)boot_engine(p, 1);
}

static void never(void *arg)
{
	(void)arg;
}

static void boot_later(struct play *p)
{
	sim_at(p->sim, p->world, sim_now_ns(p->sim) + MS * (1 + sim_rnd(p->sim, sim_chance(p->sim, 300) ? 60000 : 500)), boot_now, never, p);
}

/* kill -9: what was queued never happens; then its memory goes, as the kernel takes it. */
static void kill_engine(struct play *p)
{
	p->deaths++;
	play_counts.deaths++;
	play_counts.deaths_writing += p->home->writes == p->home->die_at_write;
	play_counts.deaths_creating += !p->engine;
	if (p->engine)
		play_counts.strays += p->engine->strays;
	sim_process_kill(p->home);
	wf_core_destroy(p->engine);
	sim_process_free(p->home);
	p->engine = NULL;
	p->home = NULL;
	if (p->submit == CLIENT_ASKED)
		p->submit = CLIENT_TODO;
	if (p->asked == CLIENT_ASKED)
		p->asked = CLIENT_TODO;
}

static void agent_dies(struct play *p)
{
	p->agent_deaths++;
	play_counts.agent_deaths++;
	sim_mark(p->sim, "agent dies", p->agent_deaths, 0);
	fake_agent_die(p->agent);
}

/* ---- the client ------------------------------------------------------------------------------------------------ */

static void act_later(struct play *p)
{
	p->asked = CLIENT_TODO;
	p->act_due_ns = sim_now_ns(p->sim) + MS * sim_rnd(p->sim, p->acts[p->act].after_ms + 1);
}

static void on_submitted(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	struct play *p = arg;

	(void)findings;
	(void)replayed;
	if (p->home->dead || p->submit != CLIENT_ASKED)
		return;
	if (err && (err->code == WF_UNREACHABLE || err->code == WF_RESOURCE || err->code == WF_FULL ||
		    (err->code == WF_IO && p->scenario->errors))) {
		p->submit = CLIENT_TODO;
		p->act_due_ns = sim_now_ns(p->sim) + 500 * MS;
		return;
	}
	if (err) {
		check_wrong(p, "submit: %s", err->text);
		return;
	}
	p->submit = CLIENT_ANSWERED;
	p->run = run;
	p->id = wf_core_run(p->engine, run)->row.id;
	sim_mark(p->sim, "submitted", run, 0);
	act_later(p);
}

static void submit(struct play *p)
{
	static char home[] = "HOME=/sim/home";
	static char *const env[] = { home, NULL };
	struct wf_submit s = {
		.text = wf_buf_cstr(&p->text),
		.text_n = p->text.len,
		.file = "sim.yaml",
		.key = "the-one",
		.body_hash = "same",
		.executor = "local",
		.workdir = "/sim/work",
		.env = env,
		.umask_bits = 022,
	};

	p->submit = CLIENT_ASKED;
	play_counts.submits++;
	wf_core_submit(p->engine, &s, on_submitted, p);
}

static const struct act *act_of(const struct play *p)
{
	return p->act < WF_COUNT(p->acts) && p->acts[p->act].verb ? &p->acts[p->act] : NULL;
}

static void answered(struct play *p)
{
	sim_mark(p->sim, "answered", p->act, 0);
	p->act++;
	if (act_of(p))
		act_later(p);
}

static void on_durable(void *arg)
{
	struct play *p = arg;

	if (!p->home->dead)
		answered(p);
}

static void on_retried(void *arg, const struct wf_err *err)
{
	struct play *p = arg;

	if (p->home->dead)
		return;
	if (err && err->code == WF_FULL) {
		p->asked = CLIENT_TODO;
		p->act_due_ns = sim_now_ns(p->sim) + 500 * MS;
		return;
	}
	if (err && p->scenario->ends != WF_RUN_STATES) {
		check_wrong(p, "retry: %s", err->text);
		return;
	}
	p->refused[p->act] = err != NULL;
	wf_core_when_durable(p->engine, on_durable, p);
}

/* Is what the client waits for there? */
static int may_act(struct play *p, const struct act *a)
{
	struct run *r = wf_core_run(p->engine, p->run);
	uint32_t instance, index;

	if (a->verb == ACT_RETRY)
		return wf_run_is_over(&r->row);
	if (wf_run_is_over(&r->row) && p->scenario->ends != WF_RUN_STATES && !p->tried[p->act])
		check_wrong(p, "the run is over before act %zu", p->act);
	if (!a->what)
		return 1;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (strcmp(r->services[i].s.name, a->what) == 0)
			return r->services[i].s.held;
	if (dag_task_find(r->dag, a->what, &instance, &index, NULL) < 0 || index >= r->inst[instance].count)
		return 0;
	if (a->verb == ACT_RESOLVE)
		return r->inst[instance].tasks[index].state == WF_TASK_HELD;
	return r->inst[instance].tasks[index].pid || r->inst[instance].tasks[index].state == WF_TASK_HELD || wf_run_is_over(&r->row);
}

static uint32_t retries_before(const struct play *p)
{
	uint32_t n = 0;

	for (size_t i = 0; i < p->act; i++)
		n += p->acts[i].verb == ACT_RETRY && !p->refused[i];
	return n;
}

static void act(struct play *p, const struct act *a)
{
	struct run *r = wf_core_run(p->engine, p->run);
	struct wf_err err = { 0 };
	int rc = 0;

	if (wf_run_is_over(&r->row) && (a->verb >= ACT_BREAK || (p->scenario->ends == WF_RUN_STATES && a->verb != ACT_RETRY))) {
		answered(p);
		return;
	}
	/* Its answer was lost, it was not. */
	if ((a->verb == ACT_RETRY && r->row.retries > retries_before(p)) || (a->verb == ACT_RESOLVE && p->tried[p->act] && !may_act(p, a)) ||
	    (a->verb == ACT_CANCEL && p->tried[p->act] && wf_run_is_over(&r->row))) {
		answered(p);
		return;
	}
	if (!may_act(p, a)) {
		p->act_due_ns = sim_now_ns(p->sim) + 100 * MS;
		return;
	}
	sim_mark(p->sim, "act", p->act, (uint64_t)a->verb);
	p->tried[p->act] = 1;
	p->asked = CLIENT_ASKED;
	switch (a->verb) {
	case ACT_CANCEL:
		rc = wf_core_cancel(p->engine, p->run, &err);
		break;
	case ACT_PAUSE:
		rc = r->row.state == WF_RUN_PAUSED ? 0 : wf_core_pause(p->engine, p->run, &err);
		break;
	case ACT_RESUME:
		rc = r->row.state == WF_RUN_RUNNING ? 0 : wf_core_resume(p->engine, p->run, &err);
		break;
	case ACT_RESOLVE:
		rc = wf_core_resolve(p->engine, p->run, a->what, a->as, &err);
		break;
	case ACT_BREAK:
		play_counts.breaks++;
		sim_channels_break(p->sim);
		break;
	case ACT_AGENT_DIES:
		agent_dies(p);
		break;
	case ACT_RETRY:
		wf_core_retry(p->engine, p->run, on_retried, p);
		return;
	case ACT_NONE:
		break;
	}
	if (rc < 0 && p->scenario->ends != WF_RUN_STATES)
		check_wrong(p, "act %zu: %s", p->act, err.text);
	else
		wf_core_when_durable(p->engine, on_durable, p);
}

/* A person who looks now and then, and runs again what waits for a decision. */
static void help(struct play *p, struct run *r)
{
	struct wf_err err;
	char name[WF_TASK_NAME];

	if (!r->loaded || wf_run_is_over(&r->row) || !sim_chance(p->sim, 20))
		return;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].s.held && wf_core_resolve(p->engine, p->run, r->services[i].s.name, WF_RESOLVE_RERUN, &err) < 0)
			check_wrong(p, "resolve: %s", err.text);
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++)
			if (r->inst[i].tasks[k].state == WF_TASK_HELD) {
				dag_task_name(r->dag, i, k, name, sizeof(name));
				if (wf_core_resolve(p->engine, p->run, name, WF_RESOLVE_RERUN, &err) < 0)
					check_wrong(p, "resolve: %s", err.text);
			}
}

static void client(struct play *p)
{
	const struct act *a = act_of(p);

	if (!is_up(p) || sim_now_ns(p->sim) < p->act_due_ns)
		return;
	if (p->submit == CLIENT_TODO) {
		submit(p);
	} else if (p->submit == CLIENT_ANSWERED) {
		struct run *r = wf_core_run(p->engine, p->run);

		if (!r || memcmp(&r->row.id, &p->id, sizeof(p->id)) != 0)
			check_wrong(p, "the run that was acknowledged is gone");
		else if (a && p->asked == CLIENT_TODO)
			act(p, a);
		if (r && p->scenario->helps)
			help(p, r);
	}
}

/* ---- faults ------------------------------------------------------------------------------------------------------- */

static void faults(struct play *p)
{
	/* Nobody asks after an attempt that vanished but when a connection is made: make some. */
	int ask = p->scenario->asks && sim_now_ns(p->sim) > p->ask_ns && p->submit == CLIENT_ANSWERED;

	if (ask)
		p->ask_ns = sim_now_ns(p->sim) + 60000 * MS;
	if (ask || (p->breaks < p->scenario->breaks && sim_chance(p->sim, 2))) {
		p->breaks++;
		play_counts.breaks++;
		sim_channels_break(p->sim);
	}
	if (p->agent_deaths < p->scenario->agent_deaths && sim_chance(p->sim, 1)) {
		agent_dies(p);
	}
	if (p->full < p->scenario->full && !p->full_until_ns && sim_chance(p->sim, 3)) {
		p->full++;
		play_counts.full++;
		p->full_until_ns = sim_now_ns(p->sim) + MS * (1 + sim_rnd(p->sim, 60000));
		sim_disk_room(p->sim, sim_rnd(p->sim, 40000));
	} else if (p->full_until_ns && sim_now_ns(p->sim) > p->full_until_ns) {
		p->full_until_ns = 0;
		sim_disk_room(p->sim, UINT64_MAX);
	}
	play_counts.leaves += p->engine && p->left;
	if (p->engine && (p->home->dead || p->left || sim_steps(p->sim) == p->die_at_step)) {
		kill_engine(p);
		boot_later(p);
	} else if (!p->engine && p->home) {
		/* It died while it was being created. */
		kill_engine(p);
		boot_later(p);
	}
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

static int step(struct play *p)
{
	if (p->wrong[0])
		return 0;
	if (!sim_step(p->sim))
		return check_wrong(p, "nothing is left to happen"), 0;
	check_agent(p);
	check_engine(p);
	if (sim_steps(p->sim) > STEPS_MAX || sim_now_ns(p->sim) > HOURS_MAX * 3600000 * MS)
		check_wrong(p, "it does not come to an end");
	return !p->wrong[0];
}

static int is_over(const struct play *p)
{
	struct run *r;

	if (!is_up(p) || p->submit != CLIENT_ANSWERED || act_of(p))
		return 0;
	r = wf_core_run(p->engine, p->run);
	return wf_run_is_over(&r->row) && !p->engine->committing && !p->engine->open.events;
}

/* After the end: strays, acknowledgements, what the agent still has to say. */
static void settle(struct play *p)
{
	uint64_t until = sim_now_ns(p->sim) + QUIET_MS * MS;

	while (sim_now_ns(p->sim) < until &&
	       (fake_agent_unacknowledged(p->agent) || fake_agent_live(p->agent) || p->engine->committing || p->engine->open.events) && step(p))
		;
	/* Without a live run nobody calls the agent: what it has to say then is said to the next run. */
	if (p->engine->local.state == AGENT_READY && fake_agent_unacknowledged(p->agent))
		check_wrong(p, "%zu facts of the agent were never acknowledged", fake_agent_unacknowledged(p->agent));
}

static void mark_done(void *arg)
{
	*(int *)arg = 1;
}

static void stop_engine(struct play *p)
{
	int done = 0;

	play_counts.strays += p->engine->strays;
	play_counts.starts += p->engine->starts;
	wf_core_stop(p->engine, mark_done, &done);
	while (!done && step(p))
		;
	/* Its side of the connection is told, and the timers of the loop are its own to stop. */
	for (int i = 0; i < 1000 && (p->engine->local.channel || p->engine->local.state == AGENT_CONNECTING) && step(p); i++)
		;
	wf_core_destroy(p->engine);
	p->engine = NULL;
	if (sim_pending(p->sim, p->home))
		check_wrong(p, "%zu things are left in the loop of a stopped engine", sim_pending(p->sim, p->home));
	sim_process_free(p->home);
	p->home = NULL;
}

struct again {
	struct play *p;
	const struct image *image;
	int done;
};

static void on_loaded(void *arg, struct run *r, const struct wf_err *err)
{
	struct again *a = arg;

	a->done = 1;
	if (err)
		check_wrong(a->p, "the run cannot be read again: %s", err->text);
	else
		check_same(a->p, a->image, r);
}

/* What was written is what was in memory, and what the events say. */
static void read_again(struct play *p, const struct image *image)
{
	struct again a = { p, image, 0 };
	struct wf_buf out = { 0 };
	struct wf_err err = { 0 };

	if (boot_engine(p, 0) < 0)
		return;
	wf_core_load(p->engine, p->run, on_loaded, &a);
	while (!a.done && step(p))
		;
	if (!p->wrong[0])
		stop_engine(p);
	if (p->wrong[0])
		return;
	p->home = sim_process_start(p->sim, "recover");
	if (wf_store_recover(&p->home->os, STATE_DIR, 1, 1, &out, &err) < 0)
		check_wrong(p, "the events say otherwise: %s", err.text);
	wf_buf_release(&out);
}

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

static void tell(struct play *p)
{
	if (p->engine && !p->home->dead)
		(void)wf_store_get_events(p->engine->store, 0, 0, 100000, print_event, NULL, NULL);
}

int play(const struct scenario *s, uint64_t seed, int tracing, uint64_t *hash, struct play *p)
{
	struct wf_buf script = { 0 };
	struct image *image = NULL;
	struct wf_err err;

	memset(p, 0, sizeof(*p));
	p->scenario = s;
	p->seed = seed;
	p->tracing = tracing;
	p->sim = sim_create(seed);
	sim_trace(p->sim, tracing);
	p->world = sim_process_start(p->sim, "world");
	if (wf_dir_make(&p->world->os, STATE_DIR, 0700, &err) < 0 || wf_dir_make(&p->world->os, "/sim/work", 0700, &err) < 0)
		WF_BUG("%s", err.text);
	if (s->text)
		wf_buf_str(&p->text, s->text);
	memcpy(p->acts, s->acts, sizeof(p->acts));
	s->write(p, &script);
	p->agent = fake_agent_create(&p->world->loop, &p->world->os, wf_buf_cstr(&script), &err);
	if (!p->agent)
		WF_BUG("%s in\n%s", err.text, wf_buf_cstr(&script));
	boot_now(p);
	while (!p->wrong[0] && !is_over(p)) {
		faults(p);
		client(p);
		if (!step(p))
			break;
	}
	if (!p->wrong[0]) {
		p->home->die_at_write = p->home->fail_at_write = 0;
		sim_disk_room(p->sim, UINT64_MAX);
		settle(p);
	}
	if (!p->wrong[0])
		check_end(p);
	if (!p->wrong[0]) {
		image = check_image(wf_core_run(p->engine, p->run));
		stop_engine(p);
	}
	if (!p->wrong[0])
		read_again(p, image);
	check_image_free(image);
	*hash = sim_hash(p->sim);
	if (p->wrong[0] && tracing) {
		tell(p);
		fprintf(stderr, "# the workflow:\n%s\n# the agent's script:\n%s\n", wf_buf_cstr(&p->text), wf_buf_cstr(&script));
	}
	if (p->home)
		sim_process_kill(p->home);
	wf_core_destroy(p->engine);
	fake_agent_destroy(p->agent);
	/* Hung up is told later. */
	while (sim_pending(p->sim, p->world) && sim_step(p->sim))
		;
	wf_buf_release(&script);
	wf_buf_release(&p->text);
	play_counts.plays++;
	play_counts.steps += sim_steps(p->sim);
	play_counts.virtual_ns += sim_now_ns(p->sim);
	sim_destroy(p->sim);
	return p->wrong[0] ? -1 : 0;
}
