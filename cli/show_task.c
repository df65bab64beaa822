/* show_task.c - owns how tasks, their reasons and events look to people. */
#include <stdio.h>
#include <string.h>

#include "cli/field.h"
#include "cli/show.h"
#include "cli/grid.h"
#include "engine/base/json.h"
#include "engine/base/os.h"

static int64_t elapsed(json_t *t)
{
	int64_t from = field_time(t, "started_at"), to = field_time(t, "ended_at");

	if (!from)
		return -1;
	return (to ? to : wf_os_wall_ms(wf_os_posix())) - from;
}

/* "exit 3", "signal 9", "timeout": how it ended, in few words. */
static void ending(json_t *t, struct wf_buf *b)
{
	const char *class = field_str(t, "class");

	wf_buf_add(b, "", 0);
	if (strcmp(class, "exit") == 0 && field_has(t, "exit_code"))
		wf_buf_printf(b, "exit %lld", (long long)field_int(t, "exit_code"));
	else if (strcmp(class, "signal") == 0 && field_has(t, "signal"))
		wf_buf_printf(b, "signal %lld", (long long)field_int(t, "signal"));
	else if (strcmp(class, "ok") != 0)
		wf_buf_str(b, class);
}

static void state_cell(struct grid *t, json_t *task)
{
	const char *state = field_str(task, "state");

	grid_cell(t, style_of(state), "%s%s", state, field_true(task, "ahead") ? " (queued ahead)" : "");
}

void show_tasks(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "TASK" },  { .head = "STATE" }, { .head = "TRY", .right = 1 }, { .head = "TIME", .right = 1 },
		{ .head = "ENDED" }, { .head = "HOST" },  { .head = "REASON", .elastic = 1 },
	};
	struct grid t;
	size_t i;
	json_t *task;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, task) {
		int64_t ms = elapsed(task), attempt = field_int(task, "attempt");
		struct wf_buf end = { 0 };
		char time[24];

		ending(task, &end);
		grid_cell(&t, PLAIN, "%s", field_str(task, "id"));
		state_cell(&t, task);
		if (attempt)
			grid_cell(&t, PLAIN, "%lld", (long long)attempt);
		else
			grid_cell(&t, PLAIN, "%s", "");
		grid_cell(&t, PLAIN, "%s", ms >= 0 ? text_duration(ms, time) : "");
		grid_cell(&t, PLAIN, "%s", wf_buf_cstr(&end));
		grid_cell(&t, DIM, "%s", field_str(task, "host"));
		grid_cell(&t, PLAIN, "%s", field_str(task, "reason"));
		wf_buf_release(&end);
	}
	grid_print(&t, &out->screen);
	grid_release(&t);
}

/* ---- one task -------------------------------------------------------------------------------------------- */

/* A word that a shell would read as one word is printed bare, another in single quotes. */
static void shell_word(struct wf_buf *b, const char *w)
{
	static const char tame[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:,+@%=-";

	if (*w && w[strspn(w, tame)] == '\0') {
		wf_buf_str(b, w);
		return;
	}
	wf_buf_char(b, '\'');
	for (; *w; w++) {
		if (*w == '\'')
			wf_buf_str(b, "'\\''");
		else
			wf_buf_char(b, *w);
	}
	wf_buf_char(b, '\'');
}

static void words(struct out *out, const char *head, json_t *list)
{
	struct wf_buf b = { 0 };
	size_t i;
	json_t *w;

	if (!json_array_size(list))
		return;
	json_array_foreach(list, i, w) {
		if (i)
			wf_buf_char(&b, ' ');
		shell_word(&b, json_string_value(w) ? json_string_value(w) : "");
	}
	show_head(out, head);
	show_text(wf_buf_cstr(&b));
	putchar('\n');
	wf_buf_release(&b);
}

static void members(struct out *out, const char *head, json_t *obj)
{
	const char *key;
	json_t *v;
	int first = 1;

	json_object_foreach(obj, key, v) {
		struct wf_buf b = { 0 };

		if (json_is_string(v))
			wf_buf_str(&b, json_string_value(v));
		else
			wf_json_dump(v, &b);
		show_head(out, first ? head : "");
		show_text(key);
		fputs(" = ", stdout);
		show_text(wf_buf_cstr(&b));
		putchar('\n');
		wf_buf_release(&b);
		first = 0;
	}
}

static void text_line(struct out *out, const char *head, const char *text)
{
	if (!*text)
		return;
	show_head(out, head);
	show_text(text);
	putchar('\n');
}

static void usage(json_t *u, struct wf_buf *b)
{
	char text[24];

	wf_buf_add(b, "", 0);
	if (field_has(u, "cpu_ms"))
		wf_buf_printf(b, "%s", text_duration(field_int(u, "cpu_ms"), text));
	if (field_has(u, "max_rss_kib"))
		wf_buf_printf(b, "%s%s", b->len ? " / " : "", text_bytes((uint64_t)field_int(u, "max_rss_kib") * 1024, text));
}

static void attempts(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "TRY", .right = 1 }, { .head = "STATE" }, { .head = "ENDED" }, { .head = "TIME", .right = 1 },
		{ .head = "CPU / MEMORY" }, { .head = "HOST" }, { .head = "REASON", .elastic = 1 },
	};
	struct grid t;
	size_t i;
	json_t *a;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, a) {
		const char *state = field_str(a, "state");
		struct wf_buf end = { 0 }, used = { 0 };
		int64_t ms = elapsed(a);
		char time[24];

		ending(a, &end);
		usage(json_object_get(a, "usage"), &used);
		grid_cell(&t, PLAIN, "%lld", (long long)field_int(a, "attempt"));
		grid_cell(&t, style_of(state), "%s", state);
		grid_cell(&t, PLAIN, "%s", wf_buf_cstr(&end));
		grid_cell(&t, PLAIN, "%s", ms >= 0 ? text_duration(ms, time) : "");
		grid_cell(&t, PLAIN, "%s", wf_buf_cstr(&used));
		grid_cell(&t, DIM, "%s", field_str(a, "host"));
		grid_cell(&t, PLAIN, "%s", field_str(a, "reason"));
		wf_buf_release(&end);
		wf_buf_release(&used);
	}
	if (t.count)
		putchar('\n');
	grid_print(&t, &out->screen);
	grid_release(&t);
}

