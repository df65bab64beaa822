/* wait.c - owns long polls: a request that found nothing new looks again after the next commit of its run, after a while, or at its deadline.
 *
 * An answer to a change comes no sooner than GAP_MS after the request did, so that a client that asks in a circle sees a busy run
 * ten times a second and not at every commit. A request that has begun to watch goes on until it is answered: what is committed while it
 * looks is not missed.
 */
#include "engine/api/api_internal.h"
#include "engine/base/os.h"

enum { GAP_MS = 100 };

static int64_t now_ms(void)
{
	return wf_os_mono_ms(wf_os_posix());
}

static uint64_t soon(const struct request *rq)
{
	int64_t early = rq->arrived_ms + GAP_MS - now_ms();

	return early > 0 ? (uint64_t)early : 0;
}

void wait_cancel(struct request *rq)
{
	if (rq->watching)
		wf_core_unwatch(rq->api->engine, &rq->watch);
	rq->watching = 0;
	if (rq->timer.armed)
		wf_timer_stop(rq->api->loop, &rq->timer);
}

static void on_timer(struct wf_timer *t)
{
	struct request *rq = wf_container_of(t, struct request, timer);

	rq->news = 0;
	rq->again(rq);
}

/* Called while the core tells its watchers: nothing is decided here. */
static void on_commit(struct wf_watch *w, uint64_t run)
{
	struct request *rq = wf_container_of(w, struct request, watch);

	(void)run;
	if (rq->timer.armed)
		wf_timer_start(rq->api->loop, &rq->timer, soon(rq));
	else
		rq->news = 1;
}

void wait_watch(struct request *rq, uint64_t run)
{
	if (rq->watching || rq->deadline_ms <= now_ms())
		return;
	rq->watch.run = run;
	rq->watch.fn = on_commit;
	rq->watching = 1;
	wf_core_watch(rq->api->engine, &rq->watch);
}

int wait_more(struct request *rq, uint64_t run, uint64_t poll_ms, void (*again)(struct request *rq))
{
	int64_t left = rq->deadline_ms - now_ms();

	if (left <= 0 || rq->api->stopping || !rq->transport)
		return 0;
	wait_watch(rq, run);
	rq->again = again;
	rq->timer.fn = on_timer;
	if (rq->news)
		poll_ms = soon(rq);
	else if (!poll_ms)
		poll_ms = (uint64_t)left;
	rq->news = 0;
	wf_timer_start(rq->api->loop, &rq->timer, poll_ms < (uint64_t)left ? poll_ms : (uint64_t)left);
	return 1;
}
