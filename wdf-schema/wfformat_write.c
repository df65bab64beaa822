/* wfformat_write.c - owns how a trace is told in the language: a step per task, and what keeps the rest for an export. Knows no JSON.
 *
 * The programs of a step are those of coreutils and bash, so a file runs wherever wf does. A task's time is a little more than it will
 * take: it is what the scheduler weighs, and also the limit. Who meets the limit on a busy host is given ten times as much.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "wdf-schema/wdf.h"
#include "wdf-schema/wfformat_trace.h"

enum { NAME_CUT = 100, FILE_NAME_MAX = 250, INPUTS_PER_STEP = 500, SPARE_MS = 250 };

/* $1: seconds, then pairs of file and size */
static const char sleeps[] = "sleep \"$1\"; shift; while (($#)); do head -c \"$2\" /dev/zero >\"$1\"; shift 2; done";
/* $1: seconds, $2: cores, then the pairs; timeout returns 124, which `wait` does not pass on */
static const char burns[] = "for ((i = 0; i < $2; i++)); do timeout --foreground \"$1\" sha256sum /dev/zero & done; wait; shift 2; "
			    "while (($#)); do head -c \"$2\" /dev/zero >\"$1\"; shift 2; done";

struct writer {
	const struct trace *t;
	const struct wfformat_options *o;
	struct wf_buf *out;
	struct wf_arena arena;
	const char **steps;            /* by task: its step's name */
	const char **paths;            /* by file; NULL: not made */
	struct wf_strmap taken;
	uint32_t *parent_of;           /* by task: the last task it was found to be a parent of, + 1 */
};

/* ---- names -------------------------------------------------------------------------------------------------- */

static int stays(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._-+@=,", c));
}

void wfformat_encode(struct wf_buf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (stays(c) && (c != '.' || p > text))
			wf_buf_char(b, *p);
		else
			wf_buf_printf(b, "%%%02X", c);
	}
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void wfformat_decode(struct wf_buf *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = text[i] == '%' && i + 2 < n ? hex(text[i + 1]) : -1, low = high >= 0 ? hex(text[i + 2]) : -1;

		if (low >= 0 && (high || low)) {
			wf_buf_char(b, (char)(high * 16 + low));
			i += 2;
		} else {
			wf_buf_char(b, text[i]);
		}
	}
}

static const char *encoded(struct writer *w, const char *text)
{
	struct wf_buf b = { 0 };
	const char *s;

	wfformat_encode(&b, text);
	s = wf_arena_strndup(&w->arena, b.data, b.len);
	wf_buf_release(&b);
	return s;
}

/* A name like this one that nobody has. */
static const char *free_name(struct writer *w, const char *like, uint32_t number)
{
	char *base = wf_arena_strndup(&w->arena, like, strnlen(like, NAME_CUT));
	const char *name;

	for (char *p = base; *p; p++)
		if (!((stays((unsigned char)*p) && !strchr("+@=,", *p)) && (p > base || !strchr("._-", *p))))
			*p = p == base ? 't' : '_';
	for (name = base; wf_strmap_get(&w->taken, name) != WF_STRMAP_NONE; number++)
		name = wf_arena_printf(&w->arena, "%s-%u", base, number + 1);
	wf_strmap_add(&w->taken, name, 0);
	return name;
}

/* Those that can keep their names do. */
static void name_steps(struct writer *w)
{
	const struct trace *t = w->t;

	w->steps = wf_xcalloc(t->task_count, sizeof(*w->steps));
	for (uint32_t i = 0; i < t->task_count; i++)
		if (wdf_name_ok(t->tasks[i].id)) {
			w->steps[i] = t->tasks[i].id;
			wf_strmap_add(&w->taken, w->steps[i], i);
		}
	for (uint32_t i = 0; i < t->task_count; i++)
		if (!w->steps[i])
			w->steps[i] = free_name(w, t->tasks[i].id, i);
}

static void name_files(struct writer *w)
{
	w->paths = wf_xcalloc(w->t->file_count, sizeof(*w->paths));
	for (size_t i = 0; i < w->t->file_count && w->o->size_scale > 0; i++) {
		const char *path = encoded(w, w->t->files[i].id);

		if (strlen(path) <= FILE_NAME_MAX)
			w->paths[i] = path;
	}
}

/* ---- a step --------------------------------------------------------------------------------------------------- */

static void quoted(struct wf_buf *b, const char *s)
{
	wf_buf_json(b, s, strlen(s));
}

/* ", key: [" before the first item, ", " before others. */
static void item(struct wf_buf *b, const char *key, size_t n)
{
	if (n)
		wf_buf_str(b, ", ");
	else
		wf_buf_printf(b, ", %s: [", key);
}

