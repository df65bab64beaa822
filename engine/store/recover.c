/* recover.c - owns `wf engine recover`: every checksum looked at, everything derived made again
 * from events and inputs.
 *
 * Offline: the caller has made sure that no engine owns the directory. The database is only read
 * until a complete new one lies beside it, synced; then the names are changed, and the old one is
 * kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/store/replica.h"
#include "engine/store/store_internal.h"

enum { FLUSH_BYTES = 16 << 20, FLUSH_ROWS = 4096 };

struct recovery {
	struct wf_os *os;
	const char *dir;
	struct wf_store *old, *new;
	struct wf_buf *out;
	uint64_t events, rows, runs, tasks, notes, attempts;
	uint64_t damaged;
	struct wf_err first; /* damage found first */
};

/* ---- looking --------------------------------------------------------------------------------- */

static void damage(struct recovery *r, const char *text)
{
	if (!r->damaged++)
		wf_errf(&r->first, WF_CORRUPT, "%s", text);
	if (r->damaged <= 20)
		wf_buf_printf(r->out, "damaged: %s\n", text);
}

static int check_pages(struct recovery *r, struct wf_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (sqlite3_prepare_v2(r->old->db->sql, "PRAGMA integrity_check(20)", -1, &st, NULL) !=
	    SQLITE_OK)
		return db_err(r->old->db, "check", err);
	while ((rc = db_next(r->old->db, st, err)) > 0)
		if (strcmp(db_text(st, 0), "ok") != 0)
			damage(r, db_text(st, 0));
	sqlite3_finalize(st);
	return rc;
}

const char sql_events_all[] = "SELECT first_seq, count, time, run, epoch, number, crc32c, blob "
			      "FROM events ORDER BY first_seq";

static int count_event(const struct wf_event *e, void *arg)
{
	(void)e;
	++*(uint64_t *)arg;
	return 0;
}

static int check_events(struct recovery *r, struct wf_err *err)
{
	sqlite3_stmt *st =
		db_start(r->old->db, SQL_events_all, (const struct db_arg[]){ { .name = NULL } });
	uint64_t next = 1;
	int rc;

	while ((rc = db_next(r->old->db, st, err)) > 0) {
		uint64_t first = (uint64_t)db_int(st, 0), run = (uint64_t)db_int(st, 3),
			 epoch = (uint64_t)db_int(st, 4);
		uint32_t count = (uint32_t)db_int(st, 1);
		struct wf_err own = { 0 };
		size_t n;
		const void *blob = db_blob(st, 7, &n);

		if (first < next) {
			wf_errf(&own, WF_CORRUPT, "event number %llu is there twice",
				(unsigned long long)first);
			damage(r, own.text);
		} else if (events_crc(first, count, db_int(st, 2), run, epoch, blob, n) !=
			   (uint32_t)db_int(st, 6)) {
			wf_errf(&own, WF_CORRUPT,
				"events of run %llu from number %llu to %llu (checksum)",
				(unsigned long long)run, (unsigned long long)first,
				(unsigned long long)(first + count - 1));
			damage(r, own.text);
		} else if (wf_unpack(blob, n, run, first, count, db_int(st, 2), epoch, count_event,
				     &r->events, &own) < 0) {
			damage(r, own.text);
		}
		next = first + count;
		r->rows++;
	}
	db_done(st);
	return rc;
}

const char sql_tasks_runs[] = "SELECT DISTINCT run FROM tasks ORDER BY run";

static int check_tasks(struct recovery *r, struct wf_err *err)
{
	static const struct wf_store_visitor nothing;
	sqlite3_stmt *st =
		db_start(r->old->db, SQL_tasks_runs, (const struct db_arg[]){ { .name = NULL } });
	int rc;

	while ((rc = db_next(r->old->db, st, err)) > 0) {
		struct wf_err own = { 0 };

		if (tasks_read(r->old, (uint64_t)db_int(st, 0), &nothing, &own) == 0)
			continue;
		damage(r, own.text);
	}
	db_done(st);
	return rc;
}

