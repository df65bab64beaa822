/* db.c - owns the connection to SQLite: how it is opened, how statements run, what its errors mean.
 *
 * Knows no table. Not thread-safe: a connection is used by one thread at a time (the store sees to
 * that).
 */
#include "engine/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"

enum {
	WAL_KEEP = 16 << 20, /* the log is reused up to this size; longer ones are cut back */
	CACHE_KIB = 8192,
};

static const char *const sql_text[] = {
#define X(name) [SQL_##name] = sql_##name,
	DB_STATEMENTS(X)
#undef X
};

/* ---- errors ---------------------------------------------------------------------------------- */

static int is_full_errno(int e)
{
	return e == ENOSPC || e == EDQUOT;
}

/* The errno behind an I/O error. SQLite forgets it when a COMMIT fails, its files remember. */
static int system_errno(struct db *db)
{
	int sys = sqlite3_system_errno(db->sql), e = 0;
	sqlite3_file *log = NULL;

	if (sys)
		return sys;
	if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) ==
		    SQLITE_OK &&
	    log && log->pMethods &&
	    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK && e)
		return e;
	return sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK ? e
											       : 0;
}

int db_err(struct db *db, const char *doing, struct wf_err *err)
{
	int code = sqlite3_extended_errcode(db->sql), sys;
	const char *text = sqlite3_errmsg(db->sql);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return wf_errf(err, WF_FULL, "cannot %s '%s': no space left on its file system",
			       doing, db->path);
	case SQLITE_IOERR:
		db->broken = 1;
		sys = system_errno(db);
		return wf_errf(err, is_full_errno(sys) ? WF_FULL : WF_IO,
			       "cannot %s '%s': %s (%s, code %d)", doing, db->path, text,
			       sys ? strerror(sys) : "cause unknown", code);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return wf_errf(err, WF_CORRUPT,
			       "cannot %s '%s': %s; the file was left as it is: try 'wf engine "
			       "recover', or put back a backup",
			       doing, db->path, text);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return wf_errf(err, WF_CONFLICT, "cannot %s '%s': another process has it open",
			       doing, db->path);
	case SQLITE_CANTOPEN:
		sys = sqlite3_system_errno(db->sql);
		errno = sys ? sys : EIO;
		return wf_err_sys(err, "cannot %s '%s'", doing, db->path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return wf_errf(err, WF_DENIED, "cannot %s '%s': %s", doing, db->path, text);
	case SQLITE_TOOBIG:
		return wf_errf(err, WF_TOO_LARGE, "cannot %s '%s': %s", doing, db->path, text);
	case SQLITE_NOMEM:
		wf_out_of_memory(0);
	default:
		return wf_errf(err, WF_INTERNAL, "cannot %s '%s': %s (code %d)", doing, db->path,
			       text, code);
	}
}

/* A fault point that asked for an errno: the error the real thing would have been. */
static int faulted(struct db *db, int e, const char *doing, struct wf_err *err)
{
	if (!is_full_errno(e))
		db->broken = 1;
	errno = e;
	return wf_errf(err, is_full_errno(e) ? WF_FULL : WF_IO, "cannot %s '%s': %s", doing,
		       db->path, strerror(e));
}

/* ---- statements ------------------------------------------------------------------------------ */

static void bind(sqlite3_stmt *st, const struct db_arg *a)
{
	int at = sqlite3_bind_parameter_index(st, a->name), rc;

	if (!at)
		WF_BUG("statement '%s' has no parameter '%s'", sqlite3_sql(st), a->name);
	if (a->type == DB_IS_INT)
		rc = sqlite3_bind_int64(st, at, a->i);
	else if (!a->p)
		rc = sqlite3_bind_null(st, at);
	else if (a->type == DB_IS_TEXT)
		rc = sqlite3_bind_text(st, at, a->p, -1, SQLITE_STATIC);
	else
		rc = sqlite3_bind_blob64(st, at, a->p, a->n, SQLITE_STATIC);
	if (rc == SQLITE_NOMEM)
		wf_out_of_memory(0);
	/* SQLITE_TOOBIG leaves NULL there; columns are NOT NULL, so the step says so. */
}

sqlite3_stmt *db_start(struct db *db, enum db_sql which, const struct db_arg *args)
{
	sqlite3_stmt *st = db->stmt[which];

	if (sqlite3_stmt_busy(st))
		WF_BUG("statement '%s' is used inside itself", sqlite3_sql(st));
	for (; args->name; args++)
		bind(st, args);
	return st;
}

