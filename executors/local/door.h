/* door.h - wf-agent-local as main() sees it
 *
 * agent_open takes DIR over: lock, journal, what an earlier agent left, socket; from then on the agent serves until
 * it was told to end, idled without an engine, or lost its directory, and then stops the loop. agent_close releases everything; the
 * processes it still has die with it.
 */
#ifndef WF_LOCAL_DOOR_H
#define WF_LOCAL_DOOR_H

#include "engine/base/err.h"
#include "engine/base/os.h"
#include "engine/loop/loop.h"

struct agent;

/*
 * WF_CONFLICT when another agent serves DIR. linger_ms: how long it waits, idle, for an engine; for its first one 10 s
 * at least, since whoever started it has yet to attach.
 */
struct agent *agent_open(struct wf_os *os, struct wf_loop *l, const char *dir, uint64_t linger_ms, struct wf_err *err);
void agent_close(struct agent *g);

#endif
