/* host_test.c - wf-service as its agent sees it: a socket pair, a file, and what is left when it is gone
 *
 * Each member carries a token of its own in the environment: when a test ends, no process on this host may have it, and neither the
 * member's directory nor anything in $TMPDIR may be left.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/os.h"
#include "tests/tap/tap.h"
#include "tests/unit/services/helper.h"

enum { PATIENCE_MS = 30000 };

static char *root, *tmp, *helper, *program, *types;
static struct wf_os *os;

struct member {
	int n;                         /* of the test */
	pid_t pid;                     /* of wf-service; 0 when it was waited for */
	int fd;
	struct wf_buf in;
	char *dir, *log, *endpoint_file, *token;
	json_t *spec;
};

/* ---- what a member is told --------------------------------------------------------------------------- */

/* JSON with ' for ", @H for the helper, @R for the directory of this test. */
static json_t *json_of(const char *text)
{
	struct wf_buf b = { 0 };
	struct wf_err err;
	json_t *v;

	for (; *text; text++) {
		if (text[0] == '@' && text[1] == 'H') {
			wf_buf_str(&b, helper);
			text++;
		} else if (text[0] == '@' && text[1] == 'R') {
			wf_buf_str(&b, root);
			text++;
		} else {
			wf_buf_char(&b, *text == '\'' ? '"' : *text);
		}
	}
	v = wf_json_parse(b.data, b.len, &err);
	if (!v)
		bail("%s in %s", err.text, b.data);
	wf_buf_release(&b);
	return v;
}

static void member_init(struct member *m, const char *type, const char *attributes, const char *spec)
{
	static int count;
	json_t *v;
	char *driver;

	memset(m, 0, sizeof(*m));
	m->n = ++count;
	m->dir = wf_xasprintf("%s/m%d/member", root, m->n);
	m->log = wf_xasprintf("%s/log%d", root, m->n);
	m->endpoint_file = wf_xasprintf("%s/ep%d/endpoint", root, m->n);
	m->token = wf_xasprintf("WF_TOKEN=host-test-%d-%d", (int)getpid(), m->n);
	driver = wf_xasprintf("%s/%s/driver.yaml", types, strcmp(type, "REDIS") == 0 ? "redis" : "command");
	v = json_pack("{s:i,s:s,s:s,s:{s:s,s:s},s:s,s:i,s:i,s:{s:i,s:s,s:s},s:{s:s},s:s,s:s}", "version", 1, "run", "01run", "run_name",
		      "demo", "service", "name", "db", "type", type, "driver", driver, "generation", 7, "view", 2, "member", "n", 0,
		      "dir", m->dir, "host", "127.0.0.1", "params", "mode", "a b'; touch evil", "workdir", root, "endpoint_file",
		      m->endpoint_file);
	json_object_set_new(json_object_get(v, "service"), "attributes", json_of(attributes ? attributes : "{}"));
	if (spec)
		json_object_set_new(json_object_get(v, "service"), "spec", json_of(spec));
	m->spec = v;
	free(driver);
}

