/* client.c - owns the HTTP exchange and what an answer means as an error; knows paths and bodies only as bytes.
 *
 * The socket is reached through /proc/self/fd/N/socket, N being the state directory: a socket's path is limited to 107 bytes, a
 * state directory's is not. The directory is checked before anything is sent: it must be ours, for a request carries our environment.
 */
#include "cli/client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/where.h"
#include "engine/base/json.h"
#include "engine/base/os.h"

enum {
	CONNECT_MS = 5000,
	ANSWER_S = 300,                 /* an engine that says nothing for so long is not one; a long poll ends after 50 s */
	BODY_MAX = 1 << 30,
	TRIES = 4,
};

struct client {
	char *state_dir;
	int flags;
	CURL *curl;
	/* of the last answer */
	long http;
	struct wf_buf body;
	int too_large;
	int replayed;
	struct log_piece piece;
	json_t *problem;
};

struct client *client_open(int flags, struct wf_err *err)
{
	struct client *c = wf_xcalloc(1, sizeof(*c));

	c->flags = flags;
	c->state_dir = where_state_dir(err);
	if (!c->state_dir)
		goto error;
	c->curl = curl_easy_init();
	if (!c->curl) {
		wf_errf(err, WF_INTERNAL, "cannot set up the HTTP client");
		goto error;
	}
	return c;
error:
	client_close(c);
	return NULL;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	json_decref(c->problem);
	wf_buf_release(&c->body);
	free(c->state_dir);
	free(c);
}

void client_only_connect(struct client *c)
{
	c->flags &= ~CLIENT_START;
}

const char *client_state_dir(const struct client *c)
{
	return c->state_dir;
}

int client_replayed(const struct client *c)
{
	return c->replayed;
}

json_t *client_findings(const struct client *c)
{
	json_t *errors = json_object_get(c->problem, "errors");

	return json_array_size(errors) ? errors : NULL;
}

int client_lost(const struct wf_err *err)
{
	return err->code == WF_UNREACHABLE;
}

/* ---- addresses ------------------------------------------------------------------------------------ */

static void encode(struct wf_buf *u, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@";

	for (; *s; s++) {
		if (strchr(plain, *s))
			wf_buf_char(u, *s);
		else
			wf_buf_printf(u, "%%%02X", (unsigned char)*s);
	}
}

void url_path(struct wf_buf *u, const char *segment, ...)
{
	va_list ap;

	wf_buf_clear(u);
	wf_buf_str(u, "/api/v1");
	va_start(ap, segment);
	for (; segment; segment = va_arg(ap, const char *)) {
		wf_buf_char(u, '/');
		encode(u, segment);
	}
	va_end(ap);
}

void url_verb(struct wf_buf *u, const char *verb)
{
	wf_buf_printf(u, ":%s", verb);
}

void url_query(struct wf_buf *u, const char *key, const char *value)
{
	if (!value)
		return;
	wf_buf_printf(u, "%c%s=", strchr(wf_buf_cstr(u), '?') ? '&' : '?', key);
	encode(u, value);
}

void url_number(struct wf_buf *u, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	url_query(u, key, text);
}

/* ---- one exchange ----------------------------------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct client *c = arg;

	if (c->body.len + size * n > BODY_MAX) {
		c->too_large = 1;
		return 0;
	}
	wf_buf_add(&c->body, p, size * n);
	return size * n;
}

/* The value of a header line when it has this name, else NULL. */
static const char *header_is(const char *line, size_t n, const char *name)
{
	size_t k = strlen(name);

	if (n <= k || strncasecmp(line, name, k) != 0 || line[k] != ':')
		return NULL;
	return line + k + 1 + strspn(line + k + 1, " ");
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	const char *v;
	char line[256];

	n *= size;
	snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1), p);
	if ((v = header_is(line, n, "Idempotency-Replayed")))
		c->replayed = strncasecmp(v, "true", 4) == 0;
	else if ((v = header_is(line, n, "Wf-Log-Next-Offset")))
		c->piece.next = strtoll(v, NULL, 10);
	else if ((v = header_is(line, n, "Wf-Log-Complete")))
		c->piece.complete = strncasecmp(v, "true", 4) == 0;
	else if ((v = header_is(line, n, "Wf-Log-Attempt")))
		c->piece.attempt = strtoll(v, NULL, 10);
	return n;
}

enum sent { ANSWERED, NOBODY, BROKEN, FAILED };

/* One try. NOBODY: nobody listens, nothing was sent. BROKEN: the other end left before it had answered. */
static enum sent exchange(struct client *c, const char *method, const char *url, const struct wf_buf *body,
			  struct wf_err *err)
{
	static const char *const body_headers[] = { "Content-Type: application/json", "Expect:" };
	struct curl_slist *headers = NULL;
	char socket_path[64], *full;
	enum sent sent = FAILED;
	CURLcode rc;
	int dir;

	wf_buf_clear(&c->body);
	c->too_large = 0;
	c->replayed = 0;
	c->http = 0;
	memset(&c->piece, 0, sizeof(c->piece));
	json_decref(c->problem);
	c->problem = NULL;

