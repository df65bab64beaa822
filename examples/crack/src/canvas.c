/*
 * Owns the pixels, FINE times finer each way than the picture, and turns them into a PNG. Knows
 * shapes and letters; not what they show.
 */
#include "canvas.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "font.h"

#define FINE 3
#define PI 3.14159265358979323846

struct canvas {
	int width, height;		/* of the picture */
	int x0, y0, x1, y1;		/* the clip, in fine pixels; x1, y1 are outside */
	unsigned char (*fine)[3];
};

struct canvas *canvas_create(int width, int height)
{
	struct canvas *c = allocate(1, sizeof *c);
	size_t count = (size_t)width * FINE * (size_t)height * FINE;

	c->width = width;
	c->height = height;
	c->fine = allocate(count, sizeof *c->fine);
	memset(c->fine, 0xff, count * sizeof *c->fine);
	canvas_unclip(c);
	return c;
}

void canvas_destroy(struct canvas *c)
{
	free(c->fine);
	free(c);
}

static int bounded(double x, int low, int high)
{
	return x <= low ? low : x >= high ? high : (int)x;
}

void canvas_clip(struct canvas *c, double x0, double y0, double x1, double y1)
{
	c->x0 = bounded(floor(x0 * FINE), 0, c->width * FINE);
	c->y0 = bounded(floor(y0 * FINE), 0, c->height * FINE);
	c->x1 = bounded(ceil(x1 * FINE), 0, c->width * FINE);
	c->y1 = bounded(ceil(y1 * FINE), 0, c->height * FINE);
}

void canvas_unclip(struct canvas *c)
{
	canvas_clip(c, 0, 0, c->width, c->height);
}

static void set(struct canvas *c, int x, int y, unsigned color)
{
	unsigned char *p = c->fine[(size_t)y * (size_t)(c->width * FINE) + (size_t)x];

	p[0] = (unsigned char)(color >> 16 & 0xff);
	p[1] = (unsigned char)(color >> 8 & 0xff);
	p[2] = (unsigned char)(color & 0xff);
}

/* The fine pixels to look at for a shape within this rectangle. */
struct span {
	int x0, y0, x1, y1;
};

static struct span span_of(const struct canvas *c, double x0, double y0, double x1, double y1)
{
	return (struct span){
		bounded(floor(x0 * FINE), c->x0, c->x1), bounded(floor(y0 * FINE), c->y0, c->y1),
		bounded(ceil(x1 * FINE), c->x0, c->x1), bounded(ceil(y1 * FINE), c->y0, c->y1),
	};
}

void canvas_rectangle(struct canvas *c, double x0, double y0, double x1, double y1, unsigned color)
{
	struct span s = span_of(c, x0, y0, x1, y1);
	int x, y;

	for (y = s.y0; y < s.y1; y++)
		for (x = s.x0; x < s.x1; x++)
			set(c, x, y, color);
}

/* All pixels nearer than half the width to the line: its ends are round. */
void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, double width,
		 unsigned color)
{
	double r = width / 2, dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
	struct span s = span_of(c, fmin(x0, x1) - r, fmin(y0, y1) - r, fmax(x0, x1) + r,
				fmax(y0, y1) + r);
	int x, y;

	for (y = s.y0; y < s.y1; y++)
		for (x = s.x0; x < s.x1; x++) {
			double px = (x + 0.5) / FINE - x0, py = (y + 0.5) / FINE - y0;
			double t = length2 > 0 ? (px * dx + py * dy) / length2 : 0;

			t = t < 0 ? 0 : t > 1 ? 1 : t;
			px -= t * dx;
			py -= t * dy;
			if (px * px + py * py <= r * r)
				set(c, x, y, color);
		}
}

void canvas_disc(struct canvas *c, double x, double y, double radius, unsigned color)
{
	canvas_line(c, x, y, x, y, 2 * radius, color);
}

static unsigned shade(unsigned color, double light, double gloss)
{
	unsigned out = 0;
	int shift;

	for (shift = 16; shift >= 0; shift -= 8) {
		double v = (double)(color >> shift & 0xff) * light;

		v += (255 - v) * gloss;
		out |= (unsigned)(v < 0 ? 0 : v > 255 ? 255 : v) << shift;
	}
	return out;
}

void canvas_ball(struct canvas *c, double x, double y, double radius, unsigned color)
{
	struct span s = span_of(c, x - radius, y - radius, x + radius, y + radius);
	int i, k;

	for (k = s.y0; k < s.y1; k++)
		for (i = s.x0; i < s.x1; i++) {
			double nx = ((i + 0.5) / FINE - x) / radius;
			double ny = ((k + 0.5) / FINE - y) / radius;
			double rest = 1 - nx * nx - ny * ny, nz, light;

			if (rest < 0)
				continue;
			nz = sqrt(rest);
			light = (-nx - 1.2 * ny + 1.6 * nz) / 2.24;
			light = light < 0 ? 0 : light;
			set(c, i, k, shade(color, 0.45 + 0.6 * light, 0.45 * pow(light, 14)));
		}
}

/* Where text is put: a place, a scale, and whether it runs to the right or upwards. */
struct pen {
	double x, y, scale, width;
	int upwards;
	unsigned color;
};

