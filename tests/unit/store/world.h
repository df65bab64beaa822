/* world.h - a small engine for the store's tests: random events that the machines allow, packed and
 * snapshot as core does it
 *
 *     struct world w;
 *     world_init(&w, seed); world_submit(&w, run, instances, tasks, services);
 *     world_step(&w, local) ...; b = world_seal(&w, blobs);  commit b
 *     world_check(&w, s)                  after opening again: is what is loaded what was?
 *
 * The live state is a struct replica per run, so the whole truth can be compared with what a load
 * gives back.
 */
#ifndef WF_TESTS_STORE_WORLD_H
#define WF_TESTS_STORE_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store/replica.h"
#include "tests/tap/tap.h"

enum { WORLD_RUNS = 3 };

struct world_run {
	struct replica live;
	uint32_t instances, tasks, services;
	uint8_t *dirty; /* per instance and chunk */
	uint8_t row,
		things; /* the run's row, the rows of its services, members and leases are stale */
	struct wf_pack pack;
};

struct world {
	uint64_t random;
	uint64_t seq, number;
	int64_t now;
	struct world_run runs[WORLD_RUNS + 1]; /* by number */
	uint64_t last_run;      /* last event was of this run: a stretch ends when it changes */
	struct wf_batch *batch; /* gathering */
};

static inline uint32_t world_rnd(struct world *w, uint32_t n)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % n;
}

static inline uint32_t world_chunks(const struct world_run *r)
{
	return (r->tasks + WF_TASKS_PER_BLOB - 1) / WF_TASKS_PER_BLOB;
}

static inline void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->random = seed * 2 + 1;
	w->now = 1700000000000;
	w->batch = wf_batch_create();
}

static inline void world_flush(struct world *w, uint64_t run)
{
	struct world_run *r = &w->runs[run];

	if (!r->pack.count)
		return;
	wf_pack_finish(&r->pack);
	wf_batch_events(w->batch, run, r->pack.first_seq, r->pack.count, r->pack.time,
			r->pack.buf.data, r->pack.buf.len);
	wf_pack_clear(&r->pack);
}

/* Applies and gathers; 0 when the machine refused it. */
static inline int world_post(struct world *w, struct wf_event *e)
{
	struct world_run *r = &w->runs[e->run];
	const struct wf_event_info *info = wf_event_info(e->kind);

	e->seq = w->seq + 1;
	e->at = w->now += world_rnd(w, 4) == 0;
	r->live.notes = w->batch;
	if (replica_apply(&r->live, e, NULL) < 0)
		return 0;
	if (w->last_run && w->last_run != e->run)
		world_flush(w, w->last_run);
	w->last_run = e->run;
	w->seq++;
	wf_pack_add(&r->pack, e);
	if (info->subject == WF_S_TASK)
		r->dirty[e->a * world_chunks(r) + e->b / WF_TASKS_PER_BLOB] = 1;
	else if (info->subject == WF_S_RUN)
		r->row = 1;
	else
		r->things = 1;
	return 1;
}

static inline void world_text(struct wf_event *e, int i, const char *s)
{
	e->text[i].p = s;
	e->text[i].n = (uint32_t)strlen(s);
}

static inline void world_submit(struct world *w, uint64_t run, uint32_t instances, uint32_t tasks,
				uint32_t services)
{
	struct world_run *r = &w->runs[run];
	struct wf_event e = { .run = run, .kind = WF_E_RUN_SUBMITTED };
	char facts[256];

	r->instances = instances;
	r->tasks = tasks;
	r->services = services;
	r->dirty = calloc(instances * world_chunks(r), 1);
	snprintf(facts, sizeof(facts),
		 "{\"id\":\"01hf0000000000000000000%03u\",\"name\":\"demo-%u\",\"workflow\":"
		 "\"demo\",\"file\":\"w.yaml\",\"workdir\":\"/tmp\",\"limits\":\"core=0:0\"}",
		 (unsigned)run, (unsigned)run);
	world_text(&e, 0, facts);
	if (!world_post(w, &e))
		bail("cannot submit");
	for (uint32_t i = 0; i < instances; i++) {
		e = (struct wf_event){
			.run = run, .kind = WF_E_INSTANCE_SIZED, .a = i, .v = { tasks }
		};
		world_post(w, &e);
	}
	for (uint32_t i = 0; i < services; i++) {
		e = (struct wf_event){
			.run = run, .kind = WF_E_SERVICE_DECLARED, .a = i, .v = { 1, 1 }
		};
		world_text(&e, 0, "db");
		world_post(w, &e);
	}
	wf_batch_input(w->batch, run, "workflow: {}\n", 13, "GRAPH", 5, "{\"n\":3}");
	r->row = r->things = 1;
	memset(r->dirty, 1, instances * world_chunks(r));
}

