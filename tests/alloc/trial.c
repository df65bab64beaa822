/* trial.c - owns one life: an engine and its fake agent in this process, a client in a thread that shares none of their memory's fate. */
#include "tests/alloc/trial.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/api/api.h"
#include "engine/base/log.h"
#include "engine/core/config.h"
#include "engine/core/view.h"
#include "engine/store/store.h"
#include "tests/alloc/memory.h"
#include "tests/fakes/fake_agent.h"

const char *const scenario_names[SCENARIOS] = { "submit", "restart", "api" };

struct life {
	struct wf_loop *loop;
	struct engine *engine;
	struct wf_api *api;
	struct wf_config *config;
	struct fake_agent *agent;
	char *socket_path;
	int listen_fd;
	enum scenario scenario;
	struct told *told;
};

static struct life life;

/* ---- the engine -------------------------------------------------------------------------------------------- */

static void on_connect(struct engine *e, const char *executor, void *arg)
{
	struct wf_channel *ends[2];

	(void)arg;
	wf_channel_pair(life.loop, ends);
	fake_agent_attach(life.agent, ends[1]);
	wf_core_connected(e, executor, ends[0], NULL);
}

static void on_core_stopped(void *arg)
{
	(void)arg;
	wf_loop_stop(life.loop);
}

static void on_api_stopped(void *arg)
{
	(void)arg;
	wf_core_stop(life.engine, on_core_stopped, NULL);
}

static void on_stop(void *arg)
{
	(void)arg;
	if (life.api)
		wf_api_stop(life.api, on_api_stopped, NULL);
	else
		on_api_stopped(NULL);
}

static int up(const char *dir, const char *script, int serving, struct wf_err *err)
{
	struct wf_core_options o = { .os = wf_os_posix(), .state_dir = dir, .types_dirs = { "services/types" }, .connect = on_connect,
				     .take_owner = 1 };
	struct wf_config_sources from = { .os = wf_os_posix() };

	life.listen_fd = -1;
	life.loop = o.loop = wf_loop_uv_create();
	life.socket_path = wf_xasprintf("%s/socket", dir);
	life.config = wf_config_load(&from, err);
	life.agent = life.config ? fake_agent_create(life.loop, wf_os_posix(), script, err) : NULL;
	life.engine = life.agent ? wf_core_create(&o, err) : NULL;
	if (!life.engine)
		return -1;
	if (serving) {
		life.listen_fd = wf_unix_listen(life.socket_path, err);
		life.api = life.listen_fd >= 0 ? wf_api_create(life.engine, life.loop, life.listen_fd, err) : NULL;
		if (!life.api)
			return -1;
		wf_api_config(life.api, life.config);
		wf_api_on_stop(life.api, on_stop, NULL);
	}
	wf_core_start(life.engine);
	return 0;
}

static void down(void)
{
	wf_core_destroy(life.engine);
	wf_api_destroy(life.api);
	fake_agent_destroy(life.agent);
	close(life.listen_fd);
	wf_loop_destroy(life.loop);
	wf_config_free(life.config);
	free(life.socket_path);
}

/* ---- the client: retries what was not answered, as one does --------------------------------------------------- */

enum { TRIES = 4, ANSWER_BYTES = 1 << 20 };

