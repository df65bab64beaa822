/* model.c - owns what the events say: it applies each by the tables of docs/design/001, written down a second time, and compares the rows that the engine
 * derived. Knows nothing of ledgers, clients and processes. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/check.h"

struct model model;

enum { WAITING, READY, ACTIVE, HELD, SUSPENDED, SUCCEEDED, FAILED, SKIPPED, CANCELED };
enum { NONE, CREATED, SUBMITTING, QUEUED, ISRUNNING, UNKNOWN, ISENDED, REVOKED };

struct move {
	uint8_t kind;
	uint16_t from;                 /* a bit per state */
	int8_t to;                     /* -1: stays */
};
#define IN(s) (1u << (s))

/* pending running paused canceling closing succeeded failed canceled */
static const struct move run_moves[] = {
	{ RUN_SUBMITTED, IN(0), -1 },          { RUN_ADMITTED, IN(0), 1 },           { RUN_PAUSED, IN(1), 2 },
	{ RUN_RESUMED, IN(2), 1 },             { RUN_CANCEL, IN(0) | IN(1) | IN(2) | IN(4), 3 }, { RUN_CLOSING, IN(1) | IN(2), 4 },
	{ RUN_SUCCEEDED, IN(4), 5 },           { RUN_FAILED, IN(4), 6 },             { RUN_CANCELED, IN(3), 7 },
	{ RUN_RETRIED, IN(6) | IN(7), 1 },     { RUN_LIST_FAILED, IN(1) | IN(2), -1 }, { 0, 0, 0 },
};
static const struct move task_moves[] = {
	{ TASK_RELEASED, IN(WAITING), READY },
	{ TASK_SKIPPED, IN(WAITING) | IN(READY), SKIPPED },
	{ TASK_STARTED, IN(READY), ACTIVE },
	{ TASK_REQUEUED, IN(ACTIVE) | IN(HELD), READY },
	{ TASK_SUCCEEDED, IN(ACTIVE) | IN(HELD), SUCCEEDED },
	{ TASK_FAILED, IN(WAITING) | IN(READY) | IN(ACTIVE) | IN(HELD), FAILED },
	{ TASK_HELD, IN(ACTIVE), HELD },
	{ TASK_CANCELED, IN(WAITING) | IN(READY) | IN(ACTIVE) | IN(HELD), CANCELED },
	{ TASK_RETRIED, IN(FAILED) | IN(SKIPPED) | IN(CANCELED), WAITING },
	{ 0, 0, 0 },
};
static const struct move attempt_moves[] = {
	{ TASK_STARTED, IN(NONE) | IN(ISENDED) | IN(REVOKED) | IN(UNKNOWN), SUBMITTING },
	{ ATTEMPT_ACCEPTED, IN(SUBMITTING) | IN(UNKNOWN), QUEUED },
	{ ATTEMPT_RUNNING, IN(SUBMITTING) | IN(QUEUED) | IN(UNKNOWN), ISRUNNING },
	{ ATTEMPT_ENDED, IN(SUBMITTING) | IN(QUEUED) | IN(ISRUNNING) | IN(UNKNOWN), ISENDED },
	{ ATTEMPT_REVOKED, IN(SUBMITTING) | IN(QUEUED) | IN(UNKNOWN), REVOKED },
	{ ATTEMPT_UNKNOWN, IN(SUBMITTING) | IN(QUEUED) | IN(ISRUNNING), UNKNOWN },
	{ ATTEMPT_CANCELING, IN(SUBMITTING) | IN(QUEUED) | IN(ISRUNNING) | IN(UNKNOWN), -1 },
	{ 0, 0, 0 },
};
/* declared reserving staging_in starting ready degraded quiesced offline draining saving stopping stopped failed hibernated leaked */
static const struct move service_moves[] = {
	{ SERVICE_DECLARED, IN(0), -1 },       { SERVICE_DECLARED, IN(12), 0 },      { SERVICE_DEMANDED, IN(0) | IN(11), 1 },
	{ SERVICE_GRANTED, IN(1), 2 },         { SERVICE_REFUSED, IN(1), 12 },       { SERVICE_STAGED, IN(2), 3 },
	{ SERVICE_READY, IN(3) | IN(5), 4 },   { SERVICE_START_FAILED, IN(2) | IN(3), 10 }, { SERVICE_DEGRADED, IN(4), 5 },
	{ SERVICE_RESTARTING, IN(3) | IN(4) | IN(5), 3 }, { SERVICE_DRAINING, IN(4) | IN(5), 8 }, { SERVICE_DRAINED, IN(8), 9 },
	{ SERVICE_SAVED, IN(9), 10 },          { SERVICE_STOPPED, IN(10), 11 },      { SERVICE_FAILED, IN(0) | IN(10), 12 },
	{ SERVICE_UNPROVEN, IN(10), 14 },      { SERVICE_GONE, IN(14), 11 },         { SERVICE_HELD, IN(5), -1 },
	{ SERVICE_CANCELED, IN(1) | IN(2) | IN(3), 10 }, { 0, 0, 0 },
};
/* pending launched joining ready suspect fencing leaving gone */
static const struct move member_moves[] = {
	{ MEMBER_REQUESTED, IN(0) | IN(7), 0 }, { MEMBER_LAUNCHED, IN(0), 1 },       { MEMBER_LAUNCHED, IN(6), -1 },
	{ MEMBER_JOINING, IN(1), 2 },          { MEMBER_READY, IN(1) | IN(2), 3 },   { MEMBER_SUSPECT, IN(3), 4 },
	{ MEMBER_HEALTHY, IN(4), 3 },          { MEMBER_LEAVING, IN(0) | IN(1) | IN(2) | IN(3) | IN(4), 6 },
	{ MEMBER_FENCING, IN(0) | IN(1) | IN(2) | IN(4), 5 },
	{ MEMBER_GONE, 0x7f, 7 },              { 0, 0, 0 },
};
/* none wanted held paused ended */
static const struct move lease_moves[] = {
	{ LEASE_WANTED, IN(0) | IN(4), 1 }, { LEASE_HELD, IN(1), 2 }, { LEASE_ENDED, IN(1) | IN(2), 4 }, { 0, 0, 0 },
};