static void member_start(struct member *m)
{
	char *file = wf_xasprintf("%s/spec%d", root, m->n), *argv[] = { program, file, NULL };
	char *env[] = { m->token, (char *)"WF_CONTROL_FD=3", (char *)"PATH=/usr/local/bin:/usr/bin:/bin", NULL, NULL, NULL };
	int pair[2], log, null;
	struct wf_buf text = { 0 };
	struct wf_err err;

	env[3] = wf_xasprintf("TMPDIR=%s", tmp);
	env[4] = wf_xasprintf("HOME=%s", tmp); /* no profile of this user */
	wf_json_dump(m->spec, &text);
	if (wf_file_replace(os, file, text.data, text.len, 0600, &err) < 0)
		bail("%s", err.text);
	log = open(m->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (log < 0 || null < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		bail("start");
	{
		int fds[4] = { null, log, log, pair[1] };
		struct wf_spawn sp = { .path = program, .argv = argv, .env = env, .fds = fds, .fd_count = 4, .new_session = 1,
				       .die_with_parent = 1, .umask_set = (mode_t)-1 };

		m->pid = wf_os_spawn(os, &sp, &err);
	}
	if (m->pid < 0)
		bail("%s", err.text);
	close(pair[1]);
	close(log);
	close(null);
	m->fd = pair[0];
	free(env[3]);
	free(env[4]);
	free(file);
	wf_buf_release(&text);
}

/* ---- what it tells ----------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	return wf_os_mono_ms(os);
}

static void show_log(const struct member *m)
{
	struct wf_buf text = { 0 };
	struct wf_err err;

	if (wf_file_read(os, m->log, 1 << 20, &text, &err) == 0 && text.len)
		diag("%s", text.data);
	wf_buf_release(&text);
}

/* The next line, a new reference; NULL at the end of the socket. */
static json_t *next_line(struct member *m)
{
	int64_t end = now_ms() + PATIENCE_MS;
	struct wf_err err;
	char *newline;
	json_t *v;
	size_t n;

	while (!m->in.len || !(newline = memchr(m->in.data, '\n', m->in.len))) {
		struct pollfd p = { .fd = m->fd, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t got;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
			show_log(m);
			bail("member %d said nothing for %d ms", m->n, PATIENCE_MS);
		}
		got = recv(m->fd, wf_buf_room(&m->in, 4096), 4096, 0);
		if (got <= 0)
			return NULL;
		m->in.len += (size_t)got;
	}
	n = (size_t)(newline - m->in.data);
	v = wf_json_parse(m->in.data, n, &err);
	if (!v)
		bail("%s", err.text);
	memmove(m->in.data, newline + 1, m->in.len - n - 1);
	m->in.len -= n + 1;
	return v;
}

/* The next event; answers in between are skipped. Its name is checked. */
static json_t *await(struct member *m, const char *event)
{
	json_t *v;

	while ((v = next_line(m)) && !json_object_get(v, "event"))
		json_decref(v);
	is_str(v ? json_string_value(json_object_get(v, "event")) : "the end", event, "member %d: %s", m->n, event);
	if (v && strcmp(json_string_value(json_object_get(v, "event")), event) != 0) {
		char *text = json_dumps(v, 0);

		diag("%s", text);
		free(text);
		show_log(m);
	}
	return v;
}

static void skip(struct member *m, const char *event)
{
	json_decref(await(m, event));
}

static json_t *await_answer(struct member *m, int op_id)
{
	json_t *v;

	while ((v = next_line(m)) && json_integer_value(json_object_get(v, "op_id")) != op_id)
		json_decref(v);
	return v;
}

static const char *text_of(json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s ? s : "";
}

static void say(struct member *m, const char *line)
{
	char *text = wf_xstrdup(line), *p;

	for (p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (send(m->fd, text, strlen(text), MSG_NOSIGNAL) < 0 || send(m->fd, "\n", 1, MSG_NOSIGNAL) < 0)
		diag("send: %s", strerror(errno));
	free(text);
}

static json_t *member_ready(struct member *m)
{
	member_start(m);
	skip(m, "launched");
	skip(m, "joining");
	return await(m, "ready");
}

/* ---- what is left ------------------------------------------------------------------------------------ */

static int has_token(const char *pid, const char *token)
{
	char path[300], *found;
	struct wf_buf text = { 0 };
	int fd, yes;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while ((n = read(fd, wf_buf_room(&text, 65536), 65536)) > 0)
		text.len += (size_t)n;
	close(fd);
	found = text.len ? memmem(text.data, text.len, token, strlen(token) + 1) : NULL;
	yes = !!found;
	wf_buf_release(&text);
	return yes;
}

static int count_processes(const struct member *m)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			n += has_token(e->d_name, m->token);
	closedir(d);
	return n;
}

static void await_processes(const struct member *m, int n)
{
	for (int64_t end = now_ms() + PATIENCE_MS; count_processes(m) != n && now_ms() < end;)
		poll(NULL, 0, 1);
}

static int count_name(const char *name, void *arg)
{
	int *n = arg;

	(void)name;
	++*n;
	return 0;
}

/* wf-service ends with `code` and leaves nothing. */
static void member_gone(struct member *m, int code)
{
	int status = 0, names = 0;

	if (m->fd >= 0) {
		json_t *v = next_line(m);

		while (v && json_object_get(v, "op_id")) {
			json_decref(v);
			v = next_line(m);
		}
		ok(!v, "member %d says no more", m->n);
		json_decref(v);
		close(m->fd);
	}
	if (waitpid(m->pid, &status, 0) != m->pid)
		bail("waitpid");
	ok(WIFEXITED(status) && WEXITSTATUS(status) == code, "its host ends with %d (%x)", code, (unsigned)status);
	is_int(count_processes(m), 0, "no process is left");
	ok(access(m->dir, F_OK) < 0, "its directory is gone");
	ok(access(m->endpoint_file, F_OK) < 0, "its endpoint file is gone");
	os->ops->list(os->self, tmp, count_name, &names);
	is_int(names, 0, "nothing is left in TMPDIR");
	wf_buf_release(&m->in);
	json_decref(m->spec);
	free(m->dir);
	free(m->log);
	free(m->endpoint_file);
	free(m->token);
}

static void member_stop(struct member *m)
{
	json_t *v;

	say(m, "{'op_id':99,'op':'stop','args':{'reason':'the test is over'},'deadline_ms':2000}");
	v = await(m, "leaving");
	is_str(text_of(v, "reason"), "the test is over", "  with our reason");
	json_decref(v);
	skip(m, "stopped");
	v = await_answer(m, 99);
	is_str(text_of(v, "outcome"), "ok", "the stop is answered");
	json_decref(v);
	member_gone(m, 0);
}

/* Starts, and fails: its reason holds `text`. */
static json_t *member_fails(struct member *m, int launched, const char *text)
{
	json_t *v;

	member_start(m);
	if (launched) {
		skip(m, "launched");
		skip(m, "joining");
	}
	v = await(m, "failed");
	has_str(text_of(v, "reason"), text, "  says why");
	return v;
}

/* ---- redis ------------------------------------------------------------------------------------------- */

static void redis(const char *path, const char *request, const char *answer)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[256] = "";
	ssize_t n = -1;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && write(fd, request, strlen(request)) > 0)
		n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	is_str(text, answer, "redis answers");
	close(fd);
}

