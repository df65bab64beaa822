/* store_internal.h - what the files of engine/store share: the store, a batch as a list of writes,
 * the tails, the ballast
 *
 * Everything here but the loop's half of commit.c runs on whichever thread owns the connection at
 * the time: the opener before the loop runs, the store's thread (the loop's work thread) while it
 * runs.
 */
#ifndef WF_STORE_INTERNAL_H
#define WF_STORE_INTERNAL_H

#include <pthread.h>

#include "engine/base/hash.h"
#include "engine/store/db.h"
#include "engine/store/store.h"

/* ---- a batch --------------------------------------------------------------------------------- */

/* One write of a batch; each family of statements embeds it in a struct of its own. */
struct op {
	struct op *next;
	int (*write)(struct wf_store *s, const struct op *op, struct wf_err *err);
};
struct oplist {
	struct op *first, **end;
};

struct wf_batch {
	struct wf_arena mem;
	struct oplist events, rest, forgets; /* written in this order */
	size_t bytes;
	uint64_t first_seq; /* of its last row of events; 0: it has none */
	uint64_t last_seq;  /* of its last event */
	uint32_t crc;       /* of that row */
	uint64_t event_count;
};
/* size bytes for a struct that begins with struct op, queued on the list. */
void *batch_op(struct wf_batch *b, struct oplist *list, size_t size,
	       int (*write)(struct wf_store *s, const struct op *op, struct wf_err *err));
/* Copies that live as long as the batch; NULL stays NULL. */
char *batch_text(struct wf_batch *b, const char *s);
void *batch_copy(struct wf_batch *b, const void *p, size_t n);

/* ---- the tails: which events are not yet in the blobs and rows (tail.c) ---------------------- */

struct tails {
	struct wf_idmap runs; /* struct tail of each run that was written to or loaded */
	struct tail *last;    /* the one looked up last */
	uint64_t unknown_until; /* runs up to this one were not loaded: their marks stay */
};
/* An event was stored. */
void tails_event(struct tails *t, const struct wf_event *e);
/* A blob or row was stored as it is after event `applied`. */
void tails_saved(struct tails *t, uint64_t run, enum wf_subject subject, uint32_t a, uint32_t b,
		 uint64_t applied);
/* Stores the mark of every run that had a blob written since the last call; `next` is the number
 * after the last event. */
int tails_write(struct tails *t, struct wf_store *s, uint64_t next, struct wf_err *err);
/* All that is stale of this run has been told (it was loaded): its mark may be stored. */
void tails_known(struct tails *t, uint64_t run);
/* The run is over: it needs no memory once nothing of it is stale. */
void tails_over(struct tails *t, uint64_t run, int over);
/* Lowest event number that a load of this run must look at; 0: all of them. */
int tails_mark(struct wf_store *s, uint64_t run, uint64_t *mark, struct wf_err *err);
void tails_drop(struct tails *t, uint64_t run);
void tails_release(struct tails *t);

/* ---- the ballast (ballast.c) ----------------------------------------------------------------- */

enum { BALLAST = 16 << 20, LOW_WATER = 16 << 20 };

struct ballast {
	struct wf_os *os;
	char *path;
	uint64_t bytes; /* of it that are allocated */
};
void ballast_init(struct ballast *b, struct wf_os *os, const char *dir);
/* Allocated for real, all of it; -1 and WF_FULL when there is no room. */
int ballast_make(struct ballast *b, struct wf_err *err);
/* Gives back half, then the rest. 1 when something was given back, 0 when there was nothing
 * left. */
int ballast_release(struct ballast *b);
void ballast_free(struct ballast *b);

/* ---- the store ------------------------------------------------------------------------------- */

struct wf_store {
	struct wf_os *os;
	char *dir, *file;
	uint64_t epoch;
	struct db *db;        /* NULL: it could not be reopened, every commit is refused */
	struct wf_err lost;   /* why */
	uint64_t io_error_ms; /* monotonic time of the last I/O error; 0: none yet */
	struct ballast ballast;
	struct tails tails;
	struct wf_batch *kept; /* the batch that found no room */
	uint64_t last_seq, last_run, last_number;
	int forgot; /* something was deleted: give pages back when idle */
	struct wf_store_state state;
	int64_t space_ms; /* monotonic time of the last look at the free space */
	int (*fence)(void *arg, struct wf_err *err);
	void *fence_arg;

	/* The loop's half: only its thread touches these. */
	struct wf_store_state shown;
	uint64_t shown_seq, shown_run, shown_number;
	int in_flight;     /* commits and reads handed to the thread */
	int wal_pages;     /* after the last commit */
	int log_pages;     /* of it, before it is moved into the file when nothing waits */
	struct tidy *tidy; /* queued or running */
};

/* Opens one database file without ballast or thread: for the store itself and for recovery.
 * `plain`: leave log and schema as they are. */
struct wf_store *store_create(struct wf_os *os, const char *dir, const char *name, uint64_t epoch);
int store_connect(struct wf_store *s, int plain, struct wf_err *err);
void store_destroy(struct wf_store *s);
/* One transaction; nothing else is tried. */
int store_write(struct wf_store *s, const struct wf_batch *b, struct wf_err *err);
/* Whole or not at all, with all that can be done about a full disk and an I/O error. */
int store_commit(struct wf_store *s, struct wf_batch *b, struct wf_err *err);
/* Moves the log into the file; gives deleted pages back. Trouble is remembered, not returned. */
void store_tidy(struct wf_store *s);
/* Loop's thread: waits for it if it runs, makes it harmless if it is queued. */
void store_stop_tidy(struct wf_store *s);
/* Highest numbers given out, and the highest a forgotten run had. */
int store_learn(struct wf_store *s, struct wf_err *err);
int meta_put(struct wf_store *s, const char *key, uint64_t value, struct wf_err *err);

/* ---- families of rows: how each is read ------------------------------------------------------ */

int events_read(struct wf_store *s, sqlite3_stmt *st,
		int (*fn)(const struct wf_event *e, void *arg), void *arg, struct wf_err *err);
int events_last(struct wf_store *s, uint64_t run, uint64_t *seq, struct wf_err *err);
uint32_t events_crc(uint64_t first_seq, uint32_t count, int64_t time, uint64_t run, uint64_t epoch,
		    const void *blob, size_t n);
int tasks_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
	       struct wf_err *err);
int run_of_row(sqlite3_stmt *st, struct wf_run *r, struct wf_err *err);
int service_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		 struct wf_err *err);
int member_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		struct wf_err *err);
int lease_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
	       struct wf_err *err);
int input_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
	       struct wf_err *err);

/* ---- schema (migrate.c) ---------------------------------------------------------------------- */

struct step {
	int to; /* user_version after it; rising */
	const char *sql;
};
/* Each step in a transaction of its own. A newer version is WF_RESOURCE. */
int migrate(struct db *db, const struct step *steps, size_t n, struct wf_err *err);
extern const struct step store_steps[WF_STORE_SCHEMA];
int schema_version(struct db *db, int *version, struct wf_err *err);

/* The same for a store, after a copy of what is older: FILE.schema-<version>. */
int store_forward(struct wf_store *s, const struct step *steps, size_t n, struct wf_err *err);
/* fsync of the directory `file` lies in. */
int sync_parent(struct wf_os *os, const char *file, struct wf_err *err);
/* Copies the whole database into a new file: temporary name, sync, rename. */
int backup_to(struct wf_os *os, struct db *db, const char *file, uint64_t *bytes,
	      struct wf_err *err);

#endif
