/* request.h - one request and its answer, as handlers see them; knows no HTTP library
 *
 * A transport fills what was asked, calls api_begin when the headers are there (its answer says whether a body may follow) and
 * api_dispatch when all is there. The handler then calls exactly one of the answer functions, at once or later; the transport's
 * `send` is called when the answer may leave. Tests are a transport too.
 *
 * A request lives until its transport and every asynchronous step have let go of it (request_unref). request_hold before each such step.
 */
#ifndef WF_API_REQUEST_H
#define WF_API_REQUEST_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/core/core.h"
#include "engine/core/history.h"

#define WAIT_MAX_S 50                      /* a long poll: below the idle limit of any proxy */

struct wf_api;
struct route;
struct run;

struct request {
	struct wf_api *api;
	/* what was asked */
	char *target;                  /* path and query as they came */
	char method[12];
	struct wf_buf body;
	char *content_type, *key_header; /* NULL: absent */
	/* what api_begin made of it */
	const struct route *route;
	char *names[2];                /* RUN and TASK, decoded */
	struct query {
		char *key, *value;
	} *query;
	size_t query_count;
	json_t *json;                  /* the body, where there is one */
	/* the answer */
	int status;                    /* 0: none yet */
	const char *type;
	struct wf_buf out;
	struct header {
		const char *name;
		char value[96];
	} headers[4];
	size_t header_count;
	uint8_t ready;                 /* may leave */
	/* who carries it */
	void (*send)(struct request *rq);
	void *transport;               /* NULL: the client is gone */
	/* the handler's */
	void (*with_run)(struct request *rq, struct run *r);
	uint64_t run;                  /* number; 0: not looked up yet */
	uint32_t instance, index;
	struct wf_log_query log;
	uint64_t since;
	int until_end;                 /* a run is waited for to its end, not to its next change */
	uint32_t limit;
	json_t *warnings;
	uint8_t stops_engine, has_key, replayed;
	/* a long poll: see wait.c */
	int64_t arrived_ms, deadline_ms;
	void (*again)(struct request *rq);
	struct wf_watch watch;
	struct wf_timer timer;
	uint8_t watching, news;
	/* the api's */
	unsigned refs;
	struct request *prev, *next;
};

struct request *request_create(struct wf_api *a, const char *target);
void request_hold(struct request *rq);
void request_unref(struct request *rq);

/* ---- what was asked ---------------------------------------------------------------------------------- */

/* A query parameter, or NULL. */
const char *request_query(const struct request *rq, const char *key);
/* A whole number within bounds; `fallback` when absent. WF_USAGE naming the parameter. */
int request_number(const struct request *rq, const char *key, int64_t low, int64_t high, int64_t fallback, int64_t *n, struct wf_err *err);
/* wait=S sets the deadline. */
int request_wait(struct request *rq, struct wf_err *err);
int request_page(const struct request *rq, uint32_t *size, const char **token, struct wf_err *err);

/* ---- answers --------------------------------------------------------------------------------------------- */

/* rq->out is the body. It leaves when everything it may rest on is on disk. */
void answer(struct request *rq, int status);
void answer_header(struct request *rq, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A problem document; durable too: that something is not there is a statement about the state. */
void answer_error(struct request *rq, const struct wf_err *err);
void answer_findings(struct request *rq, int status, const struct wf_err *err, json_t *findings);
/* At once, for what was asked wrongly: it rests on nothing. */
void answer_refused(struct request *rq, int status, enum wf_code code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What history.h hands over, as the answer. */
void answer_history(void *request, struct wf_answer *a);

/* ---- runs ------------------------------------------------------------------------------------------------- */

/* Looks up RUN and loads it, then calls `then`; or answers with the error. May be called again for the same request. */
void with_run(struct request *rq, void (*then)(struct request *rq, struct run *r));
/* The same, and TASK into rq->instance and rq->index. */
void with_task(struct request *rq, void (*then)(struct request *rq, struct run *r));
/* Answer with the run as it is. */
void answer_run(struct request *rq, struct run *r, int status);

/* Before an asynchronous look, when a wait may follow it: a commit in between counts as news. */
void wait_watch(struct request *rq, uint64_t run);
/* Nothing new yet: again(rq) after a commit of the run (0: of any), after poll_ms (0: never), or at the deadline. Returns 0, and does
 * nothing, when the deadline has passed: answer with what there is. */
int wait_more(struct request *rq, uint64_t run, uint64_t poll_ms, void (*again)(struct request *rq));
void wait_cancel(struct request *rq);

#endif
