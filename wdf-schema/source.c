/* source.c - owns the reading of fan-out values that lie outside the file: names that match a pattern, rows of a CSV
 * file. Knows nothing of tasks. Done once, by whoever submits; the answer travels with the run, so a restart derives
 * nothing again. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/os.h"
#include "wdf-schema/wdf.h"

enum { LARGEST_CSV = 256 << 20, MOST_COLUMNS = 4096 };

struct reading {
	const char *dir;
	size_t left;      /* entries until WDF_MAX_NODES */
	struct wf_err *err;
};

/* ---- patterns ------------------------------------------------------------------------------------------------- */

/* The directory as glob(3) takes it: its own special characters are none. */
static char *escaped(const char *dir)
{
	struct wf_buf b = { 0 };

	for (; *dir; dir++) {
		if (strchr("*?[]\\", *dir))
			wf_buf_char(&b, '\\');
		wf_buf_char(&b, *dir);
	}
	return wf_buf_take(&b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths as the pattern would have them: relative to the submit directory unless it is absolute. */
static json_t *read_glob(struct reading *r, const char *pattern)
{
	char *dir = escaped(r->dir), *full;
	size_t skip = 0;
	json_t *list = NULL;
	glob_t g = { 0 };
	int rc;

	full = *pattern == '/' ? wf_xstrdup(pattern) : wf_xasprintf("%s/%s", dir, pattern);
	if (*pattern != '/')
		skip = strlen(r->dir) + 1;
	rc = glob(full, GLOB_NOSORT, NULL, &g);
	if (rc != 0 && rc != GLOB_NOMATCH) {
		wf_errf(r->err, rc == GLOB_NOSPACE ? WF_RESOURCE : WF_IO, "cannot read the pattern '%s'", pattern);
	} else if (g.gl_pathc > r->left) {
		wf_errf(r->err, WF_TOO_LARGE, "pattern '%s' matches %zu files, more than the limit of %d", pattern,
			(size_t)g.gl_pathc, WDF_MAX_NODES);
	} else {
		list = json_array();
		r->left -= g.gl_pathc;
		if (g.gl_pathc)
			qsort(g.gl_pathv, g.gl_pathc, sizeof(char *), by_text); /* bytewise, in every locale */
		for (size_t i = 0; i < g.gl_pathc && list; i++) {
			json_t *path = json_string(g.gl_pathv[i] + skip);

			if (!path) {
				wf_errf(r->err, WF_INVALID, "pattern '%s' matches a name that is not UTF-8", pattern);
				json_decref(list);
				list = NULL;
			} else {
				json_array_append_new(list, path);
			}
		}
	}
	globfree(&g);
	free(full);
	free(dir);
	return list;
}

/* ---- CSV, as RFC 4180 has it ------------------------------------------------------------------------------------ */

struct csv {
	const char *file;
	const char *p, *end;
	size_t line;
	struct wf_buf field;
	struct wf_err *err;
};

static int bad_csv(struct csv *c, const char *what)
{
	return wf_errf(c->err, WF_INVALID, "%s:%zu: %s", c->file, c->line, what);
}

/* One field; *last is set when the line ends behind it. */
static int read_field(struct csv *c, int *last)
{
	wf_buf_clear(&c->field);
	if (c->p < c->end && *c->p == '"') {
		size_t opened = c->line;

		for (c->p++;; c->p++) {
			if (c->p == c->end) {
				c->line = opened;
				return bad_csv(c, "a quoted field is not closed");
			}
			if (*c->p == '"' && c->p + 1 < c->end && c->p[1] == '"')
				c->p++;
			else if (*c->p == '"')
				break;
			c->line += *c->p == '\n';
			wf_buf_char(&c->field, *c->p);
		}
		c->p++;
		if (c->p < c->end && !strchr(",\r\n", *c->p))
			return bad_csv(c, "text follows a quoted field");
	} else {
		while (c->p < c->end && *c->p != ',' && *c->p != '\n' && *c->p != '\r') {
			if (*c->p == '"')
				return bad_csv(c, "a quote stands inside a field that is not quoted");
			wf_buf_char(&c->field, *c->p++);
		}
	}
	*last = c->p == c->end || *c->p != ',';
	if (c->p < c->end && *c->p == ',') {
		c->p++;
		return 0;
	}
	if (c->p < c->end && *c->p == '\r')
		c->p++;
	if (c->p < c->end && *c->p == '\n')
		c->p++;
	return 0;
}

/* The names of the columns, from the first line. */
static json_t *read_header(struct csv *c)
{
	json_t *names = json_array();
	int last = 0, rc = 0;

	while (!last && rc == 0) {
		rc = read_field(c, &last);
		if (rc == 0 && json_array_size(names) == MOST_COLUMNS)
			rc = bad_csv(c, "more than 4096 columns");
		if (rc == 0 && !wdf_param_name_ok(wf_buf_cstr(&c->field)))
			rc = wf_errf(c->err, WF_INVALID,
				     "%s:1: column '%.60s' is not a name: a letter, then letters, digits and '_'", c->file,
				     wf_buf_cstr(&c->field));
		for (size_t i = 0; rc == 0 && i < json_array_size(names); i++)
			if (strcmp(json_string_value(json_array_get(names, i)), wf_buf_cstr(&c->field)) == 0)
				rc = wf_errf(c->err, WF_INVALID, "%s:1: two columns are called '%.60s'", c->file,
					     wf_buf_cstr(&c->field));
		if (rc == 0)
			json_array_append_new(names, json_string(wf_buf_cstr(&c->field)));
	}
	c->line++;
	if (rc == 0)
		return names;
	json_decref(names);
	return NULL;
}

static json_t *read_row(struct csv *c, const json_t *names)
{
	json_t *row = json_object();
	size_t line = c->line, n = 0, width = json_array_size(names);
	int last = 0, rc = 0;

	while (!last && rc == 0) {
		rc = read_field(c, &last);
		if (rc == 0 && n < width) {
			json_t *v = memchr(wf_buf_cstr(&c->field), 0, c->field.len) ?
					    NULL :
					    json_string(wf_buf_cstr(&c->field));

			if (!v)
				rc = bad_csv(c, "a field is not UTF-8 text");
			else
				json_object_set_new(row, json_string_value(json_array_get(names, n)), v);
		}
		n++;
	}
	if (rc == 0 && n != width)
		rc = wf_errf(c->err, WF_INVALID, "%s:%zu: %zu fields where the first line has %zu", c->file, line, n, width);
	c->line++;
	if (rc == 0)
		return row;
	json_decref(row);
	return NULL;
}

static json_t *read_rows(struct reading *r, struct csv *c)
{
	json_t *names = read_header(c), *rows = names ? json_array() : NULL;

	while (rows && c->p < c->end) {
		json_t *row;

		if (*c->p == '\n' || (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n')) { /* an empty line */
			c->p += *c->p == '\r' ? 2 : 1;
			c->line++;
			continue;
		}
		row = r->left ? read_row(c, names) : NULL;
		if (!r->left)
			wf_errf(r->err, WF_TOO_LARGE, "%s: more rows than the limit of %d", c->file, WDF_MAX_NODES);
		if (!row) {
			json_decref(rows);
			rows = NULL;
			break;
		}
		r->left--;
		json_array_append_new(rows, row);
	}
	json_decref(names);
	return rows;
}

static json_t *read_csv(struct reading *r, const char *file)
{
	char *path = wf_path_resolve(r->dir, file);
	struct csv c = { .file = file, .line = 1, .err = r->err };
	struct wf_buf text = { 0 };
	json_t *rows = NULL;

	if (wf_file_read(wf_os_posix(), path, LARGEST_CSV, &text, r->err) == 0) {
		c.p = wf_buf_cstr(&text);
		c.end = c.p + text.len;
		if (text.len >= 3 && memcmp(c.p, "\xef\xbb\xbf", 3) == 0)
			c.p += 3;
		if (c.p == c.end)
			wf_errf(r->err, WF_INVALID, "%s: the file is empty; the first line names the columns", file);
		else
			rows = read_rows(r, &c);
	}
	wf_buf_release(&c.field);
	wf_buf_release(&text);
	free(path);
	return rows;
}

json_t *wdf_source_read(const struct wdf *w, const char *dir, struct wf_err *err)
{
	struct reading r = { .dir = dir, .left = WDF_MAX_NODES, .err = err };
	json_t *out = json_object(), *globs = json_object(), *csvs = json_object();
	int rc = 0;

	for (uint32_t i = 0; i < w->step_count && rc == 0; i++) {
		const struct wdf_step *s = &w->steps[i];

		for (uint32_t k = 0; k < s->dim_count && rc == 0; k++) {
			const struct wdf_dim *d = &s->dims[k];
			json_t *into = d->kind == WDF_DIM_GLOB ? globs : d->kind == WDF_DIM_CSV ? csvs : NULL, *v;

			if (!into || json_object_get(into, d->source))
				continue;
			v = d->kind == WDF_DIM_GLOB ? read_glob(&r, d->source) : read_csv(&r, d->source);
			if (v)
				json_object_set_new(into, d->source, v);
			else
				rc = wf_err_wrap(err, "foreach '%s' of step '%s'", d->name, s->name);
		}
	}
	json_object_set_new(out, "glob", globs);
	json_object_set_new(out, "csv", csvs);
	if (rc == 0)
		return out;
	json_decref(out);
	return NULL;
}
