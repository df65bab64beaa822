/* host.c - owns the member's machine: what happens when, and what the agent is told. How things are probed, started, placed and ended is
 * in the files beside it.
 *
 *                     launched          serves
 *        starting ------------> joining ------> ready
 *           ^  |                 |  | |           |  |
 *      empty|  |failed      again|  | |stop_asked |  |stop_asked
 *           |  |                 v  | v           |  v
 *           |  |            clearing| stopping <--|--+
 *           +--|-----------------+  |    |        |
 *              |                    |    |empty   |failed
 *              v                    v    v        |
 *           sweeping <--------------+  ended      |
 *              ^   +-------- empty -----^         |
 *              +----------------------------------+
 *
 * starting waits for nothing: directories, files and the process are made in one go; joining for the ready probe (its deadline, and the
 * process that ends too early, are against it); ready for a stop or the process's end, and probes health; clearing for the last process of a
 * start that lost its port; stopping for the stop list (stop.c); sweeping for the last process after a failure; ended for nothing.
 *
 * Health (fine, suspect, unready) is beside the state: it changes nothing here, the engine decides what follows.
 */
#include "services/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "services/lines.h"
#include "services/ops.h"
#include "services/prepare.h"
#include "services/probe.h"
#include "services/stop.h"
#include "services/tail.h"

enum {
	READY_EVERY_MS = 100,
	READY_DEADLINE_MS = 60000,
	READY_ASK_MS = 5000,           /* one round */
	HEALTH_EVERY_MS = 5000,
	HEALTH_ASK_MS = 5000,
	HEALTH_MISSES = 3,
	STARTS_MAX = 5,                /* when others keep taking the port */
};

enum host_state { HOST_STARTING, HOST_JOINING, HOST_READY, HOST_CLEARING, HOST_STOPPING, HOST_SWEEPING, HOST_ENDED };
enum host_event { ON_LAUNCHED, ON_SERVES, ON_AGAIN, ON_FAILED, ON_STOP_ASKED, ON_EMPTY };
enum health { HEALTH_FINE, HEALTH_SUSPECT, HEALTH_UNREADY };

static const char *const state_names[] = { "starting", "joining", "ready", "clearing", "stopping", "sweeping", "ended" };

static const struct {
	enum host_state from;
	enum host_event event;
	enum host_state to;
} moves[] = {
	{ HOST_STARTING, ON_LAUNCHED, HOST_JOINING },
	{ HOST_STARTING, ON_FAILED, HOST_SWEEPING },
	{ HOST_STARTING, ON_STOP_ASKED, HOST_STOPPING },
	{ HOST_JOINING, ON_SERVES, HOST_READY },
	{ HOST_JOINING, ON_AGAIN, HOST_CLEARING },
	{ HOST_JOINING, ON_FAILED, HOST_SWEEPING },
	{ HOST_JOINING, ON_STOP_ASKED, HOST_STOPPING },
	{ HOST_READY, ON_FAILED, HOST_SWEEPING },
	{ HOST_READY, ON_STOP_ASKED, HOST_STOPPING },
	{ HOST_CLEARING, ON_EMPTY, HOST_STARTING },
	{ HOST_CLEARING, ON_STOP_ASKED, HOST_STOPPING },
	{ HOST_STOPPING, ON_EMPTY, HOST_ENDED },
	{ HOST_SWEEPING, ON_EMPTY, HOST_ENDED },
};

struct host {
	struct wf_loop *loop;
	struct wf_os *os;
	const struct member_spec *spec;
	struct lines *lines;           /* NULL: nobody listens */
	struct ops *ops;
	struct procs *procs;
	struct ladder *ladder;

	enum host_state state;
	struct prepared is;
	struct child child;
	int starts;
	int told_launched;
	int daemonizes;                /* the first process may end well */
	int had_strays;                /* and left processes that serve */

	struct probe_ctx ctx;
	struct probe *ready, *health, *asked;
	int asking;                    /* `asked` is under way */
	int64_t ready_end_ms;
	struct wf_timer next;          /* the next round, or the start itself */
	struct wf_timer late;
	enum health health_is;
	int64_t misses;
	char last_answer[1024];

	int failed;
	int failed_status;             /* as wait() gives it; -1: not by its process's end */
	char reason[1024];
	int exit_code;
};

static int move(struct host *h, enum host_event e)
{
	for (size_t i = 0; i < WF_COUNT(moves); i++) {
		if (moves[i].from == h->state && moves[i].event == e) {
			h->state = moves[i].to;
			return 1;
		}
	}
	return 0;
}

