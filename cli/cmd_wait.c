/* cmd_wait.c - `wf wait`: until runs, or a task of each, have ended. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"
#include "engine/base/os.h"

const struct opt cmd_wait_options[] = {
	{ .name = "timeout", .value = "TIME", .help = "give up after so long (90s, 10m, 2h; a plain number is seconds) and return 8; 0 asks once" },
	{ .name = "task", .value = "TASK", .help = "wait for this task of each run, and return 1 if it failed" },
	{ 0 },
};

/* Which of two exit codes tells more: still running, failed, canceled, done. Anything else is an error and wins. */
static int worse(int a, int b)
{
	static const int order[] = { 0, 9, 1, 8 };
	size_t x = WF_COUNT(order), y = WF_COUNT(order);

	for (size_t i = 0; i < WF_COUNT(order); i++) {
		if (order[i] == a)
			x = i;
		if (order[i] == b)
			y = i;
	}
	return y > x ? b : a;
}

static int task_is_ended(json_t *task)
{
	static const char *const ends[] = { "succeeded", "failed", "skipped", "canceled" };

	for (size_t i = 0; i < WF_COUNT(ends); i++)
		if (strcmp(field_str(task, "state"), ends[i]) == 0)
			return 1;
	return 0;
}

struct task_wait {
	struct client *client;
	const char *task;
	json_t *seen;
	struct wf_err err;
};

static json_t *task_get(struct client *c, const char *run, const char *task, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc;

	url_path(&url, "runs", run, "tasks", task, NULL);
	doc = client_get(c, &url, err);
	wf_buf_release(&url);
	return doc;
}

static int on_change(json_t *run, void *arg)
{
	struct task_wait *w = arg;
	json_t *task = task_get(w->client, field_str(run, "id"), w->task, &w->err);

	/* A lost engine is met again by the next request about the run. */
	if (!task)
		return !client_lost(&w->err);
	json_decref(w->seen);
	w->seen = task;
	w->err.code = WF_OK;
	return task_is_ended(task);
}

static int wait_task(struct client *c, struct out *out, const char *run, const char *task, int64_t deadline)
{
	struct task_wait w = { .client = c, .task = task };
	struct follow f = { .client = c, .run = run, .deadline_ms = deadline, .on_change = on_change, .arg = &w };
	struct wf_err err = { 0 };
	json_t *end = follow_run(&f, &err);
	int rc;

	if (!end || w.err.code != WF_OK) {
		rc = out_fail(out, end ? &w.err : &err);
	} else {
		const char *s = field_str(w.seen, "state");

		out_show(out, OUT_TASK, w.seen);
		rc = wf_code_exit(strcmp(s, "failed") == 0   ? WF_RUN_FAILED :
				  strcmp(s, "canceled") == 0 ? WF_RUN_CANCELED :
				  task_is_ended(w.seen)      ? WF_OK :
							       WF_STILL);
	}
	json_decref(end);
	json_decref(w.seen);
	return rc;
}

static int wait_run(struct client *c, struct out *out, const char *run, int64_t deadline, json_t *ended)
{
	struct follow f = { .client = c, .run = run, .deadline_ms = deadline };
	struct wf_err err;
	json_t *end = follow_run(&f, &err);
	int rc;

	if (!end)
		return out_fail(out, &err);
	if (out->mode == OUT_HUMAN)
		out_show(out, OUT_RUN, end);
	follow_hint(out, end);
	rc = run_exit(end);
	json_array_append_new(ended, end);
	return rc;
}

int cmd_wait(const struct args *args, struct out *out)
{
	const char *task = args_get(args, "task");
	json_t *ended = json_array();
	struct wf_err err;
	struct client *c = NULL;
	int64_t deadline;
	int rc = 0;

	if (follow_deadline(args_get(args, "timeout"), &deadline, &err) < 0 || !(c = client_open(CLIENT_START, &err))) {
		rc = out_fail(out, &err);
		goto out;
	}
	for (size_t i = 0; i < args->operand_count; i++) {
		int one = task ? wait_task(c, out, args->operands[i], task, deadline) :
				 wait_run(c, out, args->operands[i], deadline, ended);

		rc = worse(rc, one);
	}
	if (task || out->mode != OUT_JSON)
		goto out;
	if (args->operand_count == 1 && json_array_size(ended)) {
		out_show(out, OUT_RUN, json_array_get(ended, 0));
	} else if (args->operand_count > 1) {
		out_list_begin(out, OUT_RUNS);
		out_list_page(out, ended);
		out_list_end(out, NULL);
	}
out:
	json_decref(ended);
	client_close(c);
	return rc;
}
