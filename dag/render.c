/* render.c - owns the paths of a task's inputs and outputs, in the form that compares; knows
 * nothing of who reads or writes them. */
#include <string.h>

#include "dag/data.h"

static enum reach_of reach_of(const struct dag *d, uint32_t i, const struct wdf_tmpl *t)
{
	enum reach_of r = REACH_CONSTANT;

	for (uint32_t p = 0; p < t->count; p++) {
		const struct wdf_part *part = &t->parts[p];
		const char *dot = part->is_name ? memchr(part->text, '.', part->len) : NULL;
		size_t n = dot ? (size_t)(dot - part->text) : part->len;
		struct dag_scope s = { .dag = d, .instance = i };
		struct wdf_scope names = dag_scope_of(&s);
		struct wdf_value v;

		if (!part->is_name)
			continue;
		if (graph_dim(&d->instances[i], part->text, n))
			r = REACH_TASK;
		else if (names.lookup(names.self, part->text, n, &v) < 0)
			return REACH_LATER;
	}
	return r;
}

void renderer_start(struct renderer *r, const struct dag *d, uint32_t i)
{
	r->d = d;
	r->instance = i;
	r->step = &d->wdf->steps[d->instances[i].step];
	r->workdir_reach = reach_of(d, i, &r->step->workdir);
	r->base_of = NONE;
}

void renderer_release(struct renderer *r)
{
	wf_buf_release(&r->base);
	wf_buf_release(&r->text);
}

static int render_text(struct renderer *r, const struct wdf_tmpl *t, uint32_t index,
		       struct wf_err *err)
{
	struct dag_scope s = { .dag = r->d, .instance = r->instance, .index = index };
	struct wdf_scope names = dag_scope_of(&s);

	wf_buf_clear(&r->text);
	return wdf_tmpl_render(t, &names, &r->text, err);
}

int render(struct renderer *r, const struct wdf_tmpl *t, uint32_t index, struct wf_buf *out,
	   struct wf_err *err)
{
	if (r->base_of != index && !(r->base_of != NONE && r->workdir_reach == REACH_CONSTANT)) {
		wf_buf_clear(&r->base);
		if (render_text(r, &r->step->workdir, index, err) < 0)
			return -1;
		path_join(r->d->workdir, wf_buf_cstr(&r->text), r->text.len, &r->base);
		r->base_of = index;
	}
	if (render_text(r, t, index, err) < 0)
		return -1;
	path_join(wf_buf_cstr(&r->base), wf_buf_cstr(&r->text), r->text.len, out);
	return 0;
}

enum reach_of path_reach(const struct renderer *r, const struct wdf_tmpl *t)
{
	enum reach_of own = reach_of(r->d, r->instance, t);

	return own > r->workdir_reach ? own : r->workdir_reach;
}

/* Literal text and known names as they are, names that hang on the unknown list as ANY. */
static int pattern_text(struct renderer *r, const struct wdf_tmpl *t, struct wf_buf *out)
{
	struct dag_scope s = { .dag = r->d, .instance = r->instance };
	struct wdf_scope names = dag_scope_of(&s);

	for (uint32_t p = 0; p < t->count; p++) {
		struct wdf_tmpl one = {
			.parts = &t->parts[p], .count = 1, .pos = t->pos, .raw = t->raw
		};
		enum reach_of reach = reach_of(r->d, r->instance, &one);

		if (reach == REACH_LATER)
			return -1;
		if (reach == REACH_TASK)
			wf_buf_char(out, ANY);
		else if (wdf_tmpl_render(&one, &names, out, NULL) < 0)
			return -1;
	}
	return 0;
}

int render_pattern(struct renderer *r, const struct wdf_tmpl *t, struct wf_buf *out)
{
	struct wf_buf raw = { 0 }, base = { 0 };
	int rc = pattern_text(r, &r->step->workdir, &raw);

	if (rc == 0) {
		path_join(r->d->workdir, wf_buf_cstr(&raw), raw.len, &base);
		wf_buf_clear(&raw);
		rc = pattern_text(r, t, &raw);
	}
	if (rc == 0)
		path_join(wf_buf_cstr(&base), wf_buf_cstr(&raw), raw.len, out);
	wf_buf_release(&base);
	wf_buf_release(&raw);
	return rc;
}
