/* tasks_api.c - tasks: lists, one task and why it is as it is, its output while it grows, and what a person says became of it. */
#include <inttypes.h>
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"

enum { LOG_POLL_MS = 200, LOG_DEFAULT = 1 << 20 };

static void list(struct request *rq, struct run *r)
{
	struct wf_task_filter f = {
		.states = request_query(rq, "state"),
		.classes = request_query(rq, "class"),
		.step = request_query(rq, "step"),
	};
	struct wf_err err;

	if (request_page(rq, &f.page_size, &f.page_token, &err) < 0 || wf_view_tasks(rq->api->view, r, &f, &rq->out, &err) < 0)
		answer_error(rq, &err);
	else
		answer(rq, 200);
}

void tasks_list(struct request *rq)
{
	with_run(rq, list);
}

static int find(struct request *rq, struct run *r)
{
	struct wf_err err;

	if (wf_view_find_task(r, rq->names[1], &rq->instance, &rq->index, &err) == 0)
		return 0;
	answer_error(rq, &err);
	return -1;
}

static void show(struct request *rq, struct run *r)
{
	if (find(rq, r) < 0)
		return;
	request_hold(rq);
	wf_history_task(rq->api->engine, r, rq->instance, rq->index, answer_history, rq);
}

void task_show(struct request *rq)
{
	with_run(rq, show);
}

static void why(struct request *rq, struct run *r)
{
	if (find(rq, r) < 0)
		return;
	request_hold(rq);
	wf_history_why(rq->api->engine, r, rq->instance, rq->index, answer_history, rq);
}

void task_why(struct request *rq)
{
	with_run(rq, why);
}

/* ---- output -------------------------------------------------------------------------------------------- */

static void look_at_log(struct request *rq);

static void on_log(void *arg, struct wf_answer *a)
{
	struct request *rq = arg;

	/* A file that grows makes no event: it is looked at again and again. */
	if (!a->err && !a->body.len && !a->complete && !rq->ready && wait_more(rq, rq->run, LOG_POLL_MS, look_at_log)) {
		request_unref(rq);
		return;
	}
	if (!a->err && !rq->ready) {
		rq->type = "application/octet-stream";
		answer_header(rq, "Wf-Log-Next-Offset", "%" PRIu64, a->next);
		answer_header(rq, "Wf-Log-Complete", "%s", a->complete ? "true" : "false");
		answer_header(rq, "Wf-Log-Attempt", "%u", a->attempt);
	}
	answer_history(rq, a);
}

static void read_log(struct request *rq, struct run *r)
{
	if (find(rq, r) < 0)
		return;
	wait_watch(rq, rq->run);
	request_hold(rq);
	wf_history_log(rq->api->engine, r, rq->instance, rq->index, &rq->log, on_log, rq);
}

static void look_at_log(struct request *rq)
{
	with_run(rq, read_log);
}

void task_log(struct request *rq)
{
	const char *stream = request_query(rq, "stream");
	int64_t attempt, limit;
	struct wf_err err;

	if (stream && strcmp(stream, "stdout") != 0 && strcmp(stream, "stderr") != 0)
		wf_errf(&err, WF_USAGE, "'stream' must be stdout or stderr, not '%.40s'", stream);
	else if (request_wait(rq, &err) == 0 && request_number(rq, "attempt", 1, UINT16_MAX, 0, &attempt, &err) == 0 &&
		 request_number(rq, "offset", -INT64_MAX, INT64_MAX, 0, &rq->log.offset, &err) == 0 &&
		 request_number(rq, "limit", 1, WF_HISTORY_LOG_MAX, LOG_DEFAULT, &limit, &err) == 0) {
		rq->log.errors = stream && strcmp(stream, "stderr") == 0;
		rq->log.attempt = (uint32_t)attempt;
		rq->log.limit = (uint32_t)limit;
		look_at_log(rq);
		return;
	}
	answer_error(rq, &err);
}

/* ---- resolve --------------------------------------------------------------------------------------------- */

static int resolve_as(const char *as, enum wf_resolve_as *to, struct wf_err *err)
{
	static const struct {
		const char *name;
		enum wf_resolve_as as;
	} words[] = { { "succeeded", WF_RESOLVE_SUCCEEDED }, { "failed", WF_RESOLVE_FAILED }, { "rerun", WF_RESOLVE_RERUN } };

	for (size_t i = 0; i < WF_COUNT(words); i++)
		if (strcmp(words[i].name, as) == 0) {
			*to = words[i].as;
			return 0;
		}
	return wf_errf(err, WF_INVALID, "'as' must be succeeded, failed or rerun, not '%.40s'", as);
}

static void resolve(struct request *rq, struct run *r)
{
	static const char *const keys[] = { "as", NULL };
	const char *as = NULL;
	enum wf_resolve_as how = WF_RESOLVE_FAILED;
	struct wf_err err;

	if (wf_json_only(rq->json, keys, &err) < 0 || wf_json_str(rq->json, "as", 1, &as, &err) < 0 || resolve_as(as, &how, &err) < 0 ||
	    wf_core_resolve(rq->api->engine, rq->run, rq->names[1], how, &err) < 0)
		answer_error(rq, &err);
	else if (wf_view_find_task(r, rq->names[1], &rq->instance, &rq->index, NULL) < 0)
		answer_run(rq, r, 200); /* a service */
	else {
		wf_view_task(rq->api->view, r, rq->instance, rq->index, &rq->out);
		answer(rq, 200);
	}
}

void task_resolve(struct request *rq)
{
	with_run(rq, resolve);
}