static int move(const struct move *m, int state, const struct event *e, const char *what)
{
	for (; m->kind; m++)
		if (m->kind == e->kind && m->from >> state & 1)
			return m->to < 0 ? state : m->to;
	violation("event %llu: kind %d is not allowed for a %s in state %d (run %llu, %u, %u)", (unsigned long long)e->seq, e->kind, what, state,
		  (unsigned long long)e->run, e->a, e->b);
	return state;
}

/* ---- finding and making ------------------------------------------------------------------------------------------------ */

static void *more(void *all, size_t count, size_t size)
{
	char *p = all;

	if ((count & (count - 1)) == 0)
		p = realloc(p, (count ? 2 * count : 1) * size);
	if (!p)
		abort();
	memset(p + count * size, 0, size);
	return p;
}

static struct run *run_of(uint64_t number)
{
	for (size_t i = 0; i < model.run_count; i++)
		if (model.runs[i].number == number)
			return &model.runs[i];
	model.runs = more(model.runs, model.run_count, sizeof(*model.runs));
	model.runs[model.run_count].number = number;
	return &model.runs[model.run_count++];
}

struct run *model_run(const char *id)
{
	for (size_t i = 0; i < model.run_count; i++)
		if (strcmp(model.runs[i].id, id) == 0)
			return &model.runs[i];
	return NULL;
}

struct attempt *model_attempt(uint64_t number)
{
	for (size_t i = 0; i < model.attempt_count; i++)
		if (model.attempts[i].number == number)
			return &model.attempts[i];
	return NULL;
}

static struct task *find_task(uint64_t run, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < model.task_count; i++)
		if (model.tasks[i].b == b && model.tasks[i].a == a && model.tasks[i].run == run)
			return &model.tasks[i];
	return NULL;
}

struct task *model_task(uint64_t run, uint32_t a, uint32_t b)
{
	struct task *t = find_task(run, a, b);

	if (t)
		return t;
	model.tasks = more(model.tasks, model.task_count, sizeof(*model.tasks));
	t = &model.tasks[model.task_count++];
	t->run = run;
	t->a = a;
	t->b = b;
	t->applied = UINT64_MAX;
	return t;
}

static struct thing *thing_of(struct things *s, uint64_t run, uint32_t x, uint32_t y)
{
	struct thing *t;

	for (size_t i = 0; i < s->count; i++)
		if (s->all[i].run == run && s->all[i].x == x && s->all[i].y == y)
			return &s->all[i];
	s->all = more(s->all, s->count, sizeof(*s->all));
	t = &s->all[s->count++];
	t->run = run;
	t->x = x;
	t->y = y;
	return t;
}

