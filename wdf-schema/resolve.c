/* resolve.c - owns names in structural values: which parameters there are, what they become, and what is said of a name
 * that is none. Knows nothing of keys. */
#include "wdf-schema/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---------------------------------------------------------------------------------------------- */

const struct wdf_param *wdf_find_param(struct wdf_load *l, const char *name, size_t n)
{
	uint32_t i = wf_strmap_getn(&l->params, name, n);

	if (i == WF_STRMAP_NONE)
		return NULL;
	l->used[i] = 1;
	return &l->w->params[i];
}

void wdf_need(struct wdf_load *l, const char *name, size_t n, struct wdf_pos pos)
{
	struct wdf *w = l->w;
	char *copy;

	if (wf_strmap_getn(&l->needed, name, n) != WF_STRMAP_NONE)
		return;
	copy = wf_arena_strndup(l->a, name, n);
	wf_strmap_add(&l->needed, copy, 1);
	if (!l->in->allow_needed) {
		struct wdf_diag *f = wdf_find(l->d, WDF_NOT_GIVEN, pos, (uint32_t)n + 6, "'%s' has no value", copy);

		if (strcmp(copy, "SESSION") == 0)
			wdf_hint(f, "give the run a name with --name");
		else
			wdf_hint(f, "give it with -p %s=VALUE", copy);
		return;
	}
	w->needed = wf_grow(w->needed, &l->needed_cap, w->needed_count + 1u, sizeof(*w->needed));
	w->needed[w->needed_count++] = (struct wdf_needed){ .name = copy, .pos = pos };
}

void wdf_hint_defined(struct wdf_diag *f, const char *word, const char *const *names, const struct wdf_pos *places,
		      size_t n)
{
	const char *near;

	wdf_hint_names(f, word, names, n);
	near = f && strlen(word) <= 64 ? wf_nearest(word, names, n) : NULL;
	for (size_t i = 0; near && i < n; i++)
		if (names[i] == near)
			wdf_related(f, places[i], "'%s' is defined here", near);
}

void wdf_unknown_name(struct wdf_load *l, const char *name, size_t n, struct wdf_pos pos,
		      const char *const *more, size_t more_count)
{
	enum { MOST = 200 };
	const char *known[MOST];
	char shown[WDF_SHOWN], word[65];
	size_t count = 0;
	struct wdf_diag *f;

	for (uint32_t i = 0; i < l->w->param_count && count < MOST; i++)
		known[count++] = l->w->params[i].name;
	for (size_t i = 0; i < more_count && count < MOST; i++)
		known[count++] = more[i];
	if (count + 2 <= MOST) {
		known[count++] = "SESSION";
		known[count++] = "STEP";
	}
	snprintf(word, sizeof(word), "%.*s", (int)n, name);
	f = wdf_find(l->d, WDF_UNKNOWN_NAME, pos, (uint32_t)n + 6, "undefined name '%s'",
		     wdf_shown(name, n, shown));
	if (f) {
		const char *near = n <= 64 ? wf_nearest(word, known, count) : NULL;
		struct wf_buf b = { 0 };

		if (near)
			wf_buf_printf(&b, "did you mean '%s'? ", near);
		wf_buf_str(&b, "known: ");
		for (size_t i = 0; i < count && b.len < 300; i++)
			wf_buf_printf(&b, "%s%s", i ? ", " : "", known[i]);
		wdf_hint(f, "%s", wf_buf_cstr(&b));
		wf_buf_release(&b);
	}
}

/* ---- putting parameters in -------------------------------------------------------------------------------- */

int wdf_resolve_template(struct wdf_load *l, const struct wdf_node *n, struct wdf_tmpl *t)
{
	struct wdf_tmpl_source from = { .text = n->text, .len = n->count, .pos = n->pos };

	if (n->masked) {
		from.masks = l->doc.masks + n->total;
		from.mask_count = l->doc.mask_count - n->total;
	}
	from.lenient = !l->has_params;
	return wdf_tmpl_read(t, l->a, &from, l->d);
}

