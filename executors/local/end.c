/* end.c - owns what follows when the processes of an attempt are gone: verdict, outputs, result, output files, the record.
 *
 * An attempt that succeeded by its exit code is not done before its outputs and its result are there. On a network file system they may
 * show late: the attempt then waits in state CHECKING, looking again with growing pauses.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "executors/attempt/result.h"
#include "executors/attempt/setup.h"
#include "executors/local/local.h"

enum { REASON_MAX = 480 };
static const uint64_t CHECK_NS = 60000000000u; /* NFS caches absence that long */
static const uint64_t CHECK_FIRST_MS = 100, CHECK_LAST_MS = 5000;

/* ---- recording ----------------------------------------------------------------------------------------- */

static void set_reason(struct attempt *a, const char *reason)
{
	size_t n = reason ? strlen(reason) : 0;

	free(a->reason);
	a->reason = NULL;
	if (!n)
		return;
	/* The room reserved in the journal is for so much, and half a character helps nobody. */
	if (n > REASON_MAX) {
		n = REASON_MAX;
		while (n && ((unsigned char)reason[n] & 0xc0) == 0x80)
			n--;
	}
	a->reason = wf_xstrndup(reason, n);
}

/* It has ended for the agent: nothing of it is live any more. */
static void over(struct attempt *a, struct record *r)
{
	struct agent *g = a->agent;

	wf_timer_stop(g->loop, &a->timer);
	control_close(a->control);
	a->control = NULL;
	if (a->setup_fd >= 0)
		close(a->setup_fd);
	if (a->out_fd >= 0)
		close(a->out_fd);
	a->setup_fd = a->out_fd = -1;
	wf_fresh_release(a->outputs, a->output_count);
	a->outputs = NULL;
	a->output_count = 0;

	journal_give_back(&g->journal, a->room);
	a->room = 0;
	a->ended.type = r->type;
	a->ended.attempt = a;
	a->ended.cursor = journal_add(&g->journal, r);
	facts_add(g, &a->ended);
	a->state = ATTEMPT_ENDED;
	g->live--;
	g->placed -= a->placed;
	a->placed = 0;
	(void)WF_FAULT("agent.ended");
}

/* Only this file of output is ours; the one of a step's own choice is left as it is. */
static void settle_output(struct attempt *a)
{
	struct agent *g = a->agent;
	struct stat st;

	/* With our own children all accounted for, nobody but us has the file open. */
	if (a->out_fd >= 0)
		wf_output_settle(&g->logdirs, a->dir, &a->ref.key, WF_OUTPUT_OUT, a->out_fd, a->out_named,
				 g->children_fd >= 0 && !g->strays.count, &a->end.out);
	else if (a->stdout_path && a->started_ms && stat(a->stdout_path, &st) == 0)
		a->end.out = (struct wf_log_ref){ .where = WF_LOG_USER, .length = (uint64_t)st.st_size };
	if (a->stderr_path && a->started_ms && stat(a->stderr_path, &st) == 0)
		a->end.err = (struct wf_log_ref){ .where = WF_LOG_USER, .length = (uint64_t)st.st_size };
}

static void record_end(struct attempt *a)
{
	struct agent *g = a->agent;
	struct record r = { .type = RECORD_ENDED, .ref = a->ref };
	struct wf_err err;

	settle_output(a);
	a->out_fd = -1;
	a->ended_ms = wf_os_wall_ms(g->os);
	a->end.ref = a->ref;
	a->end.started_ms = a->started_ms;
	a->end.ended_ms = a->ended_ms;
	a->end.usage = a->usage;
	a->end.reason = a->reason;
	a->end.result = a->result;
	/* The ending has its room; a result is large, and can be read again from where it is. */
	if (a->result && journal_reserve(&g->journal, strlen(a->result), 0, &err) < 0) {
		wf_log(WF_LOG_WARN, "attempt %llu: %s; its result stays in '%s'", (unsigned long long)a->ref.number, err.text,
		       a->result_path);
		a->result_in_file = 1;
	}
	r.ended = a->end;
	r.result_in_file = a->result_in_file;
	over(a, &r);
}

void end_as(struct attempt *a, enum wf_class class, int exit, const char *reason)
{
	a->end.class = (uint8_t)class;
	a->end.exit = exit;
	set_reason(a, reason);
	record_end(a);
}

