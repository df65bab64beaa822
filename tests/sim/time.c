/* time.c - owns what happens next: the clock, the queue of items, and the loop and clock of each process. Knows no file and no channel. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/files.h"
#include "tests/tap/tap.h"

enum { STEP_NS = 1000 };               /* what one step costs its processor */

struct sim_item {
	uint64_t due, order;
	enum sim_kind kind;
	struct sim_process *p;
	void *what;                    /* timer, post, work; NULL: stopped */
	void (*fn)(void *arg), (*drop)(void *arg);
};

struct sim {
	struct sim_stream random;
	int64_t wall_skew_ms;
	uint64_t now, order, steps, hash;
	int tracing;
	struct sim_item **heap;
	size_t count, cap;
	struct sim_process *processes;
	struct sim_files *files;
	struct sim_links links;
	uint64_t started;              /* processes so far */
};

/* Work and posts of the dead are never answered, so nobody frees what they point to; from here it can still be reached, and a leak checker
 * sees only what is really lost. */
static struct {
	void **items;
	size_t count, cap;
} graveyard;

/* ---- random and trace ------------------------------------------------------------------------------------ */

static uint64_t next_random(struct sim_stream *s)
{
	uint64_t a = s->state[0], b = s->state[1];

	/* xorshift128+ */
	s->state[0] = b;
	a ^= a << 23;
	s->state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return s->state[1] + b;
}

void sim_stream_init(struct sim_stream *s, uint64_t seed, uint64_t which)
{
	s->state[0] = seed * 0x9e3779b97f4a7c15u + 1;
	s->state[1] = seed ^ (0xd1b54a32d192ed03u + which * 0xff51afd7ed558ccdu);
	for (int i = 0; i < 8; i++)
		next_random(s);
}

uint64_t sim_stream_rnd(struct sim_stream *s, uint64_t n)
{
	return (next_random(s) >> 11) % n;
}

uint64_t sim_rnd(struct sim *s, uint64_t n)
{
	return sim_stream_rnd(&s->random, n);
}

int sim_chance(struct sim *s, unsigned per_mille)
{
	return per_mille && sim_rnd(s, 1000) < per_mille;
}

uint64_t sim_now_ns(const struct sim *s)
{
	return s->now;
}

uint64_t sim_steps(const struct sim *s)
{
	return s->steps;
}

void sim_wall_jump(struct sim *s, int64_t ms)
{
	s->wall_skew_ms += ms;
	sim_mark(s, "the wall clock jumps", (uint64_t)ms, 0);
}

int64_t sim_wall_ms(const struct sim *s)
{
	return 1700000000000 + (int64_t)(s->now / 1000000) + s->wall_skew_ms;
}

static void stir(struct sim *s, uint64_t v)
{
	s->hash = (s->hash ^ v) * 0x9e3779b97f4a7c15u;
	s->hash ^= s->hash >> 29;
}

void sim_mark_bytes(struct sim *s, const char *what, const void *p, size_t n)
{
	const unsigned char *at = p;
	uint64_t v = n;

	for (size_t i = 0; i < n; i++)
		v = (v ^ at[i]) * 0x100000001b3u;
	stir(s, v);
	if (s->tracing)
		fprintf(stderr, "# %12.6f %s %zu bytes\n", (double)s->now / 1e9, what, n);
}

void sim_mark(struct sim *s, const char *what, uint64_t a, uint64_t b)
{
	stir(s, a);
	stir(s, b);
	for (const char *p = what; *p; p++)
		stir(s, (uint64_t)*p);
	if (s->tracing)
		fprintf(stderr, "# %12.6f %s %" PRIu64 " %" PRIu64 "\n", (double)s->now / 1e9, what, a, b);
}

void sim_trace(struct sim *s, int on)
{
	s->tracing = on;
}

uint64_t sim_hash(const struct sim *s)
{
	return s->hash ^ sim_files_hash(s->files);
}

/* ---- the queue ------------------------------------------------------------------------------------------- */

