/* limits.h - the resource limits of an attempt: the submitter's, but never more than its agent was started with
 *
 * The agent raises its own soft limits when it begins: what ends a task may not end it. Most starts have the limits of the one before, so they
 * are read once.
 */
#ifndef WF_ATTEMPT_LIMITS_H
#define WF_ATTEMPT_LIMITS_H

#include "engine/base/os.h"

struct wf_attempt_limits {
	struct wf_limit own[WF_LIMITS]; /* as the agent was started */
	struct wf_limit now[WF_LIMITS]; /* as it runs */
	size_t count;                  /* of both */
	char *text;                    /* what `set` was made from */
	struct wf_limit set[WF_LIMITS]; /* for wf_spawn: what differs from `now` */
	size_t set_count;
};

void wf_attempt_limits_init(struct wf_attempt_limits *l);          /* raises the agent's */
/* `text` as wf_limits_text has it; NULL: those the agent was started with. -1 with WF_INVALID, and `set` as it was. */
int wf_attempt_limits(struct wf_attempt_limits *l, const char *text, struct wf_err *err);
void wf_attempt_limits_release(struct wf_attempt_limits *l);

#endif
