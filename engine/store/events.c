/* events.c - owns the rows of events: a row per stretch of one run in a batch, checked when written
 * and when read.
 *
 * Knows nothing of what an event means but who its subject is (tail.c) and where attempt numbers
 * come from.
 */
#include <stdlib.h>

#include "engine/store/store_internal.h"

struct op_events {
	struct op op;
	uint64_t run, first_seq;
	uint32_t count;
	int64_t time;
	const void *blob;
	size_t n;
};

/* Over the whole row, so that no number of it can be damaged unseen either. */
uint32_t events_crc(uint64_t first_seq, uint32_t count, int64_t time, uint64_t run, uint64_t epoch,
		    const void *blob, size_t n)
{
	const uint64_t head[] = { first_seq, count, (uint64_t)time, run, epoch };
	uint8_t bytes[sizeof(head)];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(head[i / 8] >> (8 * (i % 8)));
	return wf_crc32c(wf_crc32c(0, bytes, sizeof(bytes)), blob, n);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int note_event(const struct wf_event *e, void *arg)
{
	struct wf_store *s = arg;

	if ((e->kind == WF_E_TASK_STARTED || e->kind == WF_E_MEMBER_REQUESTED) &&
	    (uint64_t)e->v[0] > s->last_number)
		s->last_number = (uint64_t)e->v[0];
	tails_event(&s->tails, e);
	return 0;
}

const char sql_events_put[] =
	"INSERT INTO events(first_seq, count, time, run, epoch, number, crc32c, blob)"
	" VALUES(:first_seq, :count, :time, :run, :epoch, :number, :crc32c, :blob)";

static int write_events(struct wf_store *s, const struct op *op, struct wf_err *err)
{
	const struct op_events *e = (const struct op_events *)op;

	if (e->first_seq <= s->last_seq)
		return wf_errf(err, WF_INTERNAL,
			       "events up to number %llu are stored, refuse to store number %llu",
			       (unsigned long long)s->last_seq, (unsigned long long)e->first_seq);
	/* Reading it back costs little and proves that what we are about to call the truth can
	 * be read. */
	if (wf_unpack(e->blob, e->n, e->run, e->first_seq, e->count, e->time, s->epoch, note_event,
		      s, err) < 0) {
		if (err)
			err->code = WF_INTERNAL;
		return wf_err_wrap(err, "refuse to store");
	}
	return db_do(s->db, SQL_events_put, err, DB_INT(":first_seq", e->first_seq),
		     DB_INT(":count", e->count), DB_INT(":time", e->time), DB_INT(":run", e->run),
		     DB_INT(":epoch", s->epoch), DB_INT(":number", s->last_number),
		     DB_INT(":crc32c", events_crc(e->first_seq, e->count, e->time, e->run, s->epoch,
						  e->blob, e->n)),
		     DB_BLOB(":blob", e->blob, e->n));
}

void wf_batch_events(struct wf_batch *b, uint64_t run, uint64_t first_seq, uint32_t count,
		     int64_t time, const void *blob, size_t n)
{
	struct op_events *e;

	WF_ASSERT(count > 0 && first_seq > b->last_seq);
	e = batch_op(b, &b->events, sizeof(*e), write_events);
	e->run = run;
	e->first_seq = first_seq;
	e->count = count;
	e->time = time;
	e->blob = batch_copy(b, blob, n);
	e->n = n;
	b->first_seq = first_seq;
	b->last_seq = first_seq + count - 1;
	b->crc = wf_crc32c(0, blob, n);
	b->event_count += count;
}

/* ---- reading --------------------------------------------------------------------------------- */

#define COLUMNS "first_seq, count, time, run, epoch, crc32c, blob"

/* One row: checked, then each event of it to fn. */
static int read_row(sqlite3_stmt *st, int (*fn)(const struct wf_event *e, void *arg), void *arg,
		    struct wf_err *err)
{
	uint64_t first_seq = (uint64_t)db_int(st, 0), run = (uint64_t)db_int(st, 3),
		 epoch = (uint64_t)db_int(st, 4);
	uint32_t count = (uint32_t)db_int(st, 1), crc = (uint32_t)db_int(st, 5);
	int64_t time = db_int(st, 2);
	size_t n;
	const void *blob = db_blob(st, 6, &n);

	if (events_crc(first_seq, count, time, run, epoch, blob, n) != crc)
		return wf_errf(err, WF_CORRUPT,
			       "events of run %llu from number %llu to %llu are damaged "
			       "(checksum); put back a backup, or forget the run",
			       (unsigned long long)run, (unsigned long long)first_seq,
			       (unsigned long long)(first_seq + count - 1));
	return wf_unpack(blob, n, run, first_seq, count, time, epoch, fn, arg, err);
}

int events_read(struct wf_store *s, sqlite3_stmt *st,
		int (*fn)(const struct wf_event *e, void *arg), void *arg, struct wf_err *err)
{
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		rc = read_row(st, fn, arg, err);
		if (rc)
			break;
	}
	db_done(st);
	return rc;
}