/* ---- what the agent is told -------------------------------------------------------------------------- */

static json_t *event_new(struct host *h, const char *event)
{
	return json_pack("{s:s,s:I}", "event", event, "generation", (json_int_t)h->spec->generation);
}

static void send_line(void *arg, json_t *take_line)
{
	struct host *h = arg;

	if (h->lines)
		lines_send(h->lines, take_line);
	else
		json_decref(take_line);
}

static void tell(struct host *h, const char *event, const char *reason)
{
	json_t *line = event_new(h, event);

	if (reason)
		json_object_set_new(line, "reason", wf_json_text(reason, strlen(reason)));
	send_line(h, line);
}

static json_t *endpoint_new(const struct host *h)
{
	return h->is.endpoint ? json_incref(h->is.endpoint) : json_object();
}

static json_t *provides_new(const struct host *h)
{
	return h->is.provides ? json_incref(h->is.provides) : json_object();
}

json_t *host_describe(const struct host *h)
{
	return json_pack("{s:s,s:i,s:I,s:I,s:s,s:o,s:o}", "state",
			 h->state == HOST_READY && h->health_is == HEALTH_UNREADY ? "unready" : state_names[h->state], "pid",
			 (int)h->child.pid, "generation", (json_int_t)h->spec->generation, "view", (json_int_t)h->spec->view,
			 "address", prepared_address(&h->is), "endpoint", endpoint_new(h), "provides", provides_new(h));
}

/* The endpoint file carries the generation: whoever finds an older one does not use it. */
static int publish(struct host *h, struct wf_err *err)
{
	const struct member_spec *s = h->spec;
	struct wf_buf text = { 0 };
	char *dir;
	json_t *file;
	int rc;

	if (!s->endpoint_file)
		return 0;
	file = json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:i,s:s,s:o,s:o}", "service", s->service, "type", s->type, "generation",
			 (json_int_t)s->generation, "view", (json_int_t)s->view, "member", (json_int_t)s->n, "host", s->host,
			 "pid", (int)h->child.pid, "address", prepared_address(&h->is), "endpoint", endpoint_new(h), "provides",
			 provides_new(h));
	wf_json_dump(file, &text);
	json_decref(file);
	dir = wf_xstrndup(s->endpoint_file, (size_t)(strrchr(s->endpoint_file, '/') - s->endpoint_file));
	rc = *dir ? wf_dir_make(h->os, dir, 0700, err) : 0;
	if (rc == 0)
		rc = wf_file_replace(h->os, s->endpoint_file, text.data, text.len, 0600, err);
	free(dir);
	wf_buf_release(&text);
	return rc;
}

