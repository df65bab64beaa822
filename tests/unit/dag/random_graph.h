/* random_graph.h - small random workflows for the tests of dag, kept also in the form in which they were asked for
 *
 * struct want says what each step and edge should mean, without any of the dag's own arrays: what is expected is reckoned from it.
 * Names: a step that fans out has x, and y where ys is not 0; task i has x value i / max(ys, 1). Values of x are records: n is
 * their number, further fields hold the paths that edges from data need.
 */
#ifndef WF_TESTS_DAG_RANDOM_GRAPH_H
#define WF_TESTS_DAG_RANDOM_GRAPH_H

#include <stdio.h>

#include "tests/unit/dag/maker.h"

#define NONE UINT32_MAX
enum { STEPS = 10, TASKS = 12, EDGES = 48 };
enum how {
	HOW_ALL,
	HOW_EACH,
	HOW_BY_X,
	HOW_LIST,
	HOW_DATA
};

static uint64_t seed;

static inline uint32_t draw(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

struct want_edge {
	uint32_t from, to;
	enum how how;
	enum wdf_result result;
	uint8_t pair[TASKS][TASKS]; /* DATA: task of from, task of to */
	uint32_t pairs;
};

struct want_step {
	int fans_out;
	uint32_t count; /* once sized */
	uint32_t xs, ys;
	uint32_t x_owner;  /* step whose foreach has x */
	uint32_t sized_by; /* step whose run-time list decides the count, or NONE */
	int run_if_empty, percent;
	uint32_t tolerate;
	int64_t time_ms;
};

struct want {
	struct want_step steps[STEPS];
	uint32_t step_count;
	struct want_edge edges[EDGES];
	uint32_t edge_count;
};

static inline enum wdf_result random_result(void)
{
	uint32_t r = draw(10);

	return r < 6 ? WDF_SUCCESS : r < 7 ? WDF_FAILURE : r < 9 ? WDF_ANY : WDF_START;
}

static inline struct want_edge *want_edge(struct want *w, uint32_t from, uint32_t to, enum how how,
					  enum wdf_result result)
{
	struct want_edge *e = &w->edges[w->edge_count++];

	memset(e, 0, sizeof(*e));
	e->from = from;
	e->to = to;
	e->how = how;
	e->result = result;
	return e;
}

static inline int has_edge(const struct want *w, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < w->edge_count; i++)
		if (w->edges[i].from == from && w->edges[i].to == to)
			return 1;
	return 0;
}

static inline void want_fan_out(struct want *w, uint32_t s)
{
	struct want_step *x = &w->steps[s];

	x->fans_out = 1;
	x->xs = draw(5) == 0 ? 0 : 1 + draw(3);
	x->ys = draw(2) ? 1 + draw(3) : 0;
	x->count = x->xs * (x->ys ? x->ys : 1);
	if (s > 0 && draw(4) == 0) {
		x->sized_by = s;
		want_edge(w, draw(s), s, HOW_LIST, WDF_SUCCESS);
	}
}

static inline void want_one_step(struct want *w, uint32_t s)
{
	struct want_step *x = &w->steps[s];
	uint32_t parent = s ? draw(s) : 0, shape = draw(10);
	const struct want_step *p = &w->steps[parent];

	*x = (struct want_step){ .count = 1, .x_owner = s, .sized_by = NONE };
	x->run_if_empty = (int)draw(2);
	x->percent = draw(3) == 0;
	x->tolerate = draw(3) ? 0 : x->percent ? draw(10000) : draw(4);
	x->time_ms = draw(3) ? 1 + draw(50) : 0;
	if (s == 0 || shape < 3) {
		want_fan_out(w, s);
	} else if (shape < 4 || !p->fans_out) {
		return;
	} else if (shape < 8) {
		x->fans_out = 1;
		x->count = p->count;
		x->xs = p->xs;
		x->ys = p->ys;
		x->x_owner = p->x_owner;
		x->sized_by = p->sized_by;
		want_edge(w, parent, s, HOW_EACH, random_result());
	} else {
		x->fans_out = 1;
		x->count = x->xs = p->count ? p->xs : 0;
		x->x_owner = p->x_owner;
		x->sized_by = p->sized_by;
		want_edge(w, parent, s, HOW_BY_X, random_result());
	}
}

/* A task must be known by x alone to be given paths of its own. */
static inline int can_have_data(const struct want_step *x)
{
	return x->sized_by == NONE && x->count && !x->ys;
}

