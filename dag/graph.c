/* graph.c - owns look-up in a finished graph: names, ordinals, parents, and the lists that make
 * both fast; knows nothing of how the graph was made or what has ended.
 */
#include "dag/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dag/net.h"

void dag_free(struct dag *d)
{
	if (!d)
		return;
	wf_strmap_release(&d->by_name);
	wf_arena_release(&d->arena);
	free(d);
}

/* ---- finishing touches of a making ----------------------------------------------------- */

void graph_name(struct dag *d)
{
	for (uint32_t i = 0; i < d->instance_count; i++)
		wf_strmap_set(&d->by_name, d->instances[i].name, i);
}

/* Instances sized in this making get the ordinals after the last, in their order. */
int graph_number(struct draft *dr)
{
	struct dag *d = dr->d;
	uint64_t total = d->task_count;

	for (uint32_t i = 0; i < d->instance_count; i++) {
		struct dag_instance *in = &d->instances[i];

		if (!dr->fresh[i])
			continue;
		if (total + in->count > DAG_MAX_TASKS) {
			struct wdf_diag *f = finding(
				dr->diags, "E0319", d->wdf->steps[in->step].pos,
				"step '%s' brings the run to %llu tasks, more than %u", in->name,
				(unsigned long long)(total + in->count), DAG_MAX_TASKS);

			finding_hint(f, "let one task do more, or split the run");
			return -1;
		}
		in->first = (uint32_t)total;
		total += in->count;
	}
	d->task_count = (uint32_t)total;
	return 0;
}

void graph_turn(struct dag *d, struct dag_dep *dep)
{
	uint32_t from_count = d->instances[dep->from].count, to_count = d->instances[dep->to].count;
	uint32_t *offset = wf_arena_alloc(&d->arena, ((size_t)from_count + 2) * sizeof(*offset));
	uint32_t *succ = wf_arena_alloc(&d->arena, dep->pred_offset[to_count] * sizeof(*succ));

	for (uint32_t k = 0; k < dep->pred_offset[to_count]; k++)
		offset[dep->pred[k] + 2]++;
	for (uint32_t i = 2; i < from_count + 2; i++)
		offset[i] += offset[i - 1];
	for (uint32_t j = 0; j < to_count; j++)
		for (uint32_t k = dep->pred_offset[j]; k < dep->pred_offset[j + 1]; k++)
			succ[offset[dep->pred[k] + 1]++] = j;
	dep->offset = offset;
	dep->succ = succ;
}

static int by_first(const void *a, const void *b, void *arg)
{
	const struct dag_instance *in = arg;
	uint32_t x = in[*(const uint32_t *)a].first, y = in[*(const uint32_t *)b].first;

	return (x > y) - (x < y);
}

static void list_sized(struct dag *d)
{
	uint32_t *sized = wf_arena_alloc(&d->arena, d->instance_count * sizeof(*sized));

	d->sized_count = 0;
	for (uint32_t i = 0; i < d->instance_count; i++)
		if (d->instances[i].count != DAG_UNSIZED && d->instances[i].count)
			sized[d->sized_count++] = i;
	qsort_r(sized, d->sized_count, sizeof(*sized), by_first, d->instances);
	d->sized = sized;
}

void graph_link(struct draft *dr)
{
	struct dag *d = dr->d;
	struct dag_dep *deps = wf_arena_alloc(&d->arena, dr->dep_count * sizeof(*deps));
	uint32_t *in, *out, *order;
	struct net n;

	if (dr->dep_count)
		memcpy(deps, dr->deps, dr->dep_count * sizeof(*deps));
	d->deps = deps;
	d->dep_count = (uint32_t)dr->dep_count;
	net_init(&n, d->instance_count);
	net_add_dag(&n, d, d->deps, d->dep_count);
	net_sort(&n);
	in = wf_arena_alloc(&d->arena, d->dep_count * sizeof(*in));
	out = wf_arena_alloc(&d->arena, d->dep_count * sizeof(*out));
	order = wf_arena_alloc(&d->arena, d->instance_count * sizeof(*order));
	if (d->dep_count) {
		memcpy(in, n.in, d->dep_count * sizeof(*in));
		memcpy(out, n.out, d->dep_count * sizeof(*out));
	}
	memcpy(order, n.order, d->instance_count * sizeof(*order));
	d->order = order;
	for (uint32_t i = 0; i < d->instance_count; i++) {
		struct dag_instance *x = &d->instances[i];

		x->in = in + n.in_at[i];
		x->in_count = n.in_at[i + 1] - n.in_at[i];
		x->out = out + n.out_at[i];
		x->out_count = n.out_at[i + 1] - n.out_at[i];
		x->part = n.part[i];
	}
	net_release(&n);
	list_sized(d);
}

/* ---- names ----------------------------------------------------------------------------- */

int dag_task_name(const struct dag *d, uint32_t instance, uint32_t index, char *out, size_t size)
{
	const struct dag_instance *in = &d->instances[instance];

	if (in->fans_out && index != DAG_UNSIZED) {
		const char *number;
		char digits[24];
		size_t n = strlen(in->name), digit_count;

		/* Once per start: printf costs several times as much. */
		number = wf_u64_text(digits, index);
		digit_count = strlen(number);
		if (n + digit_count + 3 > size)
			return snprintf(out, size, "%s[%u]", in->name, index);
		memcpy(out, in->name, n);
		out[n] = '[';
		memcpy(out + n + 1, number, digit_count);
		memcpy(out + n + 1 + digit_count, "]", 2);
		return (int)(n + digit_count + 2);
	}
	return snprintf(out, size, "%s", in->name);
}

