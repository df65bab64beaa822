/* store.h - the door to what survives: append a batch, load it all, read history; no SQL type in sight
 *
 * One database file `DIR/wf.db`, one connection, owned by the store's thread (the loop's work thread): WAL, synchronous=FULL,
 * locking_mode=EXCLUSIVE, auto_vacuum=INCREMENTAL, schema in user_version with numbered forward migrations; a newer
 * schema is refused (WF_RESOURCE). Packed events are the truth, everything else is derived from them or immutable input
 * (docs/design/003).
 *
 * Calling sequence:
 *     struct wf_store *s = wf_store_open(os, dir, epoch, &err);        synchronous, before the loop runs
 *     wf_store_load(s, &visitor, &err);                                synchronous, before the loop runs
 *     struct wf_batch *b = wf_batch_create();
 *     wf_batch_events(b, ...); wf_batch_tasks(b, ...); wf_batch_run(b, ...);
 *     wf_store_commit(s, loop, b, on_done, arg);                        one in flight; the next gathers meanwhile
 *     wf_store_read(s, loop, &query, on_rows, arg);                     queued behind commits, bounded
 *     wf_store_close(s);                                                 after the last on_done
 *
 * A commit either happens as a whole or fails as a whole. After an I/O error the connection is closed and reopened, the tail is
 * verified (is the batch's last event there?), and the same batch written again if not; only when that fails too on_done
 * gets WF_IO. WF_FULL: the disk (or quota) is full; the ballast file was released first and the batch tried again; on_done with
 * `full` set tells that we live on ballast now (drain), and again when it could be refilled. Between a failure and the reopen nothing is
 * acknowledged.
 */
#ifndef WF_STORE_STORE_H
#define WF_STORE_STORE_H

#include <stdint.h>

#include "engine/base/os.h"
#include "engine/loop/loop.h"
#include "engine/state/things.h"

#define WF_STORE_SCHEMA 1
#define WF_TASKS_PER_BLOB 4096

struct wf_store;
struct wf_batch;

/* ---- writing ------------------------------------------------------------------------------------------ */

struct wf_batch *wf_batch_create(void);
void wf_batch_free(struct wf_batch *b);
/* Each call copies what it is given. Order inside a batch does not matter but for events (rising first_seq). */
void wf_batch_events(struct wf_batch *b, uint64_t run, uint64_t first_seq, uint32_t count, int64_t time, const void *blob, size_t n);
/* Tasks chunk * 4096 .. of an instance, up to 4,096 records, as they are after event `applied_seq`. */
void wf_batch_tasks(struct wf_batch *b, uint64_t run, uint32_t instance, uint32_t chunk, uint64_t applied_seq, const struct wf_task *t,
		    uint32_t count);
void wf_batch_run(struct wf_batch *b, const struct wf_run *r);
void wf_batch_service(struct wf_batch *b, const struct wf_service *s);
void wf_batch_member(struct wf_batch *b, const struct wf_member *m);
void wf_batch_lease(struct wf_batch *b, const struct wf_lease *l);
/* Immutable input of a run: the workflow text, the expanded graph (dag_encode), and -p values as JSON. */
void wf_batch_input(struct wf_batch *b, uint64_t run, const char *text, size_t text_n, const void *dag, size_t dag_n, const char *params);
/* The graph again, after a run-time fan-out was sized. */
void wf_batch_graph(struct wf_batch *b, uint64_t run, const void *dag, size_t n);
/* Rare text of an attempt's end. Either may be NULL. */
void wf_batch_note(struct wf_batch *b, uint64_t run, uint32_t instance, uint32_t index, uint32_t attempt, const char *reason,
		   const char *result);
/* An attempt that is not its task's last any more (history of retries). */
void wf_batch_attempt(struct wf_batch *b, uint64_t run, uint32_t instance, uint32_t index, const struct wf_task *t);
/* The note or the record of an attempt that follows from an event on a task: the one place that knows which. `before` is the task
 * as it was before the event was applied. Does nothing (and costs nothing) for most kinds. */
void wf_batch_derive(struct wf_batch *b, const struct wf_event *e, const struct wf_task *before);
/* Forget a run and all that belongs to it. */
void wf_batch_forget(struct wf_batch *b, uint64_t run);
size_t wf_batch_bytes(const struct wf_batch *b);
int wf_batch_is_empty(const struct wf_batch *b);

struct wf_store_state {
	int full;              /* living on ballast: drain */
	uint64_t free_bytes;   /* of the state directory's file system, at the last commit */
	uint64_t commits, events;
};
/* Takes b. on_done comes exactly once, on the loop's thread. After WF_FULL the batch is kept: commit NULL to try it again, and nothing else
 * before it is through. NULL with nothing kept only looks whether there is space again (st->full). */
void wf_store_commit(struct wf_store *s, struct wf_loop *l, struct wf_batch *b,
		     void (*on_done)(void *arg, const struct wf_err *err /* NULL: durable */, const struct wf_store_state *st), void *arg);
/* Called on the store's thread after each commit and before its on_done is queued: is this engine still the owner? Non-zero with err
 * set: it is not, on_done gets WF_CONFLICT and the process must end without a reply or effect. */
void wf_store_set_fence(struct wf_store *s, int (*fn)(void *arg, struct wf_err *err), void *arg);
/* Gives back half of the ballast of a store that nobody has open, then the rest; 0: there is none. */
int wf_store_free_ballast(struct wf_os *os, const char *dir);
/* The log is moved into the database when it has so many pages and nothing waits, or twice as many; 0: the usual number. */
void wf_store_set_log_pages(struct wf_store *s, uint32_t pages);
/* Synchronous form, before the loop runs or after it ended. */
int wf_store_commit_now(struct wf_store *s, struct wf_batch *b, struct wf_err *err);

