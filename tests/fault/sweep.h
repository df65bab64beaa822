/* sweep.h - the rooms of the kill sweep: the client of the engine, the fault points that were passed */
#ifndef WF_TESTS_FAULT_SWEEP_H
#define WF_TESTS_FAULT_SWEEP_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* ---- client.c: requests to the engine --------------------------------------------------------------------------- */

/* The status of the answer and its JSON (a new reference, or NULL), or -1 when there was none: nobody listens, or it died on the way. `body` NULL is
 * none. */
int client_ask(const char *socket, const char *method, const char *path, json_t *body, json_t **answer);
int client_reaches(const char *socket);

/* ---- points.c: what there is to hit, and a choice of it ------------------------------------------------------------ */

struct point {
	char program[32], name[64];
	unsigned hits;                 /* in one undisturbed process */
};
struct points {
	struct point *all;
	size_t count;
};
/* Reads what WF_FAULT_LOG gathered; 0, or -1. Points of `program` alone. */
int points_read(struct points *p, const char *file, const char *program);
void points_release(struct points *p);
/* A seeded choice. Calls fn for each hit that is taken: all of a point passed at most `few` times, else the first, the last and some between. limit 0: no
 * limit on their sum; else each point's first hit before any second one, in an order of the seed. Returns how many there were to choose from. */
size_t points_choose(const struct points *p, unsigned few, size_t limit, void (*fn)(const struct point *p, unsigned hit, void *arg), void *arg);

void seed_set(uint64_t seed);
uint64_t seed_next(uint64_t below);

#endif
