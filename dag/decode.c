/* decode.c - owns reading a graph back (stored.h); believes nothing before it is in its bounds,
 * checksum or not. */
#include <stdlib.h>
#include <string.h>

#include "dag/stored.h"

enum { DEEPEST = WDF_MAX_DEPTH + 8 };

static uint32_t get_u32(struct wf_rd *r)
{
	uint64_t v = wf_get_var(r);

	if (v > UINT32_MAX)
		r->bad = 1;
	return r->bad ? 0 : (uint32_t)v;
}

static uint32_t get_next(struct wf_rd *r)
{
	return get_u32(r) - 1;
}

/* A number of things that take at least a byte each. */
static uint32_t get_count(struct wf_rd *r)
{
	uint32_t n = get_u32(r);

	if (n > (size_t)(r->end - r->p))
		r->bad = 1;
	return r->bad ? 0 : n;
}

static const char *get_text(struct wf_rd *r, struct wf_arena *a)
{
	size_t n;
	const char *s = wf_get_bytes(r, &n);

	return wf_arena_strndup(a, s, n);
}

/* ---- values -------------------------------------------------------------------------- */

static struct wdf_value get_value(struct wf_rd *r, struct wf_arena *a, int depth)
{
	struct wdf_value v = { 0 };
	unsigned head = wf_get_u8(r);
	uint64_t bits;

	if (depth > DEEPEST || (head & ~(unsigned)STORED_HAS_TEXT) > WDF_RECORD)
		r->bad = 1;
	if (r->bad)
		return v;
	v.kind = (enum wdf_kind)(head & ~(unsigned)STORED_HAS_TEXT);
	if (head & STORED_HAS_TEXT)
		v.text = get_text(r, a);
	switch (v.kind) {
	case WDF_NULL:
		break;
	case WDF_STRING:
		if (!v.text)
			r->bad = 1;
		break;
	case WDF_BOOL:
		v.truth = wf_get_u8(r);
		break;
	case WDF_INT:
		v.integer = wf_get_zig(r);
		break;
	case WDF_FLOAT:
		bits = wf_get_u64(r);
		memcpy(&v.real, &bits, sizeof(bits));
		break;
	case WDF_LIST: {
		uint32_t n = get_count(r);
		struct wdf_value *items = wf_arena_alloc(a, n * sizeof(*items));

		for (uint32_t i = 0; i < n && !r->bad; i++)
			items[i] = get_value(r, a, depth + 1);
		v.items = items;
		v.count = n;
		break;
	}
	case WDF_RECORD: {
		uint32_t n = get_count(r);
		struct wdf_field *fields = wf_arena_alloc(a, n * sizeof(*fields));

		for (uint32_t i = 0; i < n && !r->bad; i++) {
			fields[i].name = get_text(r, a);
			fields[i].value = get_value(r, a, depth + 1);
		}
		v.fields = fields;
		v.count = n;
		break;
	}
	}
	return v;
}

/* ---- value arrays -------------------------------------------------------------------- */

struct array {
	const struct wdf_value *values;
	struct dag_range *range;
	uint32_t count;
};

struct arrays {
	struct array *items;
	size_t count;
};

static struct array get_array(struct wf_rd *r, struct wf_arena *a)
{
	struct array x = { 0 };

	if (wf_get_u8(r) == STORED_RANGE) {
		uint32_t n = get_u32(r);
		int64_t first = wf_get_zig(r), step = wf_get_zig(r), last;

		if (n > DAG_MAX_TASKS || __builtin_mul_overflow((int64_t)n, step, &last) ||
		    __builtin_add_overflow(first, last, &last))
			r->bad = 1;
		if (!r->bad)
			x = (struct array){ .range = wf_arena_alloc(a, sizeof(*x.range)), .count = n };
		if (x.range)
			*x.range = (struct dag_range){ first, step };
	} else {
		uint32_t n = get_count(r);
		struct wdf_value *v = wf_arena_alloc(a, n * sizeof(*v));

		for (uint32_t i = 0; i < n && !r->bad; i++)
			v[i] = get_value(r, a, 0);
		x = (struct array){ .values = v, .count = n };
	}
	return x;
}

/* ---- instances ----------------------------------------------------------------------- */

static int is_name_of(const char *name, const char *step)
{
	size_t n = strlen(step);

	return strncmp(name, step, n) == 0 && (!name[n] || name[n] == '_');
}

