/* data.c - owns edges that follow from inputs and outputs; knows nothing of files: paths are
 * compared as text, in one form.
 *
 * Every output is rendered and looked up by every input: by its own path, then by each directory
 * above it, so an input below a directory that a task declares as output makes an edge too. Paths
 * whose names are known only while running make none.
 *
 * An unsized producer is a pattern: its placeholders stand for any text, and who reads a path that
 * fits waits for the whole of it. What `after` orders already needs no second edge.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/data.h"

/* Does the pattern, or the pattern and something below it, fit? Keeps the last ANY to come back to.
 */
static int fits(const char *pattern, const char *path)
{
	const char *any = NULL, *resume = NULL;

	for (;;) {
		if (*pattern == ANY) {
			any = ++pattern;
			resume = path;
		} else if (!*pattern && (!*path || *path == '/')) {
			return 1;
		} else if (*pattern && *pattern == *path) {
			pattern++;
			path++;
		} else if (any && *resume) {
			pattern = any;
			path = ++resume;
		} else {
			return 0;
		}
	}
}

/* ---- who reads it ---------------------------------------------------------------------- */

struct pair {
	uint32_t from, to;
};

/* Pairs of one producer for the consumer at hand. */
struct bundle {
	uint32_t from;
	struct pair *pairs;
	uint8_t whole; /* every task of the consumer waits for every one of the producer */
	size_t count, cap;
	size_t settled; /* pairs before this one are sorted and different */
};

struct finder {
	struct draft *dr;
	struct table *t;
	uint32_t *deps_at, *deps; /* deps by `to`, of before data */
	uint32_t *bundle_of;	  /* by instance, + 1 */
	struct bundle *bundles;
	size_t bundle_count, bundle_cap;
	struct pair *guesses; /* unsized producer, consumer */
	size_t guess_count, guess_cap;
};

static void deps_by_to(struct finder *f)
{
	uint32_t n = f->dr->d->instance_count;

	f->deps_at = wf_xcalloc((size_t)n + 2, sizeof(*f->deps_at));
	f->deps = wf_xmalloc(f->dr->dep_count * sizeof(*f->deps));
	for (size_t i = 0; i < f->dr->dep_count; i++)
		f->deps_at[f->dr->deps[i].to + 2]++;
	for (uint32_t i = 2; i < n + 2; i++)
		f->deps_at[i] += f->deps_at[i - 1];
	for (size_t i = 0; i < f->dr->dep_count; i++)
		f->deps[f->deps_at[f->dr->deps[i].to + 1]++] = (uint32_t)i;
}

/* Is task j of `to` made to wait for the end of task i of `from` already? */
static int is_ordered(const struct finder *f, uint32_t from, uint32_t i, uint32_t to, uint32_t j)
{
	for (uint32_t k = f->deps_at[to]; k < f->deps_at[to + 1]; k++) {
		const struct dag_dep *dep = &f->dr->deps[f->deps[k]];

		if (dep->from != from || dep->result == WDF_START)
			continue;
		if (dep->kind == DAG_ALL || (dep->kind == DAG_EACH && i == j) ||
		    (dep->kind == DAG_BY && dep->from_group && i != NONE &&
		     dep->from_group[i] == dep->to_group[j]))
			return 1;
	}
	return 0;
}

static void add_pair(struct finder *f, uint32_t from, uint32_t i, uint32_t to, uint32_t j)
{
	struct bundle *b;

	if (is_ordered(f, from, i, to, j))
		return;
	if (!f->bundle_of[from]) {
		size_t old = f->bundle_cap;

		f->bundles = wf_grow(f->bundles, &f->bundle_cap, f->bundle_count + 1,
				     sizeof(*f->bundles));
		memset(f->bundles + old, 0, (f->bundle_cap - old) * sizeof(*f->bundles));
		b = &f->bundles[f->bundle_count++];
		b->from = from;
		b->count = b->settled = b->whole = 0;
		f->bundle_of[from] = (uint32_t)f->bundle_count;
	}
	b = &f->bundles[f->bundle_of[from] - 1];
	if (i == NONE) {
		b->whole = 1;
		return;
	}
	b->pairs = wf_grow(b->pairs, &b->cap, b->count + 1, sizeof(*b->pairs));
	b->pairs[b->count++] = (struct pair){ i, j };
}