static char answer[ANSWER_BYTES];

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* The status; 0 when no whole answer came. */
static int ask_once(const char *text)
{
	struct timeval limit = { .tv_sec = 10 };
	struct wf_err err;
	int fd = wf_unix_connect(life.socket_path, &err);
	size_t n = 0;
	char *end, *length;
	ssize_t k;

	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while ((k = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
		n += (size_t)k;
	close(fd);
	answer[n] = '\0';
	end = strstr(answer, "\r\n\r\n");
	length = end ? strcasestr(answer, "\r\nContent-Length: ") : NULL;
	if (!length || length > end || n < (size_t)(end + 4 - answer) + strtoul(length + 18, NULL, 10))
		return 0;
	return atoi(answer + 9);
}

static int ask(const char *method, const char *path, const char *body, int wanted)
{
	struct told *t = life.told;
	int i = t->asked, status = 0;
	char text[4096];

	snprintf(text, sizeof(text), "%s /api/v1%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
				     "Content-Length: %zu\r\n\r\n%s",
		 method, path, strlen(body), body);
	for (int k = 0; k < TRIES && (status == 0 || status >= 500); k++)
		status = ask_once(text);
	if (i < ANSWERS_MAX) {
		snprintf(t->answers[i].what, sizeof(t->answers[i].what), "%s %s", method, path);
		t->answers[i].status = status;
		t->answers[i].wanted = wanted;
		t->asked++;
	}
	t->answered += status != 0;
	return status;
}

static void submit(const char *name, const char *steps)
{
	struct told *t = life.told;
	char body[2048];
	int status;

	snprintf(body, sizeof(body), "{\"workflow\":\"workflow: {name: %s}\\nparams: {n: 2}\\nsteps:\\n%s\",\"workdir\":\"/tmp\",\"key\":\"%s\","
				     "\"executor\":\"local\",\"params\":{\"n\":\"3\"},\"env\":{\"PATH\":\"/bin\"},\"sources\":{}}",
		 name, steps, name);
	status = ask("POST", "/runs", body, 201);
	if (status == 200 || status == 201)
		snprintf(t->acked[t->acked_count++], sizeof(t->acked[0]), "%s", name);
}

static void wait_over(const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "GET /api/v1/runs/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", name);
	for (int i = 0; i < 2000; i++) {
		int status = ask_once(text);

		if (!status && access(life.socket_path, F_OK) < 0)
			return;
		if (strstr(answer, "\"state\":\"succeeded\"") || strstr(answer, "\"state\":\"failed\"") || strstr(answer, "\"state\":\"canceled\""))
			return;
		pause_ms(2);
	}
}

#define FIRST "  - {name: a, command: 'echo {{ x }} {{ n }}', foreach: {x: [1, 2, 3]}, outputs: ['o{{ x }}']}\\n" \
	      "  - {name: bad, command: 'false', retry: {limit: 1, backoff: 1ms}, after: [a]}\\n"           \
	      "  - {name: c, command: 'echo', after: [bad]}\\n"
#define LIVE "  - {name: hang, command: 'echo', foreach: {x: [1, 2]}, on_unknown: rerun}\\n  - {name: z, command: 'echo', after: [hang]}\\n"

static void play_submit(void)
{
	submit("one", FIRST);
	submit("two", LIVE);
	wait_over("one");
	wait_over("two");
	ask("GET", "/runs/one", "", 200);
	ask("GET", "/runs/one/tasks/bad/why", "", 200);
}

static void play_restart(void)
{
	wait_over("two");
	ask("GET", "/runs/two/tasks", "", 200);
}

static void play_api(void)
{
	static const char *const looks[] = { "/engine", "/config", "/runs?name=one", "/runs/one", "/runs/one/tasks?state=failed", "/runs/one/steps",
					     "/runs/one/tasks/a[0]", "/runs/one/tasks/c/why", "/runs/two/tasks/z/why", "/runs/one/tasks/bad/log",
					     "/runs/one/events?since=1&limit=10", "/runs/one/services", "/runs/one/graph", "/runs/one/workflow",
					     "/services" };

	for (size_t i = 0; i < WF_COUNT(looks); i++)
		ask("GET", looks[i], "", 200);
	ask("GET", "/runs/none", "", 404);
	ask("POST", "/runs", "{\"workflow\":\"steps: [\",\"workdir\":\"/tmp\"}", 422);
	if (ask("POST", "/runs/two:cancel", "{}", 202) / 100 == 2)
		life.told->canceled = 1;
	ask("POST", "/runs/one:retry", "{}", 202);
	wait_over("one");
}

static void *client(void *arg)
{
	(void)arg;
	memory_exempt();
	switch (life.scenario) {
	case SUBMIT: play_submit(); break;
	case RESTART: play_restart(); break;
	case API: play_api(); break;
	case SCENARIOS: break;
	}
	ask("POST", "/engine:stop", "{}", 202);
	return NULL;
}

/* ---- a life ------------------------------------------------------------------------------------------------------ */

static void __attribute__((noreturn)) end(int code)
{
	fflush(NULL);
	_exit(code);
}

static void serve(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, client, NULL) != 0)
		wf_out_of_memory(0);
	wf_loop_run(life.loop);
	pthread_join(thread, NULL);
	down();
}

