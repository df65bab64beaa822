/* commit.c - owns how a batch gets to the disk: one transaction, and what is done when there is no
 * room or the disk fails.
 *
 *   written -------------------------------------------------------------> durable
 *      | no room: release ballast (half, then the rest), write again;
 *      |          nothing left ------------------------------------------> WF_FULL, batch is kept
 *      | I/O error: close, reopen, make the log durable again;
 *      |            is the batch's last row there?
 *      |              yes -----------------------------------------------> durable
 *      |              no: write again, once; another error,
 *      |                  or a second one within a minute --------------> WF_IO, for good
 *      +- anything else -------------------------------------------------> that error
 *
 * The upper half runs on the store's thread, the lower half ("the loop's half") on the loop's.
 * Knows no table.
 */
#include <stdlib.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/store/store_internal.h"

enum {
	IO_AGAIN_MS = 60 * 1000, /* a second I/O error within this time is the last */
	SPACE_MS = 1000, /* looking at the free space is a round trip on a network file system */
	/* Pages of log. Moving it into the file takes some ms: done when nothing waits, or when
	 * it is high time: at twice as many. */
#ifdef WF_FAULTS
	LOG_PAGES = 24, /* a sweep's short run is to come here, too */
#else
	LOG_PAGES = 1024,
#endif
	VACUUM_PAGES = 1024, /* given back at a time */
};

/* ---- one transaction ------------------------------------------------------------------------- */

static int write_ops(struct wf_store *s, const struct oplist *l, struct wf_err *err)
{
	for (const struct op *op = l->first; op; op = op->next)
		if (op->write(s, op, err) < 0)
			return -1;
	return 0;
}

int store_write(struct wf_store *s, const struct wf_batch *b, struct wf_err *err)
{
	uint64_t last_seq = s->last_seq;
	int ok;

	if (db_begin(s->db, HERE, err) < 0)
		return -1;
	ok = write_ops(s, &b->events, err) == 0;
	if (ok && b->last_seq)
		s->last_seq = b->last_seq;
	ok = ok && write_ops(s, &b->rest, err) == 0 &&
	     tails_write(&s->tails, s, s->last_seq + 1, err) == 0 &&
	     write_ops(s, &b->forgets, err) == 0;
	if (db_end(s->db, ok, err) == 0 && ok)
		return 0;
	s->last_seq = last_seq;
	return -1;
}

/* ---- an I/O error ---------------------------------------------------------------------------- */

static int refuse(struct wf_store *s, struct wf_err *err)
{
	return wf_errf(err, s->lost.code, "%s", s->lost.text);
}

/* No connection that can be trusted: nothing is acknowledged any more. */
static int lose(struct wf_store *s, struct wf_err *err)
{
	db_abandon(s->db);
	s->db = NULL;
	s->lost = *err;
	return -1;
}

/* A connection that saw an I/O error may go on acknowledging what never reaches the disk: begin
 * anew from the files. */
static int reopen(struct wf_store *s, struct wf_err *err)
{
	int f;

	db_abandon(s->db);
	s->db = NULL;
	f = WF_FAULT("store.reopen");
	if (f > 0)
		wf_errf(err, WF_IO, "cannot open '%s' again", s->file);
	if (f > 0 || store_connect(s, 0, err) < 0) {
		s->lost = *err;
		return -1;
	}
	return 0;
}

const char sql_events_is[] =
	"SELECT count, time, run, epoch, crc32c, blob FROM events WHERE first_seq = :first_seq";

/* Is this batch's last row there, as we wrote it? -1, 0, 1. */
static int is_stored(struct wf_store *s, const struct wf_batch *b, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!b->first_seq)
		return 0; /* blobs and rows alone: writing them again is the same */
	st = db_ask(s->db, SQL_events_is, DB_INT(":first_seq", b->first_seq));
	rc = db_next(s->db, st, err);
	if (rc > 0) {
		size_t n;
		const void *blob = db_blob(st, 5, &n);

		if (wf_crc32c(0, blob, n) != b->crc || (uint64_t)db_int(st, 3) != s->epoch)
			rc = wf_errf(err, WF_CORRUPT,
				     "'%s' holds other events at number %llu; another engine wrote "
				     "to it",
				     s->file, (unsigned long long)b->first_seq);
	}
	db_done(st);
	return rc;
}

/* After an I/O error: 1 when the batch turned out to be stored, 0 when it may be written again,
 * -1 when that is the end. */
static int recover_io(struct wf_store *s, const struct wf_batch *b, struct wf_err *err)
{
	uint64_t now = (uint64_t)wf_os_mono_ms(s->os) + 1;
	int rc;

	if (s->io_error_ms && now - s->io_error_ms < IO_AGAIN_MS) {
		wf_err_wrap(err, "a second time within a minute");
		return lose(s, err);
	}
	s->io_error_ms = now;
	wf_log(WF_LOG_ERROR, "store: %s; opening it again", err->text);
	if (reopen(s, err) < 0)
		return -1;
	rc = b ? is_stored(s, b, err) : 0;
	if (rc < 0)
		return lose(s, err);
	if (rc > 0)
		s->last_seq = b->last_seq;
	return rc;
}

