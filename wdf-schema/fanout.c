/* fanout.c - owns `foreach`: where the values of a fan-out come from. Knows nothing of how tasks are counted: the DAG
 * does. */
#include <stdio.h>
#include <string.h>

#include "wdf-schema/read.h"

enum { LONGEST_RANGE = 10000000 };

static int read_end(struct wdf_load *l, const struct wdf_entry *e, uint32_t i, int64_t *out)
{
	struct wdf_entry item = wdf_item(e, i);

	item.key = "range";
	return wdf_read_int(l, &item, INT64_MIN, INT64_MAX, out);
}

/* {range: N} or {range: [first, last, step]} */
static void read_range(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_dim *d = to;
	unsigned __int128 count;

	d->kind = WDF_DIM_RANGE;
	d->step = 1;
	d->last = -1;
	if (e->value.kind != WDF_NODE_LIST) {
		int64_t n;

		if (wdf_read_int(l, e, 0, LONGEST_RANGE, &n) == 0)
			d->last = n - 1;
		return;
	}
	if (e->value.count < 2 || e->value.count > 3) {
		wdf_hint(wdf_find(l->d, WDF_RANGE, e->value.pos, e->value.span, "'range' has %u numbers", e->value.count),
			 "write [first, last] or [first, last, step]");
		return;
	}
	if (read_end(l, e, 0, &d->first) < 0 || read_end(l, e, 1, &d->last) < 0 ||
	    (e->value.count == 3 && read_end(l, e, 2, &d->step) < 0)) {
		d->first = 0;
		d->last = -1;
		d->step = 1;
		return;
	}
	if (d->step == 0 || (d->last != d->first && (d->last > d->first) != (d->step > 0))) {
		wdf_hint(wdf_find(l->d, WDF_RANGE, e->value.pos, e->value.span,
				  "range from %lld to %lld never gets there by %lld", (long long)d->first,
				  (long long)d->last, (long long)d->step),
			 d->step ? "give a step towards the end" : "the step cannot be 0");
		d->step = 1;
		d->last = d->first;
		return;
	}
	count = d->last >= d->first ? (unsigned __int128)((__int128)d->last - d->first) / (uint64_t)d->step :
				      (unsigned __int128)((__int128)d->first - d->last) / (uint64_t)-d->step;
	if (count >= LONGEST_RANGE) {
		wdf_find(l->d, WDF_RANGE, e->value.pos, e->value.span, "range has more than %d values", LONGEST_RANGE);
		d->last = d->first;
	}
}

static void read_source(struct wdf_load *l, const struct wdf_entry *e, struct wdf_dim *d, enum wdf_dim_kind kind)
{
	d->kind = kind;
	d->source = "";
	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &d->source) == 0 && !*d->source)
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'%s' is empty", e->key);
}

static void read_glob(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_source(l, e, to, WDF_DIM_GLOB);
}

static void read_csv(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_source(l, e, to, WDF_DIM_CSV);
}

static void read_list(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_source(l, e, to, WDF_DIM_FROM);
}

static void read_from(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_dim *d = to;
	char shown[WDF_SHOWN];

	d->kind = WDF_DIM_FROM;
	d->from_step = WDF_NONE;
	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &d->from) < 0)
		return;
	d->from_step = wf_strmap_get(&l->steps, d->from);
	if (d->from_step == WF_STRMAP_NONE)
		wdf_hint_defined(wdf_find(l->d, WDF_NO_STEP, e->value.pos, e->value.span,
					  "no step '%s' to take values from", wdf_shown(d->from, strlen(d->from), shown)),
				 d->from, l->step_list, l->step_pos, l->w->step_count);
}

static void read_mapping(struct wdf_load *l, const struct wdf_entry *e, struct wdf_dim *d)
{
	static const struct wdf_key keys[] = { { "range", read_range }, { "glob", read_glob },	{ "csv", read_csv },
					       { "from", read_from },	{ "list", read_list } };
	const struct wdf_node *n = &e->value;
	char what[WDF_SHOWN + 20], shown[WDF_SHOWN];
	int from = wdf_node_get(n, "from") || wdf_node_get(n, "list");

	snprintf(what, sizeof(what), "the values of '%s'", wdf_shown(e->key, strlen(e->key), shown));
	wdf_read_map(l, n, what, keys, WF_COUNT(keys), d);
	if (from && (!wdf_node_get(n, "from") || !wdf_node_get(n, "list")))
		wdf_hint(wdf_missing(l, n, wdf_node_get(n, "from") ? "list" : "from", what), "write {from: STEP, list: FILE}");
	else if (n->count != (from ? 2u : 1u))
		wdf_hint(wdf_find(l->d, WDF_EXCLUSIVE, n->pos, n->span, "%s need one source", what),
			 "one of range, glob, csv, or from with list");
}

