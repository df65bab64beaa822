/* record.c - owns gathering a run through the interface, task by task, and who comes after whom; knows no format. */
#include "cli/record.h"

#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
#include "cli/runs.h"
#include "engine/base/os.h"

enum { PIECE = 10000 };

/* ---- documents ---------------------------------------------------------------------------------------- */

static json_t *all_tasks(struct client *c, const char *run, struct wf_err *err)
{
	json_t *all = json_array(), *doc;
	struct wf_buf url = { 0 };
	char *next = NULL;

	do {
		url_path(&url, "runs", run, "tasks", NULL);
		url_number(&url, "page_size", PIECE);
		url_query(&url, "page_token", next);
		free(next);
		next = NULL;
		doc = client_get(c, &url, err);
		if (!doc) {
			json_decref(all);
			all = NULL;
			break;
		}
		json_array_extend(all, json_object_get(doc, "items"));
		if (field_has(doc, "next"))
			next = wf_xstrdup(field_str(doc, "next"));
		json_decref(doc);
	} while (next);
	wf_buf_release(&url);
	return all;
}

static json_t *all_events(struct client *c, const char *run, struct wf_err *err)
{
	json_t *all = json_array(), *doc, *items;
	struct wf_buf url = { 0 };
	int64_t since = 0;
	size_t n;

	do {
		url_path(&url, "runs", run, "events", NULL);
		url_number(&url, "since", since);
		url_number(&url, "limit", PIECE);
		doc = client_get(c, &url, err);
		if (!doc) {
			json_decref(all);
			all = NULL;
			break;
		}
		items = json_object_get(doc, "items");
		n = json_array_size(items);
		if (n)
			since = field_int(json_array_get(items, n - 1), "seq");
		json_array_extend(all, items);
		json_decref(doc);
	} while (n);
	wf_buf_release(&url);
	return all;
}

static int read_documents(struct record *r, struct client *c, const char *run, struct wf_err *err)
{
	struct wf_buf url = { 0 };

	url_path(&url, "engine", NULL);
	r->engine = client_get(c, &url, err);
	wf_buf_release(&url);
	r->services = r->engine ? run_get(c, run, "services", err) : NULL;
	r->events = r->services ? all_events(c, run, err) : NULL;
	return r->events ? 0 : -1;
}

static int read_tasks(struct record *r, struct client *c, const char *run, struct wf_err *err)
{
	json_t *list = all_tasks(c, run, err), *item;
	struct wf_buf url = { 0 };
	size_t i;

	if (!list)
		return -1;
	r->tasks = wf_xcalloc(json_array_size(list), sizeof(*r->tasks));
	json_array_foreach(list, i, item) {
		struct record_task *t = &r->tasks[i];

		url_path(&url, "runs", run, "tasks", field_str(item, "id"), NULL);
		t->doc = client_get(c, &url, err);
		if (!t->doc)
			break;
		t->id = field_str(t->doc, "id");
		t->last_slice = RECORD_NONE;
		wf_strmap_add(&r->ids, t->id, r->task_count++);
	}
	wf_buf_release(&url);
	i = json_array_size(list);
	json_decref(list);
	return r->task_count == i ? 0 : -1;
}

/* ---- parents -------------------------------------------------------------------------------------------- */

/* Tasks of one step follow each other in the list. */
struct steps {
	struct wf_strmap first;        /* by name: its first task */
	uint32_t *count;               /* by first task */
};

static void find_steps(const struct record *r, struct steps *s)
{
	uint32_t first = 0;

	memset(s, 0, sizeof(*s));
	s->count = wf_xcalloc(r->task_count + 1, sizeof(*s->count));
	for (uint32_t i = 0; i < r->task_count; i++) {
		first = wf_strmap_add(&s->first, field_str(r->tasks[i].doc, "step"), i);
		s->count[first]++;
	}
}

