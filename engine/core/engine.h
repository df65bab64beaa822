/* engine.h - struct engine and struct run: one place for every field, no logic
 *
 * Private to engine/core (view.c included). Each field has its clause. What is derived can be computed again from runs' facts at load;
 * derive.c owns those fields.
 */
#ifndef WF_CORE_ENGINE_H
#define WF_CORE_ENGINE_H

#include "dag/dag.h"
#include "engine/base/hash.h"
#include "engine/core/core.h"
#include "engine/link/channel.h"
#include "engine/link/wire.h"
#include "engine/state/things.h"
#include "engine/store/store.h"
#include "wdf-schema/wdf.h"

/* ---- a run in memory ----------------------------------------------------------------------------------- */

/* One instance of a loaded run. */
struct instance {
	struct wf_task *tasks;         /* facts; count of them */
	uint32_t count;                /* 0 while unsized */
	uint64_t *dirty;               /* bit set: a chunk of 4,096 changed since it was last sealed */
	uint64_t *applied;             /* per chunk: seq up to which the stored blob is complete (replay) */
	char **results;                /* per task: JSON text of its result, kept only when keep_results */
	/* derived */
	uint32_t counts[WF_SEEN_STATES];
	uint32_t active;               /* tasks in state active */
	uint32_t over;                 /* tasks in an end state */
	uint32_t bad_skips;            /* skipped because of a parent */
	uint32_t *ready;               /* ring of indices that may start now (not backing off) */
	uint32_t ready_head, ready_count, ready_cap;
	uint32_t heap_at;              /* 1 + position in run->offered, or in its pool's heap while parked for it; 0: in none */
	uint8_t parked;                /* enum park: why it is not offered though it has ready tasks */
	uint32_t tasks_written;        /* `over` + 1 when step.tasks was last written; 0: never */
	uint8_t keep_results;          /* some template, `when` or list refers to its results */
	uint8_t unsized;               /* run-time fan-out that is not known yet */
	uint32_t cores;                /* thousandths one task takes */
	uint32_t pace_us;              /* how long its attempts took, lately; 0: not known */
	uint32_t use_count;            /* services that a task uses */
	uint32_t *lease_at;            /* per use: its lease; with a service for each task, that of task 0; UINT32_MAX: no size yet */
	uint8_t own;                   /* some service is there for each task */
	uint32_t attended;             /* tasks that start soon or run, and have a service of their own up; decide_services counts them */
};
#define WF_TASK_NAME 192               /* room for a step name and an index */

enum park { PARK_NONE, PARK_PARALLEL, PARK_POOL, PARK_SERVICE };

struct offers {                        /* heap of instances, best first */
	uint32_t *items;
	uint32_t count;
	size_t cap;
};

