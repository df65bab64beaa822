/* expand.c - owns how a step fans out: names and values from `foreach`, or inherited index by
 * index; knows nothing of edges and ordinals. The fan-out by groups is group.c.
 *
 * Value arrays are made once per source: every step that names the same pattern or file, and every
 * step that inherits, points at the same array. The values of a range are computed.
 */
#include "dag/graph.h"

#include <string.h>

static const struct wdf_step *step_of(const struct draft *dr, uint32_t i)
{
	return &dr->d->wdf->steps[dr->d->instances[i].step];
}

/* ---- values from each kind of source --------------------------------------------------- */

static struct made *find_made(struct draft *dr, const struct wdf_dim *w)
{
	for (size_t i = 0; i < dr->made_count; i++) {
		struct made *m = &dr->made[i];

		if (m->kind != w->kind)
			continue;
		if (w->kind == WDF_DIM_RANGE ? m->range->first == w->first && m->range->step == w->step
					     : strcmp(m->source, w->source) == 0)
			return m;
	}
	return NULL;
}

static struct made *add_made(struct draft *dr, const struct wdf_dim *w,
			     const struct wdf_value *values, uint32_t count)
{
	struct made *m;

	dr->made = wf_grow(dr->made, &dr->made_cap, dr->made_count + 1, sizeof(*dr->made));
	m = &dr->made[dr->made_count++];
	*m = (struct made){ .source = w->source,
			    .kind = w->kind,
			    .values = values,
			    .count = count };
	return m;
}

void range_list(struct wf_arena *a, struct dag_dim *dim)
{
	struct wdf_value *v = wf_arena_alloc(a, dim->count * sizeof(*v));

	for (uint32_t i = 0; i < dim->count; i++) {
		struct dag_room room;

		v[i] = *dag_dim_value(dim, i, &room);
		v[i].text = wf_arena_strdup(a, room.text);
	}
	dim->values = v;
}

static int expand_range(struct draft *dr, const struct wdf_dim *w, struct dag_dim *dim)
{
	struct made *m = find_made(dr, w);
	uint64_t count = 0;

	WF_ASSERT(w->step != 0);
	if (w->step > 0 && w->last >= w->first)
		count = ((uint64_t)w->last - (uint64_t)w->first) / (uint64_t)w->step + 1;
	else if (w->step < 0 && w->last <= w->first)
		count = ((uint64_t)w->first - (uint64_t)w->last) /
				((uint64_t)0 - (uint64_t)w->step) +
			1;
	if (count > DAG_MAX_TASKS) {
		finding(dr->diags, "E0319", w->pos,
			"'%s' has %llu values, more than a run may have tasks (%u)", w->name,
			(unsigned long long)count, DAG_MAX_TASKS);
		return -1;
	}
	if (!m) {
		m = add_made(dr, w, NULL, 0);
		m->range = wf_arena_alloc(&dr->d->arena, sizeof(*m->range));
		*m->range = (struct dag_range){ w->first, w->step };
	}
	dim->range = m->range;
	dim->count = (uint32_t)count;
	return 0;
}

static struct wdf_value text_value(const char *text)
{
	return (struct wdf_value){ .kind = WDF_STRING, .text = text };
}

/* A path found by a pattern: a record that reads as the path itself. */
static struct wdf_value path_value(struct wf_arena *a, const char *path)
{
	struct wdf_field *f = wf_arena_alloc(a, 3 * sizeof(*f));
	const char *text = wf_arena_strdup(a, path), *slash = strrchr(text, '/');
	const char *name = slash ? slash + 1 : text, *dot = strrchr(name, '.');
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);

	f[0] = (struct wdf_field){ "name", text_value(name) };
	f[1] = (struct wdf_field){ "stem", text_value(wf_arena_strndup(a, name, stem)) };
	f[2] = (struct wdf_field){ "path", text_value(text) };
	return (struct wdf_value){ .kind = WDF_RECORD, .count = 3, .text = text, .fields = f };
}

static struct wdf_value row_value(struct wf_arena *a, json_t *row)
{
	uint32_t n = (uint32_t)json_object_size(row), i = 0;
	struct wdf_field *f = wf_arena_alloc(a, n * sizeof(*f));
	const char *key;
	json_t *v;

