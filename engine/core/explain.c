/* explain.c - owns the answer to "why": which of the many conditions of a task is the one that matters, and what lies behind it.
 *
 * It asks in the order in which decide.c and schedule.c do; a condition that they gain has to be named here too. Knows nothing of how the
 * answer travels.
 */
#include "engine/core/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/words.h"
#include "engine/core/writer.h"

enum { CHAIN_MAX = 32, NAMED_MAX = 20 };

struct node {
	uint32_t instance, index;      /* index DAG_UNSIZED: the step as a whole */
};

/* What the sentence rests on. */
struct why {
	struct engine *engine;
	struct run *run;
	const struct explain_extra *extra;
	struct wf_buf *say;            /* the sentence */
	struct wf_buf *list;           /* items of `because`, or NULL */
	uint32_t listed;
};

static const struct wdf_step *step_of(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

/* ---- items of `because` ------------------------------------------------------------------------------ */

/* A text stands behind its state: "running: running for 5 s" says it twice. */
static const char *without_state(const char *text, const char *state)
{
	size_t n = strlen(state);

	if (strncmp(text, state, n) != 0 || !text[n])
		return text;
	return text[n] == ' ' ? text + n + 1 : strchr(":,", text[n]) && text[n + 1] == ' ' ? text + n + 2 : text;
}

static void add(struct why *w, const char *kind, const char *name, const char *state, const char *text)
{
	if (!w->list || w->listed >= NAMED_MAX)
		return;
	w->listed++;
	text = without_state(text, state);
	jw_open(w->list, NULL, '{');
	jw_str(w->list, kind, name);
	jw_str(w->list, "state", state);
	jw_str(w->list, "text", text);
	jw_close(w->list, '}');
}

static void add_node(struct why *w, const struct node *n, const char *text)
{
	const struct instance *in = &w->run->inst[n->instance];
	char name[WORDS_NAME];

	words_name(w->run, n->instance, n->index, name);
	add(w, "task", name, n->index == DAG_UNSIZED ? words_step_state(in) : wf_seen_name(wf_task_seen(&in->tasks[n->index])), text);
}

static void add_service(struct why *w, uint32_t service)
{
	const struct wf_service *s = &w->run->services[service].s;
	struct wf_buf text = { 0 };

	words_service(&text, w->engine, w->run, service);
	add(w, "service", s->name, wf_sm_name(&wf_service_machine, s->state), wf_buf_cstr(&text));
	wf_buf_release(&text);
}

/* ---- ready: the conditions of schedule.c, in its order ----------------------------------------------------- */

static const struct backoff *backoff_of(const struct why *w, const struct node *n)
{
	const struct engine *e = w->engine;
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];

	for (size_t i = 0; t->delay_ms && i < e->backoff_count; i++)
		if (e->backoffs[i].run == w->run->row.number && e->backoffs[i].instance == n->instance &&
		    e->backoffs[i].index == n->index && e->backoffs[i].number == t->number)
			return &e->backoffs[i];
	return NULL;
}

static void backs_off(struct why *w, const struct node *n, const struct backoff *b)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];
	const struct wdf_step *step = step_of(w->run, n->instance);
	int64_t left = b->due_ms - wf_os_mono_ms(w->engine->os);

	wf_buf_str(w->say, "backs off: next attempt in ");
	words_duration(w->say, left > 0 ? left : 0);
	if (t->losses && !t->retries)
		wf_buf_printf(w->say, " (its attempt was lost, %u of 3)", t->losses);
	else
		wf_buf_printf(w->say, " (attempt %u of %u)", t->retries + 1u, step->retry.limit + 1);
	wf_buf_str(w->say, "; the last one: ");
	if (w->extra && w->extra->reason)
		wf_buf_str(w->say, w->extra->reason);
	else if (!words_reason(w->say, w->run, n->instance, n->index))
		wf_buf_str(w->say, "not known");
}

