/* migrate.c - owns the schema: numbered steps, each in a transaction, forward only.
 *
 * A step, once released, is never changed: a new one is added. user_version says which steps a file
 * has had, application_id that it is ours.
 *
 * events   the truth: a row per stretch of one run's events in a batch; `number` is the highest
 *          attempt number given out by then
 * tail     per run, the lowest event number that its blobs and rows may lack: where a load begins
 * tasks    4,096 records of 80 bytes, as they are after event `applied`; derived
 * run, service, member, lease   plain rows with the event last applied (`seq`); derived
 * input    what was submitted, and the expanded graph as of event `graph_seq`; immutable but for a
 *          run-time fan-out
 * note     rare text of an attempt; attempt: records of attempts that are not their task's last;
 *          both derived
 * meta     numbers that rows which are gone had
 */
#include <stdlib.h>

#include "engine/store/store_internal.h"

#define APPLICATION_ID 0x77664462 /* "wfDb" */

const struct step store_steps[WF_STORE_SCHEMA] = {
	{ 1,
	  "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"

	  "CREATE TABLE events(first_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
	  " time INTEGER NOT NULL, run INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	  " number INTEGER NOT NULL, crc32c INTEGER NOT NULL, blob BLOB NOT NULL);"
	  "CREATE INDEX events_by_run ON events(run, first_seq);"
	  "CREATE TABLE tail(run INTEGER PRIMARY KEY, mark INTEGER NOT NULL);"

	  "CREATE TABLE tasks(run INTEGER NOT NULL, instance INTEGER NOT NULL,"
	  " chunk INTEGER NOT NULL, applied INTEGER NOT NULL, hash INTEGER NOT NULL,"
	  " records BLOB NOT NULL, PRIMARY KEY(run, instance, chunk));"

	  "CREATE TABLE run(number INTEGER PRIMARY KEY, id TEXT NOT NULL, state INTEGER NOT NULL,"
	  " cancel INTEGER NOT NULL, retries INTEGER NOT NULL, next_instance INTEGER NOT NULL,"
	  " name TEXT, workflow TEXT, file TEXT, key TEXT, body_hash TEXT, executor TEXT,"
	  " executor_why TEXT, workdir TEXT, umask INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	  " started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, seq INTEGER NOT NULL,"
	  " list_failed INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, skipped INTEGER NOT NULL,"
	  " canceled INTEGER NOT NULL, limits TEXT);"

	  "CREATE TABLE service(run INTEGER NOT NULL, number INTEGER NOT NULL,"
	  " state INTEGER NOT NULL, failing INTEGER NOT NULL, held INTEGER NOT NULL,"
	  " generation INTEGER NOT NULL, view INTEGER NOT NULL, restarts INTEGER NOT NULL,"
	  " target INTEGER NOT NULL, min INTEGER NOT NULL, delay_ms INTEGER NOT NULL, name TEXT,"
	  " reason TEXT, seq INTEGER NOT NULL, PRIMARY KEY(run, number)) WITHOUT ROWID;"

	  "CREATE TABLE member(run INTEGER NOT NULL, service INTEGER NOT NULL, n INTEGER NOT NULL,"
	  " state INTEGER NOT NULL, class INTEGER NOT NULL, exit INTEGER NOT NULL,"
	  " generation INTEGER NOT NULL, pid INTEGER NOT NULL, number INTEGER NOT NULL,"
	  " endpoint TEXT, provides TEXT, reason TEXT, seq INTEGER NOT NULL,"
	  " PRIMARY KEY(run, service, n)) WITHOUT ROWID;"

	  "CREATE TABLE lease(run INTEGER NOT NULL, instance INTEGER NOT NULL,"
	  " service INTEGER NOT NULL, state INTEGER NOT NULL, mode INTEGER NOT NULL,"
	  " view INTEGER NOT NULL, seq INTEGER NOT NULL,"
	  " PRIMARY KEY(run, instance, service)) WITHOUT ROWID;"

	  "CREATE TABLE input(run INTEGER PRIMARY KEY, graph_seq INTEGER NOT NULL, params TEXT,"
	  " text BLOB NOT NULL, graph BLOB NOT NULL);"

	  "CREATE TABLE note(run INTEGER NOT NULL, instance INTEGER NOT NULL, idx INTEGER NOT NULL,"
	  " attempt INTEGER NOT NULL, reason TEXT, result TEXT,"
	  " PRIMARY KEY(run, instance, idx, attempt)) WITHOUT ROWID;"

	  "CREATE TABLE attempt(run INTEGER NOT NULL, instance INTEGER NOT NULL,"
	  " idx INTEGER NOT NULL, attempt INTEGER NOT NULL, record BLOB NOT NULL,"
	  " PRIMARY KEY(run, instance, idx, attempt)) WITHOUT ROWID;" },
};

int schema_version(struct db *db, int *version, struct wf_err *err)
{
	int64_t v = 0, id = 0, tables = 0;

	if (db_number(db, "PRAGMA user_version", &v, err) < 0 ||
	    db_number(db, "PRAGMA application_id", &id, err) < 0 ||
	    db_number(db, "SELECT count(*) FROM sqlite_master", &tables, err) < 0)
		return -1;
	if (tables && id != APPLICATION_ID)
		return wf_errf(err, WF_CORRUPT,
			       "'%s' is a database, but not a state of ours;"
			       " choose another state directory",
			       db->path);
	*version = (int)v;
	return 0;
}

static int take_step(struct db *db, const struct step *step, struct wf_err *err)
{
	char *set = wf_xasprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;",
				 APPLICATION_ID, step->to);
	int ok;

	if (db_begin(db, HERE, err) < 0) {
		free(set);
		return -1;
	}
	ok = db_script(db, step->sql, err) == 0 && db_script(db, set, err) == 0;
	free(set);
	if (db_end(db, ok, err) < 0)
		return -1;
	return ok ? 0 : -1;
}

int migrate(struct db *db, const struct step *steps, size_t n, struct wf_err *err)
{
	int version, newest = n ? steps[n - 1].to : 0;

	if (schema_version(db, &version, err) < 0)
		return -1;
	if (version > newest)
		return wf_errf(err, WF_RESOURCE,
			       "'%s' has schema %d, this build knows up to %d;"
			       " use the newer build, or another state directory",
			       db->path, version, newest);
	for (size_t i = 0; i < n; i++) {
		if (steps[i].to <= version)
			continue;
		if (take_step(db, &steps[i], err) < 0)
			return wf_err_wrap(err, "bring '%s' to schema %d", db->path, steps[i].to);
		version = steps[i].to;
	}
	return 0;
}
