/* uv.c - owns the production loop: libuv, one timerfd behind a heap of timers, one FIFO work thread, one way in from other threads.
 *
 * Knows nothing of what the timers and the work are for. Timers are ours and not uv_timer_t for two reasons: the memory of a
 * wf_timer may go as soon as it was stopped (uv wants a close callback first), and uv rounds to milliseconds, which is
 * longer than a group commit may wait.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "engine/base/buf.h"
#include "engine/loop/loop.h"

struct slot {
	uint64_t due_ns;
	uint64_t seq;                  /* of arming: equal times fire in the order they were armed */
	struct wf_timer *timer;
};

struct uv_impl {
	struct wf_loop base;
	uv_loop_t uv;

	uv_poll_t clock;               /* the timerfd */
	int clock_fd;
	struct slot *heap;             /* earliest first; timer->impl holds position + 1 */
	size_t heap_count, heap_cap;
	uint64_t heap_seq;
	uint64_t armed_ns;             /* what the timerfd is set to; 0: disarmed */
	uint64_t turn_ns;              /* the time of the firing turn: nothing armed in it is due in it */

	uv_prepare_t drain;            /* runs `own`, right before the loop would sleep */
	struct wf_post *own, **own_end; /* posted by the loop's own thread while it runs: needs no lock and no wake-up */

	uv_async_t wake;
	pthread_mutex_t lock;          /* guards everything below */
	pthread_cond_t more;
	struct wf_post *posted, **posted_end;
	struct wf_work *todo, **todo_end;
	struct wf_work *finished, **finished_end;
	int quit;

	pthread_t worker;
	int worker_runs;
	size_t work_open;              /* given and not yet done; loop thread only */
};

static _Thread_local struct uv_impl *running; /* the loop that this thread is in */

static struct uv_impl *impl_of(struct wf_loop *l)
{
	return wf_container_of(l, struct uv_impl, base);
}

static uint64_t mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- timers ----------------------------------------------------------------------------------------- */

