/* probe_test.c - every kind of probe against small servers of our own: passes, misses, waits, all and any */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "services/probe.h"
#include "tests/tap/tap.h"

static char *root;
static struct wf_loop *loop;
static struct probe_ctx ctx;

/* ---- a server that answers every connection with the same bytes --------------------------------------- */

struct server {
	int fd;
	uint16_t port;
	char *path;                    /* unix, or NULL */
	const char *answer;            /* NULL: none, ever */
	const char *wait_for;          /* what the request ends with */
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	char request[4096];
	size_t have;
	ssize_t n;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		have = 0;
		while ((n = read(fd, request + have, sizeof(request) - 1 - have)) > 0) {
			have += (size_t)n;
			request[have] = '\0';
			if (s->answer && strstr(request, s->wait_for)) {
				if (write(fd, s->answer, strlen(s->answer)) < 0)
					break;
				break;
			}
		}
		close(fd);
	}
	return NULL;
}

static void server_open(struct server *s, const char *name, const char *answer, const char *wait_for)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(in);
	int rc;

	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->wait_for = wait_for;
	s->fd = socket(name ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (name) {
		s->path = wf_xasprintf("%s/%s", root, name);
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->path);
		rc = bind(s->fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		rc = bind(s->fd, (struct sockaddr *)&in, sizeof(in));
		getsockname(s->fd, (struct sockaddr *)&in, &n);
		s->port = ntohs(in.sin_port);
	}
	if (rc < 0 || listen(s->fd, 16) < 0 || pthread_create(&s->thread, NULL, serve, s))
		bail("server");
}

static void server_close(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	free(s->path);
}

/* ---- asking ------------------------------------------------------------------------------------------ */

struct answer {
	int count, passed;
	char text[1024];
};

static void on_answer(void *arg, int passed, const char *text)
{
	struct answer *a = arg;

	a->count++;
	a->passed = passed;
	snprintf(a->text, sizeof(a->text), "%s", text);
	wf_loop_stop(loop);
}

static struct probe *probe_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static struct probe *probe_of(const char *fmt, ...)
{
	char text[2048], *p;
	struct wf_err err;
	struct probe *made;
	va_list ap;
	json_t *v;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	v = wf_json_parse(text, strlen(text), &err);
	if (!v)
		bail("%s in %s", err.text, text);
	made = probe_create(&ctx, v, &err);
	if (!made)
		bail("%s in %s", err.text, text);
	json_decref(v);
	return made;
}

static struct answer ask(struct probe *p, int64_t limit_ms)
{
	struct answer a = { 0 };

	probe_ask(p, limit_ms, on_answer, &a);
	is_int(a.count, 0, "no answer comes from inside probe_ask");
	wf_loop_run(loop);
	is_int(a.count, 1, "one answer came");
	return a;
}

static struct answer once(struct probe *p, int64_t limit_ms)
{
	struct answer a = ask(p, limit_ms);

	probe_destroy(p);
	return a;
}

static void passes(struct probe *p, const char *what)
{
	struct answer a = once(p, 10000);

	ok(a.passed, "%s passes: %s", what, a.text);
}

static void misses(struct probe *p, int64_t limit_ms, const char *text, const char *what)
{
	struct answer a = once(p, limit_ms);

	ok(!a.passed, "%s misses", what);
	has_str(a.text, text, "  and says why");
}

static void refused(const char *json, const char *text)
{
	struct wf_err err = { 0 };
	json_t *v = wf_json_parse(json, strlen(json), &err);
	struct probe *p = probe_create(&ctx, v, &err);

	ok(!p, "refused: %s", json);
	has_str(err.text, text, "  says why");
	probe_destroy(p);
	json_decref(v);
}

/* A port that nobody listens on: bound, never listening. */
static uint16_t dead_port(int *fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(*fd, (struct sockaddr *)&in, sizeof(in)) < 0 || getsockname(*fd, (struct sockaddr *)&in, &n) < 0)
		bail("bind");
	return ntohs(in.sin_port);
}

