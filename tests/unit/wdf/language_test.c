/* language_test.c - units, values, placeholders and expressions, each alone */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"
#include "wdf-schema/value.h"
#include "wdf-schema/wdf.h"
#include "wdf-schema/yaml.h"

static void test_sizes(void)
{
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} cases[] = {
		{ "0", 0 },	      { "512", 512 },		{ "1B", 1 },	       { "1k", 1000 },	  { "1K", 1000 },
		{ "1Ki", 1024 },      { "2G", 2000000000 },	{ "2GB", 2000000000 }, { "2Gi", 2147483648 },
		{ "2GiB", 2147483648 }, { "1.5M", 1500000 },	{ "0.5GiB", 536870912 }, { "7E", 7000000000000000000 },
		{ "", -1 },	      { "G", -1 },		{ "-1", -1 },	       { "1 G", -1 },	  { "1g", -1 },
		{ "1.5", -1 },	      { "1.G", -1 },		{ "1GG", -1 },	       { "1GiBx", -1 },	  { "10E", -1 },
		{ "99999999999999999999", -1 }, { "0x10", -1 }, { "1e9", -1 },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		uint64_t bytes = 0;
		struct wf_err err = { 0 };
		int rc = wdf_size_parse(cases[i].text, &bytes, &err);

		is_int(rc < 0 ? -1 : (int64_t)bytes, cases[i].bytes, "size '%s'", cases[i].text);
	}
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },		   { "0s", 0 },		     { "90s", 90000 },	     { "10m", 600000 },
		{ "2h", 7200000 },	   { "3d", 259200000 },	     { "500ms", 500 },	     { "1h30m", 5400000 },
		{ "1d2h3m4s5ms", 93784005 }, { "0.5s", 500 },	     { "1.5h", 5400000 },    { "1-12:00:00", 129600000 },
		{ "1-12", 129600000 },	   { "2-01:30", 178200000 }, { "01:30:00", 5400000 }, { "10:00", 600000 },
		{ "", -1 },		   { "90", -1 },	     { "s", -1 },	     { "1x", -1 },
		{ "30m1h", -1 },	   { "1m1m", -1 },	     { "1.5h30m", -1 },	     { "-1s", -1 },
		{ "1:60", -1 },		   { "1:00:60", -1 },	     { "1-24:00:00", -1 },   { "1:2:3:4", -1 },
		{ "1-2:3:4:5", -1 },	   { "99999999d", -1 },	     { "1.5ms", -1 },	     { "1 h", -1 },
		{ "9999999999999999999s", -1 },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_err err = { 0 };
		int64_t ms = 0;
		int rc = wdf_time_parse(cases[i].text, &ms, &err);

		is_int(rc < 0 ? -1 : ms, cases[i].ms, "time '%s'", cases[i].text);
	}
}

static void test_names(void)
{
	char long_name[131];
	struct wf_buf b = { 0 };

	memset(long_name, 'n', sizeof(long_name));
	long_name[128] = '\0';
	ok(wdf_name_ok(long_name), "128 characters are a name");
	long_name[128] = 'n';
	long_name[129] = '\0';
	ok(!wdf_name_ok(long_name), "129 are not");
	ok(wdf_name_ok("a") && wdf_name_ok("1.b_c-D"), "letters, digits, dot, underscore, dash");
	ok(!wdf_name_ok("") && !wdf_name_ok(".") && !wdf_name_ok("-x") && !wdf_name_ok("_x") && !wdf_name_ok("../x") &&
		   !wdf_name_ok("a/b") && !wdf_name_ok("a b") && !wdf_name_ok("a\xc3\xa9"),
	   "nothing that a path or an option could mean");
	ok(wdf_param_name_ok("seed_1") && !wdf_param_name_ok("1a") && !wdf_param_name_ok("a-b") && !wdf_param_name_ok(""),
	   "parameters are words");
	ok(wdf_param_reserved("SESSION") && wdf_param_reserved("STEP") && !wdf_param_reserved("session"), "two are reserved");
	wdf_param_env(&b, "seed_a1");
	is_str(wf_buf_cstr(&b), "WF_PARAM_SEED_A1", "the variable of a parameter");
	wf_buf_release(&b);
	is_int(wdf_type_named("size"), WDF_T_SIZE, "a type by name");
	is_int(wdf_type_named("sizes"), -1, "no type");
	is_str(wdf_type_name(WDF_T_PATH), "path", "and back");
}

