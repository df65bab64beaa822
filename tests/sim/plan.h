/* plan.h - what a play is made of: a scenario, a seed, and how often each thing may happen at most. A line of text, so that it can be kept
 *
 *     seed 17 random steps 12 deaths 2 power 1
 *
 * The seed alone says when and to whom; a number that is lowered leaves the rest as near to what it was as may be. plan_of_seed says for
 * each seed which scenario and how much of everything; a line gives the numbers itself, what it does not name is 0.
 */
#ifndef WF_TESTS_SIM_PLAN_H
#define WF_TESTS_SIM_PLAN_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

/* name, most of it that a seed asks for */
#define KNOBS(X)                                                                                                  \
	X(steps, 200)            /* of a random workflow; the seed asks for few more often than for many */        \
	X(services, 3)           /* of a random workflow */                                                        \
	X(runs, 3)               /* more runs of the same workflow */                                              \
	X(acts, 6)               /* of the client's list */                                                        \
	X(deaths, 6)             /* of the engine, kill -9, at any event or in any write or sync */                \
	X(stops, 2)              /* of the engine, asked to, and killed while it does or not */                    \
	X(power, 3)              /* the engine's host loses power: unsynced writes are lost or torn */             \
	X(full, 3)               /* times without room on the disk */                                              \
	X(errors, 2)             /* a write fails */                                                               \
	X(syncs, 2)              /* an fsync fails, and what it should have written is clean */                    \
	X(slow, 3)               /* times of a slow disk */                                                        \
	X(breaks, 4)             /* of connections, with what was under way */                                     \
	X(cuts, 2)               /* times when the agent's host cannot be reached */                               \
	X(freezes, 2)            /* the engine is stopped, and goes on later */                                    \
	X(twins, 2)              /* another engine is started on the same state directory */                       \
	X(agents, 3)             /* deaths of the agent */                                                         \
	X(doubles, 50)           /* frames in a thousand that arrive twice */                                      \
	X(jumps, 2)              /* of the wall clock, by years */                                                 \
	X(limits, 1)             /* extreme sizes and times inside the engine */                                   \
	X(idles, 1)              /* the engine leaves soon when nothing is to be done */

enum knob {
#define X(name, most) KNOB_##name,
	KNOBS(X)
#undef X
	KNOB_COUNT
};

struct scenario;

struct plan {
	uint64_t seed;
	const struct scenario *scenario;
	unsigned most[KNOB_COUNT];
};

void plan_of_seed(struct plan *p, uint64_t seed);
/* "seed N" alone is plan_of_seed. */
int plan_parse(struct plan *p, const char *line, struct wf_err *err);
void plan_text(const struct plan *p, struct wf_buf *b);
const char *plan_knob_name(enum knob k);

#endif
