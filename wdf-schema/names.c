/* names.c - owns which names a step may use: parameters, its fan-out's and those it inherits, results of steps before it. Knows
 * nothing of values.
 *
 * A file with `params` declares every name, so any other is a finding. In a file without them (IO-SEA's form) an unknown name is one
 * that -p must give.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/command.h"
#include "wdf-schema/read.h"

/* Of a longer list the fields, and of a longer text the characters, are looked at only when a task has them. */
enum { MOST_LOOKED_AT = 1000, LONGEST_LOOKED_AT = 65536 };

/* What a step can name of fan-outs. Shared along chains of `each`, so a chain costs nothing. */
struct reach {
	const struct wdf_dim **dims;
	uint32_t count;
	uint32_t fan;      /* number of the fan-out that its tasks run along, or WDF_NONE: one task */
};

struct check {
	struct wdf_load *l;
	const struct wdf *w;
	struct reach *reach;
	uint32_t *rank;    /* of each step in the order */
	uint32_t *seen, stamp, *queue;
	uint64_t budget;   /* visits of the search for ancestors */
	uint32_t step;     /* being checked */
	const char *early; /* name of the key when its value is needed before the run, else NULL */
};

/* ---- reach ------------------------------------------------------------------------------------------------------ */

static const struct wdf_dim *find_dim(const struct reach *r, const char *name, size_t n)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (strncmp(r->dims[i]->name, name, n) == 0 && !r->dims[i]->name[n])
			return r->dims[i];
	return NULL;
}

static void add_dim(struct check *c, struct reach *r, const struct wdf_dim *d, size_t *cap)
{
	const struct wdf_dim **dims;

	if (find_dim(r, d->name, strlen(d->name)))
		return;
	if (r->count == *cap) {
		*cap = *cap ? *cap * 2 : 4;
		dims = wf_arena_alloc(&c->l->tree, *cap * sizeof(*dims));
		if (r->count)
			memcpy(dims, r->dims, r->count * sizeof(*dims));
		r->dims = dims;
	}
	r->dims[r->count++] = d;
}

static void check_by(struct check *c, struct reach *r, const struct wdf_after *a, size_t *cap)
{
	const struct reach *parent = &c->reach[a->step];

	for (uint32_t i = 0; i < a->by_count; i++) {
		const struct wdf_dim *d = find_dim(parent, a->by[i], strlen(a->by[i]));
		const char *names[64];
		size_t n = 0;

		if (d) {
			add_dim(c, r, d, cap);
			continue;
		}
		for (; n < parent->count && n < WF_COUNT(names); n++)
			names[n] = parent->dims[n]->name;
		wdf_hint_names(wdf_find(c->l->d, WDF_GROUP, a->pos, 1, "'%.60s' is no name of the fan-out of step '%s'",
					a->by[i], c->w->steps[a->step].name),
			       a->by[i], names, n);
	}
}

/* The names of one step, from those of the steps before it. */
static void find_reach(struct check *c, uint32_t step)
{
	const struct wdf_step *s = &c->w->steps[step];
	struct reach *r = &c->reach[step];
	size_t cap = 0;
	uint32_t lone = WDF_NONE;

	r->fan = WDF_NONE;
	if (s->dim_count) {
		r->fan = step;
		for (uint32_t i = 0; i < s->dim_count; i++)
			add_dim(c, r, &s->dims[i], &cap);
	}
	for (uint32_t i = 0; i < s->after_count; i++) {
		const struct wdf_after *a = &s->after[i];
		const struct reach *parent = a->step != WDF_NONE ? &c->reach[a->step] : NULL;

		if (!parent || (!a->each && !a->by))
			continue;
		if (parent->fan == WDF_NONE) {
			wdf_hint(wdf_find(c->l->d, WDF_GROUP, a->pos, 1, "step '%s' has one task: nothing to go by with '%s'",
					  c->w->steps[a->step].name, a->each ? "each" : "by"),
				 "remove '%s', or give it a 'foreach'", a->each ? "each" : "by");
			continue;
		}
		if (a->by) {
			check_by(c, r, a, &cap);
			if (r->fan == WDF_NONE)
				r->fan = c->w->step_count + step;
			continue;
		}
		if (r->fan == WDF_NONE)
			r->fan = parent->fan;
		if (r->count == 0) {
			r->dims = parent->dims; /* shared until something else is added */
			r->count = parent->count;
			cap = r->count;
			lone = a->step;
			continue;
		}
		if (lone == a->step || parent->dims == r->dims)
			continue;
		for (uint32_t k = 0; k < parent->count; k++) {
			if (cap == r->count)
				cap = r->count; /* full: add_dim copies before it writes */
			add_dim(c, r, parent->dims[k], &cap);
		}
	}
}

