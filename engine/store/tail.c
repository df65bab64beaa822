/* tail.c - owns the knowledge of what a load has to replay: for each run the lowest event number
 * that its blobs and rows may lack.
 *
 * Every event stored makes its subject's blob or row stale from that number on; every blob or row
 * stored makes it fresh again. The mark of a run is the lowest stale number. It is kept in memory,
 * stored with the run's blobs (they are written far more seldom than events), and learned again
 * from blobs, rows and tail by a load. Without it a load would have to replay a run from the oldest
 * blob nobody touched since, which is most of its events.
 *
 * A mark that is too low costs time; one that is too high would lose events: so a run that was not
 * loaded keeps its mark.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/store/store_internal.h"

struct thing {
	uint64_t applied;     /* stored as it is after this event */
	uint64_t first, last; /* events stored since then; 0: none */
};

struct tail {
	uint64_t run;
	int known;              /* we know all that is stale: it began with us, or was loaded */
	int over;               /* forget it when nothing is stale any more */
	int snapshot;           /* a blob was written: store the mark with it */
	struct wf_idmap things; /* by key_of */
	uint64_t last_key;      /* most events are about the same blob as the one before */
	struct thing *last;
};

/* Tasks by their blob; all instances of a run by its graph, which tells their sizes. */
static uint64_t key_of(enum wf_subject subject, uint32_t a, uint32_t b)
{
	if (subject == WF_S_TASK)
		b /= WF_TASKS_PER_BLOB;
	else if (subject == WF_S_INSTANCE)
		a = b = 0;
	return (uint64_t)subject << 61 | (uint64_t)a << 29 | (b & ((1u << 29) - 1));
}

static struct tail *tail_of(struct tails *t, uint64_t run)
{
	if (t->last && t->last->run == run)
		return t->last;
	t->last = wf_idmap_get(&t->runs, run);
	if (!t->last) {
		t->last = wf_xcalloc(1, sizeof(*t->last));
		t->last->run = run;
		t->last->known = run > t->unknown_until;
		wf_idmap_set(&t->runs, run, t->last);
	}
	return t->last;
}

static struct thing *thing_of(struct tail *tail, uint64_t key)
{
	if (tail->last && tail->last_key == key)
		return tail->last;
	tail->last = wf_idmap_get(&tail->things, key);
	if (!tail->last) {
		tail->last = wf_xcalloc(1, sizeof(*tail->last));
		wf_idmap_set(&tail->things, key, tail->last);
	}
	tail->last_key = key;
	return tail->last;
}

void tails_event(struct tails *t, const struct wf_event *e)
{
	const struct wf_event_info *info = wf_event_info(e->kind);
	struct thing *thing;

	/* The engine's own events change nothing that is stored; of a kind we do not know we
	 * cannot say what it changes. */
	if (!info || info->subject == WF_S_ENGINE || !e->run)
		return;
	thing = thing_of(tail_of(t, e->run), key_of(info->subject, e->a, e->b));
	if (e->seq <= thing->applied)
		return;
	if (!thing->first)
		thing->first = e->seq;
	if (e->seq > thing->last)
		thing->last = e->seq;
}

void tails_saved(struct tails *t, uint64_t run, enum wf_subject subject, uint32_t a, uint32_t b,
		 uint64_t applied)
{
	struct tail *tail = tail_of(t, run);
	struct thing *thing = thing_of(tail, key_of(subject, a, b));

	if (subject == WF_S_TASK)
		tail->snapshot = 1;
	thing->applied = applied;
	if (thing->last <= applied)
		thing->first = thing->last = 0;
	else if (thing->first <= applied)
		thing->first = applied + 1;
}

void tails_known(struct tails *t, uint64_t run)
{
	tail_of(t, run)->known = 1;
}

void tails_over(struct tails *t, uint64_t run, int over)
{
	tail_of(t, run)->over = over;
}

static uint64_t lowest(const struct tail *tail, uint64_t next)
{
	for (size_t i = 0; i < tail->things.cap; i++) {
		const struct thing *thing =
			tail->things.slots[i].key ? tail->things.slots[i].value : NULL;

		if (thing && thing->first && thing->first < next)
			next = thing->first;
	}
	return next;
}

const char sql_tail_put[] = "INSERT INTO tail(run, mark) VALUES(:run, :mark) ON CONFLICT(run) DO "
			    "UPDATE SET mark = excluded.mark";

int tails_write(struct tails *t, struct wf_store *s, uint64_t next, struct wf_err *err)
{
	uint64_t done = 0;

	for (size_t i = 0; i < t->runs.cap; i++) {
		struct tail *tail = t->runs.slots[i].key ? t->runs.slots[i].value : NULL;

		if (!tail)
			continue;
		if (tail->snapshot && tail->known &&
		    db_do(s->db, SQL_tail_put, err, DB_INT(":run", tail->run),
			  DB_INT(":mark", lowest(tail, next))) < 0)
			return -1;
		tail->snapshot = 0;
		if (tail->over && lowest(tail, UINT64_MAX) == UINT64_MAX)
			done = tail->run;
	}
	/* One a batch: removing moves the slots. */
	if (done)
		tails_drop(t, done);
	return 0;
}

const char sql_tail_get[] = "SELECT mark FROM tail WHERE run = :run";

int tails_mark(struct wf_store *s, uint64_t run, uint64_t *mark, struct wf_err *err)
{
	sqlite3_stmt *st = db_ask(s->db, SQL_tail_get, DB_INT(":run", run));
	int rc = db_next(s->db, st, err);

	*mark = rc > 0 ? (uint64_t)db_int(st, 0) : 0;
	db_done(st);
	return rc < 0 ? -1 : 0;
}

static void free_tail(struct tail *tail)
{
	for (size_t i = 0; i < tail->things.cap; i++)
		free(tail->things.slots[i].value);
	wf_idmap_release(&tail->things);
	free(tail);
}

void tails_drop(struct tails *t, uint64_t run)
{
	struct tail *tail = wf_idmap_get(&t->runs, run);

	if (!tail)
		return;
	wf_idmap_del(&t->runs, run);
	t->last = NULL;
	free_tail(tail);
}

void tails_release(struct tails *t)
{
	for (size_t i = 0; i < t->runs.cap; i++)
		if (t->runs.slots[i].key)
			free_tail(t->runs.slots[i].value);
	wf_idmap_release(&t->runs);
	memset(t, 0, sizeof(*t));
}
