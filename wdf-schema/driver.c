/* driver.c - owns driver files: reading them, their tables (attributes, members, overrides), and the set of types that a workflow
 * file is checked against. What a verb looks like is verbs.c's; what YAML is, yaml.c's. Does I/O only in the readers.
 *
 * A file is parsed to a tree of nodes, turned into JSON, checked there, and a finding's JSON pointer is walked down the tree again for its
 * line and column: the grammar is written once and serves workflow files too.
 */
#include "wdf-schema/driver.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/os.h"
#include "wdf-schema/diag.h"
#include "wdf-schema/driver_internal.h"
#include "wdf-schema/yaml.h"

/* A driver with what only this file needs. */
struct loaded {
	struct wdf_driver base;        /* first: a struct wdf_driver * is a struct loaded * */
	struct wf_arena arena;
	json_t *doc;                   /* the whole file */
	char *unsupported;
};

struct wdf_types {
	struct loaded **drivers;       /* sorted by type */
	const char **names;            /* of drivers, in their order */
	size_t count, cap;
};

static const char *const attribute_types[] = {
	[WDF_A_STRING] = "string", [WDF_A_INTEGER] = "integer", [WDF_A_SIZE] = "size", [WDF_A_TIME] = "time",
	[WDF_A_BOOL] = "bool",     [WDF_A_PATH] = "path",       [WDF_A_LIST] = "list",
};

const char *wdf_attribute_type_name(enum wdf_attribute_type t)
{
	return (size_t)t < WF_COUNT(attribute_types) ? attribute_types[t] : "unknown";
}

/* ---- from nodes to JSON, and back to places ---------------------------------------------------------- */

/* As YAML 1.2 reads it: 0x and 0o are prefixes, a leading zero is none. */
static json_int_t number(const char *s)
{
	if (strncmp(s, "0x", 2) == 0)
		return strtoll(s + 2, NULL, 16);
	if (strncmp(s, "0o", 2) == 0)
		return strtoll(s + 2, NULL, 8);
	return strtoll(s, NULL, 10);
}

static json_t *node_json(const struct wdf_node *n)
{
	json_t *v;

	switch (n->kind) {
	case WDF_NODE_LIST:
		v = json_array();
		for (uint32_t i = 0; i < n->count; i++)
			json_array_append_new(v, node_json(&n->items[i]));
		return v;
	case WDF_NODE_MAP:
		v = json_object();
		for (uint32_t i = 0; i < n->count; i++)
			json_object_set_new(v, n->entries[i].key, node_json(&n->entries[i].value));
		return v;
	default:
		break;
	}
	/* A number with a fraction stays the text it was written as: 0.10 is not 0.1 when it is a version. */
	switch (n->plain ? wdf_plain_of(n->text) : WDF_PLAIN_TEXT) {
	case WDF_PLAIN_NULL:
		return json_null();
	case WDF_PLAIN_BOOL:
		return json_boolean(n->text[0] == 't' || n->text[0] == 'T');
	case WDF_PLAIN_INT:
		return json_integer(number(n->text));
	default:
		return json_string(n->text);
	}
}

/* The node (and the key before it) that a JSON pointer leads to; the nearest one above when it leads nowhere. */
static void locate(const struct wdf_node *root, const char *pointer, int on_key, struct wdf_pos *pos, uint32_t *span)
{
	const struct wdf_node *n = root;
	const struct wdf_entry *entry = NULL;

	while (*pointer == '/') {
		const char *end = pointer + 1 + strcspn(pointer + 1, "/");
		struct wf_buf word = { 0 };
		const struct wdf_node *next = NULL;

		wf_buf_add(&word, "", 0);
		for (const char *p = pointer + 1; p < end; p++) {
			if (*p == '~' && p + 1 < end)
				wf_buf_char(&word, *++p == '1' ? '/' : '~');
			else
				wf_buf_char(&word, *p);
		}
		entry = NULL;
		if (n->kind == WDF_NODE_LIST) {
			uint32_t i = (uint32_t)strtoul(wf_buf_cstr(&word), NULL, 10);

			next = i < n->count ? &n->items[i] : NULL;
		} else if (n->kind == WDF_NODE_MAP) {
			for (uint32_t i = 0; i < n->count && !next; i++) {
				if (strcmp(n->entries[i].key, wf_buf_cstr(&word)) == 0) {
					entry = &n->entries[i];
					next = &entry->value;
				}
			}
		}
		wf_buf_release(&word);
		if (!next)
			break;
		n = next;
		pointer = end;
	}
	*pos = on_key && entry ? entry->pos : n->pos;
	*span = on_key && entry ? entry->span : n->span;
}

