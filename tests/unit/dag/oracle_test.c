/* oracle_test.c - the plan against a slow obvious one, on random graphs
 *
 * The oracle keeps the outcome of every task and evaluates every rule from all of them each time it is asked. Of the dag it uses only the
 * order of the edges into a step, which decides the cause that is named. Outcomes, the order of endings, the size of batches and
 * restarts (a new plan, fed with what has ended in random order) are random and seeded.
 */
#include "tests/unit/dag/random_graph.h"

enum holding {
	OPEN,
	HOLDS,
	UNNEEDED,
	BREAKS
};

struct blame {
	uint32_t skip, cause, index, root;
};

struct state {
	int ended, started, judged;
	enum dag_outcome outcome;
	uint32_t root;
};

struct oracle {
	const struct want *w;
	const struct dag *d;
	struct state t[STEPS][TASKS];
	int sized[STEPS], dead[STEPS];
	enum holding hollow[STEPS];
	uint32_t hollow_root[STEPS];
	int leads[STEPS][STEPS];
};

static int is_hollow(const struct oracle *o, uint32_t s)
{
	return o->dead[s] || (o->sized[s] && o->w->steps[s].count == 0);
}

static int runs_if_empty(const struct oracle *o, uint32_t s)
{
	const struct want *w = o->w;

	if (w->steps[s].run_if_empty)
		return 1;
	for (uint32_t k = 0; k < w->edge_count; k++) {
		const struct want_edge *e = &w->edges[k];

		if (e->to == s && e->how == HOW_BY_X)
			return runs_if_empty(o, e->from);
		/* inherited from where the fan-out is written, or made of groups */
		if (e->to == s && e->how == HOW_EACH) {
			uint32_t at = s;

			for (uint32_t i = 0; i < w->edge_count; i++)
				if (w->edges[i].to == at && w->edges[i].how == HOW_EACH) {
					at = w->edges[i].from;
					i = NONE;
				}
			return w->steps[at].run_if_empty;
		}
	}
	return 0;
}

enum cover {
	UNKNOWN,
	COVERED,
	UNCOVERED
};

static enum cover cover_of(const struct oracle *o, const struct want_edge *e, int as_all,
			   uint32_t root)
{
	const struct want_step *r = &o->w->steps[root];
	uint32_t failed = 0, ended = 0,
		 most = r->percent ? r->count * r->tolerate / 10000 : r->tolerate;

	if (is_hollow(o, root) || !o->sized[root])
		return UNCOVERED;
	if ((root == e->to || (o->leads[root][e->to] && o->leads[e->to][root])) &&
	    !(as_all && root == e->from))
		return UNCOVERED;
	for (uint32_t i = 0; i < r->count; i++) {
		const struct state *t = &o->t[root][i];

		if (t->ended && t->outcome == DAG_CANCELED)
			return UNCOVERED;
		failed += t->ended && t->outcome == DAG_FAILED;
		ended += (uint32_t)t->ended;
	}
	return failed > most ? UNCOVERED : ended == r->count ? COVERED : UNKNOWN;
}

static void worst_of(struct blame *b, struct blame x)
{
	if (b->skip == NONE || x.skip < b->skip || (x.skip == b->skip && x.index < b->index) ||
	    (x.skip == b->skip && x.index == b->index && x.root < b->root))
		*b = x;
}

static struct blame blame_of(const struct oracle *o, const struct want_edge *e, uint32_t i)
{
	const struct state *t = &o->t[e->from][i];

	if (t->outcome == DAG_FAILED)
		return (struct blame){ DAG_SKIP_PARENT_FAILED, e->from, i, e->from };
	return (struct blame){ DAG_SKIP_PARENT_SKIPPED, e->from, i,
			       t->outcome == DAG_CANCELED ? e->from : t->root };
}

static enum holding hollow_condition(const struct oracle *o, const struct want_edge *e,
				     struct blame *b)
{
	uint32_t f = e->from;
	int wants = e->result == WDF_SUCCESS || e->result == WDF_FAILURE;
	enum cover cover;

