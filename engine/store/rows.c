/* rows.c - owns the plain rows of what is few: runs, services, members, leases.
 *
 * Each row carries the event it was last changed by (`seq`), so a load knows what of the tail it
 * has already. Knows no machine.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/store/store_internal.h"

/* ---- runs ------------------------------------------------------------------------------------ */

struct op_run {
	struct op op;
	struct wf_run r;
};

const char sql_run_put[] =
	"INSERT OR REPLACE INTO run(number, id, state, cancel, retries, next_instance, name, "
	"workflow, file, key, body_hash, executor,"
	" executor_why, workdir, umask, created_ms, started_ms, ended_ms, seq, list_failed,"
	" succeeded, failed, skipped, canceled, limits)"
	" VALUES(:number, :id, :state, :cancel, :retries, :next_instance, :name, :workflow, :file, "
	":key, :body_hash, :executor,"
	" :executor_why, :workdir, :umask, :created_ms, :started_ms, :ended_ms, :seq, "
	":list_failed, :succeeded, :failed, :skipped, :canceled, :limits)";

static int write_run(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct wf_run *r = &((const struct op_run *)op)->r;
	char id[WF_ID_TEXT + 1];

	wf_id_text(&r->id, id);
	if (r->number > s->last_run)
		s->last_run = r->number;
	tails_saved(&s->tails, r->number, WF_S_RUN, 0, 0, r->seq);
	tails_over(&s->tails, r->number, wf_run_is_over(r));
	return db_do(s->db, SQL_run_put, err, DB_INT(":number", r->number), DB_TEXT(":id", id),
		     DB_INT(":state", r->state), DB_INT(":cancel", r->cancel),
		     DB_INT(":retries", r->retries), DB_INT(":next_instance", r->next_instance),
		     DB_TEXT(":name", r->name), DB_TEXT(":workflow", r->workflow),
		     DB_TEXT(":file", r->file), DB_TEXT(":key", r->key),
		     DB_TEXT(":body_hash", r->body_hash), DB_TEXT(":executor", r->executor),
		     DB_TEXT(":executor_why", r->executor_why), DB_TEXT(":workdir", r->workdir),
		     DB_INT(":umask", r->umask_bits), DB_INT(":created_ms", r->created_ms),
		     DB_INT(":started_ms", r->started_ms), DB_INT(":ended_ms", r->ended_ms),
		     DB_INT(":seq", r->seq), DB_INT(":list_failed", r->list_failed), DB_INT(":succeeded", r->succeeded),
		     DB_INT(":failed", r->failed), DB_INT(":skipped", r->skipped), DB_INT(":canceled", r->canceled),
		     DB_TEXT(":limits", r->limits));
}

void wf_batch_run(struct wf_batch *b, const struct wf_run *r)
{
	struct op_run *o = batch_op(b, &b->rest, sizeof(*o), write_run);

	o->r = *r;
	o->r.name = batch_text(b, r->name);
	o->r.workflow = batch_text(b, r->workflow);
	o->r.file = batch_text(b, r->file);
	o->r.key = batch_text(b, r->key);
	o->r.body_hash = batch_text(b, r->body_hash);
	o->r.executor = batch_text(b, r->executor);
	o->r.executor_why = batch_text(b, r->executor_why);
	o->r.workdir = batch_text(b, r->workdir);
	o->r.limits = batch_text(b, r->limits);
}

#define RUN_COLUMNS                                                                                \
	"number, id, state, cancel, retries, next_instance, name, workflow, file, key, "           \
	"body_hash, executor, executor_why, workdir,"                                              \
	" umask, created_ms, started_ms, ended_ms, seq, list_failed, succeeded, failed, skipped, canceled, limits"

const char sql_run_all[] = "SELECT " RUN_COLUMNS " FROM run ORDER BY number";
const char sql_run_one[] = "SELECT " RUN_COLUMNS " FROM run WHERE number = :number";
const char sql_run_last[] = "SELECT coalesce(max(number), 0) FROM run";