struct located {
	struct wdf_diags *diags;
	const struct wdf_node *root;
};

static void on_found(void *self, enum wdf_code code, const char *pointer, int on_key, const char *text, const char *hint)
{
	struct located *l = self;
	struct wdf_diag *f;
	struct wdf_pos pos;
	uint32_t span;

	locate(l->root, pointer, on_key, &pos, &span);
	f = wdf_find(l->diags, code, pos, span ? span : 1, "%s", text);
	if (hint)
		wdf_hint(f, "%s", hint);
}

/* ---- attributes -------------------------------------------------------------------------------------- */

static int has_placeholder(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strstr(s, "{{");
}

static int misfit(const struct wdf_attribute *a, const char *what, const json_t *v, struct wf_err *err)
{
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

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

int wdf_attribute_check(const struct wdf_attribute *a, const json_t *value, struct wf_err *err)
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
		return misfit(a, "a single value", value, err);
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
			return misfit(a, range, value, err);
		return 0;
	case WDF_A_SIZE:
		if (json_is_integer(value) && json_integer_value(value) >= 0)
			return 0;
		if (!s || wdf_size_parse(s, &bytes, &why) < 0)
			return misfit(a, "a size such as 512MiB or 4GiB", value, err);
		return 0;
	case WDF_A_TIME:
		if (!s || wdf_time_parse(s, &ms, &why) < 0)
			return misfit(a, "a time such as 90s or 10m", value, err);
		return 0;
	case WDF_A_BOOL:
		return json_is_boolean(value) ? 0 : misfit(a, "true or false", value, err);
	case WDF_A_PATH:
		n = a->prefix ? strlen(a->prefix) : 0;
		if (s && n && strncmp(s, a->prefix, n) == 0)
			s += n;
		if (!s || *s != '/')
			return misfit(a, "an absolute path", value, err);
		return 0;
	case WDF_A_LIST:
		if (json_is_object(value))
			return misfit(a, "a list", value, err);
		json_array_foreach (value, i, item)
			if (json_is_array(item) || json_is_object(item) || json_is_null(item))
				return misfit(a, "a list of single values", value, err);
		return 0;
	}
	return 0;
}

/* The value of `key` in obj as text, or NULL and a finding when it is something else. */
static const char *text_of(struct verbs_check *c, json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	size_t was;

	if (!v)
		return NULL;
	if (!json_is_string(v) || !json_string_length(v)) {
		was = verbs_enter(c, key);
		verbs_found(c, WDF_KIND, 0, NULL, "a text is expected here");
		verbs_leave(c, was);
		return NULL;
	}
	return json_string_value(v);
}

static int flag_of(struct verbs_check *c, json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	size_t was;

	if (v && !json_is_boolean(v)) {
		was = verbs_enter(c, key);
		verbs_found(c, WDF_BOOLEAN, 0, NULL, "true or false is expected here");
		verbs_leave(c, was);
	}
	return json_is_true(v);
}

static int64_t integer_of(struct verbs_check *c, json_t *obj, const char *key, int64_t otherwise)
{
	json_t *v = json_object_get(obj, key);
	size_t was;

	if (!v)
		return otherwise;
	if (!json_is_integer(v)) {
		was = verbs_enter(c, key);
		verbs_found(c, WDF_INTEGER, 0, NULL, "an integer is expected here");
		verbs_leave(c, was);
		return otherwise;
	}
	return json_integer_value(v);
}

/* A list of texts into the arena; NULL and 0 when the key is absent or wrong. */
static const char **list_of(struct verbs_check *c, struct wf_arena *arena, json_t *obj, const char *key, uint32_t *count)
{
	json_t *v = json_object_get(obj, key), *item;
	const char **list;
	size_t i, was;

	*count = 0;
	if (!v)
		return NULL;
	was = verbs_enter(c, key);
	if (!json_is_array(v) || !json_array_size(v)) {
		verbs_found(c, WDF_KIND, 0, "write [one, two]", "a list of words is expected here");
		verbs_leave(c, was);
		return NULL;
	}
	list = wf_arena_alloc(arena, (json_array_size(v) + 1) * sizeof(*list));
	json_array_foreach (v, i, item) {
		if (json_is_string(item)) {
			list[(*count)++] = json_string_value(item);
		} else {
			size_t inner = verbs_enter_item(c, i);

			verbs_found(c, WDF_KIND, 0, NULL, "a word is expected here");
			verbs_leave(c, inner);
		}
	}
	verbs_leave(c, was);
	return list;
}

