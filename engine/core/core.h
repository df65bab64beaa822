/* core.h - the door to the engine's core: the user's verbs, what may be seen, and when an answer may leave
 *
 * One struct engine; everything on the loop's thread. A verb checks rule by rule, posts its events and returns; its answer must
 * not leave the process before they are on disk, so the caller replies from wf_core_when_durable. The same holds for a read:
 * what it shows may rest on events that are not committed yet, so the API calls wf_core_when_durable for every answer.
 *
 * Calling sequence:
 *     struct engine *e = wf_core_create(&options, &err);     owns the state directory, opens the store, replays
 *     wf_core_start(e);                                       agents, timers; then the loop runs
 *     ... verbs and views ...
 *     wf_core_stop(e, on_stopped, arg);                       commits what is open, lets go; tasks and agents go on
 *     wf_core_destroy(e);
 */
#ifndef WF_CORE_CORE_H
#define WF_CORE_CORE_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/os.h"
#include "engine/loop/loop.h"
#include "engine/state/things.h"

struct engine;
struct run;
struct wdf_diags;

/* Sizes and times that say when something is done, never what. 0: the usual one; the simulator tries extreme ones. */
struct wf_core_limits {
	uint32_t blob_step;            /* bytes of task blobs that events have paid for before any are written */
	uint32_t gap_ms;               /* the longest that news nobody waits for stays uncommitted */
	uint32_t space_ms;             /* between two looks at a full disk */
	uint32_t keep_finished_ms;     /* how long a finished run stays in memory after somebody looked */
	uint32_t starts_per_frame;
	uint32_t backoff_ms;           /* before an agent that could not be reached is tried again; doubles */
	uint32_t log_pages;            /* of the database, before its log is moved into it */
};

struct wf_core_options {
	struct wf_os *os;
	struct wf_loop *loop;
	const char *state_dir;         /* absolute, exists, 0700 */
	const char *run_root;          /* absolute; NULL: state_dir/runs */
	const char *types_dirs[4];     /* driver files; NULL-terminated */
	const char *default_executor;  /* of the site's or user's configuration; NULL: by the rule of the contract */
	uint32_t local_cores;          /* thousandths; 0: what the agent offers */
	uint64_t local_memory;         /* 0: what the agent offers */
	int nice;                      /* of local tasks */
	int64_t retention_ms;          /* finished runs are forgotten so long after their end; 0: never */
	int64_t idle_ms;               /* leave after so long without live run or client; 0: never */
	struct wf_core_limits limits;
	int take_owner;                /* acquire the owner file (production); 0 in the simulator */
	int takeover;                  /* ... also from an engine on another host, after lease_ms */
	int64_t lease_ms;
	void (*say)(void *arg, const char *text); /* what a takeover is about to do, for whoever waits; NULL: nobody */
	void *say_arg;
	/* How to reach an executor's agent: production starts and connects wf-agent-local, the simulator hands over its scripted one. Calls
	 * back with a channel or an error, later. */
	void (*connect)(struct engine *e, const char *executor, void *arg);
	void *connect_arg;
};

struct engine *wf_core_create(const struct wf_core_options *o, struct wf_err *err);
/* The directory that holds the database of a state directory nobody serves: itself, or that of the last takeover. Heap; NULL and err when a
 * takeover did not come to its end. */
char *wf_core_data_dir(struct wf_os *os, const char *state_dir, struct wf_err *err);
/* Whether this engine still owns its state directory. */
int wf_core_owns(struct engine *e);
void wf_core_start(struct engine *e);
void wf_core_stop(struct engine *e, void (*on_stopped)(void *arg), void *arg);
void wf_core_destroy(struct engine *e);
/* Set when the engine has to leave: owner lost, store broken, idle, asked to. Called once; main then stops. */
void wf_core_on_leave(struct engine *e, void (*fn)(void *arg, const struct wf_err *why), void *arg);

/* Answer of options.connect: a connected channel, or NULL and why (it will be asked again with back-off). */
struct wf_channel;
void wf_core_connected(struct engine *e, const char *executor, struct wf_channel *c, const struct wf_err *err);

/* fn(arg) once everything posted so far is on disk and the owner file is still ours; at once (but never before this function returns)
 * when it is already. */
void wf_core_when_durable(struct engine *e, void (*fn)(void *arg), void *arg);

/* fn(arg, run number) after each commit that holds events of `run` (0: of any); until wf_core_unwatch. */
struct wf_watch {
	uint64_t run;
	void (*fn)(struct wf_watch *w, uint64_t run);
	struct wf_watch *prev, *next;  /* the core's */
};
void wf_core_watch(struct engine *e, struct wf_watch *w);
void wf_core_unwatch(struct engine *e, struct wf_watch *w);
/* A client is here: postpones the idle exit. */
void wf_core_touch(struct engine *e);

/* ---- verbs ------------------------------------------------------------------------------------------ */

struct wf_submit {
	const char *text;              /* the WDF */
	size_t text_n;
	const char *file;              /* for messages */
	const char *const *names, *const *values; /* of -p */
	size_t given;
	const char *name, *key, *executor; /* NULL: absent */
	const char *executor_why;      /* with executor: by which rule the client took it; NULL: a person asked for it */
	const char *workdir;           /* absolute */
	char *const *env;              /* NULL-terminated; NULL: the engine's own */
	uint32_t umask_bits;
	const char *limits;            /* resource limits of its tasks, as wf_limits_text has them; NULL: those the agent was started with */
	json_t *sources;               /* answer of wdf_source_read, or NULL: read here */
	const char *body_hash;         /* with key: same key and other hash is WF_INVALID */
	int dry_run;
};
/* done: run number (0 with err, or after a dry run), `replayed` when the key was known. `findings` (may be empty) name errors and warnings of the file;
 * valid during the call. Comes once, later, after the commit. */
void wf_core_submit(struct engine *e, const struct wf_submit *s,
		    void (*done)(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err),
		    void *arg);

int wf_core_cancel(struct engine *e, uint64_t run, struct wf_err *err);
int wf_core_pause(struct engine *e, uint64_t run, struct wf_err *err);
int wf_core_resume(struct engine *e, uint64_t run, struct wf_err *err);
/* Loads the run if it is finished; done comes once. */
void wf_core_retry(struct engine *e, uint64_t run, void (*done)(void *arg, const struct wf_err *err), void *arg);
/* task: "step", "step[index]", or a held service's name. */
int wf_core_resolve(struct engine *e, uint64_t run, const char *task, enum wf_resolve_as as, struct wf_err *err);
/* Forget a finished run: rows and directory. Loads it first: one with a leaked service is kept (WF_CONFLICT). */
void wf_core_remove(struct engine *e, uint64_t run, void (*done)(void *arg, const struct wf_err *err), void *arg);

/* ---- looking ------------------------------------------------------------------------------------------ */

/* Full id, unique suffix, "@last" or a name (the newest of that name). WF_NOT_FOUND, or WF_CONFLICT listing candidates. */
struct run *wf_core_find(struct engine *e, const char *ref, struct wf_err *err);
struct run *wf_core_run(struct engine *e, uint64_t number);
/* A run's tasks are in memory while it lives and for a while after somebody looked: done comes once, later; err when it cannot be loaded. */
void wf_core_load(struct engine *e, uint64_t run, void (*done)(void *arg, struct run *r, const struct wf_err *err), void *arg);

#endif