static void pen_stroke(struct canvas *c, const struct pen *p, double x0, double y0, double x1,
		       double y1)
{
	if (p->upwards)
		canvas_line(c, p->x - y0 * p->scale, p->y - x0 * p->scale, p->x - y1 * p->scale,
			    p->y - x1 * p->scale, p->width, p->color);
	else
		canvas_line(c, p->x + x0 * p->scale, p->y - y0 * p->scale, p->x + x1 * p->scale,
			    p->y - y1 * p->scale, p->width, p->color);
}

static void pen_arc(struct canvas *c, const struct pen *p, const char *arc, double left, double up)
{
	double cx = left + font_digit(arc[0]), cy = up + font_digit(arc[1]) - FONT_BASE;
	double rx = font_digit(arc[2]), ry = font_digit(arc[3]);
	double from = font_digit(arc[4]) * PI / 12, to = font_digit(arc[5]) * PI / 12;
	int i, steps = (int)(fabs(to - from) * 6) + 1;

	for (i = 0; i < steps; i++) {
		double a = from + (to - from) * i / steps, b = from + (to - from) * (i + 1) / steps;

		pen_stroke(c, p, cx + rx * cos(a), cy + ry * sin(a), cx + rx * cos(b),
			   cy + ry * sin(b));
	}
}

static void pen_glyph(struct canvas *c, const struct pen *p, const struct glyph *g, double left,
		      double up)
{
	const char *s = g->strokes;

	while (*s) {
		size_t length = strcspn(s, " "), i;

		if (*s == '@') {
			pen_arc(c, p, s + 1, left, up);
		} else {
			for (i = 0; i + 3 < length; i += 2)
				pen_stroke(c, p, left + font_digit(s[i]),
					   up + font_digit(s[i + 1]) - FONT_BASE,
					   left + font_digit(s[i + 2]),
					   up + font_digit(s[i + 3]) - FONT_BASE);
		}
		s += length;
		s += strspn(s, " ");
	}
}

#define RAISED 0.65	/* the scale of a raised character */

/* Draws when c is given; returns the width in the font's units either way. */
static double run(struct canvas *c, const struct pen *p, const char *text)
{
	double left = 0;

	for (; *text; text++) {
		const struct glyph *g;

		if (*text == '^' && text[1]) {
			g = font_glyph(*++text);
			if (c) {
				struct pen raised = *p;

				raised.scale *= RAISED;
				raised.width *= 0.8;
				pen_glyph(c, &raised, g, left / RAISED, FONT_CAPITAL * 0.75);
			}
			left += g->advance * RAISED;
			continue;
		}
		g = font_glyph(*text);
		if (c)
			pen_glyph(c, p, g, left, 0);
		left += g->advance;
	}
	return left;
}

double canvas_text_width(double size, const char *text)
{
	return run(NULL, NULL, text) * size / FONT_CAPITAL;
}

static void put(struct canvas *c, struct pen *p, double size, enum align align, const char *text)
{
	double back = align == ALIGN_LEFT ? 0 : canvas_text_width(size, text);

	if (align == ALIGN_MIDDLE)
		back /= 2;
	if (p->upwards)
		p->y += back;
	else
		p->x -= back;
	p->scale = size / FONT_CAPITAL;
	p->width = fmax(1.05, size * 0.125);
	run(c, p, text);
}

void canvas_text(struct canvas *c, double x, double y, double size, enum align align,
		 unsigned color, const char *text)
{
	put(c, &(struct pen){ .x = x, .y = y, .color = color }, size, align, text);
}

void canvas_text_up(struct canvas *c, double x, double y, double size, enum align align,
		    unsigned color, const char *text)
{
	put(c, &(struct pen){ .x = x, .y = y, .upwards = 1, .color = color }, size, align, text);
}

static void average_row(const struct canvas *c, int y, unsigned char *row)
{
	int x, k, i, j;

	for (x = 0; x < c->width; x++)
		for (k = 0; k < 3; k++) {
			int sum = 0;

			for (j = 0; j < FINE; j++)
				for (i = 0; i < FINE; i++)
					sum += c->fine[(size_t)(y * FINE + j) *
							       (size_t)(c->width * FINE) +
						       (size_t)(x * FINE + i)][k];
			row[x * 3 + k] = (unsigned char)((sum + FINE * FINE / 2) / (FINE * FINE));
		}
}

void canvas_save(const struct canvas *c, const char *path)
{
	size_t row = (size_t)c->width * 3;
	unsigned char *pixels = allocate(row * (size_t)c->height, 1);
	char *partial = text_of("%s.partial", path);
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)c->width,
		.height = (png_uint_32)c->height,
		.format = PNG_FORMAT_RGB,
	};
	int y;

	for (y = 0; y < c->height; y++)
		average_row(c, y, pixels + row * (size_t)y);
	if (!png_image_write_to_file(&image, partial, 0, pixels, 0, NULL))
		fail(EX_IOERR, "cannot write '%s': %s", partial, image.message);
	if (rename(partial, path) < 0)
		fail(EX_IOERR, "cannot write '%s': %s", path, strerror(errno));
	free(partial);
	free(pixels);
}