static int before(const struct sim_item *a, const struct sim_item *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(struct sim *s, struct sim_item *i, uint64_t due)
{
	size_t at = s->count;

	i->due = due;
	s->heap = wf_grow(s->heap, &s->cap, s->count + 1, sizeof(*s->heap));
	s->count++;
	while (at && before(i, s->heap[(at - 1) / 2])) {
		s->heap[at] = s->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	s->heap[at] = i;
}

static struct sim_item *add(struct sim *s, struct sim_process *p, enum sim_kind kind, uint64_t due, void *what)
{
	struct sim_item *i = wf_xcalloc(1, sizeof(*i));

	i->order = ++s->order;
	i->kind = kind;
	i->p = p;
	i->what = what;
	put(s, i, due);
	return i;
}
static struct sim_item *take(struct sim *s)
{
	struct sim_item *top = s->heap[0], *last = s->heap[--s->count];
	size_t at = 0;

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= s->count)
			break;
		if (child + 1 < s->count && before(s->heap[child + 1], s->heap[child]))
			child++;
		if (!before(s->heap[child], last))
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	if (s->count)
		s->heap[at] = last;
	return top;
}

struct sim_item *sim_at(struct sim *s, struct sim_process *p, uint64_t due_ns, void (*fn)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct sim_item *i = add(s, p, SIM_CALL, due_ns, arg);

	i->fn = fn;
	i->drop = drop;
	return i;
}

void sim_cancel(struct sim_item *i)
{
	i->what = NULL;
}

size_t sim_pending(const struct sim *s, const struct sim_process *p)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->heap[i]->what && s->heap[i]->p == p;
	return n;
}

struct sim_process *sim_current;

struct sim_process *sim_first(struct sim *s)
{
	return s->processes;
}

void sim_pass(struct sim *s, uint64_t ns)
{
	s->now += ns;
}

static void fire(struct sim *s, struct sim_item *i)
{
	struct wf_timer *t = i->what;
	struct wf_post *post = i->what;
	struct wf_work *work = i->what;

	switch (i->kind) {
	case SIM_TIMER:
		t->armed = 0;
		t->impl = NULL;
		t->fn(t);
		break;
	case SIM_POST:
		post->fn(post);
		break;
	case SIM_WORK:
		work->run(work);
		add(s, i->p, SIM_DONE, s->now + STEP_NS, work);
		break;
	case SIM_DONE:
		work->done(work);
		break;
	case SIM_CALL:
		i->fn(i->what);
		break;
	}
}

int sim_step(struct sim *s)
{
	struct sim_process *outer;
	struct sim_item *i;

	for (;;) {
		if (!s->count)
			return 0;
		i = take(s);
		if (i->what && i->p->frozen_until_ns <= i->due)
			break;
		/* In the same order, later. */
		if (i->what)
			put(s, i, i->p->frozen_until_ns);
		else
			free(i);
	}
	if (i->due > s->now)
		s->now = i->due;
	s->now += STEP_NS;
	s->steps++;
	stir(s, i->due);
	stir(s, (uint64_t)i->kind);
	outer = sim_current;
	sim_current = i->p;
	fire(s, i);
	sim_current = outer;
	free(i);
	return 1;
}

/* ---- a process's loop -------------------------------------------------------------------------------------- */

static struct sim_process *process_of(struct wf_loop *l)
{
	return wf_container_of(l, struct sim_process, loop);
}

static void timer_stop(struct wf_loop *l, struct wf_timer *t)
{
	(void)l;
	if (t->impl)
		sim_cancel(t->impl);
	t->impl = NULL;
	t->armed = 0;
}

static void timer_start(struct wf_loop *l, struct wf_timer *t, uint64_t ns)
{
	struct sim_process *p = process_of(l);

	timer_stop(l, t);
	if (p->dead)
		return;
	t->due_ns = p->sim->now + ns < p->sim->now ? UINT64_MAX : p->sim->now + ns;
	t->armed = 1;
	t->impl = add(p->sim, p, SIM_TIMER, t->due_ns, t);
}

