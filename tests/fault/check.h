/* check.h - the rooms of the independent checker. It shares no code with what it checks: not even the helpers of engine/base. */
#ifndef WF_TESTS_FAULT_CHECK_H
#define WF_TESTS_FAULT_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Says what is wrong, one line each, and counts. */
void violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- decode.c: bytes to facts -------------------------------------------------------------------------------------- */

/* Numbers of docs/design/001. */
enum {
	RUN_SUBMITTED = 10, RUN_ADMITTED, RUN_PAUSED, RUN_RESUMED, RUN_CANCEL, RUN_CLOSING, RUN_SUCCEEDED, RUN_FAILED, RUN_CANCELED, RUN_RETRIED,
	RUN_LIST_FAILED, INSTANCE_SIZED = 30,
	TASK_RELEASED = 40, TASK_SKIPPED, TASK_STARTED, TASK_REQUEUED, TASK_SUCCEEDED, TASK_FAILED, TASK_HELD, TASK_RESOLVED, TASK_CANCELED,
	TASK_RETRIED,
	ATTEMPT_ACCEPTED = 60, ATTEMPT_RUNNING, ATTEMPT_ENDED, ATTEMPT_REVOKED, ATTEMPT_UNKNOWN, ATTEMPT_STRAY, ATTEMPT_CANCELING,
	SERVICE_DECLARED = 80, SERVICE_DEMANDED, SERVICE_GRANTED, SERVICE_REFUSED, SERVICE_STAGED, SERVICE_READY, SERVICE_START_FAILED,
	SERVICE_DEGRADED, SERVICE_RESTARTING, SERVICE_DRAINING, SERVICE_DRAINED, SERVICE_SAVED, SERVICE_STOPPED, SERVICE_FAILED,
	SERVICE_UNPROVEN, SERVICE_GONE, SERVICE_HELD, SERVICE_CANCELED,
	MEMBER_REQUESTED = 110, MEMBER_LAUNCHED, MEMBER_JOINING, MEMBER_READY, MEMBER_SUSPECT, MEMBER_HEALTHY, MEMBER_LEAVING, MEMBER_FENCING,
	MEMBER_GONE,
	LEASE_WANTED = 130, LEASE_HELD, LEASE_ENDED,
};

struct event {
	uint64_t seq, run, cause, epoch;
	int64_t at, v[16];
	uint32_t a, b;
	uint8_t kind;
	const char *text[4];
	size_t text_size[4];
};
/* A row of `events`; -1 when the blob is not what it says to be. */
int decode_row(const void *blob, size_t n, uint64_t run, uint64_t first, uint64_t count, int64_t time, uint64_t epoch,
	       void (*fn)(const struct event *e));
uint32_t row_sum(uint64_t first, uint64_t count, int64_t time, uint64_t run, uint64_t epoch, const void *blob, size_t n);

enum { START = 2, RUNNING, ENDED, LOST, SIGNAL, ACK, MARK, EPOCH };
struct entry {
	int type;
	uint64_t number, cursor;
	int kind;                      /* 0 step, 1 member */
	int class, exit;               /* ENDED */
};
/* An agent's journal; a torn tail ends it. -1: it is none. */
int decode_journal(const char *path, void (*fn)(const struct entry *e));

/* ---- model.c: what the events say ------------------------------------------------------------------------------------- */

struct run {
	uint64_t number, last, submitted, paused, resumed, canceled;
	int state, is_paused;
	char id[64], key[64];
};
struct attempt {
	uint64_t number, run, started; /* started: the event's number */
	uint32_t a, b;
	int is_member, attempt;        /* attempt: of its task, from 1 */
	int ended, class, exit, revoked;
	/* what the ledger says */
	int starts, ends;
	long start_line, end_line;
};
struct task_state {
	int state, astate, attempt;
	uint64_t number;
};
struct task {
	uint64_t run;
	uint32_t a, b;
	struct task_state now, stored; /* stored: as of the event up to which its row claims to be */
	uint64_t applied;              /* UINT64_MAX without a row */
	uint64_t first_start, over;    /* events: its first start, its last outcome */
	int losses, requeues;
	char name[64];                 /* by the ledger; "" when it never ran */
};
struct thing {                         /* service, member, lease */
	uint64_t run, last, number;
	uint32_t x, y;
	int state;
};
struct things {
	struct thing *all;
	size_t count;
};
struct model {
	struct run *runs;
	struct attempt *attempts;
	struct task *tasks;
	size_t run_count, attempt_count, task_count;
	struct things services, members, leases;
	uint64_t last_seq, last_epoch;
};
extern struct model model;

/* Reads the database at `path`, with sqlite3 alone: applies every event, then compares the rows. -1 when it cannot be read. */
int model_read(const char *path);
struct run *model_run(const char *id);
struct attempt *model_attempt(uint64_t number);
struct task *model_task(uint64_t run, uint32_t a, uint32_t b);

#endif