static void get_dim(struct wf_rd *r, struct dag *d, const struct arrays *arrays,
		    const struct dag_instance *in, struct dag_dim *dim)
{
	uint32_t ref;

	dim->name = get_text(r, &d->arena);
	dim->count = get_next(r);
	dim->stride = get_u32(r);
	ref = get_u32(r);
	if (ref > arrays->count || !dim->stride) {
		r->bad = 1;
	} else if (ref) {
		dim->values = arrays->items[ref - 1].values;
		dim->range = arrays->items[ref - 1].range;
	}
	/* Whoever has tasks has a value for each of them. */
	if (!r->bad && in->count && in->count != DAG_UNSIZED &&
	    (!ref || !dim->count || dim->count > arrays->items[ref - 1].count))
		r->bad = 1;
}

static void get_instance(struct wf_rd *r, struct dag *d, const struct arrays *arrays, uint32_t i)
{
	struct dag_instance *in = &d->instances[i];
	struct dag_dim *dims;

	in->name = get_text(r, &d->arena);
	in->step = get_u32(r);
	in->first = get_u32(r);
	in->count = get_next(r);
	in->fans_out = wf_get_u8(r);
	in->dims_of = get_u32(r);
	in->sized_by = get_next(r);
	in->dim_count = get_count(r);
	if (in->step >= d->wdf->step_count || in->dims_of >= d->instance_count ||
	    (in->sized_by != NONE && in->sized_by >= d->instance_count) ||
	    (in->count != DAG_UNSIZED && in->count > DAG_MAX_TASKS))
		r->bad = 1;
	if (r->bad)
		return;
	if (!is_name_of(in->name, d->wdf->steps[in->step].name))
		r->bad = 1;
	dims = wf_arena_alloc(&d->arena, in->dim_count * sizeof(*dims));
	for (uint32_t k = 0; k < in->dim_count && !r->bad; k++) {
		get_dim(r, d, arrays, in, &dims[k]);
		if (!r->bad && k >= DAG_COMPUTED && dims[k].range && dims[k].count != DAG_UNSIZED)
			range_list(&d->arena, &dims[k]);
	}
	in->dims = dims;
	in->time_ms = d->wdf->steps[in->step].resources.time_ms;
	d->timed |= in->time_ms > 0;
}

/* Ordinals must be 0 .. task_count - 1, each once. */
static int ordinals_fit(const struct dag *d)
{
	uint64_t at = 0;

	for (uint32_t k = 0; k < d->sized_count; k++) {
		if (d->instances[d->sized[k]].first != at)
			return 0;
		at += d->instances[d->sized[k]].count;
	}
	return at == d->task_count;
}

/* ---- deps ---------------------------------------------------------------------------- */

static uint32_t *get_groups(struct wf_rd *r, struct dag *d, uint32_t n, uint32_t groups)
{
	uint32_t *g = wf_arena_alloc(&d->arena, n * sizeof(*g));

	for (uint32_t i = 0; i < n && !r->bad; i++) {
		g[i] = get_u32(r);
		if (g[i] >= groups)
			r->bad = 1;
	}
	return g;
}

static void get_by(struct wf_rd *r, struct dag *d, struct dag_dep *dep)
{
	const struct dag_instance *from = &d->instances[dep->from], *to = &d->instances[dep->to];
	int known = wf_get_u8(r);
	uint32_t *size;

	dep->group_count = get_u32(r);
	if (known != (from->count != DAG_UNSIZED && to->count != DAG_UNSIZED) ||
	    (known && dep->group_count > from->count + to->count))
		r->bad = 1;
	if (r->bad || !known)
		return;
	dep->from_group = get_groups(r, d, from->count, dep->group_count);
	dep->to_group = get_groups(r, d, to->count, dep->group_count);
	if (r->bad)
		return;
	size = wf_arena_alloc(&d->arena, dep->group_count * sizeof(*size));
	for (uint32_t i = 0; i < from->count; i++)
		size[dep->from_group[i]]++;
	dep->group_size = size;
}

static void get_some(struct wf_rd *r, struct dag *d, struct dag_dep *dep)
{
	uint32_t from_count = d->instances[dep->from].count, to_count = d->instances[dep->to].count;
	uint32_t *offset, *pred = NULL;
	size_t count = 0, cap = 0;

	if (from_count == DAG_UNSIZED || to_count == DAG_UNSIZED ||
	    to_count > (size_t)(r->end - r->p)) {
		r->bad = 1;
		return;
	}
	offset = wf_arena_alloc(&d->arena, ((size_t)to_count + 1) * sizeof(*offset));
	for (uint32_t i = 0; i < to_count && !r->bad; i++) {
		uint32_t n = get_count(r);
		uint64_t at = 0;

		pred = wf_grow(pred, &cap, count + n, sizeof(*pred));
		for (uint32_t k = 0; k < n && !r->bad; k++) {
			uint32_t step = get_u32(r);

			at += step;
			if (at >= from_count || (k && !step))
				r->bad = 1;
			pred[count++] = (uint32_t)at;
		}
		offset[i + 1] = (uint32_t)count;
	}
	if (!r->bad) {
		uint32_t *kept = wf_arena_alloc(&d->arena, count * sizeof(*kept));

		if (count)
			memcpy(kept, pred, count * sizeof(*kept));
		dep->pred_offset = offset;
		dep->pred = kept;
		graph_turn(d, dep);
	}
	free(pred);
}