const char sql_run_lost[] = "SELECT number FROM run WHERE NOT EXISTS (SELECT 1 FROM events WHERE "
			    "events.run = run.number)";

static int check_runs(struct recovery *r, struct wf_err *err)
{
	sqlite3_stmt *st =
		db_start(r->old->db, SQL_run_lost, (const struct db_arg[]){ { .name = NULL } });
	int rc;

	while ((rc = db_next(r->old->db, st, err)) > 0) {
		struct wf_err own = { 0 };

		wf_errf(&own, WF_CORRUPT, "run %lld has a row but no events",
			(long long)db_int(st, 0));
		damage(r, own.text);
	}
	db_done(st);
	return rc;
}

/* ---- the new database ------------------------------------------------------------------------ */

static int copy_events(struct recovery *r, struct wf_err *err)
{
	sqlite3_stmt *st =
		db_start(r->old->db, SQL_events_all, (const struct db_arg[]){ { .name = NULL } });
	uint64_t rows = 0;
	int rc = 0;

	if (db_begin(r->new->db, HERE, err) < 0) {
		db_done(st);
		return -1;
	}
	while (rc == 0 && (rc = db_next(r->old->db, st, err)) > 0) {
		size_t n;
		const void *blob = db_blob(st, 7, &n);

		rc = db_do(r->new->db, SQL_events_put, err, DB_INT(":first_seq", db_int(st, 0)),
			   DB_INT(":count", db_int(st, 1)), DB_INT(":time", db_int(st, 2)),
			   DB_INT(":run", db_int(st, 3)), DB_INT(":epoch", db_int(st, 4)),
			   DB_INT(":number", db_int(st, 5)), DB_INT(":crc32c", db_int(st, 6)),
			   DB_BLOB(":blob", blob, n));
		if (rc == 0 && ++rows % FLUSH_ROWS == 0)
			rc = db_end(r->new->db, 1, err) < 0 || db_begin(r->new->db, HERE, err) < 0
				     ? -1
				     : 0;
		if (rc == 0)
			continue;
		break;
	}
	db_done(st);
	if (r->new->db->depth && db_end(r->new->db, rc == 0, err) < 0)
		return -1;
	return rc;
}

static int copy_input(struct recovery *r, uint64_t run, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (db_begin(r->new->db, HERE, err) < 0)
		return -1;
	st = db_ask(r->old->db, SQL_input_get, DB_INT(":run", run));
	rc = db_next(r->old->db, st, err);
	if (rc > 0) {
		size_t text_n, graph_n;
		const void *text = db_blob(st, 0, &text_n), *graph = db_blob(st, 1, &graph_n);

		rc = db_do(r->new->db, SQL_input_put, err, DB_INT(":run", run),
			   DB_INT(":graph_seq", db_int(st, 3)), DB_TEXT(":params", db_text(st, 2)),
			   DB_BLOB(":text", text_n ? text : "", text_n),
			   DB_BLOB(":graph", graph_n ? graph : "", graph_n));
	}
	db_done(st);
	return db_end(r->new->db, rc == 0, err) < 0 ? -1 : rc;
}

struct replay {
	struct replica replica;
	struct wf_store *to;
	struct wf_err *err;
};

static int replay_event(const struct wf_event *e, void *arg)
{
	struct replay *p = arg;

	if (replica_apply(&p->replica, e, p->err) < 0)
		return -1;
	/* The notes of a large run are written as they come. */
	if (wf_batch_bytes(p->replica.notes) < FLUSH_BYTES)
		return 0;
	if (store_write(p->to, p->replica.notes, p->err) < 0)
		return -1;
	wf_batch_free(p->replica.notes);
	p->replica.notes = wf_batch_create();
	return 0;
}