static void test_values(void)
{
	static const struct {
		const char *text;
		enum wdf_kind kind;
		const char *json;
	} cases[] = {
		{ "12", WDF_INT, "12" },	   { "-3", WDF_INT, "-3" },	    { "012", WDF_INT, "\"012\"" },
		{ "0x1F", WDF_INT, "\"0x1F\"" }, { "0o17", WDF_INT, "\"0o17\"" }, { "1.5", WDF_FLOAT, "1.5" },
		{ "0.10", WDF_FLOAT, "\"0.10\"" }, { "1e3", WDF_FLOAT, "\"1e3\"" }, { ".5", WDF_FLOAT, "\".5\"" },
		{ "true", WDF_BOOL, "true" },	   { "False", WDF_BOOL, "false" },  { "yes", WDF_STRING, "\"yes\"" },
		{ "null", WDF_NULL, "null" },	   { "~", WDF_NULL, "null" },	    { "", WDF_STRING, "\"\"" },
		{ "abc", WDF_STRING, "\"abc\"" },  { ".inf", WDF_STRING, "\".inf\"" }, { "-.INF", WDF_STRING, "\"-.INF\"" },
		{ ".nan", WDF_STRING, "\".nan\"" }, { "1.2.3", WDF_STRING, "\"1.2.3\"" }, { "1-2", WDF_STRING, "\"1-2\"" },
		{ "99999999999999999999", WDF_STRING, "\"99999999999999999999\"" }, { "1e999", WDF_STRING, "\"1e999\"" },
		{ "9223372036854775807", WDF_INT, "9223372036854775807" },
	};
	struct wf_arena a = { 0 };

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wdf_value v = wdf_value_of_text(&a, cases[i].text), again;
		struct wf_buf b = { 0 }, c = { 0 };
		json_t *j = wdf_value_json(&v);
		char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

		is_int(v.kind, cases[i].kind, "kind of '%s'", cases[i].text);
		is_str(s, cases[i].json, "as JSON");
		again = wdf_value_of_json(&a, j);
		wdf_value_text(&v, &b);
		wdf_value_text(&again, &c);
		if (v.kind != WDF_BOOL)
			is_str(wf_buf_cstr(&c), wf_buf_cstr(&b), "its text outlives JSON");
		wf_buf_release(&b);
		wf_buf_release(&c);
		free(s);
		json_decref(j);
	}
	wf_arena_release(&a);
}

static void test_equal(void)
{
	struct wf_arena a = { 0 };
	json_t *j = json_loads("[[1, 1.0, \"1\", true, null, [1, \"a\"], {\"a\": 1, \"b\": 2}],"
			       " [1, 1.0, \"1\", true, null, [1, \"a\"], {\"b\": 2, \"a\": 1}]]",
			       0, NULL);
	struct wdf_value v = wdf_value_of_json(&a, j);
	const struct wdf_value *x = v.items[0].items, *y = v.items[1].items;

	for (uint32_t i = 0; i < 7; i++)
		for (uint32_t k = 0; k < 7; k++)
			is_int(wdf_value_equal(&x[i], &y[k]), i == k || (i < 2 && k < 2), "value %u and value %u", i, k);
	ok(wdf_value_field(&x[6], "bcd", 1) && wdf_value_field(&x[6], "bcd", 1)->integer == 2, "a field by name and length");
	ok(!wdf_value_field(&x[6], "c", 1) && !wdf_value_field(&x[0], "a", 1), "no such field");
	json_decref(j);
	wf_arena_release(&a);
}

/* ---- a scope from JSON -------------------------------------------------------------------------------------- */

struct names {
	struct wf_arena a;
	struct wdf_value all;
};

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	const struct wdf_value *v = wdf_value_field(&((struct names *)self)->all, name, n);

	if (!v)
		return -1;
	*out = *v;
	return 0;
}

static struct names names_of(const char *json)
{
	struct names n = { 0 };
	json_t *j = json_loads(json, 0, NULL);

	if (!j)
		bail("bad JSON in the test: %s", json);
	n.all = wdf_value_of_json(&n.a, j);
	json_decref(j);
	return n;
}