/* Tasks that hold slots of a pool. */
static void list_pool(struct why *w, uint32_t pool)
{
	const struct run *r = w->run;

	for (uint32_t i = 0; w->list && i < r->inst_count; i++)
		if (step_of(r, i)->pool == pool && r->inst[i].active) {
			struct node n = { i, DAG_UNSIZED };
			char text[80];

			snprintf(text, sizeof(text), "holds %u of its slots", r->inst[i].active);
			add_node(w, &n, text);
		}
}

static void needs_room(struct why *w, const struct node *n)
{
	const struct agent *a = agents_of(w->engine, "local");
	const struct instance *in = &w->run->inst[n->instance];
	uint64_t memory = task_memory(w->run, n->instance, &in->tasks[n->index]);
	uint64_t cores_free = a->cores > a->cores_used ? a->cores - a->cores_used : 0;

	if (in->cores > cores_free) {
		wf_buf_str(w->say, "ready: waits for ");
		words_cores(w->say, in->cores);
		wf_buf_str(w->say, in->cores == 1000 ? " core (" : " cores (");
		words_cores(w->say, cores_free);
		wf_buf_str(w->say, " of ");
		words_cores(w->say, a->cores);
		wf_buf_str(w->say, " free)");
	} else if (memory && a->memory_used + memory > a->memory) {
		wf_buf_str(w->say, "ready: waits for ");
		words_bytes(w->say, memory);
		wf_buf_str(w->say, " of memory (");
		words_bytes(w->say, a->memory > a->memory_used ? a->memory - a->memory_used : 0);
		wf_buf_str(w->say, " of ");
		words_bytes(w->say, a->memory);
		wf_buf_str(w->say, " free)");
	} else {
		wf_buf_str(w->say, "ready: others come before it, it starts soon");
	}
}

/* The first service of the step's that cannot be used yet, or UINT32_MAX. */
static uint32_t missing_service(const struct run *r, uint32_t instance)
{
	const struct instance *in = &r->inst[instance];

	for (uint32_t i = 0; i < in->lease_count; i++) {
		uint32_t s = r->leases[in->first_lease + i].l.service;

		if (!service_usable(r, s))
			return s;
	}
	return UINT32_MAX;
}

static void waits_for_agent(struct why *w, const struct agent *a)
{
	static const char *const states[] = {
		[AGENT_ABSENT] = "is not running", [AGENT_CONNECTING] = "is being reached", [AGENT_HELLO] = "is being reached",
		[AGENT_REATTACHING] = "is being asked what became of earlier attempts", [AGENT_READY] = "is ready",
	};

	wf_buf_printf(w->say, "ready: waits for the agent of executor '%s', which %s%s%s", a->executor, states[a->state],
		      a->error[0] ? ": " : "", a->error);
}

static void say_ready(struct why *w, const struct node *n)
{
	const struct engine *e = w->engine;
	const struct run *r = w->run;
	const struct instance *in = &r->inst[n->instance];
	const struct wdf_step *step = step_of(r, n->instance);
	const struct agent *a = agents_of(w->engine, "local");
	const struct backoff *b = backoff_of(w, n);
	uint32_t service = missing_service(r, n->instance);

	if (b) {
		backs_off(w, n, b);
	} else if (r->row.state == WF_RUN_PAUSED) {
		wf_buf_str(w->say, "paused: nothing of this run starts until `wf resume RUN`");
	} else if (e->full) {
		wf_buf_printf(w->say, "ready: the disk of '%s' is full, nothing starts until it has room", e->state_dir);
	} else if (step->parallel && in->active >= step->parallel) {
		wf_buf_printf(w->say, "ready: its step allows %u at once and %u run", step->parallel, in->active);
	} else if (step->pool != UINT32_MAX && r->pool_used[step->pool] >= r->wdf->pools[step->pool].limit) {
		wf_buf_printf(w->say, "ready: waits for a slot of pool '%s' (%u of %u in use)", r->wdf->pools[step->pool].name,
			      r->pool_used[step->pool], r->wdf->pools[step->pool].limit);
		list_pool(w, step->pool);
	} else if (service != UINT32_MAX) {
		wf_buf_printf(w->say, "ready: waits for service '%s', which ", r->services[service].s.name);
		words_service(w->say, e, r, service);
		add_service(w, service);
	} else if (a->state != AGENT_READY) {
		waits_for_agent(w, a);
	} else {
		needs_room(w, n);
	}
}

