/* Owns cells and neighbour lists. Knows positions and the box; not what is computed from them. */
#include "neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

struct cells {
	int n[3];
	double size[3];
	int *head;	/* first atom of a cell, or -1 */
	int *next;	/* next atom in the same cell, or -1 */
};

void frame_between(const struct frame *f, int i, int j, double d[3])
{
	int k;

	for (k = 0; k < 3; k++) {
		double box = f->high[k] - f->low[k];

		d[k] = f->x[j][k] - f->x[i][k];
		if (f->periodic[k])
			d[k] -= box * nearbyint(d[k] / box);
	}
}

static int cell_along(const struct cells *c, const struct frame *f, int k, double x)
{
	int at = (int)floor((x - f->low[k]) / c->size[k]);

	/* an atom may stand a little outside its box between two rebuilds in the simulation */
	if (f->periodic[k])
		return ((at % c->n[k]) + c->n[k]) % c->n[k];
	return at < 0 ? 0 : at >= c->n[k] ? c->n[k] - 1 : at;
}

static size_t cell_index(const struct cells *c, int x, int y, int z)
{
	return ((size_t)z * (size_t)c->n[1] + (size_t)y) * (size_t)c->n[0] + (size_t)x;
}

static void cells_fill(struct cells *c, const struct frame *f, double radius)
{
	size_t total = 1, at;
	int i, k;

	for (k = 0; k < 3; k++) {
		double box = f->high[k] - f->low[k];
		double most = floor(box / radius);

		/* bounded, so that one stray atom far away cannot ask for all the memory */
		c->n[k] = most < 1 ? 1 : most > 256 ? 256 : (int)most;
		c->size[k] = box / c->n[k];
		total *= (size_t)c->n[k];
	}
	c->head = allocate(total, sizeof *c->head);
	c->next = allocate((size_t)f->count, sizeof *c->next);
	memset(c->head, 0xff, total * sizeof *c->head);
	for (i = f->count - 1; i >= 0; i--) {
		at = cell_index(c, cell_along(c, f, 0, f->x[i][0]), cell_along(c, f, 1, f->x[i][1]),
				cell_along(c, f, 2, f->x[i][2]));
		c->next[i] = c->head[at];
		c->head[at] = i;
	}
}

/*
 * The cells to look into along one direction: those beside, wrapped where periodic, each once even
 * when the box is only one or two cells wide.
 */
static int cells_beside(const struct cells *c, const struct frame *f, int k, int at, int out[3])
{
	int n = 0, step, i, j;

	for (step = -1; step <= 1; step++) {
		i = at + step;
		if (f->periodic[k])
			i = (i + c->n[k]) % c->n[k];
		else if (i < 0 || i >= c->n[k])
			continue;
		for (j = 0; j < n && out[j] != i; j++)
			;
		if (j == n)
			out[n++] = i;
	}
	return n;
}

static void collect(struct neighbours *n, const struct cells *c, const struct frame *f, int i,
		    size_t cell, double radius2, int *used)
{
	int j;

	for (j = c->head[cell]; j >= 0; j = c->next[j]) {
		struct neighbour *to;
		double d[3], r2;

		if (j == i)
			continue;
		frame_between(f, i, j, d);
		r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
		if (r2 > radius2)
			continue;
		if (*used == n->capacity) {
			n->capacity = n->capacity ? n->capacity * 2 : 1 << 16;
			n->list = reallocate(n->list, (size_t)n->capacity, sizeof *n->list);
		}
		to = &n->list[(*used)++];
		to->other = j;
		to->r2 = r2;
		memcpy(to->d, d, sizeof d);
	}
}

/* Insertion sort: the lists are a dozen long. Equal distances go by number, to be repeatable. */
static void sort_by_distance(struct neighbour *list, int count)
{
	int i, j;

	for (i = 1; i < count; i++) {
		struct neighbour moving = list[i];

		for (j = i; j && (list[j - 1].r2 > moving.r2 ||
				  (list[j - 1].r2 == moving.r2 &&
				   list[j - 1].other > moving.other)); j--)
			list[j] = list[j - 1];
		list[j] = moving;
	}
}

void neighbours_find(struct neighbours *n, const struct frame *f, double radius)
{
	struct cells c;
	int i, k, used = 0;

	for (k = 0; k < 3; k++)
		if (f->periodic[k] && f->high[k] - f->low[k] < 2 * radius)
			fail(EX_DATAERR, "the box is too thin for neighbours within %g", radius);
	cells_fill(&c, f, radius);
	n->first = reallocate(n->first, (size_t)f->count + 1, sizeof *n->first);
	for (i = 0; i < f->count; i++) {
		int beside[3][3], many[3], a, b, e;

		n->first[i] = used;
		for (k = 0; k < 3; k++)
			many[k] = cells_beside(&c, f, k, cell_along(&c, f, k, f->x[i][k]),
					       beside[k]);
		for (a = 0; a < many[2]; a++)
			for (b = 0; b < many[1]; b++)
				for (e = 0; e < many[0]; e++)
					collect(n, &c, f, i,
						cell_index(&c, beside[0][e], beside[1][b],
							   beside[2][a]),
						radius * radius, &used);
		sort_by_distance(n->list + n->first[i], used - n->first[i]);
	}
	n->first[f->count] = used;
	free(c.head);
	free(c.next);
}

void neighbours_release(struct neighbours *n)
{
	free(n->first);
	free(n->list);
	*n = (struct neighbours){ 0 };
}

double neighbours_spacing(const struct frame *f)
{
	struct neighbours n = { 0 };
	double sum = 0, width = f->high[2] - f->low[2];
	int i, counted = 0;

	/* any radius that surely holds the nearest one will do */
	neighbours_find(&n, f, width / 2 < 1.6 ? width / 2 : 1.6);
	for (i = 0; i < f->count; i++)
		if (n.first[i] < n.first[i + 1]) {
			sum += sqrt(n.list[n.first[i]].r2);
			counted++;
		}
	neighbours_release(&n);
	if (!counted)
		fail(EX_DATAERR, "no two atoms are near each other");
	return sum / counted;
}
