/* local.h - the rooms of wf-agent-local and what they share: one agent, its attempts
 *
 * A start becomes a struct attempt (launch.c), its process ends (reap.c), the attempt is judged and its output settled (end.c); what
 * happened is a fact, journalled and sent until acknowledged (facts.c); then the attempt is forgotten. Private to this folder.
 */
#ifndef WF_LOCAL_LOCAL_H
#define WF_LOCAL_LOCAL_H

#include <stdint.h>

#include "engine/base/hash.h"
#include "engine/base/os.h"
#include "engine/link/wire.h"
#include "engine/loop/loop.h"
#include "executors/agent/serve.h"
#include "executors/attempt/fresh.h"
#include "executors/attempt/limits.h"
#include "executors/attempt/output.h"
#include "executors/attempt/verdict.h"
#include "executors/local/capacity.h"
#include "executors/local/journal.h"

/* Bytes of journal below which nothing is gained by writing it anew. */
#ifdef WF_FAULTS
enum { COMPACT_MIN = 2048 };           /* a sweep's short run is to come here, too */
#else
enum { COMPACT_MIN = 1 << 20 };
#endif

struct agent;
struct control;

enum attempt_state {
	ATTEMPT_TAKEN,                 /* journalled, not started: it is about to be, or waits for another's end */
	ATTEMPT_RUNNING,               /* its leader lives */
	ATTEMPT_LEAVING,               /* its leader ended; what it left behind is being ended */
	ATTEMPT_CHECKING,              /* waits for its outputs to show on a network file system */
	ATTEMPT_ENDED,                 /* waits for the engine's acknowledgement */
	ATTEMPT_STUCK,                 /* of an agent before us, and not yet proven dead */
};

struct fact {
	struct fact *next;
	struct attempt *attempt;
	uint64_t cursor;               /* 0: did not happen yet */
	enum record_type type;
	char *text;                    /* SIGNAL: body */
};

struct attempt {
	struct agent *agent;
	struct attempt *prev, *next;   /* all of the agent's, in order of number */
	struct wf_attempt_ref ref;
	uint8_t state;                 /* enum attempt_state */
	uint8_t stopped;               /* enum wf_stopped: what we did to it */
	uint8_t killed;                /* KILL was sent, nothing is left to try */
	uint8_t update, results_needed, has_setup, setup_passed;
	uint8_t lost;                  /* ended as LOST */
	uint8_t lost_why;

	char *token;
	struct wf_logdir *dir;
	char *stdout_path, *stderr_path, *result_path;
	int32_t *success_codes;
	uint32_t success_count;
	int64_t first_started_ms, timeout_ms, grace_ms;
	uint64_t output_limit;
	size_t room;                   /* reserved in the journal */

	struct attempt *next_queued;   /* behind it in the queue */
	uint32_t places;               /* of its START: it waits until fewer are taken */
	uint8_t placed;                /* counts in the agent's */
	struct wf_buf start;           /* while it waits: its START, as a frame */

	struct wf_fresh *outputs;
	size_t output_count;

	uint32_t pid;                  /* 0: never started, or of an agent before us and unknown */
	uint64_t ticks_from, ticks_to; /* of its start */
	int64_t started_ms, ended_ms;
	int out_fd;                    /* our own file only; -1 */
	int out_named;                 /* it can be found by its path */
	uint64_t out_bytes;            /* at the last look */
	int setup_fd;                  /* reading end of the marker's pipe; -1 */
	struct control *control;       /* members */
	int status;
	struct wf_usage usage;

	struct wf_timer timer;         /* time-out, then grace, then look again; by state */
	uint64_t check_until_ns, check_wait_ms;

	struct fact running, ended;
	struct wf_ended end;           /* what ENDED says; texts owned */
	char *reason, *result;
	uint8_t result_in_file;
	uint8_t judged;                /* end.class and end.exit stand */
};

/* A process that lost its parent and became our child, though we did not start it. */
struct stray {
	uint32_t pid;
	uint64_t number;               /* of its attempt; 0: cannot be told, and it is left alone */
	uint8_t signaled;              /* the last signal sent */
};

struct agent {
	struct wf_os *os;
	struct wf_loop *loop;
	char *dir;
	int lock_fd;
	uint64_t dir_inode;
	struct journal journal;
	struct wf_serve *serve;
	struct wf_signal_watch *on_term, *on_int;
	int child_fd;                  /* SIGCHLD as a descriptor */
	struct wf_poll *on_child;
	struct wf_attempt_limits limits; /* what the children get */
	struct capacity capacity;
	struct oom_watch oom;

