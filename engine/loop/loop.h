/* loop.h - the asynchronous half of the outside world: time passing, work on the other thread, bytes to and from agents
 *
 * The engine's core and the agents see only this interface. Production is libuv (wf_loop_uv_create); the simulator brings a table
 * of its own with virtual time, so the same core runs behind it.
 *
 * Rules: callbacks run on the loop's thread, never before the function that started them returned, and exactly once per start
 * unless stopped. Memory of a timer or work item belongs to its owner and must stay until it fired or was stopped (a stopped
 * timer never fires). Only wf_loop_post may be called from another thread.
 */
#ifndef WF_LOOP_LOOP_H
#define WF_LOOP_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct wf_loop;

struct wf_timer {
	void (*fn)(struct wf_timer *t);
	void *impl;                    /* the loop's */
	uint64_t due_ns;               /* the loop's */
	uint8_t armed;
};

/* Work for the store's thread: `run` there, then `done` on the loop. One thread, first in first out. */
struct wf_work {
	void (*run)(struct wf_work *w);
	void (*done)(struct wf_work *w);
	struct wf_work *next;          /* the loop's */
};

struct wf_post {
	void (*fn)(struct wf_post *p);
	struct wf_post *next;          /* the loop's */
};

struct wf_loop_ops {
	void (*timer_start)(struct wf_loop *l, struct wf_timer *t, uint64_t ns);
	void (*timer_stop)(struct wf_loop *l, struct wf_timer *t);
	void (*work)(struct wf_loop *l, struct wf_work *w);
	void (*post)(struct wf_loop *l, struct wf_post *p); /* from any thread */
	void (*run)(struct wf_loop *l);                     /* until wf_loop_stop */
	void (*stop)(struct wf_loop *l);
	void (*destroy)(struct wf_loop *l);
};

struct wf_loop {
	const struct wf_loop_ops *ops;
};

/* (Re)arm: fires once, `ms` from now. */
void wf_timer_start(struct wf_loop *l, struct wf_timer *t, uint64_t ms);
void wf_timer_start_ns(struct wf_loop *l, struct wf_timer *t, uint64_t ns);
void wf_timer_stop(struct wf_loop *l, struct wf_timer *t);
void wf_loop_work(struct wf_loop *l, struct wf_work *w);
/* Run p->fn on the loop's thread soon; also the way to defer from the loop's own thread. */
void wf_loop_post(struct wf_loop *l, struct wf_post *p);
void wf_loop_run(struct wf_loop *l);
void wf_loop_stop(struct wf_loop *l);
void wf_loop_destroy(struct wf_loop *l);

/* ---- libuv ------------------------------------------------------------------------------------------ */

struct uv_loop_s;
struct wf_loop *wf_loop_uv_create(void);
/* For api/http.c, link and the agents, which own uv handles of their own. Close them before wf_loop_destroy. */
struct uv_loop_s *wf_loop_uv(struct wf_loop *l);

/* Thin owners, libuv only. Close callbacks come once; memory may go then, not before. */
struct wf_poll;
struct wf_poll *wf_poll_create(struct wf_loop *l, int fd, void (*fn)(void *arg, int readable, int writable), void *arg);
void wf_poll_set(struct wf_poll *p, int readable, int writable);
void wf_poll_destroy(struct wf_poll *p); /* the fd stays the caller's */

struct wf_signal_watch;
struct wf_signal_watch *wf_signal_create(struct wf_loop *l, int signum, void (*fn)(void *arg, int signum), void *arg);
void wf_signal_destroy(struct wf_signal_watch *s);

#endif
