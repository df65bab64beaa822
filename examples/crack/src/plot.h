/*
 * plot.h - a frame with axes, and data put into it.
 *
 *	struct plot p = { .canvas = c, .left = ..., .x = { 0, 0.2, 0.02, false }, ... };
 *	plot_frame(&p);			background and grid, then clips to the frame
 *	plot_line(&p, ...);		in units of the data
 *	plot_finish(&p);		ends the clip; border, ticks and labels on top
 */
#ifndef CRACK_PLOT_H
#define CRACK_PLOT_H

#include <stdbool.h>

#include "canvas.h"

struct axis {
	double low, high;
	double step;		/* from tick to tick; of a logarithmic axis 1, 2 and 5 have theirs */
	bool logarithmic;
};

struct plot {
	struct canvas *canvas;
	double left, top, right, bottom;	/* pixels */
	struct axis x, y;
	const char *x_label, *y_label;		/* without x_label the x axis has no numbers */
};

void plot_frame(const struct plot *p);
void plot_line(const struct plot *p, double x0, double y0, double x1, double y1, double width,
	       unsigned color);
void plot_dot(const struct plot *p, double x, double y, double radius, unsigned color);
void plot_finish(const struct plot *p);

/* The pixel of a value. */
double plot_x(const struct plot *p, double x);
double plot_y(const struct plot *p, double y);

#endif
