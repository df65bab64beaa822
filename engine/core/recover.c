/* recover.c - from the store to memory: rows, inputs, task blobs, then the tail of events through the same update as live. Posts
 * nothing; the first turn afterwards decides for every run once, and reattach resolves what was under way.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/core/engine.h"

struct loading {
	struct engine *engine;
	struct run *only;              /* load into this run; NULL: all runs */
	struct run *current;

};

static struct run *target(struct loading *l, uint64_t run)
{
	if (l->current && l->current->row.number == run)
		return l->current;
	l->current = l->only ? l->only : wf_core_run(l->engine, run);
	return l->current;
}

static char *copy(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

static int on_run(void *arg, const struct wf_run *row, struct wf_err *err)
{
	struct loading *l = arg;
	struct engine *e = l->engine;
	struct run *r;

	(void)err;
	if (l->only) {
		l->current = l->only;
		return 0;
	}
	r = run_create(e);
	r->row = *row;
	r->row.name = copy(row->name);
	r->row.workflow = copy(row->workflow);
	r->row.file = copy(row->file);
	r->row.key = copy(row->key);
	r->row.body_hash = copy(row->body_hash);
	r->row.executor = copy(row->executor);
	r->row.executor_why = copy(row->executor_why);
	r->row.limits = copy(row->limits);
	r->row.workdir = copy(row->workdir);
	wf_idmap_set(&e->by_number, row->number, r);
	if (row->number >= e->next_run)
		e->next_run = row->number + 1;
	l->current = r;
	return 0;
}

static int on_input(void *arg, uint64_t run, const char *text, size_t text_n, const void *dag, size_t dag_n, const char *params,
		    struct wf_err *err)
{
	struct loading *l = arg;
	struct run *r = target(l, run);

	if (!r || r->loaded)
		return 0;
	if (run_prepare(l->engine, r, text, text_n, NULL, NULL, dag, dag_n, params, err) < 0)
		return wf_err_wrap(err, "load run %llu", (unsigned long long)run);
	return 0;
}

static int on_tasks(void *arg, uint64_t run, uint32_t instance, uint32_t chunk, uint64_t applied, const struct wf_task *t,
		    uint32_t count, struct wf_err *err)
{
	struct run *r = target(arg, run);
	struct instance *in;
	uint64_t first = (uint64_t)chunk * WF_TASKS_PER_BLOB;

	if (!r || !r->loaded)
		return 0;
	if (instance >= r->inst_count || first + count > r->inst[instance].count)
		return wf_errf(err, WF_CORRUPT, "run %llu: stored tasks of instance %u pass its size",
			       (unsigned long long)run, instance);
	in = &r->inst[instance];
	memcpy(in->tasks + first, t, count * sizeof(*t));
	in->applied[chunk] = applied;
	in->dirty[chunk / 64] &= ~((uint64_t)1 << (chunk % 64));
	return 0;
}

static int on_service(void *arg, const struct wf_service *s, struct wf_err *err)
{
	struct run *r = target(arg, s->run);
	struct wf_service *to;

	if (!r || !r->loaded)
		return 0;
	if (s->number >= r->service_count)
		return wf_errf(err, WF_CORRUPT, "run %llu has no service %u", (unsigned long long)s->run, s->number);
	to = &r->services[s->number].s;
	wf_service_release(to);
	*to = *s;
	to->name = copy(s->name);
	to->reason = copy(s->reason);
	return 0;
}

static int on_member(void *arg, const struct wf_member *m, struct wf_err *err)
{
	struct run *r = target(arg, m->run);
	struct wf_member *to;

	if (!r || !r->loaded)
		return 0;
	if (m->service >= r->service_count || m->n >= r->services[m->service].s.target)
		return wf_errf(err, WF_CORRUPT, "run %llu has no member %u of service %u", (unsigned long long)m->run, m->n, m->service);
	to = &run_member(r, m->service, m->n)->m;
	wf_member_release(to);
	*to = *m;
	to->endpoint = copy(m->endpoint);
	to->provides = copy(m->provides);
	to->reason = copy(m->reason);
	return 0;
}

static int on_lease(void *arg, const struct wf_lease *s, struct wf_err *err)
{
	struct run *r = target(arg, s->run);
	struct lease *l = NULL;

	(void)err;
	if (r && r->loaded && s->instance < r->inst_count && s->service < r->service_count)
		l = run_lease(r, s->instance, s->service);
	if (l)
		l->l = *s;
	return 0;
}

/* Rows are written in the batch of their event; only task blobs lag behind, so only their events are applied again. */
static int on_event(void *arg, const struct wf_event *ev, struct wf_err *err)
{
	const struct wf_event_info *info = wf_event_info(ev->kind);
	struct run *r = target(arg, ev->run);
	struct instance *in;

	if (!r || !r->loaded || !info || info->subject != WF_S_TASK)
		return 0;
	if (ev->a >= r->inst_count || ev->b >= r->inst[ev->a].count)
		return wf_errf(err, WF_CORRUPT, "run %llu, event %llu '%s' is about a task that is not there",
			       (unsigned long long)ev->run, (unsigned long long)ev->seq, info->name);
	in = &r->inst[ev->a];
	if (ev->seq <= in->applied[ev->b / WF_TASKS_PER_BLOB])
		return 0;
	if (wf_task_update(&in->tasks[ev->b], ev, err) < 0) {
		if (err)
			err->code = WF_CORRUPT;
		return wf_err_wrap(err, "run %llu, event %llu", (unsigned long long)ev->run, (unsigned long long)ev->seq);
	}
	batch_dirty(r, ev->a, ev->b / WF_TASKS_PER_BLOB);
	return 0;
}

static struct wf_store_visitor visitor(struct loading *l)
{
	return (struct wf_store_visitor){
		.arg = l,
		.run = on_run,
		.input = on_input,
		.tasks = on_tasks,
		.service = on_service,
		.member = on_member,
		.lease = on_lease,
		.event = on_event,
	};
}

struct keeping {
	struct instance *in;
};

static int keep(uint32_t index, uint32_t attempt, const char *reason, const char *result, void *arg)
{
	struct instance *in = ((struct keeping *)arg)->in;

	(void)attempt;
	(void)reason;
	if (!result || index >= in->count)
		return 0;
	if (!in->results)
		in->results = wf_xcalloc(in->count, sizeof(*in->results));
	free(in->results[index]);
	in->results[index] = wf_xstrdup(result);
	return 0;
}

static int load_results(struct engine *e, struct run *r, struct wf_err *err)
{
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct keeping k = { &r->inst[i] };

		if (r->inst[i].keep_results && wf_store_get_notes(e->store, r->row.number, i, keep, &k, err) < 0)
			return -1;
	}
	return 0;
}