	json_object_foreach(row, key, v)
	{
		f[i].name = wf_arena_strdup(a, key);
		f[i++].value = json_is_string(v) ? wdf_value_of_text(a, json_string_value(v))
						 : wdf_value_of_json(a, v);
	}
	return (struct wdf_value){ .kind = WDF_RECORD, .count = n, .fields = f };
}

/* What the submitting side read for a pattern or a csv file. */
static int expand_source(struct draft *dr, const struct wdf_dim *w, struct dag_dim *dim)
{
	const char *kind = w->kind == WDF_DIM_GLOB ? "glob" : "csv";
	struct made *m = find_made(dr, w);
	json_t *list, *entry;
	size_t i;

	if (!m) {
		struct wf_arena *a = &dr->d->arena;
		struct wdf_value *v;

		list = json_object_get(json_object_get(dr->sources, kind), w->source);
		if (!json_is_array(list)) {
			finding_hint(finding(dr->diags, "E0320", w->pos,
					     "%s '%s' was not read before the submit", kind,
					     w->source),
				     "submit with 'wf submit', which reads it, or send its entries "
				     "in 'sources'");
			return -1;
		}
		v = wf_arena_alloc(a, json_array_size(list) * sizeof(*v));
		json_array_foreach(list, i, entry)
		{
			if (!(w->kind == WDF_DIM_GLOB ? json_is_string(entry)
						      : json_is_object(entry))) {
				finding(dr->diags, "E0320", w->pos,
					"entry %zu of %s '%s' is not a %s", i, kind, w->source,
					w->kind == WDF_DIM_GLOB ? "path" : "row");
				return -1;
			}
			v[i] = w->kind == WDF_DIM_GLOB ? path_value(a, json_string_value(entry))
						       : row_value(a, entry);
		}
		m = add_made(dr, w, v, (uint32_t)json_array_size(list));
	}
	dim->values = m->values;
	dim->count = m->count;
	return 0;
}

static int expand_dim(struct draft *dr, uint32_t i, const struct wdf_dim *w, struct dag_dim *dim)
{
	*dim = (struct dag_dim){ .name = w->name, .stride = 1 };
	switch (w->kind) {
	case WDF_DIM_LIST:
		dim->values = w->list.items;
		dim->count = w->list.count;
		return 0;
	case WDF_DIM_RANGE:
		return expand_range(dr, w, dim);
	case WDF_DIM_GLOB:
	case WDF_DIM_CSV:
		return expand_source(dr, w, dim);
	case WDF_DIM_FROM:
		dim->count = dr->resized == i ? dr->value_count : DAG_UNSIZED;
		dim->values = dr->resized == i ? dr->values : NULL;
		return 0;
	}
	return 0;
}

/* ---- combining ------------------------------------------------------------------------- */

static int combine_zip(struct draft *dr, uint32_t i, struct dag_dim *dims, uint32_t n,
		       uint32_t *count)
{
	const struct wdf_step *s = step_of(dr, i);

	*count = dims[0].count;
	for (uint32_t k = 1; k < n; k++) {
		if (dims[k].count == *count)
			continue;
		if (dims[k].count == DAG_UNSIZED || *count == DAG_UNSIZED) {
			*count = DAG_UNSIZED;
			continue;
		}
		finding(dr->diags, "E0218", s->dims[k].pos,
			"'%s' of step '%s' has %u values and '%s' has %u; 'zip' pairs lists of one "
			"length",
			dims[k].name, s->name, dims[k].count, dims[0].name, dims[0].count);
		return -1;
	}
	return 0;
}

static int combine_product(struct draft *dr, uint32_t i, struct dag_dim *dims, uint32_t n,
			   uint32_t *count)
{
	const struct wdf_step *s = step_of(dr, i);
	uint64_t total = 1;
	int unsized = 0;

	for (uint32_t k = n; k-- > 0;) {
		dims[k].stride = total ? (uint32_t)total : 1;
		if (dims[k].count == DAG_UNSIZED) {
			unsized = 1;
			continue;
		}
		total *= dims[k].count;
		if (total > DAG_MAX_TASKS) {
			finding_hint(finding(dr->diags, "E0319", s->pos,
					     "step '%s' fans out to more than %u tasks", s->name,
					     DAG_MAX_TASKS),
				     "let one task do more, or split the run");
			return -1;
		}
	}
	*count = unsized ? DAG_UNSIZED : (uint32_t)total;
	return 0;
}

