/* view.c - owns how the engine and its runs look: state, counts, what wants attention, estimates, lists of runs.
 *
 * view_task.c has tasks, view_parts.c steps, services and the graph. Everything is read from memory; what is dear (the estimate of a schedule) is
 * computed once per run and kept.
 */
#include "engine/core/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/view_internal.h"
#include "engine/core/words.h"

enum {
	ATTENTION_MAX = 20,
	ATTENTION_LOOK = 400 * 1000,   /* tasks looked at to name those that failed, for one run */
	ATTENTION_LOOK_LIST = 2000,    /* the same for each run of a list */
	ESTIMATE_TASKS = 50 * 1000,    /* beyond so many tasks no schedule is simulated: bounds are given */
	ESTIMATES_KEPT = 4096,
};

/* ---- engine ------------------------------------------------------------------------------------------- */

static void view_agent(const struct agent *a, struct wf_buf *out)
{
	uint64_t cores = a->cores > a->cores_used ? a->cores - a->cores_used : 0;
	uint64_t memory = a->memory > a->memory_used ? a->memory - a->memory_used : 0;

	jw_open(out, NULL, '{');
	jw_str(out, "executor", a->executor);
	jw_str(out, "instance", a->instance);
	jw_int(out, "pid", a->pid);
	jw_str(out, "host", a->host);
	jw_thousandths(out, "cores", a->cores);
	jw_thousandths(out, "cores_free", cores);
	jw_int(out, "memory", (int64_t)a->memory);
	jw_int(out, "memory_free", (int64_t)memory);
	jw_bool(out, "connected", a->state == AGENT_READY);
	jw_str(out, "error", a->error[0] ? a->error : NULL);
	jw_close(out, '}');
}

void wf_view_engine(struct wf_view *v, struct wf_buf *out)
{
	const struct engine *e = v->engine;
	uint32_t states[WF_RUN_STATES] = { 0 };
	struct wf_buf path = { 0 };

	for (size_t i = 0; i < e->run_count; i++)
		states[e->runs[i]->row.state]++;
	wf_buf_printf(&path, "%s/socket", e->state_dir);
	jw_open(out, NULL, '{');
	jw_bool(out, "running", 1);
	jw_int(out, "pid", getpid());
	jw_str(out, "host", wf_host_name());
	jw_str(out, "version", WF_VERSION);
	jw_str(out, "state_dir", e->state_dir);
	jw_str(out, "run_root", e->run_root);
	jw_str(out, "socket", path.data);
	jw_int(out, "epoch", (int64_t)e->epoch);
	jw_time(out, "started_at", e->started_ms);
	jw_int(out, "schema", WF_STORE_SCHEMA);
	jw_bool(out, "full", e->full);
	jw_int(out, "free_bytes", (int64_t)e->store_state.free_bytes);
	jw_open(out, "runs", '{');
	for (uint8_t s = 0; s < WF_RUN_STATES; s++)
		jw_int(out, wf_sm_name(&wf_run_machine, s), states[s]);
	jw_close(out, '}');
	jw_open(out, "agents", '[');
	if (e->local.instance || e->local.state != AGENT_ABSENT)
		view_agent(&e->local, out);
	jw_close(out, ']');
	jw_open(out, "since_start", '{');
	jw_int(out, "attempts", (int64_t)e->starts);
	jw_int(out, "strays", (int64_t)e->strays);
	jw_int(out, "commits", (int64_t)e->store_state.commits);
	jw_int(out, "events", (int64_t)e->store_state.events);
	jw_close(out, '}');
	jw_close(out, '}');
	jw_end(out);
	wf_buf_release(&path);
}

/* ---- what wants attention --------------------------------------------------------------------------------- */

struct attention {
	struct engine *engine;
	const struct run *run;
	struct wf_buf *out;
	uint32_t left, look;
};

