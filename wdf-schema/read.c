/* read.c - owns typed access to nodes: what is expected and what was found. Parameters are resolve.c's. Knows no key of
 * the language. */
#include "wdf-schema/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- mappings ----------------------------------------------------------------------------------------- */

struct wdf_diag *wdf_wrong_kind(struct wdf_load *l, const struct wdf_entry *e, const char *expected)
{
	char shown[WDF_SHOWN];

	return wdf_find(l->d, WDF_KIND, e->value.pos.line ? e->value.pos : e->pos, e->value.span,
			"'%s' must be %s, found %s", e->key, expected, wdf_node_shown(&e->value, shown));
}

int wdf_is_list(struct wdf_load *l, const struct wdf_entry *e, const char *example)
{
	struct wdf_diag *f;

	if (e->value.kind == WDF_NODE_LIST)
		return 1;
	f = wdf_wrong_kind(l, e, "a list");
	if (example)
		wdf_hint(f, "write it like %s", example);
	return 0;
}

int wdf_is_map(struct wdf_load *l, const struct wdf_entry *e, const char *example)
{
	struct wdf_diag *f;

	if (e->value.kind == WDF_NODE_MAP)
		return 1;
	f = wdf_wrong_kind(l, e, "a mapping");
	if (example)
		wdf_hint(f, "write it like %s", example);
	return 0;
}

int wdf_is_few(struct wdf_load *l, const struct wdf_entry *e, uint32_t most)
{
	if (e->value.count <= most)
		return 1;
	wdf_find(l->d, WDF_TOO_LONG, e->value.pos, e->value.span, "'%s' lists %u, at most %u", e->key, e->value.count, most);
	return 0;
}

struct wdf_entry wdf_item(const struct wdf_entry *list, uint32_t i)
{
	return (struct wdf_entry){ .key = list->key,
				   .pos = list->value.items[i].pos,
				   .span = list->value.items[i].span,
				   .value = list->value.items[i] };
}

int wdf_read_map(struct wdf_load *l, const struct wdf_node *map, const char *what, const struct wdf_key *keys,
		 size_t n, void *to)
{
	if (map->kind != WDF_NODE_MAP) {
		char shown[WDF_SHOWN];

		wdf_find(l->d, WDF_KIND, map->pos, map->span, "%s must be a mapping, found %s", what,
			 wdf_node_shown(map, shown));
		return -1;
	}
	for (uint32_t i = 0; i < map->count; i++) {
		const struct wdf_entry *e = &map->entries[i];
		size_t k = 0;

		while (k < n && strcmp(keys[k].name, e->key) != 0)
			k++;
		if (k == n) {
			const char *names[64];
			char shown[WDF_SHOWN];

			for (k = 0; k < n && k < WF_COUNT(names); k++)
				names[k] = keys[k].name;
			wdf_hint_names(wdf_find(l->d, WDF_UNKNOWN_KEY, e->pos, e->span, "unknown key '%s' in %s",
						wdf_shown(e->key, strlen(e->key), shown), what),
				       e->key, names, k);
		} else if (wdf_node_is_null(&e->value)) {
			wdf_hint(wdf_find(l->d, WDF_EMPTY_VALUE, e->pos, e->span, "'%s' has no value", e->key),
				 "give it one, or remove the key");
		} else if (keys[k].read) {
			const char *outer = l->what;

			l->what = what;
			keys[k].read(l, e, to);
			l->what = outer;
		}
	}
	return 0;
}

struct wdf_diag *wdf_missing(struct wdf_load *l, const struct wdf_node *map, const char *key, const char *what)
{
	for (uint32_t i = 0; map->kind == WDF_NODE_MAP && i < map->count && !wdf_diags_full(l->d); i++)
		if (strlen(map->entries[i].key) <= 64 && wf_nearest(map->entries[i].key, &key, 1))
			return NULL;
	return wdf_find(l->d, WDF_MISSING, map->pos, map->span, "'%s' is missing in %s", key, what);
}