	*b = (struct blame){ DAG_SKIP_EMPTY, f, NONE, f };
	if (wants && !o->dead[f] && !runs_if_empty(o, f))
		return BREAKS;
	if (o->hollow[f] == OPEN)
		return OPEN;
	if (!wants)
		return HOLDS;
	if (o->hollow[f] == HOLDS) {
		*b = (struct blame){ DAG_SKIP_NOT_NEEDED, f, NONE, f };
		return e->result == WDF_SUCCESS ? HOLDS : UNNEEDED;
	}
	*b = (struct blame){ DAG_SKIP_PARENT_SKIPPED, f, NONE, o->hollow_root[f] };
	if (e->result == WDF_FAILURE)
		return BREAKS;
	cover = cover_of(o, e, 1, o->hollow_root[f]);
	return cover == UNCOVERED ? BREAKS : cover == COVERED ? HOLDS : OPEN;
}

/* The condition of one edge for task j of its `to` (of a hollow `to`: for the step). */
static enum holding condition(const struct oracle *o, const struct want_edge *e, uint32_t j,
			      struct blame *b)
{
	const struct want_step *from = &o->w->steps[e->from];
	int as_all = is_hollow(o, e->to) || is_hollow(o, e->from) || e->how == HOW_ALL ||
		     e->how == HOW_LIST || (e->how == HOW_DATA && is_joint(o->w, e));
	int joint = as_all || is_joint(o->w, e), open = 0, failed = 0, doubt = 0;

	*b = (struct blame){ .skip = NONE };
	if (!o->sized[e->from] && !o->dead[e->from])
		return OPEN;
	if (!o->sized[e->to] && !o->dead[e->to] && e->how != HOW_LIST)
		return OPEN;
	if (o->dead[e->to] && e->how != HOW_LIST)
		return OPEN;
	if (is_hollow(o, e->from))
		return hollow_condition(o, e, b);
	for (uint32_t i = 0; i < from->count; i++) {
		const struct state *t = &o->t[e->from][i];

		if (!as_all && !relates(o->w, e, i, j))
			continue;
		if (e->result == WDF_START && (t->started || t->ended))
			continue;
		if (!t->ended) {
			open = 1;
			continue;
		}
		if (e->result == WDF_ANY || e->result == WDF_START)
			continue;
		failed |= t->outcome == DAG_FAILED;
		if (t->outcome == DAG_SUCCEEDED || t->outcome == DAG_SKIPPED)
			continue;
		if (e->result == WDF_FAILURE) {
			if (t->outcome != DAG_FAILED)
				worst_of(b, blame_of(o, e, i));
		} else if (!joint || t->outcome == DAG_CANCELED) {
			worst_of(b, blame_of(o, e, i));
		} else {
			struct blame x = blame_of(o, e, i);
			enum cover cover = cover_of(o, e, as_all, x.root);

			if (cover == UNCOVERED)
				worst_of(b, x);
			doubt |= cover == UNKNOWN;
		}
	}
	if (e->result == WDF_FAILURE) {
		if (open)
			return OPEN;
		if (failed)
			return HOLDS;
		if (b->skip != NONE)
			return BREAKS;
		*b = (struct blame){ DAG_SKIP_NOT_NEEDED, e->from,
				     e->how == HOW_EACH && !as_all ? j : NONE, e->from };
		return UNNEEDED;
	}
	/* A listed or single parent is named in the order of tasks, whatever was wrong with it. */
	if (!joint && b->skip != NONE)
		for (uint32_t i = from->count; i-- > 0;)
			if (relates(o->w, e, i, j) && o->t[e->from][i].ended &&
			    o->t[e->from][i].outcome != DAG_SUCCEEDED &&
			    o->t[e->from][i].outcome != DAG_SKIPPED)
				*b = blame_of(o, e, i);
	return b->skip != NONE ? BREAKS : open || doubt ? OPEN : HOLDS;
}