static void attend(struct attention *a, const char *kind, const char *task, const char *service, const char *text)
{
	if (!a->left)
		return;
	a->left--;
	jw_open(a->out, NULL, '{');
	jw_str(a->out, "kind", kind);
	if (task)
		jw_str(a->out, "task", task);
	if (service)
		jw_str(a->out, "service", service);
	jw_str(a->out, "text", text);
	jw_close(a->out, '}');
}

static void attend_services(struct attention *a)
{
	const struct run *r = a->run;

	for (uint32_t i = 0; i < r->service_count; i++) {
		struct wf_buf text = { 0 };

		if (!words_service_troubled(&r->services[i]))
			continue;
		words_service(&text, a->engine, r, i);
		attend(a, "service", NULL, r->services[i].s.name, wf_buf_cstr(&text));
		wf_buf_release(&text);
	}
}

static void attend_task(struct attention *a, const char *kind, uint32_t instance, uint32_t index)
{
	struct wf_buf text = { 0 };
	char name[WORDS_NAME];

	words_name(a->run, instance, index, name);
	if (!words_reason(&text, a->run, instance, index))
		wf_buf_str(&text, "nobody can tell whether its attempt still runs");
	if (strcmp(kind, "held") == 0)
		wf_buf_printf(&text, "; `wf resolve RUN %s --as succeeded|failed|rerun` decides", name);
	attend(a, kind, name, NULL, text.data);
	wf_buf_release(&text);
}

/* Tasks of one state, named one by one as far as there is room and time; the rest of a step in one line. */
static void attend_tasks(struct attention *a, const char *kind, enum wf_seen state)
{
	const struct run *r = a->run;

	for (uint32_t i = 0; i < r->inst_count && a->left; i++) {
		const struct instance *in = &r->inst[i];
		uint32_t hope = in->counts[state];

		for (uint32_t k = 0; k < in->count && hope && a->left > (hope > 1) && a->look; k++, a->look--)
			if (wf_task_seen(&in->tasks[k]) == state) {
				attend_task(a, kind, i, k);
				hope--;
			}
		if (hope) {
			char text[WORDS_NAME + 64];

			snprintf(text, sizeof(text), "%u%s of %u tasks of '%s' %s %s", hope, hope < in->counts[state] ? " more" : "",
				 in->count, r->dag->instances[i].name, state == WF_SEEN_FAILED ? "have" : "are", wf_seen_name(state));
			attend(a, kind, NULL, NULL, text);
		}
	}
}

/* No task failed for it, but the run does. */
static const char *list_failure(const struct run *r)
{
	return r->message[0] ? r->message : "the list of a run-time fan-out cannot be used; `wf events RUN` says why";
}

static void view_attention(struct engine *e, const struct run *r, uint32_t look, struct wf_buf *out)
{
	struct attention a = { .engine = e, .run = r, .out = out, .left = ATTENTION_MAX, .look = look };

	jw_open(out, "attention", '[');
	if (e->full && !wf_run_is_over(&r->row)) {
		struct wf_buf text = { 0 };

		wf_buf_printf(&text, "the disk of '%s' is full: nothing new starts until it has room", e->state_dir);
		attend(&a, "full", NULL, NULL, text.data);
		wf_buf_release(&text);
	}
	if (r->row.list_failed)
		attend(&a, "failed", NULL, NULL, list_failure(r));
	if (r->loaded) {
		attend_tasks(&a, "held", WF_SEEN_HELD);
		attend_services(&a);
		attend_tasks(&a, "lost", WF_SEEN_UNKNOWN);
		attend_tasks(&a, "failed", WF_SEEN_FAILED);
	}
	jw_close(out, ']');
}

/* ---- estimates ------------------------------------------------------------------------------------------ */

struct estimate {
	int64_t critical_ms, makespan_ms;
	uint32_t tasks, cores;         /* of which it is: made again when they changed */
};

