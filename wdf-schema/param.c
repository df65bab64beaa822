/* param.c - owns `params` and -p: types, defaults, choices, what a text means for a type. Knows nothing of steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/read.h"

/* ---- a text as a type -------------------------------------------------------------------------------- */

static struct wdf_value value_of_node(struct wf_arena *a, const struct wdf_node *n)
{
	struct wdf_value v;

	if (n->kind == WDF_NODE_SCALAR)
		return n->plain ? wdf_value_of_text(a, n->text) : wdf_value_string(a, n->text, n->count);
	if (n->kind == WDF_NODE_LIST) {
		struct wdf_value *items = wf_arena_alloc(a, n->count * sizeof(*items));

		for (uint32_t i = 0; i < n->count; i++)
			items[i] = value_of_node(a, &n->items[i]);
		v = (struct wdf_value){ .kind = WDF_LIST, .count = n->count };
		v.items = items;
	} else {
		struct wdf_field *fields = wf_arena_alloc(a, n->count * sizeof(*fields));

		for (uint32_t i = 0; i < n->count; i++)
			fields[i] = (struct wdf_field){ wf_arena_strdup(a, n->entries[i].key),
							value_of_node(a, &n->entries[i].value) };
		v = (struct wdf_value){ .kind = WDF_RECORD, .count = n->count };
		v.fields = fields;
	}
	return v;
}

/* "1,2,3", or a list as in the file: "[1, 2, 3]". */
static int list_of_text(struct wf_arena *a, const char *text, struct wdf_value *out)
{
	struct wdf_value *items;
	uint32_t count = 0, n = 0;

	if (text[strspn(text, " ")] == '[') {
		struct wdf_doc doc = { 0 };
		struct wf_arena tree = { 0 };
		struct wdf_diags d = { 0 };
		int ok = wdf_doc_parse(&doc, &tree, text, strlen(text), &d) == 0 &&
			 doc.root.kind == WDF_NODE_LIST;

		if (ok)
			*out = value_of_node(a, &doc.root);
		wdf_diags_release(&d);
		wf_arena_release(&tree);
		return ok ? 0 : -1;
	}
	for (const char *p = text; *p; p++)
		count += *p == ',';
	items = wf_arena_alloc(a, (count + 1u) * sizeof(*items));
	while (*text) {
		size_t len = strcspn(text, ","), skip = strspn(text, " "), end = len;
		char *item;

		while (end > skip && text[end - 1] == ' ')
			end--;
		if (skip > end)
			skip = end;
		item = wf_arena_strndup(a, text + skip, end - skip);
		items[n++] = wdf_value_of_text(a, item);
		text += len;
		if (*text == ',' && !*++text)
			items[n++] = wdf_value_of_text(a, "");
	}
	*out = (struct wdf_value){ .kind = WDF_LIST, .count = n };
	out->items = items;
	return 0;
}

static int value_of_type(struct wf_arena *a, enum wdf_type_of type, const char *text, struct wdf_value *out)
{
	struct wdf_value v = wdf_value_of_text(a, text);
	uint64_t bytes;
	int64_t ms;

	switch (type) {
	case WDF_T_INT:
		if (v.kind != WDF_INT)
			return -1;
		break;
	case WDF_T_FLOAT:
		if (v.kind == WDF_INT) {
			v.real = (double)v.integer;
			v.kind = WDF_FLOAT;
		}
		if (v.kind != WDF_FLOAT)
			return -1;
		break;
	case WDF_T_BOOL:
		if (v.kind != WDF_BOOL)
			return -1;
		break;
	case WDF_T_LIST:
		return list_of_text(a, text, out);
	case WDF_T_SIZE:
		v.kind = WDF_STRING;
		if (wdf_size_parse(text, &bytes, NULL) < 0)
			return -1;
		break;
	case WDF_T_TIME:
		v.kind = WDF_STRING;
		if (wdf_time_parse(text, &ms, NULL) < 0)
			return -1;
		break;
	case WDF_T_PATH:
		v.kind = WDF_STRING;
		if (!*text)
			return -1;
		break;
	case WDF_T_STRING:
		v.kind = WDF_STRING;
		break;
	}
	*out = v;
	return 0;
}