/* All that follows from one run's events, into the new database. */
static int rebuild_run(struct recovery *r, uint64_t run, struct wf_err *err)
{
	struct replay p = { .to = r->new, .err = err };
	int rc;

	p.replica.notes = wf_batch_create();
	rc = events_read(
		r->old,
		db_ask(r->old->db, SQL_events_of_run, DB_INT(":run", run), DB_INT(":from", 0)),
		replay_event, &p, err);
	if (rc == 0) {
		replica_store(&p.replica, p.replica.notes, p.replica.run.seq);
		r->runs++;
		r->tasks += replica_tasks(&p.replica);
		if (p.replica.unknown)
			wf_buf_printf(r->out,
				      "run %llu: %llu events of kinds this build does not know "
				      "were kept, not applied\n",
				      (unsigned long long)run,
				      (unsigned long long)p.replica.unknown);
		rc = store_write(r->new, p.replica.notes, err);
	}
	if (rc == 0)
		rc = copy_input(r, run, err);
	wf_batch_free(p.replica.notes);
	replica_release(&p.replica);
	return rc;
}

/* Runs by number, without walking all rows. */
const char sql_events_next_run[] = "SELECT min(run) FROM events WHERE run > :run";

static int next_run(struct wf_store *s, uint64_t *run, struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_events_next_run, DB_INT(":run", *run));
	int rc = db_next(s->db, st, err);

	*run = rc > 0 ? (uint64_t)db_int(st, 0) : 0;
	db_done(st);
	return rc < 0 ? -1 : 0;
}

static int keep_numbers(struct recovery *r, struct wf_err *err)
{
	int ok;

	if (db_begin(r->new->db, HERE, err) < 0)
		return -1;
	ok = meta_put(r->new, "last_seq", r->old->last_seq, err) == 0 &&
	     meta_put(r->new, "last_run", r->old->last_run, err) == 0 &&
	     meta_put(r->new, "last_number", r->old->last_number, err) == 0;
	return db_end(r->new->db, ok, err) < 0 || !ok ? -1 : 0;
}

static void remove_new(struct recovery *r)
{
	static const char *const ends[] = { "", "-wal", "-journal" };

	for (size_t i = 0; i < WF_COUNT(ends); i++) {
		char *path = wf_xasprintf("%s/wf.db.new%s", r->dir, ends[i]);

		r->os->ops->unlink(r->os->self, path);
		free(path);
	}
}

static int rebuild(struct recovery *r, struct wf_err *err)
{
	uint64_t run = 0;

	remove_new(r);
	r->new = store_create(r->os, r->dir, "wf.db.new", 0);
	if (store_connect(r->new, 0, err) < 0 || keep_numbers(r, err) < 0 ||
	    copy_events(r, err) < 0 || store_learn(r->new, err) < 0)
		return -1;
	for (;;) {
		if (next_run(r->old, &run, err) < 0)
			return -1;
		if (!run)
			return 0;
		if (rebuild_run(r, run, err) < 0)
			return -1;
		if (r->new->db->wal_pages > FLUSH_ROWS)
			store_tidy(r->new);
	}
}

/* ---- comparing ------------------------------------------------------------------------------- */

const char sql_note_of_run[] = "SELECT instance, idx, attempt, reason, result FROM note WHERE run "
			       "= :run ORDER BY instance, idx, attempt";
const char sql_attempt_of_run[] = "SELECT instance, idx, attempt, record FROM attempt WHERE run = "
				  ":run ORDER BY instance, idx, attempt";

static int same_column(sqlite3_stmt *a, sqlite3_stmt *b, int i)
{
	size_t n, m;
	const void *p = db_blob(a, i, &n), *q = db_blob(b, i, &m);

	return sqlite3_column_type(a, i) == sqlite3_column_type(b, i) && n == m &&
	       (n == 0 || memcmp(p, q, n) == 0);
}

