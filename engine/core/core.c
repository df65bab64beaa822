/* core.c - owns the life of struct engine and the look-up of runs; the rooms do the rest. */
#include "engine/core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/core/engine.h"

enum { KEEP_FINISHED_MS = 60 * 1000, UNLOAD_CHECK_MS = 15 * 1000 };

/* ---- finding ------------------------------------------------------------------------------------------- */

struct run *wf_core_run(struct engine *e, uint64_t number)
{
	return number ? wf_idmap_get(&e->by_number, number) : NULL;
}

static int ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), k = strlen(suffix);

	return k <= n && strcasecmp(text + n - k, suffix) == 0;
}

static struct run *by_suffix(struct engine *e, const char *ref, struct wf_err *err)
{
	struct run *found = NULL;
	char id[WF_ID_TEXT + 1], list[160] = "";
	size_t hits = 0;

	for (size_t i = e->run_count; i-- > 0;) {
		wf_id_text(&e->runs[i]->row.id, id);
		if (!ends_with(id, ref))
			continue;
		found = e->runs[i];
		if (hits++ < 4)
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", hits > 1 ? ", " : "", id);
	}
	if (hits > 1) {
		wf_errf(err, WF_CONFLICT, "'%s' is the end of %zu run ids (%s%s); give more of it", ref, hits, list,
			hits > 4 ? ", ..." : "");
		return NULL;
	}
	return found;
}

static const char *nearest_name(struct engine *e, const char *ref)
{
	const char *best;
	const char **names = wf_xcalloc(e->run_count + 1, sizeof(*names));

	for (size_t i = 0; i < e->run_count; i++)
		names[i] = e->runs[i]->row.name;
	best = wf_nearest(ref, names, e->run_count);
	free(names);
	return best;
}

struct run *wf_core_find(struct engine *e, const char *ref, struct wf_err *err)
{
	struct wf_err ambiguous = { 0 };
	struct run *r = NULL;
	const char *near;