/* Asked once of each parameter: many steps may fan out over one long list. */
static int has_lists(struct wdf_load *l, const struct wdf_entry *e, const struct wdf_value *v)
{
	const struct wdf_param *p = wdf_read_param(l, &e->value);
	uint8_t *known = p && l->flat ? &l->flat[p - l->w->params] : NULL;
	int lists = 0;

	if (known && *known)
		return *known == 2;
	for (uint32_t i = 0; i < v->count && !lists; i++)
		lists = v->items[i].kind == WDF_LIST;
	if (known)
		*known = (uint8_t)(1 + lists);
	return lists;
}

/* A list, or one placeholder that is a list. */
static void read_values(struct wdf_load *l, const struct wdf_entry *e, struct wdf_dim *d)
{
	struct wdf_value v;
	char shown[WDF_SHOWN];

	d->kind = WDF_DIM_LIST;
	d->list.kind = WDF_LIST;
	if (wdf_read_value(l, e, &v) < 0)
		return;
	if (v.kind != WDF_LIST && e->value.masked && !l->has_params && v.text) {
		/* -p of a file without params has no type: "1,2,3" where a list is wanted is one. */
		const char *text = v.text;
		struct wdf_value *items;
		uint32_t n = 0;

		for (const char *p = text; *p; p++)
			n += *p == ',';
		items = wf_arena_alloc(l->a, (n + 1u) * sizeof(*items));
		n = 0;
		for (size_t len; *text; text += len + (text[len] == ',')) {
			len = strcspn(text, ",");
			items[n++] = wdf_value_of_text(l->a, wf_arena_strndup(l->a, text, len));
		}
		v = (struct wdf_value){ .kind = WDF_LIST, .count = n };
		v.items = items;
	}
	if (v.kind != WDF_LIST) {
		wdf_hint(wdf_find(l->d, WDF_KIND, e->value.pos, e->value.span, "the values of '%s' must be a list, found %s",
				  e->key, wdf_node_shown(&e->value, shown)),
			 "write [a, b], {range: N}, {glob: PATTERN}, {csv: FILE} or {from: STEP, list: FILE}");
		return;
	}
	if (has_lists(l, e, &v))
		wdf_hint(wdf_find(l->d, WDF_KIND, e->value.pos, e->value.span, "a value of '%s' is a list", e->key),
			 "values are single, or mappings with fields");
	else
		d->list = v;
}

static void check_dim_name(struct wdf_load *l, const struct wdf_entry *e)
{
	char shown[WDF_SHOWN];
	const struct wdf_param *p;
	uint32_t i;

	wdf_shown(e->key, strlen(e->key), shown);
	if (wdf_param_reserved(e->key))
		wdf_find(l->d, WDF_RESERVED, e->pos, e->span, "'%s' is reserved", shown);
	else if (!wdf_param_name_ok(e->key))
		wdf_hint(wdf_find(l->d, WDF_NAME, e->pos, e->span, "'%s' is not the name of a fan-out", shown),
			 "a letter, then letters, digits and '_'");
	i = wf_strmap_get(&l->params, e->key);
	p = i != WF_STRMAP_NONE ? &l->w->params[i] : NULL;
	if (p)
		wdf_related(wdf_find(l->d, WDF_SAME_NAME, e->pos, e->span, "'%s' is a parameter too", shown), p->pos,
			    "declared here");
}

static int64_t known_length(const struct wdf_dim *d)
{
	if (d->kind == WDF_DIM_LIST)
		return d->list.count;
	if (d->kind == WDF_DIM_RANGE)
		return d->last == d->first - 1 ? 0 : (d->last - d->first) / d->step + 1;
	return -1;
}

void wdf_load_dims(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s)
{
	const struct wdf_dim *first = NULL;

	if (!wdf_is_map(l, e, "{seed: [1, 2, 3]}"))
		return;
	if (!e->value.count) {
		wdf_hint(wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'foreach' names nothing"),
			 "write it like {seed: [1, 2, 3]}");
		return;
	}
	if (!wdf_is_few(l, e, WDF_MOST_DIMS))
		return;
	s->dims = wf_arena_alloc(l->a, e->value.count * sizeof(*s->dims));
	for (uint32_t i = 0; i < e->value.count; i++) {
		const struct wdf_entry *item = &e->value.entries[i];
		struct wdf_dim *d = &s->dims[s->dim_count++];

		check_dim_name(l, item);
		d->name = wf_arena_strdup(l->a, item->key);
		d->pos = item->pos;
		if (item->value.kind == WDF_NODE_MAP)
			read_mapping(l, item, d);
		else
			read_values(l, item, d);
	}
	for (uint32_t i = 0; i < s->dim_count && s->zip; i++) {
		const struct wdf_dim *d = &s->dims[i];

		if (known_length(d) < 0)
			continue;
		if (first && known_length(first) != known_length(d))
			wdf_related(wdf_find(l->d, WDF_LENGTHS, d->pos, (uint32_t)strlen(d->name),
					     "'%s' has %lld values and '%s' has %lld", d->name,
					     (long long)known_length(d), first->name, (long long)known_length(first)),
				    first->pos, "'%s' is given here", first->name);
		else if (!first)
			first = d;
	}
}
