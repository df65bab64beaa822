/* tasks.c - owns the blobs of task records: up to 4,096 of 80 bytes, as they are after one event.
 *
 * Knows nothing of what a record says. A blob of the same size is written over in place, and SQLite
 * writes only pages that differ, so a blob in which few tasks moved costs few pages.
 */
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/store/store_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "records of tasks are stored as they lie in memory: little-endian");

struct op_tasks {
	struct op op;
	uint64_t run, applied;
	uint32_t instance, chunk;
	const void *records;
	size_t n;
};

static int64_t hash_of(const void *p, size_t n)
{
	return (int64_t)XXH3_64bits(p, n);
}

const char sql_tasks_put[] =
	"INSERT INTO tasks(run, instance, chunk, applied, hash, records)"
	" VALUES(:run, :instance, :chunk, :applied, :hash, :records)"
	" ON CONFLICT(run, instance, chunk) DO UPDATE"
	" SET applied = excluded.applied, hash = excluded.hash, records = excluded.records";

static int write_tasks(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct op_tasks *t = (const struct op_tasks *)op;

	tails_saved(&s->tails, t->run, WF_S_TASK, t->instance, t->chunk * WF_TASKS_PER_BLOB,
		    t->applied);
	return db_do(s->db, SQL_tasks_put, err, DB_INT(":run", t->run),
		     DB_INT(":instance", t->instance), DB_INT(":chunk", t->chunk),
		     DB_INT(":applied", t->applied), DB_INT(":hash", hash_of(t->records, t->n)),
		     DB_BLOB(":records", t->records, t->n));
}

void wf_batch_tasks(struct wf_batch *b, uint64_t run, uint32_t instance, uint32_t chunk,
		    uint64_t applied_seq, const struct wf_task *t, uint32_t count)
{
	struct op_tasks *o;

	WF_ASSERT(count <= WF_TASKS_PER_BLOB);
	o = batch_op(b, &b->rest, sizeof(*o), write_tasks);
	o->run = run;
	o->instance = instance;
	o->chunk = chunk;
	o->applied = applied_seq;
	o->records = batch_copy(b, t, count * sizeof(*t));
	o->n = count * sizeof(*t);
}

/* ---- reading --------------------------------------------------------------------------------- */

const char sql_tasks_of_run[] = "SELECT run, instance, chunk, applied, hash, records FROM tasks "
				"WHERE run = :run ORDER BY instance, chunk";

static int read_blob(struct wf_store *s, sqlite3_stmt *st, struct wf_task *room,
		     const struct wf_store_visitor *v, struct wf_err *err)
{
	uint64_t run = (uint64_t)db_int(st, 0), applied = (uint64_t)db_int(st, 3);
	uint32_t instance = (uint32_t)db_int(st, 1), chunk = (uint32_t)db_int(st, 2);
	size_t n;
	const void *p = db_blob(st, 5, &n);

	if (n % sizeof(*room) || n > WF_TASKS_PER_BLOB * sizeof(*room) ||
	    hash_of(p, n) != db_int(st, 4))
		return wf_errf(err, WF_CORRUPT,
			       "records of run %llu, instance %u, chunk %u are damaged; 'wf engine "
			       "recover --rebuild' makes them again",
			       (unsigned long long)run, instance, chunk);
	/* SQLite's memory is not aligned for a record. */
	if (n)
		memcpy(room, p, n);
	tails_saved(&s->tails, run, WF_S_TASK, instance, chunk * WF_TASKS_PER_BLOB, applied);
	return v->tasks ? v->tasks(v->arg, run, instance, chunk, applied, room,
				   (uint32_t)(n / sizeof(*room)), err)
			: 0;
}

int tasks_read(struct wf_store *s, uint64_t run, const struct wf_store_visitor *v,
	       struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_tasks_of_run, DB_INT(":run", run));
	struct wf_task *room = wf_xmalloc(WF_TASKS_PER_BLOB * sizeof(*room));
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		rc = read_blob(s, st, room, v, err);
		if (rc)
			break;
	}
	db_done(st);
	free(room);
	return rc ? -1 : 0;
}
