/* replica.c - owns a run rebuilt in memory: every event to its subject's update function, nothing
 * decided, nothing sent.
 *
 * Knows neither SQL nor the graph: how many tasks an instance has is told by its instance.sized
 * event.
 */
#include "engine/store/replica.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"

enum { TASKS_MAX = 1 << 28 };

/* ---- finding, or making, the subject --------------------------------------------------------- */

static struct replica_instance *instance_of(struct replica *r, uint32_t a)
{
	if (a >= r->instance_count) {
		r->instances = wf_grow(r->instances, &r->instance_cap, (size_t)a + 1,
				       sizeof(*r->instances));
		memset(&r->instances[r->instance_count], 0,
		       (a + 1 - r->instance_count) * sizeof(*r->instances));
		r->instance_count = (size_t)a + 1;
	}
	return &r->instances[a];
}

static size_t chunks(uint32_t count)
{
	return ((size_t)count + WF_TASKS_PER_BLOB - 1) / WF_TASKS_PER_BLOB;
}

static void resize(struct replica_instance *i, uint32_t count)
{
	if (count > i->count) {
		i->tasks = wf_xrealloc(i->tasks, count * sizeof(*i->tasks));
		memset(&i->tasks[i->count], 0, (count - i->count) * sizeof(*i->tasks));
		i->applied = wf_xrealloc(i->applied, chunks(count) * sizeof(*i->applied));
		memset(&i->applied[chunks(i->count)], 0,
		       (chunks(count) - chunks(i->count)) * sizeof(*i->applied));
	}
	i->count = count;
}

static struct wf_service *service_of(struct replica *r, uint32_t number)
{
	struct wf_service *s = wf_idmap_get(&r->services, replica_key(number, 0));

	if (!s) {
		s = wf_xcalloc(1, sizeof(*s));
		s->run = r->run.number;
		s->number = number;
		wf_idmap_set(&r->services, replica_key(number, 0), s);
	}
	return s;
}

static struct wf_member *member_of(struct replica *r, uint32_t service, uint32_t n)
{
	struct wf_member *m = wf_idmap_get(&r->members, replica_key(service, n));

	if (!m) {
		m = wf_xcalloc(1, sizeof(*m));
		m->run = r->run.number;
		m->service = service;
		m->n = n;
		wf_idmap_set(&r->members, replica_key(service, n), m);
	}
	return m;
}

static struct wf_lease *lease_of(struct replica *r, uint32_t instance, uint32_t service)
{
	struct wf_lease *l = wf_idmap_get(&r->leases, replica_key(instance, service));

	if (!l) {
		l = wf_xcalloc(1, sizeof(*l));
		l->run = r->run.number;
		l->instance = instance;
		l->service = service;
		wf_idmap_set(&r->leases, replica_key(instance, service), l);
	}
	return l;
}

/* ---- applying -------------------------------------------------------------------------------- */

static int size_instance(struct replica *r, const struct wf_event *e, struct wf_err *err)
{
	if (e->v[0] < 0 || e->v[0] > TASKS_MAX || e->a > TASKS_MAX)
		return wf_errf(err, WF_CORRUPT, "instance %u cannot have %lld tasks", e->a,
			       (long long)e->v[0]);
	resize(instance_of(r, e->a), (uint32_t)e->v[0]);
	return 0;
}

static int update_task(struct replica *r, const struct wf_event *e, struct wf_err *err)
{
	struct replica_instance *i = e->a < r->instance_count ? &r->instances[e->a] : NULL;
	struct wf_task before;

	if (!i || e->b >= i->count)
		return wf_errf(err, WF_CORRUPT,
			       "instance %u has %u tasks, the event is about index %u", e->a,
			       i ? i->count : 0, e->b);
	before = i->tasks[e->b];
	if (wf_task_update(&i->tasks[e->b], e, err) < 0)
		return wf_err_wrap(err, "instance %u, index %u", e->a, e->b);
	if (r->notes)
		wf_batch_derive(r->notes, e, &before);
	return 0;
}

/* A subject that its first event was refused for does not exist. */
static int refuse_new(struct wf_idmap *map, uint64_t key, uint64_t seq)
{
	if (seq)
		return -1;
	free(wf_idmap_get(map, key));
	wf_idmap_del(map, key);
	return -1;
}