/* From the row that holds :from on. */
const char sql_events_of_run[] = "SELECT " COLUMNS " FROM events WHERE run = :run AND first_seq >="
				 " coalesce((SELECT max(first_seq) FROM events WHERE run = :run "
				 "AND first_seq <= :from), 0) ORDER BY first_seq";
const char sql_events_since[] = "SELECT " COLUMNS " FROM events WHERE first_seq >="
				" coalesce((SELECT max(first_seq) FROM events WHERE first_seq <= "
				":from), 0) ORDER BY first_seq";
const char sql_events_end[] =
	"SELECT first_seq, count, number FROM events ORDER BY first_seq DESC LIMIT 1";

const char sql_events_of_run_end[] =
	"SELECT first_seq, count FROM events WHERE run = :run ORDER BY first_seq DESC LIMIT 1";

int events_last(struct wf_store *s, uint64_t run, uint64_t *seq, struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_events_of_run_end, DB_INT(":run", run));
	int rc = db_next(s->db, st, err);

	*seq = rc > 0 ? (uint64_t)(db_int(st, 0) + db_int(st, 1) - 1) : 0;
	db_done(st);
	return rc < 0 ? -1 : 0;
}

/* ---- history --------------------------------------------------------------------------------- */

struct page {
	uint64_t since;
	uint32_t left;
	int (*fn)(const struct wf_event *e, void *arg);
	void *arg;
};

static int page_event(const struct wf_event *e, void *arg)
{
	struct page *p = arg;

	if (e->seq <= p->since)
		return 0;
	if (!p->left)
		return 1;
	p->left--;
	return p->fn(e, p->arg) ? 1 : 0;
}

int wf_store_get_events(struct wf_store *s, uint64_t run, uint64_t since, uint32_t limit,
			int (*fn)(const struct wf_event *e, void *arg), void *arg,
			struct wf_err *err)
{
	struct page p = { .since = since, .left = limit, .fn = fn, .arg = arg };
	sqlite3_stmt *st;
	int rc;

	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	st = run ? db_ask(s->db, SQL_events_of_run, DB_INT(":run", run), DB_INT(":from", since + 1))
		 : db_ask(s->db, SQL_events_since, DB_INT(":from", since + 1));
	rc = events_read(s, st, page_event, &p, err);
	return rc < 0 ? -1 : 0;
}

/* ---- which engine was where --------------------------------------------------------------------------- */

const char sql_events_engines[] =
	"SELECT " COLUMNS ", number FROM events WHERE run = 0 ORDER BY first_seq";

struct engines {
	uint64_t number;
	void (*fn)(void *arg, uint64_t number, const struct wf_event *started);
	void *arg;
};

static int on_engine(const struct wf_event *e, void *arg)
{
	struct engines *g = arg;

	if (e->kind == WF_E_ENGINE_STARTED)
		g->fn(g->arg, g->number, e);
	return 0;
}

int wf_store_get_engines(struct wf_store *s, void (*fn)(void *arg, uint64_t number, const struct wf_event *started), void *arg,
			 struct wf_err *err)
{
	struct engines g = { .fn = fn, .arg = arg };
	sqlite3_stmt *st = db_start(s->db, SQL_events_engines, (const struct db_arg[]){ { .name = NULL } });
	int rc;

	while ((rc = db_next(s->db, st, err)) > 0) {
		g.number = (uint64_t)db_int(st, 7);
		rc = read_row(st, on_engine, &g, err);
		if (rc)
			break;
	}
	db_done(st);
	return rc < 0 ? -1 : 0;
}
