/* json.c - owns the graph as JSON with coordinates, as the web page draws it; knows nothing of
 * layout but its result. */
#include <stdlib.h>
#include <string.h>

#include "dag/graph.h"
#include "engine/base/json.h"

/* Distance of neighbours, in the units of the page; rows are centred. */
enum { ACROSS = 200, DOWN = 100 };

static json_t *text(const char *s)
{
	return wf_json_text(s, strlen(s));
}

static json_t *node(const struct dag *d, uint32_t i, uint32_t rank, uint32_t order, uint32_t row)
{
	const struct dag_instance *in = &d->instances[i];
	json_t *o = json_object();

	json_object_set_new(o, "id", json_integer(i));
	json_object_set_new(o, "name", text(in->name));
	json_object_set_new(o, "step", text(d->wdf->steps[in->step].name));
	json_object_set_new(o, "fans_out", json_boolean(in->fans_out));
	json_object_set_new(o, "count",
			    in->count == DAG_UNSIZED ? json_null() : json_integer(in->count));
	json_object_set_new(o, "rank", json_integer(rank));
	json_object_set_new(o, "order", json_integer(order));
	json_object_set_new(
		o, "x", json_integer((int64_t)order * ACROSS - (int64_t)(row - 1) * ACROSS / 2));
	json_object_set_new(o, "y", json_integer((int64_t)rank * DOWN));
	return o;
}

static json_t *nodes(const struct dag *d)
{
	uint32_t *rank = wf_xcalloc(d->instance_count, sizeof(*rank));
	uint32_t *order = wf_xcalloc(d->instance_count, sizeof(*order));
	uint32_t ranks = layout(d, rank, order), *row = wf_xcalloc(ranks, sizeof(*row));
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->instance_count; i++)
		row[rank[i]]++;
	for (uint32_t i = 0; i < d->instance_count; i++)
		json_array_append_new(list, node(d, i, rank[i], order[i], row[rank[i]]));
	free(rank);
	free(order);
	free(row);
	return list;
}

static json_t *edges(const struct dag *d)
{
	json_t *list = json_array();

	for (uint32_t e = 0; e < d->dep_count; e++) {
		json_t *o = json_object();

		json_object_set_new(o, "from", json_integer(d->deps[e].from));
		json_object_set_new(o, "to", json_integer(d->deps[e].to));
		json_object_set_new(o, "kind", json_string(kind_word(d->deps[e].kind)));
		json_object_set_new(o, "result", json_string(result_word(d->deps[e].result)));
		json_object_set_new(o, "cause", json_string(cause_word(d->deps[e].cause)));
		json_array_append_new(list, o);
	}
	return list;
}

/* {name, type, scope, users: [node...], after: {nodes: [...], services: [number...]}} */
static json_t *services(const struct dag *d)
{
	const struct wdf *w = d->wdf;
	json_t *list = json_array(), *o;

	for (uint32_t s = 0; s < w->service_count; s++) {
		json_t *steps = json_array(), *others = json_array();

		o = json_object();
		for (uint32_t k = 0; k < w->services[s].after_count; k++) {
			const struct wdf_after *a = &w->services[s].after[k];

			json_array_append_new(a->step != NONE ? steps : others,
					      json_integer(a->step != NONE ? a->step : a->service));
		}
		json_object_set_new(o, "name", text(w->services[s].name));
		json_object_set_new(o, "type", text(w->services[s].type));
		json_object_set_new(o, "scope", text(wdf_scope_name(w->services[s].scope)));
		json_object_set_new(o, "users", json_array());
		json_object_set_new(o, "after",
				    json_pack("{s:o, s:o}", "nodes", steps, "services", others));
		json_array_append_new(list, o);
	}
	for (uint32_t i = 0; i < d->instance_count; i++) {
		const struct wdf_step *step = &w->steps[d->instances[i].step];

		for (uint32_t k = 0; k < step->use_count; k++) {
			o = json_array_get(list, step->uses[k].service);
			json_array_append_new(json_object_get(o, "users"), json_integer(i));
		}
	}
	return list;
}

json_t *dag_json(const struct dag *d)
{
	json_t *o = json_object();

	json_object_set_new(o, "nodes", nodes(d));
	json_object_set_new(o, "edges", edges(d));
	json_object_set_new(o, "services", services(d));
	return o;
}
