/* wire.h - the message protocol between the engine and its agents: framing, columns, versions
 *
 * A frame is {u32 length of what follows, u8 type, u8 flags (0), u16 version} then the body, little-endian. One frame carries many
 * entries, in columns, with one table of strings per frame, so that a thousand starts of one step cost little more than
 * their differences. Largest frame: WF_WIRE_MAX. Versions: the engine speaks N and N-1 of WF_WIRE_VERSION; hello settles it.
 *
 * Order of a connection: both sides send HELLO first. The engine's carries its epoch; an agent that has seen a higher one answers
 * REJECTED and closes. Then the engine sends REATTACH for every attempt it believes alive (one or more frames, the last with
 * `last` set) and the agent answers each with RUNNING, ENDED or LOST (ACCEPTED while it waits for one of its `places`); only then may STARTs follow. STARTs come in
 * strictly rising `number`; the agent refuses (REJECTED) any number at or below its mark, and makes its mark durable before it
 * spawns. Each frame from the agent that reports a fact carries the agent's journal cursor; the engine acknowledges a cursor (ACK) once
 * the facts up to it are committed, and the agent may then forget them. Facts are sent again after a reconnect until acknowledged:
 * the engine records a repeated one as a stray. An unknown type is answered REJECTED and the connection kept.
 *
 * Ownership: encoders append a whole frame to a wf_buf. The decoder copies nothing: strings point into the frame and are valid
 * while it is. Bytes from the wire are bounded and checked; a malformed frame is WF_BAD_REQUEST and the connection is closed.
 */
#ifndef WF_LINK_WIRE_H
#define WF_LINK_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/class.h"
#include "engine/base/err.h"

#define WF_WIRE_VERSION 1
#define WF_WIRE_MAX (64u << 20)

enum wf_wire_type {
	/* both ways */
	WF_WIRE_HELLO = 1,
	/* engine to agent */
	WF_WIRE_START = 10,
	WF_WIRE_CANCEL,
	WF_WIRE_OBSERVE,
	WF_WIRE_REATTACH,
	WF_WIRE_CALL,
	WF_WIRE_ACK,
	/* agent to engine */
	WF_WIRE_ACCEPTED = 30,
	WF_WIRE_RUNNING,
	WF_WIRE_ENDED,
	WF_WIRE_LOST,
	WF_WIRE_RESULT,
	WF_WIRE_SIGNAL,
	WF_WIRE_SAMPLE,
	WF_WIRE_REJECTED,
};

/* What an attempt is, everywhere the same: `run` is the run's number in the state directory (not its text id). */
enum wf_attempt_kind { WF_KIND_STEP = 0, WF_KIND_MEMBER, WF_KIND_MOVER, WF_KIND_CALL, WF_KIND_ATTACH };
struct wf_key {
	uint64_t run;
	uint32_t instance;     /* for a member: the service's number in the run */
	uint32_t index;        /* for a member: its number in the service */
	uint16_t attempt;      /* from 1; for a member: the generation */
	uint8_t kind;          /* enum wf_attempt_kind */
};

struct wf_hello {
	uint32_t version;      /* highest the sender speaks */
	const char *role;      /* "engine", "local", "slurm", "fake" */
	const char *build;     /* program version, for `wf doctor` */
	uint64_t epoch;        /* of the engine */
	/* the agent's only: */
	const char *instance;  /* id of this agent's journal: changes when its memory was lost */
	const char *host, *boot_id;
	uint64_t pid_ns;
	uint32_t pid;
	uint32_t cores;        /* whole cores that attempts may use, from affinity and cgroup */
	uint64_t memory;       /* bytes */
	uint64_t mark;         /* highest attempt number ever taken */
	uint64_t cursor;       /* oldest fact not acknowledged yet */
	uint32_t capabilities; /* WF_CAP_* */
};
#define WF_CAP_MEMBERS 1u  /* hosts service members (CALL, SIGNAL) */
#define WF_CAP_REVOKE  2u  /* answers `revoke` by claims (Slurm) */
#define WF_CAP_MEMORY  4u  /* enforces memory (delegated cgroup) */

