/* show_site.c - owns how services, the engine, the configuration and doctor's findings look to people. */
#include <stdio.h>
#include <string.h>

#include "cli/field.h"
#include "cli/show.h"
#include "cli/grid.h"
#include "engine/base/json.h"

/* "host=n1 port=6379", or the one member's value alone. */
static void endpoint(json_t *e, struct wf_buf *b)
{
	const char *key;
	json_t *v;

	wf_buf_add(b, "", 0);
	json_object_foreach(e, key, v) {
		if (b->len)
			wf_buf_char(b, ' ');
		if (json_object_size(e) > 1)
			wf_buf_printf(b, "%s=", key);
		if (json_is_string(v))
			wf_buf_str(b, json_string_value(v));
		else
			wf_json_dump(v, b);
	}
}

void show_services(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "SERVICE" }, { .head = "TYPE" }, { .head = "STATE" }, { .head = "GEN", .right = 1 },
		{ .head = "VIEW", .right = 1 }, { .head = "RESTARTS", .right = 1 }, { .head = "ENDPOINT" },
		{ .head = "REASON", .elastic = 1 },
	};
	struct grid t;
	size_t i;
	json_t *s;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, s) {
		const char *state = field_str(s, "state");
		struct wf_buf where = { 0 };

		endpoint(json_object_get(s, "endpoint"), &where);
		grid_cell(&t, PLAIN, "%s", field_service(s));
		grid_cell(&t, PLAIN, "%s", field_str(s, "type"));
		grid_cell(&t, style_of(state), "%s", state);
		grid_cell(&t, PLAIN, "%lld", (long long)field_int(s, "generation"));
		grid_cell(&t, PLAIN, "%lld", (long long)field_int(s, "view"));
		if (field_int(s, "restarts"))
			grid_cell(&t, WARN, "%lld", (long long)field_int(s, "restarts"));
		else
			grid_cell(&t, PLAIN, "%s", "");
		grid_cell(&t, PLAIN, "%s", wf_buf_cstr(&where));
		grid_cell(&t, PLAIN, "%s", field_str(s, "reason"));
		wf_buf_release(&where);
	}
	grid_print(&t, &out->screen);
	grid_release(&t);
}

static void agents(struct out *out, json_t *items)
{
	size_t i;
	json_t *a;

	json_array_foreach(items, i, a) {
		char free_mem[24], all[24];

		show_head(out, i ? "" : "agents");
		printf("%s on ", field_str(a, "executor"));
		show_text(field_str(a, "host"));
		printf(" (pid %lld): %s, %lld of %lld cores free", (long long)field_int(a, "pid"),
		       field_true(a, "connected") ? "connected" : "not connected", (long long)field_int(a, "cores_free"),
		       (long long)field_int(a, "cores"));
		if (field_has(a, "memory"))
			printf(", %s of %s", text_bytes((uint64_t)field_int(a, "memory_free"), free_mem),
			       text_bytes((uint64_t)field_int(a, "memory"), all));
		putchar('\n');
	}
}

void show_engine(struct out *out, json_t *e)
{
	struct wf_buf runs = { 0 };
	char clock[32];
	const char *key;
	json_t *v;

	if (!field_true(e, "running")) {
		printf("no engine runs in ");
		show_text(field_str(e, "state_dir"));
		printf("; `wf engine start` starts one, as any command that needs it does\n");
		return;
	}
	show_head(out, "engine");
	printf("running, pid %lld on ", (long long)field_int(e, "pid"));
	show_text(field_str(e, "host"));
	printf(", version %s, epoch %lld\n", field_str(e, "version"), (long long)field_int(e, "epoch"));
	if (field_time(e, "started_at")) {
		show_head(out, "since");
		printf("%s\n", text_clock(field_time(e, "started_at"), clock));
	}
	show_head(out, "state");
	show_text(field_str(e, "state_dir"));
	putchar('\n');
	show_head(out, "runs in");
	show_text(field_str(e, "run_root"));
	putchar('\n');
	if (field_true(e, "full")) {
		show_head(out, "full");
		printf("%sthe file system is full: nothing new is started until there is room%s\n",
		       term_on(&out->screen, BAD), term_off(&out->screen, BAD));
	}
	json_object_foreach(json_object_get(e, "runs"), key, v)
		if (json_integer_value(v))
			wf_buf_printf(&runs, "%s%lld %s", runs.len ? ", " : "", (long long)json_integer_value(v), key);
	if (runs.len) {
		show_head(out, "runs");
		printf("%s\n", wf_buf_cstr(&runs));
	}
	wf_buf_release(&runs);
	agents(out, json_object_get(e, "agents"));
}

void show_backup(struct out *out, json_t *doc)
{
	char size[24];

	(void)out;
	printf("wrote ");
	show_text(field_str(doc, "file"));
	printf(" (%s)\n", text_bytes((uint64_t)field_int(doc, "bytes"), size));
}

void show_config(struct out *out, json_t *items)
{
	static const struct column columns[] = {
		{ .head = "KEY" }, { .head = "VALUE" }, { .head = "ORIGIN", .elastic = 1 },
	};
	struct grid t;
	size_t i;
	json_t *c;

	grid_init(&t, columns, WF_COUNT(columns));
	json_array_foreach(items, i, c) {
		json_t *v = json_object_get(c, "value");
		struct wf_buf text = { 0 };

		if (json_is_string(v))
			wf_buf_str(&text, json_string_value(v));
		else if (v && !json_is_null(v))
			wf_json_dump(v, &text);
		else
			wf_buf_char(&text, '-');
		grid_cell(&t, PLAIN, "%s", field_str(c, "key"));
		grid_cell(&t, PLAIN, "%s", wf_buf_cstr(&text));
		grid_cell(&t, DIM, "%s", field_str(c, "origin"));
		wf_buf_release(&text);
	}
	grid_print(&t, &out->screen);
	grid_release(&t);
}

void show_checks(struct out *out, json_t *items)
{
	size_t i;
	json_t *c;

	json_array_foreach(items, i, c) {
		const char *state = field_str(c, "state");
		enum style s = strcmp(state, "fail") == 0 ? BAD : strcmp(state, "warn") == 0 ? WARN : GOOD;

		printf("%s%-4s%s  %-10s ", term_on(&out->screen, s), state, term_off(&out->screen, s), field_str(c, "name"));
		show_text(field_str(c, "text"));
		putchar('\n');
		if (*field_str(c, "fix")) {
			printf("                 fix: ");
			show_text(field_str(c, "fix"));
			putchar('\n');
		}
	}
}

void show_version(struct out *out, json_t *doc)
{
	(void)out;
	printf("wf %s\n", field_str(doc, "version"));
}
