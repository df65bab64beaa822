/* play.h - one plan played in a simulated world: workflows, a scripted agent, clients, and engines that die now and then
 *
 * The engine is the production one behind struct wf_os, struct wf_loop and options.connect. A death throws the whole engine away in
 * whatever it was doing; a new one is created on what it wrote; the agent lives on. The client repeats what was not answered, and keeps
 * a log of what was.
 *
 * play.c drives, engine_life.c boots and ends engines, faults.c lets things happen to them, client.c asks and keeps the log, checks*.c say what is wrong.
 */
#ifndef WF_TESTS_SIM_PLAY_H
#define WF_TESTS_SIM_PLAY_H

#include "engine/core/engine.h"
#include "tests/fakes/fake_agent.h"
#include "tests/sim/plan.h"
#include "tests/sim/sim.h"

#define SIM_MS ((uint64_t)1000000)
#define SIM_STATE_DIR "/sim/state"

enum verb { ACT_NONE, ACT_CANCEL, ACT_PAUSE, ACT_RESUME, ACT_RETRY, ACT_RESOLVE, ACT_BREAK, ACT_AGENT_DIES, ACT_READ };

struct act {
	enum verb verb;
	uint64_t after_ms;             /* after the one before was answered; at most: the seed chooses */
	const char *what;              /* RESOLVE: task or service; waits until it is held. Others: waits until that task runs */
	enum wf_resolve_as as;
};

struct play;

