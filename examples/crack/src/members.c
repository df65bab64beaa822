/* Owns the members of one table. Does not know how they are drawn. */
#include "members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "series.h"

static void read_csym(struct member *one, const char *path)
{
	struct series *s = series_create(one->rate_text, one->seed_text);
	int e;

	series_load(s, path);
	one->epochs = series_count(s, "csym");
	one->csym = allocate((size_t)one->epochs, sizeof *one->csym);
	for (e = 0; e < one->epochs; e++)
		one->csym[e] = series_value(s, "csym", e);
	series_destroy(s);
	if (one->epochs < 2 || one->cracked >= one->epochs)
		fail(EX_DATAERR, "'%s' holds too few epochs", path);
}

static void add_member(struct members *m, const char *directory, const char *rate,
		       const char *seed, const char *cracked)
{
	struct member *one;
	char *path;

	m->member = reallocate(m->member, (size_t)m->count + 1, sizeof *m->member);
	one = &m->member[m->count++];
	*one = (struct member){ .cracked = -1 };
	snprintf(one->rate_text, sizeof one->rate_text, "%s", rate);
	snprintf(one->seed_text, sizeof one->seed_text, "%s", seed);
	if (strcmp(cracked, "-") != 0)
		one->cracked = (int)parse_count(cracked, "the epoch of a crack");
	if (m->count == 1 || strcmp(one[-1].rate_text, rate) != 0)
		m->rates++;
	one->rate = m->rates - 1;
	path = text_of("%s/%s-%s/stress.tsv", directory, rate, seed);
	one->stress = curve_read(path);
	free(path);
	path = text_of("%s/%s-%s/csym.tsv", directory, rate, seed);
	read_csym(one, path);
	free(path);
}

struct members members_read(const char *table, const char *directory)
{
	struct members m = { 0 };
	FILE *f = fopen(table, "re");
	char line[256], rate[32], seed[32], cracked[32];
	int number = 0;

	if (!f)
		fail(EX_NOINPUT, "cannot open '%s': %s", table, strerror(errno));
	while (fgets(line, sizeof line, f)) {
		if (number++ == 0)
			continue;
		if (sscanf(line, "%31s %31s %*s %*s %31s", rate, seed, cracked) != 3)
			fail(EX_DATAERR, "%s:%d: not a row of the table", table, number);
		add_member(&m, directory, rate, seed, cracked);
	}
	if (ferror(f))
		fail(EX_IOERR, "cannot read '%s': %s", table, strerror(errno));
	fclose(f);
	if (m.count == 0)
		fail(EX_DATAERR, "'%s' holds no member", table);
	return m;
}

void members_release(struct members *m)
{
	int i;

	for (i = 0; i < m->count; i++) {
		curve_release(&m->member[i].stress);
		free(m->member[i].csym);
	}
	free(m->member);
	*m = (struct members){ 0 };
}

const struct member *members_named(const struct members *m, const char *name)
{
	char text[80];
	int i;

	for (i = 0; i < m->count; i++) {
		snprintf(text, sizeof text, "%s-%s", m->member[i].rate_text,
			 m->member[i].seed_text);
		if (strcmp(text, name) == 0)
			return &m->member[i];
	}
	fail(EX_USAGE, "no member '%s' in the table", name);
}

int members_epochs(const struct members *m)
{
	int i, most = 0;

	for (i = 0; i < m->count; i++)
		if (m->member[i].epochs > most)
			most = m->member[i].epochs;
	return most;
}

double members_peak(const struct members *m)
{
	double most = 0;
	int i;

	for (i = 0; i < m->count; i++) {
		const struct curve *s = &m->member[i].stress;
		double peak = s->y[curve_peak(s)];

		if (peak > most)
			most = peak;
	}
	return most;
}

double members_low(const struct members *m)
{
	double least = 0;
	int i, k;

	for (i = 0; i < m->count; i++)
		for (k = 0; k < m->member[i].stress.count; k++)
			if (m->member[i].stress.y[k] < least)
				least = m->member[i].stress.y[k];
	return least;
}
