/* core.c - owns one run of a workflow file by the production core in simulated time, against an agent of so many cores that sleeps in place
 * of `sleep`. What is measured is what the agent sees: from its first start to its last end.
 *
 * Sleeps are stretched, and the makespan divided again: what the simulated link and disk take is made up, and other cards measure the real
 * ones. The engine knows no more of it than of any declared time that is not the real one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/schedule/schedule.h"
#include "engine/core/engine.h"
#include "executors/agent/serve.h"
#include "tests/sim/sim.h"

#define STATE_DIR "/sim/state"

enum { STRETCH = 1000 };

struct sleeper {
	struct agent_of *agent;
	struct wf_attempt_ref ref;
	struct wf_timer timer;
	int64_t started_ms;
	struct sleeper *next;
};

struct agent_of {
	struct sim_process *world;
	struct wf_serve *serve;
	struct sleeper *sleepers;      /* all there ever were */
	uint32_t cores;
	uint64_t cursor, mark, epoch;
	uint64_t first_ns, last_ns;
	uint32_t ended;
};

struct stage {
	struct sim *sim;
	struct sim_process *home;
	struct engine *engine;
	struct agent_of agent;
	uint64_t run;
};

/* ---- the agent ------------------------------------------------------------------------------------------ */

static void say(struct agent_of *a, struct wf_buf *b)
{
	wf_serve_send(a->serve, b);
	wf_buf_release(b);
}

static void on_awake(struct wf_timer *t)
{
	struct sleeper *s = wf_container_of(t, struct sleeper, timer);
	struct agent_of *a = s->agent;
	struct wf_ended e = { .ref = s->ref, .cursor = ++a->cursor, .started_ms = s->started_ms, .ended_ms = wf_os_wall_ms(&a->world->os) };
	struct wf_buf b = { 0 };

	a->last_ns = sim_now_ns(a->world->sim);
	a->ended++;
	wf_wire_ended(&b, &e, 1);
	say(a, &b);
}

static void start(struct agent_of *a, const struct wf_start *w)
{
	struct sleeper *s = wf_xcalloc(1, sizeof(*s));
	struct wf_running r = { .ref = { w->number, w->key }, .cursor = ++a->cursor, .pid = 1000 };
	struct wf_buf b = { 0 };
	double seconds = w->argv[0] && w->argv[1] ? strtod(w->argv[1], NULL) : 0;

	if (!a->first_ns)
		a->first_ns = sim_now_ns(a->world->sim);
	s->agent = a;
	s->ref = r.ref;
	s->started_ms = r.started_ms = wf_os_wall_ms(&a->world->os);
	s->next = a->sleepers;
	a->sleepers = s;
	a->mark = w->number;
	wf_wire_refs(&b, WF_WIRE_ACCEPTED, &r.ref, 1, 0);
	wf_wire_running(&b, &r, 1);
	say(a, &b);
	s->timer.fn = on_awake;
	wf_timer_start(&a->world->loop, &s->timer, (uint64_t)llround(seconds * 1000 * STRETCH));
}

static void on_frame(void *agent, const struct wf_frame *f)
{
	if (f->type == WF_WIRE_START)
		for (uint32_t i = 0; i < f->count; i++)
			start(agent, &f->start[i]);
}

static void on_hello(void *agent, struct wf_hello *h)
{
	struct agent_of *a = agent;

	h->role = "bench";
	h->epoch = a->epoch;
	h->instance = "bench";
	h->host = "bench";
	h->boot_id = "bench";
	h->pid_ns = h->pid = 1;
	h->cores = a->cores;
	h->memory = UINT64_C(1) << 50;
	h->mark = a->mark;
	h->cursor = a->cursor + 1;
}

static void on_attached(void *agent, uint64_t epoch)
{
	((struct agent_of *)agent)->epoch = epoch;
}

static void on_detached(void *agent)
{
	(void)agent;
}

static const struct wf_serve_ops ops = { .hello = on_hello, .attached = on_attached, .frame = on_frame, .detached = on_detached };

/* ---- the engine ------------------------------------------------------------------------------------------- */

static void connect_now(void *arg)
{
	struct stage *st = arg;
	struct wf_channel *ends[2];

	sim_channel_pair(st->sim, st->home, st->agent.world, ends);
	wf_serve_attach(st->agent.serve, ends[1]);
	wf_core_connected(st->engine, "local", ends[0], NULL);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void connect_agent(struct engine *e, const char *executor, void *arg)
{
	struct stage *st = arg;

	(void)e;
	(void)executor;
	sim_at(st->sim, st->home, sim_now_ns(st->sim) + 1000, connect_now, nothing, st);
}

static void on_submitted(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	struct stage *st = arg;

	(void)replayed;
	(void)findings;
	if (err)
		WF_BUG("submit: %s", err->text);
	st->run = run;
}

static void boot(struct stage *st)
{
	struct wf_core_options o = { .state_dir = STATE_DIR, .types_dirs = { "services/types" }, .connect = connect_agent, .connect_arg = st };
	struct wf_err err;

	st->sim = sim_create(1);
	st->agent.world = sim_process_start(st->sim, "world");
	if (wf_dir_make(&st->agent.world->os, STATE_DIR, 0700, &err) < 0 || wf_dir_make(&st->agent.world->os, "/sim/work", 0700, &err) < 0)
		WF_BUG("%s", err.text);
	st->agent.serve = wf_serve_create(&st->agent.world->loop, &ops, &st->agent, 0);
	st->home = sim_process_start(st->sim, "engine");
	o.os = &st->home->os;
	o.loop = &st->home->loop;
	st->engine = wf_core_create(&o, &err);
	if (!st->engine)
		WF_BUG("%s", err.text);
	wf_core_start(st->engine);
}

static void leave(struct stage *st)
{
	sim_process_kill(st->home);
	wf_core_destroy(st->engine);
	sim_process_free(st->home);
	wf_serve_destroy(st->agent.serve);
	while (sim_pending(st->sim, st->agent.world) && sim_step(st->sim))
		;
	while (st->agent.sleepers) {
		struct sleeper *s = st->agent.sleepers;

		st->agent.sleepers = s->next;
		free(s);
	}
	sim_destroy(st->sim);
}

int64_t core_makespan(const struct work *w, uint32_t cores)
{
	struct stage st = { .agent.cores = cores };
	struct wf_submit s = {
		.text = w->workflow.data,
		.text_n = w->workflow.len,
		.file = "trace.yaml",
		.key = "bench",
		.body_hash = "bench",
		.executor = "local",
		.workdir = "/sim/work",
	};
	struct run *r = NULL;

	boot(&st);
	wf_core_submit(st.engine, &s, on_submitted, &st);
	while (!(st.run && (r = wf_core_run(st.engine, st.run)) && wf_run_is_over(&r->row)))
		if (!sim_step(st.sim))
			WF_BUG("nothing is left to happen");
	if (r->row.state != WF_RUN_SUCCEEDED || st.agent.ended != w->count)
		WF_BUG("the run did not succeed: %u of %u tasks ended", st.agent.ended, w->count);
	leave(&st);
	return (int64_t)((st.agent.last_ns - st.agent.first_ns) / 1000000 / STRETCH);
}