static const char *expected(enum wdf_type_of type)
{
	static const char *const texts[] = {
		[WDF_T_STRING] = "text",
		[WDF_T_INT] = "an integer",
		[WDF_T_FLOAT] = "a number",
		[WDF_T_BOOL] = "true or false",
		[WDF_T_LIST] = "a list: 1,2,3 or [1, 2, 3]",
		[WDF_T_SIZE] = "a size such as 4GiB",
		[WDF_T_TIME] = "a time such as 10m",
		[WDF_T_PATH] = "a path",
	};

	return texts[type];
}

static int is_choice(const struct wdf_param *p, const struct wdf_value *v)
{
	if (!p->choices)
		return 1;
	if (v->kind == WDF_LIST) {
		for (uint32_t i = 0; i < v->count; i++)
			if (!is_choice(p, &v->items[i]))
				return 0;
		return 1;
	}
	for (uint32_t i = 0; i < p->choice_count; i++)
		if (wdf_value_equal(&p->choices[i], v))
			return 1;
	return 0;
}

static void refuse_choice(struct wdf_load *l, const struct wdf_param *p, struct wdf_pos pos, uint32_t span,
			  const char *what, const struct wdf_value *v)
{
	struct wf_buf text = { 0 }, known = { 0 };
	char shown[WDF_SHOWN];

	wdf_value_text(v, &text);
	for (uint32_t i = 0; i < p->choice_count && known.len < 300; i++) {
		wf_buf_str(&known, i ? ", " : "");
		wdf_value_text(&p->choices[i], &known);
	}
	wdf_hint(wdf_find(l->d, WDF_PARAM_VALUE, pos, span, "%s '%s' cannot be '%s'", what, p->name,
			  wdf_shown(wf_buf_cstr(&text), text.len, shown)),
		 "one of %s", wf_buf_cstr(&known));
	wf_buf_release(&text);
	wf_buf_release(&known);
}

/* ---- `params` ------------------------------------------------------------------------------------------- */

struct spec {
	struct wdf_param *p;
	int has_type;
	const struct wdf_entry *fallback, *choices;
};

static void read_type(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const types[] = { "string", "int", "float", "bool", "list", "size", "time", "path", NULL };
	static const char *const others[][2] = { { "integer", "int" },	{ "number", "float" }, { "double", "float" },
						 { "boolean", "bool" }, { "str", "string" },   { "text", "string" },
						 { "array", "list" },	{ "file", "path" } };
	struct spec *s = to;
	int t;

	if (e->value.kind == WDF_NODE_SCALAR)
		for (size_t i = 0; i < WF_COUNT(others); i++)
			if (strcmp(e->value.text, others[i][0]) == 0) {
				wdf_hint(wdf_find(l->d, WDF_CHOICE, e->value.pos, e->value.span,
						  "'type' cannot be '%s'", others[i][0]),
					 "did you mean '%s'?", others[i][1]);
				return;
			}
	if (wdf_read_choice(l, e, types, &t) < 0)
		return;
	s->p->type = (enum wdf_type_of)t;
	s->has_type = 1;
}

static void read_default(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)l;
	((struct spec *)to)->fallback = e;
}

static void read_choices(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	if (!wdf_is_list(l, e, "[quick, full]"))
		return;
	if (!e->value.count)
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'choices' is empty");
	else if (wdf_is_few(l, e, WDF_MOST_CHOICES))
		((struct spec *)to)->choices = e;
}

static void read_description(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_text(l, e, WDF_TEXT_FREE, &((struct spec *)to)->p->description);
}

static const struct wdf_key spec_keys[] = {
	{ "type", read_type },
	{ "default", read_default },
	{ "choices", read_choices },
	{ "description", read_description },
};

/* Placeholders in a default would need an order among parameters: there is none. */
static int has_placeholder(struct wdf_load *l, const struct wdf_node *n)
{
	if (n->kind == WDF_NODE_SCALAR) {
		if (n->masked)
			wdf_hint(wdf_find(l->d, WDF_PLACE, n->pos, n->span,
					  "a parameter's value cannot use placeholders"),
				 "write the value itself");
		return n->masked;
	}
	for (uint32_t i = 0; i < n->count; i++)
		if (has_placeholder(l, n->kind == WDF_NODE_LIST ? &n->items[i] : &n->entries[i].value))
			return 1;
	return 0;
}

static enum wdf_type_of type_of(const struct wdf_value *v)
{
	switch (v->kind) {
	case WDF_BOOL:
		return WDF_T_BOOL;
	case WDF_INT:
		return WDF_T_INT;
	case WDF_FLOAT:
		return WDF_T_FLOAT;
	case WDF_LIST:
		return WDF_T_LIST;
	default:
		return WDF_T_STRING;
	}
}

