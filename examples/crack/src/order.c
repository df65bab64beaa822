/* Owns nothing; computes per-atom measures from neighbour lists. */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

#define NEAREST 12

/* Keeps the six smallest sums seen so far, in rising order. */
static void keep(double smallest[NEAREST / 2], double sum)
{
	int k;

	if (sum >= smallest[NEAREST / 2 - 1])
		return;
	for (k = NEAREST / 2 - 1; k && smallest[k - 1] > sum; k--)
		smallest[k] = smallest[k - 1];
	smallest[k] = sum;
}

void order_csym(const struct frame *f, const struct neighbours *n, double spacing, double *value)
{
	int i, a, b, k;

	for (i = 0; i < f->count; i++) {
		const struct neighbour *list = n->list + n->first[i];
		int count = n->first[i + 1] - n->first[i];
		double smallest[NEAREST / 2];

		for (k = 0; k < NEAREST / 2; k++)
			smallest[k] = 1e30;
		for (a = 0; a < NEAREST; a++)
			for (b = a + 1; b < NEAREST; b++) {
				const double *p = list[a].d, *q = list[b].d;
				double x, y, z;

				if (b >= count) {
					keep(smallest, spacing * spacing);
					continue;
				}
				x = p[0] + q[0], y = p[1] + q[1], z = p[2] + q[2];
				keep(smallest, x * x + y * y + z * z);
			}
		for (value[i] = 0, k = 0; k < NEAREST / 2; k++)
			value[i] += smallest[k];
	}
}

/*
 * Bit b of row a says whether neighbours a and b of one atom are neighbours of each other. slot is
 * scratch, one int per atom of the frame and all zero between two calls.
 */
static void fill_bonds(const struct neighbours *n, const struct neighbour *list, int *slot,
		       unsigned row[NEAREST])
{
	int a, k;

	for (a = 0; a < NEAREST; a++)
		slot[list[a].other] = a + 1;
	for (a = 0; a < NEAREST; a++)
		for (row[a] = 0, k = n->first[list[a].other]; k < n->first[list[a].other + 1]; k++)
			if (slot[n->list[k].other])
				row[a] |= 1u << (slot[n->list[k].other] - 1);
	for (a = 0; a < NEAREST; a++)
		slot[list[a].other] = 0;
}

static enum structure classify(const struct neighbours *n, int i, int *slot)
{
	const struct neighbour *list = n->list + n->first[i];
	unsigned row[NEAREST];
	int n421 = 0, n422 = 0, a, b;

	if (n->first[i + 1] - n->first[i] != NEAREST)
		return STRUCTURE_OTHER;
	fill_bonds(n, list, slot, row);
	for (a = 0; a < NEAREST; a++) {
		int ends = 0, most = 0;

		/* four common neighbours with two bonds among them, or it is neither fcc nor hcp */
		if (__builtin_popcount(row[a]) != 4)
			return STRUCTURE_OTHER;
		for (b = 0; b < NEAREST; b++)
			if (row[a] & 1u << b) {
				int bonds = __builtin_popcount(row[b] & row[a]);

				ends += bonds;
				most = bonds > most ? bonds : most;
			}
		if (ends != 4)
			return STRUCTURE_OTHER;
		/* the two bonds share an atom, a chain of two: 422; else they stand apart: 421 */
		if (most == 2)
			n422++;
		else
			n421++;
	}
	if (n421 == 12)
		return STRUCTURE_FCC;
	return n421 == 6 && n422 == 6 ? STRUCTURE_HCP : STRUCTURE_OTHER;
}

void order_cna(const struct frame *f, const struct neighbours *n, unsigned char *structure)
{
	int *slot = allocate((size_t)f->count, sizeof *slot);
	int i;

	memset(slot, 0, (size_t)f->count * sizeof *slot);
	for (i = 0; i < f->count; i++)
		structure[i] = (unsigned char)classify(n, i, slot);
	free(slot);
}

int order_interior(const struct frame *f, double spacing, unsigned char *interior)
{
	struct neighbours n = { 0 };
	double low = f->x[0][1], high = low;
	int i, count = 0;

	for (i = 0; i < f->count; i++) {
		if (f->x[i][1] < low)
			low = f->x[i][1];
		if (f->x[i][1] > high)
			high = f->x[i][1];
	}
	neighbours_find(&n, f, 1.2 * spacing);
	for (i = 0; i < f->count; i++) {
		interior[i] = n.first[i + 1] - n.first[i] == NEAREST &&
			      f->x[i][1] > low + 1.5 * spacing && f->x[i][1] < high - 1.5 * spacing;
		count += interior[i];
	}
	neighbours_release(&n);
	if (!count)
		fail(EX_DATAERR, "no atom of the first epoch has twelve neighbours");
	return count;
}
