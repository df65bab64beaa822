/* sm.h - a machine as data: which event takes which state where
 *
 * Each machine is one file: the diagram, what every state waits for, its table, its invariant. An event the table does not allow
 * is answered by wf_sm_next with -1; the caller knows whose fault that is: a BUG if our own code posted it, a stray if an agent
 * answered late or twice, damage if it was read from the store.
 */
#ifndef WF_STATE_SM_H
#define WF_STATE_SM_H

#include <stddef.h>
#include <stdint.h>

#define WF_SM_SAME 0xff                    /* the event is allowed and changes fields, not the state */

struct wf_move {
	uint8_t from, event, to;
};
struct wf_machine {
	const char *name;
	const char *const *states;         /* names by number */
	uint8_t state_count;
	const struct wf_move *moves;
	size_t move_count;
};
/* The state after `event` in `from`, or -1 when it is not allowed. */
int wf_sm_next(const struct wf_machine *m, uint8_t from, uint8_t event);
/* Number of a state's name, or -1. */
int wf_sm_state(const struct wf_machine *m, const char *name);
/* Name, or "unknown" for a number this build does not know. */
const char *wf_sm_name(const struct wf_machine *m, uint8_t state);

extern const struct wf_machine wf_run_machine, wf_task_machine, wf_attempt_machine, wf_service_machine,
	wf_member_machine, wf_lease_machine, wf_transfer_machine;

#endif