/* Value of a default or a choice: typed by `type` when there is one. */
static int typed(struct wdf_load *l, const struct wdf_param *p, int has_type, const struct wdf_entry *e,
		 struct wdf_value *out)
{
	char shown[WDF_SHOWN];
	struct wdf_value v;

	if (has_placeholder(l, &e->value))
		return -1;
	if (has_type && (p->type == WDF_T_LIST) != (e->value.kind == WDF_NODE_LIST) && e->value.kind != WDF_NODE_MAP) {
		wdf_find(l->d, WDF_PARAM_VALUE, e->value.pos, e->value.span, "'%s' must be %s, found %s", p->name,
			 expected(p->type), wdf_node_shown(&e->value, shown));
		return -1;
	}
	if (wdf_read_value(l, e, &v) < 0)
		return -1;
	if (v.kind == WDF_RECORD || (v.kind == WDF_NULL && e->value.kind == WDF_NODE_SCALAR)) {
		wdf_find(l->d, WDF_PARAM_VALUE, e->value.pos, e->value.span, "'%s' must be %s, found %s", p->name,
			 has_type ? expected(p->type) : "a value or a list", wdf_node_shown(&e->value, shown));
		return -1;
	}
	if (has_type && v.kind != WDF_LIST && value_of_type(l->a, p->type, v.text, &v) < 0) {
		wdf_find(l->d, WDF_PARAM_VALUE, e->value.pos, e->value.span, "'%s' must be %s, found %s", p->name,
			 expected(p->type), wdf_node_shown(&e->value, shown));
		return -1;
	}
	*out = v;
	return 0;
}

static void finish_spec(struct wdf_load *l, struct spec *s)
{
	struct wdf_param *p = s->p;
	struct wdf_value v;

	if (s->choices) {
		struct wdf_value *choices = wf_arena_alloc(l->a, s->choices->value.count * sizeof(*choices));
		struct wdf_param item = *p; /* of a list, the items have choices */
		int has_type = s->has_type && p->type != WDF_T_LIST;

		for (uint32_t i = 0; i < s->choices->value.count; i++) {
			struct wdf_entry e = wdf_item(s->choices, i);

			if (typed(l, &item, has_type, &e, &choices[p->choice_count]) == 0)
				p->choice_count++;
		}
		p->choices = choices;
	}
	if (s->fallback && typed(l, p, s->has_type, s->fallback, &v) == 0) {
		p->value = v;
		p->has_default = 1;
	}
	if (!s->has_type && p->has_default)
		p->type = type_of(&p->value);
	else if (!s->has_type && p->choices)
		p->type = type_of(&p->choices[0]);
	if (p->has_default && !is_choice(p, &p->value))
		refuse_choice(l, p, s->fallback->value.pos, s->fallback->value.span, "default of", &p->value);
}

static void load_param(struct wdf_load *l, const struct wdf_entry *e, struct wdf_param *p)
{
	struct spec s = { .p = p };
	char shown[WDF_SHOWN], what[WDF_SHOWN + 20];

	p->name = wf_arena_strdup(l->a, e->key);
	p->pos = e->pos;
	p->type = WDF_T_STRING;
	wdf_shown(e->key, strlen(e->key), shown);
	if (wdf_param_reserved(e->key))
		wdf_hint(wdf_find(l->d, WDF_RESERVED, e->pos, e->span, "'%s' is reserved", shown),
			 "wf gives it a value itself; take another name");
	else if (!wdf_param_name_ok(e->key))
		wdf_hint(wdf_find(l->d, WDF_NAME, e->pos, e->span, "'%s' is not the name of a parameter", shown),
			 "a letter, then letters, digits and '_'");
	if (wdf_node_is_null(&e->value)) {
		wdf_hint(wdf_find(l->d, WDF_EMPTY_VALUE, e->pos, e->span, "parameter '%s' has no value", shown),
			 "give a default, or write {type: string}");
		return;
	}
	if (e->value.kind == WDF_NODE_MAP) {
		snprintf(what, sizeof(what), "parameter '%s'", shown);
		wdf_read_map(l, &e->value, what, spec_keys, WF_COUNT(spec_keys), &s);
	} else {
		s.fallback = e;
	}
	finish_spec(l, &s);
}

static void load_doubtfully(struct wdf_load *l, const struct wdf_entry *e, uint32_t i)
{
	size_t before = l->d->errors;

	load_param(l, e, &l->w->params[i]);
	l->doubtful[i] = l->d->errors > before;
}