/* Edges into s in the order of the dag. */
static const struct want_edge *edge_at(const struct oracle *o, uint32_t s, uint32_t at)
{
	const struct dag_instance *in = &o->d->instances[s];
	const struct dag_dep *dep = at < in->in_count ? &o->d->deps[in->in[at]] : NULL;

	for (uint32_t k = 0; dep && k < o->w->edge_count; k++)
		if (o->w->edges[k].to == s && o->w->edges[k].from == dep->from &&
		    counts(&o->w->edges[k]))
			return &o->w->edges[k];
	return NULL;
}

static enum holding stand(const struct oracle *o, uint32_t s, uint32_t j, struct blame *b)
{
	enum holding all = HOLDS;
	struct blame x, unneeded = { .skip = NONE };

	for (uint32_t k = 0; edge_at(o, s, k); k++) {
		const struct want_edge *e = edge_at(o, s, k);
		enum holding h;

		/* Which tasks of an empty fan-out would read a file is not known: none. */
		if (is_hollow(o, s) && e->how == HOW_DATA)
			continue;
		h = condition(o, e, j, &x);
		if (h == BREAKS) {
			*b = x;
			return BREAKS;
		}
		if (h == OPEN)
			all = OPEN;
		if (h == UNNEEDED && unneeded.skip == NONE)
			unneeded = x;
	}
	if (all == OPEN)
		return OPEN;
	*b = unneeded;
	return unneeded.skip != NONE ? UNNEEDED : HOLDS;
}

/* ---- verdicts about steps: hollow ones settle, lists become readable or never will ----- */

static enum holding list_condition(const struct oracle *o, uint32_t s, struct blame *b)
{
	for (uint32_t k = 0; k < o->w->edge_count; k++)
		if (o->w->edges[k].to == s && o->w->edges[k].how == HOW_LIST)
			return condition(o, &o->w->edges[k], 0, b);
	return OPEN;
}

/* The lowest step about which something can be said; writes what the plan should say about it. 0 when there is none. */
static int settle_one(struct oracle *o, char *said, size_t size, uint32_t *size_it)
{
	for (uint32_t s = 0; s < o->w->step_count; s++) {
		struct blame b;
		enum holding h;

		*size_it = NONE;
		if (!o->sized[s] && !o->dead[s] && o->w->steps[s].sized_by == s) {
			h = list_condition(o, s, &b);
			if (h == OPEN)
				continue;
			if (h == HOLDS) {
				*size_it = s;
				snprintf(said, size, "size s%u", s);
				return 1;
			}
			for (uint32_t i = 0; i < o->w->step_count; i++)
				o->dead[i] |= o->w->steps[i].sized_by == s;
		}
		if (!is_hollow(o, s) || o->hollow[s] != OPEN)
			continue;
		if (o->dead[s]) {
			uint32_t owner = o->w->steps[s].sized_by;

			list_condition(o, owner, &b);
			if (s != owner) {
				b.skip = DAG_SKIP_PARENT_SKIPPED;
				b.cause = owner;
				b.index = NONE;
			}
			o->hollow[s] = BREAKS;
			o->hollow_root[s] = b.root;
			snprintf(said, size, "dead s%u %u %u %u %u", s, b.skip, b.cause, b.index,
				 b.root);
			return 1;
		}
		h = stand(o, s, 0, &b);
		if (h == OPEN)
			continue;
		o->hollow[s] = h == BREAKS ? BREAKS : HOLDS;
		o->hollow_root[s] = b.root;
		said[0] = '\0';
		return 1;
	}
	return 0;
}

static void say_task(const struct oracle *o, uint32_t s, uint32_t j, struct wf_buf *out)
{
	struct blame b;
	enum holding h = stand(o, s, j, &b);

	if (h == HOLDS)
		wf_buf_printf(out, "release s%u[%u]\n", s, j);
	else if (h != OPEN)
		wf_buf_printf(out, "skip s%u[%u] %u %u %u %u\n", s, j, b.skip, b.cause, b.index,
			      b.root);
}

/* ---- one life of one graph ------------------------------------------------------------- */

