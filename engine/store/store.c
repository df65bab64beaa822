/* store.c - owns the life of the store: opening whatever state the disk is in, loading run by run,
 * closing.
 *
 * Knows nothing of machines: a load hands over what is stored, whoever asked applies the tail.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/store/store_internal.h"

struct wf_store *store_create(struct wf_os *os, const char *dir, const char *name, uint64_t epoch)
{
	struct wf_store *s = wf_xcalloc(1, sizeof(*s));

	s->os = os;
	s->dir = wf_xstrdup(dir);
	s->file = wf_xasprintf("%s/%s", dir, name);
	s->epoch = epoch;
	wf_store_set_log_pages(s, 0);
	ballast_init(&s->ballast, os, dir);
	return s;
}

void store_destroy(struct wf_store *s)
{
	if (!s)
		return;
	tails_release(&s->tails);
	ballast_free(&s->ballast);
	wf_batch_free(s->kept);
	free(s->dir);
	free(s->file);
	free(s);
}

/* An older schema is copied before its first step: a step forward has no way back. */
int store_forward(struct wf_store *s, const struct step *steps, size_t n, struct wf_err *err)
{
	int version, rc = 0;
	char *copy;

	if (schema_version(s->db, &version, err) < 0)
		return -1;
	copy = wf_xasprintf("%s.schema-%d", s->file, version);
	if (version && version < steps[n - 1].to && !wf_file_exists(s->os, copy))
		rc = backup_to(s->os, s->db, copy, NULL, err);
	free(copy);
	return rc < 0 ? -1 : migrate(s->db, steps, n, err);
}

static int check_schema(struct wf_store *s, int plain, struct wf_err *err)
{
	int version;

	if (!plain)
		return store_forward(s, store_steps, WF_COUNT(store_steps), err);
	if (schema_version(s->db, &version, err) < 0)
		return -1;
	if (version != WF_STORE_SCHEMA)
		return wf_errf(err, WF_RESOURCE,
			       "'%s' has schema %d, this build wants %d;"
			       " start the engine once to bring it forward",
			       s->file, version, WF_STORE_SCHEMA);
	return 0;
}

int store_connect(struct wf_store *s, int plain, struct wf_err *err)
{
	s->db = db_open(s->os, s->file, err);
	if (!s->db)
		return -1;
	if ((plain || db_wal_rewrite(s->db, s->os, err) == 0) && check_schema(s, plain, err) == 0 &&
	    db_prepare(s->db, err) == 0 && store_learn(s, err) == 0)
		return 0;
	db_abandon(s->db);
	s->db = NULL;
	return -1;
}

/* ---- numbers --------------------------------------------------------------------------------- */

const char sql_meta_put[] = "INSERT INTO meta(key, value) VALUES(:key, :value) ON CONFLICT(key) DO "
			    "UPDATE SET value = excluded.value";
const char sql_meta_get[] = "SELECT coalesce((SELECT value FROM meta WHERE key = :key), 0)";

int meta_put(struct wf_store *s, const char *key, uint64_t value, struct wf_err *err)
{
	return db_do(s->db, SQL_meta_put, err, DB_TEXT(":key", key), DB_INT(":value", value));
}

static int ask_number(struct wf_store *s, sqlite3_stmt *st, uint64_t *out, struct wf_err *err)
{
	int rc = db_next(s->db, st, err);

	if (rc > 0 && (uint64_t)db_int(st, 0) > *out)
		*out = (uint64_t)db_int(st, 0);
	db_done(st);
	return rc < 0 ? -1 : 0;
}

int store_learn(struct wf_store *s, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	s->last_seq = s->last_run = 0;
	if (ask_number(s, db_ask(s->db, SQL_meta_get, DB_TEXT(":key", "last_seq")), &s->last_seq,
		       err) < 0 ||
	    ask_number(s, db_ask(s->db, SQL_meta_get, DB_TEXT(":key", "last_run")), &s->last_run,
		       err) < 0 ||
	    ask_number(s, db_ask(s->db, SQL_meta_get, DB_TEXT(":key", "last_number")),
		       &s->last_number, err) < 0 ||
	    ask_number(s,
		       db_start(s->db, SQL_run_last, (const struct db_arg[]){ { .name = NULL } }),
		       &s->last_run, err) < 0)
		return -1;
	st = db_start(s->db, SQL_events_end, (const struct db_arg[]){ { .name = NULL } });
	rc = db_next(s->db, st, err);
	if (rc > 0) {
		uint64_t end = (uint64_t)(db_int(st, 0) + db_int(st, 1) - 1);

		if (end > s->last_seq)
			s->last_seq = end;
		if ((uint64_t)db_int(st, 2) > s->last_number)
			s->last_number = (uint64_t)db_int(st, 2);
	}
	db_done(st);
	return rc < 0 ? -1 : 0;
}

