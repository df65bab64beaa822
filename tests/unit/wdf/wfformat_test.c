/* wfformat_test.c - traces of every version of WfFormat, what is wrong with some, and the names that a workflow file cannot have */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"
#include "wdf-schema/wdf.h"
#include "wdf-schema/wfformat.h"
#include "wdf-schema/wfformat_trace.h"

/* One trace in four dialects: a makes x (1000 bytes) of in (10 bytes); b reads x; c comes after both and has two cores. */
static const char v10[] =
	"{\"name\": \"t\", \"schemaVersion\": \"1.0\", \"workflow\": {\"makespan\": 9, \"jobs\": [\n"
	" {\"name\": \"a\", \"type\": \"compute\", \"runtime\": 1.5, \"parents\": [], \"files\": [\n"
	"  {\"link\": \"input\", \"name\": \"in\", \"size\": 10}, {\"link\": \"output\", \"name\": \"x\", \"size\": 1000}]},\n"
	" {\"name\": \"b\", \"runtime\": 2, \"parents\": [\"a\"], \"files\": [{\"link\": \"input\", \"name\": \"x\", \"size\": 1000}]},\n"
	" {\"name\": \"c\", \"runtime\": 0.25, \"cores\": 2, \"parents\": [\"a\", \"b\"]}]}}";
static const char v13[] =
	"{\"name\": \"t\", \"schemaVersion\": \"1.3\", \"workflow\": {\"tasks\": [\n"
	" {\"name\": \"A_ID1\", \"id\": \"a\", \"runtime\": 1.5, \"children\": [\"b\", \"C_ID3\"], \"files\": [\n"
	"  {\"link\": \"input\", \"name\": \"in\", \"size\": 10}, {\"link\": \"output\", \"name\": \"x\", \"size\": 1000}]},\n"
	" {\"name\": \"B_ID2\", \"id\": \"b\", \"runtime\": 2, \"parents\": [\"A_ID1\"], \"files\": [{\"link\": \"input\", \"name\": \"x\", \"size\": 0}]},\n"
	" {\"name\": \"C_ID3\", \"id\": \"c\", \"runtime\": 0.25, \"cores\": 1.5, \"parents\": [\"B_ID2\"]}]}}";
static const char v14[] =
	"{\"name\": \"t\", \"schemaVersion\": \"1.4\", \"workflow\": {\"makespanInSeconds\": 9, \"executedAt\": \"2020\", \"tasks\": [\n"
	" {\"name\": \"a\", \"type\": \"compute\", \"runtimeInSeconds\": 1.5, \"files\": [\n"
	"  {\"link\": \"INPUT\", \"name\": \"in\", \"sizeInBytes\": 10}, {\"link\": \"output\", \"name\": \"x\", \"sizeInBytes\": 1000}]},\n"
	" {\"name\": \"b\", \"runtimeInSeconds\": 2, \"files\": [{\"link\": \"input\", \"name\": \"x\", \"sizeInBytes\": 1000}]},\n"
	" {\"name\": \"c\", \"runtimeInSeconds\": 0.25, \"cores\": 2, \"parents\": [\"a\", \"b\"]}]}}";
static const char v16[] =
	"{\"name\": \"t\", \"schemaVersion\": \"1.6\", \"workflow\": {\"specification\": {\"tasks\": [\n"
	" {\"name\": \"a\", \"id\": \"a\", \"parents\": [], \"children\": [\"b\", \"c\"], \"inputFiles\": [\"in\"], \"outputFiles\": [\"x\"]},\n"
	" {\"name\": \"b\", \"id\": \"b\", \"parents\": [\"a\"], \"children\": [\"c\"], \"inputFiles\": [\"x\"]},\n"
	" {\"name\": \"c\", \"id\": \"c\", \"parents\": [\"a\", \"b\"], \"children\": []}],\n"
	" \"files\": [{\"id\": \"in\", \"sizeInBytes\": 10}, {\"id\": \"x\", \"sizeInBytes\": 1000}]},\n"
	" \"execution\": {\"makespanInSeconds\": 9, \"executedAt\": \"2020\", \"tasks\": [\n"
	" {\"id\": \"a\", \"runtimeInSeconds\": 1.5}, {\"id\": \"b\", \"runtimeInSeconds\": 2},\n"
	" {\"id\": \"c\", \"runtimeInSeconds\": 0.25, \"coreCount\": 2}]}}}";