static inline int world_try_task(struct world *w, uint64_t run, uint32_t a, uint32_t b)
{
	static const uint8_t kinds[] = {
		WF_E_TASK_RELEASED,    WF_E_TASK_RELEASED,   WF_E_TASK_RELEASED,
		WF_E_TASK_SKIPPED,     WF_E_TASK_STARTED,    WF_E_TASK_STARTED,
		WF_E_TASK_REQUEUED,    WF_E_TASK_SUCCEEDED,  WF_E_TASK_SUCCEEDED,
		WF_E_TASK_FAILED,      WF_E_TASK_HELD,       WF_E_TASK_RESOLVED,
		WF_E_TASK_CANCELED,    WF_E_TASK_RETRIED,    WF_E_ATTEMPT_ACCEPTED,
		WF_E_ATTEMPT_RUNNING,  WF_E_ATTEMPT_RUNNING, WF_E_ATTEMPT_ENDED,
		WF_E_ATTEMPT_ENDED,    WF_E_ATTEMPT_REVOKED, WF_E_ATTEMPT_UNKNOWN,
		WF_E_ATTEMPT_CANCELING
	};
	const struct wf_task *t = &w->runs[run].live.instances[a].tasks[b];
	struct wf_event e = {
		.run = run, .kind = kinds[world_rnd(w, sizeof(kinds))], .a = a, .b = b
	};

	e.cause = world_rnd(w, 2) ? w->seq : 0;
	e.v[0] = (int64_t)t->number;
	switch (e.kind) {
	case WF_E_TASK_STARTED:
		e.v[0] = (int64_t)(w->number + 1);
		break;
	case WF_E_ATTEMPT_RUNNING:
		e.v[1] = 100 + world_rnd(w, 30000);
		e.v[2] = w->now;
		break;
	case WF_E_ATTEMPT_ENDED:
		e.v[1] = world_rnd(w, 3);
		e.v[2] = world_rnd(w, 2);
		e.v[3] = w->now - 100;
		e.v[4] = w->now;
		e.v[5] = world_rnd(w, 1000);
		e.v[10] = world_rnd(w, 100000);
		if (world_rnd(w, 3) == 0)
			world_text(&e, 0, "exit status 1");
		if (world_rnd(w, 3) == 0)
			world_text(&e, 1, "{\"x\":1}");
		break;
	case WF_E_TASK_REQUEUED:
		e.v[0] = world_rnd(w, 5000);
		e.v[1] = world_rnd(w, 2);
		break;
	case WF_E_TASK_RESOLVED:
		e.v[0] = world_rnd(w, 3);
		break;
	case WF_E_TASK_SKIPPED:
		e.v[0] = 1;
		world_text(&e, 0, "its parent failed");
		break;
	case WF_E_TASK_FAILED:
		e.v[0] = 1;
		if (world_rnd(w, 2))
			world_text(&e, 0, "no retry is left");
		break;
	}
	if (!world_post(w, &e))
		return 0;
	w->number += e.kind == WF_E_TASK_STARTED;
	return 1;
}