static void test_redis(void)
{
	struct wf_buf text = { 0 };
	struct wf_err err;
	struct member m;
	json_t *v, *file;

	member_init(&m, "REDIS", "{'memory':'64MiB'}", NULL);
	/* A directory far longer than the path of a socket can be. */
	free(m.dir);
	m.dir = wf_xasprintf("%s/m%d/%0150d/\"quoted\" name/member", root, m.n, 0);
	json_object_set_new(json_object_get(m.spec, "member"), "dir", json_string(m.dir));
	v = member_ready(&m);
	is_int(json_integer_value(json_object_get(v, "generation")), 7, "it carries our generation");
	is_int(json_integer_value(json_object_get(v, "view")), 2, "and our view");
	is_str(text_of(v, "address"), text_of(json_object_get(v, "provides"), "REDIS_SOCKET"), "it provides its socket");
	is_str(text_of(v, "address"), text_of(json_object_get(v, "endpoint"), "unix"), "which is its endpoint");
	ok(strncmp(text_of(v, "address"), tmp, strlen(tmp)) == 0, "below TMPDIR");
	redis(text_of(v, "address"), "PING\r\n", "+PONG\r\n");
	redis(text_of(v, "address"), "CONFIG GET maxmemory\r\n", "*2\r\n$9\r\nmaxmemory\r\n$8\r\n67108864\r\n");
	redis(text_of(v, "address"), "CONFIG GET save\r\n", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
	if (wf_file_read(os, m.endpoint_file, 65536, &text, &err) < 0)
		bail("%s", err.text);
	file = wf_json_parse(text.data, text.len, &err);
	is_int(json_integer_value(json_object_get(file, "generation")), 7, "the endpoint file carries the generation");
	is_str(text_of(file, "address"), text_of(v, "address"), "and the address");
	json_decref(file);
	wf_buf_release(&text);
	json_decref(v);
	member_stop(&m);
}

static void test_redis_dies(void)
{
	struct member m;
	json_t *v;

	member_init(&m, "REDIS", "{}", NULL);
	v = member_ready(&m);
	kill((pid_t)json_integer_value(json_object_get(v, "pid")), SIGKILL);
	json_decref(v);
	v = await(&m, "failed");
	is_int(json_integer_value(json_object_get(v, "signal")), 9, "the signal is told");
	has_str(text_of(v, "reason"), "ended by signal 9", "and the reason");
	json_decref(v);
	member_gone(&m, 1);
}

static void test_redis_hangs(void)
{
	struct member m;
	json_t *v;
	pid_t pid;

	member_init(&m, "REDIS", "{}", NULL);
	/* The same service with a faster pulse, from a driver of our own. */
	{
		const char *text = "driver: REDIS\napi: 1\nfiles: {c: c.in}\nrun: {argv: [redis-server, \"{{ member.dir }}/c\"]}\n"
				   "endpoint: {unix: \"{{ service.dir }}/s\"}\nready: {resp: [PING], expect: PONG, every: 20ms}\n"
				   "health: {resp: [PING], expect: PONG, every: 10ms, deadline: 50ms, misses: 3}\n"
				   "ops: {configure: {resp: [CONFIG], deadline: 1s}}\n"
				   "stop: [{resp: [SHUTDOWN, NOSAVE], wait: 100ms}, {signal: TERM, wait: 100ms}]\n";
		char *dir = wf_xasprintf("%s/fast", root), *file = wf_xasprintf("%s/driver.yaml", dir), *conf = wf_xasprintf("%s/c.in", dir);
		const char *conf_text = "port 0\nunixsocket {{ member.unix }}\nsave \"\"\n";
		struct wf_err err;

		if (wf_dir_make(os, dir, 0700, &err) < 0 || wf_file_replace(os, file, text, strlen(text), 0600, &err) < 0 ||
		    wf_file_replace(os, conf, conf_text, strlen(conf_text), 0600, &err) < 0)
			bail("%s", err.text);
		json_object_set_new(m.spec, "driver", json_string(file));
		free(dir);
		free(file);
		free(conf);
	}
	v = member_ready(&m);
	pid = (pid_t)json_integer_value(json_object_get(v, "pid"));
	json_decref(v);
	say(&m, "{'op_id':1,'op':'health'}");
	v = await_answer(&m, 1);
	ok(json_is_true(json_object_get(json_object_get(v, "result"), "healthy")), "asked, it is healthy");
	json_decref(v);
	kill(pid, SIGSTOP);
	v = await(&m, "suspect");
	has_str(text_of(v, "reason"), "no answer in 50 ms", "  says why");
	json_decref(v);
	skip(&m, "unready");
	say(&m, "{'op_id':2,'op':'health','deadline_ms':50}");
	v = await_answer(&m, 2);
	ok(json_is_false(json_object_get(json_object_get(v, "result"), "healthy")), "asked, it is not");
	json_decref(v);
	say(&m, "{'op_id':3,'op':'observe'}");
	v = await_answer(&m, 3);
	is_str(text_of(json_object_get(v, "result"), "state"), "unready", "it can be observed");
	is_int(json_integer_value(json_object_get(json_object_get(v, "result"), "pid")), pid, "  with its process");
	json_decref(v);
	kill(pid, SIGCONT);
	skip(&m, "healthy");
	say(&m, "{'op_id':4,'op':'configure'}");
	v = await_answer(&m, 4);
	is_str(text_of(v, "outcome"), "rejected", "what this version does not carry out is rejected");
	has_str(text_of(v, "reason"), "not carried out in this version", "  with a sentence");
	json_decref(v);
	kill(pid, SIGSTOP);
	skip(&m, "suspect");
	skip(&m, "unready");
	member_stop(&m);
}

/* ---- commands ---------------------------------------------------------------------------------------- */

#define LISTEN "'command':'@H listen {{ service.port }}','ready':{'tcp':'{{ service.host }}:{{ service.port }}','every':'10ms'}"

static void test_command(void)
{
	struct member m;
	json_t *v, *again;
	char *want;

	member_init(&m, "COMMAND", NULL,
		    "{" LISTEN ",'provides':{'DB_HOST':'{{ service.host }}','DB_PORT':'{{ service.port }}'}}");
	v = member_ready(&m);
	want = wf_xasprintf("127.0.0.1:%s", text_of(json_object_get(v, "provides"), "DB_PORT"));
	is_str(text_of(v, "address"), want, "its address has the port it was told");
	free(want);
	json_decref(v);
	say(&m, "this is no JSON");
	say(&m, "{'op':'stop'}");
	say(&m, "{'op_id':1,'op':'grow'}");
	v = await_answer(&m, 1);
	is_str(text_of(v, "outcome"), "rejected", "an unknown operation is rejected");
	say(&m, "{'op_id':1,'op':'stop'}");
	again = await_answer(&m, 1);
	ok(json_equal(v, again), "the same op_id gets the same answer");
	json_decref(v);
	json_decref(again);
	member_stop(&m);
}

static void stops(const char *spec, const char *what)
{
	struct member m;

	diag("%s", what);
	member_init(&m, "COMMAND", NULL, spec);
	json_decref(member_ready(&m));
	member_stop(&m);
}

#define READY_TCP "'ready':{'tcp':'{{ service.host }}:{{ service.port }}','every':'10ms'}"

static void test_stops(void)
{
	stops("{" LISTEN ",'stop':[{'signal':'INT','wait':'60s'}]}", "by another signal");
	stops("{" LISTEN ",'stop':[{'exec':['sh','-c','kill -USR1 $(cat @R/pid)'],'wait':'60s'}],"
	      "'setup':'echo $$ > @R/pid'}", "by a program");
	stops("{'command':'@H http {{ service.port }}','ready':{'http':'http://{{ service.host }}:{{ service.port }}/health','every':'10ms'},"
	      "'stop':[{'http':'http://{{ service.host }}:{{ service.port }}/quit','wait':'60s'}]}", "by a request");
	stops("{'command':'@H deaf {{ service.port }}'," READY_TCP ",'stop':[{'signal':'TERM','wait':'50ms'}]}",
	      "ignoring SIGTERM");
	stops("{'command':'@H deaf {{ service.port }}'," READY_TCP ",'stop':[{'signal':'TERM','wait':'1h'}]}",
	      "ignoring SIGTERM for longer than there is time");
	stops("{'command':'@H deaf {{ service.port }}'," READY_TCP ",'stop':[{'exec':['sleep','1000'],'wait':'50ms'},{'signal':'KILL'}]}",
	      "by a program that hangs");
	stops("{'command':'@H deaf {{ service.port }}'," READY_TCP ",'stop':[{'resp':['QUIT'],'wait':'50ms'}]}", "by the wrong protocol");
	stops("{'command':'trap exit TERM; @H listen {{ service.port }} & @H deaf 0 & wait'," READY_TCP ",'stop':[{'signal':'TERM','wait':'100ms'}]}",
	      "a shell with children");
}

static void test_signal(void)
{
	struct member m;

	member_init(&m, "COMMAND", NULL, "{'command':'@H deaf {{ service.port }}'," READY_TCP "}");
	json_object_set_new(m.spec, "term_ms", json_integer(100));
	json_decref(member_ready(&m));
	kill(m.pid, SIGTERM);
	skip(&m, "leaving");
	skip(&m, "stopped");
	member_gone(&m, 0);
}

static void test_agent_gone(void)
{
	struct member m;

	member_init(&m, "COMMAND", NULL, "{'command':'@H pair {{ service.port }}'," READY_TCP ",'stop':[{'signal':'USR2','wait':'1h'}]}");
	json_decref(member_ready(&m));
	close(m.fd);
	m.fd = -1;
	member_gone(&m, 0);
}

static void test_daemon(void)
{
	struct member m;
	json_t *v;
	DIR *d;
	struct dirent *e;

	diag("a command that goes into the background");
	member_init(&m, "COMMAND", NULL,
		    "{'command':'@H daemon {{ service.port }}','ready':{'all':[{'exit':0},{'tcp':'{{ service.host }}:{{ service.port }}'}],"
		    "'every':'10ms'}}");
	v = member_ready(&m);
	json_decref(v);
	await_processes(&m, 2);
	is_int(count_processes(&m), 2, "it runs there");
	member_stop(&m);

	member_init(&m, "COMMAND", NULL,
		    "{'command':'@H daemon {{ service.port }}','ready':{'all':[{'exit':0},{'tcp':'{{ service.host }}:{{ service.port }}'}],"
		    "'every':'10ms'}}");
	json_decref(member_ready(&m));
	d = opendir("/proc");
	while ((e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && atoi(e->d_name) != m.pid && has_token(e->d_name, m.token))
			kill(atoi(e->d_name), SIGKILL);
	closedir(d);
	v = await(&m, "failed");
	is_str(text_of(v, "reason"), "no process of it is left", "its end there is seen");
	json_decref(v);
	member_gone(&m, 1);

	diag("a command that leaves something behind");
	member_init(&m, "COMMAND", NULL, "{'command':'@H pair {{ service.port }}'," READY_TCP "}");
	v = member_ready(&m);
	kill((pid_t)json_integer_value(json_object_get(v, "pid")), SIGKILL);
	json_decref(v);
	skip(&m, "failed");
	member_gone(&m, 1);

	diag("a command that needs no process at all");
	member_init(&m, "COMMAND", NULL,
		    "{'command':'touch @R/mounted','ready':{'exit':0},'stop':[{'exec':['rm','@R/mounted'],'wait':'60s'}]}");
	json_decref(member_ready(&m));
	member_stop(&m);
	{
		char *path = wf_xasprintf("%s/mounted", root);

		ok(access(path, F_OK) < 0, "its stop was carried out");
		free(path);
	}
}

static void test_failures(void)
{
	struct member m;
	json_t *v;

	member_init(&m, "COMMAND", NULL,
		    "{'command':'sleep 1000','ready':{'tcp':'127.0.0.1:{{ service.port }}','every':'10ms','deadline':'300ms'}}");
	v = member_fails(&m, 1, "not ready within 0.300 s: tcp 127.0.0.1:");
	has_str(text_of(v, "reason"), ": Connection refused", "  and what the probe heard last");
	json_decref(v);
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'@H fail 3 \\\"out of luck\\\"','ready':{'tcp':'127.0.0.1:1','every':'10ms'}}");
	v = member_fails(&m, 1, "ended with exit code 3 before it was ready: starting | out of luck");
	is_int(json_integer_value(json_object_get(v, "exit")), 3, "the exit code is told");
	json_decref(v);
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'no-such-program --x','ready':{'tcp':'127.0.0.1:1'}}");
	json_decref(member_fails(&m, 0, "no-such-program"));
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'sleep 1000','setup':['echo preparing','false'],'ready':{'tcp':'127.0.0.1:1'}}");
	json_decref(member_fails(&m, 1, "its setup failed: preparing"));
	member_gone(&m, 1);

	/* A probe that anybody answers passes while the setup lines are still at it. */
	member_init(&m, "COMMAND", NULL,
		    "{'command':'sleep 1000','setup':['sleep 0.3','false'],'ready':{'exec':['true'],'every':'10ms'}}");
	json_decref(member_fails(&m, 1, "its setup failed"));
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'sleep {{ nobody }}','ready':{'tcp':'127.0.0.1:1'}}");
	json_decref(member_fails(&m, 0, "nobody"));
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'sleep 1','env':{'A':'{{ lease.secret }}'},'ready':{'tcp':'127.0.0.1:1'}}");
	json_decref(member_fails(&m, 0, "'lease.secret' would be visible to others here"));
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'sleep 1'}");
	json_decref(member_fails(&m, 0, "needs 'ready'"));
	member_gone(&m, 1);

	member_init(&m, "COMMAND", NULL, "{'command':'sleep 1','ready':{'mount':'/m'}}");
	json_decref(member_fails(&m, 0, "the probe 'mount' of its 'ready' is missing in this version"));
	member_gone(&m, 1);
}

