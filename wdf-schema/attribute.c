/* attribute.c - owns the attributes of service types: their table in a driver file, and whether a value fits. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/driver_internal.h"

static const char *const attribute_types[] = {
	[WDF_A_STRING] = "string", [WDF_A_INTEGER] = "integer", [WDF_A_SIZE] = "size", [WDF_A_TIME] = "time",
	[WDF_A_BOOL] = "bool",     [WDF_A_PATH] = "path",       [WDF_A_LIST] = "list",
};

const char *wdf_attribute_type_name(enum wdf_attribute_type t)
{
	return (size_t)t < WF_COUNT(attribute_types) ? attribute_types[t] : "unknown";
}

/* ---- a value against its attribute ------------------------------------------------------------------- */

static int has_placeholder(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strstr(s, "{{");
}

/* The value is shown as it was written: 1e9 is no integer, 1000000000.0 is not what stands in the file. */
static int misfit(const struct wdf_attribute *a, const char *what, const json_t *v, const char *written, struct wf_err *err)
{
	char *text = written ? wf_xstrdup(written) : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	wf_errf(err, WF_INVALID, "attribute '%s' must be %s, not %.60s", a->name, what, text ? text : "this");
	free(text);
	return -1;
}

static int check_choice(const struct wdf_attribute *a, const char *word, struct wf_err *err)
{
	struct wf_buf list = { 0 };

	for (uint32_t i = 0; i < a->choice_count; i++) {
		if (strcmp(a->choices[i], word) == 0) {
			wf_buf_release(&list);
			return 0;
		}
		wf_buf_printf(&list, "%s%s", i ? ", " : "", a->choices[i]);
	}
	if (!a->choices)
		return 0;
	wf_errf(err, WF_INVALID, "attribute '%s' must be one of %s, not '%.60s'", a->name, wf_buf_cstr(&list), word);
	wf_buf_release(&list);
	return -1;
}

int wdf_attribute_check(const struct wdf_attribute *a, const json_t *value, const char *written, struct wf_err *err)
{
	const char *s = json_string_value(value);
	struct wf_err why;
	uint64_t bytes;
	int64_t ms;
	size_t i, n;
	json_t *item;
	char range[96];

	if (json_is_null(value) || (s && !*s) || (json_is_array(value) && !json_array_size(value)))
		return wf_errf(err, WF_INVALID, "attribute '%s' has no value", a->name);
	if (a->type != WDF_A_LIST && (json_is_array(value) || json_is_object(value)))
		return misfit(a, "a single value", value, written, err);
	if (has_placeholder(value))
		return 0;
	switch (a->type) {
	case WDF_A_STRING:
		return s ? check_choice(a, s, err) : 0;
	case WDF_A_INTEGER:
		snprintf(range, sizeof(range), "an integer");
		if (a->min != INT64_MIN && a->max != INT64_MAX && a->min == a->max)
			snprintf(range, sizeof(range), "%lld", (long long)a->min);
		else if (a->min != INT64_MIN && a->max != INT64_MAX)
			snprintf(range, sizeof(range), "an integer from %lld to %lld", (long long)a->min, (long long)a->max);
		else if (a->min != INT64_MIN)
			snprintf(range, sizeof(range), "an integer of at least %lld", (long long)a->min);
		else if (a->max != INT64_MAX)
			snprintf(range, sizeof(range), "an integer of at most %lld", (long long)a->max);
		if (!json_is_integer(value) || json_integer_value(value) < a->min || json_integer_value(value) > a->max)
			return misfit(a, range, value, written, err);
		return 0;
	case WDF_A_SIZE:
		if (json_is_integer(value) && json_integer_value(value) >= 0)
			return 0;
		if (!s || wdf_size_parse(s, &bytes, &why) < 0)
			return misfit(a, "a size such as 512MiB or 4GiB", value, written, err);
		return 0;
	case WDF_A_TIME:
		if (!s || wdf_time_parse(s, &ms, &why) < 0)
			return misfit(a, "a time such as 90s or 10m", value, written, err);
		return 0;
	case WDF_A_BOOL:
		return json_is_boolean(value) ? 0 : misfit(a, "true or false", value, written, err);
	case WDF_A_PATH:
		n = a->prefix ? strlen(a->prefix) : 0;
		if (s && n && strncmp(s, a->prefix, n) == 0)
			s += n;
		if (!s || *s != '/')
			return misfit(a, "an absolute path", value, written, err);
		return 0;
	case WDF_A_LIST:
		if (json_is_object(value))
			return misfit(a, "a list", value, written, err);
		json_array_foreach (value, i, item)
			if (json_is_array(item) || json_is_object(item) || json_is_null(item))
				return misfit(a, "a list of single values", value, written, err);
		return 0;
	}
	return 0;
}

