/* dot.c - owns the picture in Graphviz's language; knows nothing of coordinates: dot finds its own.
 */
#include "dag/graph.h"

static void quoted(struct wf_buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			wf_buf_char(out, '\\');
		if (*s == '\n')
			wf_buf_str(out, "\\n");
		else
			wf_buf_char(out, *s);
	}
}

static void node(const struct dag *d, uint32_t i, const char *state, struct wf_buf *out)
{
	const struct dag_instance *in = &d->instances[i];

	wf_buf_printf(out, "\tn%u [label=\"", i);
	quoted(out, in->name);
	if (in->fans_out && in->count == DAG_UNSIZED)
		wf_buf_str(out, " x ?");
	else if (in->fans_out)
		wf_buf_printf(out, " x %u", in->count);
	if (state) {
		wf_buf_str(out, "\\n");
		quoted(out, state);
	}
	wf_buf_str(out, in->fans_out ? "\", peripheries=2];\n" : "\"];\n");
}

/* Data dashed, lists dotted; the label says what is not the rule: how indices pair, and which
 * result. */
static void edge(const struct dag_dep *dep, struct wf_buf *out)
{
	const char *kind = dep->kind == DAG_ALL ? "" : kind_word(dep->kind);
	const char *result = dep->result == WDF_SUCCESS ? "" : result_word(dep->result);

	wf_buf_printf(out, "\tn%u -> n%u", dep->from, dep->to);
	if (*kind || *result || dep->cause != DAG_BY_AFTER)
		wf_buf_printf(out, " [label=\"%s%s%s\"%s]", kind, *kind && *result ? " " : "",
			      result,
			      dep->cause == DAG_BY_DATA	  ? ", style=dashed"
			      : dep->cause == DAG_BY_LIST ? ", style=dotted"
							  : "");
	wf_buf_str(out, ";\n");
}

static void services(const struct dag *d, struct wf_buf *out)
{
	const struct wdf *w = d->wdf;

	for (uint32_t s = 0; s < w->service_count; s++) {
		wf_buf_printf(out, "\ts%u [label=\"", s);
		quoted(out, w->services[s].name);
		wf_buf_str(out, "\\n");
		quoted(out, w->services[s].type);
		if (w->services[s].scope == WDF_SCOPE_STEP || w->services[s].scope == WDF_SCOPE_TASK)
			wf_buf_printf(out, "\\none for each %s", wdf_scope_name(w->services[s].scope));
		wf_buf_str(out, "\", shape=cylinder];\n");
		for (uint32_t k = 0; k < w->services[s].after_count; k++) {
			const struct wdf_after *a = &w->services[s].after[k];

			wf_buf_printf(out, "\t%s%u -> s%u;\n", a->step != NONE ? "n" : "s",
				      a->step != NONE ? a->step : a->service, s);
		}
	}
	for (uint32_t i = 0; i < d->instance_count; i++) {
		const struct wdf_step *step = &w->steps[d->instances[i].step];

		for (uint32_t k = 0; k < step->use_count; k++)
			wf_buf_printf(out, "\ts%u -> n%u [style=dotted, dir=none];\n",
				      step->uses[k].service, i);
	}
}

void dag_dot(const struct dag *d, const char *(*state_of)(uint32_t instance, void *arg), void *arg,
	     struct wf_buf *out)
{
	wf_buf_str(out, "digraph \"");
	quoted(out, d->wdf->name);
	wf_buf_str(out, "\" {\n\tnode [shape=box, style=rounded];\n");
	for (uint32_t i = 0; i < d->instance_count; i++)
		node(d, i, state_of ? state_of(i, arg) : NULL, out);
	for (uint32_t e = 0; e < d->dep_count; e++)
		edge(&d->deps[e], out);
	services(d, out);
	wf_buf_str(out, "}\n");
}
