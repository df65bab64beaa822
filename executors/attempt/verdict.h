/* verdict.h - why an attempt ended, from how its process ended and what we did to it; pure */
#ifndef WF_ATTEMPT_VERDICT_H
#define WF_ATTEMPT_VERDICT_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/class.h"

/* Why the agent itself ended an attempt, if it did. */
enum wf_stopped { WF_NOT_STOPPED, WF_STOPPED_TIMEOUT, WF_STOPPED_CANCEL, WF_STOPPED_OUTPUT, WF_STOPPED_AGENT };

struct wf_verdict_in {
	int status;                    /* as wait() gives it */
	enum wf_stopped stopped;
	int setup, setup_passed;       /* it had setup lines; they were passed */
	int out_of_memory;             /* the kernel killed for memory while it ran */
	const int32_t *success_codes;  /* none: 0 alone */
	uint32_t success_count;
	int64_t timeout_ms;            /* for the reason */
	uint64_t output_limit;
};
struct wf_verdict {
	enum wf_class class;
	int exit;                      /* exit status, or the signal for class signal; 128 + signal for the others */
};

/* The reason, one line for a person, is appended; nothing for success. */
struct wf_verdict wf_attempt_verdict(const struct wf_verdict_in *in, struct wf_buf *reason);

#endif
