/* plan.c - owns turning a graph and its estimate into the plan document; does no I/O. */
#include "cli/plan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"

/* Level of each instance: 1 + the highest of its parents. Instances come in any order, so until nothing moves; a graph without cycles
 * has no more levels than instances. */
static uint32_t *levels_of(const struct dag *d, uint32_t *highest)
{
	uint32_t *level = wf_xcalloc(d->instance_count, sizeof(*level));
	int moved = 1;

	for (uint32_t i = 0; i < d->instance_count; i++)
		level[i] = 1;
	while (moved) {
		moved = 0;
		for (uint32_t i = 0; i < d->dep_count; i++) {
			const struct dag_dep *e = &d->deps[i];

			if (level[e->to] < level[e->from] + 1) {
				level[e->to] = level[e->from] + 1;
				moved = 1;
			}
		}
	}
	*highest = 0;
	for (uint32_t i = 0; i < d->instance_count; i++)
		if (level[i] > *highest)
			*highest = level[i];
	return level;
}

static json_t *count_of(const struct dag_instance *in)
{
	return in->count == DAG_UNSIZED ? json_null() : json_integer(in->count);
}

static json_t *ms_or_null(const struct dag *d, int64_t ms)
{
	return d->timed ? json_integer(ms) : json_null();
}

static int lists(json_t *names, const char *name)
{
	size_t i;
	json_t *n;

	json_array_foreach(names, i, n)
		if (strcmp(json_string_value(n), name) == 0)
			return 1;
	return 0;
}

static json_t *step_doc(const struct dag *d, uint32_t i, uint32_t level)
{
	const struct dag_instance *in = &d->instances[i];
	const struct wdf_step *s = &d->wdf->steps[in->step];
	json_t *doc = json_object(), *after = json_array(), *services = json_array();

	for (uint32_t k = 0; k < in->in_count; k++) {
		const char *from = d->instances[d->deps[in->in[k]].from].name;

		if (!lists(after, from))
			json_array_append_new(after, json_string(from));
	}
	for (uint32_t k = 0; k < s->use_count; k++)
		json_array_append_new(services, json_string(d->wdf->services[s->uses[k].service].name));
	json_object_set_new(doc, "step", json_string(in->name));
	json_object_set_new(doc, "level", json_integer(level));
	json_object_set_new(doc, "tasks", count_of(in));
	json_object_set_new(doc, "cpus", json_integer((json_int_t)s->resources.ranks * s->resources.cpus));
	json_object_set_new(doc, "memory", s->resources.memory ? json_integer((json_int_t)s->resources.memory) : json_null());
	json_object_set_new(doc, "time_ms", in->time_ms ? json_integer(in->time_ms) : json_null());
	json_object_set_new(doc, "after", after);
	json_object_set_new(doc, "services", services);
	json_object_set_new(doc, "executor", s->executor ? json_string(s->executor) : json_null());
	return doc;
}

static json_t *levels_doc(const struct dag *d, const uint32_t *level, uint32_t highest)
{
	json_t *list = json_array();

	for (uint32_t l = 1; l <= highest; l++) {
		json_t *steps = json_array();
		json_int_t tasks = 0;

		for (uint32_t i = 0; i < d->instance_count; i++) {
			if (level[i] != l)
				continue;
			json_array_append_new(steps, json_string(d->instances[i].name));
			if (d->instances[i].count != DAG_UNSIZED)
				tasks += d->instances[i].count;
		}
		json_array_append_new(list, json_pack("{s:i, s:I, s:o}", "level", (int)l, "tasks", tasks, "steps", steps));
	}
	return list;
}

static const char *start_name(enum wdf_start s)
{
	return s == WDF_START_EAGER ? "eager" : s == WDF_START_MANUAL ? "manual" : "lazy";
}