static int earlier(const struct slot *a, const struct slot *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static void put(struct uv_impl *u, size_t at, struct slot s)
{
	u->heap[at] = s;
	s.timer->impl = (void *)(uintptr_t)(at + 1);
}

static void sift(struct uv_impl *u, size_t at, struct slot s)
{
	while (at > 0 && earlier(&s, &u->heap[(at - 1) / 2])) {
		put(u, at, u->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < u->heap_count && earlier(&u->heap[child + 1], &u->heap[child]))
			child++;
		if (child >= u->heap_count || !earlier(&u->heap[child], &s))
			break;
		put(u, at, u->heap[child]);
		at = child;
	}
	put(u, at, s);
}

static void heap_remove(struct uv_impl *u, struct wf_timer *t)
{
	size_t at = (size_t)(uintptr_t)t->impl - 1;
	struct slot last = u->heap[--u->heap_count];

	t->armed = 0;
	t->impl = NULL;
	if (last.timer != t)
		sift(u, at, last);
}

/* The timerfd is only moved forward: a wake-up for a timer that was stopped meanwhile finds nothing due and sets the next. */
static void set_clock(struct uv_impl *u)
{
	uint64_t due = u->heap_count ? u->heap[0].due_ns : 0;
	struct itimerspec it = { 0 };

	if (due == u->armed_ns || (u->armed_ns && (!due || due > u->armed_ns)))
		return;
	it.it_value.tv_sec = (time_t)(due / 1000000000u);
	it.it_value.tv_nsec = (long)(due % 1000000000u);
	if (timerfd_settime(u->clock_fd, TFD_TIMER_ABSTIME, &it, NULL) < 0)
		WF_BUG("timerfd_settime: %s", strerror(errno));
	u->armed_ns = due;
}

static void on_clock(uv_poll_t *p, int status, int events)
{
	struct uv_impl *u = p->data;
	uint64_t ticks;
	ssize_t n = read(u->clock_fd, &ticks, sizeof(ticks));

	(void)status;
	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	u->armed_ns = 0;
	u->turn_ns = mono_ns();
	while (u->heap_count && u->heap[0].due_ns <= u->turn_ns) {
		struct wf_timer *t = u->heap[0].timer;

		heap_remove(u, t);
		t->fn(t);
	}
	set_clock(u);
}

static void uv_timer_start_(struct wf_loop *l, struct wf_timer *t, uint64_t ns)
{
	struct uv_impl *u = impl_of(l);
	uint64_t now = mono_ns();
	struct slot s;

	if (t->armed)
		heap_remove(u, t);
	/* A day far away is far enough, and keeps the sum and the kernel's time in range. */
	s.due_ns = now + (ns > INT64_MAX / 2 ? INT64_MAX / 2 : ns);
	if (s.due_ns <= u->turn_ns)
		s.due_ns = u->turn_ns + 1;
	s.seq = ++u->heap_seq;
	s.timer = t;
	t->due_ns = s.due_ns;
	t->armed = 1;
	u->heap = wf_grow(u->heap, &u->heap_cap, u->heap_count + 1, sizeof(*u->heap));
	u->heap_count++;
	sift(u, u->heap_count - 1, s);
	set_clock(u);
}

static void uv_timer_stop_(struct wf_loop *l, struct wf_timer *t)
{
	if (t->armed)
		heap_remove(impl_of(l), t);
}

/* ---- the way in from other threads ------------------------------------------------------------------- */

static void on_wake(uv_async_t *a)
{
	struct uv_impl *u = a->data;
	struct wf_work *w;
	struct wf_post *p;

	pthread_mutex_lock(&u->lock);
	w = u->finished;
	u->finished = NULL;
	u->finished_end = &u->finished;
	p = u->posted;
	u->posted = NULL;
	u->posted_end = &u->posted;
	pthread_mutex_unlock(&u->lock);

	/* The callback may free or reuse what it was given: read `next` first. */
	while (w) {
		struct wf_work *next = w->next;

		u->work_open--;
		w->done(w);
		w = next;
	}
	while (p) {
		struct wf_post *next = p->next;

		p->fn(p);
		p = next;
	}
}

static void on_drain(uv_prepare_t *h)
{
	struct uv_impl *u = h->data;
	struct wf_post *p = u->own;

	u->own = NULL;
	u->own_end = &u->own;
	while (p) {
		struct wf_post *next = p->next;

		p->fn(p);
		p = next;
	}
	/* What these posted has its turn after a look at the descriptors. */
	if (u->own)
		uv_async_send(&u->wake);
}

static void uv_post_(struct wf_loop *l, struct wf_post *p)
{
	struct uv_impl *u = impl_of(l);
	int first;

	p->next = NULL;
	if (running == u) {
		*u->own_end = p;
		u->own_end = &p->next;
		return;
	}
	pthread_mutex_lock(&u->lock);
	first = !u->posted;
	*u->posted_end = p;
	u->posted_end = &p->next;
	pthread_mutex_unlock(&u->lock);
	if (first)
		uv_async_send(&u->wake);
}

/* ---- the work thread --------------------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct uv_impl *u = arg;
	int first;

	pthread_mutex_lock(&u->lock);
	for (;;) {
		struct wf_work *w = u->todo;

		if (!w) {
			if (u->quit)
				break;
			pthread_cond_wait(&u->more, &u->lock);
			continue;
		}
		u->todo = w->next;
		if (!u->todo)
			u->todo_end = &u->todo;
		pthread_mutex_unlock(&u->lock);
		w->run(w);
		w->next = NULL;
		pthread_mutex_lock(&u->lock);
		first = !u->finished;
		*u->finished_end = w;
		u->finished_end = &w->next;
		pthread_mutex_unlock(&u->lock);
		/* Without the lock, which it takes first when it wakes. */
		if (first)
			uv_async_send(&u->wake);
		pthread_mutex_lock(&u->lock);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

/* Started at the first need, with every signal blocked: signals belong to the loop's thread. */
static void start_worker(struct uv_impl *u)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&u->worker, NULL, work, u);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* Of memory or of threads: it does not say which there is none of. */
	if (rc == EAGAIN)
		wf_out_of_memory(0);
	if (rc)
		WF_BUG("cannot start the work thread: %s", strerror(rc));
	u->worker_runs = 1;
}

static void uv_work_(struct wf_loop *l, struct wf_work *w)
{
	struct uv_impl *u = impl_of(l);

	if (!u->worker_runs)
		start_worker(u);
	u->work_open++;
	w->next = NULL;
	pthread_mutex_lock(&u->lock);
	*u->todo_end = w;
	u->todo_end = &w->next;
	pthread_mutex_unlock(&u->lock);
	pthread_cond_signal(&u->more);
}

/* ---- life -------------------------------------------------------------------------------------------- */

static void uv_run_(struct wf_loop *l)
{
	struct uv_impl *u = impl_of(l), *outer = running;

	running = u;
	uv_run(&u->uv, UV_RUN_DEFAULT);
	running = outer;
	/* Stopped: what is left waits for the next run like anything posted from outside. */
	for (struct wf_post *p = u->own, *next; p; p = next) {
		next = p->next;
		uv_post_(l, p);
	}
	u->own = NULL;
	u->own_end = &u->own;
}

static void uv_stop_(struct wf_loop *l)
{
	uv_stop(&impl_of(l)->uv);
}

struct uv_loop_s *wf_loop_uv(struct wf_loop *l)
{
	return &impl_of(l)->uv;
}

