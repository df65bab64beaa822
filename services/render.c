/* render.c - owns what placeholders mean beside a member; the form of a placeholder is the language's (wdf.h). Starts and writes nothing. */
#include "services/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- scope ------------------------------------------------------------------------------------------- */

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	struct render_scope *s = self;
	json_t *v = json_object_getn(s->roots, name, n);

	if (!v)
		return -1;
	*out = wdf_value_of_json(&s->arena, v);
	return 0;
}

void render_scope_init(struct render_scope *s, json_t *roots)
{
	memset(s, 0, sizeof(*s));
	s->scope.lookup = lookup;
	s->scope.self = s;
	s->roots = roots;
}

void render_scope_release(struct render_scope *s)
{
	wf_arena_release(&s->arena);
}

char *render_text(const char *text, json_t *roots, struct wf_err *err)
{
	struct wdf_diags diags = { 0 };
	struct render_scope s;
	struct wdf_tmpl t;
	struct wf_buf out = { 0 };
	char *made = NULL;

	if (!strstr(text, "{{"))
		return wf_xstrdup(text);
	render_scope_init(&s, roots);
	if (wdf_tmpl_parse(&t, &s.arena, text, (struct wdf_pos){ 1, 1 }, &diags) < 0) {
		wf_errf(err, WF_INVALID, "%s", diags.count ? diags.items[0].text : "malformed placeholder");
	} else if (wdf_tmpl_render(&t, &s.scope, &out, err) == 0) {
		wf_buf_add(&out, "", 0);
		made = wf_buf_take(&out);
	}
	wf_buf_release(&out);
	wdf_diags_release(&diags);
	render_scope_release(&s);
	return made;
}

static json_t *render_list(json_t *list, json_t *roots, struct wf_err *err)
{
	json_t *made = json_array(), *item, *v;
	size_t i;

	json_array_foreach (list, i, item) {
		v = render_tree(item, roots, err);
		if (!v) {
			json_decref(made);
			return NULL;
		}
		json_array_append_new(made, v);
	}
	return made;
}

static json_t *render_map(json_t *map, json_t *roots, struct wf_err *err)
{
	json_t *made = json_object(), *item, *v;
	const char *key;

	json_object_foreach (map, key, item) {
		v = render_tree(item, roots, err);
		if (!v) {
			wf_err_wrap(err, "%s", key);
			json_decref(made);
			return NULL;
		}
		json_object_set_new(made, key, v);
	}
	return made;
}

json_t *render_tree(json_t *tree, json_t *roots, struct wf_err *err)
{
	char *text;
	json_t *v;

	if (json_is_array(tree))
		return render_list(tree, roots, err);
	if (json_is_object(tree))
		return render_map(tree, roots, err);
	if (!json_is_string(tree))
		return json_incref(tree);
	text = render_text(json_string_value(tree), roots, err);
	if (!text)
		return NULL;
	v = json_string(text);
	if (!v)
		wf_errf(err, WF_INVALID, "a value is not UTF-8");
	free(text);
	return v;
}

char *render_word(const json_t *v)
{
	char *dumped, *text;

	if (json_is_string(v))
		return wf_xstrdup(json_string_value(v));
	dumped = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	text = wf_xstrdup(dumped ? dumped : "");
	free(dumped);
	return text;
}

int render_mentions(json_t *tree, const char *word)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(tree))
		return !!strstr(json_string_value(tree), word);
	json_array_foreach (tree, i, item)
		if (render_mentions(item, word))
			return 1;
	json_object_foreach (tree, key, item)
		if (render_mentions(item, word))
			return 1;
	return 0;
}

/* ---- roots ------------------------------------------------------------------------------------------- */

/* Configuration files want a plain number: bytes, and seconds with a fraction only where there is one. */
static json_t *plain(const struct wdf_attribute *a, json_t *v)
{
	const char *s = json_string_value(v);
	uint64_t bytes;
	int64_t ms;
	char text[64];

	if (a->type == WDF_A_SIZE && s && wdf_size_parse(s, &bytes, NULL) == 0)
		return json_integer((json_int_t)bytes);
	if (a->type == WDF_A_TIME && s && wdf_time_parse(s, &ms, NULL) == 0) {
		if (ms % 1000 == 0)
			return json_integer(ms / 1000);
		snprintf(text, sizeof(text), "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
		return json_string(text);
	}
	if (a->type == WDF_A_LIST && !json_is_array(v))
		return json_pack("[O]", v);
	return json_incref(v);
}

static json_t *render_attributes(const struct member_spec *s, const struct wdf_driver *d, json_t *roots, struct wf_err *err)
{
	json_t *made = json_object(), *given, *v;

	for (uint32_t i = 0; i < d->attribute_count; i++) {
		const struct wdf_attribute *a = &d->attributes[i];

		given = json_object_get(s->attributes, a->name);
		if (!given)
			given = a->fallback;
		if (!given && !a->required)
			continue;
		if (!given) {
			wf_errf(err, WF_INVALID, "attribute '%s' is required", a->name);
			goto error;
		}
		v = render_tree(given, roots, err);
		if (!v) {
			wf_err_wrap(err, "attribute '%s'", a->name);
			goto error;
		}
		if (wdf_attribute_check(a, v, NULL, err) < 0) {
			json_decref(v);
			goto error;
		}
		json_object_set_new(made, a->name, plain(a, v));
		json_decref(v);
	}
	return made;
error:
	json_decref(made);
	return NULL;
}

json_t *roots_create(const struct member_spec *s, const struct wdf_driver *d, struct wf_err *err)
{
	json_t *roots = json_object(), *attributes;

	/* Parameters first: a root of ours hides a parameter of its name. */
	json_object_update(roots, s->params);
	json_object_set_new(roots, "service",
			    json_pack("{s:s,s:s,s:s,s:s,s:I,s:s}", "name", s->service, "type", d->type, "host", s->host, "run",
				      s->run, "generation", (json_int_t)s->generation, "workdir", s->workdir));
	json_object_set_new(roots, "member",
			    json_pack("{s:I,s:s,s:s,s:s}", "n", (json_int_t)s->n, "role", s->role, "dir", s->dir, "host", s->host));
	json_object_set_new(roots, "members", json_pack("[s]", s->host));
	json_object_set_new(roots, "view", json_pack("{s:I}", "number", (json_int_t)s->view));
	json_object_set_new(roots, "config", s->config ? json_incref(s->config) : json_object());
	json_object_set_new(roots, "lease", s->lease ? json_incref(s->lease) : json_object());
	json_object_set_new(roots, "args", json_object());
	attributes = render_attributes(s, d, roots, err);
	if (!attributes) {
		json_decref(roots);
		return NULL;
	}
	json_object_set_new(roots, "attributes", attributes);
	return roots;
}

void roots_set(json_t *roots, const char *root, const char *field, json_t *value)
{
	json_object_set_new(json_object_get(roots, root), field, value);
}