	if (strcmp(ref, "@last") == 0) {
		if (e->run_count)
			return e->runs[e->run_count - 1];
		wf_errf(err, WF_NOT_FOUND, "there is no run yet");
		return NULL;
	}
	for (size_t i = e->run_count; i-- > 0;)
		if (strcmp(e->runs[i]->row.name, ref) == 0)
			return e->runs[i];
	if (wf_id_is_suffix(ref))
		r = by_suffix(e, ref, &ambiguous);
	if (r)
		return r;
	if (ambiguous.code) {
		if (err)
			*err = ambiguous;
		return NULL;
	}
	near = nearest_name(e, ref);
	wf_errf(err, WF_NOT_FOUND, "no run '%s'%s%s%s", ref, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* ---- loading finished runs -------------------------------------------------------------------------------- */

struct load {
	struct engine *engine;
	struct run *run;
	struct run *fresh;             /* filled on the store's thread, invisible to the loop until it is complete */
	struct wf_err err;
	int failed;
	void (*done)(void *arg, struct run *r, const struct wf_err *err);
	void *arg;
	struct wf_post post;
};

static void load_fresh(struct wf_store *s, void *arg)
{
	struct load *l = arg;

	(void)s;
	l->failed = recover_run(l->engine, l->fresh, &l->err) < 0;
}

/* What was read becomes the run's, but for what the loop owns. */
static void adopt(struct engine *e, struct run *r, struct run *fresh)
{
	struct run kept = *r;

	*r = *fresh;
	r->row = kept.row;
	r->row_dirty = kept.row_dirty;
	r->touched = kept.touched;
	r->users = kept.users;
	r->used_ms = kept.used_ms;
	if (kept.dir) {
		free(fresh->dir);
		r->dir = kept.dir;
	}
	memcpy(r->message, kept.message, sizeof(r->message));
	for (uint32_t i = 0; i < r->service_count; i++)
		r->services[i].run = r;
	derive_all(e, r);
}

static void load_done(void *arg)
{
	struct load *l = arg;
	struct run *r = l->run;

	if (l->fresh && !l->failed && !r->loaded) {
		adopt(l->engine, r, l->fresh);
	} else if (l->fresh) {
		run_unload(l->fresh);
		free(l->fresh->dir);
	}
	l->engine->loads -= l->fresh != NULL;
	if (l->engine->stopping)
		batch_kick(l->engine);
	free(l->fresh);
	r->users--;
	r->used_ms = wf_os_mono_ms(l->engine->os);
	l->done(l->arg, r, l->failed ? &l->err : NULL);
	free(l);
}

static void already(struct wf_post *p)
{
	load_done(wf_container_of(p, struct load, post));
}

void wf_core_load(struct engine *e, uint64_t number, void (*done)(void *arg, struct run *r, const struct wf_err *err), void *arg)
{
	struct load *l = wf_xcalloc(1, sizeof(*l));

	l->engine = e;
	l->done = done;
	l->arg = arg;
	l->run = wf_core_run(e, number);
	WF_ASSERT(l->run);
	l->run->users++;
	if (l->run->loaded) {
		l->post.fn = already;
		wf_loop_post(e->loop, &l->post);
		return;
	}
	l->fresh = wf_xcalloc(1, sizeof(*l->fresh));
	l->fresh->row = l->run->row; /* borrowed: number, id and names, for reading */
	e->loads++;
	wf_store_read(e->store, e->loop, load_fresh, load_done, l);
}

/* Everything of it is in the store, or on its way there. */
static int is_clean(const struct run *r)
{
	if (r->row_dirty)
		return 0;
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t c = 0; c < (r->inst[i].count + WF_TASKS_PER_BLOB - 1) / WF_TASKS_PER_BLOB; c++)
			if (r->inst[i].dirty[c / 64] >> (c % 64) & 1)
				return 0;
	return 1;
}

/* ---- leaving ------------------------------------------------------------------------------------------------ */

void wf_core_touch(struct engine *e)
{
	e->active_ms = wf_os_mono_ms(e->os);
}

static void on_expired(void *arg, const struct wf_err *err)
{
	(void)arg;
	if (err)
		wf_log(WF_LOG_WARN, "an expired run could not be removed: %s", err->text);
}

/* One at a time: what is kept for ninety days need not go within a second. */
static void forget_expired(struct engine *e)
{
	int64_t before = wf_os_wall_ms(e->os) - e->opt.retention_ms;

	for (size_t i = 0; e->opt.retention_ms && !e->stopping && i < e->run_count; i++) {
		struct run *r = e->runs[i];

		if (!wf_run_is_over(&r->row) || r->users || r->touched || r->kept || r->row.ended_ms >= before)
			continue;
		wf_log(WF_LOG_INFO, "run '%s' ended longer ago than retention keeps runs, forgetting it", r->row.name);
		wf_core_remove(e, r->row.number, on_expired, NULL);
		return;
	}
}

static void check_idle_later(struct engine *e)
{
	int64_t idle = e->opt.idle_ms;

	wf_timer_start(e->loop, &e->idle, (uint64_t)(idle && idle < UNLOAD_CHECK_MS ? idle : UNLOAD_CHECK_MS));
}

static void on_idle_check(struct wf_timer *t)
{
	struct engine *e = wf_container_of(t, struct engine, idle);
	int64_t now = wf_os_mono_ms(e->os);

	for (size_t i = 0; i < e->run_count; i++) {
		struct run *r = e->runs[i];

		if (r->loaded && wf_run_is_over(&r->row) && !r->users && !r->touched && now - r->used_ms > (e->opt.limits.keep_finished_ms ?: KEEP_FINISHED_MS) &&
		    is_clean(r)) {
			services_let_go(e, r);
			run_unload(r);
		}
	}
	if (e->live_count)
		wf_core_touch(e);
	if (!e->stopping)
		forget_expired(e);
	if (e->opt.idle_ms && now - e->active_ms > e->opt.idle_ms) {
		wf_log(WF_LOG_INFO, "idle for %lld s, leaving", (long long)(now - e->active_ms) / 1000);
		core_leave(e, NULL);
		return;
	}
	check_idle_later(e);
}

void core_leave(struct engine *e, const struct wf_err *why)
{
	if (e->left)
		return;
	if (why) {
		e->left = 1; /* nothing may be committed, sent or answered any more */
		wf_log(WF_LOG_ERROR, "%s", why->text);
	}
	if (e->on_leave)
		e->on_leave(e->on_leave_arg, why);
}

void wf_core_on_leave(struct engine *e, void (*fn)(void *arg, const struct wf_err *why), void *arg)
{
	e->on_leave = fn;
	e->on_leave_arg = arg;
}

/* ---- watching -------------------------------------------------------------------------------------------------- */

void wf_core_watch(struct engine *e, struct wf_watch *w)
{
	w->prev = e->watches.prev;
	w->next = &e->watches;
	e->watches.prev->next = w;
	e->watches.prev = w;
}

void wf_core_unwatch(struct engine *e, struct wf_watch *w)
{
	(void)e;
	if (!w->next)
		return;
	w->prev->next = w->next;
	w->next->prev = w->prev;
	w->prev = w->next = NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct engine *wf_core_create(const struct wf_core_options *o, struct wf_err *err)
{
	struct engine *e = wf_xcalloc(1, sizeof(*e));
	size_t types = 0;
	uint32_t tag;

	e->opt = *o;
	e->os = o->os;
	e->loop = o->loop;
	e->lock_fd = -1;
	e->local.executor = "local";
	e->local.engine = e;
	e->watches.prev = e->watches.next = &e->watches;
	e->state_dir = wf_xstrdup(o->state_dir);
	e->run_root = o->run_root ? wf_xstrdup(o->run_root) : wf_xasprintf("%s/runs", o->state_dir);
	e->epoch = 1;
	e->next_run = e->next_number = 1;
	e->started_ms = wf_os_wall_ms(e->os);
	tag = wf_hash(e->state_dir, strlen(e->state_dir));
	snprintf(e->tag, sizeof(e->tag), "%s-%08x", wf_host_name(), tag);
	while (types < WF_COUNT(o->types_dirs) && o->types_dirs[types])
		types++;
	e->types = wdf_types_load(o->types_dirs, types, err);
	if (!e->types || (o->take_owner && owner_take(e, err) < 0))
		goto error;
	e->store = wf_store_open(e->os, e->data_dir ? e->data_dir : e->state_dir, e->epoch, err);
	if (!e->store || elsewhere_load(e, err) < 0)
		goto error;
	wf_store_set_log_pages(e->store, o->limits.log_pages);
	if (o->take_owner)
		wf_store_set_fence(e->store, owner_check, e);
	e->open.rows = wf_batch_create();
	e->next_seq = wf_store_last_seq(e->store) + 1;
	e->next_run = wf_store_last_run(e->store) + 1;
	e->next_number = wf_store_last_attempt(e->store) + 1;
	if (recover_all(e, err) < 0)
		goto error;
	tidy_all(e);
	return e;
error:
	wf_core_destroy(e);
	return NULL;
}

void wf_core_start(struct engine *e)
{
	/* A process id is of this world: a simulated engine has none. */
	struct wf_event ev = { .kind = WF_E_ENGINE_STARTED, .v = { e->opt.take_owner ? getpid() : 0 } };

	ev.text[0].p = wf_host_name();
	ev.text[0].n = (uint32_t)strlen(ev.text[0].p);
	ev.text[1].p = wf_host_boot_id();
	ev.text[1].n = (uint32_t)strlen(ev.text[1].p);
	core_post(e, NULL, &ev);
	elsewhere_doubt(e);
	wf_core_touch(e);
	batch_full_at_start(e);
	agents_start(e);
	e->idle.fn = on_idle_check;
	check_idle_later(e);
	batch_kick(e);
}

void wf_core_stop(struct engine *e, void (*on_stopped)(void *arg), void *arg)
{
	struct wf_event ev = { .kind = WF_E_ENGINE_STOPPED };

	e->on_stopped = on_stopped;
	e->on_stopped_arg = arg;
	submit_refuse_all(e);
	if (e->left) {
		e->on_stopped = NULL;
		on_stopped(arg);
		return;
	}
	core_post(e, NULL, &ev);
	e->stopping = 1;
	agents_stop(e);
	batch_kick(e);
}

void wf_core_destroy(struct engine *e)
{
	if (!e)
		return;
	wf_timer_stop(e->loop, &e->idle);
	wf_timer_stop(e->loop, &e->space);
	wf_timer_stop(e->loop, &e->gap);
	wf_timer_stop(e->loop, &e->backoff_timer);
	/* What is let go may be what another's service waits for: all are still there, and nothing more is begun. */
	e->kicked = 1;
	for (size_t i = 0; i < e->run_count; i++)
		if (e->runs[i]->loaded)
			services_let_go(e, e->runs[i]);
	for (size_t i = 0; i < e->run_count; i++)
		run_free(e->runs[i]);
	free(e->runs);
	free(e->live);
	free(e->touched);
	free(e->backoffs);
	wf_idmap_release(&e->by_number);
	batch_release(e);
	submit_release(e);
	wf_store_close(e->store);
	wdf_types_free(e->types);
	agents_release(e);
	elsewhere_release(e);
	owner_release(e);
	free(e->state_dir);
	free(e->run_root);
	free(e);
}

/* ---- forgetting a run --------------------------------------------------------------------------------------------- */

struct removal {
	struct engine *engine;
	char *dir;
	void (*done)(void *arg, const struct wf_err *err);
	void *arg;
};

/* The rows are gone: now the directory may go; should we die here, `wf gc` finds a directory without a run. */
static void forgotten(void *arg)
{
	struct removal *m = arg;
	struct wf_err err;
	int rc = wf_dir_remove(m->engine->os, m->dir, &err);

	m->done(m->arg, rc < 0 ? &err : NULL);
	free(m->dir);
	free(m);
}

static void drop_run(struct engine *e, struct run *r)
{
	for (size_t i = 0; i < e->run_count; i++)
		if (e->runs[i] == r) {
			memmove(&e->runs[i], &e->runs[i + 1], (--e->run_count - i) * sizeof(*e->runs));
			break;
		}
	wf_idmap_del(&e->by_number, r->row.number);
	if (r->loaded)
		services_let_go(e, r);
	run_free(r);
}

static const struct wf_service *leaked(const struct run *r)
{
	for (uint32_t i = 0; i < r->service_count; i++)
		if (r->services[i].s.state == WF_SERVICE_LEAKED)
			return &r->services[i].s;
	return NULL;
}

static int may_go(struct engine *e, struct run *r, struct wf_err *err)
{
	const struct wf_service *s = leaked(r);

	if (!wf_run_is_over(&r->row) || r->touched)
		return wf_errf(err, WF_CONFLICT, "run '%s' is %s; cancel it and wait, then remove it", r->row.name,
			       wf_sm_name(&wf_run_machine, r->row.state));
	if (r->users)
		return wf_errf(err, WF_CONFLICT, "run '%s' is being read just now; try again", r->row.name);
	if (s) {
		r->kept = 1;
		return wf_errf(err, WF_CONFLICT, "run '%s' is kept: its service '%s' may have left a process behind (%s)", r->row.name,
			       s->name, s->reason ? s->reason : "its end is not proven");
	}
	for (size_t i = 0; i < e->open.run_count + e->flying.run_count; i++)
		if (r == (i < e->open.run_count ? e->open.runs[i] : e->flying.runs[i - e->open.run_count]))
			return wf_errf(err, WF_CONFLICT, "run '%s' is just ending; try again", r->row.name);
	return 0;
}

/* What cannot be read any more may go as well. */
static void remove_read(void *arg, struct run *r, const struct wf_err *unread)
{
	struct removal *m = arg;
	struct engine *e = m->engine;
	char id[WF_ID_TEXT + 1];
	struct wf_err err;

	(void)unread;
	if (may_go(e, r, &err) < 0) {
		m->done(m->arg, &err);
		free(m);
		return;
	}
	wf_id_text(&r->row.id, id);
	m->dir = wf_xasprintf("%s/%s", e->run_root, id);
	wf_batch_forget(e->open.rows, r->row.number);
	e->open.events++; /* a batch of rows alone is a batch */
	drop_run(e, r);
	wf_core_when_durable(e, forgotten, m);
}

void wf_core_remove(struct engine *e, uint64_t number, void (*done)(void *arg, const struct wf_err *err), void *arg)
{
	struct run *r = wf_core_run(e, number);
	struct removal *m;
	struct wf_err err;

	wf_core_touch(e);
	if (may_go(e, r, &err) < 0) {
		done(arg, &err);
		return;
	}
	m = wf_xcalloc(1, sizeof(*m));
	m->engine = e;
	m->done = done;
	m->arg = arg;
	/* Its services are known once it is loaded. */
	wf_core_load(e, number, remove_read, m);
}