/* ---- the kinds --------------------------------------------------------------------------------------- */

static void test_net(void)
{
	struct server tcp, un;
	int fd;

	server_open(&tcp, NULL, NULL, NULL);
	server_open(&un, "s", NULL, NULL);
	passes(probe_of("{'tcp':'127.0.0.1:%u'}", tcp.port), "tcp");
	passes(probe_of("{'tcp':'localhost:%u'}", tcp.port), "tcp by name");
	passes(probe_of("{'unix':'%s'}", un.path), "unix");
	misses(probe_of("{'tcp':'127.0.0.1:%u'}", dead_port(&fd)), 10000, "Connection refused", "tcp where nobody listens");
	close(fd);
	misses(probe_of("{'tcp':'no-such-host.invalid:1'}"), 60000, "cannot find the host 'no-such-host.invalid'",
	       "tcp of a host that is not there");
	misses(probe_of("{'unix':'%s/none'}", root), 10000, "No such file", "unix where no socket is");
	misses(probe_of("{'unix':'%s/%0120d'}", root, 0), 10000, "longer than", "unix with a path that is too long");
	refused("{\"tcp\":\"somewhere\"}", "a host and a port are expected");
	refused("{\"tcp\":\"h:0x1\"}", "a host and a port are expected");
	refused("{\"tcp\":\"::1:80\"}", "a host and a port are expected");
	server_close(&tcp);
	server_close(&un);
}

static void test_resp(void)
{
	struct server good, loading, silent, other;
	json_t *endpoint;
	struct answer a;

	server_open(&good, "redis", "+PONG\r\n", "PING\r\n");
	server_open(&loading, NULL, "-LOADING Redis is loading\r\n", "PING\r\n");
	server_open(&silent, NULL, NULL, NULL);
	server_open(&other, NULL, "HTTP/1.0 400 Bad Request\r\n\r\n", "PING\r\n");
	endpoint = json_pack("{s:s}", "unix", good.path);
	ctx.endpoint = endpoint;
	passes(probe_of("{'resp':['PING'],'expect':'PONG'}"), "resp at the endpoint");
	passes(probe_of("{'resp':['PING']}"), "resp without expectation");
	misses(probe_of("{'resp':['PING'],'expect':'QUEUED'}"), 10000, "'PONG', expected 'QUEUED'", "resp with another answer");
	misses(probe_of("{'resp':['PING'],'at':'127.0.0.1:%u'}", loading.port), 10000, "LOADING", "resp with an error");
	misses(probe_of("{'resp':['PING'],'at':'127.0.0.1:%u'}", other.port), 10000, "not of the Redis protocol",
	       "resp from another server");
	a = once(probe_of("{'resp':['PING'],'at':'127.0.0.1:%u'}", silent.port), 50);
	is_str(strchr(a.text, ':'), ": no answer in 50 ms", "a server that does not answer is left in time");
	ctx.endpoint = NULL;
	misses(probe_of("{'resp':['PING']}"), 10000, "say where with 'at'", "resp without an endpoint");
	json_decref(endpoint);
	server_close(&good);
	server_close(&loading);
	server_close(&silent);
	server_close(&other);
}