struct scenario {
	const char *name;
	unsigned weight;               /* how often a seed takes it */
	const char *text;              /* the workflow, or NULL: `write` adds it to p->text */
	/* The agent's script, the same for the same seed; may change p->acts. */
	void (*write)(struct play *p, struct wf_buf *script);
	struct act acts[6];
	enum wf_run_state ends;        /* WF_RUN_STATES: one way or the other */
	int agent_may_die;             /* it ends as it should though the agent dies now and then */
	int sound_disk;                /* it does not when an attempt cannot be started for a file that cannot be written */
	int lies;                      /* the agent denies what ran: tasks may run twice */
	int asks;                      /* a connection breaks now and then until the run is over: only then an agent is asked what it knows */
	int leaks;                     /* a service may end as leaked */
	int helps;                     /* the client resolves what is held, as rerun */
	/* Of the finished run, engine in place; 0 or what is wrong. */
	const char *(*check)(struct play *p);
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* What happened over all plays: a kind of fault that never struck, or a state that was never seen, proves nothing. */
#define COUNTS(X)                                                                                                 \
	X(deaths, "the engine died")                                                                              \
	X(deaths_writing, "the engine died in a write")                                                           \
	X(deaths_syncing, "the engine died in an fsync")                                                          \
	X(deaths_creating, "the engine died while it was read back")                                              \
	X(stops, "the engine was asked to stop")                                                                  \
	X(stops_cut, "the engine died while it stopped")                                                          \
	X(powers, "the power went")                                                                               \
	X(powers_torn, "what was not synced was lost")                                                            \
	X(powers_names, "a name that was not synced was lost")                                                    \
	X(full, "the disk was full")                                                                              \
	X(full_refused, "a submit or retry was refused for want of room")                                         \
	X(errors, "a write failed")                                                                               \
	X(sync_errors, "an fsync failed")                                                                         \
	X(leaves, "the engine left because of the disk")                                                          \
	X(slow, "the disk was slow")                                                                              \
	X(breaks, "a connection broke")                                                                           \
	X(cuts, "the agent could not be reached")                                                                 \
	X(refused, "a connection was refused")                                                                    \
	X(freezes, "the engine was stopped and went on")                                                          \
	X(twins, "a second engine was refused")                                                                   \
	X(takeovers, "an engine on another host took over")                                                       \
	X(fenced, "an engine found that it was owner no more")                                                    \
	X(doubled, "a frame arrived twice")                                                                       \
	X(agents, "the agent died")                                                                               \
	X(queued, "starts waited at the agent")                                                                   \
	X(marks, "the agent had served another engine before")                                                    \
	X(late, "an acceptance came late")                                                                        \
	X(stale, "the agent told of yesterday")                                                                   \
	X(reused, "a process id was used again")                                                                  \
	X(denied, "the agent denied what it had run")                                                             \
	X(vanished, "the agent could not tell")                                                                   \
	X(jumps, "the wall clock jumped")                                                                         \
	X(limits, "extreme limits")                                                                               \
	X(idles, "the engine left when nothing was to be done")                                                   \
	X(strays, "an answer came late or twice")                                                                 \
	X(again, "a submit was sent again")                                                                       \
	X(lost_answers, "an answer was lost, and the client asked again")                                         \
	X(acks, "an acknowledgement was found in the store later")                                                \
	X(reads, "a client looked")                                                                               \
	X(runs, "another run of the same workflow")                                                               \
	X(large, "a run of a hundred steps or more")                                                              \
	X(checkpoints, "the log was moved into the database")                                                     \
	X(recovers, "the store was derived anew between two engines")

enum count {
#define X(name, text) COUNT_##name,
	COUNTS(X)
#undef X
	COUNT_COUNT
};

struct play_counts {
	unsigned long plays, steps, starts;
	uint64_t virtual_ns;
	unsigned long n[COUNT_COUNT];
	unsigned long events[256];     /* of each kind, in the stores at the end */
};
extern struct play_counts *play_counts;
#define COUNT(name) (play_counts->n[COUNT_##name]++)

/* A client: one submission and what becomes of it. */
enum asking { CLIENT_TODO, CLIENT_ASKED, CLIENT_ANSWERED };
struct client {
	struct play *p;
	unsigned number;
	char key[20];
	int sent;                      /* its submit, once at least */
	enum asking submit, asked;
	struct engine *at;             /* who was asked */
	struct act acts[6];
	int refused[6];                /* a retry that was answered with a refusal */
	int tried[6];                  /* asked for, with or without an answer */
	size_t act;
	uint64_t act_due_ns;
	uint64_t run;                  /* acknowledged */
	struct wf_id id;
	uint64_t asked_seq;            /* what was asked now rests on events up to here */
	uint64_t canceled_at;          /* attempt numbers below this may begin though a cancel was acknowledged; 0: none was */
};
enum { CLIENTS = 4 };

struct play {
	struct sim *sim;
	const struct plan *plan;
	const struct scenario *scenario;
	unsigned used[KNOB_COUNT];     /* of plan->most */
	int tracing;
	struct sim_process *world;     /* clients and agent */
	struct fake_agent *agent;
	struct wf_buf text, script;    /* the workflow, the agent's script */
	struct act acts[6];
	struct sim_process *home;      /* the engine's process, or NULL */
	struct engine *engine;
	const char *host;              /* where the next one runs */
	struct {                       /* one that was taken over from, and may not know it yet */
		struct engine *engine;
		struct sim_process *home;
		int left;
	} old;
	uint64_t sent_before;          /* attempts up to this number were sent by engines before this one */
	int took_over;                 /* once: work was left at another host, what becomes of it is for people to say */
	uint64_t die_at_step;
	uint64_t full_until_ns, cut_until_ns, ask_ns;
	int left;                      /* the engine asked to leave */
	int stopping;                  /* it was asked to stop; 2: it has */
	struct client clients[CLIENTS];
	unsigned client_count;
	struct reading {               /* answers under way that rest on events up to seq */
		struct play *p;        /* NULL: free */
		struct engine *at;
		uint64_t seq;
	} readings[8];
	/* the log of acknowledgements */
	struct ack {
		uint64_t seq;
		uint32_t hash;             /* of that event as it was stored */
	} *acks;
	size_t ack_count, ack_cap;
	/* ledger */
	struct wf_idmap live;          /* by task: how many of its attempts run now */
	struct wf_idmap generations;   /* by member: the last one that began */
	unsigned checks;
	char wrong[512];               /* first thing that is not as it must be */
};

/* Plays it; 0, or -1 with p->wrong. `hash` tells what happened. */
int play(const struct plan *plan, int tracing, uint64_t *hash, struct play *p);
/* Told of each attempt that begins or ends (a), after each step (a NULL), and when an engine is gone (a NULL, p->engine, too). NULL: nobody. */
extern void (*play_watch)(struct play *p, const struct fake_seen *a);
/* The next thing happens, and is checked. 0: something is wrong. */
int play_step(struct play *p);

/* engine_life.c */
int engine_is_up(const struct play *p);
struct sim_process *engine_home(const struct play *p, const struct engine *e);
/* Is it alive, and was it asked? */
int engine_answers(const struct play *p, const struct engine *e);
/* Another one is started on the same state directory, here or elsewhere. */
void engine_twin(struct play *p);
void engine_end_old(struct play *p);
/* 0 when it runs. `mortal`: the plan's faults may strike it. */
int engine_boot(struct play *p, int mortal);
void engine_boot_later(struct play *p);
void engine_kill(struct play *p);              /* kill -9 */
void engine_stop(struct play *p);              /* in good order, to the end */
void engine_stopped(void *play);               /* callback of wf_core_stop: it may go */

/* faults.c */
int fault_may(struct play *p, enum knob k, unsigned per_mille);  /* counts it when it says yes */
void faults(struct play *p);                   /* between two steps */
void faults_end(struct play *p);               /* from here on everything is well */
void fault_agent_dies(struct play *p);

/* client.c */
void clients_begin(struct play *p);
void clients(struct play *p);                  /* between two steps */
void clients_died(struct play *p, const struct engine *e); /* what it was asked is not answered */
int clients_are_done(const struct play *p);

/* checks.c: each says in p->wrong what is not so */
int check_lies(const struct play *p);           /* tasks may run twice */
int check_wrong(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_attempt(const struct fake_seen *a, void *play);  /* it began, or ended */
void check_engine(struct play *p);             /* between steps: what is derived equals what facts say */
/* checks_log.c */
void check_ack(struct play *p, struct engine *e, uint64_t seq); /* it answered something that rests on events up to here */
void check_log(struct play *p);                /* an engine was read back: everything acknowledged is there */
void check_history(struct play *p);            /* the events tell a story that may have happened */
/* checks_end.c */
void check_end(struct play *p);                /* the runs are over and everything is quiet */
struct facts;
struct facts *check_facts(struct run *r);      /* a copy of a run's facts */
void check_same(struct play *p, const struct facts *a, struct run *r);
void check_facts_free(struct facts *i);

#endif
