/* trial.h - one trial of the kill sweep: the scenario from submit to the last process's end, with a fault on the way */
#ifndef WF_TESTS_FAULT_TRIAL_H
#define WF_TESTS_FAULT_TRIAL_H

#include <stdint.h>
#include <stdio.h>

struct trial {
	/* given */
	const char *bin, *tests;       /* where the programs are, and those of the sweep */
	char *dir;                     /* made by it; the caller removes it. Short: sockets lie below */
	const char *fault;             /* WF_FAULT of every process, each entry once, in order; NULL: none */
	const char *log;               /* WF_FAULT_LOG, or NULL */
	int calm;                      /* no attempt may have been disturbed: nothing but the engine was hit */
	int succeeds;                  /* the run must: what was hit is started again without limit */

	/* found */
	char problem[400];             /* "" when all was well */
	int fired;                     /* entries that acted */
	int starts;                    /* engines that were started */
	int64_t took_ms;

	/* under way */
	char socket[600];
	FILE *acks;
	int64_t deadline;
	int killed;                    /* somebody was, since it was last cleared */
};
/* 0, or -1 with a problem. Nothing of it runs afterwards. */
int trial_run(struct trial *t);

int64_t now_ms(void);

#endif
