/* Owns an open dump and the line it is at. Does not know what the positions mean. */
#define _GNU_SOURCE
#include "dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define ATOMS_MAX 10000000

struct dump {
	FILE *file;
	char *path;
	char *line;
	size_t size;
	long number;	/* of the line last read, from 1 */
	int epoch;	/* of the next frame */
};

struct dump *dump_open(const char *path)
{
	struct dump *d = allocate(1, sizeof *d);

	*d = (struct dump){ .path = text_of("%s", path) };
	d->file = fopen(path, "re");
	if (!d->file)
		fail(EX_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
	return d;
}

static bool read_line(struct dump *d)
{
	ssize_t n = getline(&d->line, &d->size, d->file);

	if (n < 0) {
		if (ferror(d->file))
			fail(EX_IOERR, "cannot read '%s': %s", d->path, strerror(errno));
		return false;
	}
	d->number++;
	if (n && d->line[n - 1] == '\n')
		d->line[n - 1] = '\0';
	return true;
}

static void need_line(struct dump *d, const char *what)
{
	if (!read_line(d))
		fail(EX_DATAERR, "'%s' ends at line %ld where %s should be", d->path, d->number,
		     what);
}

static void need_item(struct dump *d, const char *item)
{
	need_line(d, item);
	if (strncmp(d->line, item, strlen(item)) != 0)
		fail(EX_DATAERR, "%s:%ld: '%.40s' where '%s' should be", d->path, d->number,
		     d->line, item);
}

static long need_count(struct dump *d, const char *what, long most)
{
	char *end;
	long n;

	need_line(d, what);
	n = strtol(d->line, &end, 10);
	if (end == d->line || *end || n < 0 || n > most)
		fail(EX_DATAERR, "%s:%ld: '%.40s' is no %s", d->path, d->number, d->line, what);
	return n;
}

static void read_bounds(struct dump *d, struct frame *f)
{
	const char *flags;
	char bound[3][3];
	int i;

	need_item(d, "ITEM: BOX BOUNDS ");
	flags = d->line + strlen("ITEM: BOX BOUNDS ");
	if (sscanf(flags, "%2s %2s %2s", bound[0], bound[1], bound[2]) != 3)
		fail(EX_DATAERR, "%s:%ld: a box that is not three plain bounds", d->path,
		     d->number);
	for (i = 0; i < 3; i++) {
		need_line(d, "the box");
		if (sscanf(d->line, "%lf %lf", &f->low[i], &f->high[i]) != 2 ||
		    !(f->high[i] > f->low[i]))
			fail(EX_DATAERR, "%s:%ld: '%.40s' are no bounds", d->path, d->number,
			     d->line);
		f->periodic[i] = strcmp(bound[i], "pp") == 0;
	}
}

static void read_atom(struct dump *d, double x[3])
{
	char *at = d->line, *end;
	int i;

	/* id and type are not used: the dump is sorted, and there is one kind of atom */
	for (i = 0; i < 2; i++, at = end)
		if (strtol(at, &end, 10) < 0 || end == at)
			goto error;
	for (i = 0; i < 3; i++, at = end) {
		x[i] = strtod(at, &end);
		if (end == at)
			goto error;
	}
	return;
error:
	fail(EX_DATAERR, "%s:%ld: '%.60s' is no atom 'id type x y z'", d->path, d->number, d->line);
}

bool dump_next(struct dump *d, struct frame *f)
{
	int i, count;

	if (!read_line(d)) {
		if (!d->epoch)
			fail(EX_DATAERR, "'%s' holds no epoch", d->path);
		return false;
	}
	if (strcmp(d->line, "ITEM: TIMESTEP") != 0)
		fail(EX_DATAERR, "%s:%ld: '%.40s' where an epoch should begin", d->path, d->number,
		     d->line);
	f->step = need_count(d, "time step", 1000000000L);
	need_item(d, "ITEM: NUMBER OF ATOMS");
	count = (int)need_count(d, "number of atoms", ATOMS_MAX);
	if (d->epoch && count != f->count)
		fail(EX_DATAERR, "%s:%ld: %d atoms, but %d in the epochs before", d->path,
		     d->number, count, f->count);
	if (!d->epoch)
		f->x = reallocate(f->x, (size_t)count, sizeof *f->x);
	f->count = count;
	f->epoch = d->epoch++;
	read_bounds(d, f);
	need_item(d, "ITEM: ATOMS id type x y z");
	for (i = 0; i < count; i++) {
		need_line(d, "an atom");
		read_atom(d, f->x[i]);
	}
	return true;
}

void dump_close(struct dump *d)
{
	fclose(d->file);
	free(d->line);
	free(d->path);
	free(d);
}

void frame_release(struct frame *f)
{
	free(f->x);
	*f = (struct frame){ 0 };
}

struct frame frame_copy(const struct frame *f)
{
	struct frame copy = *f;

	copy.x = allocate((size_t)f->count, sizeof *f->x);
	memcpy(copy.x, f->x, (size_t)f->count * sizeof *f->x);
	return copy;
}