/* ---- steps before ------------------------------------------------------------------------------------------------ */

static int is_parent(const struct wdf_step *s, uint32_t target)
{
	for (uint32_t i = 0; i < s->after_count; i++)
		if (s->after[i].step == target)
			return 1;
	for (uint32_t i = 0; i < s->dim_count; i++)
		if (s->dims[i].kind == WDF_DIM_FROM && s->dims[i].from_step == target)
			return 1;
	return 0;
}

/* Does `step` come after `target`, at any distance? When the budget is spent (a hostile file) the answer is yes. */
static int comes_after(struct check *c, uint32_t step, uint32_t target)
{
	size_t head = 0, tail = 0;

	if (is_parent(&c->w->steps[step], target))
		return 1;
	c->stamp++;
	c->queue[tail++] = step;
	c->seen[step] = c->stamp;
	while (head < tail) {
		const struct wdf_step *s = &c->w->steps[c->queue[head++]];

		for (uint32_t i = 0; i < s->after_count + s->dim_count; i++) {
			uint32_t next = i < s->after_count ? s->after[i].step :
				s->dims[i - s->after_count].kind == WDF_DIM_FROM ? s->dims[i - s->after_count].from_step : WDF_NONE;

			if (next == target || c->budget-- == 0) {
				c->budget += next != target;
				return 1;
			}
			if (next == WDF_NONE || c->seen[next] == c->stamp || c->rank[next] < c->rank[target])
				continue;
			c->seen[next] = c->stamp;
			c->queue[tail++] = next;
		}
	}
	return 0;
}

static int is_index_by_index(const struct check *c, uint32_t target)
{
	const struct wdf_step *s = &c->w->steps[c->step];

	for (uint32_t i = 0; i < s->after_count; i++)
		if (s->after[i].step == target && s->after[i].each)
			return 1;
	return c->reach[target].fan == c->reach[c->step].fan;
}

static int is_promised(const struct wdf_step *s, const char *key, size_t n)
{
	for (uint32_t i = 0; i < s->result_count; i++)
		if (strncmp(s->results[i], key, n) == 0 && !s->results[i][n])
			return 1;
	return 0;
}

/* "csym.tasks", "prepare.result.count"; `rest` is what follows the step's name. */
static void check_step_name(struct check *c, uint32_t target, const char *rest, size_t n, struct wdf_pos pos, uint32_t span)
{
	struct wdf_diags *d = c->l->d;
	const struct wdf_step *t = &c->w->steps[target];
	int is_tasks = n == 5 && memcmp(rest, "tasks", 5) == 0;
	const char *key = n > 7 && memcmp(rest, "result.", 7) == 0 ? rest + 7 : NULL;
	size_t key_len = key ? strcspn(key, ".") : 0;

	if (key && key_len > n - 7)
		key_len = n - 7;
	if (!is_tasks && !key) {
		wdf_hint(wdf_find(d, WDF_UNKNOWN_NAME, pos, span, "step '%s' has no '%.*s'", t->name, (int)(n < 60 ? n : 60), rest),
			 "'%s.tasks' or '%s.result.KEY'", t->name, t->name);
		return;
	}
	if (c->early) {
		wdf_hint(wdf_find(d, WDF_PLACE, pos, span, "'%s.%.*s' has no value when '%s' is read", t->name,
				  (int)(n < 60 ? n : 60), rest, c->early),
			 "paths are known before the run; use it in the command");
		return;
	}
	if (target == c->step || !comes_after(c, c->step, target)) {
		wdf_related(wdf_find(d, WDF_NOT_BEFORE, pos, span, "step '%s' does not come before this one", t->name), t->pos,
			    "add '%s' to 'after'", t->name);
		return;
	}
	if (key && !is_promised(t, key, key_len))
		wdf_hint_names(wdf_find(d, WDF_NOT_BEFORE, pos, span, "step '%s' promises no result '%.*s'", t->name,
					(int)key_len, key),
			       key, t->results, t->result_count);
	else if (key && c->reach[target].fan != WDF_NONE && !is_index_by_index(c, target))
		wdf_hint(wdf_find(d, WDF_NOT_BEFORE, pos, span, "step '%s' has many tasks, so it has no one result", t->name),
			 "use '%s.tasks', or {step: %s, each: true} in 'after'", t->name, t->name);
}

