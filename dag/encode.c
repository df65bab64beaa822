/* encode.c - owns the stored form of a graph; knows nothing of where it is stored.
 *
 * What was expanded is stored: values, counts, ordinals, edges. What follows from that and from the workflow (order, parts, weights, the other
 * direction of listed edges) is made again. Numbers are varints; a range is stored as one; NONE and DAG_UNSIZED are 0 and
 * everything else one more. A CRC-32C ends it, and still nothing read is believed before it is in its bounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"

enum { FORMAT = 1, DEEPEST = WDF_MAX_DEPTH + 8, RANGE = 1, LISTED = 0 };
enum { HAS_TEXT = 16 };
static const char magic[4] = "WDAG";

static void put_next(struct wf_buf *b, uint32_t v)
{
	wf_put_var(b, (uint64_t)(uint32_t)(v + 1));
}

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

/* ---- values ------------------------------------------------------------------------------------------- */

/* Nests as deep as the value, which its reader bounded. */
static void put_value(struct wf_buf *b, const struct wdf_value *v)
{
	uint64_t bits;

	wf_put_u8(b, (uint8_t)((unsigned)v->kind | (v->text ? HAS_TEXT : 0)));
	if (v->text)
		wf_put_cstr(b, v->text);
	switch (v->kind) {
	case WDF_NULL:
	case WDF_STRING:
		break;
	case WDF_BOOL:
		wf_put_u8(b, v->truth != 0);
		break;
	case WDF_INT:
		wf_put_zig(b, v->integer);
		break;
	case WDF_FLOAT:
		memcpy(&bits, &v->real, sizeof(bits));
		wf_put_u64(b, bits);
		break;
	case WDF_LIST:
		wf_put_var(b, v->count);
		for (uint32_t i = 0; i < v->count; i++)
			put_value(b, &v->items[i]);
		break;
	case WDF_RECORD:
		wf_put_var(b, v->count);
		for (uint32_t i = 0; i < v->count; i++) {
			wf_put_cstr(b, v->fields[i].name);
			put_value(b, &v->fields[i].value);
		}
		break;
	}
}

static struct wdf_value get_value(struct wf_rd *r, struct wf_arena *a, int depth)
{
	struct wdf_value v = { 0 };
	unsigned head = wf_get_u8(r);
	uint64_t bits;

