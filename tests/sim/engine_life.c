/* engine_life.c - owns the engine's life: boots it on what it wrote, connects it to the agent, ends it in one way or another. */
#include <stdlib.h>
#include <string.h>

#include "engine/store/store_internal.h"
#include "tests/sim/play.h"

int engine_is_up(const struct play *p)
{
	return p->engine && !p->home->dead && !p->stopping;
}

struct sim_process *engine_home(const struct play *p, const struct engine *e)
{
	return e == p->old.engine ? p->old.home : p->home;
}

int engine_answers(const struct play *p, const struct engine *e)
{
	return e && !engine_home(p, e)->dead;
}

/* ---- its agent ----------------------------------------------------------------------------------------------- */

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

	if (sim_now_ns(p->sim) < p->cut_until_ns || sim_chance(p->sim, 50)) {
		COUNT(refused);
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
	c->home = engine_home(p, e);
	sim_at(p->sim, p->home, sim_now_ns(p->sim) + SIM_MS + sim_rnd(p->sim, 20 * SIM_MS), connect_now, free, c);
}

/* ---- birth ----------------------------------------------------------------------------------------------------- */

/* The disk did to it what an engine may leave or fail to start for. */
static int disk_struck(const struct sim_process *h)
{
	return (h->fail_at_write && h->writes >= h->fail_at_write) || (h->fail_at_sync && h->syncs >= h->fail_at_sync);
}

static void on_leave(void *arg, const struct wf_err *why)
{
	struct play *p = arg;

	p->left = 1;
	if (p->home->dead)
		return;
	if (!why && p->plan->most[KNOB_idles])
		COUNT(idles);
	else if (why && disk_struck(p->home))
		COUNT(leaves);
	else if (why && why->code == WF_CONFLICT && p->took_over)
		COUNT(fenced);
	else
		check_wrong(p, "the engine left: %s", why ? why->text : "idle");
}

/* Most die between two steps, some in the middle of writing; some live long, some die young. */
static void choose_death(struct play *p)
{
	int power = fault_may(p, KNOB_power, 400);
	int soon = sim_chance(p->sim, 500);

	if (!power && !fault_may(p, KNOB_deaths, 1000))
		return;
	p->home->loses_power = power;
	switch (sim_rnd(p->sim, 5)) {
	case 0:
		p->home->die_at_write = 1 + sim_rnd(p->sim, soon ? 60 : 600);
		break;
	case 1:
		p->home->die_at_sync = 1 + sim_rnd(p->sim, soon ? 10 : 60);
		break;
	default:
		p->die_at_step = sim_steps(p->sim) + 1 + sim_rnd(p->sim, soon ? 150 : 1500);
	}
}

static void choose_disk_errors(struct play *p)
{
	p->home->fail_more = sim_chance(p->sim, 300) ? sim_rnd(p->sim, 30) : 0;
	if (fault_may(p, KNOB_errors, 600))
		p->home->fail_at_write = 20 + sim_rnd(p->sim, 600);
	if (fault_may(p, KNOB_syncs, 600))
		p->home->fail_at_sync = p->clients[0].sent ? 1 + sim_rnd(p->sim, 60) : 5 + sim_rnd(p->sim, 8); /* at first: while the database is made */
}

static uint32_t one_of(struct sim *s, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t all[] = { 0, a, b, c };

	return all[sim_rnd(s, WF_COUNT(all))];
}

static struct wf_core_limits choose_limits(struct play *p)
{
	struct sim *s = p->sim;
	struct wf_core_limits l = { 0 };

	if (!p->plan->most[KNOB_limits])
		return l;
	COUNT(limits);
	l.blob_step = one_of(s, 1, 200, 1 << 30);
	l.gap_ms = one_of(s, 1, 100, 3000);
	l.space_ms = one_of(s, 1, 100, 20000);
	l.keep_finished_ms = one_of(s, 1, 1000, 1 << 30);
	l.starts_per_frame = one_of(s, 1, 1, 2);
	l.backoff_ms = one_of(s, 1, 5, 2000);
	l.log_pages = one_of(s, 1, 4, 20);
	return l;
}

static struct engine *create(const struct wf_core_options *o, struct sim_process *home, struct wf_err *err)
{
	struct engine *e;

