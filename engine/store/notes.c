/* notes.c - owns what is written once and read seldom: inputs of runs, notes and records of
 * attempts; and forgetting.
 *
 * wf_batch_derive is the one place that says which event leaves a note or a record; the live engine
 * and recovery both call it, so what recovery derives again cannot differ.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/store/store_internal.h"

/* ---- inputs ---------------------------------------------------------------------------------- */

struct op_input {
	struct op op;
	uint64_t run;
	const void *text, *graph;
	size_t text_n, graph_n;
	const char *params;
};

const char sql_input_put[] = "INSERT OR REPLACE INTO input(run, graph_seq, params, text, graph) "
			     "VALUES(:run, :graph_seq, :params, :text, :graph)";
const char sql_input_graph[] =
	"UPDATE input SET graph = :graph, graph_seq = :graph_seq WHERE run = :run";

/* Not NULL even when it is empty. */
static const void *present(const void *p)
{
	return p ? p : "";
}

static int write_input(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct op_input *i = (const struct op_input *)op;

	tails_saved(&s->tails, i->run, WF_S_INSTANCE, 0, 0, s->last_seq);
	return db_do(s->db, SQL_input_put, err, DB_INT(":run", i->run),
		     DB_INT(":graph_seq", s->last_seq), DB_TEXT(":params", i->params),
		     DB_BLOB(":text", present(i->text), i->text_n),
		     DB_BLOB(":graph", present(i->graph), i->graph_n));
}

static int write_graph(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct op_input *i = (const struct op_input *)op;

	tails_saved(&s->tails, i->run, WF_S_INSTANCE, 0, 0, s->last_seq);
	return db_do(s->db, SQL_input_graph, err, DB_INT(":run", i->run),
		     DB_INT(":graph_seq", s->last_seq),
		     DB_BLOB(":graph", present(i->graph), i->graph_n));
}

void wf_batch_input(struct wf_batch *b, uint64_t run, const char *text, size_t text_n,
		    const void *dag, size_t dag_n, const char *params)
{
	struct op_input *o = batch_op(b, &b->rest, sizeof(*o), write_input);

	o->run = run;
	o->text = batch_copy(b, text, text_n);
	o->text_n = text_n;
	o->graph = batch_copy(b, dag, dag_n);
	o->graph_n = dag_n;
	o->params = batch_text(b, params);
}

void wf_batch_graph(struct wf_batch *b, uint64_t run, const void *dag, size_t n)
{
	struct op_input *o = batch_op(b, &b->rest, sizeof(*o), write_graph);

	o->run = run;
	o->graph = batch_copy(b, dag, n);
	o->graph_n = n;
}

const char sql_input_get[] = "SELECT text, graph, params, graph_seq FROM input WHERE run = :run";

int input_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
	       struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_input_get, DB_INT(":run", run));
	int rc = db_next(s->db, st, err);

	if (rc > 0) {
		size_t text_n, graph_n;
		const char *text = db_blob(st, 0, &text_n);
		const void *graph = db_blob(st, 1, &graph_n);

		tails_saved(&s->tails, run, WF_S_INSTANCE, 0, 0, (uint64_t)db_int(st, 3));
		rc = v->input ? v->input(v->arg, run, text ? text : "", text_n, graph, graph_n,
					 db_text(st, 2), err)
			      : 0;
	}
	db_done(st);
	return rc ? -1 : 0;
}

int wf_store_get_input(struct wf_store *s, uint64_t run, struct wf_buf *text, struct wf_buf *dag,
		       char **params, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	st = db_ask(s->db, SQL_input_get, DB_INT(":run", run));
	rc = db_next(s->db, st, err);
	if (rc > 0) {
		size_t n;
		const void *p = db_blob(st, 0, &n);

		if (text)
			wf_buf_add(text, p, n);
		p = db_blob(st, 1, &n);
		if (dag)
			wf_buf_add(dag, p, n);
		if (params)
			*params = db_text(st, 2) ? wf_xstrdup(db_text(st, 2)) : NULL;
		rc = 0;
	} else if (rc == 0) {
		rc = wf_errf(err, WF_NOT_FOUND, "run %llu has no stored input",
			     (unsigned long long)run);
	}
	db_done(st);
	return rc;
}

/* ---- notes ----------------------------------------------------------------------------------- */

struct op_note {
	struct op op;
	uint64_t run;
	uint32_t instance, index, attempt;
	const char *reason, *result;
};

/* What is not said leaves what was said. */
const char sql_note_put[] = "INSERT INTO note(run, instance, idx, attempt, reason, result)"
			    " VALUES(:run, :instance, :index, :attempt, :reason, :result)"
			    " ON CONFLICT(run, instance, idx, attempt) DO UPDATE"
			    " SET reason = coalesce(excluded.reason, reason), result = "
			    "coalesce(excluded.result, result)";

