/* show_plan.c - owns how a plan looks to people. */
#include <stdio.h>
#include <string.h>

#include "cli/field.h"
#include "cli/show.h"
#include "cli/grid.h"

static void join(json_t *names, const char *gap, struct wf_buf *b)
{
	size_t i;
	json_t *n;

	wf_buf_add(b, "", 0);
	json_array_foreach(names, i, n)
		wf_buf_printf(b, "%s%s", i ? gap : "", json_string_value(n));
}

static void steps(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "LEVEL", .right = 1 }, { .head = "STEP" }, { .head = "TASKS", .right = 1 }, { .head = "CORES", .right = 1 },
		{ .head = "MEMORY", .right = 1 }, { .head = "TIME", .right = 1 }, { .head = "SERVICES" },
		{ .head = "AFTER", .elastic = 1 },
	};
	struct grid t;
	size_t i;
	json_t *s;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, s) {
		struct wf_buf after = { 0 }, services = { 0 };
		char text[24];

		join(json_object_get(s, "after"), ", ", &after);
		join(json_object_get(s, "services"), ", ", &services);
		grid_cell(&t, DIM, "%lld", (long long)field_int(s, "level"));
		grid_cell(&t, PLAIN, "%s", field_str(s, "step"));
		if (field_has(s, "tasks"))
			grid_cell(&t, PLAIN, "%lld", (long long)field_int(s, "tasks"));
		else
			grid_cell(&t, DIM, "later");
		grid_cell(&t, PLAIN, "%lld", (long long)field_int(s, "cpus"));
		grid_cell(&t, PLAIN, "%s", field_has(s, "memory") ? text_bytes((uint64_t)field_int(s, "memory"), text) : "");
		grid_cell(&t, PLAIN, "%s", field_has(s, "time_ms") ? text_duration(field_int(s, "time_ms"), text) : "");
		grid_cell(&t, PLAIN, "%s", wf_buf_cstr(&services));
		grid_cell(&t, DIM, "%s", wf_buf_cstr(&after));
		wf_buf_release(&after);
		wf_buf_release(&services);
	}
	grid_print(&t, &out->screen);
	grid_release(&t);
}

static void service(struct out *out, json_t *s)
{
	struct wf_buf first = { 0 }, last = { 0 };

	join(json_object_get(s, "first"), ", ", &first);
	join(json_object_get(s, "last"), ", ", &last);
	show_head(out, "service");
	printf("%s (%s)", field_str(s, "name"), field_str(s, "type"));
	if (!field_int(s, "users"))
		printf(": used by no step, never started");
	else if (strcmp(field_str(s, "scope"), "step") == 0 || strcmp(field_str(s, "scope"), "task") == 0)
		printf(": %lld, one for each %s that uses it, from %s to %s", (long long)field_int(s, "count"), field_str(s, "scope"),
		       wf_buf_cstr(&first), wf_buf_cstr(&last));
	else
		printf(": %s before %s, stops after %s", strcmp(field_str(s, "start"), "lazy") == 0 ? "starts" : field_str(s, "start"),
		       wf_buf_cstr(&first), wf_buf_cstr(&last));
	putchar('\n');
	wf_buf_release(&first);
	wf_buf_release(&last);
}

static void times(struct out *out, json_t *plan)
{
	json_t *critical = json_object_get(plan, "critical");
	struct wf_buf path = { 0 };
	char a[24], b[24];

	join(json_object_get(critical, "steps"), " > ", &path);
	show_head(out, "critical");
	printf("%s", wf_buf_cstr(&path));
	if (field_has(critical, "ms"))
		printf(": %s", text_duration(field_int(critical, "ms"), a));
	putchar('\n');
	wf_buf_release(&path);
	if (!field_true(plan, "timed")) {
		show_head(out, "time");
		printf("not known: no step declares resources.time\n");
		return;
	}
	show_head(out, "work");
	printf("%s of tasks, %.2f core-hours\n", text_duration(field_int(plan, "work_ms"), a),
	       json_number_value(json_object_get(plan, "core_hours")));
	show_head(out, "time");
	printf("about %s on %lld cores and %s\n", text_duration(field_int(plan, "makespan_ms"), a),
	       (long long)field_int(plan, "cores"), text_bytes((uint64_t)field_int(plan, "memory"), b));
}

void show_plan(struct out *out, json_t *plan)
{
	json_t *services = json_object_get(plan, "services"), *refused = json_object_get(plan, "cannot_run"), *item;
	size_t i;

	show_head(out, "workflow");
	show_text(field_str(plan, "workflow"));
	printf(": %lld task%s in %zu step%s, at most %lld at once, the longest chain has %lld\n",
	       (long long)field_int(plan, "tasks"), field_int(plan, "tasks") == 1 ? "" : "s",
	       json_array_size(json_object_get(plan, "steps")), json_array_size(json_object_get(plan, "steps")) == 1 ? "" : "s",
	       (long long)field_int(plan, "width"), (long long)field_int(plan, "depth"));
	if (field_int(plan, "unsized")) {
		show_head(out, "");
		printf("and %lld step%s whose tasks are known only while it runs\n", (long long)field_int(plan, "unsized"),
		       field_int(plan, "unsized") == 1 ? "" : "s");
	}
	times(out, plan);
	json_array_foreach(services, i, item)
		service(out, item);
	putchar('\n');
	steps(out, json_object_get(plan, "steps"));
	json_array_foreach(refused, i, item) {
		if (!i)
			printf("\n%scannot run yet%s\n", term_on(&out->screen, WARN), term_off(&out->screen, WARN));
		printf("  line %lld: ", (long long)field_int(item, "line"));
		show_text(field_str(item, "message"));
		putchar('\n');
	}
}
