/* export_wfformat.c - owns a run told as WfFormat 1.6: what was to be done (specification) and how it went (execution). What an import
 * kept in labels (wdf-schema/wfformat.h) goes back to where it was.
 *
 * Sizes of files are those on this host's disk now. Ids have the format's characters: others become #XX, and a task's index too follows
 * a '#'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/field.h"
#include "cli/record.h"
#include "cli/term.h"
#include "engine/base/json.h"
#include "wdf-schema/wfformat.h"

struct files {
	struct wf_strmap at;           /* by id: 1 */
	struct wf_arena arena;         /* ids */
	json_t *list;
};

struct export {
	const struct record *r;
	struct files files;
	char **ids;                    /* by task; NULL: not a task of the trace */
	json_t **children;             /* by task */
};

/* ---- ids ------------------------------------------------------------------------------------------------- */

static void add_id(struct wf_buf *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_.#:/-", c)))
			wf_buf_char(b, c);
		else
			wf_buf_printf(b, "#%02X", (unsigned char)c);
	}
}

static const char *label(json_t *task, const char *key)
{
	return json_string_value(json_object_get(json_object_get(task, "labels"), key));
}

/* Of a task that was imported as another id: that. "sim[3]" is sim#3. */
static char *id_of(json_t *task)
{
	const char *kept = label(task, "wfformat.id"), *role = label(task, "wfformat.role");
	struct wf_buf b = { 0 }, plain = { 0 };

	if (role && strcmp(role, "inputs") == 0)
		return NULL;
	if (kept) {
		wfformat_decode(&plain, kept, strlen(kept));
		add_id(&b, wf_buf_cstr(&plain), plain.len);
		wf_buf_release(&plain);
	} else {
		add_id(&b, field_str(task, "step"), strlen(field_str(task, "step")));
		if (field_has(task, "index"))
			wf_buf_printf(&b, "#%lld", (long long)field_int(task, "index"));
	}
	return wf_buf_take(&b);
}