	struct attempt *first, *last;
	struct wf_idmap by_number;     /* struct attempt */
	struct wf_idmap by_pid;        /* of a living leader: struct attempt */
	struct wf_idmap strays;        /* by pid: struct stray */
	int children_fd;               /* /proc/self/task/TID/children; -1: this kernel has none */
	struct attempt *queue, **queue_end; /* accepted, and waiting for a place; so many: */
	size_t queued;
	size_t placed;                 /* attempts of tasks, from launch to end: places taken */
	struct attempt **leaving;      /* those in state LEAVING */
	size_t leaving_count, leaving_cap;
	size_t live;                   /* attempts not yet ENDED */
	size_t running;                /* leaders alive */
	struct wf_logdir_cache logdirs;
	char *known_cwd, *known_result_dir; /* existed when last used */
	int null_fd;

	struct fact *facts, **facts_end; /* not acknowledged, oldest first */
	struct fact *unsent;           /* first one not sent on this connection */
	int streaming;                 /* REATTACH is through: facts may flow */
	struct wf_timer news;          /* facts wait for company */
	struct wf_attempt_ref *asked;  /* by REATTACH so far */
	size_t asked_count, asked_cap;
	off_t compact_at;

	struct wf_timer watch;         /* output limits */
	uint64_t watch_wait_ms;        /* what it was armed with */
	uint64_t watched_ns;           /* time of the last look */
	struct wf_timer house;         /* journal retry, strays, stuck ones, our directory */
	struct wf_timer linger;        /* engineless and idle */
	uint64_t linger_ms;
	int met;                       /* an engine has attached: whoever started us had the time to */
	int ending;                    /* told to end */
	int exit_code;
};

/* ---- launch.c ---- */
void launch_frame(struct agent *g, const struct wf_start *s, uint32_t n);
/* Start those of the queue whose place is free. */
void launch_queued(struct agent *g);
/* It will not be started. */
void leave_queue(struct attempt *a);

/* ---- reap.c ---- */
/* Collect every child that ended, judge what can be judged; ends with facts_flush. */
void reap(struct agent *g);
/* Ask the attempt's processes to end: TERM now, KILL after grace. */
void stop_attempt(struct attempt *a, enum wf_stopped why, int64_t grace_ms);
/* Arm the time-out of a started attempt, and the watch over its output. */
void watch_attempt(struct attempt *a);
int reap_open(struct agent *g, struct wf_err *err);
void reap_close(struct agent *g);
/* Look at the sizes of outputs, end what is over its limit, arm the next look. */
void watch_outputs(struct agent *g);
/* What a living process and its reaped children have used so far. */
void usage_of_living(uint32_t pid, struct wf_usage *u);

/* ---- end.c ---- */
/* The processes are gone: outputs, result, verdict; records the ending (or looks again later). */
void end_attempt(struct attempt *a);
/* It never ran, or is judged already: record the ending. Takes nothing; copies reason. */
void end_as(struct attempt *a, enum wf_class class, int exit, const char *reason);
void end_lost(struct attempt *a, enum wf_lost_why why, const char *reason);

/* ---- facts.c ---- */
void facts_add(struct agent *g, struct fact *f);
/* A member said something worth keeping. */
void facts_signal(struct attempt *a, const char *body);
/* Write the journal, send what may be sent. Every entry point of the agent ends with it. */
void facts_flush(struct agent *g);
void facts_ack(struct agent *g, uint64_t cursor);
/* The same, as the journal tells it: drop the facts up to cursor. */
void facts_known(struct agent *g, uint64_t cursor);
/* Replace the journal by one of what is still needed. */
int facts_compact(struct agent *g, struct wf_err *err);
/* A new engine: wait for its REATTACH, then everything again from the first that is not acknowledged. */
void facts_rewind(struct agent *g);
void facts_reattach(struct agent *g, const struct wf_attempt_ref *refs, uint32_t n, int last);
void facts_observe(struct agent *g, const struct wf_attempt_ref *refs, uint32_t n);
void facts_release(struct agent *g);

/* ---- agent.c ---- */
struct attempt *attempt_create(struct agent *g, const struct wf_attempt_ref *ref);
struct attempt *attempt_find(struct agent *g, uint64_t number);
void attempt_destroy(struct attempt *a);
/* Idle without an engine: the clock runs. Called when that may have changed. */
void consider_leaving(struct agent *g);

/* ---- control.c ---- */
/* The agent's end of a member's socket pair; takes fd over. */
struct control *control_open(struct attempt *a, int fd);
void control_close(struct control *c);
void control_call(struct attempt *a, const struct wf_call *call);
/* Take what the member said last, before it ended. */
void control_drain(struct control *c);
/* The last thing the member said about its state, or NULL. */
const char *control_last(const struct control *c);

/* ---- sweep.c ---- */
/* End every process left by the attempts of an agent before us (all that are live now, before anything was started) and record them as lost. */
void sweep(struct agent *g);
/* Look again after those that did not die. */
void sweep_again(struct agent *g);
/* The number of the attempt whose token a process carries in its environment; 0: none of ours. */
uint64_t attempt_of_process(struct agent *g, uint32_t pid);
/* Clock ticks since boot, as in field 22 of /proc/PID/stat. */
uint64_t boot_ticks(void);

#endif
