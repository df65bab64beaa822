/* wfformat_read.c - owns what the versions of WfFormat call things: a document of any of them becomes one struct trace. Knows nothing of
 * workflow files.
 *
 *     1.0 to 1.2   workflow.jobs: runtime, size, cores; tasks name each other, names are unique; `link` says input or output
 *     1.3          workflow.tasks, otherwise the same
 *     1.4          runtimeInSeconds, sizeInBytes; ids
 *     1.5, 1.6     workflow.specification (tasks, files by id) and workflow.execution (runtime and cores by task id)
 *
 * Documents in the wild mix neighbouring versions, so a thing is found under any of its names whatever schemaVersion says.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "wdf-schema/wfformat_trace.h"

enum { CORES_MAX = 1 << 20, PATH_MAX_TEXT = 160 };
#define RUNTIME_MAX 3.2e9              /* a hundred years */
#define SIZE_MAX_BYTES 9e18

struct reader {
	struct trace *t;
	const char *text, *file;
	size_t n;
	char tasks[48];                /* path of the list of tasks */
	struct wf_err *err;
};

/* "file:line:column: ..." of the value at `path`. */
static int bad(struct reader *r, const char *path, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int bad(struct reader *r, const char *path, const char *fmt, ...)
{
	size_t line, column;
	struct wf_err why;
	va_list ap;

	va_start(ap, fmt);
	wf_errv(&why, WF_INVALID, fmt, ap);
	va_end(ap);
	trace_place(r->text, r->n, path, &line, &column);
	return wf_errf(r->err, WF_INVALID, "%s:%zu:%zu: %s", r->file, line, column, why.text);
}

/* The path of a field of task i. */
static const char *of_task(const struct reader *r, size_t i, const char *field, char path[PATH_MAX_TEXT])
{
	snprintf(path, PATH_MAX_TEXT, "%s[%zu]%s%s", r->tasks, i, *field ? "." : "", field);
	return path;
}

static json_t *either(json_t *obj, const char *a, const char *b)
{
	json_t *v = json_object_get(obj, a);

	return v ? v : json_object_get(obj, b);
}

/* ---- values ------------------------------------------------------------------------------------------- */

/* A number of at least 0; absent or null leaves *out. `what` it is of `whom`, for the message. */
static int number(struct reader *r, json_t *v, const char *path, const char *what, const char *whom, double max, double *out)
{
	double d;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return bad(r, path, "the %s of '%s' must be a number", what, whom);
	d = json_number_value(v);
	if (!(d >= 0 && d <= max))
		return bad(r, path, "the %s of '%s' must be a number from 0 to %.9g, found %.9g", what, whom, max, d);
	*out = d;
	return 0;
}

static const char *text_of(struct reader *r, json_t *v, const char *path, const char *what)
{
	const char *s = json_string_value(v);

	if (!s || !*s) {
		bad(r, path, s ? "%s must not be empty" : "%s must be a text", what);
		return NULL;
	}
	return s;
}

/* An array, or absent: NULL and 0. */
static int array_of(struct reader *r, json_t *obj, const char *key, const char *path, json_t **out)
{
	*out = json_object_get(obj, key);
	if (*out && json_is_null(*out))
		*out = NULL;
	return *out && !json_is_array(*out) ? bad(r, path, "'%s' must be a list", key) : 0;
}

static void push(struct trace_list *l, uint32_t v)
{
	l->items = wf_grow(l->items, &l->cap, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = v;
}

/* ---- files ---------------------------------------------------------------------------------------------- */

static uint32_t file_of(struct trace *t, const char *id)
{
	uint32_t at = wf_strmap_get(&t->file_ids, id);

	if (at != WF_STRMAP_NONE)
		return at;
	at = (uint32_t)t->file_count;
	t->files = wf_grow(t->files, &t->file_cap, t->file_count + 1, sizeof(*t->files));
	t->files[t->file_count++] = (struct trace_file){ .id = id, .writer = TRACE_NONE };
	return wf_strmap_add(&t->file_ids, id, at);
}

static void link_file(struct trace *t, uint32_t task, uint32_t file, int writes)
{
	push(writes ? &t->tasks[task].writes : &t->tasks[task].reads, file);
	if (writes && t->files[file].writer == TRACE_NONE)
		t->files[file].writer = task;
}

/* Up to 1.4: each task lists its files with their sizes. */
static int read_own_files(struct reader *r, uint32_t i, json_t *task)
{
	char field[64], path[PATH_MAX_TEXT];
	json_t *files, *f;
	size_t k;

	if (array_of(r, task, "files", of_task(r, i, "files", path), &files) < 0)
		return -1;
	json_array_foreach(files, k, f) {
		const char *id, *dir = json_string_value(json_object_get(f, "path")), *link = json_string_value(json_object_get(f, "link"));
		double size = 0;
		uint32_t at;

		snprintf(field, sizeof(field), "files[%zu]", k);
		of_task(r, i, field, path);
		id = text_of(r, either(f, "name", "id"), path, "the name of a file");
		if (!id || number(r, either(f, "sizeInBytes", "size"), path, "size", id, SIZE_MAX_BYTES, &size) < 0)
			return -1;
		if (!link || (strcasecmp(link, "input") != 0 && strcasecmp(link, "output") != 0))
			return bad(r, path, "'link' of file '%s' must be 'input' or 'output'", id);
		if (dir && *dir)
			id = wf_arena_printf(&r->t->arena, "%s%s", dir, id);
		at = file_of(r->t, id);
		if ((double)r->t->files[at].size < size)
			r->t->files[at].size = (int64_t)size;
		link_file(r->t, i, at, strcasecmp(link, "output") == 0);
	}
	return 0;
}

/* From 1.5 on: files of the workflow, and tasks that name them. */
static int read_shared_files(struct reader *r, json_t *spec)
{
	char path[PATH_MAX_TEXT];
	json_t *files, *f;
	size_t k;

	if (array_of(r, spec, "files", "workflow.specification.files", &files) < 0)
		return -1;
	json_array_foreach(files, k, f) {
		const char *id;
		double size = 0;
		uint32_t at;

		snprintf(path, sizeof(path), "workflow.specification.files[%zu]", k);
		id = text_of(r, json_object_get(f, "id"), path, "the id of a file");
		if (!id || number(r, json_object_get(f, "sizeInBytes"), path, "size", id, SIZE_MAX_BYTES, &size) < 0)
			return -1;
		at = file_of(r->t, id);
		r->t->files[at].size = (int64_t)size;
	}
	return 0;
}

static int read_links(struct reader *r, uint32_t i, json_t *task, const char *key, int writes)
{
	char field[64], path[PATH_MAX_TEXT];
	json_t *list, *f;
	size_t k;

	if (array_of(r, task, key, of_task(r, i, key, path), &list) < 0)
		return -1;
	json_array_foreach(list, k, f) {
		const char *id;

		snprintf(field, sizeof(field), "%s[%zu]", key, k);
		id = text_of(r, f, of_task(r, i, field, path), "the id of a file");
		if (!id)
			return -1;
		link_file(r->t, i, file_of(r->t, id), writes);
	}
	return 0;
}

/* ---- tasks ---------------------------------------------------------------------------------------------- */

/* Those up to 1.4 may lack an id: then the name is one. Names may be shared where there are ids. */
static int read_names(struct reader *r, json_t *list)
{
	struct trace *t = r->t;
	char path[PATH_MAX_TEXT];
	json_t *task;
	size_t i;

	json_array_foreach(list, i, task) {
		struct trace_task *k = &t->tasks[i];
		json_t *id = json_object_get(task, "id");

		if (!json_is_object(task))
			return bad(r, of_task(r, i, "", path), "a task must be an object");
		k->id = k->name = text_of(r, json_object_get(task, "name"), of_task(r, i, "name", path), "the name of a task");
		if (k->name && id && !json_is_null(id))
			k->id = text_of(r, id, of_task(r, i, "id", path), "the id of a task");
		if (!k->id)
			return -1;
		if (wf_strmap_add(&t->ids, k->id, (uint32_t)i) != i)
			return bad(r, of_task(r, i, id ? "id" : "name", path), "two tasks are called '%s'", k->id);
		/* A name that several have leads to none of them. */
		if (wf_strmap_add(&t->names, k->name, (uint32_t)i) != i)
			wf_strmap_set(&t->names, k->name, TRACE_NONE - 1);
	}
	return 0;
}

static int find_task(struct reader *r, const char *called, const char *path, uint32_t *out)
{
	uint32_t at = wf_strmap_get(&r->t->ids, called);

	if (at == WF_STRMAP_NONE)
		at = wf_strmap_get(&r->t->names, called);
	if (at == TRACE_NONE - 1)
		return bad(r, path, "several tasks have the name '%s'", called);
	if (at == WF_STRMAP_NONE)
		return bad(r, path, "no task '%s'", called);
	*out = at;
	return 0;
}

static int read_relatives(struct reader *r, uint32_t i, json_t *task, const char *key, int children)
{
	char field[64], path[PATH_MAX_TEXT];
	json_t *list, *v;
	size_t k;

	if (array_of(r, task, key, of_task(r, i, key, path), &list) < 0)
		return -1;
	json_array_foreach(list, k, v) {
		const char *called;
		uint32_t other;

		snprintf(field, sizeof(field), "%s[%zu]", key, k);
		of_task(r, i, field, path);
		if (!(called = text_of(r, v, path, "the name of a task")) || find_task(r, called, path, &other) < 0)
			return -1;
		if (other == i)
			return bad(r, path, "task '%s' waits for itself", r->t->tasks[i].id);
		push(&r->t->tasks[children ? other : i].parents, children ? i : other);
	}
	return 0;
}

/* Runtime and cores, from the task itself or its entry among the executions. */
static int read_cost(struct reader *r, uint32_t i, json_t *task, const char *path)
{
	struct trace_task *k = &r->t->tasks[i];
	double cores = 1;

	if (number(r, either(task, "runtimeInSeconds", "runtime"), path, "runtime", k->id, RUNTIME_MAX, &k->runtime) < 0 ||
	    number(r, either(task, "coreCount", "cores"), path, "number of cores", k->id, CORES_MAX, &cores) < 0)
		return -1;
	k->cores = cores < 1 ? 1 : (uint32_t)ceil(cores);
	return 0;
}

static int read_executions(struct reader *r, json_t *workflow)
{
	json_t *execution = json_object_get(workflow, "execution"), *list, *v;
	char path[PATH_MAX_TEXT];
	uint32_t at;
	size_t i;

	if (!execution || json_is_null(execution))
		return 0;
	if (!json_is_object(execution))
		return bad(r, "workflow.execution", "'execution' must be an object");
	if (array_of(r, execution, "tasks", "workflow.execution.tasks", &list) < 0)
		return -1;
	json_array_foreach(list, i, v) {
		const char *id;

		snprintf(path, sizeof(path), "workflow.execution.tasks[%zu]", i);
		id = text_of(r, json_object_get(v, "id"), path, "the id of a task");
		if (!id || find_task(r, id, path, &at) < 0 || read_cost(r, at, v, path) < 0)
			return -1;
	}
	return 0;
}

/* Some writers of 1.4 and before know files only: who reads a file comes after who writes it. */
static void infer_parents(struct trace *t)
{
	for (uint32_t i = 0; i < t->task_count; i++) {
		struct trace_task *k = &t->tasks[i];

		if (k->parents.count)
			continue;
		for (size_t f = 0; f < k->reads.count; f++) {
			uint32_t writer = t->files[k->reads.items[f]].writer;

			if (writer != TRACE_NONE && writer != i)
				push(&k->parents, writer);
		}
	}
}

/* Edges are told from both ends, and files may be listed twice. */
static void once_each(struct trace_list *l, uint32_t *stamp, uint32_t mark)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		if (stamp[l->items[i]] != mark) {
			stamp[l->items[i]] = mark;
			l->items[n++] = l->items[i];
		}
	l->count = n;
}

static void drop_doubles(struct trace *t)
{
	size_t most = t->task_count > t->file_count ? t->task_count : t->file_count;
	uint32_t *stamp = wf_xcalloc(most, sizeof(*stamp)), mark = 0;

	for (uint32_t i = 0; i < t->task_count; i++) {
		once_each(&t->tasks[i].parents, stamp, ++mark);
		once_each(&t->tasks[i].reads, stamp, ++mark);
		once_each(&t->tasks[i].writes, stamp, ++mark);
	}
	free(stamp);
}

/* Take tasks whose parents were all taken, until none is left; what is left over waits for itself. */
static int check_order(struct reader *r)
{
	const struct trace *t = r->t;
	uint32_t *wait = wf_xcalloc(t->task_count, sizeof(*wait)), *queue = wf_xmalloc(t->task_count * sizeof(*queue));
	struct trace_list *children = wf_xcalloc(t->task_count, sizeof(*children));
	size_t taken = 0, ready = 0;
	char path[PATH_MAX_TEXT];
	int rc = 0;

	for (uint32_t i = 0; i < t->task_count; i++) {
		wait[i] = (uint32_t)t->tasks[i].parents.count;
		for (size_t k = 0; k < t->tasks[i].parents.count; k++)
			push(&children[t->tasks[i].parents.items[k]], i);
		if (!wait[i])
			queue[ready++] = i;
	}
	while (taken < ready) {
		const struct trace_list *c = &children[queue[taken++]];

		for (size_t k = 0; k < c->count; k++)
			if (!--wait[c->items[k]])
				queue[ready++] = c->items[k];
	}
	for (uint32_t i = 0; i < t->task_count && ready < t->task_count && !rc; i++)
		if (wait[i])
			rc = bad(r, of_task(r, i, "", path), "task '%s' waits for itself, or for tasks that do", t->tasks[i].id);
	for (uint32_t i = 0; i < t->task_count; i++)
		free(children[i].items);
	free(children);
	free(queue);
	free(wait);
	return rc;
}

static int read_tasks(struct reader *r, json_t *list, json_t *spec, json_t *workflow)
{
	struct trace *t = r->t;
	json_t *task;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list))
		return bad(r, r->tasks, "a workflow needs a list of tasks");
	t->task_count = (uint32_t)json_array_size(list);
	t->tasks = wf_xcalloc(t->task_count, sizeof(*t->tasks));
	if (read_names(r, list) < 0 || (spec && read_shared_files(r, spec) < 0))
		return -1;
	json_array_foreach(list, i, task) {
		char path[PATH_MAX_TEXT];

		t->tasks[i].cores = 1;
		if (read_relatives(r, (uint32_t)i, task, "parents", 0) < 0 || read_relatives(r, (uint32_t)i, task, "children", 1) < 0)
			return -1;
		if (spec ? read_links(r, (uint32_t)i, task, "inputFiles", 0) < 0 || read_links(r, (uint32_t)i, task, "outputFiles", 1) < 0
			 : read_own_files(r, (uint32_t)i, task) < 0 || read_cost(r, (uint32_t)i, task, of_task(r, i, "", path)) < 0)
			return -1;
	}
	if (spec ? read_executions(r, workflow) < 0 : 0)
		return -1;
	if (!spec)
		infer_parents(t);
	drop_doubles(t);
	return check_order(r);
}