static void test_templates(void)
{
	static const char *const cases[][2] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "{{ s }}", "a b" },
		{ "<{{ s }}{{ n }}>", "<a b7>" },
		{ "{{ n:04 }}|{{ n:4 }}|{{ neg:05 }}|{{ big:02 }}", "0007|   7|-0003|12345" },
		{ "{{ f:06 }}", "0001.5" },
		{ "{{ list }}", "1 x y" },
		{ "{{ list | join }}", "1 x y" },
		{ "{{ rec.a }} {{ rec.in.b }}", "1 2" },
		{ "{{ rec }}", "{\"a\":1,\"in\":{\"b\":2}}" },
		{ "{{ path }} {{ path.name }} {{ path.stem }}", "in/a.tar.gz a.tar.gz a.tar" },
		{ "{{ dot.x }}", "by prefix" },
		{ "{{ braces }}", "{{ s }}" },
		{ "{{ yes }}{{ none }}", "true" },
		{ "{{.Names}} {{ }} {{}} {{print $1}} { { s } } }} {{", "{{.Names}} {{ }} {{}} {{print $1}} { { s } } }} {{" },
		{ "{{{ s }}}", "{a b}" },
		{ "{{ nothing }}", "error: undefined name 'nothing'" },
		{ "{{ s.field }}", "error: 's' has no field 'field'" },
		{ "{{ rec.c }}", "error: 'rec' has no field 'c'" },
		{ "{{ s:03 }}", "error: '{{ s:03 }}' needs a number, and its value is 'a b'" },
		{ "{{s}}", "error: '{{s}}' is not a placeholder; write '{{ s }}', with one blank on each side" },
		{ "{{ s:0 }}", "error: '{{ s:0 }}' is not a placeholder; a placeholder is a name, as in '{{ seed }}' or '{{ seed:04 }}'" },
		{ "{{ s:99 }}", "error: '{{ s:99 }}' is not a placeholder; a placeholder is a name, as in '{{ seed }}' or '{{ seed:04 }}'" },
		{ "{{ s + 1 }}", "error: '{{ s + 1 }}' is not a placeholder; a placeholder is a name, as in '{{ seed }}' or '{{ seed:04 }}'" },
	};
	struct names n = names_of("{\"s\": \"a b\", \"n\": 7, \"neg\": -3, \"big\": 12345, \"f\": 1.5, \"list\": [1, \"x\", \"y\"],"
				  " \"rec\": {\"a\": 1, \"in\": {\"b\": 2}}, \"path\": \"in/a.tar.gz\", \"dot.x\": \"by prefix\","
				  " \"braces\": \"{{ s }}\", \"yes\": true, \"none\": null}");
	struct wdf_scope scope = { lookup, &n };

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_arena a = { 0 };
		struct wdf_diags d = { 0 };
		struct wf_buf b = { 0 };
		struct wf_err err;
		struct wdf_tmpl t;

		if (wdf_tmpl_parse(&t, &a, cases[i][0], (struct wdf_pos){ 3, 5 }, &d) < 0) {
			wf_buf_printf(&b, "error: %s; %s", d.items[0].text, d.items[0].hint);
		} else {
			is_str(t.raw, cases[i][0], "the template keeps its text");
			if (wdf_tmpl_render(&t, &scope, &b, &err) < 0) {
				is_int(b.len, 0, "nothing half done is left");
				wf_buf_printf(&b, "error: %s", err.text);
			}
		}
		is_str(wf_buf_cstr(&b), cases[i][1], "'%s'", cases[i][0]);
		wf_buf_release(&b);
		wdf_diags_release(&d);
		wf_arena_release(&a);
	}
	{
		struct wf_arena a = { 0 };
		struct wdf_diags d = { 0 };
		struct wdf_tmpl t;

		wdf_tmpl_parse(&t, &a, "\xc3\xa9 {{ s }} {{ n:02 }}", (struct wdf_pos){ 3, 5 }, &d);
		is_int(t.count, 4, "four parts");
		is_int(t.parts[1].pos.column, 7, "columns count characters");
		is_int(t.parts[3].width, 2, "the width");
		ok(t.parts[3].zero && !wdf_tmpl_is_literal(&t), "zeros; not a literal");
		wdf_diags_release(&d);
		wf_arena_release(&a);
	}
	wf_arena_release(&n.a);
}