/* ---- scalars ----------------------------------------------------------------------------------------------- */

/* Plain text that YAML 1.1 reads otherwise. */
static int is_surprise(struct wdf_load *l, const struct wdf_entry *e)
{
	const struct wdf_node *n = &e->value;
	const char *what = n->plain && !n->masked ? wdf_plain_surprise(n->text) : NULL;
	char shown[WDF_SHOWN];

	if (!what)
		return 0;
	wdf_hint(wdf_find(l->d, WDF_SURPRISE, n->pos, n->span, "'%s' of '%s' is read as %s by YAML 1.1",
			  wdf_shown(n->text, n->count, shown), e->key, what),
		 "quote it");
	return 1;
}

static int is_scalar(struct wdf_load *l, const struct wdf_entry *e, const char *expected)
{
	if (e->value.kind == WDF_NODE_SCALAR && !wdf_node_is_null(&e->value))
		return 1;
	wdf_wrong_kind(l, e, expected);
	return 0;
}

int wdf_read_text(struct wdf_load *l, const struct wdf_entry *e, enum wdf_text_mode mode, const char **out)
{
	static const char *const kinds[] = { "text", "nothing", "the boolean", "the number", "the number" };
	const struct wdf_node *n = &e->value;
	char shown[WDF_SHOWN];

	if (!is_scalar(l, e, "text") || is_surprise(l, e))
		return -1;
	if (mode == WDF_TEXT_STRICT && n->plain && !n->masked && wdf_plain_of(n->text) != WDF_PLAIN_TEXT) {
		wdf_hint(wdf_find(l->d, WDF_KIND, n->pos, n->span, "'%s' must be text, found %s %s", e->key,
				  kinds[wdf_plain_of(n->text)], wdf_shown(n->text, n->count, shown)),
			 "quote it");
		return -1;
	}
	if (n->masked)
		return wdf_resolve(l, e, out);
	*out = wf_arena_strndup(l->a, n->text, n->count); /* the tree dies before the workflow */
	return 0;
}

int wdf_read_name(struct wdf_load *l, const struct wdf_entry *e, const char **out)
{
	char shown[WDF_SHOWN];
	const char *name;

	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &name) < 0)
		return -1;
	if (!wdf_name_ok(name)) {
		wdf_hint(wdf_find(l->d, WDF_NAME, e->value.pos, e->value.span, "'%s' is not a name",
				  wdf_shown(name, strlen(name), shown)),
			 "a name is a letter or digit, then up to 127 of A-Z a-z 0-9 . _ -");
		return -1;
	}
	*out = name;
	return 0;
}

static struct wdf_diag *not_integer(struct wdf_load *l, const struct wdf_entry *e, const char *text, int64_t min,
				    int64_t max)
{
	char shown[WDF_SHOWN], range[64];

	if (min == INT64_MIN)
		snprintf(range, sizeof(range), "an integer");
	else if (max >= INT32_MAX)
		snprintf(range, sizeof(range), "an integer of at least %lld", (long long)min);
	else
		snprintf(range, sizeof(range), "an integer from %lld to %lld", (long long)min, (long long)max);
	return wdf_find(l->d, WDF_INTEGER, e->value.pos, e->value.span, "'%s' must be %s, found '%s'", e->key, range,
			wdf_shown(text, strlen(text), shown));
}

int wdf_read_int(struct wdf_load *l, const struct wdf_entry *e, int64_t min, int64_t max, int64_t *out)
{
	const struct wdf_node *n = &e->value;
	const char *text, *digits;
	long long v;

	if (!is_scalar(l, e, "an integer"))
		return -1;
	if (!n->plain && !n->masked) {
		wdf_hint(not_integer(l, e, n->text, min, max), "remove the quotes");
		return -1;
	}
	if (is_surprise(l, e) || wdf_resolve(l, e, &text) < 0)
		return -1;
	digits = text + (min < 0 && *text == '-');
	errno = 0;
	v = strtoll(text, NULL, 10);
	if (!*digits || digits[strspn(digits, "0123456789")] || errno || v < min || v > max) {
		not_integer(l, e, text, min, max);
		return -1;
	}
	*out = v;
	return 0;
}

