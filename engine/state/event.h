/* event.h - the facts that can happen: names, fields, the packed form
 *
 * An event changes one subject and carries every clock and random value its update needs. The table below is the one
 * source of names, subjects and fields; encoding, decoding, the JSON of the API and docs/design/001 follow from it. Numbers are
 * stored: append only, never reuse. Readers keep kinds they do not know.
 *
 * Subjects: a task is (a = instance, b = index); its attempts are inside it. A service is a = its number in the run, a member
 * (a = service, b = n), a lease (a = instance, b = service), an instance a, a run or the engine neither.
 *
 * Packed form (docs/design/003): a blob holds `count` consecutive events of one run; runs of equal events on consecutive
 * tasks cost one entry. Fields are zig-zag varints, texts are length and bytes.
 */
#ifndef WF_STATE_EVENT_H
#define WF_STATE_EVENT_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

enum wf_subject { WF_S_ENGINE, WF_S_RUN, WF_S_INSTANCE, WF_S_TASK, WF_S_SERVICE, WF_S_MEMBER, WF_S_LEASE };

#define WF_EVENT_FIELDS 12
#define WF_EVENT_TEXTS 2

/*   symbol                    number name                    subject        fields (v[0], v[1], ...)                                   texts */
#define WF_EVENTS(X)                                                                                                                            \
	X(WF_E_ENGINE_STARTED,      1, "engine.started",          WF_S_ENGINE,   "pid",                                                      "host,boot") \
	X(WF_E_ENGINE_STOPPED,      2, "engine.stopped",          WF_S_ENGINE,   "",                                                         "why")  \
	X(WF_E_RUN_SUBMITTED,      10, "run.submitted",           WF_S_RUN,      "",                                                         "facts") \
	X(WF_E_RUN_ADMITTED,       11, "run.admitted",            WF_S_RUN,      "",                                                         "")     \
	X(WF_E_RUN_PAUSED,         12, "run.paused",              WF_S_RUN,      "",                                                         "")     \
	X(WF_E_RUN_RESUMED,        13, "run.resumed",             WF_S_RUN,      "",                                                         "")     \
	X(WF_E_RUN_CANCELING,      14, "run.cancel_requested",    WF_S_RUN,      "",                                                         "")     \
	X(WF_E_RUN_CLOSING,        15, "run.closing",             WF_S_RUN,      "",                                                         "")     \
	X(WF_E_RUN_SUCCEEDED,      16, "run.succeeded",           WF_S_RUN,      "succeeded,failed,skipped,canceled",                         "")     \
	X(WF_E_RUN_FAILED,         17, "run.failed",              WF_S_RUN,      "succeeded,failed,skipped,canceled",                         "")     \
	X(WF_E_RUN_CANCELED,       18, "run.canceled",            WF_S_RUN,      "succeeded,failed,skipped,canceled",                         "")     \
	X(WF_E_RUN_RETRIED,        19, "run.retried",             WF_S_RUN,      "",                                                         "")     \
	X(WF_E_RUN_LIST_FAILED,    20, "run.list_failed",         WF_S_RUN,      "instance",                                                 "reason") \
	X(WF_E_INSTANCE_SIZED,     30, "instance.sized",          WF_S_INSTANCE, "count",                                                    "values") \
	X(WF_E_TASK_RELEASED,      40, "task.released",           WF_S_TASK,     "",                                                         "")     \
	X(WF_E_TASK_SKIPPED,       41, "task.skipped",            WF_S_TASK,     "why,cause_instance,cause_index,root_instance",             "reason") \
	X(WF_E_TASK_STARTED,       42, "task.started",            WF_S_TASK,     "number",                                                   "")     \
	X(WF_E_TASK_REQUEUED,      43, "task.requeued",           WF_S_TASK,     "delay_ms,loss,due_ms",                                     "")     \
	X(WF_E_TASK_SUCCEEDED,     44, "task.succeeded",          WF_S_TASK,     "",                                                         "")     \
	X(WF_E_TASK_FAILED,        45, "task.failed",             WF_S_TASK,     "class",                                                    "reason") \
	X(WF_E_TASK_HELD,          46, "task.held",               WF_S_TASK,     "",                                                         "reason") \
	X(WF_E_TASK_RESOLVED,      47, "task.resolved",           WF_S_TASK,     "as",                                                       "")     \
	X(WF_E_TASK_CANCELED,      48, "task.canceled",           WF_S_TASK,     "",                                                         "")     \
	X(WF_E_TASK_RETRIED,       49, "task.retried",            WF_S_TASK,     "",                                                         "")     \
	X(WF_E_ATTEMPT_ACCEPTED,   60, "attempt.accepted",        WF_S_TASK,     "number",                                                   "")     \
	X(WF_E_ATTEMPT_RUNNING,    61, "attempt.running",         WF_S_TASK,     "number,pid,started_ms",                                    "")     \
	X(WF_E_ATTEMPT_ENDED,      62, "attempt.ended",           WF_S_TASK,     "number,class,exit,started_ms,ended_ms,cpu_ms,max_rss_kib,read_kib,write_kib,log_where,log_offset,log_length", "reason,result") \
	X(WF_E_ATTEMPT_REVOKED,    63, "attempt.revoked",         WF_S_TASK,     "number",                                                   "")     \
	X(WF_E_ATTEMPT_UNKNOWN,    64, "attempt.unknown",         WF_S_TASK,     "number",                                                   "reason") \
	X(WF_E_ATTEMPT_STRAY,      65, "attempt.stray",           WF_S_TASK,     "number,kind",                                              "")     \
	X(WF_E_ATTEMPT_CANCELING,  66, "attempt.cancel_requested", WF_S_TASK,    "number",                                                   "")     \
	X(WF_E_SERVICE_DECLARED,   80, "service.declared",        WF_S_SERVICE,  "target,min",                                               "name") \
	X(WF_E_SERVICE_DEMANDED,   81, "service.demanded",        WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_GRANTED,    82, "service.granted",         WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_REFUSED,    83, "service.refused",         WF_S_SERVICE,  "",                                                         "reason") \
	X(WF_E_SERVICE_STAGED,     84, "service.staged",          WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_READY,      85, "service.ready",           WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_START_FAILED, 86, "service.start_failed",  WF_S_SERVICE,  "",                                                         "reason") \
	X(WF_E_SERVICE_DEGRADED,   87, "service.degraded",        WF_S_SERVICE,  "",                                                         "reason") \
	X(WF_E_SERVICE_RESTARTING, 88, "service.restarting",      WF_S_SERVICE,  "delay_ms",                                                 "reason") \
	X(WF_E_SERVICE_DRAINING,   89, "service.drain_requested", WF_S_SERVICE,  "failed",                                                   "reason") \
	X(WF_E_SERVICE_DRAINED,    90, "service.drained",         WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_SAVED,      91, "service.saved",           WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_STOPPED,    92, "service.stopped",         WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_FAILED,     93, "service.failed",          WF_S_SERVICE,  "",                                                         "reason") \
	X(WF_E_SERVICE_UNPROVEN,   94, "service.stop_unproven",   WF_S_SERVICE,  "",                                                         "reason") \
	X(WF_E_SERVICE_GONE,       95, "service.found_gone",      WF_S_SERVICE,  "",                                                         "")     \
	X(WF_E_SERVICE_HELD,       96, "service.held",            WF_S_SERVICE,  "",                                                         "reason") \
	X(WF_E_SERVICE_CANCELED,   97, "service.cancel_requested", WF_S_SERVICE, "",                                                         "")     \
	X(WF_E_MEMBER_REQUESTED,  110, "member.requested",        WF_S_MEMBER,   "number,generation",                                        "")     \
	X(WF_E_MEMBER_LAUNCHED,   111, "member.launched",         WF_S_MEMBER,   "number,pid",                                               "")     \
	X(WF_E_MEMBER_JOINING,    112, "member.joining",          WF_S_MEMBER,   "number",                                                   "")     \
	X(WF_E_MEMBER_READY,      113, "member.ready",            WF_S_MEMBER,   "number",                                                   "endpoint,provides") \
	X(WF_E_MEMBER_SUSPECT,    114, "member.suspect",          WF_S_MEMBER,   "number",                                                   "reason") \
	X(WF_E_MEMBER_HEALTHY,    115, "member.healthy",          WF_S_MEMBER,   "number",                                                   "")     \
	X(WF_E_MEMBER_LEAVING,    116, "member.leaving",          WF_S_MEMBER,   "number",                                                   "")     \
	X(WF_E_MEMBER_FENCING,    117, "member.fencing",          WF_S_MEMBER,   "number",                                                   "")     \
	X(WF_E_MEMBER_GONE,       118, "member.gone",             WF_S_MEMBER,   "number,class,exit",                                        "reason") \
	X(WF_E_LEASE_WANTED,      130, "lease.wanted",            WF_S_LEASE,    "mode",                                                     "")     \
	X(WF_E_LEASE_HELD,        131, "lease.held",              WF_S_LEASE,    "view",                                                     "")     \
	X(WF_E_LEASE_ENDED,       132, "lease.ended",             WF_S_LEASE,    "",                                                         "")

