/* play.h - one scenario played in a simulated world: a workflow, a scripted agent, a client, and an engine that dies now and then
 *
 * The engine is the production one behind struct wf_os, struct wf_loop and options.connect. A death throws the whole engine away in
 * whatever it was doing; a new one is created on what it wrote; the agent lives on. The client repeats what was not answered.
 */
#ifndef WF_TESTS_SIM_PLAY_H
#define WF_TESTS_SIM_PLAY_H

#include "engine/core/engine.h"
#include "tests/fakes/fake_agent.h"
#include "tests/sim/sim.h"

enum verb { ACT_NONE, ACT_CANCEL, ACT_PAUSE, ACT_RESUME, ACT_RETRY, ACT_RESOLVE, ACT_BREAK, ACT_AGENT_DIES };

struct act {
	enum verb verb;
	uint64_t after_ms;             /* after the one before was answered; at most: the seed chooses */
	const char *what;              /* RESOLVE: task or service; waits until it is held. Others: waits until that task runs */
	enum wf_resolve_as as;
};

struct play;

struct scenario {
	const char *name;
	const char *text;              /* the workflow, or NULL: `write` adds it to p->text */
	/* The agent's script, the same for the same seed; may change p->acts. */
	void (*write)(struct play *p, struct wf_buf *script);
	struct act acts[6];
	enum wf_run_state ends;        /* WF_RUN_STATES: one way or the other */
	unsigned deaths, breaks, agent_deaths; /* at most, each */
	unsigned full, errors;         /* times the disk is full for a while; a write fails */
	int lies;                      /* the agent denies what ran: tasks may run twice */
	int asks;                      /* a connection breaks now and then until the run is over: only then an agent is asked what it knows */
	int repeats;                   /* attempts may end badly: more than one per task */
	int leaks;                     /* a service may end as leaked */
	int helps;                     /* the client resolves what is held, as rerun */
	/* Of the finished run, engine in place; 0 or what is wrong. */
	const char *(*check)(struct play *p);
};

/* What happened over all plays: a fault that never struck proves nothing. */
struct play_counts {
	unsigned long plays, steps, deaths, deaths_writing, deaths_creating, submits, breaks, agent_deaths, strays, starts, full, errors, leaves;
	uint64_t virtual_ns;
};
extern struct play_counts play_counts;

struct play {
	struct sim *sim;
	const struct scenario *scenario;
	uint64_t seed;
	int tracing;
	struct sim_process *world;     /* client and agent */
	struct fake_agent *agent;
	struct wf_buf text;            /* the workflow */
	struct sim_process *home;      /* the engine's process, or NULL */
	struct engine *engine;
	uint64_t die_at_step;
	unsigned deaths, breaks, agent_deaths, full, errors;
	uint64_t full_until_ns, ask_ns;
	int left;                      /* the engine asked to leave */
	/* client */
	enum { CLIENT_TODO, CLIENT_ASKED, CLIENT_ANSWERED } submit, asked;
	struct act acts[6];
	int refused[6];                /* a retry that was answered with a refusal */
	int tried[6];                  /* asked for, with or without an answer */
	size_t act;
	uint64_t act_due_ns;
	uint64_t run;                  /* acknowledged */
	struct wf_id id;
	/* ledger */
	uint64_t last_seen;            /* newest attempt the checks know */
	char wrong[512];               /* first thing that is not as it must be */
};

/* Plays it; 0, or -1 with p->wrong. `hash` tells what happened. */
int play(const struct scenario *s, uint64_t seed, int tracing, uint64_t *hash, struct play *p);

/* checks.c: each says in p->wrong what is not so */
int check_wrong(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_agent(struct play *p);              /* after each step: no two live attempts of one task, parents first, services there */
void check_engine(struct play *p);             /* between steps: what is derived equals what facts say */
void check_end(struct play *p);                /* the run is over and everything is quiet */
struct image;
struct image *check_image(struct run *r);      /* a copy of a run's facts */
void check_same(struct play *p, const struct image *a, struct run *r);
void check_image_free(struct image *i);

#endif
