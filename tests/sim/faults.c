/* faults.c - owns what happens to a play from outside, but for the engine's deaths: when, and how often. */
#include "tests/sim/play.h"

int fault_may(struct play *p, enum knob k, unsigned per_mille)
{
	if (p->used[k] >= p->plan->most[k] || !sim_chance(p->sim, per_mille))
		return 0;
	p->used[k]++;
	return 1;
}

static uint64_t soon(struct play *p, uint64_t most_ms)
{
	return sim_now_ns(p->sim) + SIM_MS * (1 + sim_rnd(p->sim, most_ms));
}

void fault_agent_dies(struct play *p)
{
	COUNT(agents);
	sim_mark(p->sim, "agent dies", p->used[KNOB_agents], 0);
	fake_agent_die(p->agent);
}

static void connections(struct play *p)
{
	/* Nobody asks after an attempt that vanished but when a connection is made: make some. */
	int ask = p->scenario->asks && sim_now_ns(p->sim) > p->ask_ns && p->clients[0].submit == CLIENT_ANSWERED;

	if (ask)
		p->ask_ns = soon(p, 60000);
	if (ask || fault_may(p, KNOB_breaks, 2)) {
		COUNT(breaks);
		sim_channels_break(p->sim);
	}
	if (fault_may(p, KNOB_cuts, 1)) {
		/* Neither frames nor connections get through; afterwards what was sent arrives, or the connection is found broken. */
		COUNT(cuts);
		p->cut_until_ns = soon(p, 200000);
		sim_channels_hold(p->sim, p->cut_until_ns);
		if (sim_chance(p->sim, 500))
			sim_channels_break(p->sim);
	}
}

static void disk(struct play *p)
{
	if (!p->full_until_ns && fault_may(p, KNOB_full, 3)) {
		COUNT(full);
		p->full_until_ns = soon(p, 60000);
		sim_disk_room(p->sim, sim_rnd(p->sim, 40000));
	} else if (p->full_until_ns && sim_now_ns(p->sim) > p->full_until_ns) {
		p->full_until_ns = 0;
		sim_disk_room(p->sim, UINT64_MAX);
	}
	if (p->home && fault_may(p, KNOB_slow, 2)) {
		COUNT(slow);
		p->home->slow_until_ns = soon(p, 60000);
	}
}

static void engine(struct play *p)
{
	if (engine_is_up(p) && fault_may(p, KNOB_stops, 1)) {
		COUNT(stops);
		p->stopping = 1;
		wf_core_stop(p->engine, engine_stopped, p);
		clients_died(p, p->engine);
		if (!p->die_at_step && sim_chance(p->sim, 500))
			p->die_at_step = sim_steps(p->sim) + 1 + sim_rnd(p->sim, 10);
	}
	if (p->home && p->home->frozen_until_ns < sim_now_ns(p->sim) && fault_may(p, KNOB_freezes, 1)) {
		COUNT(freezes);
		p->home->frozen_until_ns = soon(p, 120000);
		sim_mark(p->sim, "frozen", p->home->frozen_until_ns, 0);
	}
	if (engine_is_up(p) && !p->old.engine && !p->left && fault_may(p, KNOB_twins, 2))
		engine_twin(p);
	if (p->old.engine && (p->old.left || p->old.home->dead || sim_chance(p->sim, 5)))
		engine_end_old(p);
	if (p->engine && (p->home->dead || p->left || p->stopping == 2 || sim_steps(p->sim) == p->die_at_step)) {
		engine_kill(p);
		engine_boot_later(p);
	} else if (!p->engine && p->home) {
		/* It died while it was being created. */
		engine_kill(p);
		engine_boot_later(p);
	}
}

void faults(struct play *p)
{
	static const int64_t year = (int64_t)365 * 24 * 3600 * 1000;

	connections(p);
	disk(p);
	if (fault_may(p, KNOB_agents, 1))
		fault_agent_dies(p);
	if (fault_may(p, KNOB_jumps, 1)) {
		COUNT(jumps);
		sim_wall_jump(p->sim, (int64_t)sim_rnd(p->sim, 21) * year - 10 * year);
	}
	engine(p);
}

void faults_end(struct play *p)
{
	struct sim_process *h = p->home;

	h->die_at_write = h->fail_at_write = h->die_at_sync = h->fail_at_sync = 0;
	h->slow_until_ns = h->frozen_until_ns = 0;
	sim_disk_room(p->sim, UINT64_MAX);
}