/* ---- open and close -------------------------------------------------------------------------- */

struct wf_store *wf_store_open(struct wf_os *os, const char *dir, uint64_t epoch,
			       struct wf_err *err)
{
	struct wf_store *s = store_create(os, dir, "wf.db", epoch);
	struct wf_err own = { 0 };

	while (store_connect(s, 0, &own) < 0) {
		if (own.code != WF_FULL || !ballast_release(&s->ballast)) {
			if (err)
				*err = own;
			store_destroy(s);
			return NULL;
		}
		s->state.full = 1;
	}
	s->tails.unknown_until = s->last_run;
	if (!s->state.full && ballast_make(&s->ballast, &own) < 0) {
		wf_log(WF_LOG_WARN, "store: %s; without it a full disk has no reserve", own.text);
		s->state.full = own.code == WF_FULL;
	}
	(void)os->ops->free_bytes(os->self, dir, &s->state.free_bytes);
	s->shown = s->state;
	s->shown_seq = s->last_seq;
	s->shown_run = s->last_run;
	s->shown_number = s->last_number;
	return s;
}

void wf_store_close(struct wf_store *s)
{
	if (!s)
		return;
	store_stop_tidy(s);
	if (s->db && s->db->broken)
		db_abandon(s->db);
	else
		db_close(s->db);
	store_destroy(s);
}

void wf_store_set_fence(struct wf_store *s, int (*fn)(void *arg, struct wf_err *err), void *arg)
{
	s->fence = fn;
	s->fence_arg = arg;
}

void wf_store_state(const struct wf_store *s, struct wf_store_state *st)
{
	*st = s->shown;
}

uint64_t wf_store_last_seq(const struct wf_store *s)
{
	return s->shown_seq;
}

uint64_t wf_store_last_run(const struct wf_store *s)
{
	return s->shown_run;
}

uint64_t wf_store_last_attempt(const struct wf_store *s)
{
	return s->shown_number;
}

/* ---- loading --------------------------------------------------------------------------------- */

struct tail_load {
	struct wf_store *s;
	const struct wf_store_visitor *v;
	uint64_t from;
	struct wf_err *err;
};

static int load_event(const struct wf_event *e, void *arg)
{
	struct tail_load *t = arg;

	if (e->seq < t->from)
		return 0;
	tails_event(&t->s->tails, e);
	return t->v->event && t->v->event(t->v->arg, e, t->err) ? -1 : 0;
}

/* From the mark on, and always the run's last event: its number is the run's revision. */
static int load_tail(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		     struct wf_err *err)
{
	struct tail_load t = { .s = s, .v = v, .err = err };
	uint64_t last;

	if (events_last(s, run, &last, err) < 0 || tails_mark(s, run, &t.from, err) < 0)
		return -1;
	if (t.from > last)
		t.from = last;
	if (!last)
		return 0;
	return events_read(
		s, db_ask(s->db, SQL_events_of_run, DB_INT(":run", run), DB_INT(":from", t.from)),
		load_event, &t, err);
}

static int load_things(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		       struct wf_err *err)
{
	if (input_read(s, run, v, err) < 0 || tasks_read(s, run, v, err) < 0 ||
	    service_read(s, run, v, err) < 0 || member_read(s, run, v, err) < 0 ||
	    lease_read(s, run, v, err) < 0 || load_tail(s, run, v, err) < 0)
		return wf_err_wrap(err, "load run %llu", (unsigned long long)run);
	tails_known(&s->tails, run);
	return 0;
}

static int load_row(struct wf_store *s, sqlite3_stmt *st, int all, const struct wf_store_visitor *v,
		    struct wf_err *err)
{
	struct wf_run r;

	if (run_of_row(st, &r, err) < 0 || (v->run && v->run(v->arg, &r, err)))
		return -1;
	if (!all && wf_run_is_over(&r))
		return 0;
	tails_saved(&s->tails, r.number, WF_S_RUN, 0, 0, r.seq);
	return load_things(s, r.number, v, err);
}

int wf_store_load(struct wf_store *s, const struct wf_store_visitor *v, struct wf_err *err)
{
	sqlite3_stmt *st =
		db_start(s->db, SQL_run_all, (const struct db_arg[]){ { .name = NULL } });
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		rc = load_row(s, st, 0, v, err);
		if (rc)
			break;
	}
	db_done(st);
	return rc ? -1 : 0;
}

int wf_store_load_run(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		      struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	st = db_ask(s->db, SQL_run_one, DB_INT(":number", run));
	rc = db_next(s->db, st, err);
	if (rc > 0)
		rc = load_row(s, st, 1, v, err);
	else if (rc == 0)
		rc = wf_errf(err, WF_NOT_FOUND, "no run number %llu", (unsigned long long)run);
	db_done(st);
	return rc;
}
