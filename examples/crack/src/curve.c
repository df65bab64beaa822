/* Owns the points of one curve. Does not know where it will be drawn or tabled. */
#include "curve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* Thermal noise of single samples would decide which one is the peak. */
static void smooth(struct curve *c)
{
	double *y = allocate((size_t)c->count, sizeof *y);
	int i, k;

	for (i = 0; i < c->count; i++) {
		int reach = i < 2 ? i : c->count - 1 - i < 2 ? c->count - 1 - i : 2;

		for (y[i] = 0, k = i - reach; k <= i + reach; k++)
			y[i] += c->y[k] / (2 * reach + 1);
	}
	free(c->y);
	c->y = y;
}

struct curve curve_read(const char *path)
{
	struct curve c = { 0 };
	FILE *f = fopen(path, "re");
	char line[256];
	int number = 0, room = 0;
	long step;

	if (!f)
		fail(EX_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
	while (fgets(line, sizeof line, f)) {
		number++;
		if (line[0] == '#')
			continue;
		if (c.count == room) {
			room = room ? room * 2 : 256;
			c.x = reallocate(c.x, (size_t)room, sizeof *c.x);
			c.y = reallocate(c.y, (size_t)room, sizeof *c.y);
		}
		if (sscanf(line, "%ld %lf %lf", &step, &c.x[c.count], &c.y[c.count]) != 3)
			fail(EX_DATAERR, "%s:%d: not a line 'step strain stress'", path, number);
		c.count++;
	}
	if (ferror(f))
		fail(EX_IOERR, "cannot read '%s': %s", path, strerror(errno));
	fclose(f);
	if (c.count == 0)
		fail(EX_DATAERR, "'%s' holds no point", path);
	smooth(&c);
	return c;
}

void curve_release(struct curve *c)
{
	free(c->x);
	free(c->y);
	*c = (struct curve){ 0 };
}

int curve_peak(const struct curve *c)
{
	int i, peak = 0;

	for (i = 1; i < c->count; i++)
		if (c->y[i] > c->y[peak])
			peak = i;
	return peak;
}
