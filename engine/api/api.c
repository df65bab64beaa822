/* api.c - owns the life of the interface: made over a listening socket, stopped before the engine, freed after it. */
#include <stdlib.h>

#include "engine/api/api_internal.h"

void wf_api_config(struct wf_api *a, const struct wf_config *c)
{
	a->config = c;
}

void wf_api_on_stop(struct wf_api *a, void (*fn)(void *arg), void *arg)
{
	a->on_stop = fn;
	a->on_stop_arg = arg;
}

void api_sent(struct request *rq)
{
	struct wf_api *a = rq->api;
	void (*fn)(void *arg) = rq->stops_engine && rq->ready ? a->on_stop : NULL;

	rq->transport = NULL;
	if (!rq->ready)
		wait_cancel(rq);
	request_unref(rq);
	if (fn) {
		a->on_stop = NULL;
		fn(a->on_stop_arg);
	}
}

static void on_http_stopped(struct wf_api *a)
{
	a->on_stopped(a->on_stopped_arg);
}

void wf_api_stop(struct wf_api *a, void (*on_stopped)(void *arg), void *arg)
{
	struct request *rq, *next;

	a->stopping = 1;
	a->on_stopped = on_stopped;
	a->on_stopped_arg = arg;
	/* Who only waits is told at once; what is being done is given a moment to come to its answer. */
	for (rq = a->requests; rq; rq = next) {
		next = rq->next;
		if (!rq->status && rq->deadline_ms)
			answer_refused(rq, 503, WF_UNREACHABLE, "the engine is stopping");
	}
	http_stop(a->http, on_http_stopped);
}

void wf_api_destroy(struct wf_api *a)
{
	if (!a)
		return;
	http_destroy(a->http);
	while (a->requests) {
		/* The engine is gone: whatever a request still waited for will not come. */
		a->requests->refs = 1;
		request_unref(a->requests);
	}
	wf_view_destroy(a->view);
	free(a);
}

struct wf_api *wf_api_create(struct engine *e, struct wf_loop *l, int listen_fd, struct wf_err *err)
{
	struct wf_api *a = wf_xcalloc(1, sizeof(*a));

	a->engine = e;
	a->loop = l;
	a->view = wf_view_create(e);
	a->http = http_create(a, listen_fd, err);
	if (!a->http) {
		wf_view_destroy(a->view);
		free(a);
		return NULL;
	}
	return a;
}