static void gather(const char *name, struct wdf_pos pos, void *arg)
{
	wf_buf_printf(arg, "%s@%u ", name, pos.column);
}

static void test_expressions(void)
{
	static const char *const cases[][2] = {
		{ "mode == 'full'", "1" },
		{ "mode != \"full\"", "0" },
		{ "n == 3 and x < 2", "1" },
		{ "n == 3 and x > 2", "0" },
		{ "n == 4 or x < 2 or nothing", "1" },
		{ "n == 4 and nothing", "0" },
		{ "not n == 4", "1" },
		{ "not not yes", "1" },
		{ "yes", "1" },
		{ "not no", "1" },
		{ "n >= 3 and n <= 3 and not n < 3 and not n > 3", "1" },
		{ "n == 3.0", "1" },
		{ "n == x or n == 3", "1" },
		{ "mode in ['quick', 'full']", "1" },
		{ "mode not in ['quick', 'full',]", "0" },
		{ "n in [1, 2]", "0" },
		{ "n in list", "1" },
		{ "'b' in list", "1" },
		{ "(n == 1 or n == 3) and (mode == 'full')", "1" },
		{ "n == 1 or n == 3 and mode == 'quick'", "0" },
		{ "step.result.count > 10", "1" },
		{ "my-step.result.ok", "1" },
		{ "none == null", "1" },
		{ "n == null", "0" },
		{ "n != null", "1" },
		{ "text == 0.1", "1" },
		{ "text < 0.15 and text > -1", "1" },
		{ "'abc' < 'abd'", "1" },
		{ "-1 < +1", "1" },
		{ "1e3 == 1000", "1" },
		{ "[1, 2] == [1, 2]", "1" },
		{ "true and not false", "1" },
		{ "truthy", "1" },
		{ "2nd.result.x == 1", "1" },
		{ "mode == 3", "error: cannot compare a text ('full') with a number ('3')" },
		{ "n", "error: 'n' is a number, not true or false; compare it with ==" },
		{ "mode", "error: 'mode' is a text, not true or false; compare it with ==" },
		{ "n in mode", "error: 'in' needs a list, found a text" },
		{ "yes < no", "error: cannot compare a truth value ('true') with a truth value ('false')" },
		{ "nothing == 1", "error: undefined name 'nothing'" },
		{ "step.result.other == 1", "error: 'step' has no field 'result.other'" },
		{ "", "parse 1: the expression is empty" },
		{ "n ==", "parse 5: the expression ends where a value was expected" },
		{ "n = 3", "parse 3: '=' compares nothing" },
		{ "n == 3)", "parse 7: expected 'and', 'or' or the end" },
		{ "(n == 3", "parse 8: expected ')'" },
		{ "n == 3 4", "parse 8: expected 'and', 'or' or the end" },
		{ "n && x", "parse 3: symbols of another language" },
		{ "!n", "parse 1: symbols of another language" },
		{ "n == 'a", "parse 6: text is not closed" },
		{ "n not 3", "parse 7: expected 'in' after 'not'" },
		{ "{{ n }} == 3", "parse 1: a placeholder stands in an expression" },
		{ "n == 1.2.3", "parse 6: not a number" },
		{ "n @ 3", "parse 3: a character that means nothing in an expression" },
		{ "and", "parse 1: expected a value, found a word of the language" },
		{ "n in [1 2]", "parse 9: expected ',' or ']' in a list" },
		{ "n in [1, 2", "parse 11: expected ',' or ']' in a list" },
		{ "n == 1 == 1", "parse 8: expected 'and', 'or' or the end" },
	};
	struct names n = names_of("{\"mode\": \"full\", \"n\": 3, \"x\": 1.5, \"yes\": true, \"no\": false, \"list\": [3, \"b\"],"
				  " \"step\": {\"result\": {\"count\": 11}}, \"my-step\": {\"result\": {\"ok\": true}}, \"none\": null,"
				  " \"text\": \"0.10\", \"truthy\": \"true\", \"2nd\": {\"result\": {\"x\": 1}}}");
	struct wdf_scope scope = { lookup, &n };

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_arena a = { 0 };
		struct wdf_diags d = { 0 };
		struct wf_err err;
		char got[300];
		int truth = -1;
		struct wdf_expr *e = wdf_expr_parse(&a, cases[i][0], (struct wdf_pos){ 1, 1 }, &d);

		if (!e)
			snprintf(got, sizeof(got), "parse %u: %.200s", d.items[0].pos.column, d.items[0].text);
		else if (wdf_expr_eval(e, &scope, &truth, &err) < 0)
			snprintf(got, sizeof(got), "error: %.250s", err.text);
		else
			snprintf(got, sizeof(got), "%d", truth);
		is_str(got, cases[i][1], "expression: %s", cases[i][0]);
		wdf_diags_release(&d);
		wf_arena_release(&a);
	}
	{
		struct wf_arena a = { 0 };
		struct wdf_diags d = { 0 };
		struct wf_buf b = { 0 };
		struct wdf_expr *e = wdf_expr_parse(&a, "not a.b or (c-d in [e, 'f', true] and g == 2)",
						    (struct wdf_pos){ 1, 1 }, &d);

		wdf_expr_names(e, gather, &b);
		is_str(wf_buf_cstr(&b), "a.b@5 c-d@13 e@21 g@39 ", "the names of an expression");
		wf_buf_clear(&b);
		for (int i = 0; i < 5000; i++)
			wf_buf_str(&b, "n == 3 and ");
		wf_buf_str(&b, "yes");
		e = wdf_expr_parse(&a, b.data, (struct wdf_pos){ 1, 1 }, &d);
		{
			int truth = 0;

			ok(e && wdf_expr_eval(e, &scope, &truth, NULL) == 0 && truth, "a long chain is fine");
		}
		wf_buf_clear(&b);
		for (int i = 0; i < 5000; i++)
			wf_buf_char(&b, '(');
		ok(!wdf_expr_parse(&a, b.data, (struct wdf_pos){ 1, 1 }, &d), "deep nesting is refused");
		has_str(d.items[0].text, "nested too deeply", "by name");
		wf_buf_release(&b);
		wdf_diags_release(&d);
		wf_arena_release(&a);
	}
	wf_arena_release(&n.a);
}