static int is_dim(const struct wdf_load *l, const char *name, size_t n)
{
	for (uint32_t i = 0; l->dims && l->dims->kind == WDF_NODE_MAP && i < l->dims->count; i++)
		if (strncmp(l->dims->entries[i].key, name, n) == 0 && !l->dims->entries[i].key[n])
			return 1;
	return 0;
}

static int is_session(const struct wdf_load *l, const char *name, size_t n)
{
	return !l->has_params && n == 7 && memcmp(name, "SESSION", n) == 0;
}

/* Has a name in a structural value one already? Otherwise it is needed, or a finding. */
static int has_value(struct wdf_load *l, const struct wdf_entry *e, const struct wdf_part *p)
{
	const struct wdf_param *param = wdf_find_param(l, p->text, p->len);
	char shown[WDF_SHOWN];

	if (param)
		return wdf_param_known(param);
	/* IO-SEA replaces it in the whole file, names and all. */
	if (is_session(l, p->text, p->len) && l->in->session)
		return 1;
	wdf_shown(p->text, p->len, shown);
	if (memchr(p->text, '.', p->len) || is_dim(l, p->text, p->len) || (p->len == 4 && memcmp(p->text, "STEP", 4) == 0) ||
	    (l->has_params && p->len == 7 && memcmp(p->text, "SESSION", 7) == 0))
		wdf_hint(wdf_find(l->d, WDF_PLACE, p->pos, p->len + 6, "'{{ %s }}' has no value when '%s' is read", shown, e->key),
			 "only parameters can be used here");
	else if (!l->has_params)
		wdf_need(l, p->text, p->len, p->pos);
	else
		wdf_unknown_name(l, p->text, p->len, p->pos, NULL, 0);
	return 0;
}

struct lookup {
	struct wdf_load *l;
};

static int lookup_param(void *self, const char *name, size_t n, struct wdf_value *out)
{
	struct wdf_load *l = ((struct lookup *)self)->l;
	const struct wdf_param *p = wdf_find_param(l, name, n);

	if (!p && is_session(l, name, n) && l->in->session) {
		*out = (struct wdf_value){ .kind = WDF_STRING, .text = l->in->session };
		return 0;
	}
	if (!p)
		return -1;
	*out = p->value;
	return 0;
}

/* The text of a scalar with its parameters, for use at once; -1 when one has no value. */
int wdf_resolve(struct wdf_load *l, const struct wdf_entry *e, const char **out)
{
	struct lookup self = { l };
	struct wdf_scope scope = { lookup_param, &self };
	struct wf_buf b = { 0 };
	struct wf_err err;
	struct wdf_tmpl t;
	int rc;

	if (!e->value.masked) {
		*out = e->value.text;
		return 0;
	}
	rc = wdf_resolve_template(l, &e->value, &t);
	for (uint32_t i = 0; i < t.count && rc == 0; i++)
		if (t.parts[i].is_name && !has_value(l, e, &t.parts[i]))
			rc = -1;
	if (rc == 0 && wdf_tmpl_render(&t, &scope, &b, &err) < 0) {
		wdf_find(l->d, WDF_PARAM_VALUE, e->value.pos, e->value.span, "%s", err.text);
		rc = -1;
	}
	l->resolved += b.len;
	if (rc == 0 && l->resolved > WDF_MOST_RESOLVED) {
		wdf_find(l->d, WDF_TOO_LARGE, e->value.pos, e->value.span,
			 "parameters put into the workflow's structure have more than %d bytes together", WDF_MOST_RESOLVED);
		rc = -1;
	}
	if (rc == 0)
		*out = wf_arena_strndup(l->a, wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	return rc;
}

const struct wdf_param *wdf_read_param(struct wdf_load *l, const struct wdf_node *n)
{
	struct wdf_brace b;
	size_t at = 0;

	if (n->kind != WDF_NODE_SCALAR || !n->masked || !wdf_brace_next(n->text, n->count, &at, &b))
		return NULL;
	if (b.form != WDF_BRACE_NAME || b.at != 0 || b.len != n->count || b.width || b.join)
		return NULL;
	return wdf_find_param(l, b.name, b.name_len);
}