	sim_current = home;
	e = wf_core_create(o, err);
	sim_current = NULL;
	return e;
}

static void destroy(struct engine *e, struct sim_process *home)
{
	sim_current = home;
	wf_core_destroy(e);
	sim_current = NULL;
}

static struct wf_core_options options(struct play *p, struct sim_process *home)
{
	return (struct wf_core_options){
		.os = &home->os,
		.loop = &home->loop,
		.state_dir = SIM_STATE_DIR,
		.types_dirs = { "services/types" },
		.connect = connect_agent,
		.connect_arg = p,
		.idle_ms = p->plan->most[KNOB_idles] ? 1000 : 0,
		.limits = choose_limits(p),
		.take_owner = 1,
	};
}

static void begin(struct play *p)
{
	check_log(p);
	p->sent_before = wf_store_last_attempt(p->engine->store);
	wf_core_on_leave(p->engine, on_leave, p);
	sim_current = p->home;
	wf_core_start(p->engine);
	sim_current = NULL;
}

int engine_boot(struct play *p, int mortal)
{
	struct wf_core_options o;
	struct wf_err err = { 0 };

	p->home = sim_process_start(p->sim, "engine");
	p->home->host = p->host;
	p->die_at_step = 0;
	p->left = p->stopping = 0;
	if (mortal) {
		choose_death(p);
		choose_disk_errors(p);
	}
	o = options(p, p->home);
	/* Who took over and did not come to the end of it has to do it again. */
	o.takeover = p->took_over;
	p->engine = create(&o, p->home, &err);
	if (p->engine) {
		begin(p);
		return 0;
	}
	/* A directory that never held an engine has no ballast; what was acknowledged has. A copy needs room for all. */
	if (err.code == WF_FULL && p->full_until_ns && (p->clients[0].submit != CLIENT_ANSWERED || p->took_over))
		return -1;
	if (!p->home->dead && !disk_struck(p->home))
		check_wrong(p, "the engine does not start: %s", err.text);
	return -1;
}

/* While no engine runs somebody may look whether the events say what the tables say. */
static void look_inside(struct play *p)
{
	struct sim_process *look;
	struct wf_buf out = { 0 };
	struct wf_err err = { 0 };
	char *dir;

	if (!p->ack_count || p->full_until_ns || !sim_chance(p->sim, 30))
		return;
	COUNT(recovers);
	look = sim_process_start(p->sim, "recover");
	dir = wf_core_data_dir(&look->os, SIM_STATE_DIR, &err);
	if ((!dir && !p->took_over) || (dir && wf_store_recover(&look->os, dir, 1, 1, &out, &err) < 0))
		check_wrong(p, "between two engines the events say otherwise: %s", err.text);
	free(dir);
	sim_process_free(look);
	wf_buf_release(&out);
}

/* ---- two at once --------------------------------------------------------------------------------------------------- */

static void on_old_leave(void *arg, const struct wf_err *why)
{
	struct play *p = arg;

	p->old.left = 1;
	play_counts->n[COUNT_fenced] += why && why->code == WF_CONFLICT;
}

void engine_end_old(struct play *p)
{
	clients_died(p, p->old.engine);
	sim_process_kill(p->old.home);
	destroy(p->old.engine, p->old.home);
	sim_process_free(p->old.home);
	memset(&p->old, 0, sizeof(p->old));
}

/* The one before is fenced, and lives until it notices, or for a while if it cannot. */
static void succeed(struct play *p, struct engine *e, struct sim_process *home)
{
	COUNT(takeovers);
	p->old.engine = p->engine;
	p->old.home = p->home;
	wf_core_on_leave(p->old.engine, on_old_leave, p);
	if (sim_chance(p->sim, 300))
		p->old.home->frozen_until_ns = sim_now_ns(p->sim) + SIM_MS * sim_rnd(p->sim, 60000);
	p->engine = e;
	p->home = home;
	p->die_at_step = 0;
	choose_death(p);
	begin(p);
}

