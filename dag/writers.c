/* writers.c - owns which task writes which path: every output of every instance, by path; knows
 * nothing of who reads it.
 *
 * One path has one maker. Others may update it in place (`update: true`), and are chained behind
 * the first that was found.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/data.h"

static struct slot *slot_of(const struct table *t, const char *path, size_t n, uint32_t hash)
{
	for (size_t i = hash & (t->slot_count - 1);; i = (i + 1) & (t->slot_count - 1)) {
		struct slot *s = &t->slots[i];
		const struct writer *w =
			s->writer && s->hash == hash ? &t->writers[s->writer - 1] : NULL;

		if (!s->writer || (w && w->len == n && memcmp(t->text.data + w->at, path, n) == 0))
			return s;
	}
}

static void grow_slots(struct table *t)
{
	struct slot *old = t->slots;
	size_t count = t->slot_count;

	t->slot_count = count ? count * 2 : 64;
	t->slots = wf_xcalloc(t->slot_count, sizeof(*t->slots));
	for (size_t k = 0; k < count; k++) {
		size_t i = old[k].hash & (t->slot_count - 1);

		if (!old[k].writer)
			continue;
		while (t->slots[i].writer)
			i = (i + 1) & (t->slot_count - 1);
		t->slots[i] = old[k];
	}
	free(old);
}

int updates(const struct dag *d, uint32_t instance)
{
	return d->wdf->steps[d->instances[instance].step].update;
}

/* Another writer of a path: NULL when it may be one, else the one it clashes with. Tasks that
 * update in place may be many, the one that makes it is one. */
static const struct writer *join_writers(const struct dag *d, struct table *t, uint32_t first,
					 const struct writer *w)
{
	if (!updates(d, w->instance)) {
		uint32_t maker = t->writers[first].maker;

		if (maker) {
			const struct writer *m = &t->writers[maker - 1];

			return m->instance == w->instance && m->index == w->index ? NULL : m;
		}
		t->writers[first].maker = (uint32_t)t->count + 1;
	}
	t->writers = wf_grow(t->writers, &t->cap, t->count + 1, sizeof(*t->writers));
	t->writers[t->count] = *w;
	t->writers[t->count].next = t->writers[first].next;
	t->writers[first].next = (uint32_t)++t->count;
	return NULL;
}

/* The path is the end of t->text, from `at` on, and (instance, index) writes it. Returns the writer
 * it clashes with, or NULL. */
static const struct writer *add_writer(const struct dag *d, struct table *t, size_t at,
				       uint32_t instance, uint32_t index, uint32_t output)
{
	struct writer w = { .at = at,
			    .len = (uint32_t)(t->text.len - at),
			    .instance = instance,
			    .index = index,
			    .output = output };
	uint32_t hash = wf_hash(t->text.data + at, w.len);
	struct slot *slot;

	if ((t->count + 1) * 2 > t->slot_count)
		grow_slots(t);
	slot = slot_of(t, t->text.data + at, w.len, hash);
	if (slot->writer) {
		t->text.len = at;
		return join_writers(d, t, slot->writer - 1, &w);
	}
	t->writers = wf_grow(t->writers, &t->cap, t->count + 1, sizeof(*t->writers));
	w.maker = updates(d, instance) ? 0 : (uint32_t)t->count + 1;
	t->writers[t->count++] = w;
	*slot = (struct slot){ hash, (uint32_t)t->count };
	t->lengths[w.len % 4096 / 64] |= (uint64_t)1 << (w.len % 64);
	return NULL;
}

const struct writer *writer_of(const struct table *t, const char *path, size_t n)
{
	uint32_t writer;

	if (!t->count || !(t->lengths[n % 4096 / 64] >> (n % 64) & 1))
		return NULL;
	writer = slot_of(t, path, n, wf_hash(path, n))->writer;
	return writer ? &t->writers[writer - 1] : NULL;
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->pattern_count; i++)
		free(t->patterns[i].text);
	free(t->patterns);
	free(t->writers);
	free(t->slots);
	wf_buf_release(&t->text);
}

int cannot_render(struct draft *dr, const struct wdf_tmpl *t, const struct wdf_step *s,
		  const struct wf_err *err)
{
	finding(dr->diags, "E0320", t->pos, "path '%s' of step '%s' cannot be written out: %s",
		t->raw ? t->raw : "", s->name, err->text);
	return -1;
}

static int two_writers(struct draft *dr, const struct writer *first, uint32_t instance,
		       uint32_t index, uint32_t output, const char *path)
{
	const struct dag *d = dr->d;
	const struct wdf_step *s = &d->wdf->steps[d->instances[instance].step];
	const struct wdf_step *other = &d->wdf->steps[d->instances[first->instance].step];
	char a[TASK_NAME], b[TASK_NAME];
	struct wdf_diag *f;

	dag_task_name(d, first->instance, first->index, a, sizeof(a));
	dag_task_name(d, instance, index, b, sizeof(b));
	f = finding(dr->diags, "E0316", s->outputs[output].pos,
		    "output '%s' is declared by two tasks, '%s' and '%s'", path, a, b);
	finding_related(f, other->outputs[first->output].pos, "declared here first");
	if (first->instance == instance)
		finding_hint(f, "use a name of the fan-out in the path or in 'workdir'");
	return -1;
}

static int add_outputs(struct draft *dr, struct table *t, struct renderer *r)
{
	const struct dag_instance *in = &dr->d->instances[r->instance];
	struct wf_err err;

	for (uint32_t k = 0; k < r->step->output_count; k++) {
		const struct wdf_tmpl *out = &r->step->outputs[k];
		enum reach_of reach = path_reach(r, out);
		int shared = reach == REACH_CONSTANT && r->step->update && in->count > 1;

		if (reach == REACH_LATER)
			continue;
		for (uint32_t i = 0; i < (shared ? 1 : in->count); i++) {
			size_t at = t->text.len;
			const struct writer *first;

			if (render(r, out, i, &t->text, &err) < 0)
				return cannot_render(dr, out, r->step, &err);
			first = add_writer(dr->d, t, at, r->instance, shared ? NONE : i, k);
			/* The text cut off still stands there, with its end. */
			if (first)
				return two_writers(dr, first, r->instance, i, k, t->text.data + at);
		}
	}
	return 0;
}

static void add_patterns(struct table *t, struct renderer *r)
{
	for (uint32_t k = 0; k < r->step->output_count; k++) {
		struct wf_buf path = { 0 };

		if (render_pattern(r, &r->step->outputs[k], &path) < 0)
			continue;
		t->patterns = wf_grow(t->patterns, &t->pattern_cap, t->pattern_count + 1,
				      sizeof(*t->patterns));
		t->patterns[t->pattern_count++] =
			(struct pattern){ .instance = r->instance, .text = wf_buf_take(&path) };
	}
}

int writers_find(struct draft *dr, struct table *t)
{
	struct renderer r = { 0 };
	int failed = 0;

	for (uint32_t i = 0; i < dr->d->instance_count; i++) {
		renderer_start(&r, dr->d, i);
		if (dr->d->instances[i].count == DAG_UNSIZED)
			add_patterns(t, &r);
		else
			failed |= add_outputs(dr, t, &r) < 0;
	}
	renderer_release(&r);
	return failed ? -1 : 0;
}