static void test_http(void)
{
	struct server good, bad, json, length, junk;

	server_open(&good, NULL, "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nall is well", "\r\n\r\n");
	server_open(&bad, NULL, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "\r\n\r\n");
	server_open(&json, NULL, "HTTP/1.1 200 OK\r\n\r\n{\"state\":{\"up\":true,\"n\":[4,5]}}", "\r\n\r\n");
	server_open(&length, NULL, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nokay", "\r\n\r\n");
	server_open(&junk, NULL, "SSH-2.0-x\r\n", "\r\n\r\n");
	passes(probe_of("{'http':'http://127.0.0.1:%u/health'}", good.port), "http");
	passes(probe_of("{'http':'http://127.0.0.1:%u'}", length.port), "http without a path");
	passes(probe_of("{'http':'http://localhost:%u/?a=b','expect':'well'}", good.port), "http with a text");
	misses(probe_of("{'http':'http://127.0.0.1:%u','expect':'ill'}", good.port), 10000, "expected 'ill'", "http without the text");
	misses(probe_of("{'http':'http://127.0.0.1:%u'}", bad.port), 10000, "status 503", "http that is busy");
	passes(probe_of("{'http':'http://127.0.0.1:%u','expect':503}", bad.port), "http with a status");
	misses(probe_of("{'http':'http://127.0.0.1:%u','expect':204}", good.port), 10000, "status 200, expected 204",
	       "http with another status");
	passes(probe_of("{'http':'http://127.0.0.1:%u','path':'state.up','expect':true}", json.port), "http with JSON");
	passes(probe_of("{'http':'http://127.0.0.1:%u','path':'state.n.1','expect':5}", json.port), "http with JSON in a list");
	misses(probe_of("{'http':'http://127.0.0.1:%u','path':'state.down'}", json.port), 10000, "no 'state.down'", "http without it");
	misses(probe_of("{'http':'http://127.0.0.1:%u','path':'a'}", good.port), 10000, "no JSON", "http with another body");
	misses(probe_of("{'http':'http://127.0.0.1:%u'}", junk.port), 10000, "not of the HTTP protocol", "http from another server");
	refused("{\"http\":\"https://a/\"}", "begins with http://");
	refused("{\"http\":\"http://a b/\"}", "blanks");
	refused("{\"http\":\"http://:80/\"}", "no host and port");
	server_close(&good);
	server_close(&bad);
	server_close(&json);
	server_close(&length);
	server_close(&junk);
}

static void put(const char *name, const char *text)
{
	char *path = wf_xasprintf("%s/%s", root, name);
	struct wf_err err;

	if (wf_file_replace(wf_os_posix(), path, text, strlen(text), 0600, &err) < 0)
		bail("%s", err.text);
	free(path);
}

static void test_file(void)
{
	struct probe *newer;
	struct answer a;

	put("old", "one\ntwo\n");
	put("j", "{\"a\":{\"b\":\"c\"}}");
	passes(probe_of("{'file':'%s/old'}", root), "file");
	misses(probe_of("{'file':'%s/none'}", root), 10000, "not there", "file that is not there");
	passes(probe_of("{'file':'%s/old','lines':2}", root), "file with enough lines");
	misses(probe_of("{'file':'%s/old','lines':3}", root), 10000, "2 lines, expected 3", "file with too few");
	passes(probe_of("{'file':'%s/old','expect':'two'}", root), "file with a text");
	passes(probe_of("{'file':'%s/j','path':'a.b','expect':'c'}", root), "file with JSON");
	misses(probe_of("{'file':'%s/j','path':'a.b','expect':'d'}", root), 10000, "'c', expected 'd'", "file with other JSON");
	refused("{\"file\":\"a\"}", "absolute path");

	newer = probe_of("{'file':'%s/old','newer':'start'}", root);
	a = ask(newer, 10000);
	ok(!a.passed, "a file of before the start does not count");
	has_str(a.text, "not written since the start", "  and that is said");
	put("old", "one\ntwo\n");
	a = ask(newer, 10000);
	ok(a.passed, "written again, even the same, it does");
	probe_destroy(newer);
	newer = probe_of("{'file':'%s/new','newer':'start'}", root);
	put("new", "");
	a = once(newer, 10000);
	ok(a.passed, "a file that was not there counts");
}

static void test_log(void)
{
	char *path = wf_xasprintf("%s/log", root);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct probe *p;

	ctx.log_fd = fd;
	if (write(fd, "ready to serve\n", 15) != 15)
		bail("write");
	ctx.log_from = 15;
	p = probe_of("{'log':'ready to [a-z]+$'}");
	ok(!ask(p, 10000).passed, "what an earlier start said does not count");
	if (write(fd, "now ready to", 12) != 12)
		bail("write");
	ok(!ask(p, 10000).passed, "half a line waits");
	if (write(fd, " listen\nmore\n", 13) != 13)
		bail("write");
	ok(ask(p, 10000).passed, "a whole line matches");
	ok(ask(p, 10000).passed, "and goes on to");
	ctx.log_from = 15 + 12 + 13;
	ok(!ask(p, 10000).passed, "a new start begins anew");
	probe_destroy(p);
	ctx.log_fd = -1;
	misses(probe_of("{'log':'x'}"), 10000, "not a file", "log without a file");
	refused("{\"log\":\"(\"}", "not a regular expression");
	close(fd);
	free(path);
}

static int draining;

static void on_change(void *arg)
{
	(void)arg;
	if (draining)
		wf_loop_stop(loop);
}

/* Until every process that a probe started has ended. */
static void drain(void)
{
	draining = 1;
	while (!procs_none(ctx.procs))
		wf_loop_run(loop);
	draining = 0;
}

static void test_exec(void)
{
	struct answer a;

	put("own.sh", "#!/bin/sh\necho own\n");
	{
		char *path = wf_xasprintf("%s/own.sh", root);

		chmod(path, 0700);
		free(path);
	}
	passes(probe_of("{'exec':['true']}"), "exec");
	misses(probe_of("{'exec':['sh','-c','echo broken; exit 3']}"), 10000, "exit code 3: broken", "exec that fails");
	misses(probe_of("{'exec':['sh','-c','kill -9 $$']}"), 10000, "signal 9", "exec that dies");
	misses(probe_of("{'exec':['no-such-program']}"), 10000, "no-such-program", "exec of nothing");
	passes(probe_of("{'exec':['echo','all','well'],'expect':'well'}"), "exec with a text");
	misses(probe_of("{'exec':['echo','all'],'expect':'well'}"), 10000, "expected 'well'", "exec without it");
	passes(probe_of("{'exec':['echo','{}'],'expect':'json'}"), "exec with JSON");
	misses(probe_of("{'exec':['echo','{'],'expect':'json'}"), 10000, "JSON", "exec with half of it");
	passes(probe_of("{'exec':['./own.sh'],'expect':'own'}"), "exec of the driver's own program");
	passes(probe_of("{'exec':['sh','-c','echo $PROBE_TEST'],'expect':'in the environment'}"), "exec with the environment");
	passes(probe_of("{'exec':['sh','-c','head -c 300000 /dev/zero | tr \\\\0 x']}"), "exec that says much");
	a = once(probe_of("{'exec':['sleep','1000']}"), 50);
	has_str(a.text, "no answer in 50 ms", "a program that hangs is left in time");
	drain();
	ok(procs_none(ctx.procs), "and is killed");
}

static void test_exit(void)
{
	ctx.main_ended = 0;
	misses(probe_of("{'exit':0}"), 10000, "still running", "exit while it runs");
	ctx.main_ended = 1;
	ctx.main_status = 0;
	passes(probe_of("{'exit':0}"), "exit");
	ctx.main_status = 3 << 8;
	passes(probe_of("{'exit':3}"), "exit with a code");
	misses(probe_of("{'exit':0}"), 10000, "ended with exit code 3", "exit with another");
	ctx.main_status = SIGKILL;
	misses(probe_of("{'exit':0}"), 10000, "ended with signal 9", "exit by a signal");
	ctx.main_ended = 0;
}

static void test_groups(void)
{
	struct server s, silent;
	struct answer a;

	server_open(&s, NULL, "+PONG\r\n", "PING\r\n");
	server_open(&silent, NULL, NULL, NULL);
	put("there", "");
	passes(probe_of("{'all':[{'tcp':'127.0.0.1:%u'},{'file':'%s/there'}]}", s.port, root), "all of two");
	misses(probe_of("{'all':[{'tcp':'127.0.0.1:%u'},{'file':'%s/none'}]}", s.port, root), 10000, "file", "all with one that misses");
	passes(probe_of("{'any':[{'file':'%s/none'},{'tcp':'127.0.0.1:%u'}]}", root, s.port), "any with one that passes");
	a = once(probe_of("{'any':[{'file':'%s/none'},{'file':'%s/nil'}]}", root, root), 10000);
	has_str(a.text, "none: not there; file", "any tells all that missed");
	passes(probe_of("{'any':[{'resp':['PING'],'at':'127.0.0.1:%u'},{'file':'%s/there'}]}", silent.port, root),
	       "any does not wait for who is silent");
	misses(probe_of("{'all':[{'resp':['PING'],'at':'127.0.0.1:%u'},{'file':'%s/none'}]}", silent.port, root), 10000, "not there",
	       "nor does all");
	passes(probe_of("{'any':[{'file':'%s/none'},{'all':[{'file':'%s/there'},{'exec':['true']}]}]}", root, root), "one in the other");
	a = once(probe_of("{'all':[{'resp':['PING'],'at':'127.0.0.1:%u'},{'all':[{'exec':['sleep','1000']}]},{'file':'%s/there'}]}",
			  silent.port, root),
		 50);
	has_str(a.text, "resp PING: no answer in 50 ms; exec sleep 1000: no answer in 50 ms", "a limit cuts all that are silent");
	ok(!strstr(a.text, "there"), "and does not tell of those that passed");
	drain();
	refused("{\"all\":[{\"mount\":\"/m\"}]}", "missing in this version");
	server_close(&s);
	server_close(&silent);
}

static void on_stop(struct wf_timer *t)
{
	(void)t;
	wf_loop_stop(loop);
}

static void test_stopped(void)
{
	struct server silent;
	struct answer a = { 0 };
	struct wf_timer timer = { .fn = on_stop };
	struct probe *p;

	server_open(&silent, NULL, NULL, NULL);
	p = probe_of("{'all':[{'resp':['PING'],'at':'127.0.0.1:%u'},{'exec':['sleep','1000']},{'tcp':'no-such-host.invalid:1'}]}",
		     silent.port);
	probe_ask(p, 10000, on_answer, &a);
	probe_stop(p);
	probe_ask(p, 10000, on_answer, &a);
	probe_destroy(p);
	p = probe_of("{'file':'%s/there'}", root);
	probe_ask(p, 10000, on_answer, &a);
	probe_destroy(p);
	drain();
	wf_timer_start(loop, &timer, 0);
	wf_loop_run(loop);
	is_int(a.count, 0, "a stopped probe never answers");
	server_close(&silent);
}

int main(void)
{
	char dir[] = "/tmp/wf-probe-test-XXXXXX";
	static const char *env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "PROBE_TEST=in the environment", NULL };
	struct wf_err err;

	root = mkdtemp(dir);
	if (!root)
		bail("mkdtemp");
	signal(SIGPIPE, SIG_IGN);
	loop = wf_loop_uv_create();
	ctx.loop = loop;
	ctx.os = wf_os_posix();
	ctx.procs = procs_create(loop, ctx.os, on_change, NULL);
	ctx.driver_dir = root;
	ctx.cwd = "/";
	ctx.env = env;
	ctx.log_fd = -1;
	test_net();
	test_resp();
	test_http();
	test_file();
	test_log();
	test_exec();
	test_exit();
	test_groups();
	test_stopped();
	procs_destroy(ctx.procs);
	wf_loop_destroy(loop);
	wf_dir_remove(wf_os_posix(), root, &err);
	return done_testing();
}
