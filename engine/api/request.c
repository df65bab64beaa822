/* request.c - owns the life of a request: what was asked in small pieces, one answer, and that the answer leaves only when it may.
 *
 * Knows no socket (http.c is one transport, the tests another) and no route.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"
#include "engine/base/os.h"

struct request *request_create(struct wf_api *a, const char *target)
{
	struct request *rq = wf_xcalloc(1, sizeof(*rq));

	rq->api = a;
	rq->target = wf_xstrdup(target);
	rq->type = "application/json";
	rq->arrived_ms = wf_os_mono_ms(wf_os_posix());
	rq->refs = 1;
	rq->next = a->requests;
	if (rq->next)
		rq->next->prev = rq;
	a->requests = rq;
	return rq;
}

void request_hold(struct request *rq)
{
	rq->refs++;
}

void request_unref(struct request *rq)
{
	if (--rq->refs)
		return;
	wait_cancel(rq);
	if (rq->prev)
		rq->prev->next = rq->next;
	else
		rq->api->requests = rq->next;
	if (rq->next)
		rq->next->prev = rq->prev;
	for (size_t i = 0; i < rq->query_count; i++) {
		free(rq->query[i].key);
		free(rq->query[i].value);
	}
	free(rq->query);
	free(rq->names[0]);
	free(rq->names[1]);
	free(rq->target);
	free(rq->content_type);
	free(rq->key_header);
	wf_buf_release(&rq->body);
	wf_buf_release(&rq->out);
	json_decref(rq->json);
	json_decref(rq->warnings);
	free(rq);
}

/* ---- what was asked ---------------------------------------------------------------------------------- */

const char *request_query(const struct request *rq, const char *key)
{
	for (size_t i = 0; i < rq->query_count; i++)
		if (strcmp(rq->query[i].key, key) == 0)
			return rq->query[i].value;
	return NULL;
}