static void test_ports(void)
{
	struct member m;

	member_init(&m, "COMMAND", NULL, "{'command':'@H late @R/once {{ service.port }}'," READY_TCP "}");
	json_decref(member_ready(&m));
	member_stop(&m);
}

static void test_values(void)
{
	struct wf_buf text = { 0 };
	struct wf_err err;
	struct member m;
	json_t *v;
	char *path = wf_xasprintf("%s/said", root), *evil = wf_xasprintf("%s/evil", root);

	member_init(&m, "COMMAND", NULL,
		    "{'command':'echo {{ mode }} $WHO $WF_SERVICE_NAME $WF_SERVICE_GENERATION > said; pwd >> said; exec @H unix {{ service.dir }}/u',"
		    "'env':{'WHO':'{{ service.type }}'},'setup':'WHO=$WHO-{{ mode }}',"
		    "'ready':{'unix':'{{ service.dir }}/u','every':'10ms'},'provides':{'SOCKET':'{{ service.dir }}/u','N':3}}");
	v = member_ready(&m);
	is_str(text_of(json_object_get(v, "provides"), "N"), "", "a number stays a number");
	is_int(json_integer_value(json_object_get(json_object_get(v, "provides"), "N")), 3, "  3");
	is_str(text_of(v, "address"), "", "without a port there is no address");
	is_int((int64_t)json_object_size(json_object_get(v, "endpoint")), 0, "nor an endpoint");
	json_decref(v);
	if (wf_file_read(os, path, 65536, &text, &err) < 0)
		bail("%s", err.text);
	{
		char *want = wf_xasprintf("a b'; touch evil COMMAND-a b'; touch evil db 7\n%s\n", root);

		is_str(text.data, want, "values are values, never syntax");
		free(want);
	}
	ok(access(evil, F_OK) < 0, "and nothing else ran");
	wf_buf_release(&text);
	free(path);
	free(evil);
	member_stop(&m);
}

