/* group.c - owns `by`: tasks of a parent grouped by equal values of some names of its fan-out;
 * knows nothing of what the groups wait for.
 *
 * Each name's values are numbered by equality, a task's numbers are folded into one, and that is
 * its group. Groups are numbered by first occurrence. A name may reach into a record: by: [s.site].
 */
#include "dag/graph.h"

#include <stdlib.h>
#include <string.h>

/* ---- equal values get equal numbers ---------------------------------------------------- */

struct value_set {
	const struct wdf_value **values;
	uint32_t *slots; /* value number + 1; 0 is free */
	size_t count, cap, slot_count;
};

static uint32_t value_hash(const struct wdf_value *v)
{
	double number;

	switch (v->kind) {
	case WDF_INT:
	case WDF_FLOAT: /* 1 and 1.0 are equal */
		number = v->kind == WDF_INT ? (double)v->integer : v->real;
		if (number == 0)
			number = 0; /* -0 too */
		return wf_hash(&number, sizeof(number));
	case WDF_STRING:
		return wf_hash(v->text, strlen(v->text));
	case WDF_BOOL:
		return v->truth ? 7 : 11;
	case WDF_NULL:
		return 13;
	case WDF_LIST:
	case WDF_RECORD:
		return 17 + v->count;
	}
	return 0;
}

static uint32_t *slot_of(struct value_set *s, const struct wdf_value *v)
{
	for (size_t i = value_hash(v) & (s->slot_count - 1);; i = (i + 1) & (s->slot_count - 1))
		if (!s->slots[i] || wdf_value_equal(s->values[s->slots[i] - 1], v))
			return &s->slots[i];
}

static uint32_t value_number(struct value_set *s, const struct wdf_value *v)
{
	uint32_t *slot;

	if ((s->count + 1) * 2 > s->slot_count) {
		s->slot_count = s->slot_count ? s->slot_count * 2 : 16;
		free(s->slots);
		s->slots = wf_xcalloc(s->slot_count, sizeof(*s->slots));
		for (size_t i = 0; i < s->count; i++)
			*slot_of(s, s->values[i]) = (uint32_t)i + 1;
	}
	slot = slot_of(s, v);
	if (!*slot) {
		s->values = wf_grow(s->values, &s->cap, s->count + 1, sizeof(*s->values));
		s->values[s->count++] = v;
		*slot = (uint32_t)s->count;
	}
	return *slot - 1;
}

/* ---- numbers of tasks ------------------------------------------------------------------ */

struct keyer {
	const struct wdf_after *by;
	struct value_set *sets; /* per name */
	struct wf_idmap *pairs; /* per name after the first: (number so far, number of value) to
				   number + 1 */
	uint32_t count;		/* groups */
};

static void keyer_init(struct keyer *k, const struct wdf_after *by)
{
	k->by = by;
	k->sets = wf_xcalloc(by->by_count, sizeof(*k->sets));
	k->pairs = wf_xcalloc(by->by_count, sizeof(*k->pairs));
	k->count = 0;
}

static void keyer_release(struct keyer *k)
{
	for (uint32_t i = 0; i < k->by->by_count; i++) {
		free(k->sets[i].values);
		free(k->sets[i].slots);
		wf_idmap_release(&k->pairs[i]);
	}
	free(k->sets);
	free(k->pairs);
}

static const struct wdf_value *reach(const struct wdf_value *v, const char *path)
{
	while (v && *path == '.') {
		size_t n = strcspn(path + 1, ".");

		v = v->kind == WDF_RECORD ? wdf_value_field(v, path + 1, n) : NULL;
		path += 1 + n;
	}
	return v;
}

static int no_name(struct draft *dr, const struct dag_instance *of, const struct dag_instance *to,
		   const struct wdf_after *a, const char *name)
{
	struct wdf_diag *f;
	const char **names = wf_xmalloc((of->dim_count + 1) * sizeof(*names)), *near;

	for (uint32_t i = 0; i < of->dim_count; i++)
		names[i] = of->dims[i].name;
	near = wf_nearest(name, names, of->dim_count);
	f = finding(dr->diags, "E0315", a->pos,
		    "step '%s' goes by '%s', which is not a name of the fan-out of '%s'", to->name,
		    name, of->name);
	if (near)
		finding_hint(f, "did you mean '%s'?", near);
	else if (!of->dim_count)
		finding_hint(f, "'%s' does not fan out", of->name);
	free(names);
	return -1;
}

