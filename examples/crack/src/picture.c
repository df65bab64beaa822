/*
 * picture [--directory DIR] --table TABLE --show RATE-SEED --out PNG - the figure: stress and
 * centro-symmetry against strain for all members of the table, and one member drawn atom by atom
 * at its highest stress and at its end.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "members.h"
#include "plot.h"
#include "specimen.h"

#define WIDTH 1560
#define HEIGHT 1060

static const unsigned rate_color[] = { 0x27537f, 0x2a9d8f, 0xe9a03b, 0xd1495b, 0x7b4b94, 0x5b5f66 };

#define COLORS ((int)(sizeof rate_color / sizeof *rate_color))

struct arguments {
	const char *directory, *table, *show, *out;
};

static struct arguments read_arguments(int argc, char **argv)
{
	struct arguments a = { .directory = "member" };
	int at;

	for (at = 1; at + 1 < argc; at += 2) {
		if (strcmp(argv[at], "--directory") == 0)
			a.directory = argv[at + 1];
		else if (strcmp(argv[at], "--table") == 0)
			a.table = argv[at + 1];
		else if (strcmp(argv[at], "--show") == 0)
			a.show = argv[at + 1];
		else if (strcmp(argv[at], "--out") == 0)
			a.out = argv[at + 1];
		else
			fail(EX_USAGE, "unknown option '%s'", argv[at]);
	}
	if (at != argc || !a.table || !a.show || !a.out)
		fail(EX_USAGE, "usage: picture [--directory DIR] --table TABLE --show RATE-SEED "
			       "--out PNG");
	return a;
}

static void draw_title(struct canvas *c, const struct members *m)
{
	char *text = text_of("%d members: %d strain rates " TIMES " %d seeds, Lennard-Jones, "
			     "pulled along y by LAMMPS", m->count, m->rates,
			     m->rates ? m->count / m->rates : 0);

	canvas_text(c, 92, 46, 20, ALIGN_LEFT, 0x1d2733, "A notched fcc crystal under load");
	canvas_text(c, 92, 76, 11.5, ALIGN_LEFT, 0x5b6773, text);
	free(text);
}

static void draw_legend(struct canvas *c, const struct members *m, double x, double y)
{
	int i, rate;

	canvas_text(c, x, y, 11, ALIGN_LEFT, 0x1d2733, "strain rate (1/" TAU ")");
	for (i = 0, rate = -1; i < m->count; i++) {
		if (m->member[i].rate == rate)
			continue;
		rate = m->member[i].rate;
		y += 24;
		canvas_line(c, x + 2, y - 5, x + 30, y - 5, 3, rate_color[rate % COLORS]);
		canvas_text(c, x + 42, y, 11, ALIGN_LEFT, 0x1d2733, m->member[i].rate_text);
	}
}

static void draw_stress(struct canvas *c, const struct members *m, double strain_end)
{
	struct plot p = {
		.canvas = c,
		.left = 92, .top = 110, .right = 800, .bottom = 640,
		.x = { 0, strain_end, 0.02, false },
		/* below zero too: a torn specimen swings back against its grips */
		.y = { floor(members_low(m) * 2) / 2, ceil(members_peak(m) * 2.1) / 2, 1, false },
		.y_label = "stress (" EPSILON "/" SIGMA "^3)",
	};
	int i, k;

	plot_frame(&p);
	for (i = 0; i < m->count; i++) {
		const struct curve *s = &m->member[i].stress;

		for (k = 0; k + 1 < s->count; k++)
			plot_line(&p, s->x[k], s->y[k], s->x[k + 1], s->y[k + 1], 1.5,
				  rate_color[m->member[i].rate % COLORS]);
	}
	for (i = 0; i < m->count; i++) {
		const struct curve *s = &m->member[i].stress;
		int peak = curve_peak(s);

		plot_dot(&p, s->x[peak], s->y[peak], 3.6, rate_color[m->member[i].rate % COLORS]);
	}
	plot_finish(&p);
	draw_legend(c, m, 122, 140);
}

static void draw_csym(struct canvas *c, const struct members *m, double strain_end)
{
	struct plot p = {
		.canvas = c,
		.left = 92, .top = 680, .right = 800, .bottom = 985,
		.x = { 0, strain_end, 0.02, false },
		.y = { 0.003, 1, 0, true },
		.x_label = "strain",
		.y_label = "mean centro-symmetry (" SIGMA "^2)",
	};
	int i, e;

	plot_frame(&p);
	for (i = 0; i < m->count; i++) {
		const struct member *one = &m->member[i];
		unsigned color = rate_color[one->rate % COLORS];

		/* not from epoch 0: there the crystal is still cold, and far below the axis */
		for (e = 1; e + 1 < one->epochs; e++)
			plot_line(&p, e * EPOCH_STRAIN, one->csym[e], (e + 1) * EPOCH_STRAIN,
				  one->csym[e + 1], 1.3, color);
		if (one->cracked >= 0)
			plot_dot(&p, one->cracked * EPOCH_STRAIN, one->csym[one->cracked], 3.6,
				 color);
	}
	plot_finish(&p);
	canvas_disc(c, 124, 706, 3.6, 0x5b6773);
	canvas_text(c, 136, 711, 10.5, ALIGN_LEFT, 0x5b6773,
		    "first epoch above the member's threshold: it cracks");
}

static void draw_specimens(struct canvas *c, const struct arguments *a, const struct member *one)
{
	char *dump = text_of("%s/%s-%s/dump.crack", a->directory, one->rate_text, one->seed_text);
	int peak = (int)lround(one->stress.x[curve_peak(&one->stress)] / EPOCH_STRAIN);
	int last = one->epochs - 1;
	char *title = text_of("rate %s, seed %s: atoms coloured by centro-symmetry",
			      one->rate_text, one->seed_text);
	char *before = text_of("highest stress: strain %.3f", peak * EPOCH_STRAIN);
	char *after = text_of("end: strain %.3f", last * EPOCH_STRAIN);
	struct specimen s = {
		.canvas = c, .dump = dump,
		.left = 900, .top = 110, .right = 1420, .bottom = 520,
	};

	canvas_text(c, 900, 70, 11.5, ALIGN_LEFT, 0x1d2733, title);
	specimen_fit(&s, last);
	specimen_draw(&s, peak > last ? last : peak, before);
	s.top = 575;
	s.bottom = 985;
	s.x_label = "x (" SIGMA ")";
	specimen_draw(&s, last, after);
	specimen_scale(c, 1456, 110, 1476, 985);
	free(after);
	free(before);
	free(title);
	free(dump);
}

int main(int argc, char **argv)
{
	struct arguments a;
	struct members m;
	struct canvas *c;
	double strain_end;

	begin(argv[0]);
	a = read_arguments(argc, argv);
	m = members_read(a.table, a.directory);
	strain_end = (members_epochs(&m) - 1) * EPOCH_STRAIN;
	c = canvas_create(WIDTH, HEIGHT);
	draw_title(c, &m);
	draw_stress(c, &m, strain_end);
	draw_csym(c, &m, strain_end);
	draw_specimens(c, &a, members_named(&m, a.show));
	canvas_save(c, a.out);
	printf("%s: %d x %d pixels\n", a.out, WIDTH, HEIGHT);
	canvas_destroy(c);
	members_release(&m);
	return 0;
}