static json_t *name_of(json_t *task, const char *id)
{
	const char *kept = label(task, "wfformat.name");
	struct wf_buf b = { 0 };
	json_t *v;

	if (!kept)
		return json_string(label(task, "wfformat.version") ? id : field_str(task, "step"));
	wfformat_decode(&b, kept, strlen(kept));
	v = wf_json_text(wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	return v;
}

/* ---- files ------------------------------------------------------------------------------------------------ */

/* A new reference to the id; the file is listed once. */
static json_t *file_id(struct export *x, const char *id, const char *path)
{
	struct stat st;
	int64_t size = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;

	if (wf_strmap_get(&x->files.at, id) == WF_STRMAP_NONE) {
		wf_strmap_set(&x->files.at, wf_arena_strdup(&x->files.arena, id), 1);
		json_array_append_new(x->files.list, json_pack("{s:s, s:I}", "id", id, "sizeInBytes", (json_int_t)size));
	}
	return json_string(id);
}

/* An import made its name of the id; otherwise it is the path, below the run's directory without that. */
static json_t *path_id(struct export *x, json_t *task, const char *path)
{
	const char *dir = field_str(x->r->run, "workdir"), *name = path;
	struct wf_buf b = { 0 }, id = { 0 };
	json_t *v;

	if (label(task, "wfformat.version")) {
		name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		wfformat_decode(&b, name, strlen(name));
	} else {
		if (*dir && strncmp(path, dir, strlen(dir)) == 0 && path[strlen(dir)] == '/')
			name = path + strlen(dir) + 1;
		wf_buf_str(&b, name);
	}
	add_id(&id, wf_buf_cstr(&b), b.len);
	v = file_id(x, wf_buf_cstr(&id), path);
	wf_buf_release(&b);
	wf_buf_release(&id);
	return v;
}

/* Declared ones, then those that an import kept in a label. */
static json_t *links(struct export *x, json_t *task, const char *key, const char *kept_in)
{
	json_t *list = json_array(), *path;
	const char *kept = label(task, kept_in);
	size_t i;

	json_array_foreach(json_object_get(task, key), i, path)
		json_array_append_new(list, path_id(x, task, json_string_value(path)));
	while (kept && *kept) {
		size_t n = strcspn(kept, " ");
		char *where = wf_xasprintf("%s/%.*s", field_str(task, "workdir"), (int)n, kept);

		json_array_append_new(list, path_id(x, task, where));
		free(where);
		kept += n + (kept[n] == ' ');
	}
	return list;
}

/* ---- tasks -------------------------------------------------------------------------------------------------- */

static json_t *parents_of(struct export *x, uint32_t i)
{
	const struct record_task *t = &x->r->tasks[i];
	json_t *list = json_array();

	for (size_t k = 0; k < t->parent_count; k++) {
		uint32_t parent = t->parents[k];

		if (!x->ids[parent])
			continue;
		json_array_append_new(list, json_string(x->ids[parent]));
		json_array_append_new(x->children[parent], json_string(x->ids[i]));
	}
	return list;
}

static json_t *specification(struct export *x)
{
	json_t *tasks = json_array();

	for (uint32_t i = 0; i < x->r->task_count; i++)
		x->children[i] = json_array();
	for (uint32_t i = 0; i < x->r->task_count; i++) {
		json_t *doc = x->r->tasks[i].doc;

		if (x->ids[i])
			json_array_append_new(tasks, json_pack("{s:o, s:s, s:o, s:O, s:o, s:o}", "name", name_of(doc, x->ids[i]), "id",
							       x->ids[i], "parents", parents_of(x, i), "children", x->children[i],
							       "inputFiles", links(x, doc, "inputs", "wfformat.reads"), "outputFiles",
							       links(x, doc, "outputs", "wfformat.writes")));
	}
	return json_pack("{s:o, s:O}", "tasks", tasks, "files", x->files.list);
}

static json_t *seconds(int64_t ms)
{
	return json_real((double)ms / 1000);
}

static json_t *command(json_t *argv)
{
	json_t *arguments = json_array(), *word;
	size_t i;

	json_array_foreach(argv, i, word)
		if (i && *json_string_value(word)) /* the format has no empty ones */
			json_array_append(arguments, word);
	return json_pack("{s:O, s:o}", "program", json_array_get(argv, 0), "arguments", arguments);
}

static json_t *execution_of(struct export *x, uint32_t i)
{
	const struct record_slice *s = &x->r->slices[x->r->tasks[i].last_slice];
	json_t *doc = x->r->tasks[i].doc, *usage = json_object_get(s->attempt, "usage"), *argv = json_object_get(doc, "command");
	int64_t ms = s->end_ms - s->start_ms;
	json_t *o = json_pack("{s:s, s:o, s:o, s:I}", "id", x->ids[i], "runtimeInSeconds", seconds(ms), "executedAt",
			      wf_json_time(s->start_ms), "coreCount", (json_int_t)field_int(doc, "cores"));

	if (json_array_size(argv))
		json_object_set_new(o, "command", command(argv));
	if (json_is_object(usage)) {
		if (ms > 0)
			json_object_set_new(o, "avgCPU", json_real((double)field_int(usage, "cpu_ms") * 100 / (double)ms));
		json_object_set_new(o, "readBytes", json_integer(field_int(usage, "read_bytes")));
		json_object_set_new(o, "writtenBytes", json_integer(field_int(usage, "write_bytes")));
		json_object_set_new(o, "memoryInBytes", json_integer(field_int(usage, "max_rss_kib") * 1024));
	}
	if (field_has(s->attempt, "host"))
		json_object_set_new(o, "machines", json_pack("[s]", field_str(s->attempt, "host")));
	return o;
}

/* ---- machines -------------------------------------------------------------------------------------------------- */

static json_t *machine(const struct record *r, const char *host)
{
	json_t *m = json_pack("{s:s, s:s}", "nodeName", host, "system", "linux"), *agent;
	size_t i;

	json_array_foreach(json_object_get(r->engine, "agents"), i, agent) {
		if (strcmp(field_str(agent, "host"), host) != 0)
			continue;
		if (field_int(agent, "memory") > 0)
			json_object_set_new(m, "memoryInBytes", json_integer(field_int(agent, "memory")));
		if (field_int(agent, "cores") > 0)
			json_object_set_new(m, "cpu", json_pack("{s:I}", "coreCount", (json_int_t)field_int(agent, "cores")));
	}
	return m;
}

static json_t *machines(const struct record *r)
{
	struct wf_strmap seen = { 0 };
	json_t *list = json_array();

	for (size_t i = 0; i < r->slice_count; i++) {
		const char *host = json_string_value(json_object_get(r->slices[i].attempt, "host"));

		if (!host || wf_strmap_get(&seen, host) != WF_STRMAP_NONE)
			continue;
		wf_strmap_set(&seen, host, 1);
		json_array_append_new(list, machine(r, host));
	}
	wf_strmap_release(&seen);
	return list;
}

/* A run in which nothing ran yet has no execution: the format wants one task in it at least. */
static json_t *execution(struct export *x)
{
	const struct record *r = x->r;
	json_t *tasks = json_array(), *list;

	for (uint32_t i = 0; i < r->task_count; i++)
		if (x->ids[i] && r->tasks[i].last_slice != RECORD_NONE)
			json_array_append_new(tasks, execution_of(x, i));
	if (!json_array_size(tasks)) {
		json_decref(tasks);
		return NULL;
	}
	list = json_pack("{s:o, s:o, s:o}", "makespanInSeconds", seconds(r->end_ms - r->start_ms), "executedAt", wf_json_time(r->start_ms),
			 "tasks", tasks);
	json_object_set_new(list, "machines", machines(r));
	return list;
}

/* ---- document --------------------------------------------------------------------------------------------------- */

void export_wfformat(const struct record *r, struct wf_buf *out)
{
	struct export x = { .r = r, .files.list = json_array() };
	json_t *workflow = json_object(), *run, *doc;

	x.ids = wf_xcalloc(r->task_count + 1, sizeof(*x.ids));
	x.children = wf_xcalloc(r->task_count + 1, sizeof(*x.children));
	for (uint32_t i = 0; i < r->task_count; i++)
		x.ids[i] = id_of(r->tasks[i].doc);
	json_object_set_new(workflow, "specification", specification(&x));
	run = execution(&x);
	if (run)
		json_object_set_new(workflow, "execution", run);
	doc = json_pack("{s:s, s:s, s:o, s:s, s:{s:s, s:s}, s:o}", "name", field_str(r->run, "workflow"), "description",
			field_str(r->run, "message"), "createdAt", wf_json_time(field_time(r->run, "created_at")), "schemaVersion", "1.6",
			"runtimeSystem", "name", "wf", "version", field_str(r->engine, "version"), "workflow", workflow);
	wf_json_dump(doc, out);
	wf_buf_char(out, '\n');
	json_decref(doc);
	for (uint32_t i = 0; i < r->task_count; i++) {
		json_decref(x.children[i]);
		free(x.ids[i]);
	}
	free(x.children);
	free(x.ids);
	json_decref(x.files.list);
	wf_strmap_release(&x.files.at);
	wf_arena_release(&x.files.arena);
}
