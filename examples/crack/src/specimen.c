/* Owns the colours of the atoms. Knows epochs and the canvas. */
#include "specimen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common.h"
#include "dump.h"
#include "neighbours.h"
#include "order.h"

#define CSYM_FULL 3.0		/* the value of the last colour, and of all above */
#define ATOM_RADIUS 0.56	/* in units of length, half the spacing of the crystal */

/* Quiet blue for the crystal, through green for faults to yellow and red for surfaces. */
static const struct stop {
	double at;
	unsigned color;
} stops[] = {
	{ 0.00, 0x33507f }, { 0.06, 0x3c6c94 }, { 0.20, 0x49a38f }, { 0.45, 0xf2c14e },
	{ 0.75, 0xf08a4b }, { 1.00, 0xd1495b },
};

static unsigned mix(unsigned a, unsigned b, double t)
{
	unsigned out = 0;
	int shift;

	for (shift = 16; shift >= 0; shift -= 8) {
		double x = a >> shift & 0xff, y = b >> shift & 0xff;

		out |= (unsigned)lround(x + (y - x) * t) << shift;
	}
	return out;
}

static unsigned color_of(double csym)
{
	double at = csym / CSYM_FULL;
	size_t i = 1;

	if (at >= 1)
		return stops[sizeof stops / sizeof *stops - 1].color;
	while (stops[i].at < at)
		i++;
	return mix(stops[i - 1].color, stops[i].color,
		   (at - stops[i - 1].at) / (stops[i].at - stops[i - 1].at));
}

static void read_epoch(struct frame *f, const char *path, int epoch)
{
	struct dump *d = dump_open(path);

	do {
		if (!dump_next(d, f))
			fail(EX_DATAERR, "'%s' has no epoch %d", path, epoch);
	} while (f->epoch < epoch);
	dump_close(d);
}

static double *measure(const struct frame *f, const char *path)
{
	struct frame first = { 0 };
	struct neighbours n = { 0 };
	double *csym = allocate((size_t)f->count, sizeof *csym), spacing;

	read_epoch(&first, path, 0);
	spacing = neighbours_spacing(&first);
	neighbours_find(&n, f, 1.4 * spacing);
	order_csym(f, &n, spacing, csym);
	neighbours_release(&n);
	frame_release(&first);
	return csym;
}

struct depth {
	double z;
	int atom;
};

static int by_depth(const void *a, const void *b)
{
	const struct depth *p = a, *q = b;

	return p->z < q->z ? -1 : p->z > q->z ? 1 : p->atom - q->atom;
}

/* Pads the narrower direction, so that one unit is as long in x as in y. */
void specimen_fit(struct specimen *s, int epoch)
{
	struct frame f = { 0 };
	double low[2], high[2], unit, pad;
	int i, k;

	read_epoch(&f, s->dump, epoch);
	for (k = 0; k < 2; k++)
		for (low[k] = high[k] = f.x[0][k], i = 1; i < f.count; i++) {
			low[k] = fmin(low[k], f.x[i][k]);
			high[k] = fmax(high[k], f.x[i][k]);
		}
	frame_release(&f);
	unit = fmin((s->right - s->left) / (high[0] - low[0] + 3),
		    (s->bottom - s->top) / (high[1] - low[1] + 3));
	pad = (s->right - s->left) / unit - (high[0] - low[0]);
	s->x = (struct axis){ low[0] - pad / 2, high[0] + pad / 2, 5, false };
	pad = (s->bottom - s->top) / unit - (high[1] - low[1]);
	s->y = (struct axis){ low[1] - pad / 2, high[1] + pad / 2, 5, false };
}

void specimen_draw(const struct specimen *s, int epoch, const char *title)
{
	struct plot p = {
		.canvas = s->canvas,
		.left = s->left, .top = s->top, .right = s->right, .bottom = s->bottom,
		.x = s->x, .y = s->y, .x_label = s->x_label, .y_label = "y (" SIGMA ")",
	};
	struct frame f = { 0 };
	struct depth *order;
	double *csym;
	int i;

	read_epoch(&f, s->dump, epoch);
	csym = measure(&f, s->dump);
	order = allocate((size_t)f.count, sizeof *order);
	for (i = 0; i < f.count; i++)
		order[i] = (struct depth){ f.x[i][2], i };
	qsort(order, (size_t)f.count, sizeof *order, by_depth);
	plot_frame(&p);
	for (i = 0; i < f.count; i++) {
		const double *x = f.x[order[i].atom];

		canvas_ball(s->canvas, plot_x(&p, x[0]), plot_y(&p, x[1]),
			    ATOM_RADIUS * (plot_x(&p, 1) - plot_x(&p, 0)),
			    color_of(csym[order[i].atom]));
	}
	plot_finish(&p);
	canvas_text(s->canvas, s->left, s->top - 12, 11.5, ALIGN_LEFT, 0x5b6773, title);
	free(order);
	free(csym);
	frame_release(&f);
}

void specimen_scale(struct canvas *c, double left, double top, double right, double bottom)
{
	struct plot p = {
		.canvas = c, .left = left, .top = top, .right = right, .bottom = bottom,
		.x = { 0, 1, 2, false }, .y = { 0, CSYM_FULL, 0.5, false },
	};
	char text[16];
	double y;
	int i;

	for (y = top; y < bottom; y += 0.5)
		canvas_rectangle(c, left, y, right, y + 0.5,
				 color_of(CSYM_FULL * (bottom - y) / (bottom - top)));
	for (i = 0; i <= (int)(CSYM_FULL / 0.5); i++) {
		snprintf(text, sizeof text, "%g", 0.5 * i);
		canvas_line(c, right, plot_y(&p, 0.5 * i), right + 6, plot_y(&p, 0.5 * i), 1.2,
			    0x1d2733);
		canvas_text(c, right + 12, plot_y(&p, 0.5 * i) + 5.5, 11, ALIGN_LEFT, 0x1d2733,
			    text);
	}
	canvas_text_up(c, right + 62, (top + bottom) / 2, 12, ALIGN_MIDDLE, 0x1d2733,
		       "centro-symmetry (" SIGMA "^2)");
}