/* ---- opening and loading -------------------------------------------------------------------------------- */

/* Opens or creates DIR/wf.db and the ballast. With the disk full it still opens (ballast freed first). Damage is WF_CORRUPT with what to do;
 * the original is kept as it is. `epoch` goes into every row of events. */
struct wf_store *wf_store_open(struct wf_os *os, const char *dir, uint64_t epoch, struct wf_err *err);
void wf_store_close(struct wf_store *s);
void wf_store_state(const struct wf_store *s, struct wf_store_state *st);
/* Highest event number stored; 0 when none. */
uint64_t wf_store_last_seq(const struct wf_store *s);
/* Highest run number and attempt number ever given out, those of forgotten runs included. */
uint64_t wf_store_last_run(const struct wf_store *s);
uint64_t wf_store_last_attempt(const struct wf_store *s);

/* What loading hands over, run by run (runs that are not over first hand their everything; finished runs only their row), each pointer valid
 * during the call. Return non-zero to stop with err set. */
struct wf_store_visitor {
	void *arg;
	/* every run; `live`: not over, so input, tasks and the rest follow */
	int (*run)(void *arg, const struct wf_run *r, struct wf_err *err);
	int (*input)(void *arg, uint64_t run, const char *text, size_t text_n, const void *dag, size_t dag_n, const char *params, struct wf_err *err);
	int (*tasks)(void *arg, uint64_t run, uint32_t instance, uint32_t chunk, uint64_t applied_seq, const struct wf_task *t, uint32_t count,
		     struct wf_err *err);
	int (*service)(void *arg, const struct wf_service *s, struct wf_err *err);
	int (*member)(void *arg, const struct wf_member *m, struct wf_err *err);
	int (*lease)(void *arg, const struct wf_lease *l, struct wf_err *err);
	/* then the tail: every event of the run that some blob or row of it may not have applied yet, in order, and always its last
	 * event (whose number is the run's revision). Apply only what is newer than the blob's applied_seq or the row's seq. */
	int (*event)(void *arg, const struct wf_event *e, struct wf_err *err);
};
int wf_store_load(struct wf_store *s, const struct wf_store_visitor *v, struct wf_err *err);
/* The same for one run (a finished one whose tasks somebody wants to see, or retry). */
int wf_store_load_run(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v, struct wf_err *err);

/* ---- reading history: short and bounded, between two batches ------------------------------------------------ */

/* Runs `fn(store, arg)` on the store's thread, then `done(arg)` on the loop's. fn may call the wf_store_get_* functions below. */
void wf_store_read(struct wf_store *s, struct wf_loop *l, void (*fn)(struct wf_store *s, void *arg), void (*done)(void *arg), void *arg);

/* Events of a run (0: of all) after `since`, at most `limit`; go on from the last one's seq. fn's non-zero stops. */
int wf_store_get_events(struct wf_store *s, uint64_t run, uint64_t since, uint32_t limit, int (*fn)(const struct wf_event *e, void *arg),
			void *arg, struct wf_err *err);
/* Attempts of a task before its last, in order, and the notes of all. */
int wf_store_get_attempts(struct wf_store *s, uint64_t run, uint32_t instance, uint32_t index,
			  int (*fn)(uint32_t attempt, const struct wf_task *t, void *arg), void *arg, struct wf_err *err);
/* Note of an attempt (attempt 0: the last one that has one): heap strings or NULL. */
int wf_store_get_note(struct wf_store *s, uint64_t run, uint32_t instance, uint32_t index, uint32_t attempt, char **reason, char **result,
		      struct wf_err *err);
/* Every note of an instance, by index, last attempt each (for step.tasks). */
int wf_store_get_notes(struct wf_store *s, uint64_t run, uint32_t instance,
		       int (*fn)(uint32_t index, uint32_t attempt, const char *reason, const char *result, void *arg), void *arg,
		       struct wf_err *err);
int wf_store_get_input(struct wf_store *s, uint64_t run, struct wf_buf *text, struct wf_buf *dag, char **params, struct wf_err *err);
/* Every engine that served, in order: what it said of itself, and the highest attempt number given out before it. */
int wf_store_get_engines(struct wf_store *s, void (*fn)(void *arg, uint64_t number, const struct wf_event *started), void *arg,
			 struct wf_err *err);
/* A consistent copy with SQLite's backup API into a new file (temporary name, fsync, rename). */
int wf_store_backup(struct wf_store *s, const char *file, uint64_t *bytes, struct wf_err *err);

/* ---- offline ------------------------------------------------------------------------------------------------- */

/* `wf engine recover`: checks integrity and every checksum. With rebuild, tasks, runs, services, members, leases, notes and attempts are
 * derived again from the events and the inputs into DIR/wf.db.new; with `compare` they are compared with what is there (WF_CORRUPT and the
 * first difference), otherwise renamed over wf.db (the old one kept as wf.db.old-<time>). `out` gets a report for people. */
int wf_store_recover(struct wf_os *os, const char *dir, int rebuild, int compare, struct wf_buf *out, struct wf_err *err);
/* Copies database and log of FROM, whose owner is fenced but may still write, into TO and verifies the copy: every page, every checksum, and
 * everything derived compared with its events. Afterwards TO/wf.db is there, whole; before, it is not. FROM is only read. WF_CONFLICT: it does
 * not hold still. Without a database in FROM it does nothing. */
int wf_store_take(struct wf_os *os, const char *from, const char *to, struct wf_err *err);

#endif