struct life {
	struct want w;
	struct maker m;
	struct dag *d;
	struct dag_plan *p;
	struct oracle o;
	enum {
		WAITING,
		RELEASED,
		SKIPPED
	} given[STEPS][TASKS];
	struct dag_verdict verdict[STEPS][TASKS];
	uint32_t open; /* tasks given a verdict that have not ended */
	struct wf_buf trace;
	int failed;
};

static void differ(struct life *l, const char *what, const char *got, const char *want)
{
	if (!l->failed++)
		diag("%s\n got  %s\n want %s\n after\n%s", what, got, want, wf_buf_cstr(&l->trace));
}

static void find_leads(struct oracle *o)
{
	memset(o->leads, 0, sizeof(o->leads));
	for (uint32_t k = 0; k < o->w->edge_count; k++)
		if (counts(&o->w->edges[k]))
			o->leads[o->w->edges[k].from][o->w->edges[k].to] = 1;
	for (uint32_t v = 0; v < o->w->step_count; v++)
		for (uint32_t a = 0; a < o->w->step_count; a++)
			for (uint32_t b = 0; b < o->w->step_count; b++)
				o->leads[a][b] |= o->leads[a][v] && o->leads[v][b];
}

static void say_verdict(const struct dag_verdict *v, uint32_t index, char *out, size_t size)
{
	if (v->kind == DAG_SIZE)
		snprintf(out, size, "size s%u", v->instance);
	else if (v->kind == DAG_SKIP && !v->count)
		snprintf(out, size, "dead s%u %u %u %u %u", v->instance, v->skip, v->cause_instance,
			 v->cause_index, v->root_instance);
	else if (v->kind == DAG_RELEASE)
		snprintf(out, size, "release s%u[%u]", v->instance, index);
	else
		snprintf(out, size, "skip s%u[%u] %u %u %u %u", v->instance, index, v->skip,
			 v->cause_instance, v->cause_index, v->root_instance);
}

/* What the oracle says of steps, one thing at a time, must come from the plan first and in that order. */
static void settle_steps(struct life *l, struct dag_verdict *v, int *have)
{
	char want[96], got[96];
	uint32_t size_it;

	*have = dag_plan_next(l->p, v);
	while (settle_one(&l->o, want, sizeof(want), &size_it)) {
		if (!want[0])
			continue;
		say_verdict(v, 0, got, sizeof(got));
		if (!*have || strcmp(got, want) != 0) {
			differ(l, "about a step", *have ? got : "nothing", want);
			return;
		}
		wf_buf_printf(&l->trace, "%s\n", want);
		if (size_it != NONE) {
			size_list(&l->m, &l->w, l->d, size_it);
			for (uint32_t i = 0; i < l->w.step_count; i++)
				l->o.sized[i] |= l->w.steps[i].sized_by == size_it;
			dag_plan_sized(l->p, size_it);
		}
		*have = dag_plan_next(l->p, v);
	}
}

static void drain(struct life *l)
{
	struct wf_buf got = { 0 }, want = { 0 };
	struct dag_verdict v;
	char text[96];
	int have;

	settle_steps(l, &v, &have);
	for (; have && !l->failed; have = dag_plan_next(l->p, &v))
		for (uint32_t i = v.first; i < v.first + v.count; i++) {
			say_verdict(&v, i, text, sizeof(text));
			wf_buf_printf(&got, "%s\n", text);
			/* After a restart a verdict may come again; it must be of the same kind. */
			if (l->given[v.instance][i] == WAITING)
				l->open++;
			else if ((l->given[v.instance][i] == RELEASED) != (v.kind == DAG_RELEASE))
				differ(l, "a verdict changed its mind", text, "the other kind");
			if (l->given[v.instance][i] == WAITING)
				l->verdict[v.instance][i] = v;
			l->given[v.instance][i] = v.kind == DAG_RELEASE ? RELEASED : SKIPPED;
		}
	/* Ordinals follow steps but for those sized later: compare as sets, by step. */
	for (uint32_t k = 0; k < l->d->sized_count; k++) {
		uint32_t s = l->d->sized[k];

		for (uint32_t j = 0; j < l->w.steps[s].count; j++) {
			struct state *t = &l->o.t[s][j];
			size_t before = want.len;

			if (!t->ended && !t->judged)
				say_task(&l->o, s, j, &want);
			t->judged |= want.len > before;
		}
	}
	if (!l->failed && strcmp(wf_buf_cstr(&got), wf_buf_cstr(&want)) != 0)
		differ(l, "verdicts", wf_buf_cstr(&got), wf_buf_cstr(&want));
	wf_buf_str(&l->trace, wf_buf_cstr(&got));
	wf_buf_release(&got);
	wf_buf_release(&want);
}

