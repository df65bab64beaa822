/*
 * neighbours.h - who is near whom, by cells, so that the work grows with the atoms and not with
 * their square.
 *
 *	struct neighbours n = {0};
 *	neighbours_find(&n, &frame, radius);
 *	for (k = n.first[i]; k < n.first[i + 1]; k++)
 *		n.list[k].other is near i, at the vector n.list[k].d of squared length n.list[k].r2
 *	neighbours_release(&n);
 *
 * Every pair appears twice, once from each side; those of one atom are in order of increasing
 * distance. Periodic directions use the nearest image, so radius must stay under half the box.
 */
#ifndef CRACK_NEIGHBOURS_H
#define CRACK_NEIGHBOURS_H

#include "dump.h"

struct neighbour {
	int other;
	double d[3];
	double r2;
};

struct neighbours {
	int *first;			/* count + 1 offsets into list */
	struct neighbour *list;
	int capacity;
};

/* Fills n for this frame, reusing its memory. */
void neighbours_find(struct neighbours *n, const struct frame *f, double radius);
void neighbours_release(struct neighbours *n);

/* The distance of nearest neighbours of a crystal: the mean over its atoms, in this frame. */
double neighbours_spacing(const struct frame *f);

/* The vector from atom i to atom j by the nearest image. */
void frame_between(const struct frame *f, int i, int j, double d[3]);

#endif