/* ---- a full disk ----------------------------------------------------------------------------- */

static void enter_full(struct wf_store *s)
{
	if (!s->state.full)
		wf_log(WF_LOG_ERROR, "store: no space left for '%s'; living on the ballast",
		       s->file);
	s->state.full = 1;
}

/* Refreshes the free space, and leaves the full state when there is room for the ballast (what is
 * left of it counts) and as much again. */
static void look_at_space(struct wf_store *s)
{
	int64_t now = wf_os_mono_ms(s->os);

	if (!s->state.full && s->space_ms && now - s->space_ms < SPACE_MS)
		return;
	s->space_ms = now;
	if (s->os->ops->free_bytes(s->os->self, s->dir, &s->state.free_bytes) < 0)
		return;
	if (s->state.full && s->state.free_bytes + s->ballast.bytes > 2 * (uint64_t)LOW_WATER &&
	    ballast_make(&s->ballast, NULL) == 0) {
		wf_log(WF_LOG_WARN, "store: there is space for '%s' again", s->file);
		s->state.full = 0;
	}
}

/* ---- whole or not at all --------------------------------------------------------------------- */

int store_commit(struct wf_store *s, struct wf_batch *b, struct wf_err *err)
{
	int rewritten = 0;

	if (!s->db)
		return refuse(s, err);
	while (!wf_batch_is_empty(b) && store_write(s, b, err) < 0) {
		int stored = 0;

		if (err->code == WF_FULL) {
			enter_full(s);
			if (!ballast_release(&s->ballast))
				return -1;
			/* A sync that found no room leaves the same doubt as one that failed. */
			if (s->db->broken) {
				if (reopen(s, err) < 0)
					return -1;
				stored = is_stored(s, b, err);
			}
		} else if (s->db->broken && !rewritten) {
			stored = recover_io(s, b, err);
			rewritten = 1;
		} else if (s->db->broken) {
			return lose(s, err);
		} else {
			return -1;
		}
		if (stored < 0)
			return -1;
		if (stored > 0) {
			s->last_seq = b->last_seq;
			break;
		}
	}
	s->state.commits++;
	s->state.events += b->event_count;
	look_at_space(s);
	return 0;
}