void end_lost(struct attempt *a, enum wf_lost_why why, const char *reason)
{
	struct record r = { .type = RECORD_LOST, .ref = a->ref, .why = (uint8_t)why };

	a->lost = 1;
	a->lost_why = (uint8_t)why;
	set_reason(a, reason);
	r.text = a->reason;
	over(a, &r);
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static void judge(struct attempt *a, struct wf_buf *reason)
{
	struct wf_verdict_in in = {
		.status = a->status,
		.stopped = (enum wf_stopped)a->stopped,
		.setup = a->has_setup,
		.success_codes = a->success_codes,
		.success_count = a->success_count,
		.timeout_ms = a->timeout_ms,
		.output_limit = a->output_limit,
	};
	int killed = (WIFSIGNALED(a->status) && WTERMSIG(a->status) == SIGKILL) ||
		     (WIFEXITED(a->status) && WEXITSTATUS(a->status) == 128 + SIGKILL);
	struct wf_verdict v;

	if (a->setup_fd >= 0 && !a->setup_passed)
		a->setup_passed = (uint8_t)wf_setup_passed(a->setup_fd);
	in.setup_passed = a->setup_passed;
	if (killed && !a->stopped)
		in.out_of_memory = oom_watch_look(&a->agent->oom);
	v = wf_attempt_verdict(&in, reason);
	a->end.class = (uint8_t)v.class;
	a->end.exit = v.exit;
	a->judged = 1;
}

/* 1 when all are there, 0 when one is not (and the reason says which), -1 to look again later. */
static int outputs_are_there(struct attempt *a, struct wf_buf *reason)
{
	struct agent *g = a->agent;
	uint64_t now = wf_os_mono_ns(g->os);

	if (!a->check_until_ns)
		a->check_until_ns = now + CHECK_NS;
	for (size_t i = 0; i < a->output_count; i++) {
		switch (wf_fresh_after(g->os, &a->outputs[i], a->first_started_ms, a->update)) {
		case WF_FRESH_WRITTEN:
			continue;
		case WF_FRESH_LATER:
			if (now < a->check_until_ns)
				return -1;
			wf_buf_printf(reason, "its output '%s' was not written (looked for it for %u s)", a->outputs[i].path,
				      (unsigned)(CHECK_NS / 1000000000u));
			break;
		case WF_FRESH_ABSENT:
			wf_buf_printf(reason, "its output '%s' does not exist", a->outputs[i].path);
			break;
		case WF_FRESH_STALE:
			wf_buf_printf(reason, "its output '%s' exists, but the task did not write it", a->outputs[i].path);
			break;
		}
		a->end.class = WF_CLASS_OUTPUT_MISSING;
		return 0;
	}
	return 1;
}

static void take_result(struct attempt *a, struct wf_buf *reason)
{
	struct wf_buf text = { 0 };
	struct wf_err err = { 0 };
	int rc = a->result_path ? wf_attempt_result(a->agent->os, a->result_path, &text, &err) : 1;

	if (rc == 0) {
		a->result = wf_buf_take(&text);
		return;
	}
	wf_buf_release(&text);
	if (a->results_needed) {
		a->end.class = WF_CLASS_OUTPUT_MISSING;
		if (rc > 0)
			wf_buf_printf(reason, "its result '%s' was not written", a->result_path ? a->result_path : "");
		else
			wf_buf_str(reason, err.text);
	} else if (rc < 0) {
		/* Nobody was promised one, but whoever wrote it will wonder. */
		wf_buf_printf(reason, "%s, ignoring it", err.text);
	}
}

static void look_again_later(struct attempt *a)
{
	a->check_wait_ms = a->check_wait_ms ? a->check_wait_ms * 2 : CHECK_FIRST_MS;
	if (a->check_wait_ms > CHECK_LAST_MS)
		a->check_wait_ms = CHECK_LAST_MS;
	a->state = ATTEMPT_CHECKING;
	wf_timer_start(a->agent->loop, &a->timer, a->check_wait_ms);
}

void end_attempt(struct attempt *a)
{
	struct wf_buf reason = { 0 };

	if (a->control)
		control_drain(a->control);
	if (!a->judged)
		judge(a, &reason);
	if (a->end.class == WF_CLASS_OK) {
		int there = outputs_are_there(a, &reason);

		if (there < 0) {
			look_again_later(a);
			wf_buf_release(&reason);
			return;
		}
		if (there)
			take_result(a, &reason);
	}
	set_reason(a, reason.len ? reason.data : NULL);
	record_end(a);
	wf_buf_release(&reason);
}
