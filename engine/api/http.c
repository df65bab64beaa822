/* http.c - owns the connections: libmicrohttpd with its epoll set inside our loop. The only file that includes its header.
 *
 * Knows nothing of what is asked: a request whose headers are complete is shown to api_begin, one that is complete to api_dispatch; then its
 * connection is suspended until the answer may leave.
 *
 * What the library does not do is done here: who may connect, framing that two readers could understand differently, hosts, origins, and
 * time limits for slow senders. It cannot tell a bare LF from CRLF; on a unix socket without a proxy nobody is there to disagree.
 *
 * Traps: a suspended connection does not notice that its client left (waits are bounded by WAIT_MAX_S); every suspended connection must
 * be resumed before the daemon is stopped; MHD_run may not be entered from its own callbacks, so everything that happens inside them asks
 * for another turn of the loop.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/api/api_internal.h"
#include "engine/base/fault.h"
#include "engine/base/os.h"

enum {
	CONNECTIONS_MAX = 1000,        /* beyond: 503 */
	CONNECTIONS_HARD = 1100,       /* beyond: they wait in the kernel's queue */
	HEADER_BYTES = 32 << 10,
	READ_MS = 10 * 1000,           /* from the last answer to the next complete head, and for its body beyond what MIB_MS allows */
	MIB_MS = 1000,                 /* more time for a body, for each MiB that came */
	SWEEP_MS = 1000,
	WRITE_S = 30,                  /* a client that does not read */
	STOP_MS = 1000,
};

struct http {
	struct wf_api *api;
	struct MHD_Daemon *daemon;
	struct wf_poll *poll;
	struct wf_timer timer;         /* the library's own time-outs */
	struct wf_timer sweep;         /* ours, while there is a connection */
	struct wf_timer give_up;       /* at stop */
	struct wf_post turn;
	uint8_t turning, running;
	struct connection *connections;
	unsigned connection_count, call_count;
	void (*on_stopped)(struct wf_api *a);
};

enum phase { IDLE, HEAD, BODY, ANSWER };

struct connection {
	struct http *http;
	int fd;
	uint8_t denied, phase;         /* enum phase */
	int64_t since_ms;              /* of the phase */
	uint64_t body_bytes;           /* of the request that is being read */
	struct connection *prev, *next;
};

/* One request on its way through the library. */
struct call {
	struct http *http;
	struct MHD_Connection *conn;
	struct connection *connection; /* NULL until the head is there */
	struct request *rq;
	uint8_t begun, suspended, too_large;
	int64_t body_max;
};

static int64_t now_ms(void)
{
	return wf_os_mono_ms(wf_os_posix());
}

/* ---- the loop -------------------------------------------------------------------------------------------- */

static void drive(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!h->daemon || h->running)
		return;
	h->running = 1;
	MHD_run(h->daemon);
	h->running = 0;
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		wf_timer_start(h->api->loop, &h->timer, ms);
	else if (h->timer.armed)
		wf_timer_stop(h->api->loop, &h->timer);
}

static void on_turn(struct wf_post *p)
{
	struct http *h = wf_container_of(p, struct http, turn);

	h->turning = 0;
	drive(h);
}

static void ask_turn(struct http *h)
{
	if (h->turning)
		return;
	h->turning = 1;
	h->turn.fn = on_turn;
	wf_loop_post(h->api->loop, &h->turn);
}

static void on_poll(void *arg, int readable, int writable)
{
	(void)readable;
	(void)writable;
	drive(arg);
}

static void on_timer(struct wf_timer *t)
{
	drive(wf_container_of(t, struct http, timer));
}

/* ---- slow senders ------------------------------------------------------------------------------------------ */

static int is_late(const struct connection *c, int64_t now)
{
	int64_t allowed = READ_MS;

	if (c->phase == ANSWER)
		return 0;
	if (c->phase == BODY)
		allowed += (int64_t)(c->body_bytes >> 20) * MIB_MS;
	return now - c->since_ms > allowed;
}