static int is_attribute_name(const char *s)
{
	if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z'))
		return 0;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return 0;
	return 1;
}

static void read_attribute(struct verbs_check *c, struct loaded *l, struct wdf_attribute *a, const char *name, json_t *v)
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
	type = text_of(c, v, "type");
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
	a->required = (uint8_t)flag_of(c, v, "required");
	a->distinct = (uint8_t)flag_of(c, v, "distinct");
	a->min = integer_of(c, v, "min", INT64_MIN);
	a->max = integer_of(c, v, "max", INT64_MAX);
	a->prefix = text_of(c, v, "prefix");
	a->description = text_of(c, v, "description");
	a->choices = list_of(c, &l->arena, v, "choices", &a->choice_count);
	a->fallback = json_object_get(v, "default");
	if (a->fallback && a->required) {
		verbs_found(c, WDF_EXCLUSIVE, 0, NULL, "a required attribute has no use for a 'default'");
	} else if (a->fallback && known && wdf_attribute_check(a, a->fallback, &err) < 0) {
		was = verbs_enter(c, "default");
		verbs_found(c, WDF_ATTRIBUTE, 0, NULL, "%s", err.text);
		verbs_leave(c, was);
	}
}

static void read_attributes(struct verbs_check *c, struct loaded *l, const struct wdf_node *root)
{
	json_t *v = json_object_get(l->doc, "attributes"), *value;
	const char *name;
	struct wdf_attribute *a;
	size_t was, inner;
	uint32_t span;

	if (!v)
		return;
	was = verbs_enter(c, "attributes");
	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {name: {type: string}}", "a mapping is expected here");
		verbs_leave(c, was);
		return;
	}
	l->base.attributes = wf_arena_alloc(&l->arena, (json_object_size(v) + 1) * sizeof(*l->base.attributes));
	json_object_foreach (v, name, value) {
		a = &l->base.attributes[l->base.attribute_count++];
		inner = verbs_enter(c, name);
		read_attribute(c, l, a, name, value);
		locate(root, wf_buf_cstr(&c->at), 1, &a->pos, &span);
		verbs_leave(c, inner);
	}
	verbs_leave(c, was);
}

/* ---- the other tables -------------------------------------------------------------------------------- */

static void read_members(struct verbs_check *c, struct loaded *l)
{
	static const char *const keys[] = { "min", "max", "bootstrap", "unit" };
	json_t *v = json_object_get(l->doc, "members");
	int64_t min, max;
	size_t was;

	l->base.members_min = l->base.members_max = 1;
	if (!v)
		return;
	was = verbs_enter(c, "members");
	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {min: 1, max: 1}", "a mapping is expected here");
	} else {
		verbs_only(c, v, keys, WF_COUNT(keys));
		min = integer_of(c, v, "min", 1);
		max = integer_of(c, v, "max", min);
		text_of(c, v, "bootstrap");
		text_of(c, v, "unit");
		if (min < 1 || max < min || max > 1000000)
			verbs_found(c, WDF_INTEGER, 0, NULL, "'min' is at least 1 and 'max' not below it");
		else {
			l->base.members_min = (uint32_t)min;
			l->base.members_max = (uint32_t)max;
		}
	}
	verbs_leave(c, was);
}

static void read_requires(struct verbs_check *c, struct loaded *l)
{
	static const char *const keys[] = { "exec", "version" };
	json_t *v = json_object_get(l->doc, "requires");
	size_t was;

	if (!v)
		return;
	was = verbs_enter(c, "requires");
	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {exec: [program]}", "a mapping is expected here");
	} else {
		verbs_only(c, v, keys, WF_COUNT(keys));
		text_of(c, v, "version");
		l->base.requires_exec = list_of(c, &l->arena, v, "exec", &l->base.requires_exec_count);
	}
	verbs_leave(c, was);
}