static void unpublish(struct host *h)
{
	if (h->spec->endpoint_file && h->os->ops->unlink(h->os->self, h->spec->endpoint_file) < 0 && errno != ENOENT)
		wf_log(WF_LOG_WARN, "cannot remove '%s': %s, ignoring", h->spec->endpoint_file, strerror(errno));
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void stop_probing(struct host *h)
{
	wf_timer_stop(h->loop, &h->next);
	wf_timer_stop(h->loop, &h->late);
	probe_stop(h->ready);
	probe_stop(h->health);
	probe_stop(h->asked);
	h->asking = 0; /* who asked is answered when the member has ended */
}

static void fail(struct host *h, json_t *steps, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void fail(struct host *h, json_t *steps, const char *fmt, ...)
{
	va_list ap;

	if (!move(h, ON_FAILED))
		return;
	va_start(ap, fmt);
	vsnprintf(h->reason, sizeof(h->reason), fmt, ap);
	va_end(ap);
	h->failed = 1;
	stop_probing(h);
	unpublish(h);
	ladder_start(h->ladder, steps, 0);
}

static json_t *leftovers(struct host *h)
{
	struct wf_buf list = { 0 };
	json_t *pids = json_array();
	char *p, *end;

	procs_list(h->procs, &list);
	for (p = list.data; p && *p; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		json_array_append_new(pids, json_integer(pid));
	}
	wf_buf_release(&list);
	return pids;
}

static void end(struct host *h, int all_gone)
{
	json_t *line;

	move(h, ON_EMPTY);
	prepared_clean(&h->is);
	if (!all_gone) {
		h->failed = 1;
		snprintf(h->reason, sizeof(h->reason), "processes of the member do not end, even after SIGKILL");
	}
	h->exit_code = h->failed;
	if (h->failed)
		wf_log(WF_LOG_ERROR, "service '%s' failed: %s", h->spec->service, h->reason);
	line = event_new(h, h->failed ? "failed" : "stopped");
	json_object_set_new(line, "reason", wf_json_text(h->reason, strlen(h->reason)));
	if (h->failed && h->failed_status >= 0)
		json_object_set_new(line, WIFEXITED(h->failed_status) ? "exit" : "signal",
				    json_integer(WIFEXITED(h->failed_status) ? WEXITSTATUS(h->failed_status)
									     : WTERMSIG(h->failed_status)));
	if (!all_gone)
		json_object_set_new(line, "left", leftovers(h));
	send_line(h, line);
	ops_stopped(h->ops, all_gone, h->reason);
	if (h->lines)
		lines_flush(h->lines, 1000);
	wf_loop_stop(h->loop);
}

static void start(struct host *h);

static void on_empty(void *arg, int all_gone)
{
	struct host *h = arg;

	if (h->state == HOST_CLEARING && all_gone) {
		move(h, ON_EMPTY);
		start(h);
		return;
	}
	end(h, all_gone);
}

void host_stop(struct host *h, int64_t budget_ms, const char *reason)
{
	int was_clearing = h->state == HOST_CLEARING;

	if (!move(h, ON_STOP_ASKED)) {
		if (budget_ms)
			ladder_hurry(h->ladder, budget_ms > 0 ? budget_ms : 0);
		return;
	}
	snprintf(h->reason, sizeof(h->reason), "%s", reason);
	tell(h, "leaving", reason);
	stop_probing(h);
	unpublish(h);
	if (!was_clearing)
		ladder_start(h->ladder, budget_ms < 0 ? NULL : h->is.stop, budget_ms > 0 ? budget_ms : 0);
}

/* ---- health ------------------------------------------------------------------------------------------ */

static int64_t misses_allowed(const struct host *h)
{
	json_t *v = json_object_get(h->is.health, "misses");

	return v ? json_integer_value(v) : HEALTH_MISSES;
}

static void on_health(void *arg, int passed, const char *text)
{
	struct host *h = arg;

	wf_timer_start(h->loop, &h->next, (uint64_t)probe_time(h->is.health, "every", HEALTH_EVERY_MS));
	if (passed) {
		h->misses = 0;
		if (h->health_is != HEALTH_FINE)
			tell(h, "healthy", NULL);
		h->health_is = HEALTH_FINE;
		return;
	}
	h->misses++;
	if (h->misses >= misses_allowed(h) && h->health_is != HEALTH_UNREADY) {
		h->health_is = HEALTH_UNREADY;
		tell(h, "unready", text);
	} else if (h->misses == 1 && h->health_is == HEALTH_FINE) {
		h->health_is = HEALTH_SUSPECT;
		tell(h, "suspect", text);
	}
}

static void on_asked(void *arg, int passed, const char *text)
{
	struct host *h = arg;

	h->asking = 0;
	ops_health(h->ops, passed, text);
}

void host_ask_health(struct host *h, int64_t limit_ms)
{
	struct wf_err err;

	if (h->asking)
		return;
	/* Before a start there is nothing to ask yet; after its end ops_stopped answers. */
	if (h->state != HOST_READY && h->state != HOST_JOINING) {
		if (h->state == HOST_STARTING || h->state == HOST_CLEARING)
			ops_health(h->ops, 0, state_names[h->state]);
		return;
	}
	if (!h->asked)
		h->asked = probe_create(&h->ctx, h->is.health ? h->is.health : h->is.ready, &err);
	if (!h->asked) {
		ops_health(h->ops, 0, err.text);
		return;
	}
	h->asking = 1;
	probe_ask(h->asked, limit_ms, on_asked, h);
}

/* ---- joining ----------------------------------------------------------------------------------------- */

static void become_ready(struct host *h)
{
	struct wf_err err;
	json_t *line;

	if (publish(h, &err) < 0) {
		fail(h, NULL, "cannot publish the endpoint: %s", err.text);
		return;
	}
	move(h, ON_SERVES);
	wf_timer_stop(h->loop, &h->late);
	line = event_new(h, "ready");
	json_object_set_new(line, "view", json_integer(h->spec->view));
	json_object_set_new(line, "pid", json_integer(h->child.pid));
	json_object_set_new(line, "address", json_string(prepared_address(&h->is)));
	json_object_set_new(line, "endpoint", endpoint_new(h));
	json_object_set_new(line, "provides", provides_new(h));
	send_line(h, line);
	if (h->health)
		wf_timer_start(h->loop, &h->next, (uint64_t)probe_time(h->is.health, "every", HEALTH_EVERY_MS));
}

static void on_ready(void *arg, int passed, const char *text)
{
	struct host *h = arg;

	/* A probe that passed may have met somebody else, if our own process is gone: its end is about to be told. */
	if (passed && launch_in_setup(&h->is.launch)) {
		/* Whoever answered, it was not the command. */
		passed = 0;
		text = "its setup lines are not through";
	}
	if (passed && (h->daemonizes || procs_is_alive(&h->child))) {
		become_ready(h);
		return;
	}
	if (!passed)
		snprintf(h->last_answer, sizeof(h->last_answer), "%s", text);
	wf_timer_start(h->loop, &h->next, (uint64_t)probe_time(h->is.ready, "every", READY_EVERY_MS));
}

static void on_next(struct wf_timer *t)
{
	struct host *h = wf_container_of(t, struct host, next);
	int64_t left;

	if (h->state == HOST_STARTING) {
		start(h);
	} else if (h->state == HOST_JOINING) {
		left = h->ready_end_ms - wf_os_mono_ms(h->os);
		probe_ask(h->ready, left < READY_ASK_MS && left > 0 ? left : READY_ASK_MS, on_ready, h);
	} else if (h->state == HOST_READY) {
		probe_ask(h->health, probe_time(h->is.health, "deadline", HEALTH_ASK_MS), on_health, h);
	}
}

static void on_late(struct wf_timer *t)
{
	struct host *h = wf_container_of(t, struct host, late);
	json_t *steps = json_pack("[{s:s,s:s}]", "signal", "TERM", "wait", "2s");
	int64_t deadline = probe_time(h->is.ready, "deadline", READY_DEADLINE_MS);

	fail(h, steps, "not ready within %lld.%03lld s: %s", (long long)(deadline / 1000), (long long)(deadline % 1000),
	     h->last_answer[0] ? h->last_answer : "its probe has not answered");
	json_decref(steps);
}

/* ---- the member's process ends ----------------------------------------------------------------------- */

static int ended_well(const struct host *h)
{
	json_t *want = json_object_get(h->is.ready, "exit");

	return WIFEXITED(h->ctx.main_status) && WEXITSTATUS(h->ctx.main_status) == (want ? json_integer_value(want) : 0);
}

static void fail_by_end(struct host *h)
{
	int status = h->ctx.main_status;
	struct wf_buf said = { 0 };

	tail_of_log(h->ctx.log_fd, h->ctx.log_from, &said);
	h->failed_status = status;
	fail(h, NULL, "%s %d%s%s%s", WIFEXITED(status) ? "ended with exit code" : "ended by signal",
	     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
	     h->state == HOST_JOINING ? " before it was ready" : "", said.len ? ": " : "", wf_buf_cstr(&said));
	wf_buf_release(&said);
}

/* Somebody took the port between our look and the member's: not the member's fault. */
static int lost_its_port(const struct host *h)
{
	return h->is.port && h->starts < STARTS_MAX && (place_port_taken(h->is.port) || tail_says_in_use(h->ctx.log_fd, h->ctx.log_from));
}

static void on_child_ended(struct child *c, int status)
{
	struct host *h = wf_container_of(c, struct host, child);

	h->ctx.main_ended = 1;
	h->ctx.main_status = status;
	if (h->state != HOST_JOINING && h->state != HOST_READY)
		return;
	if (launch_in_setup(&h->is.launch)) {
		struct wf_buf said = { 0 };

		tail_of_log(h->ctx.log_fd, h->ctx.log_from, &said);
		h->failed_status = status;
		fail(h, NULL, "its setup failed%s%s", said.len ? ": " : "", wf_buf_cstr(&said));
		wf_buf_release(&said);
	} else if (h->daemonizes && ended_well(h)) {
		h->had_strays = !procs_none_left(h->procs);
		if (h->state == HOST_JOINING)
			wf_timer_start(h->loop, &h->next, 0);
	} else if (h->state == HOST_JOINING && lost_its_port(h)) {
		wf_log(WF_LOG_INFO, "service '%s': port %u was taken, starting again with another", h->spec->service, h->is.port);
		move(h, ON_AGAIN);
		stop_probing(h);
		ladder_start(h->ladder, NULL, 0);
	} else {
		fail_by_end(h);
	}
}

static void on_change(void *arg)
{
	struct host *h = arg;
	size_t strays;

	if (ladder_is_running(h->ladder)) {
		ladder_change(h->ladder);
		return;
	}
	if (!h->daemonizes || !h->ctx.main_ended || (h->state != HOST_JOINING && h->state != HOST_READY))
		return;
	strays = procs_strays(h->procs);
	if (strays)
		h->had_strays = 1;
	else if (h->had_strays && procs_none_left(h->procs))
		fail(h, NULL, "no process of it is left");
}

/* ---- starting ---------------------------------------------------------------------------------------- */

static int make_probes(struct host *h, struct wf_err *err)
{
	probe_destroy(h->ready);
	probe_destroy(h->health);
	probe_destroy(h->asked);
	h->ready = h->health = h->asked = NULL;
	h->ctx.endpoint = h->is.endpoint;
	h->ctx.driver_dir = h->is.driver->dir;
	h->ctx.cwd = h->is.launch.cwd;
	h->ctx.env = h->is.launch.env;
	h->ctx.main_ended = 0;
	h->ready = probe_create(&h->ctx, h->is.ready, err);
	if (!h->ready)
		return wf_err_wrap(err, "ready");
	h->daemonizes = !!json_object_get(h->is.verbs, "start") || probe_has(h->ready, "exit");
	if (h->is.health) {
		h->health = probe_create(&h->ctx, h->is.health, err);
		if (!h->health)
			return wf_err_wrap(err, "health");
	}
	return 0;
}

static void start(struct host *h)
{
	struct wf_err err = { 0 };
	int64_t deadline;
	json_t *line;

	unpublish(h);
	if (prepare(&h->is, h->os, h->spec, &err) < 0 || make_probes(h, &err) < 0) {
		fail(h, NULL, "%s", err.text);
		return;
	}
	ops_declare(h->ops, json_object_get(h->is.verbs, "ops"));
	h->ctx.log_from = tail_log_size(h->ctx.log_fd);
	h->child.on_exit = on_child_ended;
	h->starts++;
	if (launch_start(&h->is.launch, h->procs, &h->child, &err) < 0) {
		fail(h, NULL, "%s%s", err.text, err.code == WF_NOT_FOUND ? "; it must be installed where the member runs" : "");
		return;
	}
	move(h, ON_LAUNCHED);
	if (!h->told_launched) {
		line = event_new(h, "launched");
		json_object_set_new(line, "pid", json_integer(h->child.pid));
		send_line(h, line);
		tell(h, "joining", NULL);
		h->told_launched = 1;
	}
	deadline = probe_time(h->is.ready, "deadline", READY_DEADLINE_MS);
	h->ready_end_ms = wf_os_mono_ms(h->os) + deadline;
	h->last_answer[0] = '\0';
	wf_timer_start(h->loop, &h->late, (uint64_t)deadline);
	wf_timer_start(h->loop, &h->next, 0);
}

/* ---- life -------------------------------------------------------------------------------------------- */

static void on_line(void *arg, json_t *line)
{
	struct host *h = arg;

	ops_take(h->ops, line);
}

static void on_closed(void *arg)
{
	host_stop(arg, -1, "its agent is gone");
}

int host_exit_code(const struct host *h)
{
	return h->exit_code;
}

struct host *host_create(struct wf_loop *l, struct wf_os *os, const struct member_spec *spec, int control_fd)
{
	struct host *h = wf_xcalloc(1, sizeof(*h));

	h->loop = l;
	h->os = os;
	h->spec = spec;
	h->failed_status = -1;
	h->exit_code = 1;
	h->next.fn = on_next;
	h->late.fn = on_late;
	h->procs = procs_create(l, os, on_change, h);
	h->ctx.loop = l;
	h->ctx.os = os;
	h->ctx.procs = h->procs;
	h->ctx.log_fd = tail_open_log(1);
	h->ladder = ladder_create(&h->ctx, &h->child, on_empty, h);
	h->ops = ops_create(h, send_line, h);
	if (control_fd >= 0)
		h->lines = lines_create(l, control_fd, on_line, on_closed, h);
	wf_timer_start(l, &h->next, 0);
	return h;
}

void host_destroy(struct host *h)
{
	if (!h)
		return;
	stop_probing(h);
	probe_destroy(h->ready);
	probe_destroy(h->health);
	probe_destroy(h->asked);
	ladder_destroy(h->ladder);
	ops_destroy(h->ops);
	lines_destroy(h->lines);
	procs_destroy(h->procs);
	if (h->ctx.log_fd >= 0)
		close(h->ctx.log_fd);
	prepared_release(&h->is);
	free(h);
}