static void put_file(struct writer *w, uint32_t file)
{
	double size = round((double)w->t->files[file].size * w->o->size_scale);

	wf_buf_str(w->out, ", ");
	quoted(w->out, w->paths[file]);
	wf_buf_printf(w->out, ", \"%.0f\"", size);
}

static int makes(const struct writer *w, uint32_t task, uint32_t file)
{
	return w->paths[file] && w->t->files[file].writer == task;
}

static void put_command(struct writer *w, uint32_t i)
{
	const struct trace_task *k = &w->t->tasks[i];
	double seconds = k->runtime * w->o->time_scale;
	size_t files = 0;

	for (size_t f = 0; f < k->writes.count; f++)
		files += (size_t)makes(w, i, k->writes.items[f]);
	if (seconds < 0.0005)
		seconds = 0;
	if (!files && seconds == 0) {
		wf_buf_str(w->out, "argv: [\"true\"]");
		return;
	}
	if (!files && !w->o->burn) {
		wf_buf_printf(w->out, "argv: [sleep, \"%.3f\"]", seconds);
		return;
	}
	wf_buf_str(w->out, "argv: [bash, -ec, ");
	if (w->o->burn && seconds > 0) {
		quoted(w->out, burns);
		wf_buf_printf(w->out, ", task, \"%.3f\", \"%u\"", seconds, k->cores);
	} else {
		quoted(w->out, sleeps);
		wf_buf_printf(w->out, ", task, \"%.3f\"", seconds);
	}
	for (size_t f = 0; f < k->writes.count; f++)
		if (makes(w, i, k->writes.items[f]))
			put_file(w, k->writes.items[f]);
	wf_buf_char(w->out, ']');
}

/* An input makes an edge: only where the trace has one, or none is needed. */
static int reads(const struct writer *w, uint32_t task, uint32_t file)
{
	uint32_t writer = w->t->files[file].writer;

	return w->paths[file] && (writer == TRACE_NONE || w->parent_of[writer] == task + 1);
}

static void put_order(struct writer *w, uint32_t i)
{
	const struct trace_task *k = &w->t->tasks[i];
	size_t n;

	for (n = 0; n < k->parents.count; n++) {
		w->parent_of[k->parents.items[n]] = i + 1;
		item(w->out, "after", n);
		quoted(w->out, w->steps[k->parents.items[n]]);
	}
	wf_buf_str(w->out, n ? "]" : "");
	n = 0;
	for (size_t f = 0; f < k->reads.count; f++)
		if (reads(w, i, k->reads.items[f])) {
			item(w->out, "inputs", n++);
			quoted(w->out, w->paths[k->reads.items[f]]);
		}
	wf_buf_str(w->out, n ? "]" : "");
	n = 0;
	for (size_t f = 0; f < k->writes.count; f++)
		if (makes(w, i, k->writes.items[f])) {
			item(w->out, "outputs", n++);
			quoted(w->out, w->paths[k->writes.items[f]]);
		}
	wf_buf_str(w->out, n ? "]" : "");
}

static void put_resources(struct writer *w, uint32_t i)
{
	const struct trace_task *k = &w->t->tasks[i];
	double ms = k->runtime * w->o->time_scale * 1000;

	if (w->o->time_scale > 0)
		wf_buf_printf(w->out, ", resources: {cpus: %u, time: %.0fms}", k->cores, round(ms * 1.1) + SPARE_MS);
	else if (k->cores != 1)
		wf_buf_printf(w->out, ", resources: {cpus: %u}", k->cores);
}

/* ---- labels ---------------------------------------------------------------------------------------------------- */

static void put_label(struct writer *w, int *n, const char *key, const char *text)
{
	wf_buf_printf(w->out, "%s%s: ", (*n)++ ? ", " : ", labels: {", key);
	quoted(w->out, text);
}

static void put_files_label(struct writer *w, int *n, const char *key, uint32_t task, const struct trace_list *l,
			    int (*is_said)(const struct writer *w, uint32_t task, uint32_t file))
{
	struct wf_buf b = { 0 };

	if (w->o->size_scale == 0)
		return;
	for (size_t i = 0; i < l->count; i++) {
		if (is_said(w, task, l->items[i]))
			continue;
		if (b.len)
			wf_buf_char(&b, ' ');
		wfformat_encode(&b, w->t->files[l->items[i]].id);
	}
	if (b.len)
		put_label(w, n, key, b.data);
	wf_buf_release(&b);
}