struct run {
	struct wf_run row;             /* facts; there for every run, loaded or not */
	uint8_t kept;                  /* a service of it may have left a process behind: not forgotten by itself */
	uint8_t loaded;                /* what follows is there */
	uint8_t row_dirty;
	uint8_t touched;               /* in engine->touched: decide has to look */
	uint8_t services_touched;      /* something a service's decision rests on changed */
	uint8_t leases_touched;        /* an instance may have used its services for the last time */
	uint8_t things_dirty;          /* some service, member or lease is */
	uint32_t users;                /* views in progress; not unloaded while > 0 */
	int64_t used_ms;               /* monotonic: last look at a finished run */
	struct wdf *wdf;
	struct dag *dag;
	struct dag_plan *plan;
	struct instance *inst;
	uint32_t inst_count;
	struct service {
		struct wf_service s;   /* facts */
		uint8_t dirty;
		enum service_stop { STOP_NONE, STOP_ASKED, STOP_KILLED, STOP_GIVEN_UP } stop; /* of this generation, by this process */
		uint8_t backoff;       /* derived, of a restart: 0 not begun, 1 waits, 2 over */
		uint8_t overdue;       /* derived: the deadline of that has passed */
		uint8_t fencing;       /* derived, of a member being fenced: 0 not waited for, 1 waits, 2 over */
		uint8_t view_lost;     /* derived: the file for its consumers could not be written */
		uint32_t first_member; /* into run->members */
		uint32_t lease;        /* of a step's or a task's own: the lease on it, or UINT32_MAX */
		uint64_t cores, memory; /* its share with `resources`: thousandths, bytes */
		uint8_t granted;       /* derived: holds its share */
		uint8_t waiting;       /* derived: for its share */
		uint32_t open;         /* derived: leases that have not ended */
		uint32_t active;       /* derived: tasks that use it now */
		struct wf_timer timer; /* back-off, then the deadline of a fencing, then that of the stop */
		struct run *run;
		struct engine *engine;
	} *services;                   /* never moves: timers and agent.asking lie in it */
	uint32_t service_count;        /* as many as dag->services, which tells whose they are */
	struct member {
		struct wf_member m;    /* facts */
		uint8_t dirty;
		uint8_t left;          /* its host said that it could not end every process of it */
		uint8_t unproven;      /* and has ended since */
		char *why;             /* what its host said of its failure, until its end is reported */
		uint64_t why_at;       /* cursor of that; not acknowledged before it is in an event */
	} *members;                    /* by service, then n: one per service now */
	uint32_t member_count;
	struct lease {
		struct wf_lease l;     /* facts */
		uint8_t dirty;
	} *leases;                     /* by instance, use, and task where each has a service of its own */
	uint32_t lease_count;
	/* derived */
	uint32_t counts[WF_SEEN_STATES];
	uint32_t total;                /* tasks of sized instances */
	uint32_t unsized;              /* instances without a size */
	uint32_t over;
	uint32_t *pool_used;           /* per wdf pool */
	struct offers *pool_waits;     /* per wdf pool: instances parked for it */
	struct offers offered;         /* instances that have ready tasks and are not parked */
	struct chunk {                 /* dirty task blobs, the one dirtied first in front; a ring */
		uint32_t instance, number;
	} *chunks;
	uint32_t chunk_head, chunk_count, chunk_cap;
	struct todo {                  /* tasks whose attempt ended or became unknown: outcome to decide */
		uint32_t instance, index;
		uint64_t seq;          /* of the event that said so */
	} *todo;
	size_t todo_count, todo_cap;
	char *dir;                     /* run_root/<id> */
	char **base_env;               /* submitter's environment, read from the run's directory at first need, and what every task of the run
	                                * gets; one array shared by all starts */
	char message[256];             /* last change worth a sentence, for people; lost at restart */
};

/* ---- executors' agents ------------------------------------------------------------------------------------ */

enum agent_state { AGENT_ABSENT, AGENT_CONNECTING, AGENT_HELLO, AGENT_REATTACHING, AGENT_READY };

struct agent {
	const char *executor;          /* "local" */
	enum agent_state state;
	struct wf_channel *channel;
	struct wf_timer retry;         /* back-off of the next connect */
	uint32_t tries;
	struct engine *engine;
	/* from its hello */
	char *instance, *host, *boot_id;
	uint32_t pid, capabilities;
	uint32_t cores;                /* thousandths, after the site's bound */
	uint64_t memory;
	/* derived */
	uint32_t tasks, queued;        /* attempts of tasks it has; of these, waiting there for a place */
	uint32_t depth;                /* how many should */
	uint32_t like_cores;           /* what each of them takes */
	uint64_t like_memory;
	uint8_t mixed;                 /* or not: they differ */
	uint64_t cores_used, memory_used;       /* by tasks and granted services */
	uint64_t cores_services, memory_services; /* of these, by services */
	uint32_t waiting;              /* services that wait for some */
	struct service *asking;        /* of these, one that only tasks are in the way of; or NULL */
	struct wf_idmap reattach;      /* attempt numbers whose answer is still to come */
	uint32_t connection;           /* counts them: what is meant for one does not go to the next */
	uint64_t cursor_seen, cursor_acked;
	uint8_t unsaid;                /* some member's why_at is set */
	char error[1024];              /* why the last connect failed */
};

/* ---- a batch being gathered ---------------------------------------------------------------------------------- */

enum effect_kind { EFFECT_START, EFFECT_START_MEMBER, EFFECT_CANCEL, EFFECT_CANCEL_MEMBER, EFFECT_STOP_MEMBER, EFFECT_ACK, EFFECT_SIZE, EFFECT_VIEW_FILE,
		   EFFECT_TIDY, EFFECT_FN };
struct effect {
	uint8_t kind;
	uint8_t why;
	uint64_t run;
	uint32_t a, b;                 /* instance, index; service, member; connection */
	uint32_t places;               /* of a start: wf_start.places */
	uint64_t number;               /* attempt number, cursor */
	void (*fn)(void *arg);
	void *arg;
};

