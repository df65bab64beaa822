/* explain_waiting.c - what a waiting task waits for: its parents that have not ended, and theirs, back to the one that waits for no other.
 */
#include <stdio.h>
#include <string.h>

#include "engine/core/explain_internal.h"
#include "engine/core/words.h"

/* One step among the parents of a task. */
struct parent {
	uint32_t instance;
	uint32_t total, left;          /* tasks waited for; of these not there yet */
	uint32_t counts[WF_SEEN_STATES];
	uint32_t one;                  /* a task that is not there yet: the most advanced; DAG_UNSIZED when the step has no size */
	uint8_t start;                 /* waits for its start only */
};
struct parents {
	const struct run *run;
	struct parent items[EXPLAIN_NAMED];
	uint32_t count, more;
};

/* How far a task that has not ended is: what may be asked "and why that?" comes first. */
static int rank(const struct wf_task *t)
{
	static const uint8_t ranks[WF_SEEN_STATES] = {
		[WF_SEEN_HELD] = 9,	 [WF_SEEN_UNKNOWN] = 8, [WF_SEEN_READY] = 6,  [WF_SEEN_SUBMITTING] = 3,
		[WF_SEEN_QUEUED] = 4,	 [WF_SEEN_RUNNING] = 7, [WF_SEEN_SUSPENDED] = 5, [WF_SEEN_CANCELING] = 5,
		[WF_SEEN_WAITING] = 1,
	};

	return ranks[wf_task_seen(t)];
}

static void count_parent(struct parent *p, const struct instance *in, uint32_t index)
{
	const struct wf_task *t = &in->tasks[index];

	p->total++;
	p->counts[wf_task_seen(t)]++;
	if (wf_task_is_over(t) || (p->start && t->first_ms))
		return;
	p->left++;
	if (p->one == DAG_UNSIZED || rank(t) > rank(&in->tasks[p->one]))
		p->one = index;
}

static int on_parent(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	struct parents *ps = arg;
	const struct instance *in = &ps->run->inst[instance];
	struct parent *p = NULL;

	for (uint32_t i = 0; i < ps->count && !p; i++)
		if (ps->items[i].instance == instance)
			p = &ps->items[i];
	if (!p && ps->count == EXPLAIN_NAMED) {
		ps->more++;
		return 0;
	}
	if (!p) {
		p = &ps->items[ps->count++];
		*p = (struct parent){ .instance = instance, .one = DAG_UNSIZED, .start = dep->result == WDF_START };
	}
	if (index != DAG_UNSIZED) {
		if (index < in->count)
			count_parent(p, in, index);
		return 0;
	}
	if (p->total)
		return 0;
	for (uint32_t k = 0; k < in->count; k++)
		count_parent(p, in, k);
	if (in->unsized)
		p->left++;
	return 0;
}

/* The parent that matters most: the one furthest on its way, because it is what everything else waits for. */
static struct parent *pending(struct parents *ps, const struct run *r, uint32_t instance, uint32_t index)
{
	struct parent *best = NULL;

	memset(ps, 0, sizeof(*ps));
	ps->run = r;
	dag_task_parents(r->dag, instance, index, on_parent, ps);
	for (uint32_t i = 0; i < ps->count; i++) {
		struct parent *p = &ps->items[i];
		int r1, r2;

		if (!p->left)
			continue;
		r1 = p->one == DAG_UNSIZED ? 0 : rank(&r->inst[p->instance].tasks[p->one]);
		r2 = !best ? -1 : best->one == DAG_UNSIZED ? 0 : rank(&r->inst[best->instance].tasks[best->one]);
		if (r1 > r2)
			best = p;
	}
	return best;
}

static uint32_t others(const struct parents *ps)
{
	uint32_t n = ps->more;

	for (uint32_t i = 0; i < ps->count; i++)
		n += ps->items[i].left != 0;
	return n ? n - 1 : 0;
}

