/* channel.c - owns the connections between simulated processes: latency, order, and what is lost when one breaks. Frames are opaque. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/link/wire.h"
#include "tests/sim/sim.h"

struct frame {
	struct end *to;
	struct frame *next;            /* under way to the same end, in order */
	struct sim_item *item;
	size_t n;
	char data[];
};

struct end {
	struct wf_channel base;
	struct link *link;
	struct sim_process *p;
	struct frame *coming, **coming_end;
	unsigned frames;               /* sent from here */
	uint64_t last_ns;              /* nothing arrives before what was sent before */
	int asked;                     /* to close: no frame any more */
	int closing;                   /* its on_closed is under way */
	int gone;                      /* told, or its process is dead */
};

struct link {
	struct link *next;
	struct sim *sim;
	struct end ends[2];
};

static struct end *other(struct end *e)
{
	return e == &e->link->ends[0] ? &e->link->ends[1] : &e->link->ends[0];
}

static uint64_t arrival(struct end *to)
{
	struct sim *s = to->link->sim;
	uint64_t due = sim_now_ns(s) + 20000 + sim_rnd(s, sim_chance(s, 20) ? 30000000 : 400000);

	if (due < sim_links_of(s)->held_until_ns)
		due = sim_links_of(s)->held_until_ns + sim_rnd(s, 1000000);
	if (due <= to->last_ns)
		due = to->last_ns + 1;
	to->last_ns = due;
	return due;
}

static void drop_frame(void *arg)
{
	struct frame *f = arg;
	struct frame **at = &f->to->coming;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (!*at)
		f->to->coming_end = at;
	free(f);
}

static void deliver(void *arg)
{
	struct frame *f = arg;
	struct end *to = f->to;
	size_t n = f->n;
	char *data;

	if (to->asked || to->gone) {
		drop_frame(f);
		return;
	}
	data = wf_xmalloc(n);
	memcpy(data, f->data, n);
	drop_frame(f);
	sim_mark_bytes(to->link->sim, to->p->name, data, n);
	to->base.on_frame(&to->base, data, n);
	free(data);
}

static void release(struct link *l)
{
	struct link **at = &sim_links_of(l->sim)->first;

	if (!l->ends[0].gone || !l->ends[1].gone)
		return;
	for (int i = 0; i < 2; i++)
		while (l->ends[i].coming) {
			sim_cancel(l->ends[i].coming->item);
			drop_frame(l->ends[i].coming);
		}
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	free(l);
}

static void closed(void *arg)
{
	struct end *e = arg;
	struct wf_err why = { 0 };

	wf_errf(&why, WF_UNREACHABLE, "the connection is gone");
	e->gone = 1;
	sim_mark(e->link->sim, "closed", (uint64_t)e->asked, 0);
	if (e->base.on_closed)
		e->base.on_closed(&e->base, e->asked ? NULL : &why);
	release(e->link);
}

static void never(void *arg)
{
	(void)arg;
}

static void start_closing(struct end *e)
{
	if (e->closing || e->gone)
		return;
	e->closing = 1;
	sim_at(e->link->sim, e->p, arrival(e), closed, never, e);
}

/* The last of what is under way to this end is lost. */
static void cut(struct end *e)
{
	size_t n = 0, keep;

	for (struct frame *f = e->coming; f; f = f->next)
		n++;
	keep = sim_rnd(e->link->sim, n + 1);
	for (struct frame *f = e->coming, *next; f; f = next) {
		next = f->next;
		if (keep) {
			keep--;
			continue;
		}
		sim_cancel(f->item);
		drop_frame(f);
	}
}

static void send_frame(struct end *e, struct end *to, const void *p, size_t n)
{
	struct frame *f = wf_xmalloc(sizeof(*f) + n);

	f->to = to;
	f->next = NULL;
	f->n = n;
	memcpy(f->data, p, n);
	*to->coming_end = f;
	to->coming_end = &f->next;
	f->item = sim_at(e->link->sim, to->p, arrival(to), deliver, drop_frame, f);
}

