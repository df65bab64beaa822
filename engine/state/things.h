/* things.h - what a run is made of: plain structs and their update functions
 *
 * `*_update` applies one event: a table look-up and field changes, nothing else; live and replay use the same function. 0, or
 * -1 when the machine does not allow the event in this state (nothing was changed), err saying which.
 * Structs own their strings. Pure: no clock, no file, no log.
 */
#ifndef WF_STATE_THINGS_H
#define WF_STATE_THINGS_H

#include <stdint.h>

#include "engine/base/class.h"
#include "engine/base/err.h"
#include "engine/base/id.h"
#include "engine/state/event.h"
#include "engine/state/sm.h"

/* ---- run -------------------------------------------------------------------------------------------- */

enum wf_run_state {
	WF_RUN_PENDING, WF_RUN_RUNNING, WF_RUN_PAUSED, WF_RUN_CANCELING, WF_RUN_CLOSING, WF_RUN_SUCCEEDED, WF_RUN_FAILED_, WF_RUN_CANCELED_,
	WF_RUN_STATES
};

struct wf_run {
	uint64_t number;               /* in this state directory, from 1, never reused */
	struct wf_id id;
	uint8_t state;                 /* enum wf_run_state */
	uint8_t cancel;                /* was asked to cancel (ends as canceled) */
	uint8_t list_failed;           /* the list of a run-time fan-out could not be used: ends as failed */
	uint32_t retries;              /* times `wf retry` took it back */
	uint32_t next_instance;        /* sessions: later */
	char *name;                    /* given, or the workflow's */
	char *workflow;                /* workflow.name of the file */
	char *file;                    /* as submitted, for messages */
	char *key;                     /* idempotency key, or NULL */
	char *body_hash;               /* of the submitted body, hex; with key */
	char *executor, *executor_why; /* default executor of its steps */
	char *workdir;                 /* absolute submit directory */
	uint32_t umask_bits;
	char *limits;                  /* the submitter's resource limits (wf_limits_text), or NULL */
	int64_t created_ms, started_ms, ended_ms;
	uint32_t succeeded, failed, skipped, canceled; /* tasks, when it ended: what a list shows of a run that is not in memory */
	uint64_t seq;                  /* of the last event of this run: its `rev` */
};
int wf_run_update(struct wf_run *r, const struct wf_event *e, struct wf_err *err);
int wf_run_is_over(const struct wf_run *r);
void wf_run_release(struct wf_run *r);
/* The facts text of run.submitted, and back (JSON); used by the event and by the row alike. */
json_t *wf_run_facts(const struct wf_run *r);
int wf_run_from_facts(struct wf_run *r, json_t *facts, struct wf_err *err);

/* ---- task with its attempt --------------------------------------------------------------------------- */

enum wf_task_state {
	WF_TASK_WAITING, WF_TASK_READY, WF_TASK_ACTIVE, WF_TASK_HELD, WF_TASK_SUSPENDED, WF_TASK_SUCCEEDED, WF_TASK_FAILED, WF_TASK_SKIPPED,
	WF_TASK_CANCELED, WF_TASK_STATES
};
enum wf_attempt_state {
	WF_ATTEMPT_NONE, WF_ATTEMPT_CREATED, WF_ATTEMPT_SUBMITTING, WF_ATTEMPT_QUEUED, WF_ATTEMPT_RUNNING, WF_ATTEMPT_UNKNOWN, WF_ATTEMPT_ENDED,
	WF_ATTEMPT_REVOKED, WF_ATTEMPT_LOST, WF_ATTEMPT_STATES
};
enum wf_skip_why { WF_SKIP_WHEN, WF_SKIP_PARENT_FAILED, WF_SKIP_PARENT_SKIPPED, WF_SKIP_EMPTY, WF_SKIP_NOT_NEEDED };
enum wf_resolve_as { WF_RESOLVE_SUCCEEDED, WF_RESOLVE_FAILED, WF_RESOLVE_RERUN };

#define WF_TASK_F_CANCELING 1          /* a cancel was sent for the running attempt */
#define WF_TASK_F_AHEAD     2          /* later: its attempt is queued while it waits */
#define WF_TASK_F_REASON    4          /* the last attempt left a reason in a side row */
#define WF_TASK_F_RESULT    8          /* a result is kept in a side row */
#define WF_TASK_F_RESOLVED  16         /* its outcome was said by a person */

