/* driver.c - owns driver files: reading one, its tables, and what a service's entry may lay over it. What an attribute is, is
 * attribute.c's; what a verb looks like, verbs.c's; what YAML is, yaml.c's. Does I/O only in wdf_driver_read.
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

/* ---- single values ----------------------------------------------------------------------------------- */

/* The value of `key` in obj as text, or NULL and a finding when it is something else. */
const char *verbs_text_of(struct verbs_check *c, json_t *obj, const char *key)
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

int verbs_flag_of(struct verbs_check *c, json_t *obj, const char *key)
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

int64_t verbs_integer_of(struct verbs_check *c, json_t *obj, const char *key, int64_t otherwise)
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
const char **verbs_list_of(struct verbs_check *c, struct wf_arena *arena, json_t *obj, const char *key, uint32_t *count)
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

/* ---- the other tables -------------------------------------------------------------------------------- */

static void place_attributes(struct verbs_check *c, struct wdf_driver *d, const struct wdf_node *root)
{
	size_t was = verbs_enter(c, "attributes"), inner;
	uint32_t span;

	for (uint32_t i = 0; i < d->attribute_count; i++) {
		inner = verbs_enter(c, d->attributes[i].name);
		locate(root, wf_buf_cstr(&c->at), 1, &d->attributes[i].pos, &span);
		verbs_leave(c, inner);
	}
	verbs_leave(c, was);
}

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
		min = verbs_integer_of(c, v, "min", 1);
		max = verbs_integer_of(c, v, "max", min);
		verbs_text_of(c, v, "bootstrap");
		verbs_text_of(c, v, "unit");
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
		verbs_text_of(c, v, "version");
		l->base.requires_exec = verbs_list_of(c, &l->arena, v, "exec", &l->base.requires_exec_count);
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
	const char **names = verbs_list_of(c, &l->arena, l->doc, "overrides", &n);
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
	d->type = verbs_text_of(c, l->doc, "driver");
	if (d->type)
		check_type(c, d->type);
	else if (!json_object_get(l->doc, "driver"))
		verbs_found(c, WDF_MISSING, 0, "write driver: NAME", "'driver' is missing: the name of the service type");
	d->description = verbs_text_of(c, l->doc, "description");
	if (!json_object_get(l->doc, "api"))
		verbs_found(c, WDF_MISSING, 0, "write api: 1", "'api' is missing: the version of driver files it is written for");
	else if (verbs_integer_of(c, l->doc, "api", WDF_DRIVER_API) != WDF_DRIVER_API) {
		was = verbs_enter(c, "api");
		verbs_found(c, WDF_CHOICE, 0, NULL, "this version reads api %d", WDF_DRIVER_API);
		verbs_leave(c, was);
	}
	verbs_read_attributes(c, &l->arena, json_object_get(l->doc, "attributes"), d);
	place_attributes(c, d, root);
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