static inline int world_try_thing(struct world *w, uint64_t run)
{
	struct world_run *r = &w->runs[run];
	struct wf_event e = { .run = run, .a = world_rnd(w, r->services) };
	const struct wf_member *m;

	switch (world_rnd(w, 3)) {
	case 0:
		e.kind = (uint8_t)(WF_E_SERVICE_DEMANDED +
				   world_rnd(w, WF_E_SERVICE_CANCELED - WF_E_SERVICE_DEMANDED + 1));
		world_text(&e, 0, "it said nothing");
		break;
	case 1:
		e.kind = (uint8_t)(WF_E_MEMBER_REQUESTED +
				   world_rnd(w, WF_E_MEMBER_GONE - WF_E_MEMBER_REQUESTED + 1));
		m = wf_idmap_get(&r->live.members, replica_key(e.a, 0));
		e.v[0] = e.kind == WF_E_MEMBER_REQUESTED ? (int64_t)(w->number + 1)
			 : m                             ? (int64_t)m->number
							 : 0;
		e.v[1] = 3;
		world_text(&e, 0, "{\"port\":1}");
		break;
	default:
		e.kind = (uint8_t)(WF_E_LEASE_WANTED + world_rnd(w, 3));
		e.b = e.a;
		e.a = world_rnd(w, r->instances);
		e.v[0] = 1;
		break;
	}
	if (!world_post(w, &e))
		return 0;
	w->number += e.kind == WF_E_MEMBER_REQUESTED;
	return 1;
}

/* One event of some run that was submitted; `local` keeps to the first 4,000 tasks, so that some
 * blobs are left alone. */
static inline void world_step(struct world *w, int local)
{
	for (int tries = 0; tries < 1000; tries++) {
		uint64_t run = 1 + world_rnd(w, WORLD_RUNS);
		struct world_run *r = &w->runs[run];
		uint32_t span = local && r->tasks > 4000 ? 4000 : r->tasks, a, b;

		if (!r->instances || wf_run_is_over(&r->live.run))
			continue;
		if (r->services && world_rnd(w, 10) == 0) {
			if (world_try_thing(w, run))
				return;
			continue;
		}
		a = world_rnd(w, r->instances);
		b = world_rnd(w, span);
		if (world_try_task(w, run, a, b))
			return;
	}
	bail("nothing can happen any more");
}

/* The batch gathered so far, with at most `blobs` stale blobs. */
static inline struct wf_batch *world_seal(struct world *w, uint32_t blobs)
{
	struct wf_batch *b = w->batch;

	world_flush(w, w->last_run);
	w->last_run = 0;
	for (uint64_t run = 1; run <= WORLD_RUNS; run++) {
		struct world_run *r = &w->runs[run];

		if (r->row)
			wf_batch_run(b, &r->live.run);
		for (size_t i = 0; r->things && i < r->live.services.cap; i++)
			if (r->live.services.slots[i].key)
				wf_batch_service(b, r->live.services.slots[i].value);
		for (size_t i = 0; r->things && i < r->live.members.cap; i++)
			if (r->live.members.slots[i].key)
				wf_batch_member(b, r->live.members.slots[i].value);
		for (size_t i = 0; r->things && i < r->live.leases.cap; i++)
			if (r->live.leases.slots[i].key)
				wf_batch_lease(b, r->live.leases.slots[i].value);
		r->row = r->things = 0;
		for (uint32_t i = 0; i < r->instances * world_chunks(r) && blobs; i++) {
			uint32_t a = i / world_chunks(r), chunk = i % world_chunks(r),
				 first = chunk * WF_TASKS_PER_BLOB;
			uint32_t count = r->tasks - first < WF_TASKS_PER_BLOB ? r->tasks - first
									      : WF_TASKS_PER_BLOB;

			if (!r->dirty[i])
				continue;
			wf_batch_tasks(b, run, a, chunk, w->seq, &r->live.instances[a].tasks[first],
				       count);
			r->dirty[i] = 0;
			blobs--;
		}
	}
	w->batch = wf_batch_create();
	return b;
}

struct world_load {
	struct replica replica[WORLD_RUNS + 1];
	uint64_t events, runs, live;
	struct wf_store_visitor inner;
	struct replica *now;
};

static inline int world_on_run(void *arg, const struct wf_run *row, struct wf_err *err)
{
	struct world_load *l = arg;

	l->runs++;
	l->live += !wf_run_is_over(row);
	l->now = &l->replica[row->number];
	l->inner = replica_visitor(l->now);
	return l->inner.run(l->now, row, err);
}

static inline int world_on_input(void *arg, uint64_t run, const char *text, size_t text_n,
				 const void *dag, size_t dag_n, const char *params,
				 struct wf_err *err)
{
	(void)arg;
	(void)run;
	if (text_n != 13 || memcmp(text, "workflow: {}\n", 13) != 0 || dag_n < 5 ||
	    memcmp(dag, "GRAPH", 5) != 0 || strcmp(params, "{\"n\":3}") != 0)
		return wf_errf(err, WF_CORRUPT, "not the input that was stored");
	return 0;
}