/* Nothing was written on it since the last answer, so a few bytes of ours do not break into anything. */
static void cut_off(const struct connection *c)
{
	static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
				   "Content-Length: 128\r\n\r\n"
				   "{\"type\":\"about:blank\",\"title\":\"request not complete in time\",\"status\":408,"
				   "\"detail\":\"no complete request in 10 s\",\"code\":\"usage\"}";

	if (c->phase != IDLE && !WF_FAULT("api.late.before"))
		(void)!send(c->fd, late, sizeof(late) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(c->fd, SHUT_RDWR);
}

static void on_sweep(struct wf_timer *t)
{
	struct http *h = wf_container_of(t, struct http, sweep);
	int64_t now = now_ms();

	for (struct connection *c = h->connections; c; c = c->next)
		if (is_late(c, now))
			cut_off(c);
	if (h->connections)
		wf_timer_start(h->api->loop, &h->sweep, SWEEP_MS);
}

static void enter(struct connection *c, enum phase phase)
{
	c->phase = (uint8_t)phase;
	c->since_ms = now_ms();
}

/* ---- connections --------------------------------------------------------------------------------------------- */

static int is_ours(int fd)
{
	uid_t uid;
	pid_t pid;

	return wf_unix_peer(fd, &uid, &pid) == 0 && (uid == geteuid() || uid == 0);
}

static void connection_open(struct http *h, struct MHD_Connection *conn, void **context)
{
	struct connection *c = wf_xcalloc(1, sizeof(*c));

	c->http = h;
	c->fd = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	c->denied = !is_ours(c->fd);
	/* A new connection owes us a request at once; an old one may rest. */
	enter(c, HEAD);
	c->next = h->connections;
	if (c->next)
		c->next->prev = c;
	h->connections = c;
	h->connection_count++;
	if (!h->sweep.armed)
		wf_timer_start(h->api->loop, &h->sweep, SWEEP_MS);
	*context = c;
}

static void connection_close(struct http *h, struct connection *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		h->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	h->connection_count--;
	free(c);
}

static void on_connection(void *arg, struct MHD_Connection *conn, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_open(arg, conn, context);
	else
		connection_close(arg, *context);
}

static struct connection *connection_of(struct MHD_Connection *conn)
{
	return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- what is wrong with a head ---------------------------------------------------------------------------------- */

struct head {
	unsigned hosts, lengths, encodings, bad_names;
	const char *host, *length, *encoding, *type, *key, *origin, *site;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct head *h = arg;
	const struct {
		const char *name;
		const char **value;
		unsigned *count;
	} known[] = {
		{ "Host", &h->host, &h->hosts },
		{ "Content-Length", &h->length, &h->lengths },
		{ "Transfer-Encoding", &h->encoding, &h->encodings },
		{ "Content-Type", &h->type, NULL },
		{ "Idempotency-Key", &h->key, NULL },
		{ "Origin", &h->origin, NULL },
		{ "Sec-Fetch-Site", &h->site, NULL },
	};

	(void)kind;
	/* "Content-Length : 3" is a header of another name to us and a length to somebody else. */
	for (const char *p = name; *p; p++)
		h->bad_names += *p <= ' ' || *p > '~';
	for (size_t i = 0; i < WF_COUNT(known); i++)
		if (strcasecmp(name, known[i].name) == 0) {
			*known[i].value = value ? value : "";
			if (known[i].count)
				++*known[i].count;
		}
	return MHD_YES;
}

/* One word, or this machine by number: a name with a dot is somebody else's, led here by a browser. */
static int host_is_served(const char *host)
{
	size_t n = strcspn(host, ":");

	if (strncmp(host, "[::1]", 5) == 0)
		return 1;
	return (n == 9 && memcmp(host, "127.0.0.1", n) == 0) || !memchr(host, '.', n);
}

static int changes_state(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

/* Another site's page must not act through a browser that can reach us. */
static int is_foreign(const struct head *h)
{
	if (h->site && strcmp(h->site, "same-origin") != 0 && strcmp(h->site, "none") != 0)
		return 1;
	if (!h->origin)
		return 0;
	return strncmp(h->origin, "http://", 7) != 0 || strcmp(h->origin + 7, h->host ? h->host : "") != 0;
}

/* Refuses, and returns -1, what no handler should see. */
static int check_head(struct call *c, const struct head *h, const char *version)
{
	struct request *rq = c->rq;

	if (c->connection->denied)
		answer_refused(rq, 403, WF_DENIED, "this engine serves its owner alone");
	else if (c->http->connection_count > CONNECTIONS_MAX)
		answer_refused(rq, 503, WF_RESOURCE, "more than %d connections; try again later", CONNECTIONS_MAX);
	else if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		answer_refused(rq, 505, WF_BAD_REQUEST, "'%.20s' is not spoken here; HTTP/1.1 is", version);
	else if (h->bad_names || h->lengths > 1 || h->encodings > 1 || (h->lengths && h->encodings) ||
		 (h->encoding && strcasecmp(h->encoding, "chunked") != 0) ||
		 (h->length && (!*h->length || h->length[strspn(h->length, "0123456789")])))
		answer_refused(rq, 400, WF_BAD_REQUEST, "malformed framing: well-formed header names, and one Content-Length or 'Transfer-Encoding: chunked'");
	else if (h->hosts > 1 || (!h->hosts && strcmp(version, "HTTP/1.1") == 0))
		answer_refused(rq, 400, WF_BAD_REQUEST, "give the header Host once");
	else if (h->host && !host_is_served(h->host))
		answer_refused(rq, 421, WF_BAD_REQUEST, "host '%.80s' is not served here", h->host);
	else if (changes_state(rq->method) && is_foreign(h))
		answer_refused(rq, 403, WF_DENIED, "cross-origin request refused");
	else
		return 0;
	return -1;
}

static char *copy(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

/* The head is complete. After -1 the answer is there and what follows of the request will not be read. */
static int begin(struct call *c, const char *method, const char *version)
{
	struct request *rq = c->rq;
	struct head h = { 0 };
	uint64_t length;

	c->begun = 1;
	c->connection = connection_of(c->conn);
	snprintf(rq->method, sizeof(rq->method), "%s", method);
	MHD_get_connection_values(c->conn, MHD_HEADER_KIND, on_header, &h);
	rq->content_type = copy(h.type);
	rq->key_header = copy(h.key);
	if (strlen(method) >= sizeof(rq->method)) {
		answer_refused(rq, 501, WF_METHOD, "unknown method");
		return -1;
	}
	if (check_head(c, &h, version) < 0)
		return -1;
	c->body_max = api_begin(rq);
	if (c->body_max < 0)
		return -1;
	length = h.length ? strtoull(h.length, NULL, 10) : 0;
	if (length > (uint64_t)c->body_max) {
		if (c->body_max)
			answer_refused(rq, 413, WF_TOO_LARGE, "the body has %s bytes, the limit here is %lld", h.length, (long long)c->body_max);
		else
			answer_refused(rq, 400, WF_BAD_REQUEST, "%s takes no body here", method);
		return -1;
	}
	enter(c->connection, BODY);
	c->connection->body_bytes = 0;
	return 0;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result queue(struct call *c)
{
	struct request *rq = c->rq;
	struct MHD_Response *r;
	enum MHD_Result rc;
	size_t n = rq->out.len;

	enter(c->connection, ANSWER);
	if (WF_FAULT("api.reply.before") > 0)
		return MHD_NO;
	r = MHD_create_response_from_buffer(n, n ? wf_buf_take(&rq->out) : (void *)"", n ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!r)
		return MHD_NO;
	if (rq->status != 204)
		MHD_add_response_header(r, "Content-Type", rq->type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (rq->status == 503)
		MHD_add_response_header(r, "Retry-After", "1");
	for (size_t i = 0; i < rq->header_count; i++)
		MHD_add_response_header(r, rq->headers[i].name, rq->headers[i].value);
	if (c->connection->denied || c->http->on_stopped)
		MHD_add_response_header(r, "Connection", "close");
	rc = MHD_queue_response(c->conn, (unsigned)rq->status, r);
	MHD_destroy_response(r);
	return rc;
}

/* The answer may leave: at once, or when its connection's turn comes. */
static void on_send(struct request *rq)
{
	struct call *c = rq->transport;

	if (!c->suspended)
		return;
	c->suspended = 0;
	MHD_resume_connection(c->conn);
	ask_turn(c->http);
}

/* ---- callbacks of the library, in the order of a request's life ------------------------------------------------------- */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *conn)
{
	struct http *h = arg;
	struct call *c = wf_xcalloc(1, sizeof(*c));

	c->http = h;
	c->conn = conn;
	c->rq = request_create(h->api, uri);
	c->rq->send = on_send;
	c->rq->transport = c;
	h->call_count++;
	connection_of(conn)->phase = HEAD;
	return c;
}

/* We decode ourselves, after the path was split. */
static size_t keep_escapes(void *arg, struct MHD_Connection *conn, char *s)
{
	(void)arg;
	(void)conn;
	return strlen(s);
}

/* More than announced cannot come, more than the limit can when it is chunked: then the rest is thrown away, and no more than that again. */
static enum MHD_Result take_body(struct call *c, const char *p, size_t *n)
{
	c->connection->body_bytes += *n;
	if (c->connection->body_bytes > (uint64_t)c->body_max) {
		c->too_large = 1;
		wf_buf_release(&c->rq->body);
		if (c->connection->body_bytes > 2 * (uint64_t)c->body_max + HEADER_BYTES)
			return MHD_NO;
	} else {
		wf_buf_add(&c->rq->body, p, *n);
	}
	*n = 0;
	return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
				 const char *body, size_t *body_n, void **context)
{
	struct call *c = *context;

	(void)arg;
	(void)conn;
	(void)url;
	if (c->rq->ready)
		return queue(c);
	if (!c->begun)
		return begin(c, method, version) < 0 ? queue(c) : MHD_YES;
	if (*body_n)
		return take_body(c, body, body_n);
	enter(c->connection, ANSWER);
	if (c->too_large)
		answer_refused(c->rq, 413, WF_TOO_LARGE, "the body is larger than the limit of %lld bytes here", (long long)c->body_max);
	else
		api_dispatch(c->rq);
	if (c->rq->ready)
		return queue(c);
	c->suspended = 1;
	MHD_suspend_connection(c->conn);
	return MHD_YES;
}

static void maybe_stopped(struct http *h);

static void on_completed(void *arg, struct MHD_Connection *conn, void **context, enum MHD_RequestTerminationCode code)
{
	struct http *h = arg;
	struct call *c = *context;

	(void)conn;
	(void)code;
	if (!c)
		return;
	*context = NULL;
	if (c->connection)
		enter(c->connection, IDLE);
	h->call_count--;
	api_sent(c->rq);
	free(c);
	maybe_stopped(h);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

static void shut(struct http *h)
{
	struct wf_loop *l = h->api->loop;

	if (h->timer.armed)
		wf_timer_stop(l, &h->timer);
	if (h->sweep.armed)
		wf_timer_stop(l, &h->sweep);
	if (h->give_up.armed)
		wf_timer_stop(l, &h->give_up);
	wf_poll_destroy(h->poll);
	h->poll = NULL;
	if (h->daemon) {
		struct MHD_Daemon *d = h->daemon;

		h->daemon = NULL;
		/* The listening socket is not ours to close, and the library would. */
		if (!h->on_stopped)
			(void)!MHD_quiesce_daemon(d);
		MHD_stop_daemon(d);
	}
}

static void on_give_up(struct wf_timer *t)
{
	struct http *h = wf_container_of(t, struct http, give_up);
	void (*fn)(struct wf_api *a) = h->on_stopped;
	struct request *rq, *next;

	/* What did not come to its answer by now: the connection must not stay suspended. */
	for (rq = h->api->requests; rq; rq = next) {
		next = rq->next;
		answer_refused(rq, 503, WF_UNREACHABLE, "the engine is stopping; it is not known whether this was carried out");
	}
	drive(h);
	drive(h);
	shut(h);
	fn(h->api);
}

/* Called from inside the library: the end itself comes from the loop. */
static void maybe_stopped(struct http *h)
{
	if (h->on_stopped && h->daemon && !h->call_count)
		wf_timer_start(h->api->loop, &h->give_up, 0);
}

void http_stop(struct http *h, void (*on_stopped)(struct wf_api *a))
{
	(void)!MHD_quiesce_daemon(h->daemon);
	h->on_stopped = on_stopped;
	h->give_up.fn = on_give_up;
	wf_timer_start(h->api->loop, &h->give_up, h->call_count ? STOP_MS : 0);
}

void http_destroy(struct http *h)
{
	if (!h)
		return;
	shut(h);
	free(h);
}

struct http *http_create(struct wf_api *a, int listen_fd, struct wf_err *err)
{
	struct http *h = wf_xcalloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	h->api = a;
	h->timer.fn = on_timer;
	h->sweep.fn = on_sweep;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, h, MHD_OPTION_LISTEN_SOCKET,
				     listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				     MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_HARD, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned)WRITE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
				     MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!h->daemon) {
		free(h);
		wf_err_sys(err, "cannot start the HTTP interface");
		return NULL;
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->poll = wf_poll_create(a->loop, info->epoll_fd, on_poll, h);
	wf_poll_set(h->poll, 1, 0);
	return h;
}
