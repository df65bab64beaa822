/* build.c - owns the order in which a workflow becomes a graph, and deps from `after` and lists;
 * knows nothing of how values come about (expand.c), of data (data.c) or of what runs.
 *
 * A run-time list repeats the same steps for the instances that hang on it; what was sized before
 * stays as it is.
 */
#include "dag/graph.h"

#include <stdlib.h>
#include <string.h>

struct dag_dep *draft_dep(struct draft *dr, uint32_t from, uint32_t to, enum dag_dep_kind kind,
			  enum wdf_result result, enum dag_dep_cause cause)
{
	struct dag_dep *dep;

	dr->deps = wf_grow(dr->deps, &dr->dep_cap, dr->dep_count + 1, sizeof(*dr->deps));
	dep = &dr->deps[dr->dep_count++];
	*dep = (struct dag_dep){ .from = from,
				 .to = to,
				 .kind = kind,
				 .result = result,
				 .cause = cause,
				 .after = NONE };
	return dep;
}

static void draft_release(struct draft *dr)
{
	free(dr->deps);
	free(dr->made);
	free(dr->fresh);
}

/* ---- deps from `after` and from lists -------------------------------------------------- */

static struct dag_dep *same_dep(struct draft *dr, size_t first, uint32_t from,
				enum dag_dep_kind kind, enum wdf_result result)
{
	for (size_t i = first; i < dr->dep_count; i++)
		if (dr->deps[i].from == from && dr->deps[i].kind == kind &&
		    dr->deps[i].result == result)
			return &dr->deps[i];
	return NULL;
}

/* Instance i is new in the draft: its deps are the last ones. */
static void connect_instance(struct draft *dr, uint32_t i)
{
	const struct wdf_step *s = &dr->d->wdf->steps[dr->d->instances[i].step];
	size_t first = dr->dep_count;

	for (uint32_t k = 0; k < s->after_count; k++) {
		const struct wdf_after *a = &s->after[k];
		enum dag_dep_kind kind = a->each ? DAG_EACH : a->by_count ? DAG_BY : DAG_ALL;

		if (a->step == NONE ||
		    (kind != DAG_BY && same_dep(dr, first, a->step, kind, a->result)))
			continue;
		draft_dep(dr, a->step, i, kind, a->result, DAG_BY_AFTER)->after = k;
	}
	for (uint32_t k = 0; k < s->dim_count; k++) {
		struct dag_dep *dep;

		if (s->dims[k].kind != WDF_DIM_FROM)
			continue;
		dep = same_dep(dr, first, s->dims[k].from_step, DAG_ALL, WDF_SUCCESS);
		if (dep)
			dep->cause = DAG_BY_LIST;
		else
			draft_dep(dr, s->dims[k].from_step, i, DAG_ALL, WDF_SUCCESS, DAG_BY_LIST);
	}
}

static int check_each(struct draft *dr, const struct dag_dep *dep)
{
	const struct dag_instance *from = &dr->d->instances[dep->from],
				  *to = &dr->d->instances[dep->to];
	const struct wdf_step *s = &dr->d->wdf->steps[to->step];

	if (from->count == to->count)
		return 0;
	finding_hint(finding(dr->diags, "E0315", s->after[dep->after].pos,
			     "step '%s' has %u tasks and waits for 'each' of '%s', which has %u",
			     to->name, to->count, from->name, from->count),
		     "let both have one fan-out, or group with 'by'");
	return -1;
}

/* Deps whose ends both have their size, at least one of them now. */
static int connect_sized(struct draft *dr)
{
	int failed = 0;

	for (size_t i = 0; i < dr->dep_count; i++) {
		struct dag_dep *dep = &dr->deps[i];
		struct dag_instance *all = dr->d->instances;
		const struct wdf_step *s = &dr->d->wdf->steps[all[dep->to].step];

		if (all[dep->from].count == DAG_UNSIZED || all[dep->to].count == DAG_UNSIZED ||
		    (!dr->fresh[dep->from] && !dr->fresh[dep->to]))
			continue;
		if (dep->kind == DAG_EACH && dep->after != NONE)
			failed |= check_each(dr, dep) < 0;
		else if (dep->kind == DAG_BY)
			failed |= group_connect(dr, dep->to, &s->after[dep->after], dep) < 0;
	}
	return failed ? -1 : 0;
}

/* ---- the whole graph ------------------------------------------------------------------- */

static void start_instances(struct dag *d)
{
	const struct wdf *w = d->wdf;

	d->instance_count = w->step_count;
	d->instances = wf_arena_alloc(&d->arena, w->step_count * sizeof(*d->instances));
	for (uint32_t i = 0; i < w->step_count; i++) {
		d->instances[i].name = w->steps[i].name;
		d->instances[i].step = i;
		d->instances[i].count = DAG_UNSIZED;
		d->instances[i].sized_by = NONE;
		d->instances[i].dims_of = i;
		d->instances[i].time_ms = w->steps[i].resources.time_ms;
		d->timed |= w->steps[i].resources.time_ms > 0;
	}
}