/* Strings point into the row: valid until the next db_next, not to be released. */
int run_of_row(sqlite3_stmt *st, struct wf_run *r, struct wf_err *err)
{
	const char *id = db_text(st, 1);

	memset(r, 0, sizeof(*r));
	r->number = (uint64_t)db_int(st, 0);
	if (!id || wf_id_parse(&r->id, id) < 0)
		return wf_errf(err, WF_CORRUPT,
			       "run %llu has no id; try 'wf engine recover --rebuild'",
			       (unsigned long long)r->number);
	r->state = (uint8_t)db_int(st, 2);
	r->cancel = (uint8_t)db_int(st, 3);
	r->retries = (uint32_t)db_int(st, 4);
	r->next_instance = (uint32_t)db_int(st, 5);
	r->name = (char *)db_text(st, 6);
	r->workflow = (char *)db_text(st, 7);
	r->file = (char *)db_text(st, 8);
	r->key = (char *)db_text(st, 9);
	r->body_hash = (char *)db_text(st, 10);
	r->executor = (char *)db_text(st, 11);
	r->executor_why = (char *)db_text(st, 12);
	r->workdir = (char *)db_text(st, 13);
	r->umask_bits = (uint32_t)db_int(st, 14);
	r->created_ms = db_int(st, 15);
	r->started_ms = db_int(st, 16);
	r->ended_ms = db_int(st, 17);
	r->seq = (uint64_t)db_int(st, 18);
	r->list_failed = (uint8_t)db_int(st, 19);
	r->succeeded = (uint32_t)db_int(st, 20);
	r->failed = (uint32_t)db_int(st, 21);
	r->skipped = (uint32_t)db_int(st, 22);
	r->canceled = (uint32_t)db_int(st, 23);
	r->limits = (char *)db_text(st, 24);
	return 0;
}

/* ---- services -------------------------------------------------------------------------------- */

struct op_service {
	struct op op;
	struct wf_service v;
};

const char sql_service_put[] =
	"INSERT OR REPLACE INTO service(run, number, state, failing, held, generation, view, "
	"restarts, target, min, delay_ms, name, reason, seq)"
	" VALUES(:run, :number, :state, :failing, :held, :generation, :view, :restarts, :target, "
	":min, :delay_ms, :name, :reason, :seq)";

static int write_service(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct wf_service *v = &((const struct op_service *)op)->v;

	tails_saved(&s->tails, v->run, WF_S_SERVICE, v->number, 0, v->seq);
	return db_do(s->db, SQL_service_put, err, DB_INT(":run", v->run),
		     DB_INT(":number", v->number), DB_INT(":state", v->state),
		     DB_INT(":failing", v->failing), DB_INT(":held", v->held),
		     DB_INT(":generation", v->generation), DB_INT(":view", v->view),
		     DB_INT(":restarts", v->restarts), DB_INT(":target", v->target),
		     DB_INT(":min", v->min), DB_INT(":delay_ms", v->delay_ms),
		     DB_TEXT(":name", v->name), DB_TEXT(":reason", v->reason),
		     DB_INT(":seq", v->seq));
}

void wf_batch_service(struct wf_batch *b, const struct wf_service *v)
{
	struct op_service *o = batch_op(b, &b->rest, sizeof(*o), write_service);

	o->v = *v;
	o->v.name = batch_text(b, v->name);
	o->v.reason = batch_text(b, v->reason);
}

const char sql_service_of_run[] = "SELECT run, number, state, failing, held, generation, view, "
				  "restarts, target, min, delay_ms, name, reason,"
				  " seq FROM service WHERE run = :run ORDER BY number";

int service_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		 struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_service_of_run, DB_INT(":run", run));
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		struct wf_service w = {
			.run = run,
			.number = (uint32_t)db_int(st, 1),
			.state = (uint8_t)db_int(st, 2),
			.failing = (uint8_t)db_int(st, 3),
			.held = (uint8_t)db_int(st, 4),
			.generation = (uint32_t)db_int(st, 5),
			.view = (uint32_t)db_int(st, 6),
			.restarts = (uint32_t)db_int(st, 7),
			.target = (uint32_t)db_int(st, 8),
			.min = (uint32_t)db_int(st, 9),
			.delay_ms = (uint32_t)db_int(st, 10),
			.name = (char *)db_text(st, 11),
			.reason = (char *)db_text(st, 12),
			.seq = (uint64_t)db_int(st, 13),
		};

		tails_saved(&s->tails, run, WF_S_SERVICE, w.number, 0, w.seq);
		rc = v->service ? v->service(v->arg, &w, err) : 0;
		if (rc)
			break;
	}
	db_done(st);
	return rc ? -1 : 0;
}

/* ---- members --------------------------------------------------------------------------------- */

struct op_member {
	struct op op;
	struct wf_member m;
};

const char sql_member_put[] = "INSERT OR REPLACE INTO member(run, service, n, state, class, exit, "
			      "generation, pid, number, endpoint, provides, reason, seq)"
			      " VALUES(:run, :service, :n, :state, :class, :exit, :generation, "
			      ":pid, :number, :endpoint, :provides, :reason, :seq)";

