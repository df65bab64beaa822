/* api_internal.h - struct wf_api, the table of routes and the doors between the files of this folder */
#ifndef WF_API_API_INTERNAL_H
#define WF_API_API_INTERNAL_H

#include "engine/api/api.h"
#include "engine/api/request.h"
#include "engine/core/view.h"

struct http;

struct wf_api {
	struct engine *engine;
	struct wf_loop *loop;
	struct wf_view *view;
	const struct wf_config *config;
	struct http *http;
	struct request *requests;      /* all that live */
	uint8_t stopping;
	void (*on_stop)(void *arg);
	void *on_stop_arg;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* ---- routes -------------------------------------------------------------------------------------------- */

struct route {
	const char *method;
	const char *pattern;           /* below /api/v1; RUN and TASK stand for names; ":verb" at the end */
	void (*handle)(struct request *rq);
	const char *query;             /* parameters it knows, with blanks between */
	size_t body_max;               /* 0: takes no body */
};
extern const struct route api_routes[];
extern const size_t api_route_count;

/* The route for a method and a path. NULL: status is 404, 405 (allow filled with the methods there are) or 501. `names` are the
 * decoded RUN and TASK; the caller frees. */
const struct route *route_find(const struct route *table, size_t count, const char *method, const char *path, char *names[2], int *status,
			       char allow[64]);
/* Percent-decoding in place; -1 when it is malformed or holds a NUL. */
int url_decode(char *s, int plus_is_blank);

/* ---- life of a request ------------------------------------------------------------------------------------ */

/* The headers are there. Returns how many bytes of body may follow, or -1 after an answer was given. */
int64_t api_begin(struct request *rq);
/* Everything is there. */
void api_dispatch(struct request *rq);
/* The answer was sent, or the client is gone. */
void api_sent(struct request *rq);

/* problem.c: RFC 9457 */
void problem_write(struct wf_buf *out, int status, enum wf_code code, const char *detail, json_t *errors);

/* ---- handlers ------------------------------------------------------------------------------------------------ */

void engine_show(struct request *rq);
void engine_stop(struct request *rq);
void engine_backup(struct request *rq);
void config_show(struct request *rq);
void runs_submit(struct request *rq);
void runs_list(struct request *rq);
void run_show(struct request *rq);
void run_steps(struct request *rq);
void run_graph(struct request *rq);
void run_workflow(struct request *rq);
void run_cancel(struct request *rq);
void run_retry(struct request *rq);
void run_pause(struct request *rq);
void run_resume(struct request *rq);
void run_remove(struct request *rq);
void run_events(struct request *rq);
void run_services(struct request *rq);
void services_list(struct request *rq);
void tasks_list(struct request *rq);
void task_show(struct request *rq);
void task_why(struct request *rq);
void task_log(struct request *rq);
void task_resolve(struct request *rq);

/* ---- http.c: the only file that knows libmicrohttpd -------------------------------------------------------------- */

struct http *http_create(struct wf_api *a, int listen_fd, struct wf_err *err);
/* No new connection; on_stopped(a) when the last answer left or a second passed. */
void http_stop(struct http *h, void (*on_stopped)(struct wf_api *a));
void http_destroy(struct http *h);

#endif