/* ---- the document ---------------------------------------------------------------------------------------- */

static int read_version(struct reader *r)
{
	static const char *const known[] = { "1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6" };
	json_t *v = json_object_get(r->t->doc, "schemaVersion");
	const char *s = json_string_value(v);

	if (!s)
		return bad(r, "schemaVersion", "no 'schemaVersion': this is not WfFormat");
	for (size_t i = 0; i < WF_COUNT(known); i++)
		if (strcmp(s, known[i]) == 0) {
			r->t->version = s;
			return 0;
		}
	return bad(r, "schemaVersion", "WfFormat '%.20s' is not known; 1.0 to 1.6 are read", s);
}

int trace_read(struct trace *t, const char *text, size_t n, const char *file, struct wf_err *err)
{
	struct reader r = { .t = t, .text = text, .n = n, .file = file, .err = err };
	json_t *workflow, *spec;
	struct wf_err why;

	memset(t, 0, sizeof(*t));
	t->doc = wf_json_parse(text, n, &why);
	if (!t->doc)
		/* "JSON:line:column: ..." */
		return wf_errf(err, WF_INVALID, "%s%s", file, why.text + strcspn(why.text, ":"));
	if (!json_is_object(t->doc))
		return bad(&r, "", "must be a JSON object");
	if (read_version(&r) < 0)
		return -1;
	workflow = json_object_get(t->doc, "workflow");
	if (!json_is_object(workflow))
		return bad(&r, "workflow", "'workflow' must be an object");
	t->name = json_string_value(json_object_get(t->doc, "name"));
	spec = json_object_get(workflow, "specification");
	if (spec && !json_is_object(spec))
		return bad(&r, "workflow.specification", "'specification' must be an object");
	snprintf(r.tasks, sizeof(r.tasks), "workflow.%s",
		 spec ? "specification.tasks" : json_object_get(workflow, "tasks") ? "tasks" : "jobs");
	return read_tasks(&r, spec ? json_object_get(spec, "tasks") : either(workflow, "tasks", "jobs"), spec, workflow);
}

void trace_release(struct trace *t)
{
	for (uint32_t i = 0; i < t->task_count; i++) {
		free(t->tasks[i].parents.items);
		free(t->tasks[i].reads.items);
		free(t->tasks[i].writes.items);
	}
	free(t->tasks);
	free(t->files);
	wf_strmap_release(&t->ids);
	wf_strmap_release(&t->names);
	wf_strmap_release(&t->file_ids);
	wf_arena_release(&t->arena);
	json_decref(t->doc);
}