static void end_task(struct life *l, uint32_t s, uint32_t j, enum dag_outcome o, uint32_t root)
{
	static const char *const words[] = { "succeeded", "failed", "skipped", "skipped badly",
					     "canceled" };

	wf_buf_printf(&l->trace, "    s%u[%u] %s %u\n", s, j, words[o],
		      o == DAG_SKIPPED_BAD ? root : 0);
	l->o.t[s][j].ended = 1;
	l->o.t[s][j].outcome = o;
	l->o.t[s][j].root = root;
	dag_plan_ended(l->p, s, j, o, root);
	if (l->given[s][j] != WAITING)
		l->open--;
}

/* Something happens to one task that may have something happen. */
static void happen(struct life *l)
{
	uint32_t pick = draw(l->open), s = 0, j = 0;
	const struct dag_verdict *v;

	for (s = 0; s < l->w.step_count; s++) {
		for (j = 0; l->o.sized[s] && j < l->w.steps[s].count; j++)
			if (l->given[s][j] != WAITING && !l->o.t[s][j].ended && pick-- == 0)
				break;
		if (l->o.sized[s] && j < l->w.steps[s].count)
			break;
	}
	v = &l->verdict[s][j];
	if (l->given[s][j] == SKIPPED) {
		end_task(l, s, j, v->skip == DAG_SKIP_NOT_NEEDED ? DAG_SKIPPED : DAG_SKIPPED_BAD,
			 v->root_instance);
	} else if (!l->o.t[s][j].started && draw(3)) {
		wf_buf_printf(&l->trace, "    s%u[%u] started\n", s, j);
		l->o.t[s][j].started = 1;
		dag_plan_started(l->p, s, j);
	} else {
		uint32_t r = draw(20);

		end_task(l, s, j,
			 r < 12	  ? DAG_SUCCEEDED
			 : r < 17 ? DAG_FAILED
			 : r < 19 ? DAG_SKIPPED
				  : DAG_CANCELED,
			 0);
	}
}

static void cancel_waiting(struct life *l)
{
	uint32_t s = draw(l->w.step_count), j;

	if (!l->o.sized[s] || !l->w.steps[s].count)
		return;
	j = draw(l->w.steps[s].count);
	if (l->given[s][j] == WAITING && !l->o.t[s][j].ended)
		end_task(l, s, j, DAG_CANCELED, 0);
}

static void restart(struct life *l)
{
	uint32_t list[STEPS * TASKS][2], n = 0;

	wf_buf_str(&l->trace, "    -- restart\n");
	dag_plan_free(l->p);
	l->p = dag_plan_create(l->d);
	memset(l->o.hollow, 0, sizeof(l->o.hollow));
	memset(l->o.dead, 0, sizeof(l->o.dead));
	for (uint32_t s = 0; s < l->w.step_count; s++)
		for (uint32_t j = 0; j < TASKS; j++) {
			l->o.t[s][j].judged = 0;
			if (l->o.t[s][j].started || l->o.t[s][j].ended) {
				list[n][0] = s;
				list[n++][1] = j;
			}
		}
	while (n) {
		uint32_t at = draw(n), s = list[at][0], j = list[at][1];
		const struct state *t = &l->o.t[s][j];

		if (t->started && (!t->ended || draw(2)))
			dag_plan_started(l->p, s, j);
		if (t->ended)
			dag_plan_ended(l->p, s, j, t->outcome, t->root);
		list[at][0] = list[--n][0];
		list[at][1] = list[n][1];
	}
}