static int update_service(struct replica *r, const struct wf_event *e, struct wf_err *err)
{
	struct wf_service *s = service_of(r, e->a);

	return wf_service_update(s, e, err) < 0
		       ? refuse_new(&r->services, replica_key(e->a, 0), s->seq)
		       : 0;
}

static int update_member(struct replica *r, const struct wf_event *e, struct wf_err *err)
{
	struct wf_member *m = member_of(r, e->a, e->b);

	return wf_member_update(m, e, err) < 0
		       ? refuse_new(&r->members, replica_key(e->a, e->b), m->seq)
		       : 0;
}

static int update_lease(struct replica *r, const struct wf_event *e, struct wf_err *err)
{
	struct wf_lease *l = lease_of(r, e->a, e->b);

	return wf_lease_update(l, e, err) < 0
		       ? refuse_new(&r->leases, replica_key(e->a, e->b), l->seq)
		       : 0;
}

static int update(struct replica *r, const struct wf_event *e, const struct wf_event_info *info,
		  struct wf_err *err)
{
	switch (info->subject) {
	case WF_S_RUN:
		return wf_run_update(&r->run, e, err);
	case WF_S_INSTANCE:
		return size_instance(r, e, err);
	case WF_S_TASK:
		return update_task(r, e, err);
	case WF_S_SERVICE:
		return update_service(r, e, err);
	case WF_S_MEMBER:
		return update_member(r, e, err);
	case WF_S_LEASE:
		return update_lease(r, e, err);
	case WF_S_ENGINE:
		break;
	}
	return 0;
}

int replica_apply(struct replica *r, const struct wf_event *e, struct wf_err *err)
{
	const struct wf_event_info *info = wf_event_info(e->kind);

	r->run.number = e->run;
	r->events++;
	if (!info) {
		r->unknown++;
	} else if (update(r, e, info, err) < 0) {
		if (err)
			err->code = WF_CORRUPT;
		return wf_err_wrap(err, "run %llu, event number %llu '%s'",
				   (unsigned long long)e->run, (unsigned long long)e->seq,
				   info->name);
	}
	/* The row may know of more than the oldest blob. */
	if (e->seq > r->run.seq)
		r->run.seq = e->seq;
	return 0;
}

/* ---- filling from rows ----------------------------------------------------------------------- */