struct gather {
	struct wf_batch *rows;         /* what is certain before sealing: inputs, notes, attempts */
	struct wf_pack pack;           /* the open stretch of events */
	uint64_t pack_run;
	uint32_t events;
	uint8_t urgent;                /* somebody waits for it */
	uint8_t flow;                  /* something follows from it: soon, if the agent has little left to do */
	uint32_t queued;               /* starts that will wait at the agent */
	struct effect *effects;
	size_t effect_count, effect_cap;
	struct run **runs;             /* runs with events in this batch, for watchers and dirty rows */
	size_t run_count, run_cap;
};

/* ---- the engine ------------------------------------------------------------------------------------------------ */

struct engine {
	struct wf_core_options opt;
	struct wf_os *os;
	struct wf_loop *loop;
	struct wf_store *store;
	struct wdf_types *types;
	char *state_dir, *run_root, *owner_text;
	char *data_dir;                /* holds the database: state_dir, or that of the last takeover; NULL: state_dir */
	char tag[64];                  /* of this state directory, in every token: two engines of one user never meet */
	int lock_fd;
	uint64_t epoch;
	int64_t started_ms;

	uint64_t next_seq, next_run, next_number;
	struct stay *stays;            /* on which host this state directory was served, by attempt number */
	size_t stay_count, stay_cap;
	struct run **runs;             /* every run, by rising number */
	size_t run_count, run_cap;
	struct wf_idmap by_number;
	struct run **live;             /* those that are not over */
	size_t live_count, live_cap;
	struct run **touched;
	size_t touched_count, touched_cap;
	uint64_t cause;                /* seq of the event whose consequences are being decided; 0: from outside */
	int64_t blob_budget;           /* bytes of task blobs that may be written, saved up by events */
	int64_t blob_earned;           /* of these, since some were written */
	uint8_t lagging;               /* a run that is over has some left to write */
	uint32_t bypassed;             /* starts that overtook a better task which did not fit */

	struct agent local;

	struct gather open, flying;    /* one batch gathers while one is being committed */
	uint8_t looking;               /* the store is asked whether the disk has room again */
	uint8_t kept;                  /* the flying batch did not fit and waits for room */
	uint8_t committing, deciding, stopping, full, left;
	uint32_t loads;                /* finished runs that the store's thread is reading */
	struct wf_post kick;           /* decide soon */
	uint8_t kicked;
	struct wf_store_state store_state;
	struct wf_watch watches;       /* list head */
	struct wf_timer idle, space, gap; /* idle exit; looking for room on a full disk; news that nobody waits for */
	int64_t active_ms;             /* monotonic: last client or live run */

	struct backoff {               /* heap by due time */
		int64_t due_ms;
		uint64_t run;
		uint32_t instance, index;
		uint64_t number;
	} *backoffs;
	size_t backoff_count, backoff_cap;
	struct wf_timer backoff_timer;

	struct submission *submissions; /* submits that were not answered yet */

	void (*on_leave)(void *arg, const struct wf_err *why);
	void *on_leave_arg;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;

	uint64_t strays;               /* answers that came late or twice */
	uint64_t starts;               /* attempts started since this process began */
};

/* ---- doors between the rooms of core ------------------------------------------------------------------------------ */

/* post.c: the only way in. Fills seq, at, epoch; applies; derives; adds to the open batch. BUG when the machine refuses. */
void core_post(struct engine *e, struct run *r, struct wf_event *ev);
void core_post_task(struct engine *e, struct run *r, uint8_t kind, uint32_t instance, uint32_t index, int64_t v0);
void core_post_text(struct engine *e, struct run *r, uint8_t kind, uint32_t a, uint32_t b, int64_t v0, const char *text);
/* Something outside the events changed (capacity, an agent, a timer): decide for this run, or for all (NULL), soon. */
void core_touch_run(struct engine *e, struct run *r);
void core_touch_all(struct engine *e);

/* derive.c */
void derive_after(struct engine *e, struct run *r, const struct wf_event *ev, const struct wf_task *before);
void derive_all(struct engine *e, struct run *r);           /* from facts alone: at load */
void derive_ready_push(struct engine *e, struct run *r, uint32_t instance, uint32_t index);
void derive_size_instance(struct run *r, uint32_t instance, uint32_t count);
int instance_settled(const struct run *r, uint32_t instance);  /* every task over, and sized */
uint32_t task_cores(const struct run *r, uint32_t instance);
uint64_t task_memory(const struct run *r, uint32_t instance, const struct wf_task *t);
int64_t task_time_ms(const struct run *r, uint32_t instance, const struct wf_task *t);

