/* cmd_logs.c - `wf logs`: what tasks printed. Bytes go to standard output as they are; what names a task stands between
 * them. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/logs.h"
#include "cli/runs.h"
#include "cli/show.h"

const struct opt cmd_logs_options[] = {
	{ .letter = 'f', .name = "follow", .help = "go on until the task, or the run, has ended" },
	{ .name = "failed", .help = "only tasks that failed" },
	{ .name = "tail", .value = "N", .help = "only the last N lines of each" },
	{ .name = "attempt", .value = "N", .help = "of this attempt; the last when not given" },
	{ .name = "stderr", .help = "standard error, where a step separates it" },
	{ 0 },
};

static void heading(struct out *out, json_t *task)
{
	const struct term *t = &out->screen;

	printf("%s==> ", term_on(t, BOLD));
	printf("%s (attempt %lld, %s", field_str(task, "id"), (long long)field_int(task, "attempt"), field_str(task, "state"));
	if (*field_str(task, "reason")) {
		printf(": ");
		show_text(field_str(task, "reason"));
	}
	printf(") <==%s\n", term_off(t, BOLD));
}

/* Every task that the filter names and that has begun, page by page. */
static int print_many(struct log_reader *r, const char *step, int failed, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	char *next = NULL;
	int rc = 0, any = 0;

	do {
		json_t *doc, *task;
		size_t i;

		url_path(&url, "runs", r->run, "tasks", NULL);
		url_query(&url, "step", step);
		url_query(&url, "state", failed ? "failed" : NULL);
		url_query(&url, "page_token", next);
		free(next);
		next = NULL;
		doc = client_get(r->client, &url, err);
		if (!doc) {
			rc = -1;
			break;
		}
		json_array_foreach(json_object_get(doc, "items"), i, task) {
			if (!field_int(task, "attempt"))
				continue;
			if (any++)
				fputs(r->mid_line ? "\n\n" : "\n", stdout);
			r->mid_line = 0;
			heading(r->out, task);
			if (log_print(r, field_str(task, "id"), err) < 0 && err->code != WF_NOT_FOUND) {
				rc = -1;
				break;
			}
		}
		if (field_has(doc, "next"))
			next = wf_xstrdup(field_str(doc, "next"));
		json_decref(doc);
	} while (rc == 0 && next && *next);
	if (rc == 0 && !any)
		out_say(r->out, failed ? "no task has failed" : "no task has begun");
	free(next);
	wf_buf_release(&url);
	return rc;
}

static int print_if_failed(struct log_reader *r, const char *task, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc;
	int rc = 0;

	url_path(&url, "runs", r->run, "tasks", task, NULL);
	doc = client_get(r->client, &url, err);
	wf_buf_release(&url);
	if (!doc)
		return -1;
	if (strcmp(field_str(doc, "state"), "failed") == 0)
		rc = log_print(r, task, err);
	else
		out_say(r->out, "%s has not failed: it is %s", task, field_str(doc, "state"));
	json_decref(doc);
	return rc;
}

/* `sim` may be the one task of a step, or all tasks of one that fans out. */
static int is_fan_out(struct log_reader *r, const char *task, int *many, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc, *items;

	*many = 0;
	if (strchr(task, '['))
		return 0;
	url_path(&url, "runs", r->run, "tasks", NULL);
	url_query(&url, "step", task);
	url_number(&url, "page_size", 2);
	doc = client_get(r->client, &url, err);
	wf_buf_release(&url);
	if (!doc)
		return -1;
	items = json_object_get(doc, "items");
	*many = json_array_size(items) > 1 ||
		(json_array_size(items) == 1 && strcmp(field_str(json_array_get(items, 0), "id"), task) != 0);
	json_decref(doc);
	return 0;
}

int cmd_logs(const struct args *args, struct out *out)
{
	const char *task = args_operand(args, 1);
	struct wf_err err;
	struct log_reader r = { .out = out, .run = args_operand(args, 0), .stream_stderr = args_has(args, "stderr") };
	int follow = args_has(args, "follow"), failed = args_has(args, "failed"), many = !task, rc;

	if (args_number(args, "tail", 0, 1000000000, -1, &r.tail, &err) < 0 ||
	    args_number(args, "attempt", 1, INT32_MAX, 0, &r.attempt, &err) < 0)
		return out_fail(out, &err);
	if (follow && failed) {
		wf_errf(&err, WF_USAGE, "'--failed' and '--follow' exclude each other: what has failed prints no more");
		return out_fail(out, &err);
	}
	r.client = client_open(CLIENT_START, &err);
	rc = r.client ? 0 : -1;
	if (rc == 0 && task)
		rc = is_fan_out(&r, task, &many, &err);
	if (rc == 0 && task && !many && failed)
		rc = print_if_failed(&r, task, &err);
	else if (rc == 0 && many)
		rc = follow ? log_follow_all(&r, task, &err) : print_many(&r, task, failed, &err);
	else if (rc == 0)
		rc = follow ? log_follow(&r, task, &err) : log_print(&r, task, &err);
	client_close(r.client);
	return rc < 0 ? out_fail(out, &err) : 0;
}