/*
 * One attempt to start. Everything is resolved: no placeholder is left. NULL strings are absent; lists are NULL-terminated. What else a task
 * finds in its environment the agent adds from these fields (wf_attempt_own_env).
 */
struct wf_start {
	uint64_t number;
	struct wf_key key;
	const char *name;              /* "sim[12]", for process titles and messages */
	const char *const *argv;
	const char *const *env;        /* base environment, shared by many starts of a batch: give the same pointer */
	const char *const *env_more;   /* added after it */
	const char *setup;             /* shell lines of `setup`, NULL when none (executors/attempt) */
	const char *cwd;               /* absolute; made if missing */
	const char *log_dir;           /* absolute, exists: the run's directory for output */
	const char *stdout_path;       /* absolute, user's choice; NULL: the agent's own file, packed at the end */
	const char *stderr_path;       /* NULL: with stdout */
	const char *result_path;       /* absolute: $WF_RESULT, read at the end (64 KiB) when it exists */
	const char *token;             /* "engine/kind/id/generation": put in the environment as WF_TOKEN */
	const char *const *inputs;     /* absolute; each must exist or the attempt ends input_missing, unstarted */
	const char *const *outputs;    /* absolute; must be written by the task (design.md 9) unless update */
	const int32_t *success_codes;  /* success_count of them */
	uint32_t success_count;
	uint8_t update;
	uint8_t control;               /* member: an inherited socket pair speaks lines of JSON (services/control.h) */
	uint8_t results_needed;        /* promised results: an absent or malformed file is output_missing */
	int64_t first_started_ms;      /* wall clock of the task's first attempt, 0 when this is the first */
	int64_t timeout_ms;            /* 0: none */
	int64_t grace_ms;              /* between TERM and KILL of the process group */
	uint64_t output_limit;         /* bytes */
	uint32_t cores;                /* thousandths of a core */
	uint64_t memory;               /* bytes, 0: not said */
	uint32_t umask_bits;
	uint32_t places;               /* 0: start at once. n: accepted now, started, in the order of such starts, when fewer than n
	                                * attempts of tasks are under way at this agent: so a place is filled again without a question */
	const char *limits;            /* the submitter's resource limits, as wf_limits_text has them; NULL: those the agent was started with */
};

struct wf_attempt_ref {
	uint64_t number;
	struct wf_key key;
};

enum wf_cancel_why { WF_CANCEL_USER, WF_CANCEL_TIMEOUT, WF_CANCEL_STOP };
struct wf_cancel {
	struct wf_attempt_ref ref;
	uint8_t why;                   /* enum wf_cancel_why */
	int64_t grace_ms;
};

/* An operation on a live member: op "stop", "health", ...; args is JSON text. Safe to repeat: the host keeps answers by op_id. */
struct wf_call {
	uint64_t op_id;
	struct wf_attempt_ref ref;
	const char *op;
	const char *args;
	int64_t deadline_ms;
};

struct wf_usage {
	uint64_t cpu_us;               /* user + system of the process group */
	uint64_t max_rss_kib;
	uint64_t read_bytes, write_bytes;
};

/* Where an attempt's output went. */
enum wf_log_where { WF_LOG_NONE = 0 /* empty */, WF_LOG_PACK /* pack file at offset */, WF_LOG_FILE /* a file of its own */, WF_LOG_USER /* stdout: of the step */ };
struct wf_log_ref {
	uint8_t where;
	uint64_t offset;               /* PACK */
	uint64_t length;
};

struct wf_running {
	struct wf_attempt_ref ref;
	uint64_t cursor;
	uint32_t pid;
	int64_t started_ms;            /* wall clock */
};