/* One task, as it lies in memory and in the store's blobs (little-endian, 80 bytes, layout is schema). */
struct wf_task {
	uint8_t state;                 /* enum wf_task_state */
	uint8_t astate;                /* enum wf_attempt_state of the last attempt */
	uint8_t class;                 /* enum wf_class of the last ended attempt; of a skipped task enum wf_skip_why */
	uint8_t flags;
	uint16_t attempt;              /* number of the last attempt, from 1; 0: none yet */
	uint8_t retries;               /* spent of the user's limit */
	uint8_t losses;                /* spent of the limit for losses */
	int32_t exit;                  /* exit status or signal of the last ended attempt; skipped: cause index */
	uint32_t pid;                  /* running: process; skipped: cause instance; ready with a delay: due_ms of its event, the lower half */
	uint64_t number;               /* attempt number (global) of the last attempt; skipped: root instance */
	int64_t started_ms, ended_ms;  /* of the last attempt, wall clock; ended of a task without attempt: when it was decided */
	int64_t first_ms;              /* start of the first attempt that ran: outputs must be younger */
	uint32_t cpu_ms, max_rss_kib, read_kib, write_kib;
	uint64_t log;                  /* enum wf_log_where in the top byte, offset below */
	uint32_t log_length;
	uint32_t delay_ms;             /* ready: back-off when it was requeued */
};
_Static_assert(sizeof(struct wf_task) == 80, "layout of a task is schema");

int wf_task_update(struct wf_task *t, const struct wf_event *e, struct wf_err *err);
int wf_task_is_over(const struct wf_task *t);

/* What people see: the task's own state, but while active the attempt's. */
enum wf_seen {
	WF_SEEN_WAITING, WF_SEEN_READY, WF_SEEN_SUBMITTING, WF_SEEN_QUEUED, WF_SEEN_RUNNING, WF_SEEN_UNKNOWN, WF_SEEN_HELD, WF_SEEN_SUSPENDED,
	WF_SEEN_CANCELING, WF_SEEN_SUCCEEDED, WF_SEEN_FAILED, WF_SEEN_SKIPPED, WF_SEEN_CANCELED, WF_SEEN_STATES
};
enum wf_seen wf_task_seen(const struct wf_task *t);
const char *wf_seen_name(enum wf_seen s);
const char *wf_skip_name(enum wf_skip_why w);

/* ---- service, member, lease --------------------------------------------------------------------------- */

enum wf_service_state {
	WF_SERVICE_DECLARED, WF_SERVICE_RESERVING, WF_SERVICE_STAGING_IN, WF_SERVICE_STARTING, WF_SERVICE_READY, WF_SERVICE_DEGRADED,
	WF_SERVICE_QUIESCED, WF_SERVICE_OFFLINE, WF_SERVICE_DRAINING, WF_SERVICE_SAVING, WF_SERVICE_STOPPING, WF_SERVICE_STOPPED,
	WF_SERVICE_FAILED, WF_SERVICE_HIBERNATED, WF_SERVICE_LEAKED, WF_SERVICE_STATES
};
struct wf_service {
	uint64_t run;
	uint32_t number;               /* index in the workflow's services */
	uint8_t state;
	uint8_t failing;               /* what it stops for is a failure: stopping ends in failed */
	uint8_t held;                  /* on_failure hold: consumers wait for a person */
	uint32_t generation;           /* raised by each founding and restart */
	uint32_t view;                 /* raised by each committed change of membership */
	uint32_t restarts;             /* since it was last demanded */
	uint32_t target, min;
	uint32_t delay_ms;             /* starting after a failure: back-off that was left */
	char *name;
	char *reason;                  /* of its last trouble, or NULL */
	uint64_t seq;                  /* last event applied */
};
int wf_service_update(struct wf_service *s, const struct wf_event *e, struct wf_err *err);
void wf_service_release(struct wf_service *s);

enum wf_member_state {
	WF_MEMBER_PENDING, WF_MEMBER_LAUNCHED, WF_MEMBER_JOINING, WF_MEMBER_READY, WF_MEMBER_SUSPECT, WF_MEMBER_FENCING, WF_MEMBER_LEAVING,
	WF_MEMBER_GONE, WF_MEMBER_STATES
};
struct wf_member {
	uint64_t run;
	uint32_t service, n;
	uint8_t state;
	uint8_t class;                 /* when gone */
	int32_t exit;
	uint32_t generation;
	uint32_t pid;
	uint64_t number;               /* attempt number of its process; 0 before the first */
	char *endpoint, *provides;     /* JSON texts of member.ready, or NULL */
	char *reason;
	uint64_t seq;
};
int wf_member_update(struct wf_member *m, const struct wf_event *e, struct wf_err *err);
void wf_member_release(struct wf_member *m);

enum wf_lease_state { WF_LEASE_NONE, WF_LEASE_WANTED, WF_LEASE_HELD, WF_LEASE_PAUSED, WF_LEASE_ENDED, WF_LEASE_STATES };
struct wf_lease {
	uint64_t run;
	uint32_t instance, service;
	uint8_t state;
	uint8_t mode;                  /* enum wdf_access: 0 RW, 1 RO, 2 WO */
	uint32_t view;
	uint64_t seq;
};
int wf_lease_update(struct wf_lease *l, const struct wf_event *e, struct wf_err *err);

#endif