static void put_labels(struct writer *w, uint32_t i)
{
	const struct trace_task *k = &w->t->tasks[i];
	int n = 0;

	if (strcmp(w->steps[i], k->id) != 0)
		put_label(w, &n, "wfformat.id", encoded(w, k->id));
	if (strcmp(k->name, k->id) != 0)
		put_label(w, &n, "wfformat.name", encoded(w, k->name));
	put_files_label(w, &n, "wfformat.reads", i, &k->reads, reads);
	put_files_label(w, &n, "wfformat.writes", i, &k->writes, makes);
	wf_buf_str(w->out, n ? "}" : "");
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Characters that a workflow's name may not have, or that YAML and templates give a meaning. */
static const char *workflow_name(struct writer *w)
{
	const char *name = w->t->name && *w->t->name ? w->t->name : "trace";
	char *s = wf_arena_strndup(&w->arena, name, strnlen(name, NAME_CUT));

	for (char *p = s; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("/{}\\", *p))
			*p = '_';
	return s;
}

static void put_head(struct writer *w)
{
	const char *name = workflow_name(w);
	char *dir = wf_arena_strdup(&w->arena, name);

	for (char *p = dir; *p; p++)
		if (!stays((unsigned char)*p) || (*p == '.' && p == dir))
			*p = '_';
	wf_buf_str(w->out, "workflow: {name: ");
	quoted(w->out, name);
	wf_buf_printf(w->out, ", description: \"imported from WfFormat %s\"}\ndefaults:\n  workdir: ", w->t->version);
	quoted(w->out, dir);
	wf_buf_printf(w->out, "\n  labels: {wfformat.version: \"%s\"}", w->t->version);
	if (w->o->time_scale > 0)
		wf_buf_str(w->out, "\n  retry: {limit: 3, classes: [timeout], grow: {time: x10}}");
	wf_buf_str(w->out, "\nsteps:\n");
}

/* What nobody writes was there before: steps of their own make it. */
static void put_inputs(struct writer *w)
{
	struct wf_buf outputs = { 0 };
	uint32_t n = 0;

	for (size_t i = 0; i < w->t->file_count; i++) {
		if (!w->paths[i] || w->t->files[i].writer != TRACE_NONE)
			continue;
		if (n % INPUTS_PER_STEP == 0) {
			if (n)
				wf_buf_printf(w->out, "], outputs: [%s], labels: {wfformat.role: inputs}}\n", outputs.data);
			wf_buf_clear(&outputs);
			wf_buf_str(w->out, "  - {name: ");
			quoted(w->out, free_name(w, "wf-inputs", n / INPUTS_PER_STEP));
			wf_buf_str(w->out, ", argv: [bash, -ec, ");
			quoted(w->out, sleeps);
			wf_buf_str(w->out, ", inputs, \"0\"");
		}
		put_file(w, (uint32_t)i);
		if (outputs.len)
			wf_buf_str(&outputs, ", ");
		quoted(&outputs, w->paths[i]);
		n++;
	}
	if (n)
		wf_buf_printf(w->out, "], outputs: [%s], labels: {wfformat.role: inputs}}\n", outputs.data);
	wf_buf_release(&outputs);
}

static void put_steps(struct writer *w)
{
	for (uint32_t i = 0; i < w->t->task_count; i++) {
		wf_buf_str(w->out, "  - {name: ");
		quoted(w->out, w->steps[i]);
		wf_buf_str(w->out, ", ");
		put_command(w, i);
		put_order(w, i);
		put_resources(w, i);
		put_labels(w, i);
		wf_buf_str(w->out, "}\n");
	}
}

int trace_write(const struct trace *t, const struct wfformat_options *o, struct wf_buf *out, struct wf_err *err)
{
	struct wf_buf text = { 0 };
	struct writer w = { .t = t, .o = o, .out = &text };
	int rc = 0;

	w.parent_of = wf_xcalloc(t->task_count, sizeof(*w.parent_of));
	name_steps(&w);
	name_files(&w);
	put_head(&w);
	put_inputs(&w);
	put_steps(&w);
	if (text.len > WDF_MAX_BYTES)
		rc = wf_errf(err, WF_TOO_LARGE, "its %u tasks would make a workflow file of %zu MiB; %u are allowed", t->task_count,
			     text.len >> 20, WDF_MAX_BYTES >> 20);
	else
		wf_buf_add(out, text.data, text.len);
	wf_buf_release(&text);
	wf_strmap_release(&w.taken);
	wf_arena_release(&w.arena);
	free(w.parent_of);
	free(w.steps);
	free(w.paths);
	return rc;
}

int wfformat_import(const char *text, size_t n, const char *file, const struct wfformat_options *o, struct wf_buf *out,
		    struct wf_err *err)
{
	struct trace t;
	int rc = trace_read(&t, text, n, file, err);

	if (rc == 0 && trace_write(&t, o, out, err) < 0)
		rc = wf_err_wrap(err, "%s", file);
	trace_release(&t);
	return rc;
}
