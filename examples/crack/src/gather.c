/*
 * gather [--directory DIR] --table OUT --rates RATE... --seeds SEED... - one row per member: what
 * the simulation and the three analyses found.
 *
 * The series come from the store named by REDIS_SOCKET; what it does not hold (a store that was
 * stopped and founded anew begins empty) is read from the member's files and put back. The table
 * is the same either way.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "curve.h"
#include "series.h"

static const struct analysis {
	const char *file;
	const char *series[3];
} analyses[] = {
	{ "bonds.tsv", { "broken" } },
	{ "csym.tsv", { "csym", "cracked" } },
	{ "cna.tsv", { "fcc", "fault" } },
};

#define ANALYSES (sizeof analyses / sizeof *analyses)

struct words {
	char **word;
	int count;
};

struct gather {
	const char *directory, *table;
	struct words rates, seeds;
	struct resp *db;	/* NULL without a store */
	int from_store, from_files;
};

static struct words take_words(int argc, char **argv, int *at)
{
	struct words w = { .word = argv + *at };

	while (*at < argc && strncmp(argv[*at], "--", 2) != 0)
		w.count++, ++*at;
	return w;
}

static void read_arguments(struct gather *g, int argc, char **argv)
{
	int at = 1;

	while (at < argc) {
		const char *option = argv[at++];

		if (strcmp(option, "--rates") == 0)
			g->rates = take_words(argc, argv, &at);
		else if (strcmp(option, "--seeds") == 0)
			g->seeds = take_words(argc, argv, &at);
		else if (strcmp(option, "--table") == 0 && at < argc)
			g->table = argv[at++];
		else if (strcmp(option, "--directory") == 0 && at < argc)
			g->directory = argv[at++];
		else
			fail(EX_USAGE, "unknown or empty option '%s'", option);
	}
	if (!g->table || !g->rates.count || !g->seeds.count)
		fail(EX_USAGE, "usage: gather [--directory DIR] --table OUT --rates RATE... "
			       "--seeds SEED...");
}

static void gather_analysis(struct gather *g, const struct analysis *a, struct series *s,
			    const char *rate, const char *seed)
{
	struct series *file;
	char *path;
	int i;

	/* the first series is there whenever the analysis ended well; 'cracked' may rightly be absent */
	if (g->db && series_fetch(s, g->db, a->series[0])) {
		for (i = 1; i < 3 && a->series[i]; i++)
			series_fetch(s, g->db, a->series[i]);
		g->from_store++;
		return;
	}
	path = text_of("%s/%s-%s/%s", g->directory, rate, seed, a->file);
	file = series_create(rate, seed);
	series_load(file, path);
	series_load(s, path);
	if (g->db)
		series_push(file, g->db);
	series_destroy(file);
	free(path);
	g->from_files++;
}

static void write_row(struct gather *g, FILE *out, const char *rate, const char *seed)
{
	struct series *s = series_create(rate, seed);
	char *path = text_of("%s/%s-%s/stress.tsv", g->directory, rate, seed);
	struct curve stress = curve_read(path);
	int peak = curve_peak(&stress), epochs, e;
	double cracked, most_faults = 0;
	size_t i;

	for (i = 0; i < ANALYSES; i++)
		gather_analysis(g, &analyses[i], s, rate, seed);
	epochs = series_count(s, "csym");
	if (!epochs || series_count(s, "broken") != epochs || series_count(s, "fcc") != epochs)
		fail(EX_DATAERR, "rate %s, seed %s: the analyses saw %d, %d and %d epochs", rate,
		     seed, series_count(s, "broken"), epochs, series_count(s, "fcc"));
	for (e = 0; e < epochs; e++)
		most_faults = fmax(most_faults, series_value(s, "fault", e));
	fprintf(out, "%s\t%s\t%.3f\t%.4f\t", rate, seed, stress.y[peak], stress.x[peak]);
	cracked = series_value(s, "cracked", 0);
	if (isnan(cracked))
		fputs("-\t", out);
	else
		fprintf(out, "%.0f\t", cracked);
	fprintf(out, "%.0f\t%.3f\t%.0f\n", series_value(s, "broken", epochs - 1),
		series_value(s, "fcc", epochs - 1), most_faults);
	curve_release(&stress);
	free(path);
	series_destroy(s);
}

int main(int argc, char **argv)
{
	struct gather g = { .directory = "member" };
	const char *socket = getenv("REDIS_SOCKET");
	char *partial;
	FILE *out;
	int r, s;

	begin(argv[0]);
	read_arguments(&g, argc, argv);
	if (socket && *socket)
		g.db = resp_open(socket);
	partial = text_of("%s.partial", g.table);
	out = fopen(partial, "we");
	if (!out)
		fail(EX_CANTCREAT, "cannot create '%s': %s", partial, strerror(errno));
	fputs("rate\tseed\tpeak_stress\tpeak_strain\tcracked_epoch\tbroken_bonds\tfcc_fraction\t"
	      "fault_atoms\n", out);
	for (r = 0; r < g.rates.count; r++)
		for (s = 0; s < g.seeds.count; s++)
			write_row(&g, out, g.rates.word[r], g.seeds.word[s]);
	if (ferror(out) || fclose(out) != 0 || rename(partial, g.table) < 0)
		fail(EX_IOERR, "cannot write '%s': %s", g.table, strerror(errno));
	free(partial);
	printf("%d members: %d results from the store, %d from files\n",
	       g.rates.count * g.seeds.count, g.from_store, g.from_files);
	if (g.db)
		resp_close(g.db);
	return 0;
}