int recover_run(struct engine *e, struct run *r, struct wf_err *err)
{
	struct loading l = { .engine = e, .only = r };
	struct wf_store_visitor v = visitor(&l);

	if (wf_store_load_run(e->store, r->row.number, &v, err) < 0 || load_results(e, r, err) < 0) {
		run_unload(r);
		return -1;
	}
	if (!r->loaded)
		return wf_errf(err, WF_CORRUPT, "nothing is stored of run %llu but its row", (unsigned long long)r->row.number);
	return 0;
}

int recover_all(struct engine *e, struct wf_err *err)
{
	struct loading l = { .engine = e };
	struct wf_store_visitor v = visitor(&l);
	uint64_t started = wf_os_mono_ns(e->os);
	size_t live = 0;

	if (wf_store_load(e->store, &v, err) < 0)
		return -1;
	for (size_t i = 0; i < e->run_count; i++) {
		struct run *r = e->runs[i];

		if (!r->loaded)
			continue;
		if (load_results(e, r, err) < 0)
			return -1;
		derive_all(e, r);
		core_touch_run(e, r);
		live++;
	}
	if (e->run_count)
		wf_log(WF_LOG_INFO, "%zu runs, %zu of them live, read in %.3f s", e->run_count, live,
		       (double)(wf_os_mono_ns(e->os) - started) / 1e9);
	return 0;
}