/* True when the driver's own verbs give what the override would. */
static int gives(const struct wdf_driver *d, const char *name)
{
	json_t *run = json_object_get(d->verbs, "run");

	if (!run)
		run = json_object_get(d->verbs, "start");
	if (strcmp(name, "command") == 0)
		return json_object_get(run, "command") || json_object_get(run, "argv");
	if (strcmp(name, "ready") == 0)
		return !!json_object_get(d->verbs, "ready");
	return 1;
}

static void read_overrides(struct verbs_check *c, struct loaded *l)
{
	uint32_t n;
	const char **names = list_of(c, &l->arena, l->doc, "overrides", &n);
	size_t was = verbs_enter(c, "overrides");

	l->base.overrides = wf_arena_alloc(&l->arena, (n + 1) * sizeof(*l->base.overrides));
	for (uint32_t i = 0; i < n; i++) {
		struct wdf_override *o = &l->base.overrides[l->base.override_count];
		size_t k = 0, inner = verbs_enter_item(c, i);

		while (k < verbs_overridable_count && strcmp(verbs_overridable[k], names[i]) != 0)
			k++;
		if (k == verbs_overridable_count) {
			verbs_found(c, WDF_CHOICE, 0, "known: command, setup, env, ready, health, stop, provides",
				    "'%.60s' cannot be overridden", names[i]);
		} else if (wdf_driver_override(&l->base, names[i])) {
			verbs_found(c, WDF_TWICE, 0, NULL, "'%.60s' is given twice", names[i]);
		} else {
			o->name = verbs_overridable[k];
			o->required = (uint8_t)!gives(&l->base, o->name);
			l->base.override_count++;
		}
		verbs_leave(c, inner);
	}
	verbs_leave(c, was);
}

/* A driver that runs needs a command and a probe, its own or the service's. */
static void check_complete(struct verbs_check *c, const struct wdf_driver *d)
{
	static const char *const needed[] = { "command", "ready" };
	const char *verb = json_object_get(d->verbs, "start") ? "start" : "run";

	if (!json_object_get(d->verbs, verb)) {
		if (d->override_count)
			verbs_found(c, WDF_MISSING, 0, "write run: {}", "'overrides' needs a 'run' to lay them over");
		return;
	}
	for (size_t i = 0; i < WF_COUNT(needed); i++)
		if (!gives(d, needed[i]) && !wdf_driver_override(d, needed[i]))
			verbs_found(c, WDF_MISSING, 0, "give it here, or name it in 'overrides'",
				    i ? "'%s' is there, but no 'ready' says when it serves" : "'%s' has neither 'argv' nor 'command'", verb);
}