static int expand_own(struct draft *dr, uint32_t i)
{
	struct dag_instance *in = &dr->d->instances[i];
	const struct wdf_step *s = step_of(dr, i);
	struct dag_dim *dims = wf_arena_alloc(&dr->d->arena, s->dim_count * sizeof(*dims));
	uint32_t lists = 0;

	for (uint32_t k = 0; k < s->dim_count; k++) {
		if (s->dims[k].kind == WDF_DIM_FROM && lists++) {
			finding(dr->diags, "E0315", s->dims[k].pos,
				"step '%s' fans out over two lists of other steps; one is the most",
				s->name);
			return -1;
		}
		if (expand_dim(dr, i, &s->dims[k], &dims[k]) < 0)
			return -1;
		if (k >= DAG_COMPUTED && dims[k].range)
			range_list(&dr->d->arena, &dims[k]);
	}
	if ((s->zip ? combine_zip(dr, i, dims, s->dim_count, &in->count)
		    : combine_product(dr, i, dims, s->dim_count, &in->count)) < 0)
		return -1;
	in->dims = dims;
	in->dim_count = s->dim_count;
	in->dims_of = i;
	in->fans_out = 1;
	in->sized_by = lists ? i : NONE;
	return 0;
}

/* The fan-out of the first parent by `each` whose size is known, else of the first. */
static uint32_t heir_of(const struct draft *dr, const struct wdf_step *s)
{
	uint32_t first = NONE;

	for (uint32_t k = 0; k < s->after_count; k++) {
		if (!s->after[k].each)
			continue;
		if (dr->d->instances[s->after[k].step].count != DAG_UNSIZED)
			return s->after[k].step;
		if (first == NONE)
			first = s->after[k].step;
	}
	return first;
}

static void inherit(struct draft *dr, uint32_t i, uint32_t parent)
{
	struct dag_instance *in = &dr->d->instances[i];
	const struct dag_instance *p = &dr->d->instances[parent];

	in->dims = p->dims;
	in->dim_count = p->dim_count;
	in->dims_of = p->dims_of;
	in->count = p->count;
	in->fans_out = p->fans_out;
	in->sized_by = p->sized_by;
}

/* Names of further parents by `each` are in reach too, unless a nearer one has the name. */
static void add_names(struct draft *dr, uint32_t i, const struct dag_instance *p)
{
	struct dag_instance *in = &dr->d->instances[i];
	struct dag_dim *dims;
	uint32_t n = in->dim_count, more = 0;

	for (uint32_t k = 0; k < p->dim_count; k++)
		more += !graph_dim(in, p->dims[k].name, strlen(p->dims[k].name));
	if (!more || p->count != in->count)
		return;
	dims = wf_arena_alloc(&dr->d->arena, (n + more) * sizeof(*dims));
	if (n)
		memcpy(dims, in->dims, n * sizeof(*dims));
	for (uint32_t k = 0; k < p->dim_count; k++)
		if (!graph_dim(in, p->dims[k].name, strlen(p->dims[k].name))) {
			dims[n] = p->dims[k];
			if (n >= DAG_COMPUTED && !dims[n].values && dims[n].range)
				range_list(&dr->d->arena, &dims[n]);
			n++;
		}
	in->dims = dims;
	in->dim_count = n;
}

int expand_instance(struct draft *dr, uint32_t i)
{
	struct dag_instance *in = &dr->d->instances[i];
	const struct wdf_step *s = step_of(dr, i);
	uint32_t parent = heir_of(dr, s);

	in->sized_by = NONE;
	if (s->dim_count) {
		if (expand_own(dr, i) < 0)
			return -1;
	} else if (parent != NONE) {
		inherit(dr, i, parent);
	} else if (group_expand(dr, i) < 0) {
		return -1;
	}
	for (uint32_t k = 0; k < s->after_count; k++)
		if (s->after[k].each && dr->d->instances[s->after[k].step].count != DAG_UNSIZED)
			add_names(dr, i, &dr->d->instances[s->after[k].step]);
	return 0;
}