/* A value that lives as long as the graph. */
static const struct wdf_value *kept_value(struct wf_arena *a, const struct dag_dim *dim, uint32_t i)
{
	return dag_dim_value(dim, i, dim->values ? NULL : wf_arena_alloc(a, sizeof(struct dag_room)));
}

/* Number of each value of the name's dimension. */
static int number_values(struct draft *dr, struct keyer *k, uint32_t n,
			 const struct dag_instance *of, const struct dag_instance *to,
			 const struct dag_dim **dim, uint32_t **numbers)
{
	const char *name = k->by->by[n];
	size_t base = strcspn(name, ".");

	*dim = graph_dim(of, name, base);
	if (!*dim)
		return no_name(dr, of, to, k->by, name);
	*numbers = wf_xmalloc((*dim)->count * sizeof(**numbers));
	/* Values that no task has must not take numbers: groups are counted by them. */
	for (uint32_t i = 0; of->count && i < (*dim)->count; i++) {
		const struct wdf_value *v = reach(kept_value(&dr->d->arena, *dim, i), name + base);

		if (!v)
			return no_name(dr, of, to, k->by, name);
		(*numbers)[i] = value_number(&k->sets[n], v);
	}
	return 0;
}

static uint32_t fold(struct wf_idmap *pairs, uint32_t a, uint32_t b)
{
	uint64_t key = ((uint64_t)a << 32 | b) + 1;
	void *v = wf_idmap_get(pairs, key);

	if (!v) {
		v = (void *)(uintptr_t)(pairs->count + 1);
		wf_idmap_set(pairs, key, v);
	}
	return (uint32_t)(uintptr_t)v - 1;
}

/* Group of each task of `of`; memory is the arena's. */
static uint32_t *keys_of(struct draft *dr, struct keyer *k, const struct dag_instance *of,
			 const struct dag_instance *to)
{
	uint32_t names = k->by->by_count,
		 *keys = wf_arena_alloc(&dr->d->arena, of->count * sizeof(*keys));
	const struct dag_dim **dims = wf_xcalloc(names, sizeof(*dims));
	uint32_t **numbers = wf_xcalloc(names, sizeof(*numbers)), failed = 0;

	for (uint32_t n = 0; n < names && !failed; n++)
		failed = number_values(dr, k, n, of, to, &dims[n], &numbers[n]) < 0;
	for (uint32_t i = 0; i < of->count && !failed; i++) {
		uint32_t key = numbers[0][i / dims[0]->stride % dims[0]->count];

		for (uint32_t n = 1; n < names; n++)
			key = fold(&k->pairs[n], key,
				   numbers[n][i / dims[n]->stride % dims[n]->count]);
		keys[i] = key;
		if (key >= k->count)
			k->count = key + 1;
	}
	for (uint32_t n = 0; n < names; n++)
		free(numbers[n]);
	free(numbers);
	free(dims);
	return failed ? NULL : keys;
}

/* ---- a fan-out made of groups ---------------------------------------------------------- */

static int is_same_by(const struct wdf_after *a, const struct wdf_after *b)
{
	if (a->by_count != b->by_count)
		return 0;
	for (uint32_t i = 0; i < a->by_count; i++)
		if (strcmp(a->by[i], b->by[i]) != 0)
			return 0;
	return 1;
}

/* One task that stands for a group. */
struct witness {
	const struct dag_instance *of;
	uint32_t index;
};

static const struct wdf_value *value_at(struct wf_arena *a, const struct witness *w, const char *name)
{
	const struct dag_dim *dim = graph_dim(w->of, name, strcspn(name, "."));

	return kept_value(a, dim, w->index / dim->stride % dim->count);
}

static int has_base(const char *name, const char *base, size_t n)
{
	return strncmp(name, base, n) == 0 && (!name[n] || name[n] == '.');
}

/* The record that holds what was grouped by, for names like s.site and s.year. A field deeper down
 * keeps its full name's last part. */
static struct wdf_value grouped_record(struct wf_arena *a, const struct wdf_after *by,
				       const char *base, size_t n, const struct witness *w)
{
	struct wdf_field *f = wf_arena_alloc(a, by->by_count * sizeof(*f));
	uint32_t count = 0;

	for (uint32_t i = 0; i < by->by_count; i++)
		if (has_base(by->by[i], base, n) && by->by[i][n]) {
			f[count].name = strrchr(by->by[i], '.') + 1;
			f[count++].value = *reach(value_at(a, w, by->by[i]), by->by[i] + n);
		}
	return (struct wdf_value){ .kind = WDF_RECORD, .count = count, .fields = f };
}