static void uv_destroy_(struct wf_loop *l)
{
	struct uv_impl *u = impl_of(l);

	if (u->worker_runs) {
		pthread_mutex_lock(&u->lock);
		u->quit = 1;
		pthread_cond_signal(&u->more);
		pthread_mutex_unlock(&u->lock);
		pthread_join(u->worker, NULL);
	}
	/* What the thread finished last still gets its `done`, and what was posted runs: it may be somebody's way of closing. */
	for (int i = 0; i < 64 && (u->work_open || u->posted); i++)
		on_wake(&u->wake);
	uv_close((uv_handle_t *)&u->wake, NULL);
	uv_close((uv_handle_t *)&u->clock, NULL);
	uv_close((uv_handle_t *)&u->drain, NULL);
	/* A few turns for close callbacks; a handle that is still open then was forgotten by its owner. */
	for (int i = 0; i < 64 && uv_loop_alive(&u->uv); i++)
		uv_run(&u->uv, UV_RUN_NOWAIT);
	if (uv_loop_close(&u->uv) != 0)
		WF_BUG("loop destroyed with open handles");
	close(u->clock_fd);
	pthread_cond_destroy(&u->more);
	pthread_mutex_destroy(&u->lock);
	free(u->heap);
	free(u);
}

static const struct wf_loop_ops uv_ops = {
	.timer_start = uv_timer_start_,
	.timer_stop = uv_timer_stop_,
	.work = uv_work_,
	.post = uv_post_,
	.run = uv_run_,
	.stop = uv_stop_,
	.destroy = uv_destroy_,
};

struct wf_loop *wf_loop_uv_create(void)
{
	struct uv_impl *u = wf_xcalloc(1, sizeof(*u));
	int rc;

	u->base.ops = &uv_ops;
	u->own_end = &u->own;
	u->posted_end = &u->posted;
	u->todo_end = &u->todo;
	u->finished_end = &u->finished;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->more, NULL);
	u->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (u->clock_fd < 0)
		WF_BUG("timerfd_create: %s", strerror(errno));
	/* What the library does without memory it does not say everywhere. */
	uv_replace_allocator(wf_xmalloc, wf_xrealloc, wf_xcalloc, free);
	rc = uv_loop_init(&u->uv);
	if (rc == 0)
		rc = uv_async_init(&u->uv, &u->wake, on_wake);
	if (rc == 0)
		rc = uv_prepare_init(&u->uv, &u->drain);
	if (rc == 0)
		rc = uv_prepare_start(&u->drain, on_drain);
	if (rc == 0)
		rc = uv_poll_init(&u->uv, &u->clock, u->clock_fd);
	if (rc == 0)
		rc = uv_poll_start(&u->clock, UV_READABLE, on_clock);
	if (rc != 0)
		WF_BUG("cannot start the loop: %s", uv_strerror(rc));
	uv_unref((uv_handle_t *)&u->drain);
	u->wake.data = u;
	u->drain.data = u;
	u->clock.data = u;
	return &u->base;
}

/* ---- thin owners -------------------------------------------------------------------------------------- */

struct wf_poll {
	uv_poll_t uv;
	void (*fn)(void *arg, int readable, int writable);
	void *arg;
};

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct wf_poll *p = h->data;

	/* An error is found by whoever reads or writes next. */
	if (status < 0)
		events = UV_READABLE | UV_WRITABLE;
	p->fn(p->arg, !!(events & (UV_READABLE | UV_DISCONNECT)), !!(events & UV_WRITABLE));
}

struct wf_poll *wf_poll_create(struct wf_loop *l, int fd, void (*fn)(void *arg, int readable, int writable), void *arg)
{
	struct wf_poll *p = wf_xcalloc(1, sizeof(*p));
	int rc = uv_poll_init(wf_loop_uv(l), &p->uv, fd);

	if (rc != 0)
		WF_BUG("cannot poll descriptor %d: %s", fd, uv_strerror(rc));
	p->uv.data = p;
	p->fn = fn;
	p->arg = arg;
	return p;
}

void wf_poll_set(struct wf_poll *p, int readable, int writable)
{
	int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	if (events)
		uv_poll_start(&p->uv, events, on_poll);
	else
		uv_poll_stop(&p->uv);
}

static void on_poll_closed(uv_handle_t *h)
{
	free(h->data);
}

void wf_poll_destroy(struct wf_poll *p)
{
	if (p)
		uv_close((uv_handle_t *)&p->uv, on_poll_closed);
}

struct wf_signal_watch {
	uv_signal_t uv;
	void (*fn)(void *arg, int signum);
	void *arg;
};

static void on_signal(uv_signal_t *h, int signum)
{
	struct wf_signal_watch *s = h->data;

	s->fn(s->arg, signum);
}

struct wf_signal_watch *wf_signal_create(struct wf_loop *l, int signum, void (*fn)(void *arg, int signum), void *arg)
{
	struct wf_signal_watch *s = wf_xcalloc(1, sizeof(*s));
	int rc = uv_signal_init(wf_loop_uv(l), &s->uv);

	if (rc == 0)
		rc = uv_signal_start(&s->uv, on_signal, signum);
	if (rc != 0)
		WF_BUG("cannot watch signal %d: %s", signum, uv_strerror(rc));
	s->uv.data = s;
	s->fn = fn;
	s->arg = arg;
	return s;
}

static void on_signal_closed(uv_handle_t *h)
{
	free(h->data);
}

void wf_signal_destroy(struct wf_signal_watch *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->uv, on_signal_closed);
}