static int own_output(struct finder *f, uint32_t to, uint32_t j, uint32_t input)
{
	const struct dag *d = f->dr->d;
	const struct wdf_step *s = &d->wdf->steps[d->instances[to].step];
	char name[TASK_NAME];

	if (s->update)
		return 0;
	dag_task_name(d, to, j, name, sizeof(name));
	finding_hint(finding(f->dr->diags, "E0306", s->inputs[input].pos,
			     "task '%s' needs its own output '%s'", name,
			     s->inputs[input].raw ? s->inputs[input].raw : ""),
		     "if it changes a file in place, say 'update: true'");
	return -1;
}

static void guess(struct finder *f, const char *path, uint32_t to)
{
	for (size_t i = 0; i < f->t->pattern_count; i++) {
		uint32_t from = f->t->patterns[i].instance;
		struct pair *last = f->guess_count ? &f->guesses[f->guess_count - 1] : NULL;

		if (!fits(f->t->patterns[i].text, path) ||
		    (last && last->from == from && last->to == to))
			continue;
		f->guesses =
			wf_grow(f->guesses, &f->guess_cap, f->guess_count + 1, sizeof(*f->guesses));
		f->guesses[f->guess_count++] = (struct pair){ from, to };
	}
}

/* Task j of `to` reads what w and those after it write. Who updates a file in place waits for its
 * maker, not for the others that do. */
static int read_path(struct finder *f, const struct writer *w, uint32_t to, uint32_t j, int exact,
		     uint32_t input)
{
	int in_place = updates(f->dr->d, to);

	for (const struct writer *x = w; x; x = x->next ? &f->t->writers[x->next - 1] : NULL) {
		if (x->instance == to && x->index == j) {
			if (exact && own_output(f, to, j, input) < 0)
				return -1;
		} else if (!in_place || !updates(f->dr->d, x->instance)) {
			add_pair(f, x->instance, x->index, to, j);
		}
	}
	return 0;
}

/* Tasks that write this path, or a directory above it. */
static int find_writers(struct finder *f, const char *path, size_t n, uint32_t to, uint32_t j,
			uint32_t input)
{
	guess(f, path, to);
	for (size_t len = n; len > 0; len = len > 1 ? len - 1 : 0) {
		const struct writer *w = NULL;

		if (len == n || path[len] == '/')
			w = writer_of(f->t, path, len);
		if (!w || (!f->dr->fresh[to] && !f->dr->fresh[w->instance]))
			continue;
		if (read_path(f, w, to, j, len == n, input) < 0)
			return -1;
	}
	return 0;
}

static int by_from(const void *a, const void *b)
{
	uint32_t x = ((const struct pair *)a)->from, y = ((const struct pair *)b)->from;

	return (x > y) - (x < y);
}

/* Sort the pairs of the task just read and drop repeats. */
static void settle_bundles(struct finder *f)
{
	for (size_t k = 0; k < f->bundle_count; k++) {
		struct bundle *b = &f->bundles[k];
		size_t n = b->settled;

		if (b->count - b->settled > 1)
			qsort(b->pairs + b->settled, b->count - b->settled, sizeof(*b->pairs),
			      by_from);
		for (size_t i = b->settled; i < b->count; i++)
			if (i == b->settled || b->pairs[i].from != b->pairs[i - 1].from)
				b->pairs[n++] = b->pairs[i];
		b->count = b->settled = n;
	}
}

static int find_inputs(struct finder *f, struct renderer *r)
{
	const struct dag_instance *in = &f->dr->d->instances[r->instance];
	uint32_t n = r->step->input_count;
	enum reach_of *reach = wf_xmalloc(n * sizeof(*reach));
	struct wf_buf *fixed = wf_xcalloc(n, sizeof(*fixed)), path = { 0 };
	struct wf_err err;
	int failed = 0;

	for (uint32_t k = 0; k < n && !failed; k++) {
		reach[k] = path_reach(r, &r->step->inputs[k]);
		if (reach[k] == REACH_CONSTANT &&
		    render(r, &r->step->inputs[k], 0, &fixed[k], &err) < 0)
			failed = cannot_render(f->dr, &r->step->inputs[k], r->step, &err);
	}
	for (uint32_t j = 0; j < in->count && !failed; j++) {
		for (uint32_t k = 0; k < n && !failed; k++) {
			const struct wf_buf *p = &fixed[k];

			if (reach[k] == REACH_LATER)
				continue;
			if (reach[k] == REACH_TASK) {
				wf_buf_clear(&path);
				p = &path;
				if (render(r, &r->step->inputs[k], j, &path, &err) < 0) {
					failed = cannot_render(f->dr, &r->step->inputs[k], r->step,
							       &err);
					break;
				}
			}
			failed = find_writers(f, p->data, p->len, r->instance, j, k) < 0;
		}
		settle_bundles(f);
	}
	for (uint32_t k = 0; k < n; k++)
		wf_buf_release(&fixed[k]);
	wf_buf_release(&path);
	free(fixed);
	free(reach);
	return failed ? -1 : 0;
}