static int write_member(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct wf_member *m = &((const struct op_member *)op)->m;

	tails_saved(&s->tails, m->run, WF_S_MEMBER, m->service, m->n, m->seq);
	return db_do(s->db, SQL_member_put, err, DB_INT(":run", m->run),
		     DB_INT(":service", m->service), DB_INT(":n", m->n), DB_INT(":state", m->state),
		     DB_INT(":class", m->class), DB_INT(":exit", m->exit),
		     DB_INT(":generation", m->generation), DB_INT(":pid", m->pid),
		     DB_INT(":number", m->number), DB_TEXT(":endpoint", m->endpoint),
		     DB_TEXT(":provides", m->provides), DB_TEXT(":reason", m->reason),
		     DB_INT(":seq", m->seq));
}

void wf_batch_member(struct wf_batch *b, const struct wf_member *m)
{
	struct op_member *o = batch_op(b, &b->rest, sizeof(*o), write_member);

	o->m = *m;
	o->m.endpoint = batch_text(b, m->endpoint);
	o->m.provides = batch_text(b, m->provides);
	o->m.reason = batch_text(b, m->reason);
}

const char sql_member_of_run[] = "SELECT run, service, n, state, class, exit, generation, pid, "
				 "number, endpoint, provides, reason, seq"
				 " FROM member WHERE run = :run ORDER BY service, n";

int member_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
		struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_member_of_run, DB_INT(":run", run));
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		struct wf_member m = {
			.run = run,
			.service = (uint32_t)db_int(st, 1),
			.n = (uint32_t)db_int(st, 2),
			.state = (uint8_t)db_int(st, 3),
			.class = (uint8_t)db_int(st, 4),
			.exit = (int32_t)db_int(st, 5),
			.generation = (uint32_t)db_int(st, 6),
			.pid = (uint32_t)db_int(st, 7),
			.number = (uint64_t)db_int(st, 8),
			.endpoint = (char *)db_text(st, 9),
			.provides = (char *)db_text(st, 10),
			.reason = (char *)db_text(st, 11),
			.seq = (uint64_t)db_int(st, 12),
		};

		tails_saved(&s->tails, run, WF_S_MEMBER, m.service, m.n, m.seq);
		rc = v->member ? v->member(v->arg, &m, err) : 0;
		if (rc)
			break;
	}
	db_done(st);
	return rc ? -1 : 0;
}

/* ---- leases ---------------------------------------------------------------------------------- */

struct op_lease {
	struct op op;
	struct wf_lease l;
};

const char sql_lease_put[] =
	"INSERT OR REPLACE INTO lease(run, instance, service, state, mode, view, seq)"
	" VALUES(:run, :instance, :service, :state, :mode, :view, :seq)";

static int write_lease(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct wf_lease *l = &((const struct op_lease *)op)->l;

	tails_saved(&s->tails, l->run, WF_S_LEASE, l->instance, l->service, l->seq);
	return db_do(s->db, SQL_lease_put, err, DB_INT(":run", l->run),
		     DB_INT(":instance", l->instance), DB_INT(":service", l->service),
		     DB_INT(":state", l->state), DB_INT(":mode", l->mode), DB_INT(":view", l->view),
		     DB_INT(":seq", l->seq));
}

void wf_batch_lease(struct wf_batch *b, const struct wf_lease *l)
{
	struct op_lease *o = batch_op(b, &b->rest, sizeof(*o), write_lease);

	o->l = *l;
}

const char sql_lease_of_run[] = "SELECT run, instance, service, state, mode, view, seq FROM lease "
				"WHERE run = :run ORDER BY instance, service";

int lease_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
	       struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_lease_of_run, DB_INT(":run", run));
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		struct wf_lease l = {
			.run = run,
			.instance = (uint32_t)db_int(st, 1),
			.service = (uint32_t)db_int(st, 2),
			.state = (uint8_t)db_int(st, 3),
			.mode = (uint8_t)db_int(st, 4),
			.view = (uint32_t)db_int(st, 5),
			.seq = (uint64_t)db_int(st, 6),
		};

		tails_saved(&s->tails, run, WF_S_LEASE, l.instance, l.service, l.seq);
		rc = v->lease ? v->lease(v->arg, &l, err) : 0;
		if (rc)
			break;
	}
	db_done(st);
	return rc ? -1 : 0;
}
