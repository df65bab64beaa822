/* show_run.c - owns how runs and their steps look to people. */
#include <stdio.h>
#include <string.h>

#include "cli/field.h"
#include "cli/show.h"
#include "cli/grid.h"

/* In the order in which people want to know. */
static const char *const states[] = {
	"failed", "held", "unknown", "canceling", "running", "queued", "submitting", "ready", "waiting",
	"skipped", "canceled", "succeeded",
};

void counts_words(json_t *counts, int all, struct wf_buf *b)
{
	const char *gap = "";

	/* "succeeded" is the last. */
	for (size_t i = 0; i < WF_COUNT(states) - !all; i++) {
		int64_t n = field_int(counts, states[i]);

		if (!n)
			continue;
		wf_buf_printf(b, "%s%lld %s", gap, (long long)n, states[i]);
		gap = ", ";
	}
	if (!*gap && all)
		wf_buf_str(b, "no tasks");
}

const char *step_state(json_t *counts)
{
	int64_t total = field_int(counts, "total");

	/* Whatever needs a person or is under way decides the word; else what all of it came to. */
	for (size_t i = 0; i < WF_COUNT(states); i++) {
		int64_t n = field_int(counts, states[i]);

		if (n && strcmp(states[i], "waiting") == 0 && counts_done(counts) && counts_done(counts) < total)
			return "running";
		if (n)
			return states[i];
	}
	return "waiting";
}

void run_sentence(json_t *run, struct wf_buf *b)
{
	json_t *counts = json_object_get(run, "counts");
	int64_t elapsed = run_elapsed(run), total = field_int(counts, "total");
	char time[24];
	const char *state = field_str(run, "state");

	wf_buf_printf(b, "%s (%s) %s", field_str(run, "name"), run_short(run), state);
	if (elapsed >= 0 && (run_is_ended(run) || strcmp(state, "running") == 0))
		wf_buf_printf(b, " %s %s",
			      strcmp(state, "succeeded") == 0 ? "in" : run_is_ended(run) ? "after" : "for",
			      text_duration(elapsed, time));
	wf_buf_str(b, ": ");
	if (field_int(counts, "succeeded") == total)
		wf_buf_printf(b, "%lld of %lld tasks succeeded", (long long)total, (long long)total);
	else
		counts_words(counts, 1, b);
}

void show_run(struct out *out, json_t *run)
{
	struct wf_buf b = { 0 };
	enum style s = style_of(field_str(run, "state"));

	run_sentence(run, &b);
	fputs(term_on(&out->screen, s), stdout);
	show_text(wf_buf_cstr(&b));
	printf("%s\n", term_off(&out->screen, s));
	wf_buf_release(&b);
}

void show_submitted(struct out *out, json_t *run)
{
	int64_t total = field_count(run, "total");

	(void)out;
	printf("run %s\n", field_str(run, "id"));
	printf("  name      ");
	show_text(field_str(run, "name"));
	printf("\n  tasks     %lld\n  executor  %s", (long long)total, field_str(run, "executor"));
	if (*field_str(run, "executor_why")) {
		printf(" (");
		show_text(field_str(run, "executor_why"));
		putchar(')');
	}
	printf("\n  follow    wf watch %s\n", run_short(run));
}

/* ---- lists -------------------------------------------------------------------------------------------- */

void show_runs(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "RUN" },   { .head = "NAME", .elastic = 1 },         { .head = "STATE" },
		{ .head = "DONE", .right = 1 }, { .head = "FAILED", .right = 1 }, { .head = "TIME", .right = 1 },
		{ .head = "CREATED" },
	};
	struct grid t;
	size_t i;
	json_t *run;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, run) {
		json_t *counts = json_object_get(run, "counts");
		const char *state = field_str(run, "state");
		int64_t failed = field_int(counts, "failed"), created = field_time(run, "created_at");
		char time[24], clock[32];

		grid_cell(&t, PLAIN, "%s", run_short(run));
		grid_cell(&t, PLAIN, "%s", field_str(run, "name"));
		grid_cell(&t, style_of(state), "%s", state);
		grid_cell(&t, PLAIN, "%lld/%lld", (long long)counts_done(counts), (long long)field_int(counts, "total"));
		if (failed)
			grid_cell(&t, BAD, "%lld", (long long)failed);
		else
			grid_cell(&t, PLAIN, "%s", "");
		grid_cell(&t, PLAIN, "%s", text_duration(run_elapsed(run), time));
		/* To the minute: the line has to fit. */
		grid_cell(&t, DIM, "%.16s", created ? text_clock(created, clock) : "-");
	}
	grid_print(&t, &out->screen);
	grid_release(&t);
}

/* ---- one run in full ------------------------------------------------------------------------------------ */