static int write_note(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct op_note *n = (const struct op_note *)op;

	return db_do(s->db, SQL_note_put, err, DB_INT(":run", n->run),
		     DB_INT(":instance", n->instance), DB_INT(":index", n->index),
		     DB_INT(":attempt", n->attempt), DB_TEXT(":reason", n->reason),
		     DB_TEXT(":result", n->result));
}

void wf_batch_note(struct wf_batch *b, uint64_t run, uint32_t instance, uint32_t index,
		   uint32_t attempt, const char *reason, const char *result)
{
	struct op_note *o = batch_op(b, &b->rest, sizeof(*o), write_note);

	o->run = run;
	o->instance = instance;
	o->index = index;
	o->attempt = attempt;
	o->reason = batch_text(b, reason);
	o->result = batch_text(b, result);
}

const char sql_note_one[] = "SELECT reason, result FROM note WHERE run = :run AND instance = "
			    ":instance AND idx = :index AND attempt = :attempt";
const char sql_note_last[] =
	"SELECT reason, result FROM note WHERE run = :run AND instance = :instance AND idx = :index"
	" ORDER BY attempt DESC LIMIT 1";

int wf_store_get_note(struct wf_store *s, uint64_t run, uint32_t instance, uint32_t index,
		      uint32_t attempt, char **reason, char **result, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	st = attempt ? db_ask(s->db, SQL_note_one, DB_INT(":run", run),
			      DB_INT(":instance", instance), DB_INT(":index", index),
			      DB_INT(":attempt", attempt))
		     : db_ask(s->db, SQL_note_last, DB_INT(":run", run),
			      DB_INT(":instance", instance), DB_INT(":index", index));
	rc = db_next(s->db, st, err);
	if (rc >= 0) {
		*reason = rc && db_text(st, 0) ? wf_xstrdup(db_text(st, 0)) : NULL;
		*result = rc && db_text(st, 1) ? wf_xstrdup(db_text(st, 1)) : NULL;
	}
	db_done(st);
	return rc < 0 ? -1 : 0;
}

/* With max() SQLite takes the other columns from the row that has it. */
const char sql_note_of_instance[] = "SELECT idx, max(attempt), reason, result FROM note WHERE run "
				    "= :run AND instance = :instance"
				    " GROUP BY idx ORDER BY idx";

int wf_store_get_notes(struct wf_store *s, uint64_t run, uint32_t instance,
		       int (*fn)(uint32_t index, uint32_t attempt, const char *reason,
				 const char *result, void *arg),
		       void *arg, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	st = db_ask(s->db, SQL_note_of_instance, DB_INT(":run", run),
		    DB_INT(":instance", instance));
	while ((rc = db_next(s->db, st, err)) > 0)
		if (fn((uint32_t)db_int(st, 0), (uint32_t)db_int(st, 1), db_text(st, 2),
		       db_text(st, 3), arg))
			break;
	db_done(st);
	return rc < 0 ? -1 : 0;
}

/* ---- attempts -------------------------------------------------------------------------------- */

struct op_attempt {
	struct op op;
	uint64_t run;
	uint32_t instance, index;
	struct wf_task t;
};

/* The first record stays: later moves of the task are not the attempt's. */
const char sql_attempt_put[] = "INSERT INTO attempt(run, instance, idx, attempt, record) "
			       "VALUES(:run, :instance, :index, :attempt, :record)"
			       " ON CONFLICT(run, instance, idx, attempt) DO NOTHING";

static int write_attempt(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct op_attempt *a = (const struct op_attempt *)op;

	return db_do(s->db, SQL_attempt_put, err, DB_INT(":run", a->run),
		     DB_INT(":instance", a->instance), DB_INT(":index", a->index),
		     DB_INT(":attempt", a->t.attempt), DB_BLOB(":record", &a->t, sizeof(a->t)));
}

void wf_batch_attempt(struct wf_batch *b, uint64_t run, uint32_t instance, uint32_t index,
		      const struct wf_task *t)
{
	struct op_attempt *o = batch_op(b, &b->rest, sizeof(*o), write_attempt);

	o->run = run;
	o->instance = instance;
	o->index = index;
	o->t = *t;
}

const char sql_attempt_of_task[] = "SELECT attempt, record FROM attempt WHERE run = :run AND "
				   "instance = :instance AND idx = :index"
				   " ORDER BY attempt";

