/* sm.c - owns the look-up in a machine's table; knows no machine. */
#include "engine/state/sm_internal.h"

#include <stdlib.h>
#include <string.h>

int wf_sm_next(const struct wf_machine *m, uint8_t from, uint8_t event)
{
	for (size_t i = 0; i < m->move_count; i++)
		if (m->moves[i].from == from && m->moves[i].event == event)
			return m->moves[i].to == WF_SM_SAME ? from : m->moves[i].to;
	return -1;
}

int wf_sm_state(const struct wf_machine *m, const char *name)
{
	for (int i = 0; i < m->state_count; i++)
		if (strcmp(m->states[i], name) == 0)
			return i;
	return -1;
}

const char *wf_sm_name(const struct wf_machine *m, uint8_t state)
{
	return state < m->state_count ? m->states[state] : "unknown";
}

int sm_move(const struct wf_machine *m, uint8_t from, const struct wf_event *e, struct wf_err *err)
{
	int to = wf_sm_next(m, from, e->kind);

	if (to < 0)
		return wf_errf(err, WF_INTERNAL, "a %s in state '%s' does not allow '%s'", m->name,
			       wf_sm_name(m, from), wf_event_name(e->kind));
	return to;
}

void sm_take_text(char **s, const struct wf_event *e, int i)
{
	free(*s);
	*s = e->text[i].n ? wf_xstrndup(e->text[i].p, e->text[i].n) : NULL;
}
