/* export_chrome.c - owns a run told as a timeline in the Trace Event Format, which Perfetto and chrome://tracing show.
 *
 *     process 1 "engine"      marks: engine started, run paused...; counters: tasks running, tasks ready
 *     process 2 "services"    a row per service, a slice per stretch of its life
 *     process 3...            a host and executor each; a row per slot, a slice per attempt
 *
 * A slot is taken by the first attempt that finds it free, so no two slices of a row overlap and there are as many rows as attempts ran
 * at once. Arrows lead from a task to those that waited for it; of a task with very many parents only the last to end has one.
 * Times are us since the run began; the wall clock of that is in otherData.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
#include "cli/record.h"
#include "engine/base/json.h"

enum { ENGINE_PID = 1, SERVICES_PID = 2, FIRST_PID = 3, ARROWS_MAX = 64 };

struct place {
	char *name;                    /* "local on node1" */
	int64_t *free_ms;              /* by slot: end of what ran there last */
	size_t slots, cap;
};

struct row {
	uint32_t pid, tid;
};

struct chrome {
	const struct record *r;
	struct wf_buf *out;
	struct place *places;
	size_t place_count, place_cap;
	struct row *rows;              /* by slice */
	uint64_t arrows;
};

static long long us(const struct chrome *x, int64_t ms)
{
	return (long long)(ms - x->r->start_ms) * 1000;
}

static void text(struct wf_buf *b, const char *key, const char *s)
{
	wf_buf_printf(b, ",\"%s\":", key);
	wf_buf_json(b, s, strlen(s));
}

/* {"ph":..., "pid":..., "tid":...: the members that follow and end() are the caller's. */
static void begin(struct chrome *x, char ph, uint32_t pid, uint32_t tid)
{
	wf_buf_printf(x->out, "%s{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u", x->out->data[x->out->len - 1] == '[' ? "\n" : ",\n", ph, pid, tid);
}

static void end(struct chrome *x)
{
	wf_buf_char(x->out, '}');
}

/* what: process_name or thread_name */
static void name(struct chrome *x, const char *what, uint32_t pid, uint32_t tid, const char *is)
{
	begin(x, 'M', pid, tid);
	text(x->out, "name", what);
	wf_buf_str(x->out, ",\"args\":{\"name\":");
	wf_buf_json(x->out, is, strlen(is));
	wf_buf_str(x->out, "}");
	end(x);
}

/* ---- attempts --------------------------------------------------------------------------------------------- */

static uint32_t place_of(struct chrome *x, const struct record_slice *s)
{
	char *is = wf_xasprintf("%s on %s", field_str(x->r->tasks[s->task].doc, "executor"), field_str(s->attempt, "host"));

	for (uint32_t i = 0; i < x->place_count; i++)
		if (strcmp(x->places[i].name, is) == 0) {
			free(is);
			return i;
		}
	x->places = wf_grow(x->places, &x->place_cap, x->place_count + 1, sizeof(*x->places));
	x->places[x->place_count] = (struct place){ .name = is };
	return (uint32_t)x->place_count++;
}

static uint32_t slot_of(struct place *p, const struct record_slice *s)
{
	size_t i = 0;

	while (i < p->slots && p->free_ms[i] > s->start_ms)
		i++;
	if (i == p->slots) {
		p->free_ms = wf_grow(p->free_ms, &p->cap, i + 1, sizeof(*p->free_ms));
		p->slots++;
	}
	p->free_ms[i] = s->end_ms;
	return (uint32_t)i;
}

static void put_attempt(struct chrome *x, size_t i)
{
	const struct record_slice *s = &x->r->slices[i];
	json_t *doc = x->r->tasks[s->task].doc, *args = json_object();
	static const char *const shown[] = { "attempt", "state", "class", "exit_code", "signal", "reason", "usage" };

	for (size_t k = 0; k < WF_COUNT(shown); k++)
		if (field_has(s->attempt, shown[k]))
			json_object_set(args, shown[k], json_object_get(s->attempt, shown[k]));
	json_object_set_new(args, "cores", json_integer(field_int(doc, "cores")));
	begin(x, 'X', x->rows[i].pid, x->rows[i].tid);
	text(x->out, "name", x->r->tasks[s->task].id);
	text(x->out, "cat", field_str(doc, "step"));
	wf_buf_printf(x->out, ",\"ts\":%lld,\"dur\":%lld,\"args\":", us(x, s->start_ms), (long long)(s->end_ms - s->start_ms) * 1000);
	wf_json_dump(args, x->out);
	end(x);
	json_decref(args);
}