void live_add(struct engine *e, struct run *r);
void live_drop(struct engine *e, struct run *r);

/* offers.c: which instances with ready tasks compete, best first */
void offer_push(struct run *r, uint32_t instance);           /* when it has ready tasks and is not parked */
void offer_remove(struct run *r, uint32_t instance);
void offer_park(struct run *r, uint32_t instance, enum park why);
void offer_unpark(struct run *r, uint32_t instance);
void offer_pool(struct run *r, uint32_t pool);               /* it may have room: its best waiter competes again */
void offers_find_order(struct engine *e, struct run *r);      /* the run is new here, or its agent has other cores than before */
int offer_before(const struct run *ra, uint32_t a, const struct run *rb, uint32_t b);

/* batch.c */
void batch_full_at_start(struct engine *e);                   /* the store may have been opened on its ballast */
void batch_dirty(struct run *r, uint32_t instance, uint32_t chunk); /* a task in it changed */
void batch_effect(struct engine *e, const struct effect *f);
void batch_note_run(struct engine *e, struct run *r);
void batch_kick(struct engine *e);                            /* decide, then seal when the store is free */
void batch_release(struct engine *e);                         /* what gathers and what flies, unsaid */

/* decide.c, services.c, schedule.c */
void decide_run(struct engine *e, struct run *r);
void decide_services(struct engine *e, struct run *r);
void cancel_unknown(struct engine *e, struct run *r, uint32_t instance, uint32_t index);
/* demand.c */
void demand_end_leases(struct engine *e, struct run *r);
int demand_is_open(const struct run *r, uint32_t service);   /* somebody uses it, or will */
int demand_is_due(const struct run *r, uint32_t service);    /* and waits for it now */
int demand_has_writers(const struct run *r, uint32_t service);
int demand_lease_over(const struct run *r, const struct wf_lease *l); /* nobody is left to use it */
void demand_count_attended(struct run *r);
int demand_attended(const struct run *r, uint32_t instance, uint32_t index); /* some service of the task's own is up */
/* capacity.c: WF_RESOURCE for a workflow of which some step could never start here. */
int capacity_check(struct engine *e, const struct wdf *w, const struct dag *d, const char *file, struct wf_err *err);
/* 1: every condition of the service's `after` holds; 0: not yet; -1: one can never hold (why says which) */
int demand_after(const struct run *r, uint32_t service, char *why, size_t size);

/* places.c: agent->tasks, queued, cores_used, memory_used, of tasks */
void places_take(struct agent *a, uint32_t cores, uint64_t memory);
void places_free(struct agent *a, uint32_t cores, uint64_t memory);
void places_pace(struct instance *in, int64_t ms);           /* an attempt took so long */
int places_alike(const struct agent *a, uint32_t cores, uint64_t memory);
int places_may_queue(struct agent *a, const struct instance *in, uint64_t memory);
/* A start that was just taken waits at the agent instead. Returns wf_start.places. */
uint32_t places_queue(struct agent *a, uint32_t cores, uint64_t memory);
int places_are_covered(const struct engine *e);              /* the agent has work enough to bridge a while */

/* grants.c */
int grants_try(struct engine *e, struct run *r, uint32_t service);  /* may it be granted now? if not, it waits */
/* The host has become too small for it since the submit: no wait would help. */
int grants_never(const struct engine *e, const struct run *r, uint32_t service, char *why, size_t size);
void grants_hold(struct engine *e, struct run *r, uint32_t service);
void grants_release(struct engine *e, struct run *r, uint32_t service); /* what it holds, if it does; it may go on waiting */
void grants_forget(struct engine *e, struct run *r, uint32_t service);
void grants_freed(struct engine *e);                                 /* those that wait try again */
int grants_leave_room(const struct engine *e, const struct run *r, uint32_t instance, uint32_t index, uint64_t memory);

void services_declare(struct engine *e, struct run *r, uint32_t first_service, uint32_t first_lease); /* those and all after them */
void services_hold(struct engine *e, struct run *r);         /* capacity of granted services, from facts */
void services_let_go(struct engine *e, struct run *r);       /* the reverse, and their timers */
int service_usable(const struct run *r, uint32_t service);   /* ready, or degraded with enough members */
int service_hopeless(const struct run *r, uint32_t service); /* failed since the last retry, or leaked: will not come back by itself */
void schedule(struct engine *e);
void schedule_backoff(struct engine *e, struct run *r, uint32_t instance, uint32_t index);