/* ---- pairs become deps ----------------------------------------------------------------- */

static void list_pairs(struct draft *dr, struct dag_dep *dep, const struct bundle *b)
{
	struct wf_arena *a = &dr->d->arena;
	uint32_t to_count = dr->d->instances[dep->to].count;
	uint32_t *offset = wf_arena_alloc(a, ((size_t)to_count + 1) * sizeof(*offset));
	uint32_t *pred = wf_arena_alloc(a, b->count * sizeof(*pred));

	for (size_t i = 0; i < b->count; i++) {
		offset[b->pairs[i].to + 1]++;
		pred[i] = b->pairs[i].from; /* by `to`, then `from` */
	}
	for (uint32_t i = 1; i <= to_count; i++)
		offset[i] += offset[i - 1];
	dep->pred_offset = offset;
	dep->pred = pred;
	graph_turn(dr->d, dep);
}

static void make_dep(struct draft *dr, uint32_t to, const struct bundle *b)
{
	uint64_t from_count = dr->d->instances[b->from].count,
		 to_count = dr->d->instances[to].count;
	int same_index = from_count == to_count && b->count == from_count;
	enum dag_dep_kind kind = DAG_SOME;

	for (size_t i = 0; i < b->count && same_index; i++)
		same_index = b->pairs[i].from == b->pairs[i].to;
	if (b->from != to && (b->whole || b->count == from_count * to_count))
		kind = DAG_ALL;
	else if (b->from != to && same_index)
		kind = DAG_EACH;
	draft_dep(dr, b->from, to, kind, WDF_SUCCESS, DAG_BY_DATA);
	if (kind == DAG_SOME)
		list_pairs(dr, &dr->deps[dr->dep_count - 1], b);
}

static int connect_consumer(struct finder *f, struct renderer *r, uint32_t to)
{
	int failed;

	f->bundle_count = 0;
	renderer_start(r, f->dr->d, to);
	failed = find_inputs(f, r) < 0;
	for (size_t k = 0; k < f->bundle_count; k++) {
		struct bundle *b = &f->bundles[k];

		f->bundle_of[b->from] = 0;
		if (failed || (!b->count && !b->whole))
			continue;
		if (f->dr->fresh[to]) {
			make_dep(f->dr, to, b);
		} else {
			/* It may run already; had it not led to the producer itself, it would wait
			 * for it as a guess. */
			finding(f->dr->diags, "E0306", r->step->pos,
				"step '%s' turns out to write what '%s' reads, which comes before "
				"it",
				f->dr->d->instances[b->from].name, f->dr->d->instances[to].name);
			failed = 1;
		}
	}
	return failed ? -1 : 0;
}

/* Everything that leads to `of`, over the deps made so far. */
static uint8_t *ancestors(const struct draft *dr, uint32_t of)
{
	uint32_t n = dr->d->instance_count, count = 0, *queue = wf_xmalloc(n * sizeof(*queue));
	uint8_t *is = wf_xcalloc(n, 1);
	uint32_t *at = wf_xcalloc((size_t)n + 2, sizeof(*at)),
		 *in = wf_xmalloc(dr->dep_count * sizeof(*in));

	for (size_t i = 0; i < dr->dep_count; i++)
		at[dr->deps[i].to + 2]++;
	for (uint32_t i = 2; i < n + 2; i++)
		at[i] += at[i - 1];
	for (size_t i = 0; i < dr->dep_count; i++)
		in[at[dr->deps[i].to + 1]++] = dr->deps[i].from;
	is[of] = 1;
	queue[count++] = of;
	for (uint32_t k = 0; k < count; k++)
		for (uint32_t i = at[queue[k]]; i < at[queue[k] + 1]; i++)
			if (!is[in[i]]) {
				is[in[i]] = 1;
				queue[count++] = in[i];
			}
	free(queue);
	free(at);
	free(in);
	return is;
}

