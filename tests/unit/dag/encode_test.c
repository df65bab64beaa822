/* encode_test.c - what is stored of a graph comes back as it was, and nothing else comes back at all. */
#include "tests/unit/dag/random_graph.h"

static int same_values(const struct dag_dim *a, const struct dag_dim *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct dag_room ra, rb;
		const struct wdf_value *x = dag_dim_value(a, i, &ra), *y = dag_dim_value(b, i, &rb);

		if (!wdf_value_equal(x, y) || (x->text == NULL) != (y->text == NULL) ||
		    (x->text && strcmp(x->text, y->text) != 0))
			return 0;
	}
	return 1;
}

static int same_numbers(const uint32_t *a, const uint32_t *b, size_t n)
{
	return (!a && !b) || (a && b && memcmp(a, b, n * sizeof(*a)) == 0);
}

static const char *instance_differs(const struct dag_instance *a, const struct dag_instance *b)
{
	if (strcmp(a->name, b->name) != 0 || a->step != b->step)
		return "name";
	if (a->first != b->first || a->count != b->count || a->fans_out != b->fans_out ||
	    a->sized_by != b->sized_by)
		return "size";
	if (a->weight != b->weight || a->time_ms != b->time_ms || a->part != b->part)
		return "weight";
	if (!same_numbers(a->in, b->in, a->in_count) || !same_numbers(a->out, b->out, a->out_count))
		return "edges";
	if (a->dims_of != b->dims_of || a->dim_count != b->dim_count)
		return "dims";
	for (uint32_t k = 0; k < a->dim_count; k++) {
		const struct dag_dim *x = &a->dims[k], *y = &b->dims[k];

		if (strcmp(x->name, y->name) != 0 || x->count != y->count || x->stride != y->stride)
			return "dim";
		if (x->count != DAG_UNSIZED && !same_values(x, y, x->count))
			return "values";
	}
	return NULL;
}

static const char *dep_differs(const struct dag *d, const struct dag_dep *a,
			       const struct dag_dep *b)
{
	uint32_t from = d->instances[a->from].count, to = d->instances[a->to].count;

	if (a->from != b->from || a->to != b->to || a->kind != b->kind || a->result != b->result ||
	    a->cause != b->cause || a->after != b->after)
		return "dep";
	if (a->kind == DAG_BY && (a->group_count != b->group_count ||
				  !same_numbers(a->from_group, b->from_group, from) ||
				  !same_numbers(a->to_group, b->to_group, to) ||
				  !same_numbers(a->group_size, b->group_size, a->group_count)))
		return "groups";
	if (a->kind == DAG_SOME && (!same_numbers(a->offset, b->offset, from + 1) ||
				    !same_numbers(a->succ, b->succ, a->offset[from]) ||
				    !same_numbers(a->pred_offset, b->pred_offset, to + 1) ||
				    !same_numbers(a->pred, b->pred, a->pred_offset[to])))
		return "pairs";
	return NULL;
}

/* The first thing in which two graphs differ. */
static const char *differs(const struct dag *a, const struct dag *b)
{
	const char *what = NULL;

	if (a->instance_count != b->instance_count || a->dep_count != b->dep_count ||
	    a->task_count != b->task_count || a->timed != b->timed ||
	    strcmp(a->workdir, b->workdir) != 0 || a->sized_count != b->sized_count ||
	    !same_numbers(a->sized, b->sized, a->sized_count) ||
	    !same_numbers(a->order, b->order, a->instance_count))
		return "the whole";
	for (uint32_t i = 0; !what && i < a->instance_count; i++)
		what = instance_differs(&a->instances[i], &b->instances[i]);
	for (uint32_t i = 0; !what && i < a->dep_count; i++)
		what = dep_differs(a, &a->deps[i], &b->deps[i]);
	return what;
}

static const char *round_trip(struct maker *m, const struct dag *d)
{
	struct wf_buf b = { 0 }, again = { 0 };
	struct wf_err err = { 0 };
	struct dag *e;
	const char *what;

	dag_encode(d, &b);
	e = dag_decode(&m->w, b.data, b.len, &err);
	what = e ? differs(d, e) : "refused";
	if (!what) {
		dag_encode(e, &again);
		if (again.len != b.len || memcmp(again.data, b.data, b.len) != 0)
			what = "second encoding";
	}
	dag_free(e);
	wf_buf_release(&b);
	wf_buf_release(&again);
	return what;
}

static void random_graphs(void)
{
	uint32_t graphs = 0, sized = 0;
	const char *what = NULL;

	for (uint64_t i = 0; i < 3000 && !what; i++) {
		struct want w;
		struct maker m;
		struct dag *d;

		seed = i * 104729 + 5;
		random_want(&w, 20);
		make_want(&m, &w);
		d = try_build(&m);
		if (d) {
			graphs++;
			what = round_trip(&m, d);
			for (uint32_t s = 0; s < w.step_count && !what; s++)
				if (w.steps[s].sized_by == s) {
					size_list(&m, &w, d, s);
					what = round_trip(&m, d);
					sized++;
				}
			if (what)
				diag("graph %llu", (unsigned long long)i);
		}
		dag_free(d);
		maker_release(&m);
	}
	is_str(what, NULL, "graphs come back as they were");
	ok(graphs > 1000 && sized > 500, "many graphs, and lists that were sized");
}