static void end_send(struct wf_channel *c, const void *p, size_t n)
{
	struct end *e = wf_container_of(c, struct end, base), *to = other(e);
	struct sim_links *links = sim_links_of(e->link->sim);
	size_t at = 0;

	if (e->asked || e->closing || e->gone || e->p->dead || to->gone || to->closing)
		return;
	while (at < n) {
		int64_t k = wf_wire_whole((const char *)p + at, n - at);

		WF_ASSERT(k > 0);
		send_frame(e, to, (const char *)p + at, (size_t)k);
		if (e->frames++ && e == &e->link->ends[1] && sim_chance(e->link->sim, links->doubled_per_mille)) {
			sim_mark(e->link->sim, "doubled", e->frames, 0);
			send_frame(e, to, (const char *)p + at, (size_t)k);
			links->doubled++;
		}
		at += (size_t)k;
	}
}

static void end_close(struct wf_channel *c)
{
	struct end *e = wf_container_of(c, struct end, base);

	if (e->asked || e->gone || e->p->dead)
		return;
	e->asked = 1;
	start_closing(e);
	start_closing(other(e));
}

static size_t end_pending(const struct wf_channel *c)
{
	struct end *e = wf_container_of((struct wf_channel *)(uintptr_t)c, struct end, base);
	size_t n = 0;

	for (struct frame *f = other(e)->coming; f; f = f->next)
		n += f->n;
	return n;
}

static const struct wf_channel_ops ops = {
	.send = end_send,
	.close = end_close,
	.pending = end_pending,
};

void sim_channel_pair(struct sim *s, struct sim_process *a, struct sim_process *b, struct wf_channel *ends[2])
{
	struct link *l = wf_xcalloc(1, sizeof(*l));

	l->sim = s;
	l->next = sim_links_of(s)->first;
	sim_links_of(s)->first = l;
	for (int i = 0; i < 2; i++) {
		l->ends[i].base.ops = &ops;
		l->ends[i].link = l;
		l->ends[i].p = i ? b : a;
		l->ends[i].coming_end = &l->ends[i].coming;
		ends[i] = &l->ends[i].base;
	}
}

void sim_channels_break(struct sim *s)
{
	for (struct link *l = sim_links_of(s)->first; l; l = l->next) {
		if (l->ends[0].closing || l->ends[1].closing || l->ends[0].gone || l->ends[1].gone)
			continue;
		sim_mark(s, "broken", 0, 0);
		cut(&l->ends[0]);
		cut(&l->ends[1]);
		start_closing(&l->ends[0]);
		start_closing(&l->ends[1]);
	}
}

void sim_channels_hold(struct sim *s, uint64_t until_ns)
{
	sim_links_of(s)->held_until_ns = until_ns;
	sim_mark(s, "held", until_ns, 0);
}

void sim_channels_double(struct sim *s, unsigned per_mille)
{
	sim_links_of(s)->doubled_per_mille = per_mille;
}

void sim_links_kill(struct sim *s, struct sim_process *p)
{
	for (struct link *l = sim_links_of(s)->first, *next; l; l = next) {
		next = l->next;
		for (int i = 0; i < 2; i++) {
			struct end *e = &l->ends[i];

			if (e->p != p || e->gone)
				continue;
			e->gone = 1;
			if (!other(e)->gone) {
				cut(other(e));
				start_closing(other(e));
			}
		}
	}
}

void sim_links_release(struct sim *s)
{
	while (sim_links_of(s)->first) {
		struct link *l = sim_links_of(s)->first;

		sim_links_of(s)->first = l->next;
		for (int i = 0; i < 2; i++)
			while (l->ends[i].coming) {
				struct frame *f = l->ends[i].coming;

				l->ends[i].coming = f->next;
				free(f);
			}
		free(l);
	}
}