/* ---- active, held, ended ------------------------------------------------------------------------------------- */

static void say_active(struct why *w, const struct node *n)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];
	int64_t since = wf_os_wall_ms(w->engine->os) - t->started_ms;

	switch (wf_task_seen(t)) {
	case WF_SEEN_RUNNING:
		wf_buf_str(w->say, "running");
		if (t->started_ms) {
			wf_buf_str(w->say, " for ");
			words_duration(w->say, since);
		}
		if (t->attempt > 1)
			wf_buf_printf(w->say, ", attempt %u", t->attempt);
		if (t->pid)
			wf_buf_printf(w->say, ", process %u", t->pid);
		break;
	case WF_SEEN_CANCELING:
		wf_buf_str(w->say, "is being stopped");
		break;
	case WF_SEEN_UNKNOWN:
		wf_buf_str(w->say, "nobody can tell whether its attempt still runs");
		break;
	case WF_SEEN_QUEUED:
		wf_buf_str(w->say, "taken by its agent, about to run");
		break;
	default:
		wf_buf_str(w->say, "is being handed to its agent");
	}
}

static void say_held(struct why *w, const struct node *n)
{
	char name[WORDS_NAME];

	words_name(w->run, n->instance, n->index, name);
	wf_buf_printf(w->say, "held: %s; `wf resolve RUN %s --as succeeded|failed|rerun` decides",
		      w->extra && w->extra->reason ? w->extra->reason : "nobody can tell what became of its attempt", name);
}

static void say_succeeded(struct why *w, const struct node *n)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];

	if (t->flags & WF_TASK_F_RESOLVED) {
		wf_buf_str(w->say, "succeeded: a person said so");
		return;
	}
	wf_buf_str(w->say, "succeeded");
	if (t->started_ms && t->ended_ms >= t->started_ms) {
		wf_buf_str(w->say, " in ");
		words_duration(w->say, t->ended_ms - t->started_ms);
	}
	if (t->attempt > 1)
		wf_buf_printf(w->say, ", at attempt %u", t->attempt);
}

/* How it failed, for its own sentence and for those it took along. */
static void failure(struct why *w, const struct node *n)
{
	const struct wf_task *t = &w->run->inst[n->instance].tasks[n->index];

	if (w->extra && w->extra->reason)
		wf_buf_str(w->say, w->extra->reason);
	else if (!words_reason(w->say, w->run, n->instance, n->index))
		wf_buf_str(w->say, "for a reason that was not recorded");
	if (t->attempt > 1)
		wf_buf_printf(w->say, ", after %u attempts", t->attempt);
	if (w->extra && w->extra->last_line && *w->extra->last_line)
		wf_buf_printf(w->say, "; last line of its output: %s", w->extra->last_line);
}

static void say_failed(struct why *w, const struct node *n)
{
	const struct run *r = w->run;

	wf_buf_str(w->say, "failed: ");
	failure(w, n);
	if (!dag_plan_intolerable(r->plan, n->instance))
		wf_buf_str(w->say, "; its step tolerates that");
	for (uint32_t i = 0; i < r->inst[n->instance].lease_count; i++) {
		uint32_t s = r->leases[r->inst[n->instance].first_lease + i].l.service;

		if (r->inst[n->instance].tasks[n->index].class == WF_CLASS_SERVICE_FAILED && words_service_troubled(&r->services[s]))
			add_service(w, s);
	}
}

/* ---- skipped: back along the causes to the first ---------------------------------------------------------------- */

static int first_in_state(const struct instance *in, uint8_t state, uint32_t *index)
{
	for (uint32_t k = 0; k < in->count; k++)
		if (in->tasks[k].state == state) {
			*index = k;
			return 1;
		}
	return 0;
}