	if (depth > DEEPEST || (head & ~(unsigned)HAS_TEXT) > WDF_RECORD)
		r->bad = 1;
	if (r->bad)
		return v;
	v.kind = (enum wdf_kind)(head & ~(unsigned)HAS_TEXT);
	if (head & HAS_TEXT)
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

/* ---- value arrays, each once ------------------------------------------------------------------------------ */

struct array {
	const struct wdf_value *values;
	uint32_t count;
};

struct arrays {
	struct array *items;
	size_t count, cap;
	struct wf_idmap by_address;    /* to item + 1 */
};

/* An empty array may lie at the address of another one. */
static int has_values(const struct dag_dim *dim)
{
	return dim->values && dim->count && dim->count != DAG_UNSIZED;
}

static void add_array(struct arrays *s, const struct dag_dim *dim)
{
	uint64_t key = (uint64_t)(uintptr_t)dim->values;
	size_t at;

	if (!has_values(dim))
		return;
	at = (size_t)(uintptr_t)wf_idmap_get(&s->by_address, key);
	if (!at) {
		s->items = wf_grow(s->items, &s->cap, s->count + 1, sizeof(*s->items));
		s->items[s->count++] = (struct array){ dim->values, 0 };
		at = s->count;
		wf_idmap_set(&s->by_address, key, (void *)(uintptr_t)at);
	}
	if (dim->count > s->items[at - 1].count)
		s->items[at - 1].count = dim->count;
}

static int is_range(const struct array *a)
{
	char text[24];
	const struct wdf_value *v = a->values;

	for (uint32_t i = 0; i < a->count; i++) {
		if (v[i].kind != WDF_INT || !v[i].text ||
		    (i > 1 && (uint64_t)v[i].integer - (uint64_t)v[i - 1].integer !=
				      (uint64_t)v[1].integer - (uint64_t)v[0].integer))
			return 0;
		snprintf(text, sizeof(text), "%lld", (long long)v[i].integer);
		if (strcmp(text, v[i].text) != 0)
			return 0;
	}
	return a->count > 1;
}

static void put_array(struct wf_buf *b, const struct array *a)
{
	if (is_range(a)) {
		wf_put_u8(b, RANGE);
		wf_put_var(b, a->count);
		wf_put_zig(b, a->values[0].integer);
		wf_put_zig(b, (int64_t)((uint64_t)a->values[1].integer - (uint64_t)a->values[0].integer));
		return;
	}
	wf_put_u8(b, LISTED);
	wf_put_var(b, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		put_value(b, &a->values[i]);
}

static struct array get_array(struct wf_rd *r, struct wf_arena *a)
{
	struct array x = { NULL, 0 };

	if (wf_get_u8(r) == RANGE) {
		uint32_t n = get_u32(r);
		int64_t first = wf_get_zig(r), step = wf_get_zig(r), last;

		if (n > DAG_MAX_TASKS || __builtin_mul_overflow((int64_t)n, step, &last) ||
		    __builtin_add_overflow(first, last, &last))
			r->bad = 1;
		if (!r->bad)
			x = (struct array){ range_values(a, first, step, n), n };
	} else {
		uint32_t n = get_count(r);
		struct wdf_value *v = wf_arena_alloc(a, n * sizeof(*v));

		for (uint32_t i = 0; i < n && !r->bad; i++)
			v[i] = get_value(r, a, 0);
		x = (struct array){ v, n };
	}
	return x;
}

/* ---- instances ---------------------------------------------------------------------------------------------- */

static void put_instance(struct wf_buf *b, const struct dag_instance *in, const struct arrays *arrays)
{
	wf_put_cstr(b, in->name);
	wf_put_var(b, in->step);
	wf_put_var(b, in->first);
	put_next(b, in->count);
	wf_put_u8(b, in->fans_out);
	wf_put_var(b, in->dims_of);
	put_next(b, in->sized_by);
	wf_put_var(b, in->dim_count);
	for (uint32_t i = 0; i < in->dim_count; i++) {
		const struct dag_dim *dim = &in->dims[i];

		wf_put_cstr(b, dim->name);
		put_next(b, dim->count);
		wf_put_var(b, dim->stride);
		wf_put_var(b, has_values(dim) ?
				      (uint64_t)(uintptr_t)wf_idmap_get(&arrays->by_address,
									(uint64_t)(uintptr_t)dim->values) :
				      0);
	}
}

static int is_name_of(const char *name, const char *step)
{
	size_t n = strlen(step);

	return strncmp(name, step, n) == 0 && (!name[n] || name[n] == '_');
}

static void get_dim(struct wf_rd *r, struct dag *d, const struct arrays *arrays, const struct dag_instance *in,
		    struct dag_dim *dim)
{
	uint32_t ref;

	dim->name = get_text(r, &d->arena);
	dim->count = get_next(r);
	dim->stride = get_u32(r);
	ref = get_u32(r);
	if (ref > arrays->count || !dim->stride)
		r->bad = 1;
	else if (ref)
		dim->values = arrays->items[ref - 1].values;
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
	for (uint32_t k = 0; k < in->dim_count && !r->bad; k++)
		get_dim(r, d, arrays, in, &dims[k]);
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

/* ---- deps ------------------------------------------------------------------------------------------------------ */

static void put_dep(struct wf_buf *b, const struct dag *d, const struct dag_dep *dep)
{
	uint32_t from_count = d->instances[dep->from].count, to_count = d->instances[dep->to].count;

	wf_put_var(b, dep->from);
	wf_put_var(b, dep->to);
	wf_put_u8(b, (uint8_t)dep->kind);
	wf_put_u8(b, (uint8_t)dep->result);
	wf_put_u8(b, (uint8_t)dep->cause);
	put_next(b, dep->after);
	if (dep->kind == DAG_BY) {
		wf_put_u8(b, dep->from_group != NULL);
		wf_put_var(b, dep->group_count);
		for (uint32_t i = 0; dep->from_group && i < from_count; i++)
			wf_put_var(b, dep->from_group[i]);
		for (uint32_t i = 0; dep->from_group && i < to_count; i++)
			wf_put_var(b, dep->to_group[i]);
	} else if (dep->kind == DAG_SOME) {
		for (uint32_t i = 0; i < to_count; i++) {
			uint32_t before = 0;

			wf_put_var(b, dep->pred_offset[i + 1] - dep->pred_offset[i]);
			for (uint32_t k = dep->pred_offset[i]; k < dep->pred_offset[i + 1]; k++) {
				wf_put_var(b, dep->pred[k] - before);
				before = dep->pred[k];
			}
		}
	}
}

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

	if (from_count == DAG_UNSIZED || to_count == DAG_UNSIZED || to_count > (size_t)(r->end - r->p)) {
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

	if (from >= d->instance_count || to >= d->instance_count || kind > DAG_SOME || result > WDF_START ||
	    cause > DAG_BY_LIST || (kind == DAG_EACH && d->instances[from].count != DAG_UNSIZED &&
				    d->instances[to].count != DAG_UNSIZED &&
				    d->instances[from].count != d->instances[to].count))
		r->bad = 1;
	if (r->bad)
		return;
	dep = draft_dep(dr, from, to, (enum dag_dep_kind)kind, (enum wdf_result)result, (enum dag_dep_cause)cause);
	dep->after = get_next(r);
	if (dep->after != NONE && dep->after >= d->wdf->steps[d->instances[to].step].after_count)
		r->bad = 1;
	else if (dep->kind == DAG_BY)
		get_by(r, d, dep);
	else if (dep->kind == DAG_SOME)
		get_some(r, d, dep);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

void dag_encode(const struct dag *d, struct wf_buf *b)
{
	struct arrays arrays = { 0 };
	size_t start = b->len;

	for (uint32_t i = 0; i < d->instance_count; i++)
		for (uint32_t k = 0; k < d->instances[i].dim_count; k++)
			add_array(&arrays, &d->instances[i].dims[k]);
	wf_buf_add(b, magic, sizeof(magic));
	wf_put_var(b, FORMAT);
	wf_put_cstr(b, d->workdir);
	wf_put_var(b, arrays.count);
	for (size_t i = 0; i < arrays.count; i++)
		put_array(b, &arrays.items[i]);
	wf_put_var(b, d->task_count);
	wf_put_var(b, d->instance_count);
	for (uint32_t i = 0; i < d->instance_count; i++)
		put_instance(b, &d->instances[i], &arrays);
	wf_put_var(b, d->dep_count);
	for (uint32_t i = 0; i < d->dep_count; i++)
		put_dep(b, d, &d->deps[i]);
	wf_put_u32(b, wf_crc32c(0, b->data + start, b->len - start));
	free(arrays.items);
	wf_idmap_release(&arrays.by_address);
}

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

	if (n < sizeof(magic) + 4 || memcmp(p, magic, sizeof(magic)) != 0) {
		wf_errf(err, WF_CORRUPT, "the stored graph of '%s' does not begin as one", w->name);
		return NULL;
	}
	wf_rd_init(&r, (const uint8_t *)p + n - 4, 4);
	crc = wf_get_u32(&r);
	if (crc != wf_crc32c(0, p, n - 4)) {
		wf_errf(err, WF_CORRUPT, "the stored graph of '%s' does not match its checksum", w->name);
		return NULL;
	}
	wf_rd_init(&r, (const uint8_t *)p + sizeof(magic), n - sizeof(magic) - 4);
	format = wf_get_var(&r);
	if (format != FORMAT) {
		wf_errf(err, WF_CORRUPT, "the stored graph of '%s' has format %llu, this version reads %d", w->name,
			(unsigned long long)format, FORMAT);
		return NULL;
	}
	d = dr.d = wf_xcalloc(1, sizeof(*d));
	d->wdf = w;
	get_all(&r, &dr, &arrays);
	if (r.bad) {
		wf_errf(err, WF_CORRUPT, "the stored graph of '%s' is damaged or of another workflow", w->name);
		dag_free(d);
		d = NULL;
	}
	free(arrays.items);
	free(dr.deps);
	return d;
}
