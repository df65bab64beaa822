/* served.c - owns the engine that requests are sent to; knows no request. */
#include "tests/fuzz/served.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/os.h"
#include "engine/core/config.h"
#include "engine/core/view.h"
#include "tests/fakes/fake_agent.h"
#include "tests/fuzz/fuzz.h"

enum { INPUTS_MAX = 20000, KEPT_MAX = 30 };

static struct served it;
static struct wf_config *config;
static struct fake_agent *agent;
static char *dir;
static int listen_fd, inputs, kept, stopped;

static void on_connect(struct engine *e, const char *executor, void *arg)
{
	struct wf_channel *ends[2];

	(void)arg;
	wf_channel_pair(it.loop, ends);
	fake_agent_attach(agent, ends[1]);
	wf_core_connected(e, executor, ends[0], NULL);
}

static void on_core_stopped(void *arg)
{
	(void)arg;
	stopped = 1;
	wf_loop_stop(it.loop);
}

static void on_api_stopped(void *arg)
{
	(void)arg;
	wf_core_stop(it.engine, on_core_stopped, NULL);
}

static void down(void)
{
	if (!it.api)
		return;
	wf_api_stop(it.api, on_api_stopped, NULL);
	/* An answer that came at once has stopped the loop in advance. */
	for (stopped = 0; !stopped;)
		wf_loop_run(it.loop);
	wf_core_destroy(it.engine);
	wf_api_destroy(it.api);
	fake_agent_destroy(agent);
	close(listen_fd);
	wf_loop_destroy(it.loop);
	wf_config_free(config);
	wf_dir_remove(wf_os_posix(), dir, NULL);
	free(dir);
	free(it.socket_path);
	it = (struct served){ 0 };
}

static void on_first_run(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	(void)arg;
	(void)replayed;
	(void)findings;
	MUST_SAY(run == 1 && !err, err ? err->text : "");
}

static void on_news(struct wf_watch *w, uint64_t run)
{
	(void)w;
	(void)run;
	wf_loop_stop(it.loop);
}

static int is_over(const char *name)
{
	struct wf_err err;
	struct run *r = wf_core_find(it.engine, name, &err);

	return r && wf_view_is_over(r);
}

/* Something to look at: a fan-out, a failure and what is skipped for it. */
static void submit_first(void)
{
	static const char text[] = "workflow: {name: first}\n"
				   "steps:\n"
				   "  - {name: a, command: echo, foreach: {x: [1, 2]}}\n"
				   "  - {name: bad, command: 'false', after: [a]}\n"
				   "  - {name: c, command: echo, after: [bad]}\n";
	struct wf_submit s = { .text = text, .text_n = sizeof(text) - 1, .file = "f", .workdir = "/tmp", .umask_bits = 022, .executor = "local" };
	struct wf_watch w = { .run = 1, .fn = on_news };

	wf_core_submit(it.engine, &s, on_first_run, NULL);
	wf_core_watch(it.engine, &w);
	do
		wf_loop_run(it.loop);
	while (!is_over("first"));
	wf_core_unwatch(it.engine, &w);
}

static void up(void)
{
	struct wf_core_options o = { .os = wf_os_posix(), .types_dirs = { "services/types" }, .connect = on_connect };
	struct wf_config_sources from = { .os = wf_os_posix() };
	static int closes;
	struct wf_err err;

	fuzz_quiet();
	dir = wf_xasprintf("%s/engine", fuzz_dir());
	MUST(wf_dir_make(wf_os_posix(), dir, 0700, &err) == 0);
	it.socket_path = wf_xasprintf("%s/socket", dir);
	it.loop = wf_loop_uv_create();
	o.loop = it.loop;
	o.state_dir = dir;
	config = wf_config_load(&from, &err);
	agent = fake_agent_create(it.loop, wf_os_posix(), "bad fail exit\n* finish\n", &err);
	it.engine = wf_core_create(&o, &err);
	MUST_SAY(config && agent && it.engine, err.text);
	listen_fd = wf_unix_listen(it.socket_path, &err);
	it.api = listen_fd >= 0 ? wf_api_create(it.engine, it.loop, listen_fd, &err) : NULL;
	MUST_SAY(it.api, err.text);
	wf_api_config(it.api, config);
	wf_core_start(it.engine);
	submit_first();
	inputs = kept = 0;
	if (!closes++)
		atexit(down);
}

struct served *served(void)
{
	if (!it.api)
		up();
	return &it;
}

void served_done(int status)
{
	kept += status == 201 || status == 202;
	if (++inputs >= INPUTS_MAX || kept >= KEPT_MAX)
		down();
}

int served_is_harmless(const uint8_t *data, size_t size)
{
	return !memmem(data, size, "backup", 6);
}

void served_check(int status, const char *type, const char *body, size_t n)
{
	struct wf_err err = { .text = "" };
	json_t *j;

	MUST(status >= 200 && status < 600 && status != 500);
	if (!n || !type || !strstr(type, "json"))
		return;
	j = wf_json_parse(body, n, &err);
	MUST_SAY(j, err.text);
	if (status >= 400) {
		MUST(strstr(type, "problem"));
		MUST(json_integer_value(json_object_get(j, "status")) == status);
		MUST(json_is_string(json_object_get(j, "title")) && json_is_string(json_object_get(j, "code")));
	}
	json_decref(j);
}