static int by_producer(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
				  : (x->to > y->to) - (x->to < y->to);
}

/* Who reads a path that an unsized producer may write waits for all of it, unless it leads there:
 * then it cannot mean that one. */
static void connect_guesses(struct finder *f)
{
	uint8_t *before = NULL;

	if (f->guess_count)
		qsort(f->guesses, f->guess_count, sizeof(*f->guesses), by_producer);
	for (size_t i = 0; i < f->guess_count; i++) {
		struct pair g = f->guesses[i], *prev = i ? &f->guesses[i - 1] : NULL;

		if (!prev || prev->from != g.from) {
			free(before);
			before = ancestors(f->dr, g.from);
		} else if (prev->to == g.to) {
			continue;
		}
		if (f->dr->fresh[g.to] && !before[g.to] && !is_ordered(f, g.from, 0, g.to, 1))
			draft_dep(f->dr, g.from, g.to, DAG_ALL, WDF_SUCCESS, DAG_BY_DATA);
	}
	free(before);
}

static int has_data(const struct draft *dr)
{
	const struct dag *d = dr->d;
	int in = 0, out = 0;

	for (uint32_t i = 0; i < d->instance_count; i++) {
		const struct wdf_step *s = &d->wdf->steps[d->instances[i].step];

		if (dr->fresh[i] && (s->input_count || s->output_count))
			in = 1;
		out |= s->output_count > 0;
	}
	return in && out;
}

int data_connect(struct draft *dr)
{
	struct dag *d = dr->d;
	struct table t = { 0 };
	struct finder f = { .dr = dr, .t = &t };
	struct renderer r = { 0 };
	int failed;

	if (!has_data(dr))
		return 0;
	failed = writers_find(dr, &t) < 0;
	deps_by_to(&f);
	f.bundle_of = wf_xcalloc(d->instance_count, sizeof(*f.bundle_of));
	for (uint32_t i = 0; i < d->instance_count && !failed; i++)
		if (d->wdf->steps[d->instances[i].step].input_count &&
		    d->instances[i].count != DAG_UNSIZED)
			failed = connect_consumer(&f, &r, i) < 0;
	if (!failed)
		connect_guesses(&f);
	for (size_t k = 0; k < f.bundle_cap; k++)
		free(f.bundles[k].pairs);
	free(f.bundles);
	free(f.bundle_of);
	free(f.guesses);
	free(f.deps_at);
	free(f.deps);
	renderer_release(&r);
	table_release(&t);
	return failed ? -1 : 0;
}

static int is_at_or_below(const struct wf_buf *path, const char *of, size_t n)
{
	return path->len >= n && memcmp(path->data, of, n) == 0 &&
	       (path->len == n || path->data[n] == '/');
}

int data_why(const struct dag *d, uint32_t from, uint32_t i, uint32_t to, uint32_t j,
	     struct wf_buf *out)
{
	struct renderer reader = { 0 }, writer = { 0 };
	struct wf_buf in_path = { 0 }, out_path = { 0 };
	int found = 0;

	if (d->instances[from].count == DAG_UNSIZED || d->instances[to].count == DAG_UNSIZED)
		return 0;
	renderer_start(&reader, d, to);
	renderer_start(&writer, d, from);
	for (uint32_t k = 0; k < reader.step->input_count && !found; k++) {
		wf_buf_clear(&in_path);
		if (path_reach(&reader, &reader.step->inputs[k]) == REACH_LATER ||
		    render(&reader, &reader.step->inputs[k], j, &in_path, NULL) < 0)
			continue;
		for (uint32_t o = 0; o < writer.step->output_count && !found; o++) {
			wf_buf_clear(&out_path);
			if (path_reach(&writer, &writer.step->outputs[o]) == REACH_LATER ||
			    render(&writer, &writer.step->outputs[o], i, &out_path, NULL) < 0)
				continue;
			found = is_at_or_below(&in_path, out_path.data, out_path.len);
		}
	}
	if (found) {
		size_t n = strlen(d->workdir),
		       inside = is_at_or_below(&in_path, d->workdir, n) && in_path.len > n;

		wf_buf_str(out, in_path.data + (inside ? n + 1 : 0));
	}
	wf_buf_release(&in_path);
	wf_buf_release(&out_path);
	renderer_release(&reader);
	renderer_release(&writer);
	return found;
}