/* ---- one name
 * ------------------------------------------------------------------------------------------------------ */

static int is_path_field(const char *rest, size_t n)
{
	return n == 4 && (memcmp(rest, "name", 4) == 0 || memcmp(rest, "stem", 4) == 0);
}

static int value_has_field(const struct wdf_value *v, const char *rest, size_t n)
{
	const char *dot = memchr(rest, '.', n);

	if (v->kind == WDF_RECORD)
		return wdf_value_field(v, rest, dot ? (size_t)(dot - rest) : n) != NULL;
	return v->kind == WDF_STRING && is_path_field(rest, n);
}

static void check_field(struct check *c, const struct wdf_dim *dim, const char *rest, size_t n, struct wdf_pos pos,
			uint32_t span)
{
	int ok = 0;

	switch (dim->kind) {
	case WDF_DIM_CSV:
		ok = !memchr(rest, '.', n);
		break;
	case WDF_DIM_GLOB:
		ok = is_path_field(rest, n);
		break;
	case WDF_DIM_FROM:
		ok = 1;
		break;
	case WDF_DIM_RANGE:
		break;
	case WDF_DIM_LIST:
		ok = dim->list.count == 0 || dim->list.count > MOST_LOOKED_AT;
		for (uint32_t i = 0; i < dim->list.count && i < MOST_LOOKED_AT && !ok; i++)
			ok = value_has_field(&dim->list.items[i], rest, n);
		break;
	}
	if (!ok)
		wdf_related(wdf_find(c->l->d, WDF_UNKNOWN_NAME, pos, span, "'%s' has no field '%.*s'", dim->name,
				     (int)(n < 60 ? n : 60), rest),
			    dim->pos, "its values come from here");
}

static void unknown(struct check *c, const char *name, size_t n, struct wdf_pos pos)
{
	const struct reach *r = &c->reach[c->step];
	const char *more[64];
	size_t count = 0;

	if (!c->l->has_params && !memchr(name, '.', n) && !memchr(name, '-', n)) {
		wdf_need(c->l, name, n, pos);
		return;
	}
	for (; count < r->count && count < WF_COUNT(more); count++)
		more[count] = r->dims[count]->name;
	wdf_unknown_name(c->l, name, n, pos, more, count);
}

static void check_name(struct check *c, const char *name, size_t n, struct wdf_pos pos, uint32_t span)
{
	const struct reach *r = &c->reach[c->step];

	for (size_t len = 0; len < n; len++) {
		const char *dot = memchr(name + len, '.', n - len), *rest;
		const struct wdf_dim *dim;
		const struct wdf_param *param;
		size_t left;
		uint32_t step;

		len = dot ? (size_t)(dot - name) : n;
		rest = name + len + (dot != NULL);
		left = n - len - (dot != NULL);
		if ((dim = find_dim(r, name, len))) {
			if (left)
				check_field(c, dim, rest, left, pos, span);
			return;
		}
		if ((param = wdf_find_param(c->l, name, len))) {
			if (left && wdf_param_known(param) && !value_has_field(&param->value, rest, left))
				wdf_find(c->l->d, WDF_UNKNOWN_NAME, pos, span, "'%s' has no field '%.*s'", param->name,
					 (int)(left < 60 ? left : 60), rest);
			return;
		}
		if (!left && ((len == 7 && memcmp(name, "SESSION", 7) == 0) || (len == 4 && memcmp(name, "STEP", 4) == 0)))
			return;
		step = left ? wf_strmap_getn(&c->l->steps, name, len) : WF_STRMAP_NONE;
		if (step != WF_STRMAP_NONE) {
			check_step_name(c, step, rest, left, pos, span);
			return;
		}
	}
	unknown(c, name, n, pos);
}