/* ---- applying an event --------------------------------------------------------------------------------------------------- */

static void fact(const struct event *e, const char *name, char *out, size_t size)
{
	char key[32];
	size_t k = (size_t)snprintf(key, sizeof(key), "\"%s\":", name), n = 0;
	const char *p = e->text[0], *end = p + e->text_size[0];

	for (; p + k < end && memcmp(p, key, k) != 0; p++)
		;
	for (p += k; p < end && *p != '"'; p++)
		;
	for (p++; p < end && *p != '"' && n + 1 < size; p++)
		out[n++] = *p;
	out[n] = '\0';
}

static void apply_run(const struct event *e)
{
	struct run *r = run_of(e->run);

	r->state = move(run_moves, r->state, e, "run");
	switch (e->kind) {
	case RUN_SUBMITTED:
		r->submitted = e->seq;
		fact(e, "id", r->id, sizeof(r->id));
		fact(e, "key", r->key, sizeof(r->key));
		break;
	case RUN_PAUSED:
		r->paused = e->seq;
		break;
	case RUN_RESUMED:
		r->resumed = e->seq;
		break;
	case RUN_CANCEL:
		r->canceled = e->seq;
		break;
	}
}

static void begin_attempt(const struct event *e, uint64_t number, int is_member, int attempt)
{
	struct attempt *a = model_attempt(number);

	if (a)
		violation("event %llu: attempt number %llu is given out twice, first by event %llu", (unsigned long long)e->seq,
			  (unsigned long long)number, (unsigned long long)a->started);
	model.attempts = more(model.attempts, model.attempt_count, sizeof(*model.attempts));
	a = &model.attempts[model.attempt_count++];
	*a = (struct attempt){ .number = number, .run = e->run, .started = e->seq, .a = e->a, .b = e->b, .is_member = is_member,
			       .attempt = attempt };
}

static void end_attempt(const struct event *e)
{
	struct attempt *a = model_attempt((uint64_t)e->v[0]);

	if (!a) {
		violation("event %llu: attempt %lld ended and was never started", (unsigned long long)e->seq, (long long)e->v[0]);
		return;
	}
	a->ended = 1;
	a->class = (int)e->v[1];
	a->exit = (int)e->v[2];
}

static void apply_to_attempt(struct task_state *s, const struct event *e)
{
	int to;

	if (e->kind == ATTEMPT_STRAY)
		return;
	if ((uint64_t)e->v[0] != s->number || (s->state != ACTIVE && s->state != HELD))
		violation("event %llu: kind %d about attempt %lld of a task in state %d whose last is %llu", (unsigned long long)e->seq, e->kind,
			  (long long)e->v[0], s->state, (unsigned long long)s->number);
	to = move(attempt_moves, s->astate, e, "attempt");
	s->astate = to;
	if (s->state == HELD && (to == QUEUED || to == ISRUNNING))
		s->state = ACTIVE;
	if (e->kind == ATTEMPT_REVOKED)
		s->attempt--;
}

static void apply_to_task(struct task_state *s, const struct event *e)
{
	if (e->kind >= ATTEMPT_ACCEPTED) {
		apply_to_attempt(s, e);
		return;
	}
	if (e->kind == TASK_RESOLVED) {
		s->state = e->v[0] == 0 ? SUCCEEDED : e->v[0] == 1 ? FAILED : READY;
		return;
	}
	if (e->kind == TASK_STARTED) {
		s->astate = move(attempt_moves, s->astate, e, "attempt");
		s->number = (uint64_t)e->v[0];
		s->attempt++;
	}
	s->state = move(task_moves, s->state, e, "task");
	if (e->kind == TASK_SKIPPED)
		s->number = (uint64_t)e->v[3]; /* the cause's: the record has the field twice */
	if (e->kind == TASK_RETRIED) {
		s->number = s->attempt ? s->number : 0;
		s->astate = s->attempt ? s->astate : NONE;
	}
}

