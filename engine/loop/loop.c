/* loop.c - owns the dispatch of loop.h to whichever loop was given; knows neither libuv nor virtual time. */
#include "engine/loop/loop.h"

void wf_timer_start(struct wf_loop *l, struct wf_timer *t, uint64_t ms)
{
	l->ops->timer_start(l, t, ms > UINT64_MAX / 1000000 ? UINT64_MAX : ms * 1000000);
}

void wf_timer_start_ns(struct wf_loop *l, struct wf_timer *t, uint64_t ns)
{
	l->ops->timer_start(l, t, ns);
}

void wf_timer_stop(struct wf_loop *l, struct wf_timer *t)
{
	l->ops->timer_stop(l, t);
}

void wf_loop_work(struct wf_loop *l, struct wf_work *w)
{
	l->ops->work(l, w);
}

void wf_loop_post(struct wf_loop *l, struct wf_post *p)
{
	l->ops->post(l, p);
}

void wf_loop_run(struct wf_loop *l)
{
	l->ops->run(l);
}

void wf_loop_stop(struct wf_loop *l)
{
	l->ops->stop(l);
}

void wf_loop_destroy(struct wf_loop *l)
{
	if (l)
		l->ops->destroy(l);
}
