/* lease.c - the machine of a lease: the right of an instance's tasks to use a service.
 *
 *   none --wanted--> wanted --held--> held --ended--> ended --wanted--> (retry)
 *                       +------------ended------------^
 *
 * wanted  from submit on: waits for the service to be ready and for the instance's first task; keeps the service from being
 *         stopped between two of its users
 * held    waits for the instance's last task
 * ended   the instance has no task left
 *
 * Invariant: one lease per (instance, service); a task's own use is its being active.
 */
#include "engine/state/sm_internal.h"
#include "engine/state/things.h"

static const char *const states[] = {
	[WF_LEASE_NONE] = "none",     [WF_LEASE_WANTED] = "wanted", [WF_LEASE_HELD] = "held",
	[WF_LEASE_PAUSED] = "paused", [WF_LEASE_ENDED] = "ended",
};

static const struct wf_move moves[] = {
	{ WF_LEASE_NONE,   WF_E_LEASE_WANTED, WF_LEASE_WANTED },
	{ WF_LEASE_WANTED, WF_E_LEASE_HELD,   WF_LEASE_HELD },
	{ WF_LEASE_WANTED, WF_E_LEASE_ENDED,  WF_LEASE_ENDED },
	{ WF_LEASE_HELD,   WF_E_LEASE_ENDED,  WF_LEASE_ENDED },
	{ WF_LEASE_ENDED,  WF_E_LEASE_WANTED, WF_LEASE_WANTED },
};

const struct wf_machine wf_lease_machine = {
	.name = "lease",
	.states = states,
	.state_count = WF_LEASE_STATES,
	.moves = moves,
	.move_count = WF_COUNT(moves),
};

int wf_lease_update(struct wf_lease *l, const struct wf_event *e, struct wf_err *err)
{
	int to = sm_move(&wf_lease_machine, l->state, e, err);

	if (to < 0)
		return -1;
	l->state = (uint8_t)to;
	if (e->kind == WF_E_LEASE_WANTED)
		l->mode = (uint8_t)e->v[0];
	else if (e->kind == WF_E_LEASE_HELD)
		l->view = (uint32_t)e->v[0];
	l->seq = e->seq;
	return 0;
}