static inline void want_data(struct want *w, uint32_t from, uint32_t to)
{
	const struct want_step *a = &w->steps[from], *b = &w->steps[to];
	struct want_edge *e;

	if (!can_have_data(a) || !can_have_data(b) || w->edge_count + 3 >= EDGES ||
	    has_edge(w, from, to))
		return;
	e = want_edge(w, from, to, HOW_DATA, WDF_SUCCESS);
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < b->count; j++) {
			e->pair[i][j] = draw(5) < 2 && (from != to || i < j);
			e->pairs += e->pair[i][j];
		}
}

/* `knots`: per cent of graphs that also get a data edge backwards, which may or may not close a circle of tasks. */
static inline void random_want(struct want *w, uint32_t knots)
{
	memset(w, 0, sizeof(*w));
	w->step_count = 2 + draw(STEPS - 2);
	for (uint32_t s = 0; s < w->step_count; s++) {
		want_one_step(w, s);
		for (uint32_t k = draw(3); s && k > 0; k--) {
			uint32_t parent = draw(s);

			if (w->edge_count + 3 >= EDGES || has_edge(w, parent, s))
				continue;
			if (draw(3) == 0)
				want_data(w, parent, s);
			else
				want_edge(w, parent, s, HOW_ALL, random_result());
		}
		if (draw(5) == 0)
			want_data(w, s, s);
	}
	if (draw(100) < knots) {
		uint32_t to = draw(w->step_count - 1);

		want_data(w, to + 1 + draw(w->step_count - to - 1), to);
	}
}

/* ---- as a workflow --------------------------------------------------------------------- */

static inline struct wdf_value record_of(struct maker *m, uint32_t n)
{
	struct wdf_field *f = wf_arena_alloc(&m->w.arena, (1 + EDGES * TASKS) * sizeof(*f));

	f[0] = (struct wdf_field){ "n", wdf_value_of_text(&m->w.arena,
							  wf_arena_printf(&m->w.arena, "%u", n)) };
	return (struct wdf_value){ .kind = WDF_RECORD, .count = 1, .fields = f };
}

static inline void set_field(struct maker *m, struct wdf_value *record, const char *name,
			     const char *text)
{
	struct wdf_field *f = (struct wdf_field *)(uintptr_t)record->fields;

	f[record->count].name = wf_arena_strdup(&m->w.arena, name);
	f[record->count++].value = (struct wdf_value){ .kind = WDF_STRING,
						       .text = wf_arena_strdup(&m->w.arena, text) };
}

static inline void make_dims(struct maker *m, const struct want *w, uint32_t s)
{
	const struct want_step *x = &w->steps[s];
	struct wdf_dim *dim;

	if (!x->fans_out || x->x_owner != s)
		return;
	if (x->sized_by == s) {
		for (uint32_t k = 0; k < w->edge_count; k++)
			if (w->edges[k].to == s && w->edges[k].how == HOW_LIST)
				fan_from(m, s, "x", w->edges[k].from);
	} else {
		struct wdf_value *v = wf_arena_alloc(&m->w.arena, (x->xs + 1) * sizeof(*v));

		for (uint32_t i = 0; i < x->xs; i++)
			v[i] = record_of(m, i);
		dim = add_dim(m, s, "x", WDF_DIM_LIST);
		dim->list = (struct wdf_value){ .kind = WDF_LIST, .count = x->xs, .items = v };
	}
	if (x->ys)
		fan(m, s, "y", x->ys);
}

static inline void make_data(struct maker *m, const struct want *w, uint32_t k)
{
	const struct want_edge *e = &w->edges[k];
	const struct want_step *to = &w->steps[e->to];
	char text[64], path[64], name[32];

	snprintf(text, sizeof(text), w->steps[e->from].fans_out ? "e%u/{{ x.n }}" : "e%u/0", k);
	writes(m, e->from, text);
	for (uint32_t i = 0; i < w->steps[e->from].count; i++) {
		snprintf(path, sizeof(path), "e%u/%u", k, i);
		if (!to->fans_out) {
			if (e->pair[i][0])
				reads(m, e->to, path);
			continue;
		}
		snprintf(name, sizeof(name), "e%ui%u", k, i);
		snprintf(text, sizeof(text), "{{ x.%s }}", name);
		reads(m, e->to, text);
		for (uint32_t j = 0; j < to->count; j++) {
			struct wdf_value *items =
				(struct wdf_value *)(uintptr_t)m->w.steps[to->x_owner]
					.dims[0]
					.list.items;

			if (e->pair[i][j])
				set_field(m, &items[j], name, path);
			else
				set_field(m, &items[j], name, "nothing/of/ours");
		}
	}
}

