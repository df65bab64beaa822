/* sm_internal.h - what the machines of this folder share: moving by table, and owning a text of an event */
#ifndef WF_STATE_SM_INTERNAL_H
#define WF_STATE_SM_INTERNAL_H

#include "engine/state/event.h"
#include "engine/state/sm.h"

/* New state, or -1 and err "<machine> in state 'x' does not allow '<event>'". */
int sm_move(const struct wf_machine *m, uint8_t from, const struct wf_event *e, struct wf_err *err);
/* Replace *s by text i of the event; NULL when it is empty. */
void sm_take_text(char **s, const struct wf_event *e, int i);

#endif