struct wf_ended {
	struct wf_attempt_ref ref;
	uint64_t cursor;
	uint8_t class;                 /* enum wf_class */
	int32_t exit;                  /* exit status, or the signal for class signal */
	int64_t started_ms, ended_ms;  /* wall clock; started 0 when it never ran */
	struct wf_usage usage;
	struct wf_log_ref out, err;    /* err.where NONE when stdout and stderr are one */
	const char *reason;            /* one line for a person, or NULL */
	const char *result;            /* JSON text of $WF_RESULT, or NULL */
};

enum wf_lost_why {
	WF_LOST_NEVER,                 /* never heard of: it did not start and is refused from now on */
	WF_LOST_AGENT,                 /* ran under an earlier agent and is proven dead */
	WF_LOST_UNKNOWN,               /* cannot be told */
};
struct wf_lost {
	struct wf_attempt_ref ref;
	uint64_t cursor;
	uint8_t why;
	const char *reason;
};

struct wf_result {                     /* answer to a CALL */
	uint64_t op_id;
	struct wf_attempt_ref ref;
	const char *outcome;           /* ok, retry, rejected, partial, unknown */
	const char *body;              /* JSON text */
};

struct wf_signal {                     /* a member's transition, seen by its host */
	struct wf_attempt_ref ref;
	uint64_t cursor;
	const char *body;              /* JSON text: services/control.h */
};

struct wf_sample {                     /* what an attempt uses now */
	struct wf_attempt_ref ref;
	struct wf_usage usage;
	uint64_t output_bytes;
};

struct wf_rejected {
	uint64_t number;               /* attempt or op_id refused, 0: the frame as a whole */
	const char *reason;
};

/* A decoded frame: one kind of entry, `count` of them. */
struct wf_frame {
	enum wf_wire_type type;
	uint32_t version;
	uint32_t count;
	uint8_t last;                  /* REATTACH */
	uint64_t cursor;               /* ACK */
	struct wf_arena arena;         /* the entries and their lists; strings are NUL-terminated copies or in the frame */
	union {
		struct wf_hello *hello;
		struct wf_start *start;
		struct wf_cancel *cancel;
		struct wf_attempt_ref *ref;   /* ACCEPTED, OBSERVE, REATTACH */
		struct wf_call *call;
		struct wf_running *running;
		struct wf_ended *ended;
		struct wf_lost *lost;
		struct wf_result *result;
		struct wf_signal *signal;
		struct wf_sample *sample;
		struct wf_rejected *rejected;
	};
};

void wf_wire_hello(struct wf_buf *b, const struct wf_hello *h);
void wf_wire_start(struct wf_buf *b, const struct wf_start *s, uint32_t n);
void wf_wire_cancel(struct wf_buf *b, const struct wf_cancel *c, uint32_t n);
void wf_wire_refs(struct wf_buf *b, enum wf_wire_type type, const struct wf_attempt_ref *r, uint32_t n, int last);
void wf_wire_call(struct wf_buf *b, const struct wf_call *c, uint32_t n);
void wf_wire_ack(struct wf_buf *b, uint64_t cursor);
void wf_wire_running(struct wf_buf *b, const struct wf_running *r, uint32_t n);
void wf_wire_ended(struct wf_buf *b, const struct wf_ended *e, uint32_t n);
void wf_wire_lost(struct wf_buf *b, const struct wf_lost *l, uint32_t n);
void wf_wire_result(struct wf_buf *b, const struct wf_result *r, uint32_t n);
void wf_wire_signal(struct wf_buf *b, const struct wf_signal *s, uint32_t n);
void wf_wire_sample(struct wf_buf *b, const struct wf_sample *s, uint32_t n);
void wf_wire_rejected(struct wf_buf *b, const struct wf_rejected *r, uint32_t n);

/* Bytes of the first whole frame in p[0..n), or 0 when more must come; -1 when the length is out of bounds. */
int64_t wf_wire_whole(const void *p, size_t n);
/* Decode one whole frame. 0, or -1 with WF_BAD_REQUEST; an unknown type decodes to its type with count 0. wf_frame_release always. */
int wf_wire_decode(struct wf_frame *f, const void *p, size_t n, struct wf_err *err);
void wf_frame_release(struct wf_frame *f);

#endif