static void add_parent(struct record_task *t, size_t *cap, uint32_t *stamp, uint32_t mark, uint32_t parent)
{
	if (stamp[parent] == mark)
		return;
	stamp[parent] = mark;
	t->parents = wf_grow(t->parents, cap, t->parent_count + 1, sizeof(*t->parents));
	t->parents[t->parent_count++] = parent;
}

static void find_parents(struct record *r)
{
	uint32_t *stamp = wf_xcalloc(r->task_count + 1, sizeof(*stamp));
	struct steps s;

	find_steps(r, &s);
	for (uint32_t i = 0; i < r->task_count; i++) {
		struct record_task *t = &r->tasks[i];
		size_t cap = 0, k;
		json_t *p;

		json_array_foreach(json_object_get(t->doc, "parents"), k, p) {
			uint32_t first = wf_strmap_get(&s.first, field_str(p, "step"));
			int64_t index = field_has(p, "index") ? field_int(p, "index") : -1;

			if (first == WF_STRMAP_NONE || index >= s.count[first])
				continue;
			for (uint32_t n = 0; n < s.count[first]; n++)
				if (index < 0 || n == index)
					add_parent(t, &cap, stamp, i + 1, first + n);
		}
	}
	wf_strmap_release(&s.first);
	free(s.count);
	free(stamp);
}

/* ---- when it ran ------------------------------------------------------------------------------------------ */

static int earlier(const void *a, const void *b)
{
	const struct record_slice *x = a, *y = b;

	if (x->start_ms != y->start_ms)
		return x->start_ms < y->start_ms ? -1 : 1;
	return x->task < y->task ? -1 : x->task > y->task;
}

static void find_slices(struct record *r, int64_t now)
{
	for (uint32_t i = 0; i < r->task_count; i++) {
		json_t *attempt;
		size_t k;

		json_array_foreach(json_object_get(r->tasks[i].doc, "attempts"), k, attempt) {
			struct record_slice s = { i, attempt, field_time(attempt, "started_at"), field_time(attempt, "ended_at") };

			if (!s.start_ms)
				continue;
			if (!s.end_ms)
				s.end_ms = now;
			if (s.end_ms < s.start_ms)
				s.end_ms = s.start_ms;
			r->slices = wf_grow(r->slices, &r->slice_cap, r->slice_count + 1, sizeof(*r->slices));
			r->slices[r->slice_count++] = s;
		}
	}
	if (r->slice_count)
		qsort(r->slices, r->slice_count, sizeof(*r->slices), earlier);
	for (size_t i = 0; i < r->slice_count; i++)
		r->tasks[r->slices[i].task].last_slice = (uint32_t)i;
}

/* ---- door --------------------------------------------------------------------------------------------------- */

int record_read(struct record *r, struct client *c, const char *run, struct wf_err *err)
{
	int64_t now;
	const char *id;

	memset(r, 0, sizeof(*r));
	r->run = run_get(c, run, NULL, err);
	if (!r->run)
		return -1;
	/* "@last" may be another run in a moment. */
	id = field_str(r->run, "id");
	if (read_documents(r, c, id, err) < 0 || read_tasks(r, c, id, err) < 0)
		return -1;
	now = wf_os_wall_ms(wf_os_posix());
	r->start_ms = field_time(r->run, field_has(r->run, "started_at") ? "started_at" : "created_at");
	r->end_ms = field_has(r->run, "ended_at") ? field_time(r->run, "ended_at") : now;
	find_parents(r);
	find_slices(r, now);
	return 0;
}

void record_release(struct record *r)
{
	for (uint32_t i = 0; i < r->task_count; i++) {
		json_decref(r->tasks[i].doc);
		free(r->tasks[i].parents);
	}
	free(r->tasks);
	free(r->slices);
	wf_strmap_release(&r->ids);
	json_decref(r->run);
	json_decref(r->engine);
	json_decref(r->services);
	json_decref(r->events);
}
