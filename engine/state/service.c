/* service.c - the machine of a service; knows nothing of its members' processes nor of who holds leases.
 *
 *   declared --demanded--> reserving --granted--> staging_in --staged--> starting --ready--> ready <--> degraded
 *                             | refused              |                   |  ^                  |           |
 *                             v                      |   start_failed    |  +--- restarting ---+-----------+
 *                           failed                   +--------+----------+                     | drain_requested
 *                                                             v                                v
 *        stopped --demanded--> reserving                  stopping <--saved-- saving <--drained-- draining
 *                                                             | stopped          | stop_unproven
 *                                                             v                  v
 *                                                      stopped | failed       leaked --found_gone--> stopped
 *
 * declared    waits for a lease whose holder is ready, an eager start, a command, and for its `after`
 * reserving   waits for capacity
 * staging_in  waits for transfers (none yet: staged follows at once)
 * starting    waits for `min` members: driver, probe and generation, all three; or for a back-off
 * ready       waits for nothing; tasks may hold it
 * degraded    waits for a replacement, or, when held, for a person
 * draining    waits for its leases to end
 * saving      waits for data to be verified safe (nothing to save yet: saved follows at once)
 * stopping    waits for the proven end of every member
 * leaked      waits for proof that a member is gone
 * stopped     is not final: new demand founds the next generation
 * failed      waits for `wf retry`, which declares it anew
 *
 * Invariant: generation is raised by each founding and each restart and never falls; `failing` decides whether stopping ends in
 * stopped or failed.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/state/sm_internal.h"
#include "engine/state/things.h"

static const char *const states[] = {
	[WF_SERVICE_DECLARED] = "declared",     [WF_SERVICE_RESERVING] = "reserving",
	[WF_SERVICE_STAGING_IN] = "staging_in", [WF_SERVICE_STARTING] = "starting",
	[WF_SERVICE_READY] = "ready",           [WF_SERVICE_DEGRADED] = "degraded",
	[WF_SERVICE_QUIESCED] = "quiesced",     [WF_SERVICE_OFFLINE] = "offline",
	[WF_SERVICE_DRAINING] = "draining",     [WF_SERVICE_SAVING] = "saving",
	[WF_SERVICE_STOPPING] = "stopping",     [WF_SERVICE_STOPPED] = "stopped",
	[WF_SERVICE_FAILED] = "failed",         [WF_SERVICE_HIBERNATED] = "hibernated",
	[WF_SERVICE_LEAKED] = "leaked",
};

static const struct wf_move moves[] = {
	{ WF_SERVICE_DECLARED,   WF_E_SERVICE_DECLARED,     WF_SM_SAME },
	{ WF_SERVICE_DECLARED,   WF_E_SERVICE_DEMANDED,     WF_SERVICE_RESERVING },
	{ WF_SERVICE_DECLARED,   WF_E_SERVICE_FAILED,       WF_SERVICE_FAILED }, /* its `after` can never be met */
	{ WF_SERVICE_STOPPED,    WF_E_SERVICE_DEMANDED,     WF_SERVICE_RESERVING },
	{ WF_SERVICE_FAILED,     WF_E_SERVICE_DECLARED,     WF_SERVICE_DECLARED }, /* `wf retry` of its run */
	{ WF_SERVICE_RESERVING,  WF_E_SERVICE_GRANTED,      WF_SERVICE_STAGING_IN },
	{ WF_SERVICE_RESERVING,  WF_E_SERVICE_REFUSED,      WF_SERVICE_FAILED },
	{ WF_SERVICE_RESERVING,  WF_E_SERVICE_CANCELED,     WF_SERVICE_STOPPING },
	{ WF_SERVICE_STAGING_IN, WF_E_SERVICE_STAGED,       WF_SERVICE_STARTING },
	{ WF_SERVICE_STAGING_IN, WF_E_SERVICE_START_FAILED, WF_SERVICE_STOPPING },
	{ WF_SERVICE_STAGING_IN, WF_E_SERVICE_CANCELED,     WF_SERVICE_STOPPING },
	{ WF_SERVICE_STARTING,   WF_E_SERVICE_READY,        WF_SERVICE_READY },
	{ WF_SERVICE_STARTING,   WF_E_SERVICE_START_FAILED, WF_SERVICE_STOPPING },
	{ WF_SERVICE_STARTING,   WF_E_SERVICE_RESTARTING,   WF_SERVICE_STARTING },
	{ WF_SERVICE_STARTING,   WF_E_SERVICE_CANCELED,     WF_SERVICE_STOPPING },
	{ WF_SERVICE_READY,      WF_E_SERVICE_DEGRADED,     WF_SERVICE_DEGRADED },
	{ WF_SERVICE_READY,      WF_E_SERVICE_RESTARTING,   WF_SERVICE_STARTING },
	{ WF_SERVICE_READY,      WF_E_SERVICE_DRAINING,     WF_SERVICE_DRAINING },
	{ WF_SERVICE_DEGRADED,   WF_E_SERVICE_READY,        WF_SERVICE_READY },
	{ WF_SERVICE_DEGRADED,   WF_E_SERVICE_RESTARTING,   WF_SERVICE_STARTING },
	{ WF_SERVICE_DEGRADED,   WF_E_SERVICE_HELD,         WF_SM_SAME },
	{ WF_SERVICE_DEGRADED,   WF_E_SERVICE_DRAINING,     WF_SERVICE_DRAINING },
	{ WF_SERVICE_DRAINING,   WF_E_SERVICE_DRAINED,      WF_SERVICE_SAVING },
	{ WF_SERVICE_SAVING,     WF_E_SERVICE_SAVED,        WF_SERVICE_STOPPING },
	{ WF_SERVICE_STOPPING,   WF_E_SERVICE_STOPPED,      WF_SERVICE_STOPPED },
	{ WF_SERVICE_STOPPING,   WF_E_SERVICE_FAILED,       WF_SERVICE_FAILED },
	{ WF_SERVICE_STOPPING,   WF_E_SERVICE_UNPROVEN,     WF_SERVICE_LEAKED },
	{ WF_SERVICE_LEAKED,     WF_E_SERVICE_GONE,         WF_SERVICE_STOPPED },
};