static int no_instance(const struct dag *d, const char *name, struct wf_err *err)
{
	const char **names = wf_xmalloc(d->instance_count * sizeof(*names)), *near;

	for (uint32_t i = 0; i < d->instance_count; i++)
		names[i] = d->instances[i].name;
	near = wf_nearest(name, names, d->instance_count);
	free(names);
	if (near)
		return wf_errf(err, WF_NOT_FOUND, "no step '%s' in this run; did you mean '%s'?",
			       name, near);
	return wf_errf(err, WF_NOT_FOUND, "no step '%s' in this run", name);
}

/* The number in "sim[12]"; NONE when there is none. Sets *n to the length of the step's name. */
static uint32_t split_index(const char *name, size_t *n)
{
	size_t len = strlen(name), at = len;
	uint64_t v = 0;

	*n = len;
	if (len < 4 || name[len - 1] != ']')
		return NONE;
	for (at = len - 1; at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9';)
		at--;
	if (at < 2 || at == len - 1 || name[at - 1] != '[' || len - 1 - at > 9)
		return NONE;
	*n = at - 1;
	for (; at < len - 1; at++)
		v = v * 10 + (uint64_t)(name[at] - '0');
	return (uint32_t)v;
}

int dag_task_find(const struct dag *d, const char *name, uint32_t *instance, uint32_t *index,
		  struct wf_err *err)
{
	size_t n;
	uint32_t at = split_index(name, &n), i = wf_strmap_getn(&d->by_name, name, n);
	const struct dag_instance *in;

	if (i == WF_STRMAP_NONE) {
		char *step = wf_xstrndup(name, n);

		no_instance(d, step, err);
		free(step);
		return -1;
	}
	in = &d->instances[i];
	if (at != NONE && !in->fans_out)
		return wf_errf(err, WF_NOT_FOUND, "step '%s' has one task, written '%s'", in->name,
			       in->name);
	if (at != NONE && in->count == DAG_UNSIZED)
		return wf_errf(err, WF_NOT_FOUND,
			       "the tasks of '%s' are not known yet: it fans out while running",
			       in->name);
	if (at != NONE && at >= in->count)
		return wf_errf(err, WF_NOT_FOUND, "no task '%s'; step '%s' has %u", name, in->name,
			       in->count);
	*instance = i;
	*index = at != NONE ? at : in->fans_out ? DAG_UNSIZED : 0;
	return 0;
}

uint32_t dag_task_instance(const struct dag *d, uint32_t ordinal)
{
	uint32_t lo = 0, hi = d->sized_count;

	WF_ASSERT(ordinal < d->task_count);
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (d->instances[d->sized[mid]].first <= ordinal)
			lo = mid;
		else
			hi = mid;
	}
	return d->sized[lo];
}

void dag_task_parents(const struct dag *d, uint32_t instance, uint32_t index,
		      int (*fn)(uint32_t instance, uint32_t index, const struct dag_dep *dep,
				void *arg),
		      void *arg)
{
	const struct dag_instance *in = &d->instances[instance];

	for (uint32_t i = 0; i < in->in_count; i++) {
		const struct dag_dep *dep = &d->deps[in->in[i]];
		const struct dag_instance *from = &d->instances[dep->from];
		int as_whole = index == DAG_UNSIZED || dep->kind == DAG_ALL ||
			       from->count == DAG_UNSIZED || from->count == 0 ||
			       (dep->kind == DAG_BY && !dep->from_group);

		if (as_whole) {
			if (fn(dep->from, DAG_UNSIZED, dep, arg))
				return;
		} else if (dep->kind == DAG_EACH) {
			if (fn(dep->from, index, dep, arg))
				return;
		} else if (dep->kind == DAG_SOME) {
			for (uint32_t k = dep->pred_offset[index]; k < dep->pred_offset[index + 1];
			     k++)
				if (fn(dep->from, dep->pred[k], dep, arg))
					return;
		} else {
			for (uint32_t k = 0; k < from->count; k++)
				if (dep->from_group[k] == dep->to_group[index] &&
				    fn(dep->from, k, dep, arg))
					return;
		}
	}
}

/* ---- words and values ------------------------------------------------------------------ */

const char *kind_word(enum dag_dep_kind k)
{
	static const char *const words[] = { "all", "each", "by", "some" };

	return words[k];
}

const char *result_word(enum wdf_result r)
{
	static const char *const words[] = { "success", "failure", "any", "start" };

	return words[r];
}

const char *cause_word(enum dag_dep_cause c)
{
	static const char *const words[] = { "after", "data", "list" };

	return words[c];
}

/* Copies what a value owns. Values nest no deeper than a file or a result may (WDF_MAX_DEPTH),
 * which bounds the recursion. */
struct wdf_value value_copy(struct wf_arena *a, const struct wdf_value *v)
{
	struct wdf_value c = *v;

	if (v->text)
		c.text = wf_arena_strdup(a, v->text);
	if (v->kind == WDF_LIST) {
		struct wdf_value *items = wf_arena_alloc(a, v->count * sizeof(*items));

		for (uint32_t i = 0; i < v->count; i++)
			items[i] = value_copy(a, &v->items[i]);
		c.items = items;
	} else if (v->kind == WDF_RECORD) {
		struct wdf_field *fields = wf_arena_alloc(a, v->count * sizeof(*fields));

		for (uint32_t i = 0; i < v->count; i++) {
			fields[i].name = wf_arena_strdup(a, v->fields[i].name);
			fields[i].value = value_copy(a, &v->fields[i].value);
		}
		c.fields = fields;
	}
	return c;
}