/* The workflow file, or "error: ..."; until the next call. */
static const char *import(const char *trace, struct wfformat_options o)
{
	static struct wf_buf out;
	struct wf_err err;

	wf_buf_clear(&out);
	if (wfformat_import(trace, strlen(trace), "t.json", &o, &out, &err) < 0)
		wf_buf_printf(&out, "error: %s", err.text);
	return out.data;
}

static const struct wfformat_options as_it_was = { .time_scale = 1, .size_scale = 1 };

/* What the language's own reader makes of it. */
static struct wdf *parse(const char *text)
{
	struct wdf_input in = { .text = text, .len = strlen(text), .file = "t.yaml" };
	struct wdf_diags d = { 0 };
	struct wdf *w = wdf_parse(&in, NULL, &d);
	struct wf_err err = { 0 };

	if (!w) {
		wdf_diags_err(&d, "t.yaml", &err);
		bail("%s\n%s", err.text, text);
	}
	wdf_diags_release(&d);
	return w;
}

static void test_version(const char *trace, const char *version)
{
	struct wdf *w = parse(import(trace, as_it_was));
	const struct wdf_step *s = w->steps;

	is_int(w->step_count, 4, "%s: a step makes what was there before, and one for each task", version);
	is_str(s[0].name, "wf-inputs", "%s: that step", version);
	is_str(s[0].outputs[0].raw, "in", "%s: makes the file", version);
	is_str(s[1].name, "a", "%s: then the tasks", version);
	is_int(s[1].resources.time_ms, 1900, "%s: with their time and some to spare", version);
	is_str(s[1].outputs[0].raw, "x", "%s: what they write", version);
	is_str(s[1].command->words[5].tmpl.raw, "x", "%s: and make", version);
	is_str(s[1].command->words[6].tmpl.raw, "1000", "%s: as large as it was", version);
	is_str(s[2].inputs[0].raw, "x", "%s: what they read", version);
	is_int(s[2].after_count, 1, "%s: whom they wait for", version);
	is_int(s[2].after[0].step, 1, "%s: b for a", version);
	is_int(s[3].after_count, 2, "%s: c for two", version);
	is_int(s[3].resources.cpus, 2, "%s: whole cores", version);
	is_str(s[3].command->words[1].tmpl.raw, "0.250", "%s: and sleep", version);
	wdf_free(w);
}

static void test_options(void)
{
	struct wdf *w = parse(import(v16, (struct wfformat_options){ .time_scale = 0.1, .size_scale = 0.001 }));

	is_str(w->steps[1].command->words[4].tmpl.raw, "0.150", "time is scaled");
	is_str(w->steps[1].command->words[6].tmpl.raw, "1", "sizes are scaled");
	is_str(w->steps[0].command->words[6].tmpl.raw, "0", "to nothing");
	wdf_free(w);
	w = parse(import(v16, (struct wfformat_options){ 0 }));
	is_int(w->step_count, 3, "scale 0: no files, so no step that makes some");
	is_int(w->steps[0].output_count + w->steps[1].input_count, 0, "nobody writes or reads");
	is_str(w->steps[0].command->words[0].tmpl.raw, "true", "and no time");
	is_int(w->steps[0].resources.time_ms, 0, "and none declared");
	is_int(w->steps[1].after_count, 1, "the order stays");
	wdf_free(w);
	w = parse(import(v16, (struct wfformat_options){ .time_scale = 1, .burn = 1 }));
	has_str(w->steps[2].command->words[2].tmpl.raw, "sha256sum", "a burner computes");
	is_str(w->steps[2].command->words[5].tmpl.raw, "2", "on each core");
	wdf_free(w);
}