void engine_twin(struct play *p)
{
	/* What vanished at the agent of another host is asked for by nobody. */
	int over = p->scenario->helps && !p->scenario->lies && sim_chance(p->sim, 500);
	struct sim_process *home = sim_process_start(p->sim, "twin");
	struct wf_core_options o = options(p, home);
	struct wf_err err = { 0 };
	struct engine *e;

	home->host = over == (strcmp(p->host, "alpha") == 0) ? "beta" : "alpha";
	o.takeover = over;
	o.lease_ms = (int64_t)sim_rnd(p->sim, sim_chance(p->sim, 500) ? 1 : 20000);
	e = create(&o, home, &err);
	if (over) {
		p->host = home->host;
		p->took_over = 1;
	}
	if (e && over) {
		succeed(p, e, home);
		return;
	}
	if (e || (!over && err.code != WF_CONFLICT && !p->took_over) || (over && !p->full_until_ns))
		check_wrong(p, e ? "two engines of one host own one directory" : "a second engine: %s", err.text);
	play_counts->n[COUNT_twins] += !over;
	sim_process_kill(home);
	destroy(e, home);
	sim_process_free(home);
}

static void boot_now(void *arg)
{
	struct play *p = arg;

	if (p->wrong[0])
		return;
	look_inside(p);
	(void)engine_boot(p, 1);
}

static void never(void *arg)
{
	(void)arg;
}

void engine_boot_later(struct play *p)
{
	uint64_t ms = 1 + sim_rnd(p->sim, sim_chance(p->sim, 300) ? 60000 : 500);

	sim_at(p->sim, p->world, sim_now_ns(p->sim) + SIM_MS * ms, boot_now, never, p);
}

/* ---- death ------------------------------------------------------------------------------------------------------- */

static void count_death(const struct play *p)
{
	const struct sim_process *h = p->home;

	COUNT(deaths);
	play_counts->n[COUNT_deaths_writing] += h->dead && h->writes == h->die_at_write;
	play_counts->n[COUNT_deaths_syncing] += h->dead && h->syncs == h->die_at_sync;
	play_counts->n[COUNT_deaths_creating] += !p->engine;
	play_counts->n[COUNT_errors] += h->fail_at_write && h->writes >= h->fail_at_write;
	play_counts->n[COUNT_sync_errors] += h->fail_at_sync && h->syncs >= h->fail_at_sync;
	play_counts->n[COUNT_stops_cut] += p->stopping == 1;
	if (p->engine) {
		play_counts->n[COUNT_strays] += p->engine->strays;
		play_counts->starts += p->engine->starts;
	}
}

/* kill -9: what was queued never happens; then its memory goes, as the kernel takes it. */
void engine_kill(struct play *p)
{
	int power = p->home->loses_power && (p->home->dead || sim_steps(p->sim) == p->die_at_step);

	count_death(p);
	if (p->engine)
		clients_died(p, p->engine);
	sim_process_kill(p->home);
	destroy(p->engine, p->home);
	sim_process_free(p->home);
	p->engine = NULL;
	p->home = NULL;
	p->stopping = 0;
	if (play_watch)
		play_watch(p, NULL);
	if (power) {
		COUNT(powers);
		sim_disk_power(p->sim);
		if (p->scenario->agent_may_die && sim_chance(p->sim, 500))
			fault_agent_dies(p);
	}
}

void engine_stopped(void *arg)
{
	((struct play *)arg)->stopping = 2;
}

static void mark_done(void *arg)
{
	*(int *)arg = 1;
}

void engine_stop(struct play *p)
{
	int done = 0;

	play_counts->n[COUNT_strays] += p->engine->strays;
	play_counts->starts += p->engine->starts;
	wf_core_stop(p->engine, mark_done, &done);
	while (!done && play_step(p))
		;
	/* Its side of the connection is told, and the timers of the loop are its own to stop. */
	for (int i = 0; i < 1000 && (p->engine->local.channel || p->engine->local.state == AGENT_CONNECTING) && play_step(p); i++)
		;
	while (p->engine->store->tidy && play_step(p))
		;
	destroy(p->engine, p->home);
	p->engine = NULL;
	if (sim_pending(p->sim, p->home))
		check_wrong(p, "%zu things are left in the loop of a stopped engine", sim_pending(p->sim, p->home));
	sim_process_free(p->home);
	p->home = NULL;
}
