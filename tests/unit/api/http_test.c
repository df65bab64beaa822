/* The HTTP interface over a real socket: framing that must be refused, limits, hosts and origins, long polls, stopping. An engine without
 * an agent serves; a thread plays the client.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/api/api.h"
#include "engine/base/json.h"
#include "engine/core/config.h"
#include "tests/tap/tap.h"

#define HOST "Host: localhost\r\n"
#define GET "GET /api/v1/engine HTTP/1.1\r\n"
#define POST "POST /api/v1/runs HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"

static char dir[] = "/tmp/wf-http-test.XXXXXX";
static char *socket_path;
static struct wf_loop *loop;
static struct engine *engine;
static struct wf_api *api;
static int stop_asked;

/* ---- the client ------------------------------------------------------------------------------------------ */

static int dial(void)
{
	struct timeval limit = { .tv_sec = 20 };
	struct wf_err err;
	int fd = wf_unix_connect(socket_path, &err);

	if (fd < 0)
		bail("%s", err.text);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static void say(int fd, const void *p, size_t n)
{
	const char *at = p;

	/* The server may close before it has read all of what it refuses. */
	while (n) {
		ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

		if (k <= 0)
			return;
		at += k;
		n -= (size_t)k;
	}
}

/* One answer: its status; what was read is in `to`. 0 when the connection ended without one. */
static int hear(int fd, struct wf_buf *to)
{
	for (;;) {
		char *end = to->len ? strstr(to->data, "\r\n\r\n") : NULL, *length;
		ssize_t k;

		if (end && (length = strcasestr(to->data, "Content-Length: ")) && length < end &&
		    to->len >= (size_t)(end + 4 - to->data) + strtoul(length + 16, NULL, 10))
			break;
		if (end && strncmp(to->data + 9, "204", 3) == 0)
			break;
		k = recv(fd, wf_buf_room(to, 65536), 65536, 0);
		if (k <= 0)
			break;
		to->len += (size_t)k;
		to->data[to->len] = '\0';
	}
	return to->len > 12 ? atoi(to->data + 9) : 0;
}

static int is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) <= 0;
}

static struct wf_buf got;

/* Send this, and hear one answer on a connection of its own. */
static int ask(const char *text)
{
	int fd = dial(), status;

	wf_buf_clear(&got);
	wf_buf_add(&got, "", 0);
	say(fd, text, strlen(text));
	status = hear(fd, &got);
	close(fd);
	return status;
}

static int ask_json(const char *method, const char *path, const char *body)
{
	char *text = wf_xasprintf("%s /api/v1%s HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", method, path,
				  strlen(body), body);
	int status = ask(text);

	free(text);
	return status;
}

static int get(const char *path)
{
	char *text = wf_xasprintf("GET /api/v1%s HTTP/1.1\r\n" HOST "\r\n", path);
	int status = ask(text);

	free(text);
	return status;
}

static const char *said(void)
{
	const char *body = strstr(wf_buf_cstr(&got), "\r\n\r\n");

	return body ? body + 4 : "";
}

/* ---- what it must withstand --------------------------------------------------------------------------------- */

