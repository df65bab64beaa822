/* value.c - owns values: what a text means, JSON both ways, equality, and following a dotted path into one. Knows
 * nothing of where values come from. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/value.h"
#include "wdf-schema/yaml.h"

struct wdf_value wdf_value_string(struct wf_arena *a, const char *text, size_t n)
{
	return (struct wdf_value){ .kind = WDF_STRING, .text = wf_arena_strndup(a, text, n) };
}

/* 12, -3, 0x1f, 0o17; out of range is no integer. */
static int parse_int(const char *s, int64_t *v)
{
	int base = strncmp(s, "0x", 2) == 0 ? 16 : strncmp(s, "0o", 2) == 0 ? 8 : 10;
	long long n;

	errno = 0;
	n = strtoll(base == 10 ? s : s + 2, NULL, base);
	*v = n;
	return errno ? -1 : 0;
}

struct wdf_value wdf_value_of_text(struct wf_arena *a, const char *text)
{
	struct wdf_value v = { .kind = WDF_STRING };

	v.text = wf_arena_strdup(a, text);
	switch (wdf_plain_of(text)) {
	case WDF_PLAIN_NULL:
		v.kind = *text ? WDF_NULL : WDF_STRING;
		break;
	case WDF_PLAIN_BOOL:
		v.kind = WDF_BOOL;
		v.truth = text[0] == 't' || text[0] == 'T';
		break;
	case WDF_PLAIN_INT:
		if (parse_int(text, &v.integer) == 0)
			v.kind = WDF_INT;
		break;
	case WDF_PLAIN_FLOAT:
		v.real = strtod(text, NULL);
		/* ".inf" and ".nan" are no numbers to anybody who reads them from a command line. */
		if (isfinite(v.real) && !strstr(text, "an") && !strstr(text, "AN") && !strstr(text, "aN") &&
		    !strstr(text, "in") && !strstr(text, "In") && !strstr(text, "IN"))
			v.kind = WDF_FLOAT;
		break;
	case WDF_PLAIN_TEXT:
		break;
	}
	return v;
}

/* The shortest text that reads back as the same number. */
static void real_text(double real, char to[32])
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(to, 32, "%.*g", digits, real);
		if (strtod(to, NULL) == real)
			break;
	}
}

struct wdf_value wdf_value_of_json(struct wf_arena *a, json_t *j)
{
	struct wdf_value v = { .kind = WDF_NULL, .text = "" };
	char number[32];

	switch (json_typeof(j)) {
	case JSON_STRING:
		return wdf_value_string(a, json_string_value(j), json_string_length(j));
	case JSON_INTEGER:
		v.kind = WDF_INT;
		v.integer = json_integer_value(j);
		snprintf(number, sizeof(number), "%lld", (long long)v.integer);
		v.text = wf_arena_strdup(a, number);
		break;
	case JSON_REAL:
		v.kind = WDF_FLOAT;
		v.real = json_real_value(j);
		real_text(v.real, number);
		v.text = wf_arena_strdup(a, number);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		v.kind = WDF_BOOL;
		v.truth = json_is_true(j);
		v.text = v.truth ? "true" : "false";
		break;
	case JSON_ARRAY: {
		size_t n = json_array_size(j);
		struct wdf_value *items = wf_arena_alloc(a, n * sizeof(*items));

		for (size_t i = 0; i < n; i++)
			items[i] = wdf_value_of_json(a, json_array_get(j, i));
		v = (struct wdf_value){ .kind = WDF_LIST, .count = (uint32_t)n };
		v.items = items;
		break;
	}
	case JSON_OBJECT: {
		struct wdf_field *fields = wf_arena_alloc(a, json_object_size(j) * sizeof(*fields));
		const char *key;
		json_t *field;
		size_t n = 0;

		json_object_foreach(j, key, field) {
			fields[n].name = wf_arena_strdup(a, key);
			fields[n++].value = wdf_value_of_json(a, field);
		}
		v = (struct wdf_value){ .kind = WDF_RECORD, .count = (uint32_t)n };
		v.fields = fields;
		break;
	}
	case JSON_NULL:
		break;
	}
	return v;
}

