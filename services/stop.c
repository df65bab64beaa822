/* stop.c - owns the way down; knows neither why the member ends nor what is told about it.
 *
 *     idle > acting (a request is under way) > waiting (for its effect) > acting ... > killing > idle
 *
 * idle waits for ladder_start; acting for the answer of a request, at most the step's wait; waiting for the last process or the step's
 * end; killing for the last process, SIGKILL repeated because a process may fork while we look for it.
 *
 * A member without any process (a command that told another daemon to work for it) has nothing whose end could be awaited: its
 * requests are made one after the other and its signals skipped.
 */
#include "services/stop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"

enum {
	DEFAULT_WAIT_MS = 10000,
	KILL_EVERY_MS = 50,
	KILL_LIMIT_MS = 10000,         /* after that a process hangs in the kernel */
};

enum ladder_state { LADDER_IDLE, LADDER_ACTING, LADDER_WAITING, LADDER_KILLING };

struct ladder {
	const struct probe_ctx *ctx;
	const struct child *leader;
	void (*on_done)(void *arg, int all_gone);
	void *arg;

	enum ladder_state state;
	json_t *steps;
	size_t at;                     /* the step under way */
	struct probe *request;
	int sig;                       /* of the step, 0: none */
	int strays_told;               /* `sig` went to the strays too */
	int had_processes;
	int64_t step_end_ms;
	int64_t budget_end_ms;         /* 0: none */
	int64_t kill_end_ms;
	struct wf_timer timer;
};

static int64_t now_ms(const struct ladder *l)
{
	return wf_os_mono_ms(l->ctx->os);
}

static void enter_step(struct ladder *l);
static void enter_killing(struct ladder *l);

static void finish(struct ladder *l, int all_gone)
{
	l->state = LADDER_IDLE;
	wf_timer_stop(l->ctx->loop, &l->timer);
	probe_destroy(l->request);
	l->request = NULL;
	json_decref(l->steps);
	l->steps = NULL;
	l->on_done(l->arg, all_gone);
}

/* Wake at the step's end, or when the budget needs its rest for SIGKILL. */
static void arm(struct ladder *l)
{
	int64_t end = l->step_end_ms, now = now_ms(l);

	if (l->budget_end_ms && l->budget_end_ms < end)
		end = l->budget_end_ms;
	wf_timer_start(l->ctx->loop, &l->timer, end > now ? (uint64_t)(end - now) : 0);
}

static int is_over_budget(const struct ladder *l)
{
	return l->budget_end_ms && now_ms(l) >= l->budget_end_ms;
}

/* Something ended, or a time came: the one place that moves on. */
static void tick(struct ladder *l)
{
	if (l->state == LADDER_IDLE)
		return;
	if (l->had_processes && procs_none(l->ctx->procs)) {
		finish(l, 1);
		return;
	}
	if (l->state == LADDER_KILLING) {
		if (now_ms(l) >= l->kill_end_ms) {
			finish(l, 0);
			return;
		}
		procs_kill_all(l->ctx->procs);
		wf_timer_start(l->ctx->loop, &l->timer, KILL_EVERY_MS);
		return;
	}
	if (is_over_budget(l)) {
		enter_killing(l);
		return;
	}
	if (now_ms(l) >= l->step_end_ms || (l->state == LADDER_WAITING && !l->had_processes)) {
		l->at++;
		enter_step(l);
		return;
	}
	/* The first process went, what it left behind has not heard yet. */
	if (l->state == LADDER_WAITING && l->sig && !l->leader->pid && !l->strays_told) {
		l->strays_told = 1;
		procs_signal_strays(l->ctx->procs, l->sig);
	}
	arm(l);
}

static void on_timer(struct wf_timer *t)
{
	tick(wf_container_of(t, struct ladder, timer));
}

/* ---- one step ---------------------------------------------------------------------------------------- */

static void on_answer(void *arg, int passed, const char *text)
{
	struct ladder *l = arg;

	/* A server that is told to go often goes without an answer. What counts is whether it went. */
	if (!passed)
		wf_log(WF_LOG_DEBUG, "stop: %s", text);
	l->state = LADDER_WAITING;
	tick(l);
}

