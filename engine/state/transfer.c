/* transfer.c - the machine of a transfer: declared with its final state names, executed with the datamovers.
 *
 *   declared > waiting > planning > copying <> verifying > publishing > succeeded | releasing > succeeded
 *   mismatched takes verifying back to copying; last_copy to failed; attempt_lost any to unknown
 *
 * It has no moves yet: nothing posts events of a transfer, so its table is empty and every one would be refused.
 */
#include "engine/state/sm_internal.h"

static const char *const states[] = {
	"declared",  "waiting",   "planning", "copying",   "verifying", "publishing", "releasing",
	"succeeded", "failed",    "unknown",  "suspended", "canceling", "canceled",
};

const struct wf_machine wf_transfer_machine = {
	.name = "transfer",
	.states = states,
	.state_count = WF_COUNT(states),
};
