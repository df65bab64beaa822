/* runs_api.c - runs: lists, one run now or at its next change, its parts, and the verbs on it. The rules of a verb are the core's. */
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"

/* ---- looking -------------------------------------------------------------------------------------------- */

void runs_list(struct request *rq)
{
	struct wf_run_filter f = { .states = request_query(rq, "state"), .name = request_query(rq, "name") };
	struct wf_err err;

	if (request_page(rq, &f.page_size, &f.page_token, &err) < 0 || wf_view_runs(rq->api->view, &f, &rq->out, &err) < 0)
		answer_error(rq, &err);
	else
		answer(rq, 200);
}

static void look(struct request *rq);

static void show(struct request *rq, struct run *r)
{
	int waits = rq->until_end || rq->since == wf_view_rev(r);

	if (waits && !wf_view_is_over(r) && wait_more(rq, rq->run, 0, look))
		return;
	answer_run(rq, r, 200);
}

static void look(struct request *rq)
{
	with_run(rq, show);
}

void run_show(struct request *rq)
{
	const char *until = request_query(rq, "until");
	struct wf_err err;
	int64_t rev;

	if (until && strcmp(until, "change") != 0 && strcmp(until, "end") != 0) {
		answer_refused(rq, 400, WF_USAGE, "'until' must be change or end, not '%.40s'", until);
		return;
	}
	rq->until_end = until && strcmp(until, "end") == 0;
	/* Without a rev to compare with, waiting is for the next change from now on: rev 0 differs from any. */
	if (request_wait(rq, &err) < 0 || request_number(rq, "rev", 0, INT64_MAX, 0, &rev, &err) < 0) {
		answer_error(rq, &err);
		return;
	}
	rq->since = (uint64_t)rev;
	look(rq);
}

static void steps(struct request *rq, struct run *r)
{
	wf_view_steps(rq->api->view, r, &rq->out);
	answer(rq, 200);
}

void run_steps(struct request *rq)
{
	with_run(rq, steps);
}

static void graph(struct request *rq, struct run *r)
{
	wf_view_graph(rq->api->view, r, &rq->out);
	answer(rq, 200);
}

void run_graph(struct request *rq)
{
	with_run(rq, graph);
}

static void workflow(struct request *rq, struct run *r)
{
	rq->type = "text/yaml; charset=utf-8";
	request_hold(rq);
	wf_history_workflow(rq->api->engine, r, answer_history, rq);
}

void run_workflow(struct request *rq)
{
	with_run(rq, workflow);
}

static void services(struct request *rq, struct run *r)
{
	wf_view_services(rq->api->view, r, &rq->out);
	answer(rq, 200);
}

void run_services(struct request *rq)
{
	with_run(rq, services);
}

void services_list(struct request *rq)
{
	wf_view_services(rq->api->view, NULL, &rq->out);
	answer(rq, 200);
}

/* ---- verbs ------------------------------------------------------------------------------------------------ */

static int no_keys(struct request *rq)
{
	static const char *const none[] = { NULL };
	struct wf_err err;

	if (wf_json_only(rq->json, none, &err) == 0)
		return 0;
	answer_error(rq, &err);
	return -1;
}

static void verb(struct request *rq, struct run *r, int (*fn)(struct engine *e, uint64_t run, struct wf_err *err), int status)
{
	struct wf_err err;

	if (fn(rq->api->engine, wf_view_number(r), &err) < 0)
		answer_error(rq, &err);
	else
		answer_run(rq, r, status);
}

static void cancel(struct request *rq, struct run *r)
{
	verb(rq, r, wf_core_cancel, 202);
}

void run_cancel(struct request *rq)
{
	if (no_keys(rq) == 0)
		with_run(rq, cancel);
}

static void pause_run(struct request *rq, struct run *r)
{
	verb(rq, r, wf_core_pause, 200);
}

void run_pause(struct request *rq)
{
	if (no_keys(rq) == 0)
		with_run(rq, pause_run);
}

static void resume(struct request *rq, struct run *r)
{
	verb(rq, r, wf_core_resume, 200);
}

void run_resume(struct request *rq)
{
	if (no_keys(rq) == 0)
		with_run(rq, resume);
}

static void on_retried(void *arg, const struct wf_err *err)
{
	struct request *rq = arg;
	struct run *r = wf_core_run(rq->api->engine, rq->run);

	if (err)
		answer_error(rq, err);
	else if (r)
		answer_run(rq, r, 202);
	request_unref(rq);
}

static void retry(struct request *rq, struct run *r)
{
	(void)r;
	request_hold(rq);
	wf_core_retry(rq->api->engine, rq->run, on_retried, rq);
}

void run_retry(struct request *rq)
{
	if (no_keys(rq) == 0)
		with_run(rq, retry);
}

static void on_removed(void *arg, const struct wf_err *err)
{
	struct request *rq = arg;

	if (err)
		answer_error(rq, err);
	else
		answer(rq, 204);
	request_unref(rq);
}

void run_remove(struct request *rq)
{
	struct wf_err err;
	struct run *r = wf_core_find(rq->api->engine, rq->names[0], &err);

	if (!r) {
		answer_error(rq, &err);
		return;
	}
	request_hold(rq);
	wf_core_remove(rq->api->engine, wf_view_number(r), on_removed, rq);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static void look_at_events(struct request *rq);

static void on_events(void *arg, struct wf_answer *a)
{
	struct request *rq = arg;
	struct run *r = wf_core_run(rq->api->engine, rq->run);

	if (!a->err && !a->count && !rq->ready && r && !wf_view_is_over(r) && wait_more(rq, rq->run, 0, look_at_events))
		request_unref(rq);
	else
		answer_history(rq, a);
}

static void events(struct request *rq, struct run *r)
{
	wait_watch(rq, rq->run);
	request_hold(rq);
	wf_history_events(rq->api->engine, r, rq->since, rq->limit, on_events, rq);
}

static void look_at_events(struct request *rq)
{
	with_run(rq, events);
}

void run_events(struct request *rq)
{
	int64_t since, limit;
	struct wf_err err;

	if (request_wait(rq, &err) < 0 || request_number(rq, "since", 0, INT64_MAX, 0, &since, &err) < 0 ||
	    request_number(rq, "limit", 1, WF_HISTORY_EVENTS_MAX, WF_PAGE_DEFAULT, &limit, &err) < 0) {
		answer_error(rq, &err);
		return;
	}
	rq->since = (uint64_t)since;
	rq->limit = (uint32_t)limit;
	look_at_events(rq);
}