int wdf_read_bool(struct wdf_load *l, const struct wdf_entry *e, uint8_t *out)
{
	const struct wdf_node *n = &e->value;
	char shown[WDF_SHOWN];
	const char *text;

	if (!is_scalar(l, e, "true or false") || is_surprise(l, e) || wdf_resolve(l, e, &text) < 0)
		return -1;
	if ((!n->plain && !n->masked) || wdf_plain_of(text) != WDF_PLAIN_BOOL) {
		wdf_find(l->d, WDF_BOOLEAN, n->pos, n->span, "'%s' must be true or false, found '%s'%s", e->key,
			 wdf_shown(text, strlen(text), shown),
			 wdf_plain_of(text) == WDF_PLAIN_BOOL ? " in quotes" : "");
		return -1;
	}
	*out = text[0] == 't' || text[0] == 'T';
	return 0;
}

int wdf_read_size(struct wdf_load *l, const struct wdf_entry *e, uint64_t *out)
{
	const char *text;
	struct wf_err err;

	if (!is_scalar(l, e, "a size") || is_surprise(l, e) || wdf_resolve(l, e, &text) < 0)
		return -1;
	if (wdf_size_parse(text, out, &err) < 0) {
		wdf_find(l->d, WDF_SIZE, e->value.pos, e->value.span, "'%s': %s", e->key, err.text);
		return -1;
	}
	return 0;
}

int wdf_read_time(struct wdf_load *l, const struct wdf_entry *e, int64_t *ms)
{
	const char *text;
	struct wf_err err;

	if (!is_scalar(l, e, "a time") || is_surprise(l, e) || wdf_resolve(l, e, &text) < 0)
		return -1;
	if (wdf_time_parse(text, ms, &err) < 0) {
		wdf_find(l->d, WDF_TIME, e->value.pos, e->value.span, "'%s': %s", e->key, err.text);
		return -1;
	}
	return 0;
}

int wdf_read_choice(struct wdf_load *l, const struct wdf_entry *e, const char *const *words, int *out)
{
	char shown[WDF_SHOWN];
	const char *text;
	size_t n = 0;

	if (!is_scalar(l, e, "a word") || wdf_resolve(l, e, &text) < 0)
		return -1;
	for (; words[n]; n++)
		if (strcmp(words[n], text) == 0) {
			*out = (int)n;
			return 0;
		}
	wdf_hint_names(wdf_find(l->d, WDF_CHOICE, e->value.pos, e->value.span, "'%s' cannot be '%s'", e->key,
				wdf_shown(text, strlen(text), shown)),
		       text, words, n);
	return -1;
}

/* ---- values and JSON ------------------------------------------------------------------------------------------ */

int wdf_read_value(struct wdf_load *l, const struct wdf_entry *e, struct wdf_value *out)
{
	const struct wdf_node *n = &e->value;
	const struct wdf_param *param = wdf_read_param(l, n);
	const char *text;
	int rc = 0;

	if (param && wdf_param_known(param)) {
		*out = param->value;
		return 0;
	}
	if (n->kind == WDF_NODE_SCALAR) {
		if (is_surprise(l, e) || wdf_resolve(l, e, &text) < 0)
			return -1;
		*out = n->plain ? wdf_value_of_text(l->a, text) : wdf_value_string(l->a, text, strlen(text));
		return 0;
	}
	if (n->kind == WDF_NODE_LIST) {
		struct wdf_value *items = wf_arena_alloc(l->a, n->count * sizeof(*items));

		for (uint32_t i = 0; i < n->count; i++) {
			struct wdf_entry item = wdf_item(e, i);

			if (wdf_read_value(l, &item, &items[i]) < 0)
				rc = -1;
		}
		*out = (struct wdf_value){ .kind = WDF_LIST, .count = n->count };
		out->items = items;
	} else {
		struct wdf_field *fields = wf_arena_alloc(l->a, n->count * sizeof(*fields));

		for (uint32_t i = 0; i < n->count; i++) {
			fields[i].name = wf_arena_strdup(l->a, n->entries[i].key);
			if (wdf_read_value(l, &n->entries[i], &fields[i].value) < 0)
				rc = -1;
		}
		*out = (struct wdf_value){ .kind = WDF_RECORD, .count = n->count };
		out->fields = fields;
	}
	return rc;
}