static void test_log_probe(void)
{
	struct member m;

	member_init(&m, "COMMAND", NULL, "{'command':'echo booting; echo now serving; exec sleep 1000','ready':{'log':'now serving$','every':'10ms'}}");
	json_decref(member_ready(&m));
	member_stop(&m);
}

/* A directory with somebody's data is never emptied; one that a killed host left is. */
static void test_directories(void)
{
	char *data, *old;
	struct wf_err err;
	struct member m;
	struct stat st;
	json_t *v;

	member_init(&m, "COMMAND", NULL, "{" LISTEN "}");
	data = wf_xasprintf("%s/data", m.dir);
	if (wf_dir_make(os, m.dir, 0700, &err) < 0 || wf_file_replace(os, data, "x", 1, 0600, &err) < 0)
		bail("%s", err.text);
	json_decref(member_fails(&m, 0, "is not empty and no member's directory"));
	ok(access(data, F_OK) == 0, "somebody's data is left alone");
	wf_dir_remove(os, m.dir, &err);
	member_gone(&m, 1);
	free(data);

	member_init(&m, "COMMAND", NULL, "{" LISTEN "}");
	v = member_ready(&m);
	ok(stat(m.dir, &st) == 0 && (st.st_mode & 0777) == 0700, "a member's directory is its user's alone");
	json_decref(v);
	kill(m.pid, SIGKILL);
	waitpid(m.pid, NULL, 0);
	close(m.fd);
	await_processes(&m, 0);
	is_int(count_processes(&m), 0, "a host that is killed takes the member with it");
	ok(access(m.dir, F_OK) == 0, "but leaves its directories");
	/* The next generation lies elsewhere, and removes what it finds of this one. */
	wf_buf_clear(&m.in);
	json_object_set_new(m.spec, "generation", json_integer(8));
	old = m.dir;
	m.dir = wf_xasprintf("%s.8", old);
	json_object_set_new(json_object_get(m.spec, "member"), "dir", json_string(m.dir));
	json_decref(member_ready(&m));
	ok(access(old, F_OK) < 0, "until the next generation finds them");
	member_stop(&m);
	free(old);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/wf-host-test-XXXXXX";
	struct wf_err err;

	if (argc > 1)
		return helper_main(argc, argv);
	os = wf_os_posix();
	root = mkdtemp(dir);
	if (!root)
		bail("mkdtemp");
	tmp = wf_xasprintf("%s/tmp", root);
	program = wf_path_resolve(wf_path_bin(), "../../../../bin/wf-service");
	types = wf_path_resolve(wf_path_bin(), "../../../../share/wf/types");
	helper = wf_path_resolve(wf_path_bin(), "host_test");
	if (access(program, X_OK) < 0 || access(types, X_OK) < 0)
		bail("build '%s' and '%s' first", program, types);
	if (access("/usr/bin/redis-server", X_OK) < 0 && access("/usr/local/bin/redis-server", X_OK) < 0)
		bail("redis-server is missing: install it (make deps)");
	if (wf_dir_make(os, tmp, 0700, &err) < 0)
		bail("%s", err.text);
	test_redis();
	test_redis_dies();
	test_redis_hangs();
	test_command();
	test_stops();
	test_signal();
	test_agent_gone();
	test_daemon();
	test_failures();
	test_ports();
	test_values();
	test_log_probe();
	test_directories();
	wf_dir_remove(os, root, &err);
	free(tmp);
	free(program);
	free(types);
	free(helper);
	return done_testing();
}