int db_next(struct db *db, sqlite3_stmt *st, struct wf_err *err)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return db_err(db, sqlite3_stmt_readonly(st) ? "read" : "write", err);
	}
}

void db_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

int db_run(struct db *db, enum db_sql which, const struct db_arg *args, struct wf_err *err)
{
	sqlite3_stmt *st = db_start(db, which, args);
	int rc = db_next(db, st, err);

	db_done(st);
	if (rc > 0)
		WF_BUG("statement '%s' answered a row", sql_text[which]);
	return rc;
}

int db_number(struct db *db, const char *sql, int64_t *out, struct wf_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &st, NULL) != SQLITE_OK)
		return db_err(db, "read", err);
	switch (db_next(db, st, err)) {
	case 1:
		*out = sqlite3_column_int64(st, 0);
		rc = 0;
		break;
	case 0:
		WF_BUG("'%s' answered nothing", sql);
	}
	sqlite3_finalize(st);
	return rc;
}

int db_script(struct db *db, const char *sql, struct wf_err *err)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_err(db, "write", err);
	return 0;
}

int db_prepare(struct db *db, struct wf_err *err)
{
	for (int i = 0; i < SQL_COUNT; i++)
		if (sqlite3_prepare_v3(db->sql, sql_text[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->stmt[i], NULL) != SQLITE_OK)
			return db_err(db, "prepare statements of", err);
	return 0;
}

/* ---- transactions ---------------------------------------------------------------------------- */

int db_begin(struct db *db, const char *file, int line, struct wf_err *err)
{
	int f;

	if (db->depth) {
		db->depth++;
		return 0;
	}
	f = WF_FAULT("store.begin.before");
	if (f > 0)
		return faulted(db, f, "begin in", err);
	if (db_script(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	db->depth = 1;
	db->doomed = 0;
	db->begun_file = file;
	db->begun_line = line;
	return 0;
}

static void roll_back(struct db *db)
{
	/* SQLite may have rolled back by itself already. */
	if (!sqlite3_get_autocommit(db->sql))
		(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

int db_end(struct db *db, int commit, struct wf_err *err)
{
	int f, rc;

	WF_ASSERT(db->depth > 0);
	if (!commit)
		db->doomed = 1;
	if (--db->depth)
		return 0;
	if (db->doomed) {
		roll_back(db);
		return 0;
	}
	f = WF_FAULT("store.commit.before");
	if (f > 0) {
		roll_back(db);
		return faulted(db, f, "commit to", err);
	}
	db->ending = 1;
	rc = db_script(db, "COMMIT", err);
	db->ending = 0;
	if (rc < 0) {
		roll_back(db);
		return -1;
	}
	f = WF_FAULT("store.commit.after");
	if (f > 0)
		return faulted(db, f, "commit to", err);
	return 0;
}

static int on_commit(void *arg)
{
	struct db *db = arg;

	if (!db->ending)
		WF_BUG("a commit of '%s' that did not go through db_end (last begun at %s:%d)",
		       db->path, db->begun_file ? db->begun_file : "?", db->begun_line);
	return 0;
}

static int on_wal(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct db *db = arg;

	(void)sql;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* ---- open and close -------------------------------------------------------------------------- */

/* SQLite would create it readable for others. Never touches a file that is there: closing any
 * descriptor of it drops the process's locks on it. */
static int make_private(struct wf_os *os, const char *path, struct wf_err *err)
{
	int fd;

	if (wf_file_exists(os, path))
		return 0;
	fd = os->ops->open(os->self, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   0600);
	if (fd < 0)
		return wf_err_sys(err, "cannot create '%s'", path);
	os->ops->close(os->self, fd);
	return 0;
}

/* Is the file empty? Beside a log that is not, SQLite would silently begin anew and delete the
 * log. */
static int check_pair(struct wf_os *os, const char *path, int *fresh, struct wf_err *err)
{
	char *wal = wf_xasprintf("%s-wal", path);
	struct stat st, log;
	int rc = 0;

	*fresh = os->ops->lstat(os->self, path, &st) == 0 && st.st_size == 0;
	if (*fresh && os->ops->lstat(os->self, wal, &log) == 0 && log.st_size > 0)
		rc = wf_errf(
			err, WF_CORRUPT,
			"'%s' is empty but '%s' is not; nothing was changed: put back a backup",
			path, wal);
	free(wal);
	return rc;
}

static int set_up(struct db *db, int fresh, struct wf_err *err)
{
	/* EXCLUSIVE before anything touches the log: then its index lies in our memory, not in a
	 * shared file. */
	static const char pragmas[] = "PRAGMA locking_mode=EXCLUSIVE;"
				      "PRAGMA temp_store=MEMORY;"
				      "PRAGMA trusted_schema=OFF;"
				      "PRAGMA cell_size_check=ON;";
	sqlite3_stmt *st = NULL;
	char *more;
	int rc;

	if (db_script(db, pragmas, err) < 0)
		return -1;
	/* Only then: setting auto_vacuum writes, also when nothing changes. */
	if (fresh &&
	    db_script(db, "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL;", err) < 0)
		return -1;
	if (sqlite3_prepare_v2(db->sql, "PRAGMA journal_mode=WAL", -1, &st, NULL) != SQLITE_OK)
		return db_err(db, "open", err);
	rc = db_next(db, st, err);
	if (rc > 0 && strcmp(db_text(st, 0), "wal") != 0) {
		rc = wf_errf(err, WF_RESOURCE,
			     "cannot keep a write-ahead log for '%s'; choose a state directory on "
			     "another file system",
			     db->path);
	}
	/* The row comes before the change: only the end of the statement says that it was made. */
	if (rc > 0)
		rc = db_next(db, st, err);
	sqlite3_finalize(st);
	if (rc < 0)
		return -1;
	more = wf_xasprintf("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA "
			    "journal_size_limit=%d; PRAGMA cache_size=-%d;",
			    WAL_KEEP, CACHE_KIB);
	rc = db_script(db, more, err);
	free(more);
	return rc;
}

struct db *db_open(struct wf_os *os, const char *path, struct wf_err *err)
{
	struct db *db = wf_xcalloc(1, sizeof(*db));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, fresh;

	WF_ASSERT(sqlite3_threadsafe());
	db->path = wf_xstrdup(path);
	if (make_private(os, path, err) < 0 || check_pair(os, path, &fresh, err) < 0)
		goto error;
	if (sqlite3_open_v2(path, &db->sql, flags, store_vfs(os)) != SQLITE_OK) {
		if (!db->sql)
			wf_out_of_memory(0);
		db_err(db, "open", err);
		goto error;
	}
	sqlite3_extended_result_codes(db->sql, 1);
	if (set_up(db, fresh, err) < 0)
		goto error;
	sqlite3_commit_hook(db->sql, on_commit, db);
	sqlite3_wal_hook(db->sql, on_wal, db);
	return db;
error:
	db_abandon(db);
	return NULL;
}

static void let_go(struct db *db)
{
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->stmt[i]);
	if (sqlite3_close(db->sql) != SQLITE_OK)
		WF_BUG("a statement of '%s' was left open", db->path);
	free(db->path);
	free(db);
}

void db_close(struct db *db)
{
	if (db)
		let_go(db);
}

void db_abandon(struct db *db)
{
	if (!db)
		return;
	if (db->sql) {
		roll_back(db);
		sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	let_go(db);
}

int db_wal_rewrite(struct db *db, struct wf_os *os, struct wf_err *err)
{
	enum { PIECE = 1 << 20 };
	char *wal = wf_xasprintf("%s-wal", db->path), *p = NULL;
	int fd, f, rc = -1;
	off_t at = 0;

	fd = os->ops->open(os->self, wal, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0 && errno == ENOENT) {
		free(wal);
		return 0;
	}
	if (fd < 0) {
		wf_err_sys(err, "cannot open '%s'", wal);
		free(wal);
		return -1;
	}
	p = wf_xmalloc(PIECE);
	for (;;) {
		ssize_t n = os->ops->pread(os->self, fd, p, PIECE, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			wf_err_sys(err, "cannot read '%s'", wal);
			goto out;
		}
		if (n == 0)
			break;
		if (wf_write_all(os, fd, p, (size_t)n, at) < 0) {
			wf_err_sys(err, "cannot write '%s'", wal);
			goto out;
		}
		at += n;
	}
	f = WF_FAULT("store.rewrite.sync");
	if (f > 0)
		errno = f;
	if (f > 0 || (at && os->ops->fsync(os->self, fd) < 0)) {
		wf_err_sys(err, "cannot sync '%s'", wal);
		goto out;
	}
	rc = 0;
out:
	os->ops->close(os->self, fd);
	free(p);
	free(wal);
	return rc;
}