const struct wf_machine wf_service_machine = {
	.name = "service",
	.states = states,
	.state_count = WF_SERVICE_STATES,
	.moves = moves,
	.move_count = WF_COUNT(moves),
};

int wf_service_update(struct wf_service *s, const struct wf_event *e, struct wf_err *err)
{
	int to = sm_move(&wf_service_machine, s->state, e, err);

	if (to < 0)
		return -1;
	s->state = (uint8_t)to;
	switch (e->kind) {
	case WF_E_SERVICE_DECLARED:
		s->target = (uint32_t)e->v[0];
		s->min = (uint32_t)e->v[1];
		s->failing = 0;
		sm_take_text(&s->name, e, 0);
		break;
	case WF_E_SERVICE_DEMANDED:
		s->generation++;
		s->restarts = 0;
		s->failing = 0;
		s->held = 0;
		s->delay_ms = 0;
		free(s->reason);
		s->reason = NULL;
		break;
	case WF_E_SERVICE_RESTARTING:
		s->generation++;
		s->restarts++;
		s->held = 0;
		s->delay_ms = (uint32_t)e->v[0];
		sm_take_text(&s->reason, e, 0);
		break;
	case WF_E_SERVICE_READY:
		s->view++;
		s->held = 0;
		s->delay_ms = 0;
		break;
	case WF_E_SERVICE_DEGRADED:
		s->view++;
		sm_take_text(&s->reason, e, 0);
		break;
	case WF_E_SERVICE_HELD:
		s->held = 1;
		break;
	case WF_E_SERVICE_START_FAILED:
		s->failing = 1;
		sm_take_text(&s->reason, e, 0);
		break;
	case WF_E_SERVICE_DRAINING:
		s->failing = (uint8_t)e->v[0];
		s->held = 0;
		if (e->text[0].n)
			sm_take_text(&s->reason, e, 0);
		break;
	case WF_E_SERVICE_REFUSED:
	case WF_E_SERVICE_FAILED:
		s->failing = 1;
		if (e->text[0].n)
			sm_take_text(&s->reason, e, 0);
		break;
	case WF_E_SERVICE_UNPROVEN:
		sm_take_text(&s->reason, e, 0);
		break;
	}
	s->seq = e->seq;
	return 0;
}

void wf_service_release(struct wf_service *s)
{
	free(s->name);
	free(s->reason);
	memset(s, 0, sizeof(*s));
}