static json_t *text_json(const char *s)
{
	json_t *v = json_string(s);

	if (!v) { /* a value of -p in some other encoding */
		char *copy = wf_xstrdup(s);

		for (char *c = copy; *c; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
		v = json_string(copy);
		free(copy);
	}
	return v;
}

json_t *wdf_value_json(const struct wdf_value *v)
{
	char number[32];

	switch (v->kind) {
	case WDF_NULL:
		return json_null();
	case WDF_BOOL:
		return json_boolean(v->truth);
	case WDF_INT:
		snprintf(number, sizeof(number), "%lld", (long long)v->integer);
		return v->text && strcmp(number, v->text) != 0 ? text_json(v->text) :
								 json_integer(v->integer);
	case WDF_FLOAT:
		real_text(v->real, number);
		return v->text && strcmp(number, v->text) != 0 ? text_json(v->text) : json_real(v->real);
	case WDF_STRING:
		return text_json(v->text);
	case WDF_LIST: {
		json_t *list = json_array();

		for (uint32_t i = 0; i < v->count; i++)
			json_array_append_new(list, wdf_value_json(&v->items[i]));
		return list;
	}
	case WDF_RECORD: {
		json_t *o = json_object();

		for (uint32_t i = 0; i < v->count; i++)
			json_object_set_new(o, v->fields[i].name, wdf_value_json(&v->fields[i].value));
		return o;
	}
	}
	return json_null();
}

int wdf_value_equal(const struct wdf_value *a, const struct wdf_value *b)
{
	if (a->kind == WDF_INT && b->kind == WDF_FLOAT)
		return (double)a->integer == b->real;
	if (a->kind == WDF_FLOAT && b->kind == WDF_INT)
		return a->real == (double)b->integer;
	if (a->kind != b->kind)
		return 0;
	switch (a->kind) {
	case WDF_NULL:
		return 1;
	case WDF_BOOL:
		return a->truth == b->truth;
	case WDF_INT:
		return a->integer == b->integer;
	case WDF_FLOAT:
		return a->real == b->real;
	case WDF_STRING:
		return strcmp(a->text, b->text) == 0;
	case WDF_LIST:
		if (a->count != b->count)
			return 0;
		for (uint32_t i = 0; i < a->count; i++)
			if (!wdf_value_equal(&a->items[i], &b->items[i]))
				return 0;
		return 1;
	case WDF_RECORD:
		if (a->count != b->count)
			return 0;
		for (uint32_t i = 0; i < a->count; i++) {
			const char *name = a->fields[i].name;
			const struct wdf_value *o = wdf_value_field(b, name, strlen(name));

			if (!o || !wdf_value_equal(&a->fields[i].value, o))
				return 0;
		}
		return 1;
	}
	return 0;
}

const struct wdf_value *wdf_value_field(const struct wdf_value *record, const char *name, size_t n)
{
	if (record->kind != WDF_RECORD)
		return NULL;
	for (uint32_t i = 0; i < record->count; i++)
		if (strncmp(record->fields[i].name, name, n) == 0 && !record->fields[i].name[n])
			return &record->fields[i].value;
	return NULL;
}

void wdf_value_text(const struct wdf_value *v, struct wf_buf *out)
{
	char number[32];

	if (v->kind == WDF_NULL)
		return;
	if (v->kind == WDF_LIST) {
		for (uint32_t i = 0; i < v->count; i++) {
			if (i)
				wf_buf_char(out, ' ');
			wdf_value_text(&v->items[i], out);
		}
	} else if (v->text) {
		wf_buf_str(out, v->text);
	} else if (v->kind == WDF_RECORD) {
		json_t *j = wdf_value_json(v);
		char *s = json_dumps(j, JSON_COMPACT);

		wf_buf_str(out, s ? s : "");
		free(s);
		json_decref(j);
	} else if (v->kind == WDF_BOOL) {
		wf_buf_str(out, v->truth ? "true" : "false");
	} else if (v->kind == WDF_INT) {
		wf_buf_printf(out, "%lld", (long long)v->integer);
	} else if (v->kind == WDF_FLOAT) {
		real_text(v->real, number);
		wf_buf_str(out, number);
	}
}

/* ---- dotted paths ------------------------------------------------------------------------------------ */

/* `name` and `stem` of a text that is a path. */
static int path_field(const char *path, const char *field, size_t n, struct wf_arena *a,
		      struct wdf_value *out)
{
	const char *last = strrchr(path, '/'), *dot;

	last = last ? last + 1 : path;
	if (n != 4)
		return -1;
	if (strncmp(field, "name", 4) == 0) {
		*out = wdf_value_string(a, last, strlen(last));
		return 0;
	}
	if (strncmp(field, "stem", 4) != 0)
		return -1;
	dot = strrchr(last, '.');
	*out = wdf_value_string(a, last, dot && dot != last ? (size_t)(dot - last) : strlen(last));
	return 0;
}

static int follow(struct wdf_value v, const char *path, size_t n, struct wf_arena *a,
		  struct wdf_value *out)
{
	while (n > 0) {
		const char *dot = memchr(path, '.', n);
		size_t len = dot ? (size_t)(dot - path) : n;
		const struct wdf_value *field = wdf_value_field(&v, path, len);

		if (field)
			v = *field;
		else if ((v.kind != WDF_STRING && v.kind != WDF_RECORD) || !v.text ||
			 path_field(v.text, path, len, a, &v) < 0)
			return -1;
		path += len + (dot != NULL);
		n -= len + (dot != NULL);
	}
	*out = v;
	return 0;
}

int wdf_scope_resolve(const struct wdf_scope *scope, const char *path, size_t n, struct wf_arena *a,
		      struct wdf_value *out, struct wf_err *err)
{
	struct wdf_value v;

	for (size_t len = 0; len < n; len++) {
		const char *dot = memchr(path + len, '.', n - len);

		len = dot ? (size_t)(dot - path) : n;
		if (scope->lookup(scope->self, path, len, &v) < 0)
			continue;
		if (follow(v, path + len + (dot != NULL), n - len - (dot != NULL), a, out) == 0)
			return 0;
		return wf_errf(err, WF_INVALID, "'%.*s' has no field '%.*s'", (int)len, path,
			       (int)(n - len - 1), path + len + 1);
	}
	return wf_errf(err, WF_INVALID, "undefined name '%.*s'", (int)n, path);
}

int wdf_value_number(const struct wdf_value *v, double *number)
{
	enum wdf_plain plain;

	if (v->kind == WDF_INT) {
		*number = (double)v->integer;
		return 1;
	}
	if (v->kind == WDF_FLOAT) {
		*number = v->real;
		return 1;
	}
	if (v->kind != WDF_STRING)
		return 0;
	plain = wdf_plain_of(v->text);
	if ((plain != WDF_PLAIN_INT && plain != WDF_PLAIN_FLOAT) || strncmp(v->text, "0o", 2) == 0)
		return 0;
	*number = strtod(v->text, NULL);
	return isfinite(*number);
}