static const char *label(const struct wdf_step *s, const char *key)
{
	const char *text = json_string_value(json_object_get(s->labels, key));

	return text ? text : "(none)";
}

static void test_names(void)
{
	static const char odd[] =
		"{\"schemaVersion\": \"1.6\", \"name\": \"a/{{ b }}\", \"workflow\": {\"specification\": {\"tasks\": [\n"
		"{\"id\": \"x:1\", \"name\": \"ZX {{ y }} %\", \"outputFiles\": [\"/d/f\", \"g\"]},\n"
		"{\"id\": \"x#1\", \"name\": \"x#1\", \"parents\": [\"x:1\"], \"inputFiles\": [\"g\"], \"outputFiles\": [\"/d/f\"]},\n"
		"{\"id\": \"x_1\", \"name\": \"x_1\", \"inputFiles\": [\"g\"], \"outputFiles\": [\"g\"]},\n"
		"{\"id\": \"true\", \"name\": \"true\", \"inputFiles\": [\".h\"]}]}}}";
	struct wdf *w = parse(import(odd, as_it_was));
	const struct wdf_step *s = w->steps;

	is_str(w->name, "a___ b __", "a workflow's name loses what has a meaning");
	is_str(s[0].outputs[0].raw, "%2Eh", "a file's name is encoded, a leading dot too");
	is_str(s[3].name, "x_1", "who can keep his name does");
	is_str(label(&s[3], "wfformat.id"), "(none)", "and needs no label");
	is_str(label(&s[1], "wfformat.id"), "x%3A1", "others have theirs in a label");
	is_str(label(&s[2], "wfformat.id"), "x%231", "each");
	ok(strcmp(s[1].name, s[2].name) != 0 && strcmp(s[1].name, "x_1") != 0 && strcmp(s[2].name, "x_1") != 0, "and all differ");
	is_str(label(&s[1], "wfformat.name"), "ZX%20%7B%7B%20y%20%7D%7D%20%25", "so have the names that are not ids");
	is_str(s[1].outputs[0].raw, "%2Fd%2Ff", "no directories");
	is_str(label(&s[2], "wfformat.writes"), "%2Fd%2Ff", "a second writer does not declare it");
	is_int(s[2].input_count, 1, "a parent's file is an input");
	is_int(s[3].input_count, 0, "another's would be an edge that the trace does not have");
	is_str(label(&s[3], "wfformat.reads"), "g", "so it is said in a label");
	is_str(s[4].name, "true", "a word of YAML is quoted");
	is_int(s[3].after_count, 0, "1.6 infers no edges");
	wdf_free(w);
}

static void test_coding(void)
{
	static const char *const texts[] = { "", ".", "a.b", "a/b c", "%41", "\xc3\xa9\n\"'", "100%", "{{ x }}" };
	struct wf_buf there = { 0 }, back = { 0 };

	for (size_t i = 0; i < WF_COUNT(texts); i++) {
		wf_buf_clear(&there);
		wf_buf_clear(&back);
		wfformat_encode(&there, texts[i]);
		wfformat_decode(&back, wf_buf_cstr(&there), there.len);
		is_str(wf_buf_cstr(&back), texts[i], "'%s' comes back", wf_buf_cstr(&there));
		ok(!strpbrk(wf_buf_cstr(&there), "/{} \"'\n"), "harmless meanwhile");
	}
	wf_buf_release(&there);
	wf_buf_release(&back);
}

static void refuse(const char *trace, const char *want)
{
	char text[300];

	snprintf(text, sizeof(text), "error: t.json:%s", want);
	is_str(import(trace, as_it_was), text, "refused");
}

#define SPEC(tasks, more) "{\"schemaVersion\": \"1.5\",\n \"workflow\": {\"specification\": {\"tasks\": [" tasks "]" more "}}}"
#define OLD(tasks) "{\"schemaVersion\": \"1.2\", \"workflow\": {\n\"jobs\": [" tasks "]}}"