static void apply_task(const struct event *e)
{
	struct task *t = model_task(e->run, e->a, e->b);
	struct run *r = run_of(e->run);

	if (e->seq <= t->applied && t->applied != UINT64_MAX)
		apply_to_task(&t->stored, e);
	apply_to_task(&t->now, e);
	switch (e->kind) {
	case TASK_STARTED:
		if (r->canceled)
			violation("event %llu: a start after event %llu, the cancel", (unsigned long long)e->seq, (unsigned long long)r->canceled);
		if (r->paused > r->resumed)
			violation("event %llu: a start in a paused run", (unsigned long long)e->seq);
		begin_attempt(e, (uint64_t)e->v[0], 0, t->now.attempt);
		if (!t->first_start)
			t->first_start = e->seq;
		break;
	case ATTEMPT_ENDED:
		end_attempt(e);
		break;
	case ATTEMPT_REVOKED:
		if (model_attempt((uint64_t)e->v[0]))
			model_attempt((uint64_t)e->v[0])->revoked = 1;
		break;
	case TASK_REQUEUED:
		t->requeues++;
		t->losses += e->v[1] == 1;
		break;
	}
	/* What an agent says late changes nothing. */
	if (t->now.state >= SUCCEEDED && e->kind < ATTEMPT_ACCEPTED)
		t->over = e->seq;
}

static void apply_thing(struct things *s, const struct move *moves, const struct event *e, const char *what)
{
	struct thing *t = thing_of(s, e->run, e->a, s == &model.services ? 0 : e->b);

	t->state = move(moves, t->state, e, what);
	t->last = e->seq;
	if (s != &model.members)
		return;
	if (e->kind == MEMBER_REQUESTED) {
		begin_attempt(e, (uint64_t)e->v[0], 1, (int)e->v[1]);
		t->number = (uint64_t)e->v[0];
	} else if ((uint64_t)e->v[0] != t->number) {
		violation("event %llu: about attempt %lld of a member whose last is %llu", (unsigned long long)e->seq, (long long)e->v[0],
			  (unsigned long long)t->number);
	}
	if (e->kind == MEMBER_GONE)
		end_attempt(e);
}

static void apply(const struct event *e)
{
	model.last_seq = e->seq;
	if (e->cause >= e->seq)
		violation("event %llu: follows from event %llu, which is not before it", (unsigned long long)e->seq, (unsigned long long)e->cause);
	if (e->run) {
		struct run *r = run_of(e->run);

		r->last = e->seq;
		if (!r->submitted && e->kind != RUN_SUBMITTED)
			violation("event %llu: of a run that was not submitted", (unsigned long long)e->seq);
	}
	if (e->kind >= RUN_SUBMITTED && e->kind <= RUN_LIST_FAILED)
		apply_run(e);
	else if (e->kind >= TASK_RELEASED && e->kind <= ATTEMPT_CANCELING)
		apply_task(e);
	else if (e->kind >= SERVICE_DECLARED && e->kind <= SERVICE_CANCELED)
		apply_thing(&model.services, service_moves, e, "service");
	else if (e->kind >= MEMBER_REQUESTED && e->kind <= MEMBER_GONE)
		apply_thing(&model.members, member_moves, e, "member");
	else if (e->kind >= LEASE_WANTED && e->kind <= LEASE_ENDED)
		apply_thing(&model.leases, lease_moves, e, "lease");
}

/* ---- the database ------------------------------------------------------------------------------------------------------ */

static sqlite3 *db;

static void each(const char *sql, void (*fn)(sqlite3_stmt *row))
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
		violation("the database: %s", sqlite3_errmsg(db));
		return;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		fn(st);
	if (rc != SQLITE_DONE)
		violation("the database: %s", sqlite3_errmsg(db));
	sqlite3_finalize(st);
}

static uint64_t column(sqlite3_stmt *row, int i)
{
	return (uint64_t)sqlite3_column_int64(row, i);
}

static void on_integrity(sqlite3_stmt *row)
{
	if (strcmp((const char *)sqlite3_column_text(row, 0), "ok") != 0)
		violation("the database: %s", (const char *)sqlite3_column_text(row, 0));
}

/* Before the events: up to which event each row of tasks claims to be. */
static void on_blob(sqlite3_stmt *row)
{
	size_t n = (size_t)sqlite3_column_bytes(row, 4) / 80;

	for (size_t i = 0; i < n; i++)
		model_task(column(row, 0), (uint32_t)column(row, 1), (uint32_t)(column(row, 2) * 4096 + i))->applied = column(row, 3);
}