static void put_attempts(struct chrome *x)
{
	char *row;

	x->rows = wf_xcalloc(x->r->slice_count + 1, sizeof(*x->rows));
	for (size_t i = 0; i < x->r->slice_count; i++) {
		uint32_t place = place_of(x, &x->r->slices[i]);

		x->rows[i] = (struct row){ FIRST_PID + place, 1 + slot_of(&x->places[place], &x->r->slices[i]) };
		put_attempt(x, i);
	}
	for (uint32_t i = 0; i < x->place_count; i++) {
		name(x, "process_name", FIRST_PID + i, 0, x->places[i].name);
		for (uint32_t k = 0; k < x->places[i].slots; k++) {
			row = wf_xasprintf("slot %u", k + 1);
			name(x, "thread_name", FIRST_PID + i, k + 1, row);
			free(row);
		}
	}
}

/* ---- arrows -------------------------------------------------------------------------------------------------- */

/* An arrow leaves the slice in which its time lies: the last us of the parent. */
static void put_arrow(struct chrome *x, size_t from, size_t to)
{
	const struct record_slice *a = &x->r->slices[from], *b = &x->r->slices[to];
	long long leaves = us(x, a->end_ms) - (a->end_ms > a->start_ms);

	x->arrows++;
	begin(x, 's', x->rows[from].pid, x->rows[from].tid);
	wf_buf_printf(x->out, ",\"name\":\"edge\",\"cat\":\"edge\",\"id\":%llu,\"ts\":%lld", (unsigned long long)x->arrows, leaves);
	end(x);
	begin(x, 'f', x->rows[to].pid, x->rows[to].tid);
	wf_buf_printf(x->out, ",\"name\":\"edge\",\"cat\":\"edge\",\"id\":%llu,\"ts\":%lld,\"bp\":\"e\"", (unsigned long long)x->arrows,
		      us(x, b->start_ms));
	end(x);
}

static void put_arrows(struct chrome *x)
{
	for (uint32_t i = 0; i < x->r->task_count; i++) {
		const struct record_task *t = &x->r->tasks[i];
		uint32_t last = RECORD_NONE;

		for (size_t k = 0; k < t->parent_count && t->last_slice != RECORD_NONE; k++) {
			uint32_t from = x->r->tasks[t->parents[k]].last_slice;

			/* A parent that ran again later did not release it then. */
			if (from == RECORD_NONE || x->r->slices[from].end_ms > x->r->slices[t->last_slice].start_ms)
				continue;
			if (t->parent_count <= ARROWS_MAX)
				put_arrow(x, from, t->last_slice);
			else if (last == RECORD_NONE || x->r->slices[from].end_ms > x->r->slices[last].end_ms)
				last = from;
		}
		if (last != RECORD_NONE)
			put_arrow(x, last, t->last_slice);
	}
}

/* ---- services -------------------------------------------------------------------------------------------------- */

/* The state of a service after an event of it; NULL: as before, "": it is over. */
static const char *service_after(const char *kind)
{
	static const struct {
		const char *kind, *state;
	} table[] = {
		{ "service.demanded", "reserving" },
		{ "service.granted", "staging_in" },
		{ "service.staged", "starting" },
		{ "service.restarting", "starting" },
		{ "service.ready", "ready" },
		{ "service.degraded", "degraded" },
		{ "service.drain_requested", "draining" },
		{ "service.drained", "saving" },
		{ "service.saved", "stopping" },
		{ "service.start_failed", "stopping" },
		{ "service.cancel_requested", "stopping" },
		{ "service.stop_unproven", "leaked" },
		{ "service.found_gone", "" },
		{ "service.refused", "" },
		{ "service.failed", "" },
		{ "service.stopped", "" },
	};

	for (size_t i = 0; i < WF_COUNT(table); i++)
		if (strcmp(kind, table[i].kind) == 0)
			return table[i].state;
	return NULL;
}

static void put_stretch(struct chrome *x, uint32_t tid, const char *state, int64_t from, int64_t to)
{
	if (!state || !*state || to <= from)
		return;
	begin(x, 'X', SERVICES_PID, tid);
	text(x->out, "name", state);
	wf_buf_printf(x->out, ",\"cat\":\"service\",\"ts\":%lld,\"dur\":%lld", us(x, from), (long long)(to - from) * 1000);
	end(x);
}

static void put_service(struct chrome *x, uint32_t tid, const char *service)
{
	const char *state = NULL;
	int64_t since = 0;
	json_t *event;
	size_t i;

	name(x, "thread_name", SERVICES_PID, tid, service);
	json_array_foreach(x->r->events, i, event) {
		json_t *subject = json_object_get(event, "subject");
		const char *next = service_after(field_str(event, "kind"));

		if (!next || strcmp(field_str(subject, "id"), service) != 0)
			continue;
		put_stretch(x, tid, state, since, field_time(event, "at"));
		state = next;
		since = field_time(event, "at");
	}
	put_stretch(x, tid, state, since, x->r->end_ms);
}

