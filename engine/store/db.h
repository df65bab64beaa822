/* db.h - one SQLite connection: open, statements, parameters by name, transactions, errors; only
 * engine/store includes it
 *
 *     struct db *db = db_open(os, path, &err);     pragmas set, schema not looked at
 *     migrate(db, ...); db_prepare(db, &err);      every statement of the folder, once
 *     db_begin(db, HERE, &err);
 *     db_do(db, SQL_meta_put, &err, DB_TEXT(":key", "last_run"), DB_INT(":value", 7));
 *     db_end(db, 1, &err);                         0 rolls back; transactions nest by count
 *     db_close(db);
 *
 * A commit that did not go through db_end is refused by a hook. A step that is neither row nor done
 * is an error. Statements are listed in DB_STATEMENTS; the text of each stands as `sql_<name>`
 * above the function that runs it.
 */
#ifndef WF_STORE_DB_H
#define WF_STORE_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include "engine/base/os.h"

#define DB_STATEMENTS(X)                                                                         \
	X(meta_put) X(meta_get)                                                                  \
	X(events_put) X(events_is) X(events_end) X(events_of_run_end) X(events_of_run)           \
	X(events_since) X(events_all) X(events_next_run) X(events_engines) X(events_forget)      \
	X(tail_put) X(tail_get) X(tail_forget)                                                   \
	X(tasks_put) X(tasks_of_run) X(tasks_runs) X(tasks_forget)                               \
	X(run_put) X(run_one) X(run_all) X(run_last) X(run_lost) X(run_forget)                   \
	X(service_put) X(service_of_run) X(service_forget)                                       \
	X(member_put) X(member_of_run) X(member_forget)                                          \
	X(lease_put) X(lease_of_run) X(lease_forget)                                             \
	X(input_put) X(input_graph) X(input_get) X(input_forget)                                 \
	X(note_put) X(note_one) X(note_last) X(note_of_instance) X(note_of_run) X(note_forget)   \
	X(attempt_put) X(attempt_of_task) X(attempt_of_run) X(attempt_forget)

enum db_sql {
#define X(name) SQL_##name,
	DB_STATEMENTS(X)
#undef X
	SQL_COUNT
};
#define X(name) extern const char sql_##name[];
DB_STATEMENTS(X)
#undef X

struct db {
	sqlite3 *sql;
	sqlite3_stmt *stmt[SQL_COUNT];
	char *path;
	int depth;                     /* of db_begin */
	int doomed;                    /* an inner db_end asked to roll back */
	int ending;                    /* the commit hook lets this commit pass */
	const char *begun_file;
	int begun_line;
	int broken;                    /* saw an I/O error: reopen before trusting it again */
	int wal_pages;                 /* in the log after the last commit */
};

/* Name of the VFS to open files with; NULL: SQLite's own. */
const char *store_vfs(const struct wf_os *os);

/* The file is created (mode 0600) when it is not there. WF_CONFLICT when another process has it
 * open. */
struct db *db_open(struct wf_os *os, const char *path, struct wf_err *err);
int db_prepare(struct db *db, struct wf_err *err);
void db_close(struct db *db);
/* Closes without moving the log into the file: after an I/O error, and where the files must stay
 * as they are. */
void db_abandon(struct db *db);
/* Writes the log that a dead or failed connection left behind over itself and syncs it. After a
 * failed fsync the page cache shows bytes that are not on the disk and that no later fsync would
 * write; this makes what we read from it durable. Only after db_open, which holds the lock. */
int db_wal_rewrite(struct db *db, struct wf_os *os, struct wf_err *err);

#define HERE __FILE__, __LINE__
int db_begin(struct db *db, const char *file, int line, struct wf_err *err);
int db_end(struct db *db, int commit, struct wf_err *err);

/* ---- statements ------------------------------------------------------------------------------ */

struct db_arg {
	const char *name;              /* NULL ends the list */
	enum { DB_IS_INT, DB_IS_TEXT, DB_IS_BLOB } type;
	int64_t i;
	const void *p;                 /* must stay until the statement is finished; or NULL */
	size_t n;
};
#define DB_INT(nm, v) ((struct db_arg){ .name = (nm), .type = DB_IS_INT, .i = (int64_t)(v) })
#define DB_TEXT(nm, s) ((struct db_arg){ .name = (nm), .type = DB_IS_TEXT, .p = (s) })
#define DB_BLOB(nm, b, size) \
	((struct db_arg){ .name = (nm), .type = DB_IS_BLOB, .p = (b), .n = (size) })

/* Runs a statement that returns no row. */
#define db_do(db, which, err, ...) \
	db_run((db), (which), (const struct db_arg[]){ __VA_ARGS__, { .name = NULL } }, (err))
int db_run(struct db *db, enum db_sql which, const struct db_arg *args, struct wf_err *err);
/* st = db_ask(...); while ((rc = db_next(db, st, err)) > 0) ...; db_done(st); */
#define db_ask(db, which, ...) \
	db_start((db), (which), (const struct db_arg[]){ __VA_ARGS__, { .name = NULL } })
sqlite3_stmt *db_start(struct db *db, enum db_sql which, const struct db_arg *args);
int db_next(struct db *db, sqlite3_stmt *st, struct wf_err *err);
void db_done(sqlite3_stmt *st);

/* A number that a PRAGMA or a one-row query answers. */
int db_number(struct db *db, const char *sql, int64_t *out, struct wf_err *err);
int db_script(struct db *db, const char *sql, struct wf_err *err);
/* What SQLite says is wrong, as an error of ours: WF_FULL, WF_IO, WF_CORRUPT, WF_CONFLICT ...
 * Sets db->broken where needed. -1. */
int db_err(struct db *db, const char *doing, struct wf_err *err);

/* Columns of the row at hand; texts and blobs are valid until the next db_next. */
static inline int64_t db_int(sqlite3_stmt *st, int i)
{
	return sqlite3_column_int64(st, i);
}
static inline const char *db_text(sqlite3_stmt *st, int i)
{
	return (const char *)sqlite3_column_text(st, i);
}
static inline const void *db_blob(sqlite3_stmt *st, int i, size_t *n)
{
	const void *p = sqlite3_column_blob(st, i);

	*n = (size_t)sqlite3_column_bytes(st, i);
	return p;
}

#endif
