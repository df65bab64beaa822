/*
 * series.h - what an analysis finds out about one member (one rate, one seed): named series of
 * field and value, mostly epoch and number.
 *
 * They are kept twice. The file (lines "series field value") is the result of the task; it lasts.
 * The store, a Redis, is the quick way to who comes after: the hash crack:<rate>:<seed>:<series>
 * holds the same fields. Writing either again gives the same content, so a task may be repeated.
 *
 *	struct series *s = series_create("0.02", "11");
 *	series_add(s, "csym", 0, 0.0033); ...
 *	series_save(s, "csym.tsv");		file, then the store if REDIS_SOCKET names one
 *	series_destroy(s);
 *
 * and on the other side:
 *
 *	series_fetch(s, db, "csym")		from the store; false if it is not there
 *	series_load(s, "csym.tsv");		from the file
 *	series_value(s, "csym", 12)
 */
#ifndef CRACK_SERIES_H
#define CRACK_SERIES_H

#include <stdbool.h>

#include "resp.h"

struct series;

struct series *series_create(const char *rate, const char *seed);
void series_destroy(struct series *s);

void series_add(struct series *s, const char *name, int field, double value);
void series_save(const struct series *s, const char *path);

/* Sends the same to the store and waits until it has it. */
void series_push(const struct series *s, struct resp *db);

void series_load(struct series *s, const char *path);
bool series_fetch(struct series *s, struct resp *db, const char *name);

/* How many fields the series has: 0, 1, ... count - 1 unless it is a single fact. */
int series_count(const struct series *s, const char *name);

/* The value at field; NAN if there is none. */
double series_value(const struct series *s, const char *name, int field);

#endif
