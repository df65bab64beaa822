/* member.c - the machine of a service's member; knows nothing of what the service does about it.
 *
 *   pending --launched--> launched --joining--> joining --ready--> ready <--healthy/suspect--> suspect --fencing--> fencing
 *   (requested: its attempt is committed)                                                                             |
 *        any --leaving--> leaving;   any --gone--> gone --requested--> pending                                    gone
 *        pending, launched, joining --fencing--> fencing (nobody can tell whether it lives: there is no health to be suspect of yet)
 *
 * pending    waits for its attempt to be taken by an agent
 * launched   waits for its host (wf-service) to start the command
 * joining    waits for the driver's readiness probe
 * ready      waits for nothing
 * suspect    waits for the next probe, or for the verdict
 * fencing    waits for the proof that it cannot act any more
 * leaving    waits for the stop sequence
 * gone       its process is proven dead
 *
 * Invariant: an event about an attempt carries its number; one that is not the member's last is a stray.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/state/sm_internal.h"
#include "engine/state/things.h"

static const char *const states[] = {
	[WF_MEMBER_PENDING] = "pending", [WF_MEMBER_LAUNCHED] = "launched",
	[WF_MEMBER_JOINING] = "joining", [WF_MEMBER_READY] = "ready",
	[WF_MEMBER_SUSPECT] = "suspect", [WF_MEMBER_FENCING] = "fencing",
	[WF_MEMBER_LEAVING] = "leaving", [WF_MEMBER_GONE] = "gone",
};

static const struct wf_move moves[] = {
	{ WF_MEMBER_PENDING,  WF_E_MEMBER_REQUESTED, WF_SM_SAME },
	{ WF_MEMBER_PENDING,  WF_E_MEMBER_LAUNCHED,  WF_MEMBER_LAUNCHED },
	{ WF_MEMBER_PENDING,  WF_E_MEMBER_FENCING,   WF_MEMBER_FENCING },
	{ WF_MEMBER_PENDING,  WF_E_MEMBER_LEAVING,   WF_MEMBER_LEAVING },
	{ WF_MEMBER_PENDING,  WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_LAUNCHED, WF_E_MEMBER_JOINING,   WF_MEMBER_JOINING },
	{ WF_MEMBER_LAUNCHED, WF_E_MEMBER_READY,     WF_MEMBER_READY },
	{ WF_MEMBER_LAUNCHED, WF_E_MEMBER_FENCING,   WF_MEMBER_FENCING },
	{ WF_MEMBER_LAUNCHED, WF_E_MEMBER_LEAVING,   WF_MEMBER_LEAVING },
	{ WF_MEMBER_LAUNCHED, WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_JOINING,  WF_E_MEMBER_READY,     WF_MEMBER_READY },
	{ WF_MEMBER_JOINING,  WF_E_MEMBER_FENCING,   WF_MEMBER_FENCING },
	{ WF_MEMBER_JOINING,  WF_E_MEMBER_LEAVING,   WF_MEMBER_LEAVING },
	{ WF_MEMBER_JOINING,  WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_READY,    WF_E_MEMBER_SUSPECT,   WF_MEMBER_SUSPECT },
	{ WF_MEMBER_READY,    WF_E_MEMBER_LEAVING,   WF_MEMBER_LEAVING },
	{ WF_MEMBER_READY,    WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_SUSPECT,  WF_E_MEMBER_HEALTHY,   WF_MEMBER_READY },
	{ WF_MEMBER_SUSPECT,  WF_E_MEMBER_FENCING,   WF_MEMBER_FENCING },
	{ WF_MEMBER_SUSPECT,  WF_E_MEMBER_LEAVING,   WF_MEMBER_LEAVING },
	{ WF_MEMBER_SUSPECT,  WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_FENCING,  WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_LEAVING,  WF_E_MEMBER_LAUNCHED,  WF_SM_SAME }, /* asked to leave before it was there */
	{ WF_MEMBER_LEAVING,  WF_E_MEMBER_GONE,      WF_MEMBER_GONE },
	{ WF_MEMBER_GONE,     WF_E_MEMBER_REQUESTED, WF_MEMBER_PENDING },
};

const struct wf_machine wf_member_machine = {
	.name = "member",
	.states = states,
	.state_count = WF_MEMBER_STATES,
	.moves = moves,
	.move_count = WF_COUNT(moves),
};

int wf_member_update(struct wf_member *m, const struct wf_event *e, struct wf_err *err)
{
	int to = sm_move(&wf_member_machine, m->state, e, err);

	if (to < 0)
		return -1;
	if (e->kind != WF_E_MEMBER_REQUESTED && (uint64_t)e->v[0] != m->number)
		return wf_errf(err, WF_INTERNAL, "'%s' is about attempt number %lld, the last is %llu",
			       wf_event_name(e->kind), (long long)e->v[0],
			       (unsigned long long)m->number);
	m->state = (uint8_t)to;
	switch (e->kind) {
	case WF_E_MEMBER_REQUESTED:
		m->number = (uint64_t)e->v[0];
		m->generation = (uint32_t)e->v[1];
		m->pid = 0;
		m->class = 0;
		m->exit = 0;
		free(m->endpoint);
		free(m->provides);
		free(m->reason);
		m->endpoint = m->provides = m->reason = NULL;
		break;
	case WF_E_MEMBER_LAUNCHED:
		m->pid = (uint32_t)e->v[1];
		break;
	case WF_E_MEMBER_READY:
		sm_take_text(&m->endpoint, e, 0);
		sm_take_text(&m->provides, e, 1);
		break;
	case WF_E_MEMBER_SUSPECT:
		sm_take_text(&m->reason, e, 0);
		break;
	case WF_E_MEMBER_GONE:
		m->class = (uint8_t)e->v[1];
		m->exit = (int32_t)e->v[2];
		m->pid = 0;
		if (e->text[0].n)
			sm_take_text(&m->reason, e, 0);
		break;
	}
	m->seq = e->seq;
	return 0;
}

void wf_member_release(struct wf_member *m)
{
	free(m->endpoint);
	free(m->provides);
	free(m->reason);
	memset(m, 0, sizeof(*m));
}
