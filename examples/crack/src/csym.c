/*
 * csym RATE SEED DUMP THRESHOLDS OUT - the mean centro-symmetry of the interior, epoch by epoch,
 * and the epoch in which the member cracks: the first one above its threshold.
 *
 * THRESHOLDS has lines "rate seed threshold", where * stands for any; of the lines that fit this
 * member the last one counts.
 *
 * Series: csym (epoch, mean), cracked (0, epoch; none while it holds).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "dump.h"
#include "neighbours.h"
#include "order.h"
#include "series.h"

static bool fits(const char *pattern, const char *value)
{
	return strcmp(pattern, "*") == 0 || strcmp(pattern, value) == 0;
}

static double read_threshold(const char *path, const char *rate, const char *seed)
{
	FILE *f = fopen(path, "re");
	char line[256], want_rate[32], want_seed[32], text[32];
	double threshold = 0;
	int number = 0;

	if (!f)
		fail(EX_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
	while (fgets(line, sizeof line, f)) {
		int fields, used = 0;

		number++;
		line[strcspn(line, "#\n")] = '\0';
		fields = sscanf(line, "%31s %31s %31s %n", want_rate, want_seed, text, &used);
		if (fields <= 0)
			continue;
		if (fields != 3 || line[used])
			fail(EX_DATAERR, "%s:%d: not a line 'rate seed threshold'", path, number);
		if (fits(want_rate, rate) && fits(want_seed, seed)) {
			char *end;

			threshold = strtod(text, &end);
			if (*end || !(threshold > 0))
				fail(EX_DATAERR,
				     "%s:%d: the threshold '%s' of rate %s, seed %s is no positive "
				     "number%s",
				     path, number, text, rate, seed,
				     *end == ',' ? "; write it with a point" : "");
		}
	}
	if (ferror(f))
		fail(EX_IOERR, "cannot read '%s': %s", path, strerror(errno));
	fclose(f);
	if (!(threshold > 0))
		fail(EX_DATAERR, "'%s' has no threshold for rate %s, seed %s", path, rate, seed);
	return threshold;
}

static double mean_csym(const struct frame *f, double spacing, const unsigned char *interior,
			int inside, double *value)
{
	struct neighbours n = { 0 };
	double sum = 0;
	int i;

	neighbours_find(&n, f, 1.4 * spacing);
	order_csym(f, &n, spacing, value);
	for (i = 0; i < f->count; i++)
		if (interior[i])
			sum += value[i];
	neighbours_release(&n);
	return sum / inside;
}

int main(int argc, char **argv)
{
	struct frame f = { 0 };
	unsigned char *interior = NULL;
	double *value = NULL;
	struct series *s;
	struct dump *d;
	double spacing = 0, threshold, mean = 0;
	int inside = 0, cracked = -1;

	begin(argv[0]);
	if (argc != 6)
		fail(EX_USAGE, "usage: csym RATE SEED DUMP THRESHOLDS OUT");
	threshold = read_threshold(argv[4], argv[1], argv[2]);
	s = series_create(argv[1], argv[2]);
	d = dump_open(argv[3]);
	while (dump_next(d, &f)) {
		if (f.epoch == 0) {
			interior = allocate((size_t)f.count, sizeof *interior);
			value = allocate((size_t)f.count, sizeof *value);
			spacing = neighbours_spacing(&f);
			inside = order_interior(&f, spacing, interior);
		}
		mean = mean_csym(&f, spacing, interior, inside, value);
		series_add(s, "csym", f.epoch, mean);
		if (cracked < 0 && mean > threshold)
			cracked = f.epoch;
	}
	if (cracked >= 0)
		series_add(s, "cracked", 0, cracked);
	series_save(s, argv[5]);
	printf("mean centro-symmetry %.4f at the end; ", mean);
	if (cracked >= 0)
		printf("above %g from epoch %d on\n", threshold, cracked);
	else
		printf("never above %g\n", threshold);
	free(interior);
	free(value);
	dump_close(d);
	frame_release(&f);
	series_destroy(s);
	return 0;
}