/* What no schedule can beat: the longest path, and the work spread over all cores. */
static void bounds(const struct run *r, uint32_t cores, struct estimate *to)
{
	double work = 0;

	for (uint32_t i = 0; i < r->inst_count; i++) {
		const struct dag_instance *di = &r->dag->instances[i];

		if ((int64_t)di->weight > to->critical_ms)
			to->critical_ms = (int64_t)di->weight;
		work += (double)di->time_ms * r->inst[i].count * r->inst[i].cores;
	}
	to->makespan_ms = cores ? (int64_t)(work / cores) : 0;
	if (to->makespan_ms < to->critical_ms)
		to->makespan_ms = to->critical_ms;
}

static void drop_estimates(struct wf_view *v)
{
	for (size_t i = 0; i < v->estimates.cap; i++)
		if (v->estimates.slots[i].key)
			free(v->estimates.slots[i].value);
	wf_idmap_release(&v->estimates);
}

static const struct estimate *estimate_of(struct wf_view *v, struct run *r)
{
	const struct agent *a = &v->engine->local;
	uint32_t cores = a->cores;
	struct estimate *was = wf_idmap_get(&v->estimates, r->row.number);
	struct dag_estimate d = { 0 };

	if (!r->loaded || !r->dag->timed)
		return was;
	if (was && was->tasks == r->total && was->cores == cores)
		return was;
	if (!was) {
		if (v->estimates.count >= ESTIMATES_KEPT)
			drop_estimates(v);
		was = wf_xcalloc(1, sizeof(*was));
		wf_idmap_set(&v->estimates, r->row.number, was);
	}
	memset(was, 0, sizeof(*was));
	was->tasks = r->total;
	was->cores = cores;
	if (r->total > ESTIMATE_TASKS || !cores) {
		bounds(r, cores, was);
	} else {
		dag_estimate(r->dag, cores / 1000 ? cores / 1000 : 1, a->memory, &d);
		was->critical_ms = d.critical_ms;
		was->makespan_ms = d.makespan_ms;
	}
	return was;
}

/* ---- a run -------------------------------------------------------------------------------------------------- */

uint64_t wf_view_number(const struct run *r)
{
	return r->row.number;
}

void wf_view_id(const struct run *r, char text[WF_ID_TEXT + 1])
{
	wf_id_text(&r->row.id, text);
}

uint64_t wf_view_rev(const struct run *r)
{
	return r->row.seq;
}

int wf_view_is_over(const struct run *r)
{
	return wf_run_is_over(&r->row);
}

/* The last change in one sentence. What a verb left is told while nothing has happened since that the counters would tell better. */
static void message(const struct run *r, struct wf_buf *out)
{
	struct wf_buf text = { 0 };
	int counted = r->loaded && r->total && r->counts[WF_SEEN_WAITING] < r->total && !r->row.list_failed;

	if (r->message[0] && (!counted || (r->row.state != WF_RUN_RUNNING && !wf_run_is_over(&r->row)))) {
		wf_buf_str(&text, r->message);
	} else {
		wf_buf_str(&text, wf_sm_name(&wf_run_machine, r->row.state));
		if (r->total) {
			wf_buf_printf(&text, ", %u of %u tasks ended: ", r->over, r->total);
			words_counts(&text, r->counts);
		}
	}
	jw_str(out, "message", text.data);
	wf_buf_release(&text);
}

static void failed_steps(const struct run *r, struct wf_buf *out)
{
	jw_open(out, "failed_steps", '[');
	for (uint32_t i = 0; i < r->inst_count; i++)
		if (r->inst[i].counts[WF_SEEN_FAILED] && dag_plan_intolerable(r->plan, i))
			jw_str(out, NULL, r->dag->instances[i].name);
	jw_close(out, ']');
}