static void group_dims(struct draft *dr, struct dag_instance *in, const struct wdf_after *by,
		       const struct witness *w, uint32_t groups)
{
	struct wf_arena *a = &dr->d->arena;
	struct dag_dim *dims = wf_arena_alloc(a, by->by_count * sizeof(*dims));

	in->dims = dims;
	in->dim_count = 0;
	for (uint32_t i = 0; i < by->by_count; i++) {
		size_t n = strcspn(by->by[i], ".");
		struct wdf_value *values;

		if (graph_dim(in, by->by[i], n))
			continue;
		values = wf_arena_alloc(a, groups * sizeof(*values));
		for (uint32_t g = 0; g < groups; g++)
			values[g] = by->by[i][n] ? grouped_record(a, by, by->by[i], n, &w[g])
						 : *value_at(a, &w[g], by->by[i]);
		dims[in->dim_count++] = (struct dag_dim){ .name = wf_arena_strndup(a, by->by[i], n),
							  .values = values,
							  .count = groups,
							  .stride = 1 };
	}
	in->count = groups;
}

int group_expand(struct draft *dr, uint32_t i)
{
	struct dag_instance *in = &dr->d->instances[i], *all = dr->d->instances;
	const struct wdf_step *s = &dr->d->wdf->steps[in->step];
	const struct wdf_after *by = NULL;
	struct witness *witnesses = NULL;
	size_t cap = 0;
	struct keyer k;
	int failed = 0;

	in->count = 1;
	in->dims_of = i;
	for (uint32_t a = 0; a < s->after_count; a++) {
		const struct dag_instance *from = &all[s->after[a].step];

		if (!s->after[a].by_count)
			continue;
		in->fans_out = 1;
		if (!by)
			by = &s->after[a];
		if (!is_same_by(by, &s->after[a])) {
			finding_related(finding(dr->diags, "E0315", s->after[a].pos,
						"step '%s' goes by different names of two steps",
						s->name),
					by->pos, "the other names");
			return -1;
		}
		if (from->count == DAG_UNSIZED) {
			in->count = DAG_UNSIZED;
			in->sized_by = from->sized_by;
		}
	}
	if (!by || in->count == DAG_UNSIZED)
		return 0;
	keyer_init(&k, by);
	for (uint32_t a = 0; a < s->after_count && !failed; a++) {
		const struct dag_instance *from = &all[s->after[a].step];
		uint32_t known = k.count, *keys;

		if (!s->after[a].by_count)
			continue;
		keys = keys_of(dr, &k, from, in);
		failed = !keys;
		witnesses = wf_grow(witnesses, &cap, k.count + 1, sizeof(*witnesses));
		for (uint32_t t = 0; t < from->count && !failed; t++)
			if (keys[t] == known)
				witnesses[known++] = (struct witness){ from, t };
	}
	if (!failed)
		group_dims(dr, in, by, witnesses, k.count);
	free(witnesses);
	keyer_release(&k);
	return failed ? -1 : 0;
}

/* Both ends have their size: number the tasks of `to` first, so that a fan-out made of groups has
 * task g in group g. */
int group_connect(struct draft *dr, uint32_t i, const struct wdf_after *a, struct dag_dep *dep)
{
	const struct dag_instance *to = &dr->d->instances[i], *from = &dr->d->instances[dep->from];
	uint32_t *size;
	struct keyer k;
	int failed;

	keyer_init(&k, a);
	dep->to_group = keys_of(dr, &k, to, to);
	dep->from_group = dep->to_group ? keys_of(dr, &k, from, to) : NULL;
	failed = !dep->from_group;
	if (!failed) {
		size = wf_arena_alloc(&dr->d->arena, k.count * sizeof(*size));
		for (uint32_t t = 0; t < from->count; t++)
			size[dep->from_group[t]]++;
		dep->group_size = size;
		dep->group_count = k.count;
	}
	keyer_release(&k);
	return failed ? -1 : 0;
}

void group_members(const uint32_t *group, uint32_t n, uint32_t groups, uint32_t **at,
		   uint32_t **member)
{
	uint32_t *a = wf_xcalloc((size_t)groups + 2, sizeof(*a)), *m = wf_xmalloc(n * sizeof(*m));

	for (uint32_t i = 0; i < n; i++)
		a[group[i] + 2]++;
	for (uint32_t i = 2; i < groups + 2; i++)
		a[i] += a[i - 1];
	for (uint32_t i = 0; i < n; i++)
		m[a[group[i] + 1]++] = i;
	*at = a;
	*member = m;
}
