/* encode.c - owns writing a graph down (stored.h); knows nothing of where it is kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dag/stored.h"

static void put_next(struct wf_buf *b, uint32_t v)
{
	wf_put_var(b, (uint64_t)(uint32_t)(v + 1));
}

/* ---- values ---------------------------------------------------------------------------- */

/* Nests as deep as the value, which its reader bounded. */
static void put_value(struct wf_buf *b, const struct wdf_value *v)
{
	uint64_t bits;

	wf_put_u8(b, (uint8_t)((unsigned)v->kind | (v->text ? STORED_HAS_TEXT : 0)));
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

/* ---- value arrays, each once ----------------------------------------------------------- */

struct array {
	const struct wdf_value *values; /* NULL: a range's */
	const struct dag_range *range;
	uint32_t count;
};

struct arrays {
	struct array *items;
	size_t count, cap;
	struct wf_idmap by_address; /* to item + 1 */
};

/* An empty array may lie at the address of another one. */
static int has_values(const struct dag_dim *dim)
{
	return (dim->values || dim->range) && dim->count && dim->count != DAG_UNSIZED;
}

/* What dimensions of one source have in common. */
static uint64_t address_of(const struct dag_dim *dim)
{
	return dim->values ? (uint64_t)(uintptr_t)dim->values : (uint64_t)(uintptr_t)dim->range;
}

static void add_array(struct arrays *s, const struct dag_dim *dim)
{
	uint64_t key = address_of(dim);
	size_t at;

	if (!has_values(dim))
		return;
	at = (size_t)(uintptr_t)wf_idmap_get(&s->by_address, key);
	if (!at) {
		s->items = wf_grow(s->items, &s->cap, s->count + 1, sizeof(*s->items));
		s->items[s->count++] = (struct array){ dim->values, dim->range, 0 };
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
	if (!a->values || is_range(a)) {
		wf_put_u8(b, STORED_RANGE);
		wf_put_var(b, a->count);
		wf_put_zig(b, a->values ? a->values[0].integer : a->range->first);
		wf_put_zig(b, a->values ? (int64_t)((uint64_t)a->values[1].integer - (uint64_t)a->values[0].integer)
					: a->range->step);
		return;
	}
	wf_put_u8(b, STORED_LISTED);
	wf_put_var(b, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		put_value(b, &a->values[i]);
}

/* ---- instances ------------------------------------------------------------------------- */

static void put_instance(struct wf_buf *b, const struct dag_instance *in,
			 const struct arrays *arrays)
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
		wf_put_var(b, has_values(dim) ? (uint64_t)(uintptr_t)wf_idmap_get(
							&arrays->by_address,
							address_of(dim))
					      : 0);
	}
}

/* ---- deps ------------------------------------------------------------------------------ */

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

/* ---- the whole ------------------------------------------------------------------------- */

void dag_encode(const struct dag *d, struct wf_buf *b)
{
	struct arrays arrays = { 0 };
	size_t start = b->len;

	for (uint32_t i = 0; i < d->instance_count; i++)
		for (uint32_t k = 0; k < d->instances[i].dim_count; k++)
			add_array(&arrays, &d->instances[i].dims[k]);
	wf_buf_add(b, STORED_MAGIC, STORED_MAGIC_LEN);
	wf_put_var(b, STORED_FORMAT);
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