/* Every kind of value, nested. */
static void values(void)
{
	struct maker m;
	struct wdf_value *v, inner[2];
	struct wdf_field *f;
	struct dag *d;
	uint32_t a;

	maker_init(&m);
	a = step(&m, "a");
	fan_words(&m, a, "x", "1 0.10 true null 007 word -9223372036854775808 1e400");
	v = wf_arena_alloc(&m.w.arena, 2 * sizeof(*v));
	f = wf_arena_alloc(&m.w.arena, 2 * sizeof(*f));
	inner[0] = wdf_value_of_text(&m.w.arena, "1.5");
	inner[1] = wdf_value_of_text(&m.w.arena, "");
	f[0] = (struct wdf_field){ "k", inner[0] };
	f[1] = (struct wdf_field){ "empty", inner[1] };
	v[0] = (struct wdf_value){
		.kind = WDF_RECORD, .count = 2, .fields = f, .text = "reads so"
	};
	v[1] = (struct wdf_value){ .kind = WDF_LIST, .count = 2, .items = inner };
	add_dim(&m, a, "y", WDF_DIM_LIST)->list =
		(struct wdf_value){ .kind = WDF_LIST, .count = 2, .items = v };
	d = build(&m);
	is_str(round_trip(&m, d), NULL, "values of every kind");
	dag_free(d);
	maker_release(&m);
}

static int has_kinds(const struct dag *d)
{
	int some = 0, by = 0;

	for (uint32_t e = 0; e < d->dep_count; e++) {
		some |= d->deps[e].kind == DAG_SOME;
		by |= d->deps[e].kind == DAG_BY && d->deps[e].from_group &&
		      d->deps[e].group_count > 1;
	}
	return some && by;
}

/* Whatever was let in keeps its indices in their bounds. */
static int is_sound(const struct dag *d)
{
	uint64_t at = 0;

	for (uint32_t k = 0; k < d->sized_count; k++) {
		if (d->instances[d->sized[k]].first != at)
			return 0;
		at += d->instances[d->sized[k]].count;
	}
	for (uint32_t e = 0; e < d->dep_count; e++) {
		const struct dag_dep *dep = &d->deps[e];
		uint32_t from = d->instances[dep->from].count, to = d->instances[dep->to].count;

		for (uint32_t i = 0; dep->kind == DAG_BY && dep->from_group && i < from + to; i++)
			if ((i < from ? dep->from_group[i] : dep->to_group[i - from]) >=
			    dep->group_count)
				return 0;
		for (uint32_t i = 0; dep->kind == DAG_SOME && i < dep->pred_offset[to]; i++)
			if (dep->pred[i] >= from || dep->succ[i] >= to)
				return 0;
		if (dep->kind == DAG_EACH && from != to && from != DAG_UNSIZED && to != DAG_UNSIZED)
			return 0;
	}
	return at == d->task_count;
}

/* Bytes changed, cut and made up: refused, or at least harmless when the checksum is made to fit. */
static void damage(void)
{
	struct wf_buf b = { 0 };
	struct wf_err err;
	uint32_t refused = 0, taken = 0, unsound = 0;
	struct maker m;
	struct want w;
	struct dag *d;

	for (uint64_t i = 0;; i++) {
		seed = i;
		random_want(&w, 0);
		make_want(&m, &w);
		d = try_build(&m);
		if (d && d->task_count > 20 && has_kinds(d))
			break;
		dag_free(d);
		maker_release(&m);
	}
	dag_encode(d, &b);
	dag_free(d);
	for (size_t n = 0; n < b.len; n++)
		if ((d = dag_decode(&m.w, b.data, n, &err)) || err.code != WF_CORRUPT)
			ok(0, "cut at %zu", n);
	for (int i = 0; i < 60000; i++) {
		char *copy = wf_xmalloc(b.len);
		uint32_t crc;

		memcpy(copy, b.data, b.len);
		for (uint32_t k = i % 4 == 1 ? 1 : 1 + draw(3); k; k--)
			copy[4 + draw((uint32_t)b.len - 8)] = (char)draw(256);
		if (i % 2) {
			crc = wf_crc32c(0, copy, b.len - 4);
			for (int k = 0; k < 4; k++)
				copy[b.len - 4 + (size_t)k] = (char)(crc >> 8 * k);
		}
		d = dag_decode(&m.w, copy, b.len, &err);
		if (d && i % 2 == 0 && memcmp(copy, b.data, b.len) != 0)
			ok(0, "damage without a fitting checksum was taken");
		refused += !d;
		taken += d != NULL;
		unsound += d && !is_sound(d);
		dag_free(d);
		free(copy);
	}
	is_int(unsound, 0, "what is taken is in its bounds");
	ok(refused > 30000, "damage is refused (%u refused, %u taken with a forged checksum)",
	   refused, taken);
	ok(!dag_decode(&m.w, "", 0, &err) && err.code == WF_CORRUPT, "nothing is no graph");
	wf_buf_release(&b);
	maker_release(&m);
}

int main(void)
{
	random_graphs();
	values();
	damage();
	return done_testing();
}