static void run_object(struct wf_view *v, const char *key, struct run *r, uint32_t look, json_t *warnings, struct wf_buf *out)
{
	const struct estimate *est = estimate_of(v, r);
	char id[WF_ID_TEXT + 1];

	wf_id_text(&r->row.id, id);
	jw_open(out, key, '{');
	jw_str(out, "id", id);
	jw_str(out, "name", r->row.name);
	jw_str(out, "workflow", r->row.workflow);
	jw_str(out, "state", wf_sm_name(&wf_run_machine, r->row.state));
	jw_int(out, "rev", (int64_t)r->row.seq);
	if (r->loaded || r->total) {
		view_counts(out, "counts", r->counts, r->total);
	} else {
		/* Not in memory: what its last event said. */
		const struct wf_run *row = &r->row;
		uint32_t counts[WF_SEEN_STATES] = { [WF_SEEN_SUCCEEDED] = row->succeeded, [WF_SEEN_FAILED] = row->failed,
						    [WF_SEEN_SKIPPED] = row->skipped, [WF_SEEN_CANCELED] = row->canceled };

		view_counts(out, "counts", counts, row->succeeded + row->failed + row->skipped + row->canceled);
	}
	view_attention(v->engine, r, look, out);
	jw_str(out, "executor", r->row.executor);
	jw_str(out, "executor_why", r->row.executor_why);
	jw_str(out, "workdir", r->row.workdir);
	jw_str(out, "file", r->row.file);
	jw_str(out, "key", r->row.key);
	jw_int(out, "retries", r->row.retries);
	jw_time(out, "created_at", r->row.created_ms);
	jw_time(out, "started_at", r->row.started_ms);
	jw_time(out, "ended_at", r->row.ended_ms);
	failed_steps(r, out);
	message(r, out);
	jw_open(out, "estimate", '{');
	if (est) {
		jw_int(out, "critical_ms", est->critical_ms);
		jw_int(out, "makespan_ms", est->makespan_ms);
	} else {
		jw_null(out, "critical_ms");
		jw_null(out, "makespan_ms");
	}
	jw_close(out, '}');
	if (warnings)
		jw_json(out, "warnings", warnings);
	jw_close(out, '}');
}

void wf_view_run(struct wf_view *v, struct run *r, json_t *warnings, struct wf_buf *out)
{
	run_object(v, NULL, r, ATTENTION_LOOK, warnings, out);
	jw_end(out);
}

void view_run(struct wf_view *v, const char *key, struct run *r, struct wf_buf *out)
{
	run_object(v, key, r, ATTENTION_LOOK, NULL, out);
}

/* ---- runs ---------------------------------------------------------------------------------------------------- */

static const char *run_state_name(unsigned i)
{
	return wf_sm_name(&wf_run_machine, (uint8_t)i);
}

/* Position after the last run numbered below `number`. */
static size_t below(const struct engine *e, uint64_t number)
{
	size_t low = 0, high = e->run_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (e->runs[mid]->row.number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int wf_view_runs(struct wf_view *v, const struct wf_run_filter *f, struct wf_buf *out, struct wf_err *err)
{
	const struct engine *e = v->engine;
	uint64_t states = 0, before = UINT64_MAX;
	uint32_t left = f->page_size;
	char token[24];
	size_t at;

	if ((f->states && view_names(f->states, "state", run_state_name, WF_RUN_STATES, &states, err) < 0) ||
	    (f->page_token && *f->page_token && view_number_of(f->page_token, INT64_MAX, &before, err) < 0))
		return -1;
	jw_open(out, NULL, '{');
	jw_open(out, "items", '[');
	for (at = below(e, before); at && left; at--) {
		struct run *r = e->runs[at - 1];

		if ((states && !(states >> r->row.state & 1)) || (f->name && (!r->row.name || strcmp(r->row.name, f->name) != 0)))
			continue;
		run_object(v, NULL, r, ATTENTION_LOOK_LIST, NULL, out);
		left--;
	}
	jw_close(out, ']');
	snprintf(token, sizeof(token), "%" PRIu64, at ? e->runs[at - 1]->row.number + 1 : 0);
	jw_str(out, "next", at ? token : NULL);
	jw_close(out, '}');
	jw_end(out);
	return 0;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

void wf_view_destroy(struct wf_view *v)
{
	if (!v)
		return;
	drop_estimates(v);
	free(v);
}

struct wf_view *wf_view_create(struct engine *e)
{
	struct wf_view *v = wf_xcalloc(1, sizeof(*v));

	v->engine = e;
	return v;
}