static void put_services(struct chrome *x)
{
	json_t *service;
	size_t i;

	json_array_foreach(json_object_get(x->r->services, "items"), i, service) {
		if (!i)
			name(x, "process_name", SERVICES_PID, 0, "services");
		put_service(x, (uint32_t)i + 1, field_service(service));
	}
}

/* ---- the engine: marks and counters
 * -------------------------------------------------------------------------------- */

static void put_marks(struct chrome *x)
{
	json_t *event;
	size_t i;

	name(x, "process_name", ENGINE_PID, 0, "engine");
	json_array_foreach(x->r->events, i, event) {
		const char *kind = field_str(event, "kind");

		if (strncmp(kind, "engine.", 7) != 0 && strncmp(kind, "run.", 4) != 0)
			continue;
		begin(x, 'i', ENGINE_PID, 0);
		text(x->out, "name", kind);
		wf_buf_printf(x->out, ",\"cat\":\"engine\",\"s\":\"g\",\"ts\":%lld", us(x, field_time(event, "at")));
		end(x);
	}
}

struct change {
	int64_t at;
	int running, ready;
};

struct changes {
	struct change *items;
	size_t count, cap;
};

static void change(struct changes *c, int64_t at, int running, int ready)
{
	c->items = wf_grow(c->items, &c->cap, c->count + 1, sizeof(*c->items));
	c->items[c->count++] = (struct change){ at, running, ready };
}

static int sooner(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* A task is ready from its release until it is started, skipped or canceled. */
static void count_ready(const struct record *r, struct changes *c)
{
	uint8_t *ready = wf_xcalloc(r->task_count + 1, 1);
	json_t *event;
	size_t i;

	json_array_foreach(r->events, i, event) {
		const char *kind = field_str(event, "kind");
		int into = strcmp(kind, "task.released") == 0 || strcmp(kind, "task.requeued") == 0;
		uint32_t task;

		if (strncmp(kind, "task.", 5) != 0)
			continue;
		task = wf_strmap_get(&r->ids, field_str(json_object_get(event, "subject"), "id"));
		if (task == WF_STRMAP_NONE || ready[task] == into)
			continue;
		change(c, field_time(event, "at"), 0, into - ready[task]);
		ready[task] = (uint8_t)into;
	}
	free(ready);
}

static void put_counters(struct chrome *x)
{
	struct changes c = { 0 };
	int running = 0, ready = 0;

	for (size_t i = 0; i < x->r->slice_count; i++) {
		change(&c, x->r->slices[i].start_ms, 1, 0);
		change(&c, x->r->slices[i].end_ms, -1, 0);
	}
	count_ready(x->r, &c);
	if (c.count)
		qsort(c.items, c.count, sizeof(*c.items), sooner);
	for (size_t i = 0; i < c.count; i++) {
		running += c.items[i].running;
		ready += c.items[i].ready;
		if (i + 1 < c.count && c.items[i + 1].at == c.items[i].at)
			continue;
		begin(x, 'C', ENGINE_PID, 0);
		wf_buf_printf(x->out, ",\"name\":\"tasks\",\"ts\":%lld,\"args\":{\"running\":%d,\"ready\":%d}", us(x, c.items[i].at), running,
			      ready);
		end(x);
	}
	free(c.items);
}

/* ---- document
 * -------------------------------------------------------------------------------------------------------- */

void export_chrome_trace(const struct record *r, struct wf_buf *out)
{
	struct chrome x = { .r = r, .out = out };
	json_t *other = json_pack("{s:s, s:s, s:s, s:o}", "run", field_str(r->run, "id"), "workflow", field_str(r->run, "workflow"), "state",
				  field_str(r->run, "state"), "begins", wf_json_time(r->start_ms));

	wf_buf_str(out, "{\"displayTimeUnit\":\"ms\",\"otherData\":");
	wf_json_dump(other, out);
	wf_buf_str(out, ",\"traceEvents\":[");
	put_marks(&x);
	put_services(&x);
	put_attempts(&x);
	put_arrows(&x);
	put_counters(&x);
	wf_buf_str(out, "\n]}\n");
	json_decref(other);
	for (size_t i = 0; i < x.place_count; i++) {
		free(x.places[i].name);
		free(x.places[i].free_ms);
	}
	free(x.places);
	free(x.rows);
}