/* The task that a skipped one names, or of a step named as a whole one that stands for it. */
static int cause_of(const struct run *r, const struct node *n, struct node *cause)
{
	const struct wf_task *t = &r->inst[n->instance].tasks[n->index];

	if (t->state != WF_TASK_SKIPPED || t->class == WF_SKIP_WHEN || t->pid >= r->inst_count)
		return 0;
	cause->instance = t->pid;
	cause->index = (uint32_t)t->exit;
	if (cause->index == DAG_UNSIZED &&
	    !first_in_state(&r->inst[cause->instance], t->class == WF_SKIP_PARENT_FAILED ? WF_TASK_FAILED : WF_TASK_SKIPPED, &cause->index))
		return 0;
	return cause->index < r->inst[cause->instance].count;
}

/* Follows the causes of a skipped task; the chain without the task itself, the first cause last. */
static size_t causes(const struct run *r, const struct node *n, struct node *chain)
{
	struct node at = *n;
	size_t count = 0;

	while (count < CHAIN_MAX && cause_of(r, &at, &chain[count]))
		at = chain[count++];
	return count;
}

struct names {
	const struct why *why;
	struct wdf_scope *scope;
	uint32_t count;
};

/* "mode = 'quick'" for each name of a `when` that can be looked up. */
static void say_name(const char *name, struct wdf_pos pos, void *arg)
{
	struct names *s = arg;
	struct wf_buf *b = s->why->say, text = { 0 };
	struct wdf_value v;
	size_t n = strcspn(name, ".");

	(void)pos;
	if (name[n] || s->scope->lookup(s->scope->self, name, n, &v) < 0)
		return;
	wdf_value_text(&v, &text);
	wf_buf_printf(b, "%s%s is %s", s->count++ ? ", " : " (", name, text.len ? wf_buf_cstr(&text) : "empty");
	wf_buf_release(&text);
}

static void say_when(struct why *w, const struct node *n)
{
	const struct wdf_step *step = step_of(w->run, n->instance);
	struct wf_arena arena = { 0 };
	struct names s = { .why = w };

	wf_buf_str(w->say, "skipped: its `when` is false");
	if (step->when && w->engine->os) {
		s.scope = render_scope(w->engine, w->run, n->instance, n->index, &arena);
		wdf_expr_names(step->when, say_name, &s);
		if (s.count)
			wf_buf_char(w->say, ')');
	}
	wf_arena_release(&arena);
}

static void say_skipped(struct why *w, const struct node *n)
{
	const struct run *r = w->run;
	const struct wf_task *t = &r->inst[n->instance].tasks[n->index];
	struct node chain[CHAIN_MAX];
	size_t count = causes(r, n, chain);
	char name[WORDS_NAME];

	if (t->class == WF_SKIP_WHEN) {
		say_when(w, n);
		return;
	}
	if (!count || r->inst[chain[count - 1].instance].tasks[chain[count - 1].index].state != WF_TASK_FAILED) {
		words_reason(w->say, r, n->instance, n->index);
	} else {
		wf_buf_printf(w->say, "skipped: '%s' failed: ", words_name(r, chain[count - 1].instance, chain[count - 1].index, name));
		failure(w, &chain[count - 1]);
		if (count > 1)
			wf_buf_printf(w->say, "; '%s' before it was skipped too", words_name(r, chain[0].instance, chain[0].index, name));
	}
	for (size_t i = count; i-- > 0;) {
		struct wf_buf text = { 0 };

		if (!words_reason(&text, r, chain[i].instance, chain[i].index))
			wf_buf_str(&text, wf_seen_name(wf_task_seen(&r->inst[chain[i].instance].tasks[chain[i].index])));
		add_node(w, &chain[i], text.data);
		wf_buf_release(&text);
	}
}

