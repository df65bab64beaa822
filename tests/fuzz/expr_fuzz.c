/* expr_fuzz.c - any text as an expression, a template, a command, a size, a time and a plain value
 *
 * Asserts: a refusal has a finding with a place in the text; an expression means the same twice, and the opposite behind `not`; a template
 * without placeholders is its text, with them every literal part is there; a value keeps its text through JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wdf-schema/command.h"
#include "wdf-schema/value.h"
#include "wdf-schema/wdf.h"

/* Names of one letter have a value each; of others, whatever is hostile in a shell. */
static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	static const struct wdf_value items[] = { { .kind = WDF_INT, .text = "1", .integer = 1 }, { .kind = WDF_STRING, .text = "a b" } };
	static const struct wdf_field fields[] = { { "count", { .kind = WDF_INT, .text = "3", .integer = 3 } },
						   { "path", { .kind = WDF_STRING, .text = "/d/x.tar.gz" } } };

	(void)self;
	if (n == 4 && memcmp(name, "none", n) == 0)
		return -1;
	*out = (struct wdf_value){ .kind = WDF_STRING, .text = "{{ x }}$(id)'\"" };
	if (n == 1)
		switch (name[0]) {
		case 'i': *out = items[0]; break;
		case 'f': *out = (struct wdf_value){ .kind = WDF_FLOAT, .text = "0.10", .real = 0.1 }; break;
		case 'b': *out = (struct wdf_value){ .kind = WDF_BOOL, .text = "true", .truth = 1 }; break;
		case 'n': *out = (struct wdf_value){ .kind = WDF_NULL }; break;
		case 'l': *out = (struct wdf_value){ .kind = WDF_LIST, .count = 2, .items = items }; break;
		case 'r': *out = (struct wdf_value){ .kind = WDF_RECORD, .count = 2, .fields = fields }; break;
		default: *out = (struct wdf_value){ .kind = WDF_STRING, .text = "7" }; break;
		}
	return 0;
}

static const struct wdf_scope scope = { lookup, NULL };

static void are_placed(const struct wdf_diags *d, const char *text)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct wdf_diag *f = &d->items[i];

		MUST(f->text && *f->text && f->span > 0 && f->code[0]);
		MUST_SAY(f->pos.line >= 1 && f->pos.line <= fuzz_lines(text, strlen(text)), f->text);
		MUST_SAY(f->pos.column >= 1, f->text);
	}
}

static void as_expression(const char *text)
{
	struct wdf_pos pos = { 1, 1 };
	struct wdf_diags d = { 0 };
	struct wf_arena a = { 0 };
	struct wdf_expr *e = wdf_expr_parse(&a, text, pos, &d), *opposite;
	char *behind_not = wf_xasprintf("not (%s)", text);
	int truth = -1, again = -1, other = -1, rc;
	struct wf_err err;

	MUST((e == NULL) == (d.errors > 0));
	are_placed(&d, text);
	if (e) {
		rc = wdf_expr_eval(e, &scope, &truth, &err);
		MUST(rc == wdf_expr_eval(e, &scope, &again, NULL) && truth == again);
		MUST(rc < 0 ? err.code == WF_INVALID && err.text[0] : truth == 0 || truth == 1);
		opposite = wdf_expr_parse(&a, behind_not, pos, &d);
		/* One bracket more may be one too deep. */
		if (opposite) {
			MUST(wdf_expr_eval(opposite, &scope, &other, NULL) == rc);
			MUST(rc < 0 || other == !truth);
		}
	}
	free(behind_not);
	wdf_diags_release(&d);
	wf_arena_release(&a);
}

static void as_command(struct wf_arena *a, const struct wdf_tmpl *t, int always_shell, struct wdf_diags *d)
{
	struct wdf_command_source from = { .text = *t, .shell_pos = { 1, 1 }, .always_shell = always_shell };
	struct wdf_command *c = wdf_command_read(a, &from, d);
	struct wf_err err = { .code = WF_OK };
	struct wdf_argv argv;

	if (!c) {
		MUST(d->errors > 0);
		return;
	}
	if (wdf_command_render(c, &scope, a, &argv, &err) < 0) {
		MUST(err.code != WF_OK && err.text[0]);
		return;
	}
	MUST(argv.argc > 0 && argv.argv[argv.argc] == NULL);
	for (size_t i = 0; i < argv.env_count; i++)
		MUST(strchr(argv.env[i], '='));
	/* A placeholder never becomes syntax: what is hostile is not in a script's text. */
	if (c->kind == WDF_COMMAND_SHELL && !strstr(t->raw, "$(id)"))
		MUST(!strstr(argv.argv[argv.argc - 1], "$(id)"));
}

static void as_template(const char *text)
{
	struct wf_arena a = { 0 };
	struct wdf_diags d = { 0 };
	struct wf_buf b = { 0 };
	struct wdf_tmpl t;
	size_t literal = 0;

	if (wdf_tmpl_parse(&t, &a, text, (struct wdf_pos){ 1, 1 }, &d) < 0) {
		MUST(d.errors > 0);
	} else {
		for (uint32_t i = 0; i < t.count; i++)
			literal += t.parts[i].is_name ? 0 : t.parts[i].len;
		MUST(literal <= strlen(text));
		if (wdf_tmpl_render(&t, &scope, &b, NULL) == 0) {
			MUST(b.len >= literal);
			if (wdf_tmpl_is_literal(&t))
				MUST(b.len == literal);
		} else {
			MUST(!wdf_tmpl_is_literal(&t));
		}
		as_command(&a, &t, 0, &d);
		as_command(&a, &t, 1, &d);
	}
	are_placed(&d, text);
	wf_buf_release(&b);
	wdf_diags_release(&d);
	wf_arena_release(&a);
}

static int is_utf8(const char *text)
{
	json_t *j = json_string(text);
	int yes = j != NULL;

	json_decref(j);
	return yes;
}

static void as_value(const char *text)
{
	struct wf_buf before = { 0 }, after = { 0 };
	struct wf_arena a = { 0 };
	struct wdf_value v = wdf_value_of_text(&a, text), w;
	struct wf_err err = { .code = WF_OK };
	uint64_t bytes;
	int64_t ms;
	json_t *j;

	MUST(wdf_value_equal(&v, &v) || (v.kind == WDF_FLOAT && v.real != v.real));
	j = wdf_value_json(&v);
	w = wdf_value_of_json(&a, j);
	wdf_value_text(&v, &before);
	wdf_value_text(&w, &after);
	/* JSON has one way to write a truth, and none for what is not UTF-8. */
	if (v.kind == WDF_BOOL)
		MUST(w.kind == WDF_BOOL && w.truth == v.truth);
	else if (is_utf8(text))
		MUST_SAY(strcmp(wf_buf_cstr(&before), wf_buf_cstr(&after)) == 0, text);
	json_decref(j);
	if (wdf_size_parse(text, &bytes, &err) < 0)
		MUST(err.code != WF_OK && err.text[0]);
	err.code = WF_OK;
	if (wdf_time_parse(text, &ms, &err) < 0)
		MUST(err.code != WF_OK && err.text[0]);
	else
		MUST(ms >= 0);
	wf_buf_release(&before);
	wf_buf_release(&after);
	wf_arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = fuzz_start();
	char *text;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	text = wf_xstrndup((const char *)data + 1, size - 1);
	switch (data[0] % 3) {
	case 0: as_expression(text); break;
	case 1: as_template(text); break;
	default: as_value(text); break;
	}
	free(text);
	fuzz_end(start);
	return 0;
}
