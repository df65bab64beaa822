/*
 * order.h - two measures of how crystalline the place of an atom is.
 */
#ifndef CRACK_ORDER_H
#define CRACK_ORDER_H

#include "neighbours.h"

/*
 * Centro-symmetry of every atom (Kelchner, Plimpton, Hamilton 1998), 12 neighbours: the sum of the
 * six smallest |ri + rj|^2 over the pairs of its neighbours' vectors. Zero in a perfect crystal,
 * however strained; large at faults, surfaces and the crack. A pair with a missing neighbour counts
 * as one spacing squared, so that an atom torn loose is not taken for a quiet one.
 *
 * n must reach to 1.4 times the spacing; value has room for f->count.
 */
void order_csym(const struct frame *f, const struct neighbours *n, double spacing, double *value);

/*
 * Common neighbour analysis (Honeycutt, Andersen 1987). n must reach to 1.207 times the spacing,
 * half way to the second neighbours of fcc.
 */
enum structure { STRUCTURE_OTHER, STRUCTURE_FCC, STRUCTURE_HCP };
void order_cna(const struct frame *f, const struct neighbours *n, unsigned char *structure);

/*
 * Marks the atoms that had all 12 nearest neighbours in this (the first) frame and stand away from
 * the grips, 1.5 spacings at either end of y: what happens to them is the material's doing and not
 * that of a surface. Returns how many there are.
 */
int order_interior(const struct frame *f, double spacing, unsigned char *interior);

#endif
