/*
 * members.h - what the figure needs to know of every member: its curve and its centro-symmetry.
 */
#ifndef CRACK_MEMBERS_H
#define CRACK_MEMBERS_H

#include "curve.h"

struct member {
	char rate_text[32], seed_text[32];
	int rate;		/* 0 for the first rate of the table, 1 for the next, ... */
	int cracked;		/* epoch, -1 if it held */
	struct curve stress;
	double *csym;		/* by epoch */
	int epochs;
};

struct members {
	struct member *member;
	int count;
	int rates;		/* how many different ones */
};

/* Reads the table that gather wrote and the files of each member in it. */
struct members members_read(const char *table, const char *directory);
void members_release(struct members *m);

/* The member called RATE-SEED; fails if the table has no such one. */
const struct member *members_named(const struct members *m, const char *name);

/* The most epochs, the highest and the lowest stress of any member. */
int members_epochs(const struct members *m);
double members_peak(const struct members *m);
double members_low(const struct members *m);

#endif