static char *dup_or_null(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

static int take_run(void *arg, const struct wf_run *row, struct wf_err *err)
{
	struct replica *r = arg;

	(void)err;
	r->run = *row;
	r->run.name = dup_or_null(row->name);
	r->run.workflow = dup_or_null(row->workflow);
	r->run.file = dup_or_null(row->file);
	r->run.key = dup_or_null(row->key);
	r->run.body_hash = dup_or_null(row->body_hash);
	r->run.executor = dup_or_null(row->executor);
	r->run.executor_why = dup_or_null(row->executor_why);
	r->run.limits = dup_or_null(row->limits);
	r->run.workdir = dup_or_null(row->workdir);
	return 0;
}

static int take_tasks(void *arg, uint64_t run, uint32_t instance, uint32_t chunk,
		      uint64_t applied_seq, const struct wf_task *t, uint32_t count,
		      struct wf_err *err)
{
	struct replica *r = arg;
	struct replica_instance *i;
	uint32_t first = chunk * WF_TASKS_PER_BLOB;

	if (instance > TASKS_MAX || chunk > TASKS_MAX / WF_TASKS_PER_BLOB)
		return wf_errf(err, WF_CORRUPT,
			       "run %llu cannot have records of instance %u, chunk %u",
			       (unsigned long long)run, instance, chunk);
	i = instance_of(r, instance);
	if (first + count > i->count)
		resize(i, first + count);
	if (count)
		memcpy(&i->tasks[first], t, count * sizeof(*t));
	if (chunk < chunks(i->count))
		i->applied[chunk] = applied_seq;
	return 0;
}

static int take_service(void *arg, const struct wf_service *row, struct wf_err *err)
{
	struct wf_service *s = service_of(arg, row->number);

	(void)err;
	*s = *row;
	s->name = dup_or_null(row->name);
	s->reason = dup_or_null(row->reason);
	return 0;
}

static int take_member(void *arg, const struct wf_member *row, struct wf_err *err)
{
	struct wf_member *m = member_of(arg, row->service, row->n);

	(void)err;
	*m = *row;
	m->endpoint = dup_or_null(row->endpoint);
	m->provides = dup_or_null(row->provides);
	m->reason = dup_or_null(row->reason);
	return 0;
}

static int take_lease(void *arg, const struct wf_lease *row, struct wf_err *err)
{
	(void)err;
	*lease_of(arg, row->instance, row->service) = *row;
	return 0;
}

/* Does the subject's blob or row have this event already? */
static int is_applied(const struct replica *r, const struct wf_event *e)
{
	const struct wf_event_info *info = wf_event_info(e->kind);
	const struct wf_service *s;
	const struct wf_member *m;
	const struct wf_lease *l;

	if (!info)
		return 0;
	switch (info->subject) {
	case WF_S_RUN:
		return e->seq <= r->run.seq;
	case WF_S_TASK:
		return e->a < r->instance_count && e->b < r->instances[e->a].count &&
		       e->seq <= r->instances[e->a].applied[e->b / WF_TASKS_PER_BLOB];
	case WF_S_SERVICE:
		s = wf_idmap_get(&r->services, replica_key(e->a, 0));
		return s && e->seq <= s->seq;
	case WF_S_MEMBER:
		m = wf_idmap_get(&r->members, replica_key(e->a, e->b));
		return m && e->seq <= m->seq;
	case WF_S_LEASE:
		l = wf_idmap_get(&r->leases, replica_key(e->a, e->b));
		return l && e->seq <= l->seq;
	case WF_S_INSTANCE:
		return 1; /* replica_size has told */
	case WF_S_ENGINE:
		break;
	}
	return 0;
}

static int take_event(void *arg, const struct wf_event *e, struct wf_err *err)
{
	struct replica *r = arg;

	if (!is_applied(r, e))
		return replica_apply(r, e, err);
	if (e->seq > r->run.seq)
		r->run.seq = e->seq;
	return 0;
}

void replica_size(struct replica *r, const struct replica *like)
{
	for (size_t i = 0; i < like->instance_count; i++)
		resize(instance_of(r, (uint32_t)i), like->instances[i].count);
}

struct wf_store_visitor replica_visitor(struct replica *r)
{
	return (struct wf_store_visitor){
		.arg = r,
		.run = take_run,
		.tasks = take_tasks,
		.service = take_service,
		.member = take_member,
		.lease = take_lease,
		.event = take_event,
	};
}

/* ---- storing --------------------------------------------------------------------------------- */

uint64_t replica_tasks(const struct replica *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->instance_count; i++)
		n += r->instances[i].count;
	return n;
}

void replica_store(const struct replica *r, struct wf_batch *b, uint64_t seq)
{
	wf_batch_run(b, &r->run);
	for (size_t i = 0; i < r->instance_count; i++) {
		uint32_t count = r->instances[i].count;

		for (uint32_t first = 0; first < count; first += WF_TASKS_PER_BLOB)
			wf_batch_tasks(b, r->run.number, (uint32_t)i, first / WF_TASKS_PER_BLOB,
				       seq, &r->instances[i].tasks[first],
				       count - first < WF_TASKS_PER_BLOB ? count - first
									 : WF_TASKS_PER_BLOB);
	}
	for (size_t i = 0; i < r->services.cap; i++)
		if (r->services.slots[i].key)
			wf_batch_service(b, r->services.slots[i].value);
	for (size_t i = 0; i < r->members.cap; i++)
		if (r->members.slots[i].key)
			wf_batch_member(b, r->members.slots[i].value);
	for (size_t i = 0; i < r->leases.cap; i++)
		if (r->leases.slots[i].key)
			wf_batch_lease(b, r->leases.slots[i].value);
}

void replica_release(struct replica *r)
{
	wf_run_release(&r->run);
	for (size_t i = 0; i < r->instance_count; i++) {
		free(r->instances[i].tasks);
		free(r->instances[i].applied);
	}
	free(r->instances);
	for (size_t i = 0; i < r->services.cap; i++)
		if (r->services.slots[i].key) {
			wf_service_release(r->services.slots[i].value);
			free(r->services.slots[i].value);
		}
	for (size_t i = 0; i < r->members.cap; i++)
		if (r->members.slots[i].key) {
			wf_member_release(r->members.slots[i].value);
			free(r->members.slots[i].value);
		}
	for (size_t i = 0; i < r->leases.cap; i++)
		free(r->leases.slots[i].value);
	wf_idmap_release(&r->services);
	wf_idmap_release(&r->members);
	wf_idmap_release(&r->leases);
	memset(r, 0, sizeof(*r));
}