static void give_pages_back(struct wf_store *s, struct wf_err *err)
{
	int64_t left = 0;
	char *sql;
	int ok;

	if (!s->forgot || db_begin(s->db, HERE, err) < 0)
		return;
	sql = wf_xasprintf("PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	ok = db_script(s->db, sql, err) == 0;
	free(sql);
	if (db_end(s->db, ok, err) == 0 && ok &&
	    db_number(s->db, "PRAGMA freelist_count", &left, err) == 0)
		s->forgot = left > 0;
	else
		s->forgot = 0;
}

static int move_log(struct wf_store *s, struct wf_err *err)
{
	int f = WF_FAULT("store.checkpoint.before");

	if (f > 0) {
		s->db->broken = 1;
		return wf_errf(err, WF_IO, "cannot move the log of '%s' into it", s->file);
	}
	if (sqlite3_wal_checkpoint_v2(s->db->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
	    SQLITE_OK)
		return db_err(s->db, "move the log into", err);
	s->db->wal_pages = 0;
	return 0;
}

void store_tidy(struct wf_store *s)
{
	struct wf_err err = { 0 };

	if (!s->db)
		return;
	give_pages_back(s, &err);
	while (move_log(s, &err) < 0) {
		/* Without room the log just grows on; what is in it is as safe as in the file. */
		if (err.code == WF_FULL) {
			enter_full(s);
			if (s->db->broken && reopen(s, &err) < 0)
				return;
			if (!ballast_release(&s->ballast))
				return;
		} else if (s->db->broken) {
			(void)recover_io(s, NULL, &err);
			return;
		} else {
			wf_log(WF_LOG_ERROR, "store: %s, ignoring", err.text);
			return;
		}
	}
}

int wf_store_commit_now(struct wf_store *s, struct wf_batch *b, struct wf_err *err)
{
	struct wf_err own = { 0 };
	int rc = store_commit(s, b, &own);

	if (rc == 0 && s->fence && s->fence(s->fence_arg, &own)) {
		own.code = WF_CONFLICT;
		rc = -1;
	}
	if (s->db && s->db->wal_pages >= 2 * s->log_pages)
		store_tidy(s);
	s->shown = s->state;
	s->shown_seq = s->last_seq;
	s->shown_run = s->last_run;
	s->shown_number = s->last_number;
	wf_batch_free(b);
	if (rc < 0 && err)
		*err = own;
	return rc;
}

void wf_store_set_log_pages(struct wf_store *s, uint32_t pages)
{
	s->log_pages = pages ? (int)pages : LOG_PAGES;
}

/* ---- the loop's half ------------------------------------------------------------------------- */

struct commit {
	struct wf_work work;
	struct wf_store *s;
	struct wf_loop *loop;
	struct wf_batch *batch; /* NULL: the kept one */
	void (*on_done)(void *arg, const struct wf_err *err, const struct wf_store_state *st);
	void *arg;
	int rc;
	struct wf_err err;
	struct wf_store_state state; /* as it was on the thread when this commit ended */
	uint64_t last_seq, last_run, last_number;
	int wal_pages;
};

static void run_commit(struct wf_work *w)
{
	struct commit *c = wf_container_of(w, struct commit, work);
	struct wf_store *s = c->s;
	struct wf_batch *b = c->batch ? c->batch : s->kept;

	if (c->batch && s->kept) {
		c->rc = wf_errf(&c->err, WF_FULL, "the batch that found no room comes first");
		wf_batch_free(c->batch);
	} else if (!b) {
		/* Nothing kept: a look at the disk. */
		look_at_space(s);
		c->rc = s->db ? 0 : refuse(s, &c->err);
	} else {
		c->rc = store_commit(s, b, &c->err);
		s->kept = c->rc < 0 && c->err.code == WF_FULL && s->db ? b : NULL;
		if (!s->kept)
			wf_batch_free(b);
	}
	if (c->rc == 0 && s->fence && s->fence(s->fence_arg, &c->err)) {
		c->err.code = WF_CONFLICT;
		c->rc = -1;
	}
	c->state = s->state;
	c->last_seq = s->last_seq;
	c->last_run = s->last_run;
	c->last_number = s->last_number;
	c->wal_pages = s->db ? s->db->wal_pages : 0;
}

/* Moving the log into the file, between two batches. It may still be queued when the store is
 * closed. */
struct tidy {
	struct wf_work work;
	pthread_mutex_t lock; /* guards s, held while it runs */
	struct wf_store *s;   /* NULL: the store was closed before */
};

static void run_tidy(struct wf_work *w)
{
	struct tidy *t = wf_container_of(w, struct tidy, work);

	pthread_mutex_lock(&t->lock);
	if (t->s)
		store_tidy(t->s);
	pthread_mutex_unlock(&t->lock);
}

static void on_tidy_done(struct wf_work *w)
{
	struct tidy *t = wf_container_of(w, struct tidy, work);

	if (t->s)
		t->s->tidy = NULL;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void start_tidy(struct wf_store *s, struct wf_loop *loop)
{
	struct tidy *t = wf_xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->s = s;
	t->work.run = run_tidy;
	t->work.done = on_tidy_done;
	s->tidy = t;
	s->wal_pages = 0;
	wf_loop_work(loop, &t->work);
}

void store_stop_tidy(struct wf_store *s)
{
	if (!s->tidy)
		return;
	pthread_mutex_lock(&s->tidy->lock);
	s->tidy->s = NULL;
	pthread_mutex_unlock(&s->tidy->lock);
	s->tidy = NULL;
}

static void on_commit_done(struct wf_work *w)
{
	struct commit *c = wf_container_of(w, struct commit, work);
	struct wf_store *s = c->s;
	struct wf_loop *loop = c->loop;

	s->in_flight--;
	s->shown = c->state;
	s->shown_seq = c->last_seq;
	s->shown_run = c->last_run;
	s->shown_number = c->last_number;
	s->wal_pages = c->wal_pages;
	if (!s->tidy && s->wal_pages >= 2 * s->log_pages)
		start_tidy(s, loop);
	/* on_done may close the store when it was told that this is the end. */
	if (c->rc < 0) {
		c->on_done(c->arg, &c->err, &c->state);
	} else {
		int idle = !s->tidy && s->wal_pages >= s->log_pages && !s->in_flight;

		c->on_done(c->arg, NULL, &c->state);
		if (idle && !s->tidy && !s->in_flight)
			start_tidy(s, loop);
	}
	free(c);
}

void wf_store_commit(struct wf_store *s, struct wf_loop *l, struct wf_batch *b,
		     void (*on_done)(void *arg, const struct wf_err *err,
				     const struct wf_store_state *st),
		     void *arg)
{
	struct commit *c = wf_xcalloc(1, sizeof(*c));

	c->s = s;
	c->loop = l;
	c->batch = b;
	c->on_done = on_done;
	c->arg = arg;
	c->work.run = run_commit;
	c->work.done = on_commit_done;
	s->in_flight++;
	wf_loop_work(l, &c->work);
}

struct reading {
	struct wf_work work;
	struct wf_store *s;
	void (*fn)(struct wf_store *s, void *arg);
	void (*done)(void *arg);
	void *arg;
};

static void run_reading(struct wf_work *w)
{
	struct reading *r = wf_container_of(w, struct reading, work);

	r->fn(r->s, r->arg);
}

static void on_reading_done(struct wf_work *w)
{
	struct reading *r = wf_container_of(w, struct reading, work);

	r->s->in_flight--;
	r->done(r->arg);
	free(r);
}

void wf_store_read(struct wf_store *s, struct wf_loop *l, void (*fn)(struct wf_store *s, void *arg),
		   void (*done)(void *arg), void *arg)
{
	struct reading *r = wf_xcalloc(1, sizeof(*r));

	r->s = s;
	r->fn = fn;
	r->done = done;
	r->arg = arg;
	r->work.run = run_reading;
	r->work.done = on_reading_done;
	s->in_flight++;
	wf_loop_work(l, &r->work);
}
