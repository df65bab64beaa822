/*
 * curve.h - the stress-strain curve that a simulation records: lines "step strain stress".
 */
#ifndef CRACK_CURVE_H
#define CRACK_CURVE_H

#define EPOCH_STRAIN 0.006	/* strain from one dumped epoch to the next, as in.crack has it */

struct curve {
	double *x;	/* strain */
	double *y;	/* stress, each the mean of five samples around it */
	int count;
};

/* Reads a file written by "fix ave/time"; fails, naming the line, when it is anything else. */
struct curve curve_read(const char *path);
void curve_release(struct curve *c);

/* The index of the highest stress. */
int curve_peak(const struct curve *c);

#endif
