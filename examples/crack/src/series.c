/* Owns the triples of one member. Knows the file and the keys; not what the numbers mean. */
#define _GNU_SOURCE
#include "series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

struct entry {
	char name[16];
	int field;
	double value;
};

struct series {
	char *rate, *seed;
	struct entry *entry;
	int count, capacity;
};

struct series *series_create(const char *rate, const char *seed)
{
	struct series *s = allocate(1, sizeof *s);

	*s = (struct series){ .rate = text_of("%s", rate), .seed = text_of("%s", seed) };
	return s;
}

void series_destroy(struct series *s)
{
	free(s->entry);
	free(s->rate);
	free(s->seed);
	free(s);
}

void series_add(struct series *s, const char *name, int field, double value)
{
	struct entry *e;

	if (s->count == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 64;
		s->entry = reallocate(s->entry, (size_t)s->capacity, sizeof *s->entry);
	}
	e = &s->entry[s->count++];
	*e = (struct entry){ .field = field, .value = value };
	if (snprintf(e->name, sizeof e->name, "%s", name) >= (int)sizeof e->name)
		fail(EX_DATAERR, "the name '%s' of a series is too long", name);
}

/* Beside the target, then renamed: whoever finds the file finds all of it. */
static void write_file(const struct series *s, const char *path)
{
	char *partial = text_of("%s.partial", path);
	FILE *f = fopen(partial, "we");
	int i;

	if (!f)
		fail(EX_CANTCREAT, "cannot create '%s': %s", partial, strerror(errno));
	for (i = 0; i < s->count; i++)
		fprintf(f, "%s\t%d\t%.6g\n", s->entry[i].name, s->entry[i].field,
			s->entry[i].value);
	if (ferror(f) || fclose(f) != 0 || rename(partial, path) < 0)
		fail(EX_IOERR, "cannot write '%s': %s", path, strerror(errno));
	free(partial);
}

static char *key_of(const struct series *s, const char *name)
{
	return text_of("crack:%s:%s:%s", s->rate, s->seed, name);
}

void series_push(const struct series *s, struct resp *db)
{
	int i;

	for (i = 0; i < s->count; i++) {
		const struct entry *e = &s->entry[i];
		char *key = key_of(s, e->name);
		char *field = text_of("%d", e->field);
		char *value = text_of("%.6g", e->value);

		resp_send(db, 4, (const char *[]){ "HSET", key, field, value });
		free(key);
		free(field);
		free(value);
	}
	for (i = 0; i < s->count; i++)
		resp_integer(db);
}

void series_save(const struct series *s, const char *path)
{
	const char *socket = getenv("REDIS_SOCKET");
	struct resp *db;

	write_file(s, path);
	if (!socket || !*socket)
		return;
	db = resp_open(socket);
	series_push(s, db);
	resp_close(db);
}

void series_load(struct series *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256], name[16], value[64];
	int field, number = 0;

	if (!f)
		fail(EX_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
	while (fgets(line, sizeof line, f)) {
		number++;
		if (sscanf(line, "%15[^\t]\t%d\t%63s", name, &field, value) != 3)
			fail(EX_DATAERR, "%s:%d: not a line 'series field value'", path, number);
		series_add(s, name, field, parse_number(value, path));
	}
	if (ferror(f))
		fail(EX_IOERR, "cannot read '%s': %s", path, strerror(errno));
	fclose(f);
}

struct fetch {
	struct series *to;
	const char *name;
	int field;
};

/* HGETALL answers field, value, field, value, ... */
static void on_fetched(void *to, int index, const char *text)
{
	struct fetch *f = to;

	if (index % 2 == 0)
		f->field = (int)parse_count(text, "a field in the store");
	else
		series_add(f->to, f->name, f->field, parse_number(text, "a value in the store"));
}

bool series_fetch(struct series *s, struct resp *db, const char *name)
{
	struct fetch f = { .to = s, .name = name };
	char *key = key_of(s, name);
	int n;

	resp_send(db, 2, (const char *[]){ "HGETALL", key });
	n = resp_list(db, on_fetched, &f);
	free(key);
	return n > 0;
}

int series_count(const struct series *s, const char *name)
{
	int i, n = 0;

	for (i = 0; i < s->count; i++)
		n += strcmp(s->entry[i].name, name) == 0;
	return n;
}

double series_value(const struct series *s, const char *name, int field)
{
	int i;

	for (i = 0; i < s->count; i++)
		if (s->entry[i].field == field && strcmp(s->entry[i].name, name) == 0)
			return s->entry[i].value;
	return NAN;
}