/* ---- the table in a driver file ---------------------------------------------------------------------- */

static int is_attribute_name(const char *s)
{
	if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z'))
		return 0;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return 0;
	return 1;
}

static void read_attribute(struct verbs_check *c, struct wf_arena *arena, struct wdf_attribute *a, const char *name, json_t *v)
{
	static const char *const keys[] = { "type", "required", "default", "min", "max", "choices", "distinct", "prefix",
					    "description" };
	const char *type;
	struct wf_err err;
	size_t was;
	int known = 0;

	a->name = name;
	a->min = INT64_MIN;
	a->max = INT64_MAX;
	if (!is_attribute_name(name))
		verbs_found(c, WDF_NAME, 1, "a letter, then letters, digits and '_'", "'%.60s' is no name of an attribute", name);
	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {type: string}", "a mapping is expected here");
		return;
	}
	verbs_only(c, v, keys, WF_COUNT(keys));
	type = verbs_text_of(c, v, "type");
	if (!json_object_get(v, "type"))
		verbs_found(c, WDF_MISSING, 0, NULL, "attribute '%.60s' has no 'type'", name);
	for (size_t i = 0; type && i < WF_COUNT(attribute_types); i++) {
		if (strcmp(type, attribute_types[i]) == 0) {
			a->type = (enum wdf_attribute_type)i;
			known = 1;
		}
	}
	if (type && !known) {
		was = verbs_enter(c, "type");
		verbs_found(c, WDF_CHOICE, 0, "known: string, integer, size, time, bool, path, list", "unknown type '%.60s'", type);
		verbs_leave(c, was);
	}
	a->required = (uint8_t)verbs_flag_of(c, v, "required");
	a->distinct = (uint8_t)verbs_flag_of(c, v, "distinct");
	a->min = verbs_integer_of(c, v, "min", INT64_MIN);
	a->max = verbs_integer_of(c, v, "max", INT64_MAX);
	a->prefix = verbs_text_of(c, v, "prefix");
	a->description = verbs_text_of(c, v, "description");
	a->choices = verbs_list_of(c, arena, v, "choices", &a->choice_count);
	a->fallback = json_object_get(v, "default");
	if (a->fallback && a->required) {
		verbs_found(c, WDF_EXCLUSIVE, 0, NULL, "a required attribute has no use for a 'default'");
	} else if (a->fallback && known && wdf_attribute_check(a, a->fallback, NULL, &err) < 0) {
		was = verbs_enter(c, "default");
		verbs_found(c, WDF_ATTRIBUTE, 0, NULL, "%s", err.text);
		verbs_leave(c, was);
	}
}

void verbs_read_attributes(struct verbs_check *c, struct wf_arena *arena, json_t *table, struct wdf_driver *d)
{
	const char *name;
	json_t *value;
	size_t was, inner;

	if (!table)
		return;
	was = verbs_enter(c, "attributes");
	if (!json_is_object(table)) {
		verbs_found(c, WDF_KIND, 0, "write {name: {type: string}}", "a mapping is expected here");
		verbs_leave(c, was);
		return;
	}
	d->attributes = wf_arena_alloc(arena, (json_object_size(table) + 1) * sizeof(*d->attributes));
	json_object_foreach (table, name, value) {
		inner = verbs_enter(c, name);
		read_attribute(c, arena, &d->attributes[d->attribute_count++], name, value);
		verbs_leave(c, inner);
	}
	verbs_leave(c, was);
}
