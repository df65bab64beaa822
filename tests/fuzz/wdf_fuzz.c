/* wdf_fuzz.c - libFuzzer harness of the language: any bytes as a workflow file, a template, an expression, a command
 *
 *     clang -g -O1 -std=gnu11 -I. -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined tests/fuzz/wdf_fuzz.c \
 *         wdf-schema/[a-z]*.c engine/base/[a-z]*.c -lyaml -ljansson -o wdf_fuzz
 *     ./wdf_fuzz -max_total_time=120 -dict=tests/fuzz/wdf.dict CORPUS tests/corpus/wdf/good tests/corpus/wdf/bad/semantic
 *
 * It asserts what must hold of every input: a refused file has an error, each with a place inside the file; an accepted file has none;
 * a rendered placeholder is inserted once; reading is repeatable.
 */
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/command.h"
#include "wdf-schema/value.h"
#include "wdf-schema/wdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

static const struct wdf_types *types(void)
{
	static struct wdf_types *loaded;
	const char *dir = "services/types";

	if (!loaded)
		loaded = wdf_types_load(&dir, 1, NULL);
	return loaded;
}

static uint32_t lines_of(const char *text, size_t n)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n' || (text[i] == '\r' && !(i + 1 < n && text[i + 1] == '\n'));
	return lines;
}

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	(void)self;
	(void)name;
	*out = (struct wdf_value){ .kind = WDF_STRING, .text = n % 2 ? "{{ x }}$(id)'\"" : "7" };
	return 0;
}

/* Everything that a run would do with an accepted file's commands. */
static void render_all(const struct wdf *w)
{
	struct wdf_scope scope = { lookup, NULL };

	for (uint32_t i = 0; i < w->step_count; i++) {
		const struct wdf_step *s = &w->steps[i];
		struct wf_arena a = { 0 };
		struct wf_buf b = { 0 };
		struct wdf_argv argv;
		const char *script;
		char **env;
		size_t n;
		int truth;

		if (s->command && wdf_command_render(s->command, &scope, &a, &argv, NULL) == 0)
			MUST(argv.argc > 0 && argv.argv[argv.argc] == NULL);
		if (wdf_setup_render(s, &scope, &a, &script, &env, &n, NULL) == 0)
			MUST(script && env);
		if (s->workdir.count)
			wdf_tmpl_render(&s->workdir, &scope, &b, NULL);
		if (s->when)
			wdf_expr_eval(s->when, &scope, &truth, NULL);
		wf_buf_release(&b);
		wf_arena_release(&a);
	}
}

static void as_file(const char *text, size_t n, int needed)
{
	static const char *const names[] = { "X", "seed" }, *const values[] = { "1,2", "a b" };
	struct wdf_input in = { .text = text, .len = n, .file = "f", .names = names, .values = values, .given = (size_t)needed,
				.allow_needed = needed };
	struct wdf_diags d = { 0 };
	struct wdf *w = wdf_parse(&in, types(), &d);
	struct wf_buf out = { 0 };
	size_t errors = 0;
	json_t *j;

	MUST((w == NULL) == (d.errors > 0));
	for (size_t i = 0; i < d.count; i++) {
		const struct wdf_diag *f = &d.items[i];

		errors += f->severity == WDF_ERROR;
		MUST(f->text && *f->text && f->span > 0);
		MUST(f->pos.line <= lines_of(text, n));
		/* Only what concerns -p has no place. */
		MUST(f->pos.line > 0 || strncmp(f->text, "-p", 2) == 0 || strcmp(f->code, "E0101") == 0);
	}
	MUST(errors <= WDF_MAX_ERRORS && errors <= d.errors);
	if (w) {
		wdf_executable(w, "local", types(), &d);
		render_all(w);
	}
	wdf_diags_text(&d, "f", text, n, 1, &out);
	j = wdf_diags_json(&d);
	MUST(j && json_array_size(j) == d.count);
	json_decref(j);
	wf_buf_release(&out);
	wdf_diags_release(&d);
	wdf_free(w);
}

static void as_pieces(const char *text)
{
	struct wdf_scope scope = { lookup, NULL };
	struct wdf_command_source from = { .shell_pos = { 1, 1 } };
	struct wf_arena a = { 0 };
	struct wdf_diags d = { 0 };
	struct wf_buf b = { 0 };
	struct wdf_tmpl t;
	struct wdf_argv argv;
	struct wdf_expr *e;
	struct wdf_command *c;
	uint64_t bytes;
	int64_t ms;
	int truth;

	if (wdf_tmpl_parse(&t, &a, text, (struct wdf_pos){ 1, 1 }, &d) == 0) {
		size_t literal = 0;

		MUST(t.count > 0);
		for (uint32_t i = 0; i < t.count; i++)
			literal += t.parts[i].is_name ? 0 : t.parts[i].len;
		MUST(literal <= strlen(text));
		if (wdf_tmpl_render(&t, &scope, &b, NULL) == 0)
			MUST(b.len >= literal);
		from.text = t;
		c = wdf_command_read(&a, &from, &d);
		if (c)
			wdf_command_render(c, &scope, &a, &argv, NULL);
	}
	e = wdf_expr_parse(&a, text, (struct wdf_pos){ 1, 1 }, &d);
	if (e)
		wdf_expr_eval(e, &scope, &truth, NULL);
	wdf_size_parse(text, &bytes, NULL);
	if (wdf_time_parse(text, &ms, NULL) == 0)
		MUST(ms >= 0);
	wf_buf_release(&b);
	wdf_diags_release(&d);
	wf_arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = wf_xstrndup((const char *)data + 1, size - 1);
	if (data[0] % 4 == 0)
		as_pieces(text);
	else
		as_file(text, size - 1, data[0] % 2);
	free(text);
	return 0;
}
