/* random.h - a workflow, its agent's script and its client's acts from the seed, for struct scenario's `write` */
#ifndef WF_TESTS_SIM_RANDOM_H
#define WF_TESTS_SIM_RANDOM_H

#include "tests/sim/play.h"

void random_write(struct play *p, struct wf_buf *script);

#endif