/* Both answer instance, index, attempt first, in that order. 0 equal, 1 different, -1. */
static int compare_side(struct recovery *r, enum db_sql which, const char *what, uint64_t run,
			uint64_t *count, struct wf_buf *out, struct wf_err *err)
{
	sqlite3_stmt *a = db_ask(r->old->db, which, DB_INT(":run", run)),
		     *b = db_ask(r->new->db, which, DB_INT(":run", run));
	int columns = sqlite3_column_count(a), rc = 0;

	while (rc == 0) {
		int ra = db_next(r->old->db, a, err), rb = db_next(r->new->db, b, err);
		sqlite3_stmt *there = ra > 0 ? a : b;

		if (ra < 0 || rb < 0)
			rc = -1;
		else if (!ra && !rb)
			break;
		for (int i = 0; rc == 0 && i < columns; i++)
			rc = ra != rb || !same_column(a, b, i);
		if (rc > 0)
			wf_buf_printf(out,
				      "run %llu, instance %lld, index %lld, attempt %lld: the "
				      "stored %s and that of the events differ",
				      (unsigned long long)run, (long long)db_int(there, 0),
				      (long long)db_int(there, 1), (long long)db_int(there, 2),
				      what);
		++*count;
	}
	db_done(a);
	db_done(b);
	return rc;
}

static int compare_run(struct recovery *r, uint64_t run, struct wf_buf *out, struct wf_err *err)
{
	struct replica stored = { 0 }, derived = { 0 };
	struct wf_store_visitor v = replica_visitor(&derived);
	int rc = wf_store_load_run(r->new, run, &v, err);

	if (rc == 0) {
		replica_size(&stored, &derived);
		v = replica_visitor(&stored);
		rc = wf_store_load_run(r->old, run, &v, err);
		if (rc < 0)
			wf_err_wrap(err, "what is stored cannot be loaded ('wf engine recover "
					 "--rebuild' makes it again)");
	}
	if (rc == 0)
		rc = replica_compare(&stored, &derived, out);
	if (rc == 0)
		rc = compare_side(r, SQL_note_of_run, "note", run, &r->notes, out, err);
	if (rc == 0)
		rc = compare_side(r, SQL_attempt_of_run, "record", run, &r->attempts, out, err);
	replica_release(&stored);
	replica_release(&derived);
	return rc;
}

static int compare_all(struct recovery *r, struct wf_err *err)
{
	struct wf_buf out = { 0 };
	uint64_t run = 0;
	int rc;

	while ((rc = next_run(r->new, &run, err)) == 0 && run) {
		rc = compare_run(r, run, &out, err);
		if (rc)
			break;
	}
	if (rc > 0) {
		wf_buf_printf(r->out, "different: %s\n", out.data);
		rc = wf_errf(err, WF_CORRUPT,
			     "%s; 'wf engine recover --rebuild' takes what the events say",
			     out.data);
	}
	wf_buf_release(&out);
	return rc;
}

/* ---- changing places ------------------------------------------------------------------------- */

/* A log is read with whatever file lies beside it: the old one must be empty before the new file
 * takes its place. */
static int fold_log(struct recovery *r, struct wf_err *err)
{
	char *wal = wf_xasprintf("%s-wal", r->old->file);
	int rc = 0;

	(void)WF_FAULT("store.recover.fold");
	if (sqlite3_wal_checkpoint_v2(r->old->db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
				      NULL) != SQLITE_OK)
		rc = db_err(r->old->db, "move the log into", err);
	if (rc == 0) {
		struct stat st;

		db_close(r->old->db);
		r->old->db = NULL;
		if (r->os->ops->lstat(r->os->self, wal, &st) == 0 && st.st_size > 0)
			rc = wf_errf(err, WF_IO, "cannot empty '%s'", wal);
	}
	free(wal);
	return rc;
}

