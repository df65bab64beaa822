/* trial.h - one life of an engine in which one allocation fails, and what is left of it
 *
 * A trial runs in a process of its own (the caller forks). What a client was told while it ran lies in shared memory, so that it outlives
 * the engine.
 */
#ifndef WF_ALLOC_TRIAL_H
#define WF_ALLOC_TRIAL_H

#include <stdint.h>

enum scenario {
	SUBMIT,        /* an empty directory; two runs are submitted and run */
	RESTART,       /* a directory with a live run in it; the run ends */
	API,           /* one with a finished and a paused run: everything that can be asked, and the verbs */
	SCENARIOS
};
extern const char *const scenario_names[SCENARIOS];

enum { ANSWERS_MAX = 64 };

struct told {
	uint64_t count;                /* allocations, when the engine came to its end */
	int asked, answered;           /* requests */
	struct {
		char what[40];
		int status;            /* 0: none came */
		int wanted;
	} answers[ANSWERS_MAX];
	char acked[8][16];             /* names of runs whose submit was acknowledged */
	int acked_count;
	int paused, canceled;          /* run 'two' is paused; its cancel was acknowledged */
};

/* A life: exit code 0; 10 with the reason on standard error when the engine could not start. Does not return. */
void trial_run(enum scenario s, const char *dir, uint64_t fail_at, struct told *t) __attribute__((noreturn));
/* What RESTART and API begin with, made in dir. */
void trial_prepare(enum scenario s, const char *dir) __attribute__((noreturn));
/* With all memory there is: everything acknowledged is found, every run comes to its end, and what is stored is what its events say. Exit
 * code 0, or 1 with the reason on standard error. */
void trial_check(const char *dir, const struct told *t) __attribute__((noreturn));

#endif