static void test_framing(void)
{
	static const struct {
		const char *what, *text;
		int status;
	} cases[] = {
		{ "a plain request", GET HOST "\r\n", 200 },
		{ "two lengths", POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400 },
		{ "a length and an encoding", POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400 },
		{ "a blank before the colon", POST "Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400 },
		{ "an unknown encoding", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 400 },
		{ "a negative length", POST "Content-Length: -2\r\n\r\n{}", 400 },
		{ "a signed length", POST "Content-Length: +2\r\n\r\n{}", 400 },
		{ "a length beyond 64 bits", POST "Content-Length: 99999999999999999999\r\n\r\n{}", 413 },
		{ "a bad chunk", POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400 },
		{ "a good chunk", POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 422 },
		{ "no host", GET "\r\n", 400 },
		{ "two hosts", GET HOST HOST "\r\n", 400 },
		{ "another's host", GET "Host: evil.example\r\n\r\n", 421 },
		{ "all addresses as host", GET "Host: 0.0.0.0\r\n\r\n", 421 },
		{ "this machine with a port", GET "Host: 127.0.0.1:8080\r\n\r\n", 200 },
		{ "HTTP/1.0", "GET /api/v1/engine HTTP/1.0\r\n\r\n", 200 },
		{ "HTTP/0.9", "GET /api/v1/engine\r\n", 400 },
		{ "HTTP/3.7", "GET /api/v1/engine HTTP/3.7\r\n" HOST "\r\n", 505 },
		{ "an unknown method", "FROB /api/v1/engine HTTP/1.1\r\n" HOST "\r\n", 501 },
		{ "a long method", "FROBFROBFROBFROBFROB /api/v1/engine HTTP/1.1\r\n" HOST "\r\n", 501 },
		{ "TRACE", "TRACE /api/v1/engine HTTP/1.1\r\n" HOST "\r\n", 405 },
		{ "PUT where one reads", "PUT /api/v1/engine HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405 },
		{ "a body where one reads", GET HOST "Content-Length: 2\r\n\r\n{}", 400 },
		{ "a foreign origin", "POST /api/v1/engine:stop HTTP/1.1\r\n" HOST "Origin: https://evil.example\r\nContent-Length: 0\r\n\r\n", 403 },
		{ "a cross-site request", "POST /api/v1/engine:stop HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n", 403 },
		{ "a form", "POST /api/v1/runs HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b", 415 },
		{ "no type", "POST /api/v1/runs HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 415 },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++)
		is_int(ask(cases[i].text), cases[i].status, "%s", cases[i].what);
	ask("PUT /api/v1/engine HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	has_str(got.data, "Allow: GET, HEAD\r\n", "405 says what is allowed");
	ask(GET HOST "\r\n");
	has_str(got.data, "Content-Type: application/json\r\n", "an answer is JSON");
	has_str(got.data, "X-Content-Type-Options: nosniff\r\n", "and nothing else");
	ok(!strstr(got.data, "Access-Control"), "no other origin is let in");
	get("/nothing");
	has_str(got.data, "Content-Type: application/problem+json\r\n", "an error is a problem document");
}

static char *filled(const char *before, char c, size_t n, const char *after)
{
	struct wf_buf b = { 0 };

	wf_buf_str(&b, before);
	memset(wf_buf_room(&b, n), c, n);
	b.len += n;
	wf_buf_str(&b, after);
	return wf_buf_take(&b);
}

static void test_limits(void)
{
	char *s = filled(GET HOST "X: ", 'a', 65536, "\r\n\r\n");
	struct wf_buf many = { 0 };
	int fd, status;

	is_int(ask(s), 431, "a header of 64 KiB");
	free(s);
	s = filled("GET /api/v1/", 'a', 65536, " HTTP/1.1\r\n" HOST "\r\n");
	is_int(ask(s), 414, "a target of 64 KiB");
	free(s);
	wf_buf_str(&many, GET HOST);
	for (int i = 0; i < 1000; i++)
		wf_buf_printf(&many, "X-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
	wf_buf_str(&many, "\r\n");
	is_int(ask(many.data), 431, "a thousand headers");
	wf_buf_release(&many);

	fd = dial();
	wf_buf_clear(&got);
	say(fd, POST "Content-Length: 1073741824\r\n\r\n", strlen(POST "Content-Length: 1073741824\r\n\r\n"));
	status = hear(fd, &got);
	is_int(status, 413, "a body of a GiB is refused by its announcement");
	has_str(said(), "the limit here is 67108864", "naming the limit");
	ok(is_closed(fd), "and the connection closed");
	close(fd);
	s = filled("POST /api/v1/engine:backup HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n", 'a',
		   70000, "\r\n0\r\n\r\n");
	is_int(ask(s), 413, "one that is not announced when it has come");
	free(s);
	s = filled("{\"workflow\": \"", 'a', 8 << 20, "\", \"workdir\": \"x\"}");
	is_int(ask_json("POST", "/runs", s), 422, "8 MiB are taken");
	has_str(said(), "'workdir' must be an absolute path", "and read to the end");
	free(s);
	is_int(ask_json("POST", "/runs", "{\"workflow\": \"a\", \"workdir\": \"/x\", \"limits\": \"nofile=2:1\"}"), 422, "limits that are none");
	has_str(said(), "'limits': 'nofile=2:1' is no limit", "are refused with a sentence");
}

static void test_bodies(void)
{
	static const char *const bad[] = {
		"{\"a\":1,}", "{\"a\":1,\"a\":2}", "{\"a\":NaN}", "{\"a\":\"\\ud800\"}", "{\"a\":1e400}", "[]", "{\"a\":\"\xff\"}", "{", "{} {}",
	};
	char *deep = filled("", '[', 100000, "");

	for (size_t i = 0; i < WF_COUNT(bad); i++) {
		is_int(ask_json("POST", "/runs", bad[i]), 400, "no JSON for us: %s", i == 6 ? "not UTF-8" : bad[i]);
		has_str(said(), "JSON:1:", "said where");
	}
	is_int(ask_json("POST", "/runs", deep), 400, "100,000 levels");
	free(deep);
	is_int(ask_json("POST", "/runs", "{\"workflo\":\"x\"}"), 422, "an unknown key");
	has_str(said(), "did you mean 'workflow'?", "with the nearest");
	is_int(ask_json("POST", "/runs", "{\"workflow\":\"x\",\"workdir\":\"/tmp\",\"params\":{\"n\":3}}"), 422, "a parameter that is no text");
	is_int(ask_json("POST", "/runs", "{\"workflow\":\"steps: [\",\"workdir\":\"/tmp\"}"), 422, "a file with a mistake");
	has_str(said(), "\"errors\":[{", "comes with its findings");
	has_str(said(), "\"line\":", "and their places");
	is_int(ask_json("POST", "/engine:backup", "{\"file\":\"x\"}"), 422, "a relative path");
}

static void test_queries(void)
{
	static const struct {
		const char *path;
		int status;
	} cases[] = {
		{ "/runs", 200 },
		{ "/runs?name=name'%20OR%20'1'='1", 200 },
		{ "/runs?name=%25", 200 },
		{ "/runs?page_size=0", 400 },
		{ "/runs?page_size=10001", 400 },
		{ "/runs?page_token=abc", 400 },
		{ "/runs?page_token=-1", 400 },
		{ "/runs?page_token=9223372036854775808", 400 },
		{ "/runs?state=runing", 400 },
		{ "/runs?stat=x", 400 },
		{ "/runs?name=a&name=b", 400 },
		{ "/runs?name=%zz", 400 },
		{ "/runs/@last", 404 },
		{ "/runs/nosuch", 404 },
		{ "/runs/%00", 404 },
		{ "/runs/..%2f..%2fetc%2fpasswd", 404 },
		{ "/runs/x/tasks/....%2f%2f/log", 404 },
		{ "/services", 200 },
		{ "/config?page_size=10", 200 },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++)
		is_int(get(cases[i].path), cases[i].status, "%s", cases[i].path);
}

static void test_connection(void)
{
	int fd = dial(), idle[50];

	wf_buf_clear(&got);
	say(fd, GET HOST "\r\n" GET HOST "\r\n", 2 * strlen(GET HOST "\r\n"));
	is_int(hear(fd, &got), 200, "two requests at once: the first");
	{
		char *second = strstr(got.data + 1, "HTTP/1.1 ");

		if (!second) {
			wf_buf_clear(&got);
			is_int(hear(fd, &got), 200, "and the second");
		} else {
			is_int(atoi(second + 9), 200, "and the second");
		}
	}
	close(fd);
	for (size_t i = 0; i < WF_COUNT(idle); i++) {
		idle[i] = dial();
		say(idle[i], "GET /api", 8);
	}
	is_int(get("/engine"), 200, "fifty who do not finish their sentence disturb nobody");
	for (size_t i = 0; i < WF_COUNT(idle); i++)
		close(idle[i]);
	fd = dial();
	say(fd, "\x16\x03\x01\x02\r\n\r\n", 8);
	ok(is_closed(fd), "noise is hung up on");
	close(fd);
	is_int(ask("HEAD /api/v1/nothing HTTP/1.1\r\n" HOST "\r\n"), 404, "HEAD");
}

static void test_late(void)
{
	int silent = dial(), half = dial(), body = dial();
	struct wf_buf a = { 0 }, b = { 0 };

	say(half, "GET /api", 8);
	say(body, POST "Content-Length: 20\r\n\r\n{", strlen(POST "Content-Length: 20\r\n\r\n{"));
	is_int(hear(half, &a), 408, "half a head is too late after a while");
	is_int(hear(body, &b), 408, "half a body too");
	ok(is_closed(half) && is_closed(body), "and hung up on");
	wf_buf_clear(&a);
	is_int(hear(silent, &a), 408, "who says nothing too");
	close(silent);
	close(half);
	close(body);
	wf_buf_release(&a);
	wf_buf_release(&b);
}

static void test_stop(void)
{
	is_int(ask_json("POST", "/engine:stop", "{}"), 202, "the engine answers, then leaves");
	has_str(said(), "\"running\":true", "it still ran");
}

static void *client(void *arg)
{
	(void)arg;
	test_framing();
	test_limits();
	test_bodies();
	test_queries();
	test_connection();
	test_late();
	test_stop();
	return NULL;
}

/* ---- the server ------------------------------------------------------------------------------------------------ */

static void never(struct engine *e, const char *executor, void *arg)
{
	(void)e;
	(void)executor;
	(void)arg;
}

static void on_core_stopped(void *arg)
{
	(void)arg;
	wf_loop_stop(loop);
}

static void on_api_stopped(void *arg)
{
	(void)arg;
	wf_core_stop(engine, on_core_stopped, NULL);
}

static void on_stop(void *arg)
{
	(void)arg;
	stop_asked++;
	wf_api_stop(api, on_api_stopped, NULL);
}

int main(void)
{
	struct wf_core_options o = { .os = wf_os_posix(), .types_dirs = { "services/types" }, .connect = never };
	struct wf_config_sources from = { .os = wf_os_posix() };
	struct wf_config *config;
	struct wf_err err;
	pthread_t thread;
	int fd;

	if (!mkdtemp(dir))
		bail("no temporary directory");
	socket_path = wf_xasprintf("%s/socket", dir);
	loop = wf_loop_uv_create();
	o.loop = loop;
	o.state_dir = dir;
	config = wf_config_load(&from, &err);
	engine = wf_core_create(&o, &err);
	fd = engine ? wf_unix_listen(socket_path, &err) : -1;
	api = fd >= 0 ? wf_api_create(engine, loop, fd, &err) : NULL;
	if (!api)
		bail("%s", err.text);
	wf_api_config(api, config);
	wf_api_on_stop(api, on_stop, NULL);
	wf_core_start(engine);
	pthread_create(&thread, NULL, client, NULL);
	wf_loop_run(loop);
	pthread_join(thread, NULL);
	is_int(stop_asked, 1, "it was asked to leave once");
	wf_core_destroy(engine);
	wf_api_destroy(api);
	close(fd);
	wf_loop_destroy(loop);
	wf_config_free(config);
	wf_dir_remove(wf_os_posix(), dir, NULL);
	free(socket_path);
	wf_buf_release(&got);
	return done_testing();
}
