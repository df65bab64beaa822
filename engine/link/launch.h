/* launch.h - reach wf-agent-local: find the one that is there, or start it
 *
 * The agent of a host lives in STATE/agents/<host>/local and outlives engines. wf_launch_local connects to its socket; when nobody listens it
 * starts wf-agent-local (a session of its own, output to the directory's `log`) and connects as soon as it listens. `done` comes exactly once,
 * later, with a channel or why not. One launch at a time per struct.
 */
#ifndef WF_LINK_LAUNCH_H
#define WF_LINK_LAUNCH_H

#include <sys/types.h>

#include "engine/base/os.h"
#include "engine/link/channel.h"

struct wf_launch {
	struct wf_os *os;
	struct wf_loop *loop;
	const char *state_dir;
	int nice;
	const struct wf_limit *limits; /* limit_count that the agent starts with; the others it inherits */
	size_t limit_count;
	void (*done)(struct wf_launch *l, struct wf_channel *c, const struct wf_err *err);
	void *user;
	/* private */
	struct wf_timer timer;
	pid_t pid;                     /* the agent we started and have not reaped; 0: none */
	uint64_t deadline_ns;
	char *dir;
};

void wf_launch_local(struct wf_launch *l);
/* Stops a launch in progress (done does not come any more) and frees; the agent stays. */
void wf_launch_release(struct wf_launch *l);

#endif