enum wf_event_kind {
#define X(sym, num, name, subject, fields, texts) sym = num,
	WF_EVENTS(X)
#undef X
};

struct wf_event {
	uint64_t seq;          /* global number */
	int64_t at;            /* wall clock ms, for people */
	uint8_t kind;          /* enum wf_event_kind, or a number this build does not know */
	uint32_t a, b;         /* subject, see above */
	uint64_t run;          /* run number; 0 for the engine's own */
	uint64_t cause;        /* seq of the event this one follows from; 0: from outside */
	uint64_t op_id;        /* of the request that caused it; 0: none */
	uint64_t epoch;
	int64_t v[WF_EVENT_FIELDS];
	struct {
		const char *p; /* not NUL-terminated; valid as long as what it points into */
		uint32_t n;
	} text[WF_EVENT_TEXTS];
};

struct wf_event_info {
	const char *name;
	enum wf_subject subject;
	uint8_t field_count, text_count;
	const char *fields, *texts; /* comma-separated */
};
/* NULL for a kind this build does not know. */
const struct wf_event_info *wf_event_info(uint8_t kind);
const char *wf_event_name(uint8_t kind);   /* "event 200" is "unknown" */

/* ---- packed stretches ------------------------------------------------------------------------------- */

/* Packs consecutive events of one run. Zero it, add events with rising seq without a gap, finish, take buf. */
struct wf_pack {
	struct wf_buf buf;
	uint64_t first_seq;
	uint32_t count;
	int64_t time;          /* at of the first; later ones are stored as differences */
	struct wf_event last;  /* of the entry still open */
	uint32_t repeat;
	uint8_t steps;         /* what rises by one from each repetition to the next */
	struct wf_buf last_text;
};
void wf_pack_add(struct wf_pack *p, const struct wf_event *e);
void wf_pack_finish(struct wf_pack *p);
void wf_pack_clear(struct wf_pack *p);     /* keeps memory */
void wf_pack_release(struct wf_pack *p);

/* Calls fn for each event of a blob in order; run, epoch and first_seq come from the row. fn's non-zero result stops and is
 * returned. Damage is WF_CORRUPT (-1) naming run and number. */
int wf_unpack(const void *p, size_t n, uint64_t run, uint64_t first_seq, uint32_t count, int64_t time, uint64_t epoch,
	      int (*fn)(const struct wf_event *e, void *arg), void *arg, struct wf_err *err);

/* {seq, at, kind, subject:{kind, id...}, run, cause, epoch, data{...}} with field names of the table; a new reference. `name_of` makes the
 * id of a subject ("sim[3]"), may be NULL. */
json_t *wf_event_json(const struct wf_event *e, const char *run_id,
		      void (*name_of)(const struct wf_event *e, char *out, size_t size, void *arg), void *arg);

#endif
