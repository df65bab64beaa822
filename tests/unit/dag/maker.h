/* maker.h - workflows made by hand for the tests of dag: no text, no parser, so a failure here is one of the graph
 *
 *     struct maker m;
 *     maker_init(&m);
 *     uint32_t a = step(&m, "a"), b = step(&m, "b");
 *     fan(&m, a, "x", 3);
 *     each(&m, b, a, WDF_SUCCESS);
 *     struct dag *d = build(&m);             bails out on findings; try_build gives them
 *     ...
 *     maker_release(&m);
 */
#ifndef WF_TESTS_DAG_MAKER_H
#define WF_TESTS_DAG_MAKER_H

#include <stdlib.h>
#include <string.h>

#include "dag/dag.h"
#include "engine/base/buf.h"
#include "tests/tap/tap.h"

enum { MAX_STEPS = 64, MAX_ENTRIES = 16 };

struct maker {
	struct wdf w;
	struct wdf_diags diags;
};

static inline void maker_init(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	m->w.name = "test";
	m->w.steps = wf_arena_alloc(&m->w.arena, MAX_STEPS * sizeof(*m->w.steps));
	m->w.services = wf_arena_alloc(&m->w.arena, MAX_STEPS * sizeof(*m->w.services));
	m->w.pools = wf_arena_alloc(&m->w.arena, MAX_STEPS * sizeof(*m->w.pools));
	m->w.params = wf_arena_alloc(&m->w.arena, MAX_STEPS * sizeof(*m->w.params));
}

static inline void maker_release(struct maker *m)
{
	wf_arena_release(&m->w.arena);
	wdf_diags_release(&m->diags);
}

static inline uint32_t step(struct maker *m, const char *name)
{
	struct wf_arena *a = &m->w.arena;
	struct wdf_step *s = &m->w.steps[m->w.step_count];

	s->name = wf_arena_strdup(a, name);
	s->pos = (struct wdf_pos){ 10 * (m->w.step_count + 1), 5 };
	s->dims = wf_arena_alloc(a, MAX_ENTRIES * sizeof(*s->dims));
	s->after = wf_arena_alloc(a, MAX_ENTRIES * sizeof(*s->after));
	s->inputs = wf_arena_alloc(a, MAX_ENTRIES * sizeof(*s->inputs));
	s->outputs = wf_arena_alloc(a, MAX_ENTRIES * sizeof(*s->outputs));
	s->uses = wf_arena_alloc(a, MAX_ENTRIES * sizeof(*s->uses));
	s->resources = (struct wdf_resources){ .nodes = 1, .ranks = 1, .cpus = 1 };
	s->pool = UINT32_MAX;
	return m->w.step_count++;
}

static inline uint32_t service(struct maker *m, const char *name)
{
	struct wdf_service *s = &m->w.services[m->w.service_count];

	s->name = name;
	s->type = "COMMAND";
	s->pos = (struct wdf_pos){ 500 + m->w.service_count, 5 };
	s->after = wf_arena_alloc(&m->w.arena, MAX_ENTRIES * sizeof(*s->after));
	return m->w.service_count++;
}

static inline void use(struct maker *m, uint32_t s, uint32_t service_index)
{
	m->w.steps[s].uses[m->w.steps[s].use_count++] =
		(struct wdf_use){ .service = service_index };
}

static inline struct wdf_dim *add_dim(struct maker *m, uint32_t s, const char *name,
				      enum wdf_dim_kind kind)
{
	struct wdf_dim *d = &m->w.steps[s].dims[m->w.steps[s].dim_count++];

	*d = (struct wdf_dim){ .name = name,
			       .kind = kind,
			       .pos = { m->w.steps[s].pos.line + 1, 3 } };
	return d;
}

/* foreach name in 0 .. n-1 */
static inline void fan(struct maker *m, uint32_t s, const char *name, uint32_t n)
{
	struct wdf_dim *d = add_dim(m, s, name, WDF_DIM_RANGE);

	d->last = (int64_t)n - 1;
	d->step = 1;
}