static void bury(void *what)
{
	graveyard.items = wf_grow(graveyard.items, &graveyard.cap, graveyard.count + 1, sizeof(*graveyard.items));
	graveyard.items[graveyard.count++] = what;
}

/* First in, first out, on one thread: each takes its time, and what it did is known a moment later. */
static void work(struct wf_loop *l, struct wf_work *w)
{
	struct sim_process *p = process_of(l);
	struct sim *s = p->sim;

	if (p->dead) {
		bury(w);
		return;
	}
	if (p->thread_free_ns < s->now)
		p->thread_free_ns = s->now;
	if (p->slow_until_ns > s->now)
		p->thread_free_ns += sim_rnd(s, 3000000000u);
	p->thread_free_ns += 50000 + sim_rnd(s, sim_chance(s, 50) ? 200000000 : 3000000);
	add(s, p, SIM_WORK, p->thread_free_ns, w);
}

static void post(struct wf_loop *l, struct wf_post *w)
{
	struct sim_process *p = process_of(l);

	if (p->dead)
		bury(w);
	else
		add(p->sim, p, SIM_POST, p->sim->now, w);
}

static void no_run(struct wf_loop *l)
{
	bail("the loop of '%s' is stepped, not run", process_of(l)->name);
}

static const struct wf_loop_ops loop_ops = {
	.timer_start = timer_start,
	.timer_stop = timer_stop,
	.work = work,
	.post = post,
	.run = no_run,
	.stop = no_run,
	.destroy = no_run,
};

/* ---- processes ------------------------------------------------------------------------------------------------ */

struct sim_process *sim_process_start(struct sim *s, const char *name)
{
	struct sim_process *p = wf_xcalloc(1, sizeof(*p));

	p->loop.ops = &loop_ops;
	p->sim = s;
	p->name = name;
	p->host = "alpha";
	p->boot = s->files->boots;
	p->pid = 100 + (int)s->started;
	p->next = s->processes;
	s->processes = p;
	sim_files_serve(p);
	sim_mark(s, name, ++s->started, 0);
	return p;
}

/* Takes out what was queued for it. */
void sim_process_kill(struct sim_process *p)
{
	struct sim *s = p->sim;
	size_t n = 0;

	p->dead = 1;
	sim_mark(s, "killed", s->steps, p->writes);
	sim_links_kill(s, p);
	for (size_t i = 0; i < s->count; i++) {
		struct sim_item *it = s->heap[i];

		if (it->p != p) {
			s->heap[n++] = it;
			continue;
		}
		if (it->what && it->kind == SIM_TIMER)
			((struct wf_timer *)it->what)->impl = NULL;
		else if (it->what && it->kind == SIM_CALL)
			it->drop(it->what);
		else if (it->what)
			bury(it->what);
		free(it);
	}
	s->count = n;
	/* Sorted is a heap too. */
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k && before(s->heap[k], s->heap[(k - 1) / 2]); k = (k - 1) / 2) {
			struct sim_item *up = s->heap[(k - 1) / 2];

			s->heap[(k - 1) / 2] = s->heap[k];
			s->heap[k] = up;
		}
}

void sim_process_free(struct sim_process *p)
{
	struct sim_process **at = &p->sim->processes;

	if (!p->dead)
		sim_process_kill(p);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	sim_files_leave(p);
	free(p);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct sim_files *sim_files_of(struct sim *s)
{
	return s->files;
}

struct sim_links *sim_links_of(struct sim *s)
{
	return &s->links;
}

struct sim *sim_create(uint64_t seed)
{
	struct sim *s = wf_xcalloc(1, sizeof(*s));

	sim_stream_init(&s->random, seed, 0);
	s->now = 1000000000;
	s->files = sim_files_create();
	return s;
}

void sim_destroy(struct sim *s)
{
	while (s->processes)
		sim_process_free(s->processes);
	while (s->count)
		free(take(s));
	free(s->heap);
	sim_links_release(s);
	sim_files_free(s->files);
	free(s);
}