/* effect.c */
void effect_run(struct engine *e, const struct effect *f, size_t n);

/* agents.c */
void agents_start(struct engine *e);
void agents_stop(struct engine *e);
void agents_release(struct engine *e);
void agents_need(struct engine *e, const char *executor);   /* connect, and start it, if it is not there */
void agents_hello(struct agent *a, const struct wf_hello *h);
void agents_ready(struct agent *a);                          /* every attempt believed alive was answered */
struct agent *agents_of(struct engine *e, const char *executor);
void agent_send(struct agent *a, const struct wf_buf *b);

/* messages.c: what an agent says becomes events */
void messages_frame(struct agent *a, const void *p, size_t n);

/* render.c: a task becomes a wf_start; all memory from the arena */
/* like: another start of the same instance, in the same arena, whose texts may be shared; or NULL. */
int render_task(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wf_start *like, struct wf_arena *a,
		struct wf_start *s, struct wf_err *err);
int render_member(struct engine *e, struct run *r, uint32_t service, uint32_t n, struct wf_arena *a, struct wf_start *s, struct wf_err *err);
struct wdf_scope *render_scope(struct engine *e, struct run *r, uint32_t instance, uint32_t index, struct wf_arena *a);
int render_when(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int *truth, struct wf_err *err);
int render_view_file(struct engine *e, struct run *r, uint32_t service, struct wf_err *err);
char *render_view_path(struct wf_arena *a, const struct run *r, uint32_t service);
/* What its files are called: the name, and of a step's or a task's own its number too ("db@7": no name has an @). */
char *render_service_file(struct wf_arena *a, const struct run *r, uint32_t service);

/* runs.c: making, loading and unloading runs */
struct run *run_create(struct engine *e);
void run_unload(struct run *r);
void run_free(struct run *r);
int run_prepare(struct engine *e, struct run *r, const char *text, size_t text_n, struct dag *ready_dag, struct wdf *ready_wdf, const void *dag,
		size_t dag_n, const char *params, struct wf_err *err);
struct member *run_member(struct run *r, uint32_t service, uint32_t n);
struct lease *run_lease(struct run *r, uint32_t instance, uint32_t service); /* NULL: none */
void run_grow_services(struct engine *e, struct run *r);     /* the graph has more than the run, and leases on them */
const struct wdf_service *run_spec(const struct run *r, uint32_t service);
uint32_t task_service(const struct run *r, uint32_t instance, uint32_t index, uint32_t use); /* that a task finds */
const struct wf_lease *task_lease(const struct run *r, uint32_t instance, uint32_t index, uint32_t use);

/* submit.c */
void submit_agent_ready(struct engine *e);                   /* submits that waited for capacity to be known go on */
void submit_no_agent(struct engine *e);                      /* it cannot be reached: they hear why */
void submit_refuse_all(struct engine *e);                    /* at stop */
void submit_release(struct engine *e);                       /* what nobody will answer any more */

/* results.c: results in memory, step.tasks files, run-time lists */
void results_mark(struct run *r, const char *text, size_t n); /* which instances keep theirs */
int results_write_tasks(struct engine *e, struct run *r, uint32_t instance, char **path, struct wf_err *err);
void results_size(struct engine *e, struct run *r, uint32_t instance); /* effect: read the list, post instance.sized */

/* owner.c */
int owner_take(struct engine *e, struct wf_err *err);
int owner_check(void *engine, struct wf_err *err);            /* any thread */
void owner_release(struct engine *e);

/* elsewhere.c: attempts that another host's agent has */
int elsewhere_load(struct engine *e, struct wf_err *err);
const char *elsewhere(const struct engine *e, uint64_t number);  /* that host; NULL: ours */
void elsewhere_doubt(struct engine *e);                          /* at start: they are unknown */
int since_boot(const struct engine *e, uint64_t number);         /* given out on this host, since it was booted */
void elsewhere_release(struct engine *e);

/* recover.c */
int recover_all(struct engine *e, struct wf_err *err);
int recover_run(struct engine *e, struct run *r, struct wf_err *err);  /* on the store's thread: loads facts only */

/* tidy.c */
void tidy_all(struct engine *e);                              /* once, before anybody is served */
void tidy_service(struct engine *e, struct run *r, uint32_t service);  /* it has ended: what hosts that were killed left of it */

void core_leave(struct engine *e, const struct wf_err *why);

#endif
