/* scope.c - owns which names a task's templates can see; knows nothing of what they are used for.
 */
#include "dag/graph.h"

#include <stdio.h>
#include <string.h>

static int is_name(const char *s, const char *name, size_t n)
{
	return strncmp(s, name, n) == 0 && !s[n];
}

const struct dag_dim *graph_dim(const struct dag_instance *in, const char *name, size_t n)
{
	for (uint32_t i = 0; i < in->dim_count; i++)
		if (is_name(in->dims[i].name, name, n))
			return &in->dims[i];
	return NULL;
}

static void number_text(char text[24], int64_t v)
{
	const char *digits = wf_u64_text(text, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	memmove(text + (v < 0), digits, strlen(digits) + 1);
	if (v < 0)
		text[0] = '-';
}

const struct wdf_value *dag_dim_value(const struct dag_dim *dim, uint32_t i, struct dag_room *room)
{
	if (dim->values)
		return &dim->values[i];
	room->value = (struct wdf_value){ .kind = WDF_INT, .text = room->text };
	room->value.integer = dim->range->first + (int64_t)i * dim->range->step;
	number_text(room->text, room->value.integer);
	return &room->value;
}

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	struct dag_scope *s = self;
	const struct wdf *w = s->dag->wdf;
	const struct dag_instance *in = &s->dag->instances[s->instance];
	const struct dag_dim *dim = graph_dim(in, name, n);

	if (dim && dim->count != DAG_UNSIZED) {
		*out = *dag_dim_value(dim, s->index / dim->stride % dim->count, &s->room[(dim - in->dims) % DAG_COMPUTED]);
		return 0;
	}
	for (uint32_t i = 0; !dim && i < w->param_count; i++)
		if (is_name(w->params[i].name, name, n)) {
			*out = w->params[i].value;
			return 0;
		}
	return s->next && !dim ? s->next->lookup(s->next->self, name, n, out) : -1;
}

struct wdf_scope dag_scope_of(struct dag_scope *s)
{
	return (struct wdf_scope){ .lookup = lookup, .self = s };
}

void dag_task_values(const struct dag *d, uint32_t instance, uint32_t index,
		     void (*fn)(const char *name, const struct wdf_value *v, void *arg), void *arg)
{
	const struct dag_instance *in = &d->instances[instance];

	WF_ASSERT(index < in->count && in->count != DAG_UNSIZED);
	for (uint32_t i = 0; i < in->dim_count; i++) {
		const struct dag_dim *dim = &in->dims[i];
		struct dag_room room;

		fn(dim->name, dag_dim_value(dim, index / dim->stride % dim->count, &room), arg);
	}
}