	if (where_check(c->state_dir, err) < 0)
		return err->code == WF_NOT_FOUND ? NOBODY : FAILED;
	dir = open(c->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		wf_err_sys(err, "cannot open state directory '%s'", c->state_dir);
		return FAILED;
	}
	snprintf(socket_path, sizeof(socket_path), "/proc/self/fd/%d/socket", dir);
	full = wf_xasprintf("http://localhost%s", url);

	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_URL, full);
	curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	/* A proxy of the environment is for the network; this is a file. */
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
	/* The descriptor in the socket's path differs each time: a kept connection could not be found again. */
	curl_easy_setopt(c->curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
	if (body) {
		for (size_t i = 0; i < WF_COUNT(body_headers); i++)
			headers = curl_slist_append(headers, body_headers[i]);
		curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, wf_buf_cstr(body));
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	}
	rc = curl_easy_perform(c->curl);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &c->http);
	switch (rc) {
	case CURLE_OK:
		sent = ANSWERED;
		break;
	case CURLE_COULDNT_CONNECT:
		sent = NOBODY;
		wf_errf(err, WF_UNREACHABLE, "no engine runs in '%s'; `wf engine start` starts one", c->state_dir);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		sent = BROKEN;
		wf_errf(err, WF_UNREACHABLE, "the engine in '%s' left before it had answered", c->state_dir);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		wf_errf(err, WF_UNREACHABLE, "the engine in '%s' does not answer; see `wf doctor`", c->state_dir);
		break;
	case CURLE_WRITE_ERROR:
		if (c->too_large) {
			wf_errf(err, WF_TOO_LARGE, "the engine's answer is larger than %d MiB", BODY_MAX >> 20);
			break;
		}
		/* fallthrough */
	default:
		wf_errf(err, WF_UNREACHABLE, "cannot speak to the engine in '%s': %s", c->state_dir, curl_easy_strerror(rc));
	}
	curl_slist_free_all(headers);
	free(full);
	close(dir);
	return sent;
}

/* The problem document as an error. What is not one (an old engine, a stranger on the socket) is quoted. */
static int refused(struct client *c, struct wf_err *err)
{
	const char *code = NULL, *detail = NULL, *title = NULL;

	c->problem = c->body.len ? wf_json_parse(c->body.data, c->body.len, NULL) : NULL;
	if (json_is_object(c->problem)) {
		wf_json_str(c->problem, "code", 0, &code, NULL);
		wf_json_str(c->problem, "detail", 0, &detail, NULL);
		wf_json_str(c->problem, "title", 0, &title, NULL);
	}
	if (!code || !(detail || title))
		return wf_errf(err, c->http == 404 || c->http == 405 || c->http == 501 ? WF_UNREACHABLE : WF_INTERNAL,
			       "the engine answered HTTP %ld: %.200s", c->http, wf_buf_cstr(&c->body));
	return wf_errf(err, wf_code_of(code), "%s", detail && *detail ? detail : title);
}

/* Exchange until answered; starts the engine once when allowed. */
static int call(struct client *c, const char *method, struct wf_buf *url, const struct wf_buf *body, int may_repeat,
		struct wf_err *err)
{
	int rc = -1;

	for (int i = 0; i < TRIES; i++) {
		enum sent sent = exchange(c, method, wf_buf_cstr(url), body, err);

		if (sent == ANSWERED) {
			rc = c->http >= 200 && c->http < 300 ? 0 : refused(c, err);
			break;
		}
		if (sent == BROKEN && !may_repeat) {
			wf_err_wrap(err, "it is not known whether this was carried out");
			break;
		}
		if (sent == FAILED || (sent == NOBODY && !(c->flags & CLIENT_START)))
			break;
		if ((c->flags & CLIENT_START) && engine_start(c->state_dir, err) < 0)
			break;
	}
	if (rc < 0 && err->code == WF_NOT_FOUND && !c->http) {
		/* There is no such directory; or the engine, which was started for it, could not make it and has said why. */
		if (c->flags & CLIENT_START)
			err->code = WF_UNREACHABLE;
		else
			wf_errf(err, WF_UNREACHABLE, "no engine runs in '%s'; `wf engine start` starts one", c->state_dir);
	}
	wf_buf_clear(url);
	return rc;
}

static json_t *answer(struct client *c, struct wf_err *err)
{
	json_t *doc;

	if (!c->body.len)
		return json_null();
	doc = wf_json_parse(c->body.data, c->body.len, err);
	if (!doc) {
		wf_err_wrap(err, "the engine's answer");
		err->code = WF_INTERNAL;
	}
	return doc;
}

/* ---- verbs -------------------------------------------------------------------------------------------- */

json_t *client_get(struct client *c, struct wf_buf *url, struct wf_err *err)
{
	return call(c, "GET", url, NULL, 1, err) == 0 ? answer(c, err) : NULL;
}

json_t *client_post(struct client *c, struct wf_buf *url, json_t *body, int may_repeat, struct wf_err *err)
{
	struct wf_buf text = { 0 };
	json_t *doc = NULL;

	if (body)
		wf_json_dump(body, &text);
	else
		wf_buf_str(&text, "{}");
	if (call(c, "POST", url, &text, may_repeat, err) == 0)
		doc = answer(c, err);
	wf_buf_release(&text);
	return doc;
}

int client_delete(struct client *c, struct wf_buf *url, struct wf_err *err)
{
	return call(c, "DELETE", url, NULL, 0, err);
}

int client_text(struct client *c, struct wf_buf *url, struct wf_buf *out, struct wf_err *err)
{
	if (call(c, "GET", url, NULL, 1, err) < 0)
		return -1;
	wf_buf_add(out, wf_buf_cstr(&c->body), c->body.len);
	return 0;
}

int client_log(struct client *c, struct wf_buf *url, struct wf_buf *out, struct log_piece *piece, struct wf_err *err)
{
	if (client_text(c, url, out, err) < 0)
		return -1;
	*piece = c->piece;
	return 0;
}

int client_reaches(struct client *c)
{
	char *path = wf_xasprintf("%s/socket", c->state_dir);
	int fd = wf_unix_connect(path, NULL);

	free(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