static int signal_of(const char *name)
{
	static const struct {
		const char *name;
		int sig;
	} table[] = { { "TERM", SIGTERM }, { "INT", SIGINT },   { "HUP", SIGHUP },   { "QUIT", SIGQUIT },
		      { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 }, { "KILL", SIGKILL } };

	for (size_t i = 0; name && i < WF_COUNT(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].sig;
	return 0;
}

static void request(struct ladder *l, json_t *step, int64_t wait_ms)
{
	struct wf_err err;

	probe_destroy(l->request);
	l->request = probe_create(l->ctx, step, &err);
	if (!l->request) {
		wf_log(WF_LOG_WARN, "stop: %s, ignoring", err.text);
		l->state = LADDER_WAITING;
		l->step_end_ms = now_ms(l);
		return;
	}
	l->state = LADDER_ACTING;
	probe_ask(l->request, wait_ms > 0 ? wait_ms : 1, on_answer, l);
}

static void enter_step(struct ladder *l)
{
	json_t *step = json_array_get(l->steps, l->at);
	int64_t wait_ms = probe_time(step, "wait", DEFAULT_WAIT_MS), now = now_ms(l);

	l->sig = signal_of(json_string_value(json_object_get(step, "signal")));
	if (!step || l->sig == SIGKILL) {
		enter_killing(l);
		return;
	}
	if (l->budget_end_ms && now + wait_ms > l->budget_end_ms)
		wait_ms = l->budget_end_ms > now ? l->budget_end_ms - now : 0;
	l->step_end_ms = now + wait_ms;
	l->strays_told = 0;
	if (!l->sig) {
		request(l, step, wait_ms);
	} else {
		l->state = LADDER_WAITING;
		if (l->leader->pid) {
			procs_signal(l->ctx->procs, l->leader, l->sig);
		} else {
			l->strays_told = 1;
			procs_signal_strays(l->ctx->procs, l->sig);
		}
	}
	arm(l);
}

static void enter_killing(struct ladder *l)
{
	probe_destroy(l->request);
	l->request = NULL;
	if (procs_none(l->ctx->procs)) {
		finish(l, 1);
		return;
	}
	l->had_processes = 1;
	l->state = LADDER_KILLING;
	l->kill_end_ms = now_ms(l) + KILL_LIMIT_MS;
	procs_kill_all(l->ctx->procs);
	wf_timer_start(l->ctx->loop, &l->timer, KILL_EVERY_MS);
}

/* ---- door -------------------------------------------------------------------------------------------- */

/* A fifth of the time, at most a second, belongs to SIGKILL. */
static void set_budget(struct ladder *l, int64_t budget_ms)
{
	int64_t rest = budget_ms / 5 < 1000 ? budget_ms / 5 : 1000, end = now_ms(l) + budget_ms - rest;

	if (!l->budget_end_ms || end < l->budget_end_ms)
		l->budget_end_ms = end;
}

void ladder_start(struct ladder *l, json_t *steps, int64_t budget_ms)
{
	WF_ASSERT(l->state == LADDER_IDLE);
	l->steps = json_incref(steps);
	l->at = 0;
	l->budget_end_ms = 0;
	if (budget_ms > 0)
		set_budget(l, budget_ms);
	l->had_processes = !procs_none(l->ctx->procs);
	l->state = LADDER_WAITING;
	/* on_done may not come from inside: the first step waits for the loop. */
	l->at = (size_t)-1;
	l->step_end_ms = now_ms(l);
	wf_timer_start(l->ctx->loop, &l->timer, 0);
}

void ladder_hurry(struct ladder *l, int64_t budget_ms)
{
	if (l->state == LADDER_IDLE)
		return;
	set_budget(l, budget_ms);
	if (l->state != LADDER_KILLING)
		wf_timer_start(l->ctx->loop, &l->timer, 0);
}

void ladder_change(struct ladder *l)
{
	if (l->state != LADDER_IDLE)
		wf_timer_start(l->ctx->loop, &l->timer, 0);
}

int ladder_is_running(const struct ladder *l)
{
	return l->state != LADDER_IDLE;
}

struct ladder *ladder_create(const struct probe_ctx *ctx, const struct child *leader, void (*on_done)(void *arg, int all_gone), void *arg)
{
	struct ladder *l = wf_xcalloc(1, sizeof(*l));

	l->ctx = ctx;
	l->leader = leader;
	l->on_done = on_done;
	l->arg = arg;
	l->timer.fn = on_timer;
	return l;
}

void ladder_destroy(struct ladder *l)
{
	if (!l)
		return;
	wf_timer_stop(l->ctx->loop, &l->timer);
	probe_destroy(l->request);
	json_decref(l->steps);
	free(l);
}