static inline int world_on_tasks(void *arg, uint64_t run, uint32_t instance, uint32_t chunk,
				 uint64_t applied_seq, const struct wf_task *t, uint32_t count,
				 struct wf_err *err)
{
	struct world_load *l = arg;

	return l->inner.tasks(l->now, run, instance, chunk, applied_seq, t, count, err);
}

static inline int world_on_service(void *arg, const struct wf_service *s, struct wf_err *err)
{
	struct world_load *l = arg;

	return l->inner.service(l->now, s, err);
}

static inline int world_on_member(void *arg, const struct wf_member *m, struct wf_err *err)
{
	struct world_load *l = arg;

	return l->inner.member(l->now, m, err);
}

static inline int world_on_lease(void *arg, const struct wf_lease *le, struct wf_err *err)
{
	struct world_load *l = arg;

	return l->inner.lease(l->now, le, err);
}

static inline int world_on_event(void *arg, const struct wf_event *e, struct wf_err *err)
{
	struct world_load *l = arg;

	l->events++;
	return l->inner.event(l->now, e, err);
}

static inline struct wf_store_visitor world_visitor(struct world_load *l)
{
	return (struct wf_store_visitor){
		.arg = l,
		.run = world_on_run,
		.input = world_on_input,
		.tasks = world_on_tasks,
		.service = world_on_service,
		.member = world_on_member,
		.lease = world_on_lease,
		.event = world_on_event,
	};
}

static inline void world_load_release(struct world_load *l)
{
	for (int i = 0; i <= WORLD_RUNS; i++)
		replica_release(&l->replica[i]);
	memset(l, 0, sizeof(*l));
}

/* Loads and compares with the truth; the number of events the tail had, or -1 and a diagnosis. */
static inline int64_t world_check(struct world *w, struct wf_store *s)
{
	struct world_load l = { 0 };
	struct wf_store_visitor v = world_visitor(&l);
	struct wf_err err = { 0 };
	struct wf_buf difference = { 0 };
	int64_t rc;

	for (uint64_t run = 1; run <= WORLD_RUNS; run++)
		replica_size(&l.replica[run], &w->runs[run].live);
	rc = wf_store_load(s, &v, &err);
	if (rc < 0)
		diag("load: %s", err.text);
	for (uint64_t run = 1; rc == 0 && run <= WORLD_RUNS; run++) {
		if (!w->runs[run].instances || wf_run_is_over(&w->runs[run].live.run))
			continue;
		if (replica_compare(&l.replica[run], &w->runs[run].live, &difference)) {
			diag("%s", difference.data);
			rc = -1;
		}
	}
	if (rc == 0)
		rc = (int64_t)l.events;
	wf_buf_release(&difference);
	world_load_release(&l);
	return rc;
}

static inline void world_release(struct world *w)
{
	for (int i = 0; i <= WORLD_RUNS; i++) {
		replica_release(&w->runs[i].live);
		free(w->runs[i].dirty);
		wf_pack_release(&w->runs[i].pack);
	}
	wf_batch_free(w->batch);
	memset(w, 0, sizeof(*w));
}

/* ---- directories ----------------------------------------------------------------------------- */

static inline char *world_dir(void)
{
	char *dir =
		wf_xasprintf("%s/wf-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

	if (!mkdtemp(dir))
		bail("cannot make a directory");
	return dir;
}

static inline void world_rmdir(char *dir)
{
	wf_dir_remove(wf_os_posix(), dir, NULL);
	free(dir);
}

static inline struct wf_store *world_open(struct wf_os *os, const char *dir)
{
	struct wf_err err = { 0 };
	struct wf_store *s = wf_store_open(os, dir, 1, &err);

	if (!s)
		bail("open: %s", err.text);
	return s;
}

static inline void world_commit(struct wf_store *s, struct wf_batch *b)
{
	struct wf_err err = { 0 };

	if (wf_store_commit_now(s, b, &err) < 0)
		bail("commit: %s", err.text);
}

#endif
