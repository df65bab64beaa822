/* scope.c - owns which names a task's templates can see; knows nothing of what they are used for.
 */
#include "dag/graph.h"

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

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	const struct dag_scope *s = self;
	const struct wdf *w = s->dag->wdf;
	const struct dag_dim *dim = graph_dim(&s->dag->instances[s->instance], name, n);

	if (dim && dim->count != DAG_UNSIZED) {
		*out = dim->values[s->index / dim->stride % dim->count];
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

		fn(dim->name, &dim->values[index / dim->stride % dim->count], arg);
	}
}