static void on_events(sqlite3_stmt *row)
{
	uint64_t first = column(row, 0), count = column(row, 1), run = column(row, 3), epoch = column(row, 4);
	const void *blob = sqlite3_column_blob(row, 6);
	size_t n = (size_t)sqlite3_column_bytes(row, 6);

	if (first != model.last_seq + 1)
		violation("event %llu comes after event %llu: numbers have a gap", (unsigned long long)first, (unsigned long long)model.last_seq);
	if (epoch < model.last_epoch)
		violation("event %llu: of engine %llu, after one of engine %llu", (unsigned long long)first, (unsigned long long)epoch,
			  (unsigned long long)model.last_epoch);
	if (row_sum(first, count, (int64_t)column(row, 2), run, epoch, blob, n) != (uint32_t)column(row, 5))
		violation("event %llu: its row's checksum is wrong", (unsigned long long)first);
	if (decode_row(blob, n, run, first, count, (int64_t)column(row, 2), epoch, apply) < 0)
		violation("event %llu: its row cannot be read", (unsigned long long)first);
	model.last_epoch = epoch;
	model.last_seq = first + count - 1;
}

static void on_records(sqlite3_stmt *row)
{
	const uint8_t *p = sqlite3_column_blob(row, 4);
	size_t n = (size_t)sqlite3_column_bytes(row, 4) / 80;

	for (size_t i = 0; i < n; i++, p += 80) {
		struct task *t = model_task(column(row, 0), (uint32_t)column(row, 1), (uint32_t)(column(row, 2) * 4096 + i));
		int attempt = p[4] | p[5] << 8;
		uint64_t number = 0;

		for (int k = 7; k >= 0; k--)
			number = number << 8 | p[16 + k];
		if (p[0] != t->stored.state || p[1] != t->stored.astate || attempt != t->stored.attempt || number != t->stored.number)
			violation("task %u[%u] of run %llu: its row, as of event %llu, says %d %d %d %llu, the events say %d %d %d %llu", t->a, t->b,
				  (unsigned long long)t->run, (unsigned long long)t->applied, p[0], p[1], attempt, (unsigned long long)number,
				  t->stored.state, t->stored.astate, t->stored.attempt, (unsigned long long)t->stored.number);
	}
}

static size_t rows;

static void on_run(sqlite3_stmt *row)
{
	struct run *r = run_of(column(row, 0));

	rows++;
	if (r->state != (int)column(row, 1) || r->last != column(row, 2))
		violation("run %llu: its row says state %d as of event %llu, the events say %d as of %llu", (unsigned long long)r->number,
			  (int)column(row, 1), (unsigned long long)column(row, 2), r->state, (unsigned long long)r->last);
}

static void compare(struct things *s, const char *what, sqlite3_stmt *row)
{
	size_t known = s->count;
	struct thing *t = thing_of(s, column(row, 0), (uint32_t)column(row, 1), (uint32_t)column(row, 2));

	rows++;
	if (s->count != known || t->state != (int)column(row, 3) || t->last != column(row, 4))
		violation("%s %u,%u of run %llu: its row says state %d as of event %llu, the events say %d as of %llu", what, t->x, t->y,
			  (unsigned long long)t->run, (int)column(row, 3), (unsigned long long)column(row, 4), t->state,
			  (unsigned long long)t->last);
}

static void on_service(sqlite3_stmt *row)
{
	compare(&model.services, "service", row);
}

static void on_member(sqlite3_stmt *row)
{
	compare(&model.members, "member", row);
}

static void on_lease(sqlite3_stmt *row)
{
	compare(&model.leases, "lease", row);
}

static void rows_are(size_t want, const char *what)
{
	if (rows != want)
		violation("%zu rows of %s, the events know %zu", rows, what, want);
	rows = 0;
}

int model_read(const char *path)
{
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		violation("'%s' cannot be opened: %s", path, sqlite3_errmsg(db));
		sqlite3_close(db);
		return -1;
	}
	each("PRAGMA integrity_check", on_integrity);
	each("SELECT run, instance, chunk, applied, records FROM tasks", on_blob);
	each("SELECT first_seq, count, time, run, epoch, crc32c, blob FROM events ORDER BY first_seq", on_events);
	each("SELECT run, instance, chunk, applied, records FROM tasks", on_records);
	each("SELECT number, state, seq FROM run", on_run);
	rows_are(model.run_count, "run");
	each("SELECT run, number, 0, state, seq FROM service", on_service);
	rows_are(model.services.count, "service");
	each("SELECT run, service, n, state, seq FROM member", on_member);
	rows_are(model.members.count, "member");
	each("SELECT run, instance, service, state, seq FROM lease", on_lease);
	rows_are(model.leases.count, "lease");
	sqlite3_close(db);
	return 0;
}
