/* attempt.c - the machine of an attempt, which lives inside its task's record; knows nothing of retries.
 *
 *   none, ended, revoked --started--> submitting --accepted--> queued --running--> running --ended--> ended
 *                                         |                      |                    |
 *                                         +------ revoked -------+                    |
 *                                         +-----------------------+---- unknown ------+--> unknown --> (adopted) running, ended | revoked
 *
 * submitting  committed, and sent or about to be: waits for the agent's answer; found so at start, it is asked for by reattach
 * queued      waits in the executor's queue
 * running     waits for its process
 * unknown     waits for evidence, or for the step's on_unknown
 * ended       has a class; revoked: proven never to have run, and never will; lost: given up by on_unknown
 *
 * Invariant: `number` grows with every start; an answer whose number is not the record's is a stray.
 */
#include "engine/state/sm_internal.h"
#include "engine/state/things.h"

static const char *const states[] = {
	[WF_ATTEMPT_NONE] = "none",           [WF_ATTEMPT_CREATED] = "created",
	[WF_ATTEMPT_SUBMITTING] = "submitting", [WF_ATTEMPT_QUEUED] = "queued",
	[WF_ATTEMPT_RUNNING] = "running",     [WF_ATTEMPT_UNKNOWN] = "unknown",
	[WF_ATTEMPT_ENDED] = "ended",         [WF_ATTEMPT_REVOKED] = "revoked",
	[WF_ATTEMPT_LOST] = "lost",
};

static const struct wf_move moves[] = {
	{ WF_ATTEMPT_NONE,       WF_E_TASK_STARTED,      WF_ATTEMPT_SUBMITTING },
	{ WF_ATTEMPT_ENDED,      WF_E_TASK_STARTED,      WF_ATTEMPT_SUBMITTING },
	{ WF_ATTEMPT_REVOKED,    WF_E_TASK_STARTED,      WF_ATTEMPT_SUBMITTING },
	{ WF_ATTEMPT_UNKNOWN,    WF_E_TASK_STARTED,      WF_ATTEMPT_SUBMITTING }, /* after resolve: rerun */
	{ WF_ATTEMPT_SUBMITTING, WF_E_ATTEMPT_ACCEPTED,  WF_ATTEMPT_QUEUED },
	{ WF_ATTEMPT_SUBMITTING, WF_E_ATTEMPT_RUNNING,   WF_ATTEMPT_RUNNING },
	{ WF_ATTEMPT_SUBMITTING, WF_E_ATTEMPT_ENDED,     WF_ATTEMPT_ENDED },
	{ WF_ATTEMPT_SUBMITTING, WF_E_ATTEMPT_REVOKED,   WF_ATTEMPT_REVOKED },
	{ WF_ATTEMPT_SUBMITTING, WF_E_ATTEMPT_UNKNOWN,   WF_ATTEMPT_UNKNOWN },
	{ WF_ATTEMPT_SUBMITTING, WF_E_ATTEMPT_CANCELING, WF_SM_SAME },
	{ WF_ATTEMPT_QUEUED,     WF_E_ATTEMPT_RUNNING,   WF_ATTEMPT_RUNNING },
	{ WF_ATTEMPT_QUEUED,     WF_E_ATTEMPT_ENDED,     WF_ATTEMPT_ENDED },
	{ WF_ATTEMPT_QUEUED,     WF_E_ATTEMPT_REVOKED,   WF_ATTEMPT_REVOKED },
	{ WF_ATTEMPT_QUEUED,     WF_E_ATTEMPT_UNKNOWN,   WF_ATTEMPT_UNKNOWN },
	{ WF_ATTEMPT_QUEUED,     WF_E_ATTEMPT_CANCELING, WF_SM_SAME },
	{ WF_ATTEMPT_RUNNING,    WF_E_ATTEMPT_ENDED,     WF_ATTEMPT_ENDED },
	{ WF_ATTEMPT_RUNNING,    WF_E_ATTEMPT_UNKNOWN,   WF_ATTEMPT_UNKNOWN },
	{ WF_ATTEMPT_RUNNING,    WF_E_ATTEMPT_CANCELING, WF_SM_SAME },
	{ WF_ATTEMPT_UNKNOWN,    WF_E_ATTEMPT_ACCEPTED,  WF_ATTEMPT_QUEUED },
	{ WF_ATTEMPT_UNKNOWN,    WF_E_ATTEMPT_RUNNING,   WF_ATTEMPT_RUNNING },
	{ WF_ATTEMPT_UNKNOWN,    WF_E_ATTEMPT_ENDED,     WF_ATTEMPT_ENDED },
	{ WF_ATTEMPT_UNKNOWN,    WF_E_ATTEMPT_REVOKED,   WF_ATTEMPT_REVOKED },
	{ WF_ATTEMPT_UNKNOWN,    WF_E_ATTEMPT_CANCELING, WF_SM_SAME },
};

const struct wf_machine wf_attempt_machine = {
	.name = "attempt",
	.states = states,
	.state_count = WF_ATTEMPT_STATES,
	.moves = moves,
	.move_count = WF_COUNT(moves),
};
