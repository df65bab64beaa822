/* manual_test.c - docs/wdf.md: every YAML block is a valid file, every code of a finding and every key is there */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"
#include "wdf-schema/wdf.h"

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct wf_buf b = { 0 };
	size_t got;

	if (!f)
		bail("cannot read %s; run from the root of the sources", path);
	while ((got = fread(wf_buf_room(&b, 65536), 1, 65536, f)) > 0)
		b.len += got;
	fclose(f);
	wf_buf_room(&b, 1);
	b.data[b.len] = '\0';
	return wf_buf_take(&b);
}

static unsigned line_of(const char *text, const char *at)
{
	unsigned line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static void test_blocks(const char *manual, const struct wdf_types *types)
{
	static const char open[] = "\n```yaml\n", close[] = "\n```";
	const char *at = manual;
	unsigned blocks = 0;

	while ((at = strstr(at, open))) {
		const char *text = at + strlen(open), *end = strstr(text, close);
		struct wdf_input in = { .text = text, .len = end ? (size_t)(end - text) : strlen(text), .file = "block",
					.allow_needed = 1 };
		struct wdf_diags d = { 0 };
		struct wdf *w = wdf_parse(&in, types, &d);

		ok(w && !d.count, "the block at line %u is valid", line_of(manual, text));
		for (size_t i = 0; i < d.count; i++)
			diag("line %u: %s", line_of(manual, text) + d.items[i].pos.line - 1, d.items[i].text);
		wdf_free(w);
		wdf_diags_release(&d);
		at = text;
		blocks++;
	}
	ok(blocks >= 8, "the manual has its examples");
}

static void test_codes(const char *manual)
{
	for (size_t i = 0; wdf_code_at(i); i++) {
		char row[200];

		snprintf(row, sizeof(row), "\n| %s | %s |\n", wdf_code_at(i), wdf_code_title(wdf_code_at(i)));
		ok(strstr(manual, row) != NULL, "the manual lists %s", wdf_code_at(i));
	}
}

static void test_keys(const char *manual)
{
	static const char *const keys[] = {
		"workflow", "params", "defaults", "services", "steps", "pools", "datasets", "submit", "name", "command", "argv", "shell",
		"setup", "call", "move", "components", "ends_with", "workdir", "env", "foreach", "zip", "parallel", "tolerate", "if_empty",
		"after", "when", "inputs", "outputs", "update", "results", "success_codes", "resources", "launch", "timeout", "retry",
		"on_unknown", "priority", "pool", "executor", "slurm", "location", "pack", "container", "stdout", "stderr",
		"output_limit", "labels", "type", "attributes", "datamovers", "ready", "health", "stop", "provides", "scope", "start",
		"members", "placement", "on_failure",
	};

	for (size_t i = 0; i < WF_COUNT(keys); i++) {
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "`%s`", keys[i]);
		ok(strstr(manual, quoted) != NULL, "the manual has %s", quoted);
	}
}

int main(void)
{
	const char *dir = "services/types";
	struct wf_err err;
	struct wdf_types *types = wdf_types_load(&dir, 1, &err);
	char *manual = read_file("docs/wdf.md");

	if (!types)
		bail("driver files: %s", err.text);
	test_blocks(manual, types);
	test_codes(manual);
	test_keys(manual);
	wdf_types_free(types);
	free(manual);
	return done_testing();
}
