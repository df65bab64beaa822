/*
 * specimen.h - one epoch of one member drawn as atoms, seen along z, coloured by centro-symmetry.
 *
 *	struct specimen s = { .canvas = c, .left = ..., .dump = "dump.crack" };
 *	specimen_fit(&s, last);			the axes, such that this epoch fits
 *	specimen_draw(&s, first, "before");	as often as wanted, elsewhere too
 */
#ifndef CRACK_SPECIMEN_H
#define CRACK_SPECIMEN_H

#include "canvas.h"
#include "plot.h"

struct specimen {
	struct canvas *canvas;
	double left, top, right, bottom;	/* pixels */
	const char *dump;
	const char *x_label;
	struct axis x, y;			/* set by specimen_fit; one scale for both */
};

void specimen_fit(struct specimen *s, int epoch);
void specimen_draw(const struct specimen *s, int epoch, const char *title);

/* Draws the colours and what they stand for. */
void specimen_scale(struct canvas *c, double left, double top, double right, double bottom);

#endif