/* From the first level that uses it to the last: founded before the one, stopped after the other. */
static json_t *service_doc(const struct dag *d, const uint32_t *level, uint32_t service)
{
	const struct wdf_service *sv = &d->wdf->services[service];
	json_t *doc = json_object(), *first = json_array(), *last = json_array();
	uint32_t low = UINT32_MAX, high = 0, users = 0, count = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < d->instance_count; i++) {
			const struct wdf_step *s = &d->wdf->steps[d->instances[i].step];
			int uses = 0;

			for (uint32_t k = 0; k < s->use_count; k++)
				uses |= s->uses[k].service == service;
			if (!uses)
				continue;
			if (pass == 0) {
				users++;
				low = level[i] < low ? level[i] : low;
				high = level[i] > high ? level[i] : high;
				continue;
			}
			if (level[i] == low)
				json_array_append_new(first, json_string(d->instances[i].name));
			if (level[i] == high)
				json_array_append_new(last, json_string(d->instances[i].name));
		}
	}
	for (uint32_t i = 0; i < d->service_count; i++)
		count += d->services[i].declared == service;
	json_object_set_new(doc, "name", json_string(sv->name));
	json_object_set_new(doc, "type", json_string(sv->type));
	json_object_set_new(doc, "scope", json_string(wdf_scope_name(sv->scope)));
	json_object_set_new(doc, "count", json_integer(count));
	json_object_set_new(doc, "start", json_string(start_name(sv->start)));
	json_object_set_new(doc, "first_level", users ? json_integer(low) : json_null());
	json_object_set_new(doc, "last_level", users ? json_integer(high) : json_null());
	json_object_set_new(doc, "first", first);
	json_object_set_new(doc, "last", last);
	json_object_set_new(doc, "users", json_integer(users));
	return doc;
}

/* The findings of the executability check alone. */
static json_t *cannot_run(struct spec *s)
{
	struct wdf_diags diags = { 0 };
	json_t *all, *errors = json_array(), *f;
	size_t i;

	wdf_executable(s->wdf, "local", s->types, &diags);
	all = wdf_diags_json(&diags);
	json_array_foreach(all, i, f)
		if (strcmp(json_string_value(json_object_get(f, "severity")), "error") == 0)
			json_array_append(errors, f);
	json_decref(all);
	wdf_diags_release(&diags);
	return errors;
}

json_t *plan_document(struct spec *s, uint32_t cores, uint64_t memory)
{
	struct dag *d = s->dag;
	json_t *doc = json_object(), *steps = json_array(), *services = json_array(), *path = json_array();
	struct dag_estimate e;
	uint32_t highest, *level = levels_of(d, &highest);

	dag_find_urgency(d, cores);
	dag_estimate(d, cores, memory, &e);
	for (uint32_t l = 1; l <= highest; l++)
		for (uint32_t i = 0; i < d->instance_count; i++)
			if (level[i] == l)
				json_array_append_new(steps, step_doc(d, i, l));
	for (uint32_t i = 0; i < e.path_count; i++)
		json_array_append_new(path, json_string(d->instances[e.path[i]].name));
	for (uint32_t i = 0; i < d->wdf->service_count; i++)
		json_array_append_new(services, service_doc(d, level, i));
	json_object_set_new(doc, "workflow", json_string(d->wdf->name ? d->wdf->name : ""));
	json_object_set_new(doc, "file", wf_json_text(s->path, strlen(s->path)));
	json_object_set_new(doc, "tasks", json_integer(e.tasks));
	json_object_set_new(doc, "unsized", json_integer(e.unsized));
	json_object_set_new(doc, "edges", json_integer((json_int_t)e.edges));
	json_object_set_new(doc, "depth", json_integer(e.depth));
	json_object_set_new(doc, "width", json_integer(e.width));
	json_object_set_new(doc, "timed", json_boolean(d->timed));
	json_object_set_new(doc, "steps", steps);
	json_object_set_new(doc, "levels", levels_doc(d, level, highest));
	json_object_set_new(doc, "critical", json_pack("{s:o, s:o}", "steps", path, "ms", ms_or_null(d, e.critical_ms)));
	json_object_set_new(doc, "work_ms", ms_or_null(d, e.work_ms));
	json_object_set_new(doc, "core_hours", d->timed ? json_real((double)e.core_ms / 3600000.0) : json_null());
	json_object_set_new(doc, "cores", json_integer(cores));
	json_object_set_new(doc, "memory", json_integer((json_int_t)memory));
	json_object_set_new(doc, "makespan_ms", ms_or_null(d, e.makespan_ms));
	json_object_set_new(doc, "services", services);
	json_object_set_new(doc, "cannot_run", cannot_run(s));
	free(level);
	return doc;
}