int wf_store_get_attempts(struct wf_store *s, uint64_t run, uint32_t instance, uint32_t index,
			  int (*fn)(uint32_t attempt, const struct wf_task *t, void *arg),
			  void *arg, struct wf_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	st = db_ask(s->db, SQL_attempt_of_task, DB_INT(":run", run), DB_INT(":instance", instance),
		    DB_INT(":index", index));
	while ((rc = db_next(s->db, st, err)) > 0) {
		struct wf_task t;
		size_t n;
		const void *p = db_blob(st, 1, &n);

		if (n != sizeof(t)) {
			rc = wf_errf(err, WF_CORRUPT,
				     "the record of attempt %lld of run %llu, instance %u, index "
				     "%u is damaged",
				     (long long)db_int(st, 0), (unsigned long long)run, instance,
				     index);
			break;
		}
		memcpy(&t, p, n);
		if (fn((uint32_t)db_int(st, 0), &t, arg))
			break;
	}
	db_done(st);
	return rc < 0 ? -1 : 0;
}

/* ---- what follows from an event -------------------------------------------------------------- */

static void note_texts(struct wf_batch *b, const struct wf_event *e, uint32_t attempt,
		       int has_result)
{
	char *reason = e->text[0].n ? wf_xstrndup(e->text[0].p, e->text[0].n) : NULL;
	char *result = has_result && e->text[1].n ? wf_xstrndup(e->text[1].p, e->text[1].n) : NULL;

	if (reason || result)
		wf_batch_note(b, e->run, e->a, e->b, attempt, reason, result);
	free(reason);
	free(result);
}

void wf_batch_derive(struct wf_batch *b, const struct wf_event *e, const struct wf_task *before)
{
	switch (e->kind) {
	case WF_E_ATTEMPT_ENDED:
		note_texts(b, e, before->attempt, 1);
		break;
	case WF_E_ATTEMPT_UNKNOWN:
	case WF_E_TASK_FAILED:
	case WF_E_TASK_HELD:
	case WF_E_TASK_SKIPPED:
		note_texts(b, e, before->attempt, 0);
		break;
	case WF_E_TASK_RESOLVED:
		if (e->v[0] != WF_RESOLVE_RERUN)
			break;
		/* fall through */
	case WF_E_TASK_REQUEUED:
	case WF_E_TASK_RETRIED:
		/* A skipped task's record is not an attempt's, and a revoked attempt never was. */
		if (before->attempt && before->state != WF_TASK_SKIPPED &&
		    before->astate != WF_ATTEMPT_REVOKED)
			wf_batch_attempt(b, e->run, e->a, e->b, before);
		break;
	}
}

/* ---- forgetting ------------------------------------------------------------------------------ */

struct op_forget {
	struct op op;
	uint64_t run;
};

const char sql_events_forget[] = "DELETE FROM events WHERE run = :run";
const char sql_tail_forget[] = "DELETE FROM tail WHERE run = :run";
const char sql_tasks_forget[] = "DELETE FROM tasks WHERE run = :run";
const char sql_run_forget[] = "DELETE FROM run WHERE number = :run";
const char sql_service_forget[] = "DELETE FROM service WHERE run = :run";
const char sql_member_forget[] = "DELETE FROM member WHERE run = :run";
const char sql_lease_forget[] = "DELETE FROM lease WHERE run = :run";
const char sql_input_forget[] = "DELETE FROM input WHERE run = :run";
const char sql_note_forget[] = "DELETE FROM note WHERE run = :run";
const char sql_attempt_forget[] = "DELETE FROM attempt WHERE run = :run";

static int write_forget(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	static const enum db_sql all[] = { SQL_events_forget, SQL_tail_forget,    SQL_tasks_forget,
					   SQL_run_forget,    SQL_service_forget, SQL_member_forget,
					   SQL_lease_forget,  SQL_input_forget,   SQL_note_forget,
					   SQL_attempt_forget };
	uint64_t run = ((const struct op_forget *)op)->run;

	/* Numbers are never given out twice, also those of rows that are gone. */
	if (meta_put(s, "last_seq", s->last_seq, err) < 0 ||
	    meta_put(s, "last_run", s->last_run, err) < 0 ||
	    meta_put(s, "last_number", s->last_number, err) < 0)
		return -1;
	for (size_t i = 0; i < WF_COUNT(all); i++)
		if (db_do(s->db, all[i], err, DB_INT(":run", run)) < 0)
			return -1;
	tails_drop(&s->tails, run);
	s->forgot = 1;
	return 0;
}

void wf_batch_forget(struct wf_batch *b, uint64_t run)
{
	struct op_forget *o = batch_op(b, &b->forgets, sizeof(*o), write_forget);

	o->run = run;
}