void trial_run(enum scenario s, const char *dir, uint64_t fail_at, struct told *t)
{
	struct wf_err err = { .text = "" };

	life.scenario = s;
	life.told = t;
	wf_log_to(2, WF_LOG_ERROR, "trial");
	alarm(60);
	memory_arm(fail_at);
	if (up(dir, "bad fail exit\n* finish\n", 1, &err) < 0) {
		fprintf(stderr, "cannot start: %s\n", err.text);
		end(10);
	}
	serve();
	t->count = memory_count();
	end(0);
}

/* ---- before and after, with all memory there is --------------------------------------------------------------------- */

static void on_news(struct wf_watch *w, uint64_t run)
{
	(void)w;
	(void)run;
	wf_loop_stop(life.loop);
}

static struct run *find(const char *name)
{
	struct wf_err err;

	return wf_core_find(life.engine, name, &err);
}

static void until_over(const char *name)
{
	struct wf_watch w = { .fn = on_news };
	struct run *r;

	wf_core_watch(life.engine, &w);
	while (!(r = find(name)) || !wf_view_is_over(r))
		wf_loop_run(life.loop);
	wf_core_unwatch(life.engine, &w);
}

static void stop(void)
{
	on_stop(NULL);
	wf_loop_run(life.loop);
	down();
}

static void *prepare_client(void *arg)
{
	(void)arg;
	if (life.scenario == API) {
		submit("one", FIRST);
		wait_over("one");
	}
	submit("two", LIVE);
	if (life.scenario == API)
		ask("POST", "/runs/two:pause", "{}", 200);
	ask("POST", "/engine:stop", "{}", 202);
	return NULL;
}

void trial_prepare(enum scenario s, const char *dir)
{
	static struct told t;
	struct wf_err err;
	pthread_t thread;

	alarm(60);
	life.scenario = s;
	life.told = &t;
	if (up(dir, "hang* hang\nbad fail exit\n* finish\n", 1, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		end(1);
	}
	pthread_create(&thread, NULL, prepare_client, NULL);
	wf_loop_run(life.loop);
	pthread_join(thread, NULL);
	down();
	end(t.acked_count == (s == API ? 2 : 1) ? 0 : 1);
}

static void check_store(const char *state_dir)
{
	struct wf_buf out = { 0 };
	struct wf_err err;
	char *dir = wf_core_data_dir(wf_os_posix(), state_dir, &err);

	if (!dir || wf_store_recover(wf_os_posix(), dir, 1, 1, &out, &err) < 0) {
		fprintf(stderr, "recover --rebuild --check: %s\n", err.text);
		end(1);
	}
	free(dir);
	wf_buf_release(&out);
}

void trial_check(const char *dir, const struct told *t)
{
	char *path = wf_xasprintf("%s/wf.db", dir);
	struct wf_err err;

	alarm(60);
	wf_log_to(2, WF_LOG_ERROR, "check");
	/* Before the first acknowledgement the database may still be in the making. */
	if (t->acked_count && wf_file_exists(wf_os_posix(), path))
		check_store(dir);
	free(path);
	if (up(dir, "bad fail exit\n* finish\n", 0, &err) < 0) {
		fprintf(stderr, "cannot start again: %s\n", err.text);
		end(1);
	}
	for (int i = 0; i < t->acked_count; i++) {
		if (!find(t->acked[i])) {
			fprintf(stderr, "run '%s' was acknowledged and is lost\n", t->acked[i]);
			end(1);
		}
		/* The paused one ends when somebody cancels it; who was told so need not again. */
		if (t->paused && !t->canceled && strcmp(t->acked[i], "two") == 0)
			(void)wf_core_cancel(life.engine, wf_view_number(find("two")), &err);
		until_over(t->acked[i]);
	}
	stop();
	check_store(dir);
	end(0);
}