/* ---- everything of a step that holds names
 * ------------------------------------------------------------------------ */

static void check_tmpl(struct check *c, const struct wdf_tmpl *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->parts[i].is_name)
			check_name(c, t->parts[i].text, t->parts[i].len, t->parts[i].pos, t->parts[i].len + 6);
}

static int is_short(const struct wdf_value *v)
{
	return v->kind == WDF_LIST ? v->count <= MOST_LOOKED_AT : !v->text || strnlen(v->text, LONGEST_LOOKED_AT) < LONGEST_LOOKED_AT;
}

static void on_placeholder(const struct wdf_part *p, int text, void *arg)
{
	struct check *c = arg;
	const struct wdf_param *param;

	check_name(c, p->text, p->len, p->pos, p->len + 6);
	/* A parameter that cannot be put there is refused now rather than by every task. */
	param = text && !find_dim(&c->reach[c->step], p->text, p->len) ? wdf_find_param(c->l, p->text, p->len) : NULL;
	if (param && wdf_param_known(param) && is_short(&param->value)) {
		struct wf_buf value = { 0 }, env = { 0 };
		char shown[WDF_SHOWN];

		wdf_value_text(&param->value, &value);
		wdf_param_env(&env, param->name);
		if (!wdf_value_is_harmless(wf_buf_cstr(&value)))
			wdf_hint(wdf_find(c->l->d, WDF_UNSAFE, p->pos, p->len + 6,
					  "value '%s' of '%s' could become syntax here",
					  wdf_shown(wf_buf_cstr(&value), value.len, shown), param->name),
				 "read $%s instead", wf_buf_cstr(&env));
		wf_buf_release(&value);
		wf_buf_release(&env);
	}
}

static void on_expr_name(const char *name, struct wdf_pos pos, void *arg)
{
	check_name(arg, name, strlen(name), pos, (uint32_t)strlen(name));
}

static void check_work(struct check *c, const struct wdf_step *s)
{
	if (s->command)
		wdf_command_names(s->command, on_placeholder, c);
	if (s->setup_script)
		wdf_command_names(s->setup_script, on_placeholder, c);
	for (uint32_t i = 0; i < s->env_count; i++)
		check_tmpl(c, &s->env[i].value);
}

static void check_step(struct check *c, uint32_t step)
{
	const struct wdf_step *s = &c->w->steps[step];

	c->step = step;
	check_work(c, s);
	check_tmpl(c, &s->stdout_path);
	check_tmpl(c, &s->stderr_path);
	if (s->when)
		wdf_expr_names(s->when, on_expr_name, c);
	c->early = "workdir";
	check_tmpl(c, &s->workdir);
	c->early = "inputs";
	for (uint32_t i = 0; i < s->input_count; i++)
		check_tmpl(c, &s->inputs[i]);
	c->early = "outputs";
	for (uint32_t i = 0; i < s->output_count; i++)
		check_tmpl(c, &s->outputs[i]);
	c->early = NULL;
}

void wdf_check_names(struct wdf_load *l, const uint32_t *order)
{
	struct check c = { .l = l, .w = l->w, .budget = 20000000 };
	uint32_t n = l->w->step_count;

	c.reach = wf_xcalloc(n + 1u, sizeof(*c.reach));
	c.rank = wf_xcalloc(n + 1u, sizeof(*c.rank));
	c.seen = wf_xcalloc(n + 1u, sizeof(*c.seen));
	c.queue = wf_xcalloc(n + 1u, sizeof(*c.queue));
	for (uint32_t i = 0; i < n; i++)
		c.rank[order[i]] = i;
	for (uint32_t i = 0; i < n; i++)
		find_reach(&c, order[i]);
	for (uint32_t i = 0; i < n && !wdf_diags_full(l->d); i++)
		check_step(&c, i);
	for (size_t i = 0; i < l->component_count && !wdf_diags_full(l->d); i++) {
		c.step = l->components[i].step;
		check_work(&c, l->components[i].as);
	}
	free(c.reach);
	free(c.rank);
	free(c.seen);
	free(c.queue);
}