void wdf_load_params(struct wdf_load *l, const struct wdf_entry *e)
{
	struct wdf *w = l->w;

	if (!wdf_is_map(l, e, "{seeds: [11, 12], mode: quick}"))
		return;
	w->params = wf_arena_alloc(l->a, (e->value.count + l->in->given) * sizeof(*w->params));
	l->used = wf_xcalloc(e->value.count + l->in->given + 1, 1);
	l->doubtful = wf_xcalloc(e->value.count + 1u, 1);
	l->flat = wf_xcalloc(e->value.count + 1u, 1);
	for (uint32_t i = 0; i < e->value.count; i++) {
		load_doubtfully(l, &e->value.entries[i], i);
		w->param_count++;
		wf_strmap_add(&l->params, w->params[i].name, i);
	}
}

/* ---- -p --------------------------------------------------------------------------------------------------- */

static int is_text(const char *s)
{
	json_t *v = json_string(s); /* NULL for what is not UTF-8 */

	json_decref(v);
	return v != NULL;
}

static void give(struct wdf_load *l, struct wdf_param *p, const char *text)
{
	struct wdf_value v;
	char shown[WDF_SHOWN];

	if (!is_text(text) || value_of_type(l->a, p->type, text, &v) < 0) {
		wdf_find(l->d, WDF_PARAM_VALUE, p->pos, (uint32_t)strlen(p->name), "-p %s must be %s, found '%s'",
			 p->name, expected(p->type), wdf_shown(text, strlen(text), shown));
		return;
	}
	if (!is_choice(p, &v)) {
		refuse_choice(l, p, p->pos, (uint32_t)strlen(p->name), "-p", &v);
		return;
	}
	p->value = v;
}

/* A file without params: every -p is a parameter. */
static void give_new(struct wdf_load *l, const char *name, const char *text)
{
	struct wdf *w = l->w;
	struct wdf_param *p = &w->params[w->param_count];
	char shown[WDF_SHOWN];

	if (!wdf_param_name_ok(name) || !is_text(text)) {
		wdf_find(l->d, wdf_param_name_ok(name) ? WDF_PARAM_VALUE : WDF_NAME, (struct wdf_pos){ 0, 0 }, 1,
			 "-p: '%s' is not %s", wdf_shown(name, strlen(name), shown),
			 wdf_param_name_ok(name) ? "given UTF-8 text" : "the name of a parameter");
		return;
	}
	p->name = wf_arena_strdup(l->a, name);
	p->value = wdf_value_of_text(l->a, text);
	p->type = type_of(&p->value);
	wf_strmap_add(&l->params, p->name, w->param_count++);
}

void wdf_load_given(struct wdf_load *l)
{
	struct wdf *w = l->w;
	char shown[WDF_SHOWN];

	if (!l->has_params) {
		w->params = wf_arena_alloc(l->a, (l->in->given + 1) * sizeof(*w->params));
		l->used = wf_xcalloc(l->in->given + 1, 1);
	}
	for (size_t i = 0; i < l->in->given; i++) {
		const char *name = l->in->names[i], *text = l->in->values[i];
		uint32_t k = wf_strmap_get(&l->params, name);

		if (wdf_param_reserved(name)) {
			wdf_find(l->d, WDF_RESERVED, (struct wdf_pos){ 0, 0 }, 1, "-p: '%s' is reserved", name);
		} else if (k != WF_STRMAP_NONE && l->has_params) {
			give(l, &w->params[k], text);
		} else if (k != WF_STRMAP_NONE) {
			w->params[k].value = wdf_value_of_text(l->a, text); /* the last -p counts */
		} else if (!l->has_params) {
			give_new(l, name, text);
		} else {
			const char **names = wf_xcalloc(w->param_count + 1u, sizeof(*names));

			for (uint32_t j = 0; j < w->param_count; j++)
				names[j] = w->params[j].name;
			wdf_hint_names(wdf_find(l->d, WDF_NO_PARAM, (struct wdf_pos){ 0, 0 }, 1,
						"-p: no parameter '%s'", wdf_shown(name, strlen(name), shown)),
				       name, names, w->param_count);
			free(names);
		}
	}
	for (uint32_t i = 0; i < w->param_count; i++)
		if (l->has_params && !l->doubtful[i] && !wdf_param_known(&w->params[i]))
			wdf_need(l, w->params[i].name, strlen(w->params[i].name), w->params[i].pos);
}