static void check_type(struct verbs_check *c, const char *type)
{
	size_t was = verbs_enter(c, "driver");

	if (!isupper((unsigned char)type[0]) || type[strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
		verbs_found(c, WDF_NAME, 0, "upper-case letters, digits, '_' and '-'", "'%.60s' is no name of a service type", type);
	verbs_leave(c, was);
}

/* ---- one file ---------------------------------------------------------------------------------------- */

static const char *const own_keys[] = { "driver", "api", "description", "requires", "attributes", "members", "overrides" };

static void read_doc(struct verbs_check *c, struct loaded *l, const struct wdf_node *root)
{
	const char *keys[WF_COUNT(own_keys) + 16];
	struct wdf_driver *d = &l->base;
	size_t n = 0, was;
	json_t *v;

	if (!json_is_object(l->doc)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a driver file is a mapping");
		return;
	}
	for (size_t i = 0; i < WF_COUNT(own_keys); i++)
		keys[n++] = own_keys[i];
	for (size_t i = 0; i < verbs_count; i++) {
		keys[n++] = verbs_names[i];
		v = json_object_get(l->doc, verbs_names[i]);
		if (v)
			json_object_set(d->verbs, verbs_names[i], v);
	}
	verbs_only(c, l->doc, keys, n);
	d->type = text_of(c, l->doc, "driver");
	if (d->type)
		check_type(c, d->type);
	else if (!json_object_get(l->doc, "driver"))
		verbs_found(c, WDF_MISSING, 0, "write driver: NAME", "'driver' is missing: the name of the service type");
	d->description = text_of(c, l->doc, "description");
	if (!json_object_get(l->doc, "api"))
		verbs_found(c, WDF_MISSING, 0, "write api: 1", "'api' is missing: the version of driver files it is written for");
	else if (integer_of(c, l->doc, "api", WDF_DRIVER_API) != WDF_DRIVER_API) {
		was = verbs_enter(c, "api");
		verbs_found(c, WDF_CHOICE, 0, NULL, "this version reads api %d", WDF_DRIVER_API);
		verbs_leave(c, was);
	}
	read_attributes(c, l, root);
	read_members(c, l);
	read_requires(c, l);
	verbs_check_all(c, d->verbs);
	read_overrides(c, l);
	check_complete(c, d);
}

/* Templates named in `files` must be there: better said now than by the first member. */
static void check_templates(struct verbs_check *c, const struct wdf_driver *d)
{
	const char *key;
	json_t *v;
	size_t was = verbs_enter(c, "files");

	json_object_foreach (json_object_get(d->verbs, "files"), key, v) {
		size_t inner = verbs_enter(c, key);
		char *path = json_is_string(v) ? wf_xasprintf("%s/%s", d->dir, json_string_value(v)) : NULL;

		if (path && !wf_file_exists(wf_os_posix(), path))
			verbs_found(c, WDF_MISSING, 0, NULL, "no template '%.200s'", path);
		free(path);
		verbs_leave(c, inner);
	}
	verbs_leave(c, was);
}

static char *refuse(const struct wdf_driver *d)
{
	char *text = wdf_driver_verbs_refusal(d->type, d->verbs);

	if (!text && d->members_min > 1)
		text = wf_xasprintf("service type '%s' is not run yet: it needs %u members, and this version runs one", d->type,
				    d->members_min);
	return text;
}

struct wdf_driver *wdf_driver_read(const char *file, struct wf_err *err)
{
	struct loaded *l = wf_xcalloc(1, sizeof(*l));
	const char *slash = strrchr(file, '/');
	struct wdf_diags diags = { 0 };
	struct wdf_doc doc = { 0 };
	struct wf_buf text = { 0 };
	struct located located = { &diags, &doc.root };
	struct wdf_check to = { on_found, &located };
	struct verbs_check c = { .to = &to, .driver = &l->base };

	l->base.file = wf_arena_strdup(&l->arena, file);
	l->base.dir = slash ? wf_arena_strndup(&l->arena, file, slash == file ? 1 : (size_t)(slash - file)) : ".";
	l->base.verbs = json_object();
	if (wf_file_read(wf_os_posix(), file, WDF_DRIVER_MAX_BYTES, &text, err) < 0)
		goto error;
	if (wdf_doc_parse(&doc, &l->arena, wf_buf_cstr(&text), text.len, &diags) == 0) {
		l->doc = node_json(&doc.root);
		read_doc(&c, l, &doc.root);
		if (!diags.errors)
			check_templates(&c, &l->base);
	}
	if (diags.errors) {
		wdf_diags_err(&diags, file, err);
		goto error;
	}
	l->unsupported = refuse(&l->base);
	l->base.unsupported = l->unsupported;
	wf_buf_release(&c.at);
	wf_buf_release(&text);
	wdf_diags_release(&diags);
	return &l->base;
error:
	wf_buf_release(&c.at);
	wf_buf_release(&text);
	wdf_diags_release(&diags);
	wdf_driver_free(&l->base);
	return NULL;
}

void wdf_driver_free(struct wdf_driver *d)
{
	struct loaded *l = (struct loaded *)d;

	if (!l)
		return;
	json_decref(l->base.verbs);
	json_decref(l->doc);
	wf_arena_release(&l->arena);
	free(l->unsupported);
	free(l);
}

/* ---- directories of drivers -------------------------------------------------------------------------- */

struct scan {
	struct wdf_types *types;
	const char *dir;
	struct wf_err *err;
	int failed;
};

static int by_type(const void *a, const void *b)
{
	const struct loaded *const *x = a, *const *y = b;

	return strcmp((*x)->base.type, (*y)->base.type);
}

static void add(struct wdf_types *t, struct loaded *l)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->drivers[i]->base.type, l->base.type) == 0) {
			wdf_driver_free(&t->drivers[i]->base);
			t->drivers[i] = l;
			return;
		}
	}
	t->drivers = wf_grow(t->drivers, &t->cap, t->count + 1, sizeof(*t->drivers));
	t->drivers[t->count++] = l;
}