static json_t *scalar_json(struct wdf_load *l, const struct wdf_entry *e, enum wdf_json_mode mode)
{
	const struct wdf_node *n = &e->value;
	struct wf_arena made = { 0 };
	struct wdf_value v;
	const char *text = n->text;
	json_t *j;

	if (is_surprise(l, e) || (mode == WDF_JSON_RESOLVED && wdf_resolve(l, e, &text) < 0))
		return NULL;
	if (!n->plain || (mode == WDF_JSON_RAW && n->masked))
		return json_stringn(text, strlen(text));
	if (wdf_plain_of(text) == WDF_PLAIN_NULL)
		return json_null();
	v = wdf_value_of_text(&made, text);
	if (v.kind == WDF_FLOAT)
		v.text = NULL; /* a number here: what is kept as JSON has JSON's numbers */
	j = wdf_value_json(&v);
	wf_arena_release(&made);
	return j;
}

json_t *wdf_read_json(struct wdf_load *l, const struct wdf_entry *e, enum wdf_json_mode mode)
{
	const struct wdf_node *n = &e->value;
	json_t *j = NULL;

	if (n->kind == WDF_NODE_SCALAR)
		return scalar_json(l, e, mode);
	j = n->kind == WDF_NODE_LIST ? json_array() : json_object();
	for (uint32_t i = 0; i < n->count && j; i++) {
		struct wdf_entry item = n->kind == WDF_NODE_LIST ? wdf_item(e, i) : n->entries[i];
		json_t *v = wdf_read_json(l, &item, mode);

		if (!v) {
			json_decref(j);
			return NULL;
		}
		if (n->kind == WDF_NODE_LIST)
			json_array_append_new(j, v);
		else
			json_object_set_new(j, item.key, v);
	}
	return j;
}

const struct wdf_node *wdf_node_at(const struct wdf_node *n, const char *pointer, struct wdf_pos *key,
				   uint32_t *key_span)
{
	while (*pointer == '/') {
		const char *end = strchrnul(++pointer, '/');
		struct wf_buf word = { 0 };
		const struct wdf_node *next = NULL;

		for (const char *p = pointer; p < end; p++) {
			if (*p == '~' && p + 1 < end && (p[1] == '0' || p[1] == '1'))
				wf_buf_char(&word, *++p == '0' ? '~' : '/');
			else
				wf_buf_char(&word, *p);
		}
		if (n->kind == WDF_NODE_LIST) {
			unsigned long i = strtoul(wf_buf_cstr(&word), NULL, 10);

			next = i < n->count ? &n->items[i] : NULL;
		} else if (n->kind == WDF_NODE_MAP) {
			for (uint32_t i = 0; i < n->count && !next; i++)
				if (strcmp(n->entries[i].key, wf_buf_cstr(&word)) == 0) {
					next = &n->entries[i].value;
					*key = n->entries[i].pos;
					*key_span = n->entries[i].span;
				}
		}
		wf_buf_release(&word);
		if (!next)
			return n;
		n = next;
		pointer = end;
	}
	return n;
}

int wdf_read_tmpl(struct wdf_load *l, const struct wdf_entry *e, struct wdf_tmpl *out)
{
	if (!is_scalar(l, e, "text") || is_surprise(l, e))
		return -1;
	return wdf_resolve_template(l, &e->value, out);
}
