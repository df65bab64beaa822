/* process.h - every process that lives under this wf-service, and the proof that none is left
 *
 * wf-service makes itself the reaper of its descendants (PR_SET_CHILD_SUBREAPER): a member that forks into the background stays
 * below us, so "nothing is left" is a fact that wait() tells, not a guess from a pid file. Children we started ourselves are struct
 * child; every other descendant is a stray: it belongs to the member all the same and ends with it.
 *
 * on_exit comes once per child, on the loop's thread, never from inside procs_spawn. on_change comes after each round of reaping, when
 * somebody ended. A child must stay until its on_exit came.
 */
#ifndef WF_SERVICES_PROCESS_H
#define WF_SERVICES_PROCESS_H

#include <sys/types.h>

#include "engine/base/os.h"
#include "engine/loop/loop.h"

struct procs;

struct child {
	pid_t pid;                     /* 0: not running */
	void (*on_exit)(struct child *c, int status);
	struct child *next;
};

struct procs *procs_create(struct wf_loop *l, struct wf_os *os, void (*on_change)(void *arg), void *arg);
void procs_destroy(struct procs *p);

/* Start it, in a session of its own, with a parent-death signal. c->on_exit is set by the caller. */
int procs_spawn(struct procs *p, struct child *c, struct wf_spawn *sp, struct wf_err *err);
/* True when no process is left below us, ours or stray. */
int procs_none(const struct procs *p);
/* False when it has ended, reaped or not. */
int procs_is_alive(const struct child *c);
/* Number of strays that no live child of ours stands above (what a probe's program started is not the member's); looks at /proc, so not
 * for every tick. */
size_t procs_strays(const struct procs *p);
/* Certainly no process below us, by wait() itself: procs_strays looks at /proc while processes come and go, and may miss one whose
 * parent has just ended. */
int procs_none_left(const struct procs *p);
/* To the child's process group. */
void procs_signal(struct procs *p, const struct child *c, int sig);
/* To each of those strays by itself. */
void procs_signal_strays(struct procs *p, int sig);
/* SIGKILL to everything below us; call again (on_change, timer) until procs_none. */
void procs_kill_all(struct procs *p);
/* "12 34" of what is below us, at most 8, for a message. */
void procs_list(const struct procs *p, struct wf_buf *out);

#endif