static void test_refused(void)
{
	refuse("{\"name\": ]}", "1:10: unexpected token near ']'");
	refuse("[1]", "1:1: must be a JSON object");
	refuse("{}", "1:1: no 'schemaVersion': this is not WfFormat");
	refuse("{\n  \"schemaVersion\": \"2.0\"}", "2:20: WfFormat '2.0' is not known; 1.0 to 1.6 are read");
	refuse("{\"schemaVersion\": \"1.3\"}", "1:1: 'workflow' must be an object");
	refuse("{\"schemaVersion\": \"1.3\", \"workflow\": {}}", "1:38: a workflow needs a list of tasks");
	refuse(OLD(""), "2:9: a workflow needs a list of tasks");
	refuse(OLD("7"), "2:10: a task must be an object");
	refuse(OLD("{\"id\": \"\"}"), "2:10: the name of a task must be a text");
	refuse(OLD("{\"name\": \"a\"}, {\"name\": \"a\"}"), "2:34: two tasks are called 'a'");
	refuse(OLD("{\"name\": \"a\", \"parents\": [\"b\"]}"), "2:36: no task 'b'");
	refuse(OLD("{\"name\": \"a\", \"parents\": [\"a\"]}"), "2:36: task 'a' waits for itself");
	refuse(OLD("{\"name\": \"a\", \"parents\": 3}"), "2:35: 'parents' must be a list");
	refuse(OLD("{\"name\": \"a\", \"runtime\": \"1\"}"), "2:10: the runtime of 'a' must be a number");
	refuse(OLD("{\"name\": \"a\", \"runtime\": -1}"), "2:10: the runtime of 'a' must be a number from 0 to 3.2e+09, found -1");
	refuse(OLD("{\"name\": \"a\", \"files\": [{\"name\": \"f\", \"size\": -1}]}"),
	       "2:34: the size of 'f' must be a number from 0 to 9e+18, found -1");
	refuse(OLD("{\"name\": \"a\", \"files\": [{\"name\": \"f\"}]}"), "2:34: 'link' of file 'f' must be 'input' or 'output'");
	refuse(OLD("{\"name\": \"a\", \"parents\": [\"b\"]},\n {\"name\": \"b\", \"parents\": [\"a\"]}"),
	       "2:10: task 'a' waits for itself, or for tasks that do");
	refuse(OLD("{\"name\": \"a\", \"id\": \"1\"}, {\"name\": \"a\", \"id\": \"2\"}, {\"name\": \"c\", \"parents\": [\"a\"]}"),
	       "2:88: several tasks have the name 'a'");
	refuse(SPEC("{\"name\": \"a\", \"id\": \"a\", \"inputFiles\": [1]}", ""), "2:83: the id of a file must be a text");
	refuse(SPEC("{\"name\": \"a\"}", ", \"files\": [{\"id\": \"f\", \"sizeInBytes\": \"\"}]"), "2:69: the size of 'f' must be a number");
}

static size_t line_of(const char *text, const char *path, size_t *column)
{
	size_t line;

	trace_place(text, strlen(text), path, &line, column);
	return line;
}

static void test_places(void)
{
	static const char text[] = " {\"a\\\"b\": [1, {}],\n \"\xc3\xa9\": {\"x\": \"]}\", \"y\":\t[[2], [3,4 ]]}}";
	size_t column;

	is_int(line_of(text, "", &column), 1, "the document");
	is_int(column, 2, "begins after a blank");
	is_int(line_of(text, "\xc3\xa9.y[1][1]", &column), 2, "brackets in texts do not count");
	is_int(column, 33, "nor do bytes of a character");
	is_int(line_of(text, "\xc3\xa9.y[7]", &column), 2, "what is not there");
	is_int(column, 24, "is placed where it should be");
	is_int(line_of(text, "z.q", &column), 1, "or in the document");
}

int main(void)
{
	test_version(v10, "1.0");
	test_version(v13, "1.3");
	test_version(v14, "1.4");
	test_version(v16, "1.6");
	test_options();
	test_names();
	test_coding();
	test_refused();
	test_places();
	return done_testing();
}