static int make(struct draft *dr, const uint32_t *order)
{
	struct dag *d = dr->d;
	int failed = 0;

	for (uint32_t k = 0; k < d->instance_count; k++) {
		uint32_t i = order[k];

		if (expand_instance(dr, i) < 0) {
			/* Unknown, so that what inherits from it makes no findings of its own. */
			d->instances[i].count = DAG_UNSIZED;
			failed = 1;
		}
		dr->fresh[i] = d->instances[i].count != DAG_UNSIZED;
	}
	/* Deps in the order of the file: it decides which of two causes is named. */
	for (uint32_t i = 0; i < d->instance_count; i++)
		connect_instance(dr, i);
	failed |= connect_sized(dr) < 0;
	return failed || graph_number(dr) < 0 || data_connect(dr) < 0 || cycle_check_tasks(dr) < 0 ||
			       copies_check(dr) < 0
		       ? -1
		       : 0;
}

struct dag *dag_build(const struct wdf *w, json_t *sources, const char *workdir,
		      struct wdf_diags *diags)
{
	struct dag *d = wf_xcalloc(1, sizeof(*d));
	struct draft dr = { .d = d, .diags = diags, .sources = sources, .resized = NONE };
	uint32_t *order = wf_xmalloc(w->step_count * sizeof(*order));
	size_t errors = diags->errors;

	d->wdf = w;
	d->workdir = wf_arena_strdup(&d->arena, workdir ? workdir : "/");
	dr.fresh = wf_xcalloc(w->step_count, 1);
	start_instances(d);
	graph_name(d);
	if (cycle_check_steps(w, diags, order) < 0 || make(&dr, order) < 0) {
		WF_ASSERT(diags->errors > errors);
		dag_free(d);
		d = NULL;
	} else {
		graph_link(&dr);
		copies_find(d);
		weigh(d);
	}
	free(order);
	draft_release(&dr);
	return d;
}

/* ---- a list that became known ---------------------------------------------------------- */

static const struct wdf_value *copy_values(struct dag *d, const struct wdf_value *values,
					   uint32_t count)
{
	struct wdf_value *v = wf_arena_alloc(&d->arena, count * sizeof(*v));

	for (uint32_t i = 0; i < count; i++)
		v[i] = value_copy(&d->arena, &values[i]);
	return v;
}

static int resize(struct draft *dr)
{
	struct dag *d = dr->d;
	int failed = 0;

	for (uint32_t k = 0; k < d->instance_count && !failed; k++) {
		uint32_t i = d->order[k];

		if (d->instances[i].count != DAG_UNSIZED || d->instances[i].sized_by != dr->resized)
			continue;
		failed = expand_instance(dr, i) < 0;
		dr->fresh[i] = !failed && d->instances[i].count != DAG_UNSIZED;
	}
	return failed || connect_sized(dr) < 0 || graph_number(dr) < 0 || data_connect(dr) < 0 ||
			       cycle_check_tasks(dr) < 0 || copies_check(dr) < 0
		       ? -1
		       : 0;
}

int dag_size(struct dag *d, uint32_t instance, const struct wdf_value *values, uint32_t count,
	     struct wf_err *err)
{
	struct wdf_diags diags = { 0 };
	struct draft dr = { .d = d, .diags = &diags, .resized = instance, .value_count = count };
	size_t bytes = d->instance_count * sizeof(*d->instances);
	struct dag_instance *before = wf_xmalloc(bytes);
	uint32_t tasks = d->task_count;
	int failed;

	WF_ASSERT(instance < d->instance_count);
	if (d->instances[instance].count != DAG_UNSIZED ||
	    d->instances[instance].sized_by != instance)
		WF_BUG("'%s' is not a fan-out that waits for its size",
		       d->instances[instance].name);
	memcpy(before, d->instances, bytes);
	dr.fresh = wf_xcalloc(d->instance_count, 1);
	dr.deps = wf_grow(NULL, &dr.dep_cap, d->dep_count + 1, sizeof(*dr.deps));
	if (d->dep_count)
		memcpy(dr.deps, d->deps, d->dep_count * sizeof(*dr.deps));
	dr.dep_count = d->dep_count;
	dr.values = count <= DAG_MAX_TASKS ? copy_values(d, values, count) : NULL;
	failed = !dr.values || resize(&dr) < 0;
	if (failed) {
		/* As before: what was made stays in the arena, out of reach. */
		memcpy(d->instances, before, bytes);
		d->task_count = tasks;
		if (!dr.values)
			wf_errf(err, WF_INVALID,
				"a list of %u entries for '%s' is longer than a run may have tasks "
				"(%u)",
				count, d->instances[instance].name, DAG_MAX_TASKS);
		else
			wf_errf(err, WF_INVALID, "%s", diags.items[0].text);
	} else {
		graph_link(&dr);
		copies_find(d);
		weigh(d);
	}
	free(before);
	draft_release(&dr);
	wdf_diags_release(&diags);
	return failed ? -1 : 0;
}