/* "3 of 8 tasks of 'simulate' (5 succeeded, 3 running)", "'prepare', which is running" */
static void say_parent(struct wf_buf *b, const struct run *r, const struct parent *p)
{
	char name[WORDS_NAME];

	if (r->inst[p->instance].unsized && !p->total) {
		wf_buf_printf(b, "'%s', whose tasks are not known yet", r->dag->instances[p->instance].name);
	} else if (p->total == 1) {
		const struct wf_task *t = &r->inst[p->instance].tasks[p->one];

		wf_buf_printf(b, "'%s', which is %s", words_name(r, p->instance, p->one, name), wf_seen_name(wf_task_seen(t)));
	} else {
		wf_buf_printf(b, "%u of %u tasks of '%s' (", p->left, p->total, r->dag->instances[p->instance].name);
		words_counts(b, p->counts);
		wf_buf_char(b, ')');
	}
	if (p->start)
		wf_buf_str(b, " and has to begin");
}

/* What the first cause is doing itself, as an item of `because`. */
static void add_cause(struct why *w, const struct node *n)
{
	struct wf_buf text = { 0 };
	struct why inner = { .engine = w->engine, .run = w->run, .say = &text };

	explain_one(&inner, n);
	explain_add_node(w, n, wf_buf_cstr(&text));
	wf_buf_release(&text);
}

/* Parents of parents, while they wait themselves; the task that does not wait for another is the first cause. */
static size_t follow(struct why *w, const struct parent *direct, struct node *chain)
{
	const struct run *r = w->run;
	const struct parent *p = direct;
	struct parents ps;
	size_t count = 0;

	while (p && p->one != DAG_UNSIZED && count < EXPLAIN_CHAIN) {
		chain[count++] = (struct node){ p->instance, p->one };
		if (r->inst[p->instance].tasks[p->one].state != WF_TASK_WAITING)
			break;
		p = pending(&ps, r, p->instance, p->one);
	}
	return count;
}

void explain_waiting_short(struct why *w, const struct node *n)
{
	struct parents ps;
	const struct parent *p = pending(&ps, w->run, n->instance, n->index);

	wf_buf_str(w->say, "waits");
	if (p) {
		wf_buf_str(w->say, " for ");
		say_parent(w->say, w->run, p);
	}
}

void explain_waiting(struct why *w, const struct node *n)
{
	const struct run *r = w->run;
	struct node chain[EXPLAIN_CHAIN];
	struct parents ps;
	struct parent *p = pending(&ps, r, n->instance, n->index), copy;
	char name[WORDS_NAME];
	uint32_t more;
	size_t count;

	if (!p) {
		if (r->row.state == WF_RUN_PENDING)
			wf_buf_str(w->say, "waits until its run is admitted");
		else if (wf_run_is_over(&r->row))
			wf_buf_str(w->say, "did not run: its run ended before");
		else
			wf_buf_str(w->say, "waits for nothing more: it becomes ready at once");
		return;
	}
	copy = *p;
	more = others(&ps);
	count = follow(w, &copy, chain);
	wf_buf_str(w->say, "waits for ");
	say_parent(w->say, r, &copy);
	if (more)
		wf_buf_printf(w->say, " and for %u other step%s", more, more == 1 ? "" : "s");
	if (count > 1) {
		struct node *root = &chain[count - 1];
		struct wf_buf text = { 0 };
		struct why inner = { .engine = w->engine, .run = w->run, .say = &text };

		explain_one(&inner, root);
		wf_buf_printf(w->say, "; first of all '%s': %s", words_name(r, root->instance, root->index, name), wf_buf_cstr(&text));
		wf_buf_release(&text);
	}
	if (r->row.state == WF_RUN_PAUSED)
		wf_buf_str(w->say, "; and the run is paused: `wf resume RUN`");
	for (size_t i = count; i-- > 0;)
		add_cause(w, &chain[i]);
	for (uint32_t i = 0; i < ps.count; i++) {
		struct wf_buf text = { 0 };
		struct node whole = { ps.items[i].instance, DAG_UNSIZED };

		if (!ps.items[i].left || ps.items[i].instance == copy.instance)
			continue;
		words_counts(&text, ps.items[i].counts);
		explain_add_node(w, &whole, wf_buf_cstr(&text));
		wf_buf_release(&text);
	}
}