/* ---- waiting: parents that have not ended, and theirs ---------------------------------------------------------------- */

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
	struct parent items[NAMED_MAX];
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
	if (!p && ps->count == NAMED_MAX) {
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

static void say_one(struct why *w, const struct node *n);

/* What the first cause is doing itself, as an item of `because`. */
static void add_cause(struct why *w, const struct node *n)
{
	struct wf_buf text = { 0 };
	struct why inner = { .engine = w->engine, .run = w->run, .say = &text };

	say_one(&inner, n);
	add_node(w, n, wf_buf_cstr(&text));
	wf_buf_release(&text);
}

/* Parents of parents, while they wait themselves; the task that does not wait for another is the first cause. */
static size_t follow(struct why *w, const struct parent *direct, struct node *chain)
{
	const struct run *r = w->run;
	const struct parent *p = direct;
	struct parents ps;
	size_t count = 0;

	while (p && p->one != DAG_UNSIZED && count < CHAIN_MAX) {
		chain[count++] = (struct node){ p->instance, p->one };
		if (r->inst[p->instance].tasks[p->one].state != WF_TASK_WAITING)
			break;
		p = pending(&ps, r, p->instance, p->one);
	}
	return count;
}

static void say_waiting_short(struct why *w, const struct node *n)
{
	struct parents ps;
	const struct parent *p = pending(&ps, w->run, n->instance, n->index);

	wf_buf_str(w->say, "waits");
	if (p) {
		wf_buf_str(w->say, " for ");
		say_parent(w->say, w->run, p);
	}
}

static void say_waiting(struct why *w, const struct node *n)
{
	const struct run *r = w->run;
	struct node chain[CHAIN_MAX];
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

		say_one(&inner, root);
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
		add_node(w, &whole, wf_buf_cstr(&text));
		wf_buf_release(&text);
	}
}

/* ---- the door ----------------------------------------------------------------------------------------------------------- */

static void say_one(struct why *w, const struct node *n)
{
	switch (w->run->inst[n->instance].tasks[n->index].state) {
	case WF_TASK_WAITING:
		/* As the cause of another: its own parents were followed already. */
		if (w->list)
			say_waiting(w, n);
		else
			say_waiting_short(w, n);
		break;
	case WF_TASK_READY:
		say_ready(w, n);
		break;
	case WF_TASK_ACTIVE:
		say_active(w, n);
		break;
	case WF_TASK_HELD:
		say_held(w, n);
		break;
	case WF_TASK_SUCCEEDED:
		say_succeeded(w, n);
		break;
	case WF_TASK_FAILED:
		say_failed(w, n);
		break;
	case WF_TASK_SKIPPED:
		say_skipped(w, n);
		break;
	case WF_TASK_CANCELED:
		wf_buf_str(w->say, w->run->row.cancel ? "canceled with its run" : "canceled");
		break;
	default:
		wf_buf_str(w->say, wf_seen_name(wf_task_seen(&w->run->inst[n->instance].tasks[n->index])));
	}
}

int explain_wants(const struct run *r, uint32_t instance, uint32_t index, uint32_t *of_instance, uint32_t *of_index)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct node n = { instance, index }, chain[CHAIN_MAX];

	if (t->state == WF_TASK_SKIPPED) {
		size_t count = causes(r, &n, chain);

		if (!count)
			return 0;
		n = chain[count - 1];
		t = &r->inst[n.instance].tasks[n.index];
	}
	if (t->state != WF_TASK_FAILED && t->state != WF_TASK_HELD && t->state != WF_TASK_READY && t->state != WF_TASK_ACTIVE)
		return 0;
	*of_instance = n.instance;
	*of_index = n.index;
	return 1;
}

void explain_sentence(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct explain_extra *x, struct wf_buf *out)
{
	struct wf_buf list = { 0 };
	struct why w = { .engine = e, .run = r, .extra = x, .say = out, .list = &list };
	struct node n = { instance, index };

	say_one(&w, &n);
	wf_buf_release(&list);
}

void explain(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct explain_extra *x, struct wf_buf *out)
{
	struct wf_buf say = { 0 }, list = { 0 };
	struct why w = { .engine = e, .run = r, .extra = x, .say = &say, .list = &list };
	struct node n = { instance, index };

	say_one(&w, &n);
	jw_open(out, NULL, '{');
	jw_str(out, "state", wf_seen_name(wf_task_seen(&r->inst[instance].tasks[index])));
	jw_str(out, "why", wf_buf_cstr(&say));
	jw_open(out, "because", '[');
	if (list.len)
		wf_buf_add(out, list.data, list.len);
	jw_close(out, ']');
	jw_close(out, '}');
	jw_end(out);
	wf_buf_release(&say);
	wf_buf_release(&list);
}