static void get_dep(struct wf_rd *r, struct draft *dr)
{
	struct dag *d = dr->d;
	uint32_t from = get_u32(r), to = get_u32(r);
	unsigned kind = wf_get_u8(r), result = wf_get_u8(r), cause = wf_get_u8(r);
	struct dag_dep *dep;

	if (from >= d->instance_count || to >= d->instance_count || kind > DAG_SOME ||
	    result > WDF_START || cause > DAG_BY_LIST ||
	    (kind == DAG_EACH && d->instances[from].count != DAG_UNSIZED &&
	     d->instances[to].count != DAG_UNSIZED &&
	     d->instances[from].count != d->instances[to].count))
		r->bad = 1;
	if (r->bad)
		return;
	dep = draft_dep(dr, from, to, (enum dag_dep_kind)kind, (enum wdf_result)result,
			(enum dag_dep_cause)cause);
	dep->after = get_next(r);
	if (dep->after != NONE && dep->after >= d->wdf->steps[d->instances[to].step].after_count)
		r->bad = 1;
	else if (dep->kind == DAG_BY)
		get_by(r, d, dep);
	else if (dep->kind == DAG_SOME)
		get_some(r, d, dep);
}

/* ---- the whole ----------------------------------------------------------------------- */

static void get_all(struct wf_rd *r, struct draft *dr, struct arrays *arrays)
{
	struct dag *d = dr->d;
	uint32_t deps;

	d->workdir = get_text(r, &d->arena);
	arrays->count = get_count(r);
	arrays->items = wf_xcalloc(arrays->count, sizeof(*arrays->items));
	for (size_t i = 0; i < arrays->count && !r->bad; i++)
		arrays->items[i] = get_array(r, &d->arena);
	d->task_count = get_u32(r);
	d->instance_count = get_count(r);
	d->instances = wf_arena_alloc(&d->arena, d->instance_count * sizeof(*d->instances));
	for (uint32_t i = 0; i < d->instance_count && !r->bad; i++)
		get_instance(r, d, arrays, i);
	deps = get_count(r);
	for (uint32_t i = 0; i < deps && !r->bad; i++)
		get_dep(r, dr);
	if (r->p != r->end)
		r->bad = 1;
	if (r->bad)
		return;
	graph_link(dr);
	if (!ordinals_fit(d))
		r->bad = 1;
	else
		weigh(d);
}

struct dag *dag_decode(const struct wdf *w, const void *p, size_t n, struct wf_err *err)
{
	struct dag *d;
	struct draft dr = { .resized = NONE };
	struct arrays arrays = { 0 };
	struct wf_rd r;
	uint64_t format;
	uint32_t crc;

	if (n < STORED_MAGIC_LEN + 4 || memcmp(p, STORED_MAGIC, STORED_MAGIC_LEN) != 0) {
		wf_errf(err, WF_CORRUPT, "the stored graph of '%s' does not begin as one", w->name);
		return NULL;
	}
	wf_rd_init(&r, (const uint8_t *)p + n - 4, 4);
	crc = wf_get_u32(&r);
	if (crc != wf_crc32c(0, p, n - 4)) {
		wf_errf(err, WF_CORRUPT, "the stored graph of '%s' does not match its checksum",
			w->name);
		return NULL;
	}
	wf_rd_init(&r, (const uint8_t *)p + STORED_MAGIC_LEN, n - STORED_MAGIC_LEN - 4);
	format = wf_get_var(&r);
	if (format != STORED_FORMAT) {
		wf_errf(err, WF_CORRUPT,
			"the stored graph of '%s' has format %llu, this version reads %d", w->name,
			(unsigned long long)format, STORED_FORMAT);
		return NULL;
	}
	d = dr.d = wf_xcalloc(1, sizeof(*d));
	d->wdf = w;
	get_all(&r, &dr, &arrays);
	if (r.bad) {
		wf_errf(err, WF_CORRUPT,
			"the stored graph of '%s' is damaged or of another workflow", w->name);
		dag_free(d);
		d = NULL;
	} else {
		graph_name(d);
		copies_find(d);
	}
	free(arrays.items);
	free(dr.deps);
	return d;
}