/* Whether text names it as a word of its own: a step 'sig' is not named by "signal". */
static int names(const char *text, const char *what)
{
	static const char inside[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-[";
	size_t n = strlen(what);

	for (const char *at = text; (at = strstr(at, what)); at++)
		if ((at == text || !strchr(inside, at[-1])) && (!at[n] || !strchr(inside, at[n])))
			return 1;
	return 0;
}

/* The text may name the task or service itself. */
void attention_words(json_t *a, struct wf_buf *b)
{
	const char *what = *field_str(a, "task") ? field_str(a, "task") : field_str(a, "service");
	const char *text = *field_str(a, "text") ? field_str(a, "text") : field_str(a, "kind");

	if (*what && !names(text, what))
		wf_buf_printf(b, "%s: ", what);
	wf_buf_str(b, text);
}

static void attention(struct out *out, json_t *items)
{
	size_t i;
	json_t *a;

	json_array_foreach(items, i, a) {
		struct wf_buf b = { 0 };

		attention_words(a, &b);
		show_head(out, i ? "" : "look at");
		printf("%s", term_on(&out->screen, BAD));
		show_text(wf_buf_cstr(&b));
		printf("%s\n", term_off(&out->screen, BAD));
		wf_buf_release(&b);
	}
}

void show_overview(struct out *out, json_t *view)
{
	json_t *runs = json_object_get(view, "runs"), *services = json_object_get(view, "services"), *run;
	int any = 0;
	size_t i;

	show_runs(out, runs);
	json_array_foreach(runs, i, run) {
		if (!json_array_size(json_object_get(run, "attention")))
			continue;
		if (!any++)
			putchar('\n');
		show_head(out, "run");
		show_text(field_str(run, "name"));
		printf(" %s\n", run_short(run));
		attention(out, json_object_get(run, "attention"));
	}
	if (json_array_size(services)) {
		putchar('\n');
		show_services(out, services);
	}
}

static void steps(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "STEP", .elastic = 1 }, { .head = "STATE" }, { .head = "DONE", .right = 1 }, { .head = "TASKS" },
	};
	struct grid t;
	size_t i;
	json_t *s;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, s) {
		json_t *counts = json_object_get(s, "counts");
		const char *state = step_state(counts);
		struct wf_buf words = { 0 };

		counts_words(counts, 1, &words);
		grid_cell(&t, PLAIN, "%s", field_str(s, "step"));
		grid_cell(&t, style_of(state), "%s", state);
		if (field_has(s, "count"))
			grid_cell(&t, PLAIN, "%lld/%lld", (long long)counts_done(counts), (long long)field_int(s, "count"));
		else
			grid_cell(&t, PLAIN, "?");
		grid_cell(&t, DIM, "%s", wf_buf_cstr(&words));
		wf_buf_release(&words);
	}
	if (t.count)
		putchar('\n');
	grid_print(&t, &out->screen);
	grid_release(&t);
}

void show_status(struct out *out, json_t *view)
{
	json_t *run = json_object_get(view, "run"), *counts = json_object_get(run, "counts");
	json_t *services = json_object_get(view, "services");
	int64_t started = field_time(run, "started_at"), elapsed = run_elapsed(run);
	const char *state = field_str(run, "state");
	struct wf_buf words = { 0 };
	char time[24], clock[32];

	show_head(out, "run");
	show_text(field_str(run, "name"));
	printf("  %s\n", field_str(run, "id"));
	show_head(out, "state");
	show_state(out, state);
	if (elapsed >= 0)
		printf(" %s %s", run_is_ended(run) ? "after" : "for", text_duration(elapsed, time));
	if (started)
		printf(", started %s", text_clock(started, clock));
	putchar('\n');
	counts_words(counts, 1, &words);
	show_head(out, "tasks");
	printf("%lld of %lld done (%s)\n", (long long)counts_done(counts), (long long)field_int(counts, "total"),
	       wf_buf_cstr(&words));
	wf_buf_release(&words);
	show_head(out, "executor");
	show_text(field_str(run, "executor"));
	if (*field_str(run, "executor_why")) {
		fputs(" (", stdout);
		show_text(field_str(run, "executor_why"));
		putchar(')');
	}
	putchar('\n');
	if (*field_str(run, "workdir")) {
		show_head(out, "workdir");
		show_text(field_str(run, "workdir"));
		putchar('\n');
	}
	if (*field_str(run, "message")) {
		show_head(out, "last");
		show_text(field_str(run, "message"));
		putchar('\n');
	}
	attention(out, json_object_get(run, "attention"));
	steps(out, json_object_get(view, "steps"));
	if (json_array_size(services)) {
		putchar('\n');
		show_services(out, services);
	}
}