void show_task(struct out *out, json_t *task)
{
	const char *state = field_str(task, "state");
	struct wf_buf result = { 0 };

	text_line(out, "task", field_str(task, "id"));
	show_head(out, "state");
	show_state(out, state);
	putchar('\n');
	text_line(out, "why", field_str(task, "why"));
	text_line(out, "executor", field_str(task, "executor"));
	words(out, "command", json_object_get(task, "command"));
	text_line(out, "workdir", field_str(task, "workdir"));
	members(out, "with", json_object_get(task, "parameters"));
	words(out, "inputs", json_object_get(task, "inputs"));
	words(out, "outputs", json_object_get(task, "outputs"));
	if (field_has(task, "result")) {
		wf_json_dump(json_object_get(task, "result"), &result);
		text_line(out, "result", wf_buf_cstr(&result));
		wf_buf_release(&result);
	}
	attempts(out, json_object_get(task, "attempts"));
}

void show_why(struct out *out, json_t *why)
{
	const char *state = field_str(why, "state");
	size_t i;
	json_t *b;

	show_text(*field_str(why, "why") ? field_str(why, "why") : state);
	putchar('\n');
	json_array_foreach(json_object_get(why, "because"), i, b) {
		const char *s = field_str(b, "state");

		fputs("  ", stdout);
		show_text(*field_str(b, "task") ? field_str(b, "task") : field_str(b, "service"));
		if (*s) {
			putchar(' ');
			show_state(out, s);
		}
		if (*field_str(b, "text")) {
			fputs(": ", stdout);
			show_text(field_str(b, "text"));
		}
		putchar('\n');
	}
}

/* ---- events ------------------------------------------------------------------------------------------------ */

void show_event(struct out *out, json_t *event)
{
	json_t *subject = json_object_get(event, "subject"), *id = json_object_get(subject, "id"), *v;
	int64_t at = field_time(event, "at");
	struct wf_buf data = { 0 };
	char clock[32];
	const char *key;

	if (json_is_string(id))
		wf_buf_str(&data, json_string_value(id));
	else if (id)
		wf_json_dump(id, &data);
	json_object_foreach(json_object_get(event, "data"), key, v) {
		wf_buf_printf(&data, " %s=", key);
		if (json_is_string(v))
			wf_buf_str(&data, json_string_value(v));
		else
			wf_json_dump(v, &data);
	}
	printf("%s%8lld  %s%s  %-20s ", term_on(&out->screen, DIM), (long long)field_int(event, "seq"),
	       at ? text_clock(at, clock) : "-", term_off(&out->screen, DIM), field_str(event, "kind"));
	show_text(wf_buf_cstr(&data));
	putchar('\n');
	wf_buf_release(&data);
}

void show_events(struct out *out, json_t *items)
{
	size_t i;
	json_t *event;

	json_array_foreach(items, i, event)
		show_event(out, event);
}