static int swap(struct recovery *r, struct wf_err *err)
{
	char *old = wf_xasprintf("%s.old-%lld", r->old->file, (long long)wf_os_wall_ms(r->os));
	int f, rc = -1;

	if (sqlite3_wal_checkpoint_v2(r->new->db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
				      NULL) != SQLITE_OK) {
		db_err(r->new->db, "move the log into", err);
		goto out;
	}
	db_close(r->new->db);
	r->new->db = NULL;
	if (fold_log(r, err) < 0)
		goto out;
	f = WF_FAULT("store.recover.link.before");
	if (f > 0)
		errno = f;
	if (f > 0 || r->os->ops->link(r->os->self, r->old->file, old) < 0) {
		wf_err_sys(err, "cannot keep the old database as '%s'", old);
		goto out;
	}
	f = WF_FAULT("store.recover.rename.before");
	if (f > 0)
		errno = f;
	if (f > 0 || r->os->ops->rename(r->os->self, r->new->file, r->old->file) < 0) {
		wf_err_sys(err, "cannot rename '%s' to '%s'", r->new->file, r->old->file);
		goto out;
	}
	(void)WF_FAULT("store.recover.rename.after");
	wf_buf_printf(r->out, "the old database is kept as '%s'\n", old);
	rc = sync_parent(r->os, r->old->file, err);
out:
	free(old);
	return rc;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static int look(struct recovery *r, struct wf_err *err)
{
	if (check_pages(r, err) < 0 || check_events(r, err) < 0)
		return -1;
	wf_buf_printf(r->out, "events: %llu in %llu rows, up to number %llu\n",
		      (unsigned long long)r->events, (unsigned long long)r->rows,
		      (unsigned long long)r->old->last_seq);
	return 0;
}

static int verb(struct recovery *r, int want_rebuild, int compare, struct wf_err *err)
{
	uint64_t in_events;

	if (look(r, err) < 0)
		return -1;
	in_events = r->damaged;
	/* What follows is derived: a rebuild cures it. */
	if (check_runs(r, err) < 0 || check_tasks(r, err) < 0)
		return -1;
	if (!want_rebuild) {
		if (r->damaged)
			return wf_errf(err, WF_CORRUPT,
				       "%llu damaged places in '%s', the first: %s",
				       (unsigned long long)r->damaged, r->old->file, r->first.text);
		wf_buf_str(r->out, "no damage found\n");
		return 0;
	}
	/* Nothing can be made from damaged events; their run has to be given up by a person, not
	 * by us. */
	if (in_events)
		return wf_errf(err, WF_CORRUPT, "cannot rebuild '%s': %s; put back a backup",
			       r->old->file, r->first.text);
	if (rebuild(r, err) < 0)
		return -1;
	wf_buf_printf(r->out, "rebuilt: %llu runs with %llu tasks\n", (unsigned long long)r->runs,
		      (unsigned long long)r->tasks);
	if (!compare)
		return swap(r, err);
	if (compare_all(r, err) < 0)
		return -1;
	wf_buf_printf(
		r->out,
		"equal: every task, service, member and lease, %llu notes, %llu earlier attempts\n",
		(unsigned long long)r->notes, (unsigned long long)r->attempts);
	return 0;
}

int wf_store_recover(struct wf_os *os, const char *dir, int want_rebuild, int compare,
		     struct wf_buf *out, struct wf_err *err)
{
	struct recovery r = { .os = os, .dir = dir, .out = out };
	int rc = -1;

	r.old = store_create(os, dir, "wf.db", 0);
	if (!wf_file_exists(os, r.old->file))
		wf_errf(err, WF_NOT_FOUND, "no '%s'; is this a state directory?", r.old->file);
	else if (store_connect(r.old, 1, err) == 0)
		rc = verb(&r, want_rebuild, compare, err);
	if (r.new) {
		db_abandon(r.new->db);
		store_destroy(r.new);
		if (rc < 0 || compare)
			remove_new(&r);
	}
	db_abandon(r.old->db);
	store_destroy(r.old);
	return rc;
}
