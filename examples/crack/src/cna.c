/*
 * cna RATE SEED DUMP OUT - common neighbour analysis of the interior, epoch by epoch.
 *
 * Series: fcc (epoch, fraction still in perfect fcc surroundings), fault (epoch, atoms in hcp
 * surroundings: the stacking faults that a gliding partial dislocation leaves behind).
 */
#include <stdio.h>
#include <stdlib.h>

#include "common.h"
#include "dump.h"
#include "neighbours.h"
#include "order.h"
#include "series.h"

int main(int argc, char **argv)
{
	struct frame f = { 0 };
	struct neighbours n = { 0 };
	unsigned char *interior = NULL, *structure = NULL;
	struct series *s;
	struct dump *d;
	double spacing = 0;
	int inside = 0, fcc = 0, hcp = 0, i;

	begin(argv[0]);
	if (argc != 5)
		fail(EX_USAGE, "usage: cna RATE SEED DUMP OUT");
	s = series_create(argv[1], argv[2]);
	d = dump_open(argv[3]);
	while (dump_next(d, &f)) {
		if (f.epoch == 0) {
			interior = allocate((size_t)f.count, sizeof *interior);
			structure = allocate((size_t)f.count, sizeof *structure);
			spacing = neighbours_spacing(&f);
			inside = order_interior(&f, spacing, interior);
		}
		neighbours_find(&n, &f, 1.207 * spacing);
		order_cna(&f, &n, structure);
		for (fcc = hcp = i = 0; i < f.count; i++) {
			fcc += interior[i] && structure[i] == STRUCTURE_FCC;
			hcp += interior[i] && structure[i] == STRUCTURE_HCP;
		}
		series_add(s, "fcc", f.epoch, (double)fcc / inside);
		series_add(s, "fault", f.epoch, hcp);
	}
	series_save(s, argv[4]);
	printf("%.1f %% fcc and %d stacking-fault atoms after %d epochs\n",
	       inside ? 100.0 * fcc / inside : 0.0, hcp, f.epoch);
	free(interior);
	free(structure);
	neighbours_release(&n);
	dump_close(d);
	frame_release(&f);
	series_destroy(s);
	return 0;
}