static void all_is_told(struct life *l)
{
	for (uint32_t s = 0; s < l->w.step_count && !l->failed; s++) {
		if (!l->o.sized[s] && !l->o.dead[s])
			differ(l, "at the end", "a step was neither sized nor given up", "");
		for (uint32_t j = 0; l->o.sized[s] && j < l->w.steps[s].count; j++)
			if (!l->o.t[s][j].ended)
				differ(l, "at the end", "a task never got a verdict", "");
	}
}

struct tally {
	uint32_t lives, circles, tasks, restarts, hollow, dead;
};

static int live(uint64_t number, struct tally *t)
{
	struct life l;
	int circle;

	memset(&l, 0, sizeof(l));
	seed = number * 7919 + 17;
	random_want(&l.w, 30);
	circle = has_circle(&l.w);
	make_want(&l.m, &l.w);
	l.d = try_build(&l.m);
	t->circles += (uint32_t)circle;
	if (!l.d || circle) {
		if (!circle || l.d)
			differ(&l, "build", l.d ? "no circle" : l.m.diags.items[0].text,
			       circle ? "a circle" : "none");
		dag_free(l.d);
		maker_release(&l.m);
		return !l.failed;
	}
	l.p = dag_plan_create(l.d);
	l.o.w = &l.w;
	l.o.d = l.d;
	find_leads(&l.o);
	for (uint32_t s = 0; s < l.w.step_count; s++)
		l.o.sized[s] = l.w.steps[s].sized_by == NONE;
	drain(&l);
	while (l.open && !l.failed) {
		for (uint32_t k = 1 + draw(4); k && l.open; k--)
			happen(&l);
		if (draw(40) == 0)
			cancel_waiting(&l);
		if (draw(12) == 0) {
			restart(&l);
			t->restarts++;
		}
		drain(&l);
	}
	all_is_told(&l);
	t->lives++;
	t->tasks += l.d->task_count;
	for (uint32_t s = 0; s < l.w.step_count; s++) {
		t->hollow += (uint32_t)is_hollow(&l.o, s);
		t->dead += (uint32_t)l.o.dead[s];
	}
	if (l.failed)
		for (uint32_t k = 0; k < l.w.edge_count; k++)
			diag("edge s%u -> s%u how %d result %d", l.w.edges[k].from, l.w.edges[k].to,
			     l.w.edges[k].how, l.w.edges[k].result);
	if (l.failed)
		for (uint32_t s = 0; s < l.w.step_count; s++)
			diag("s%u: count %u x %u y %u sized by %d tolerate %u%s if_empty %s", s,
			     l.w.steps[s].count, l.w.steps[s].xs, l.w.steps[s].ys,
			     (int)l.w.steps[s].sized_by, l.w.steps[s].tolerate,
			     l.w.steps[s].percent ? "/10000" : "",
			     l.w.steps[s].run_if_empty ? "run" : "skip");
	dag_plan_free(l.p);
	dag_free(l.d);
	wf_buf_release(&l.trace);
	maker_release(&l.m);
	return !l.failed;
}

int main(int argc, char **argv)
{
	uint64_t lives = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000,
		 first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	struct tally t = { 0 };
	uint64_t bad = UINT64_MAX;

	for (uint64_t i = first; i < first + lives && bad == UINT64_MAX; i++)
		if (!live(i, &t))
			bad = i;
	ok(bad == UINT64_MAX, "every verdict is the oracle's (graph %lld differs)", (long long)bad);
	diag("%u lives, %u tasks, %u restarts, %u hollow steps, %u dead, %u circles", t.lives,
	     t.tasks, t.restarts, t.hollow, t.dead, t.circles);
	if (argc == 1)
		ok(t.restarts > 5000 && t.hollow > 5000 && t.dead > 1000 && t.circles > 500,
		   "and all cases came up");
	return done_testing();
}