static int on_name(const char *name, void *arg)
{
	struct scan *s = arg;
	char *file = wf_xasprintf("%s/%s/driver.yaml", s->dir, name);
	struct wdf_driver *d;

	if (wf_file_exists(wf_os_posix(), file)) {
		d = wdf_driver_read(file, s->err);
		if (d)
			add(s->types, (struct loaded *)d);
		else
			s->failed = 1;
	}
	free(file);
	return s->failed;
}

struct wdf_types *wdf_types_load(const char *const *dirs, size_t n, struct wf_err *err)
{
	struct wdf_types *t = wf_xcalloc(1, sizeof(*t));
	struct wf_os *os = wf_os_posix();

	for (size_t i = 0; i < n; i++) {
		struct scan s = { t, dirs[i], err, 0 };

		if (os->ops->list(os->self, dirs[i], on_name, &s) < 0) {
			wf_err_sys(err, "cannot read the service types in '%s'", dirs[i]);
			s.failed = 1;
		}
		if (s.failed) {
			wdf_types_free(t);
			return NULL;
		}
	}
	if (t->count)
		qsort(t->drivers, t->count, sizeof(t->drivers[0]), by_type);
	t->names = wf_xcalloc(t->count + 1, sizeof(*t->names));
	for (size_t i = 0; i < t->count; i++)
		t->names[i] = t->drivers[i]->base.type;
	return t;
}

void wdf_types_free(struct wdf_types *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		wdf_driver_free(&t->drivers[i]->base);
	free(t->drivers);
	free(t->names);
	free(t);
}

const struct wdf_driver *wdf_types_find(const struct wdf_types *t, const char *type)
{
	for (size_t i = 0; t && i < t->count; i++)
		if (strcasecmp(t->drivers[i]->base.type, type) == 0)
			return &t->drivers[i]->base;
	return NULL;
}

size_t wdf_types_count(const struct wdf_types *t)
{
	return t ? t->count : 0;
}

const struct wdf_driver *wdf_types_at(const struct wdf_types *t, size_t i)
{
	return i < t->count ? &t->drivers[i]->base : NULL;
}

const char *const *wdf_types_names(const struct wdf_types *t, size_t *n)
{
	*n = t ? t->count : 0;
	return t ? t->names : NULL;
}

/* ---- a service's entry ------------------------------------------------------------------------------- */

const char *wdf_driver_refusal(const struct wdf_driver *d)
{
	return d->unsupported;
}

const struct wdf_attribute *wdf_driver_attribute(const struct wdf_driver *d, const char *name)
{
	for (uint32_t i = 0; i < d->attribute_count; i++)
		if (strcmp(d->attributes[i].name, name) == 0)
			return &d->attributes[i];
	return NULL;
}

const struct wdf_override *wdf_driver_override(const struct wdf_driver *d, const char *name)
{
	for (uint32_t i = 0; i < d->override_count; i++)
		if (strcmp(d->overrides[i].name, name) == 0)
			return &d->overrides[i];
	return NULL;
}

int wdf_driver_check(const struct wdf_driver *d, json_t *spec, const struct wdf_check *to)
{
	struct verbs_check c = { .to = to };
	const char *names[8], *key; /* an override is listed once, and there are fewer than that */
	json_t *value;

	for (uint32_t i = 0; i < d->override_count; i++)
		names[i] = d->overrides[i].name;
	verbs_only(&c, spec, names, d->override_count);
	for (uint32_t i = 0; i < d->override_count; i++)
		if (d->overrides[i].required && !json_object_get(spec, d->overrides[i].name))
			verbs_found(&c, WDF_MISSING, 0, NULL, "a service of type '%s' needs '%s'", d->type,
				    d->overrides[i].name);
	json_object_foreach (spec, key, value)
		if (wdf_driver_override(d, key))
			verbs_check_override(&c, key, value);
	wf_buf_release(&c.at);
	return c.found;
}

json_t *wdf_driver_overlay(const struct wdf_driver *d, json_t *spec)
{
	json_t *verbs = json_deep_copy(d->verbs), *run = json_object_get(verbs, "run"), *value;
	const char *key;

	if (!run)
		run = json_object_get(verbs, "start");
	json_object_foreach (spec, key, value) {
		json_t *into = verbs;

		if (strcmp(key, "command") == 0) {
			json_object_del(run, "argv");
			into = run;
		} else if (strcmp(key, "setup") == 0 || strcmp(key, "env") == 0) {
			into = run;
		}
		if (into)
			json_object_set_new(into, key, json_deep_copy(value));
	}
	return verbs;
}