/* foreach name in the words of text */
static inline void fan_words(struct maker *m, uint32_t s, const char *name, const char *text)
{
	struct wf_arena *a = &m->w.arena;
	struct wdf_dim *d = add_dim(m, s, name, WDF_DIM_LIST);
	struct wdf_value *v = wf_arena_alloc(a, (strlen(text) + 1) * sizeof(*v));

	d->list.kind = WDF_LIST;
	d->list.items = v;
	for (const char *at = text; *at;) {
		size_t n = strcspn(at, " ");

		v[d->list.count++] = wdf_value_of_text(a, wf_arena_strndup(a, at, n));
		at += n + (at[n] == ' ');
	}
}

/* foreach name: {from: STEP, list: ...} */
static inline void fan_from(struct maker *m, uint32_t s, const char *name, uint32_t from)
{
	struct wdf_dim *d = add_dim(m, s, name, WDF_DIM_FROM);

	d->from = m->w.steps[from].name;
	d->from_step = from;
	d->source = "list";
}

static inline struct wdf_after *after(struct maker *m, uint32_t s, uint32_t parent,
				      enum wdf_result result)
{
	struct wdf_after *a = &m->w.steps[s].after[m->w.steps[s].after_count++];

	*a = (struct wdf_after){ .step = parent,
				 .service = UINT32_MAX,
				 .result = result,
				 .pos = { m->w.steps[s].pos.line + 2, 12 } };
	return a;
}

static inline void each(struct maker *m, uint32_t s, uint32_t parent, enum wdf_result result)
{
	after(m, s, parent, result)->each = 1;
}

/* names: separated by blanks */
static inline void by(struct maker *m, uint32_t s, uint32_t parent, enum wdf_result result,
		      const char *names)
{
	struct wdf_after *a = after(m, s, parent, result);

	a->by = wf_arena_alloc(&m->w.arena, MAX_ENTRIES * sizeof(*a->by));
	for (const char *at = names; *at;) {
		size_t n = strcspn(at, " ");

		a->by[a->by_count++] = wf_arena_strndup(&m->w.arena, at, n);
		at += n + (at[n] == ' ');
	}
}

static inline struct wdf_tmpl tmpl(struct maker *m, const char *text, uint32_t line)
{
	struct wdf_tmpl t;

	if (wdf_tmpl_parse(&t, &m->w.arena, text, (struct wdf_pos){ line, 14 }, &m->diags) < 0)
		bail("template '%s'", text);
	return t;
}

static inline void reads(struct maker *m, uint32_t s, const char *path)
{
	struct wdf_step *x = &m->w.steps[s];

	x->inputs[x->input_count++] = tmpl(m, path, x->pos.line + 3);
}

static inline void writes(struct maker *m, uint32_t s, const char *path)
{
	struct wdf_step *x = &m->w.steps[s];

	x->outputs[x->output_count++] = tmpl(m, path, x->pos.line + 4);
}

static inline void workdir(struct maker *m, uint32_t s, const char *path)
{
	m->w.steps[s].workdir = tmpl(m, path, m->w.steps[s].pos.line + 5);
}

static inline void param(struct maker *m, const char *name, const char *text)
{
	m->w.params[m->w.param_count++] =
		(struct wdf_param){ .name = name, .value = wdf_value_of_text(&m->w.arena, text) };
}

static inline struct dag *try_build(struct maker *m)
{
	return dag_build(&m->w, NULL, "/run", &m->diags);
}

static inline struct dag *build(struct maker *m)
{
	struct dag *d = try_build(m);

	if (!d)
		bail("build: %s", m->diags.items[0].text);
	return d;
}

/* "sim[3]", in one of a few rooms used in turn. */
static inline const char *task(const struct dag *d, uint32_t instance, uint32_t index)
{
	static char rooms[8][160];
	static unsigned next;
	char *out = rooms[next++ % 8];

	dag_task_name(d, instance, index, out, sizeof(rooms[0]));
	return out;
}

#endif