static inline void make_want(struct maker *m, const struct want *w)
{
	maker_init(m);
	for (uint32_t s = 0; s < w->step_count; s++) {
		char name[16];
		struct wdf_step *x;

		snprintf(name, sizeof(name), "s%u", s);
		x = &m->w.steps[step(m, name)];
		x->if_empty_run = (uint8_t)w->steps[s].run_if_empty;
		x->tolerate = w->steps[s].tolerate;
		x->tolerate_percent = (uint8_t)w->steps[s].percent;
		x->resources.time_ms = w->steps[s].time_ms;
		/* Room for as many paths as edges may ask for. */
		x->inputs = wf_arena_alloc(&m->w.arena, EDGES * TASKS * sizeof(*x->inputs));
		x->outputs = wf_arena_alloc(&m->w.arena, EDGES * sizeof(*x->outputs));
	}
	for (uint32_t s = 0; s < w->step_count; s++)
		make_dims(m, w, s);
	for (uint32_t k = 0; k < w->edge_count; k++) {
		const struct want_edge *e = &w->edges[k];

		if (e->how == HOW_ALL)
			after(m, e->to, e->from, e->result);
		else if (e->how == HOW_EACH)
			each(m, e->to, e->from, e->result);
		else if (e->how == HOW_BY_X)
			by(m, e->to, e->from, e->result, "x");
		else if (e->how == HOW_DATA)
			make_data(m, w, k);
	}
}

/* Values for the run-time list of step s. */
static inline int size_list(struct maker *m, const struct want *w, struct dag *d, uint32_t s)
{
	struct wdf_value v[TASKS];
	struct wf_err err;

	for (uint32_t i = 0; i < w->steps[s].xs; i++)
		v[i] = record_of(m, i);
	if (dag_size(d, s, v, w->steps[s].xs, &err) < 0)
		bail("size: %s", err.text);
	return 0;
}

/* ---- what edges mean ------------------------------------------------------------------- */

static inline uint32_t x_of(const struct want *w, uint32_t s, uint32_t i)
{
	return i / (w->steps[s].ys ? w->steps[s].ys : 1);
}

/* Does task j of the edge's `to` wait for task i of its `from`? */
static inline int relates(const struct want *w, const struct want_edge *e, uint32_t i, uint32_t j)
{
	switch (e->how) {
	case HOW_ALL:
	case HOW_LIST:
		return 1;
	case HOW_EACH:
		return i == j;
	case HOW_BY_X:
		return x_of(w, e->from, i) == x_of(w, e->to, j);
	case HOW_DATA:
		return e->pair[i][j];
	}
	return 0;
}

/* Data that relates every task to every task is one edge between the steps. */
static inline int is_joint(const struct want *w, const struct want_edge *e)
{
	if (e->how != HOW_DATA)
		return e->how != HOW_EACH;
	return e->from != e->to && e->pairs == w->steps[e->from].count * w->steps[e->to].count;
}

static inline int counts(const struct want_edge *e)
{
	return e->how != HOW_DATA || e->pairs > 0;
}

/* Tasks of a step as far as circles go: a step without tasks, or of which they are not known, still waits and is waited for. */
static inline uint32_t units_of(const struct want_step *x)
{
	return x->sized_by != NONE || !x->count ? 1 : x->count;
}

static inline int blocks(const struct want *w, const struct want_edge *e, uint32_t i, uint32_t j)
{
	const struct want_step *a = &w->steps[e->from], *b = &w->steps[e->to];

	if (e->how != HOW_DATA &&
	    (a->sized_by != NONE || !a->count || b->sized_by != NONE || !b->count))
		return 1;
	return relates(w, e, i, j);
}

/* Is there a circle of tasks? By peeling off, again and again, tasks that wait for none that is left. */
static inline int has_circle(const struct want *w)
{
	uint8_t gone[STEPS][TASKS] = { 0 };
	int left, peeled;

	do {
		left = peeled = 0;
		for (uint32_t s = 0; s < w->step_count; s++)
			for (uint32_t j = 0; j < units_of(&w->steps[s]); j++) {
				int waits = 0;

				if (gone[s][j])
					continue;
				for (uint32_t k = 0; k < w->edge_count; k++)
					for (uint32_t i = 0;
					     w->edges[k].to == s &&
					     i < units_of(&w->steps[w->edges[k].from]);
					     i++)
						waits |= !gone[w->edges[k].from][i] &&
							 blocks(w, &w->edges[k], i, j);
				if (waits)
					left = 1;
				else
					gone[s][j] = (uint8_t)(peeled = 1);
			}
	} while (left && peeled);
	return left;
}

#endif
