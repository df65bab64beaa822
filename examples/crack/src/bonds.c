/*
 * bonds RATE SEED DUMP OUT - how many of the crystal's bonds are broken, epoch by epoch.
 *
 * A bond is a pair of nearest neighbours in the first epoch. It counts as broken while the two are
 * more than 1.5 spacings apart, further than second neighbours were.
 *
 * Series: broken (epoch, bonds).
 */
#include <stdio.h>
#include <stdlib.h>

#include "common.h"
#include "dump.h"
#include "neighbours.h"
#include "series.h"

struct bond {
	int a, b;
};

static struct bond *find_bonds(const struct frame *f, double spacing, int *count)
{
	struct neighbours n = { 0 };
	struct bond *bonds;
	int i, k;

	neighbours_find(&n, f, 1.2 * spacing);
	bonds = allocate((size_t)n.first[f->count], sizeof *bonds);
	*count = 0;
	for (i = 0; i < f->count; i++)
		for (k = n.first[i]; k < n.first[i + 1]; k++)
			if (n.list[k].other > i)
				bonds[(*count)++] = (struct bond){ i, n.list[k].other };
	neighbours_release(&n);
	return bonds;
}

static int count_broken(const struct frame *f, const struct bond *bonds, int count, double limit)
{
	int i, broken = 0;

	for (i = 0; i < count; i++) {
		double d[3];

		frame_between(f, bonds[i].a, bonds[i].b, d);
		broken += d[0] * d[0] + d[1] * d[1] + d[2] * d[2] > limit * limit;
	}
	return broken;
}

int main(int argc, char **argv)
{
	struct frame f = { 0 };
	struct bond *bonds = NULL;
	struct series *s;
	struct dump *d;
	double spacing = 0;
	int count = 0, broken = 0;

	begin(argv[0]);
	if (argc != 5)
		fail(EX_USAGE, "usage: bonds RATE SEED DUMP OUT");
	s = series_create(argv[1], argv[2]);
	d = dump_open(argv[3]);
	while (dump_next(d, &f)) {
		if (f.epoch == 0) {
			spacing = neighbours_spacing(&f);
			bonds = find_bonds(&f, spacing, &count);
		}
		broken = count_broken(&f, bonds, count, 1.5 * spacing);
		series_add(s, "broken", f.epoch, broken);
	}
	series_save(s, argv[4]);
	printf("%d of %d bonds broken after %d epochs\n", broken, count, f.epoch);
	free(bonds);
	dump_close(d);
	frame_release(&f);
	series_destroy(s);
	return 0;
}