static void test_plain(void)
{
	static const char *const surprises[][2] = {
		{ "yes", "a boolean" },	     { "No", "a boolean" },	 { "ON", "a boolean" },	  { "off", "a boolean" },
		{ "012", "an octal number" }, { "-0_7", "an octal number" }, { "08", "an octal number" },
		{ "1:30", "a sexagesimal number" }, { "1:30:00", "a sexagesimal number" }, { "1:30.5", "a sexagesimal number" },
		{ "1_000", "a number" },     { "0b11", "a number" },	 { "0o17", "a number" },  { "1_0.5", "a number" },
		{ "y", NULL },		     { "n", NULL },		 { "yEs", NULL },	  { "true", NULL },
		{ "0", NULL },		     { "10", NULL },		 { "0x10", NULL },	  { "1:60", NULL },
		{ "1:2:345", NULL },	     { "a:30", NULL },		 { "2024-01-01", NULL },  { "1e9", NULL },
		{ "0.5", NULL },	     { "-1", NULL },		 { "", NULL },		  { "_", NULL },
	};

	for (size_t i = 0; i < WF_COUNT(surprises); i++)
		is_str(wdf_plain_surprise(surprises[i][0]), surprises[i][1], "YAML 1.1 and '%s'", surprises[i][0]);
}

static void test_codes(void)
{
	const char *code;
	size_t n = 0;

	while ((code = wdf_code_at(n))) {
		ok(strlen(code) == 5 && wdf_code_title(code) && strlen(wdf_code_explain(code)) > 20, "%s is explained", code);
		for (size_t k = 0; k < n; k++)
			if (strcmp(wdf_code_at(k), code) == 0)
				ok(0, "%s is there twice", code);
		n++;
	}
	ok(n > 40, "the table has its rows");
	ok(!wdf_code_explain("E9999") && !wdf_code_title(""), "other codes are none");
}

int main(void)
{
	test_sizes();
	test_times();
	test_names();
	test_values();
	test_equal();
	test_templates();
	test_expressions();
	test_plain();
	test_codes();
	return done_testing();
}