int request_number(const struct request *rq, const char *key, int64_t low, int64_t high, int64_t fallback, int64_t *n, struct wf_err *err)
{
	const char *text = request_query(rq, key), *p = text;
	uint64_t v = 0;
	int negative;

	*n = fallback;
	if (!text)
		return 0;
	negative = *p == '-';
	p += negative;
	if (!*p)
		goto wrong;
	for (; *p; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			goto wrong;
	if (v > INT64_MAX)
		goto wrong;
	*n = negative ? -(int64_t)v : (int64_t)v;
	if (*n >= low && *n <= high)
		return 0;
wrong:
	return wf_errf(err, WF_USAGE, "'%s' must be a number from %" PRId64 " to %" PRId64 ", not '%.40s'", key, low, high, text);
}

int request_wait(struct request *rq, struct wf_err *err)
{
	int64_t s;

	if (request_number(rq, "wait", 0, WAIT_MAX_S, 0, &s, err) < 0)
		return -1;
	rq->deadline_ms = rq->arrived_ms + s * 1000;
	return 0;
}

int request_page(const struct request *rq, uint32_t *size, const char **token, struct wf_err *err)
{
	int64_t n;

	if (request_number(rq, "page_size", 1, WF_PAGE_MAX, WF_PAGE_DEFAULT, &n, err) < 0)
		return -1;
	*size = (uint32_t)n;
	*token = request_query(rq, "page_token");
	return 0;
}

/* True for a parameter that the route knows. */
static int known_parameter(const char *list, const char *key)
{
	size_t n = strlen(key);

	while (*list) {
		size_t k = strcspn(list, " ");

		if (k == n && memcmp(list, key, n) == 0)
			return 1;
		list += k;
		list += strspn(list, " ");
	}
	return 0;
}

/* "a=1&b" after the question mark. A parameter nobody knows is refused: a filter that is ignored would lie. */
static int parse_query(struct request *rq, const char *p, struct wf_err *err)
{
	while (*p) {
		size_t n = strcspn(p, "&");
		char *key = wf_xstrndup(p, n), *value = strchr(key, '=');
		struct query *q;

		p += n + (p[n] == '&');
		if (value)
			*value++ = '\0';
		if (!*key && !value) {
			free(key);
			continue;
		}
		rq->query = wf_xrealloc(rq->query, (rq->query_count + 1) * sizeof(*rq->query));
		q = &rq->query[rq->query_count++];
		q->key = key;
		q->value = wf_xstrdup(value ? value : "");
		if (url_decode(q->key, 1) < 0 || url_decode(q->value, 1) < 0)
			return wf_errf(err, WF_USAGE, "malformed '%%' in the query");
		if (!known_parameter(rq->route->query, q->key))
			return wf_errf(err, WF_USAGE, "unknown parameter '%.40s'%s%s", q->key, *rq->route->query ? "; known here: " : "",
				       rq->route->query);
		for (size_t i = 0; i + 1 < rq->query_count; i++)
			if (strcmp(rq->query[i].key, q->key) == 0)
				return wf_errf(err, WF_USAGE, "parameter '%s' is given twice", q->key);
	}
	return 0;
}

int64_t api_begin(struct request *rq)
{
	char *path = wf_xstrndup(rq->target, strcspn(rq->target, "?#")), allow[64];
	const char *query = strchr(rq->target, '?');
	struct wf_err err;
	int status;

	rq->route = route_find(api_routes, api_route_count, rq->method, path, rq->names, &status, allow);
	free(path);
	if (!rq->route) {
		if (status == 405)
			answer_header(rq, "Allow", "%s", allow);
		if (status == 405)
			answer_refused(rq, 405, WF_METHOD, "%s is not possible here; allowed: %s", rq->method, allow);
		else if (status == 501)
			answer_refused(rq, 501, WF_METHOD, "unknown method '%s'", rq->method);
		else
			answer_refused(rq, 404, WF_NOT_FOUND, "no such resource");
		return -1;
	}
	if (query && parse_query(rq, query + 1, &err) < 0) {
		answer_refused(rq, wf_code_http(err.code), err.code, "%s", err.text);
		return -1;
	}
	return (int64_t)rq->route->body_max;
}

/* application/json, with parameters or without. */
static int is_json_type(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	if (!type || strncasecmp(type, json, n) != 0)
		return 0;
	return type[n] == '\0' || type[n] == ';' || type[n] == ' ';
}

void api_dispatch(struct request *rq)
{
	struct wf_err err;

	if (rq->body.len && !is_json_type(rq->content_type)) {
		answer_refused(rq, 415, WF_MEDIA, "send the body as application/json");
		return;
	}
	if (rq->body.len) {
		rq->json = wf_json_parse(rq->body.data, rq->body.len, &err);
		wf_buf_release(&rq->body);
		if (rq->json && !json_is_object(rq->json)) {
			wf_errf(&err, WF_BAD_REQUEST, "JSON:1:1: the body must be an object");
			json_decref(rq->json);
			rq->json = NULL;
		}
		if (!rq->json) {
			answer_refused(rq, 400, err.code, "%s", err.text);
			return;
		}
	} else if (rq->route->body_max) {
		rq->json = json_object();
	}
	if (rq->api->stopping) {
		answer_refused(rq, 503, WF_UNREACHABLE, "the engine is stopping");
		return;
	}
	wf_core_touch(rq->api->engine);
	rq->route->handle(rq);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static void leave(struct request *rq)
{
	if (rq->ready)
		return;
	rq->ready = 1;
	wait_cancel(rq);
	if (rq->transport)
		rq->send(rq);
}

static void on_durable(void *arg)
{
	struct request *rq = arg;

	leave(rq);
	request_unref(rq);
}

void answer(struct request *rq, int status)
{
	WF_ASSERT(!rq->status || rq->ready);
	if (rq->ready)                 /* the api is stopping and has answered for us */
		return;
	rq->status = status;
	wait_cancel(rq);
	request_hold(rq);
	wf_core_when_durable(rq->api->engine, on_durable, rq);
}

void answer_header(struct request *rq, const char *name, const char *fmt, ...)
{
	struct header *h = &rq->headers[rq->header_count];
	va_list ap;

	WF_ASSERT(rq->header_count < WF_COUNT(rq->headers));
	rq->header_count++;
	h->name = name;
	va_start(ap, fmt);
	vsnprintf(h->value, sizeof(h->value), fmt, ap);
	va_end(ap);
}

void answer_findings(struct request *rq, int status, const struct wf_err *err, json_t *findings)
{
	if (rq->ready)
		return;
	wf_buf_clear(&rq->out);
	rq->type = "application/problem+json";
	problem_write(&rq->out, status, err->code, err->text, findings);
	answer(rq, status);
}

void answer_error(struct request *rq, const struct wf_err *err)
{
	answer_findings(rq, wf_code_http(err->code), err, NULL);
}

void answer_refused(struct request *rq, int status, enum wf_code code, const char *fmt, ...)
{
	struct wf_err err;
	va_list ap;

	if (rq->ready)
		return;
	va_start(ap, fmt);
	wf_errv(&err, code, fmt, ap);
	va_end(ap);
	wf_buf_clear(&rq->out);
	rq->type = "application/problem+json";
	rq->status = status;
	problem_write(&rq->out, status, code, err.text, NULL);
	leave(rq);
}

void answer_history(void *arg, struct wf_answer *a)
{
	struct request *rq = arg;

	if (a->err) {
		answer_error(rq, a->err);
	} else if (!rq->ready) {
		wf_buf_release(&rq->out);
		rq->out = a->body;
		memset(&a->body, 0, sizeof(a->body));
		answer(rq, 200);
	}
	request_unref(rq);
}

void answer_run(struct request *rq, struct run *r, int status)
{
	if (rq->ready)
		return;
	wf_buf_clear(&rq->out);
	wf_view_run(rq->api->view, r, rq->warnings, &rq->out);
	answer(rq, status);
}

/* ---- runs ------------------------------------------------------------------------------------------------- */

static void on_loaded(void *arg, struct run *r, const struct wf_err *err)
{
	struct request *rq = arg;

	if (err)
		answer_error(rq, err);
	else if (!rq->ready)
		rq->with_run(rq, r);
	request_unref(rq);
}

void with_run(struct request *rq, void (*then)(struct request *rq, struct run *r))
{
	struct engine *e = rq->api->engine;
	struct wf_err err;
	struct run *r;

	if (rq->run) {
		r = wf_core_run(e, rq->run);
		if (!r)
			wf_errf(&err, WF_NOT_FOUND, "run '%s' was removed meanwhile", rq->names[0]);
	} else {
		r = wf_core_find(e, rq->names[0], &err);
	}
	if (!r) {
		answer_error(rq, &err);
		return;
	}
	rq->run = wf_view_number(r);
	rq->with_run = then;
	request_hold(rq);
	wf_core_load(e, rq->run, on_loaded, rq);
}
