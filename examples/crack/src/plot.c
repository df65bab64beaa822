/* Owns nothing; turns data into places and draws axes. Does not know what is plotted. */
#include "plot.h"

#include <math.h>
#include <stdio.h>

#define INK 0x1d2733
#define GRID 0xe3e8ed
#define PAPER 0xfafbfc
#define TICKS_MAX 64

static double place(const struct axis *a, double value)
{
	if (a->logarithmic)
		return (log10(fmax(value, a->low / 10)) - log10(a->low)) /
		       (log10(a->high) - log10(a->low));
	return (value - a->low) / (a->high - a->low);
}

double plot_x(const struct plot *p, double x)
{
	return p->left + (p->right - p->left) * place(&p->x, x);
}

double plot_y(const struct plot *p, double y)
{
	return p->bottom - (p->bottom - p->top) * place(&p->y, y);
}

/* The values that get a tick, in rising order. */
static int ticks(const struct axis *a, double value[TICKS_MAX])
{
	static const double mantissa[] = { 1, 2, 5 };
	double first;
	int n = 0, decade, i;

	if (a->logarithmic) {
		for (decade = (int)floor(log10(a->low)); pow(10, decade) <= a->high; decade++)
			for (i = 0; i < 3; i++) {
				double v = mantissa[i] * pow(10, decade);

				if (n < TICKS_MAX && v >= a->low * 0.999 && v <= a->high * 1.001)
					value[n++] = v;
			}
		return n;
	}
	first = ceil(a->low / a->step - 1e-9);
	for (i = 0; i < TICKS_MAX && (first + i) * a->step <= a->high + a->step * 1e-6; i++)
		value[n++] = (first + i) * a->step;
	return n;
}

void plot_frame(const struct plot *p)
{
	double value[TICKS_MAX];
	int i, n;

	canvas_rectangle(p->canvas, p->left, p->top, p->right, p->bottom, PAPER);
	n = ticks(&p->x, value);
	for (i = 0; i < n; i++)
		canvas_line(p->canvas, plot_x(p, value[i]), p->top, plot_x(p, value[i]), p->bottom,
			    1, GRID);
	n = ticks(&p->y, value);
	for (i = 0; i < n; i++)
		canvas_line(p->canvas, p->left, plot_y(p, value[i]), p->right, plot_y(p, value[i]),
			    1, GRID);
	canvas_clip(p->canvas, p->left, p->top, p->right, p->bottom);
}

void plot_line(const struct plot *p, double x0, double y0, double x1, double y1, double width,
	       unsigned color)
{
	canvas_line(p->canvas, plot_x(p, x0), plot_y(p, y0), plot_x(p, x1), plot_y(p, y1), width,
		    color);
}

void plot_dot(const struct plot *p, double x, double y, double radius, unsigned color)
{
	canvas_disc(p->canvas, plot_x(p, x), plot_y(p, y), radius + 1.2, 0xffffff);
	canvas_disc(p->canvas, plot_x(p, x), plot_y(p, y), radius, color);
}

static void border(const struct plot *p)
{
	const double x0 = p->left, y0 = p->top, x1 = p->right, y1 = p->bottom;

	canvas_line(p->canvas, x0, y0, x1, y0, 1.2, INK);
	canvas_line(p->canvas, x0, y1, x1, y1, 1.2, INK);
	canvas_line(p->canvas, x0, y0, x0, y1, 1.2, INK);
	canvas_line(p->canvas, x1, y0, x1, y1, 1.2, INK);
}

void plot_finish(const struct plot *p)
{
	double value[TICKS_MAX];
	char text[32];
	int i, n;

	canvas_unclip(p->canvas);
	border(p);
	n = ticks(&p->x, value);
	for (i = 0; i < n; i++) {
		double x = plot_x(p, value[i]);

		canvas_line(p->canvas, x, p->bottom, x, p->bottom + 6, 1.2, INK);
		snprintf(text, sizeof text, "%g", round(value[i] * 1e6) / 1e6);
		if (p->x_label)
			canvas_text(p->canvas, x, p->bottom + 24, 11, ALIGN_MIDDLE, INK, text);
	}
	n = ticks(&p->y, value);
	for (i = 0; i < n; i++) {
		double y = plot_y(p, value[i]);

		canvas_line(p->canvas, p->left - 6, y, p->left, y, 1.2, INK);
		snprintf(text, sizeof text, "%g", round(value[i] * 1e6) / 1e6);
		canvas_text(p->canvas, p->left - 12, y + 5.5, 11, ALIGN_RIGHT, INK, text);
	}
	if (p->x_label)
		canvas_text(p->canvas, (p->left + p->right) / 2, p->bottom + 52, 12, ALIGN_MIDDLE,
			    INK, p->x_label);
	if (p->y_label)
		canvas_text_up(p->canvas, p->left - 56, (p->top + p->bottom) / 2, 12, ALIGN_MIDDLE,
			       INK, p->y_label);
}
