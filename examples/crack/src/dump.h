/*
 * dump.h - reads the epochs of a LAMMPS text dump one by one.
 *
 *	struct dump *d = dump_open("dump.crack");
 *	struct frame f = {0};
 *	while (dump_next(d, &f))
 *		use(&f);
 *	frame_release(&f);
 *	dump_close(d);
 *
 * The dump is written by "dump custom ... id type x y z" with "sort id", so atom i is the same atom
 * in every epoch. Anything else ends the program with a sentence that names file and line.
 */
#ifndef CRACK_DUMP_H
#define CRACK_DUMP_H

#include <stdbool.h>

struct frame {
	long step;		/* time step of the simulation */
	int epoch;		/* 0 for the first frame of the file */
	int count;		/* atoms */
	double low[3], high[3];	/* the box */
	bool periodic[3];
	double (*x)[3];		/* positions, sorted by id */
};

struct dump;

struct dump *dump_open(const char *path);

/* Reads the next epoch into f, reusing its memory. False at the end of the file. */
bool dump_next(struct dump *d, struct frame *f);

void dump_close(struct dump *d);
void frame_release(struct frame *f);

/* An independent copy; release it too. */
struct frame frame_copy(const struct frame *f);

#endif
