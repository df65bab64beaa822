/* points.c - owns the list of fault points that an undisturbed run passed, and the choice of hits. Knows no process. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "tests/fault/sweep.h"

static uint64_t state = 1;

void seed_set(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint64_t seed_next(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % below;
}

static struct point *find(struct points *p, const char *program, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->all[i].name, name) == 0 && strcmp(p->all[i].program, program) == 0)
			return &p->all[i];
	p->all = wf_xrealloc(p->all, (p->count + 1) * sizeof(*p->all));
	memset(&p->all[p->count], 0, sizeof(*p->all));
	snprintf(p->all[p->count].program, sizeof(p->all->program), "%s", program);
	snprintf(p->all[p->count].name, sizeof(p->all->name), "%s", name);
	return &p->all[p->count++];
}

int points_read(struct points *p, const char *file, const char *program)
{
	FILE *f = fopen(file, "r");
	char name[64], who[32];
	unsigned hit;

	memset(p, 0, sizeof(*p));
	if (!f)
		return -1;
	while (fscanf(f, "%63s %u %31s\n", name, &hit, who) == 3) {
		struct point *pt;

		if (strcmp(who, program) != 0)
			continue;
		pt = find(p, who, name);
		if (hit > pt->hits)
			pt->hits = hit;
	}
	fclose(f);
	return 0;
}

void points_release(struct points *p)
{
	free(p->all);
	memset(p, 0, sizeof(*p));
}

struct choice {
	size_t point;
	unsigned hit, round;           /* round: its place among its point's hits */
	uint64_t order;
};

static int by_order(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	if ((x->round == 0) != (y->round == 0))
		return x->round == 0 ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int by_place(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	return x->hit < y->hit ? -1 : x->hit > y->hit;
}

static unsigned hit_of(const struct point *pt, unsigned k, unsigned taken)
{
	if (taken == pt->hits || k == 0)
		return k + 1;
	if (k == 1)
		return pt->hits;
	/* One in each of the stretches that are left, so that they are distinct. */
	return 2 + (unsigned)((uint64_t)(k - 2) * (pt->hits - 2) / (taken - 2)) + (unsigned)seed_next((pt->hits - 2) / (taken - 2));
}

size_t points_choose(const struct points *p, unsigned few, size_t limit, void (*fn)(const struct point *p, unsigned hit, void *arg), void *arg)
{
	struct choice *c = NULL;
	size_t n = 0, all = 0;

	for (size_t i = 0; i < p->count; i++) {
		unsigned hits = p->all[i].hits, taken = hits < few ? hits : few;

		all += hits;
		c = wf_xrealloc(c, (n + taken) * sizeof(*c));
		for (unsigned k = 0; k < taken; k++)
			c[n++] = (struct choice){ i, hit_of(&p->all[i], k, taken), k, seed_next(UINT64_MAX) };
	}
	if (limit && limit < n) {
		qsort(c, n, sizeof(*c), by_order);
		n = limit;
	}
	if (n)
		qsort(c, n, sizeof(*c), by_place);
	for (size_t i = 0; i < n; i++)
		fn(&p->all[c[i].point], c[i].hit, arg);
	free(c);
	return all;
}
