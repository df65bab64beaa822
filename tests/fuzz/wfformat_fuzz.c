/* wfformat_fuzz.c - any text as a WfFormat trace
 *
 * Asserts: a refusal is placed in the document; what is accepted becomes a workflow file that is accepted, with a step for every task, and
 * the same once more; names survive their encoding.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wdf-schema/wdf.h"
#include "wdf-schema/wfformat.h"
#include "wdf-schema/wfformat_trace.h"

static const struct wfformat_options options[] = {
	{ .time_scale = 1, .size_scale = 1 },
	{ .time_scale = 0, .size_scale = 0 },
	{ .time_scale = 0.001, .size_scale = 1e-6, .burn = 1 },
	{ .time_scale = 1e6, .size_scale = 1e6 },
};

static void names_survive(const char *text)
{
	struct wf_buf there = { 0 }, back = { 0 };

	wfformat_encode(&there, text);
	wfformat_decode(&back, wf_buf_cstr(&there), there.len);
	MUST_SAY(strcmp(text, wf_buf_cstr(&back)) == 0, wf_buf_cstr(&there));
	MUST(!strpbrk(wf_buf_cstr(&there), " \n\"'{}$`") && wf_buf_cstr(&there)[0] != '.');
	/* Anything can be decoded. */
	wf_buf_clear(&back);
	wfformat_decode(&back, text, strlen(text));
	MUST(back.len <= strlen(text));
	wf_buf_release(&there);
	wf_buf_release(&back);
}

static uint32_t tasks_of(const char *text, size_t n)
{
	struct wf_err err;
	struct trace t;
	uint32_t count;

	MUST_SAY(trace_read(&t, text, n, "f", &err) == 0, err.text);
	count = t.task_count;
	trace_release(&t);
	return count;
}

static void is_a_workflow(const struct wf_buf *out, uint32_t tasks)
{
	struct wdf_input in = { .text = out->data, .len = out->len, .file = "w" };
	struct wdf_diags d = { 0 };
	struct wdf *w = wdf_parse(&in, NULL, &d);
	struct wf_err err = { .text = "" };

	if (!w)
		wdf_diags_err(&d, "w", &err);
	MUST_SAY(w, err.text);
	/* One more may make the files that were there before. */
	MUST(w->step_count == tasks || w->step_count == tasks + 1);
	wdf_diags_release(&d);
	wdf_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = fuzz_start();
	const struct wfformat_options *o;
	struct wf_buf once = { 0 }, twice = { 0 };
	struct wf_err err = { .code = WF_OK };
	size_t n = size - 1;
	char *text;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	o = &options[data[0] % 4];
	text = wf_xstrndup((const char *)data + 1, n);
	names_survive(text);
	if (wfformat_import(text, n, "f", o, &once, &err) == 0) {
		MUST(once.len > 0);
		is_a_workflow(&once, tasks_of(text, n));
		MUST(wfformat_import(text, n, "f", o, &twice, &err) == 0);
		MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	} else {
		MUST(once.len == 0 && err.code != WF_OK);
		fuzz_is_placed(&err, "f", text, n);
	}
	wf_buf_release(&once);
	wf_buf_release(&twice);
	free(text);
	fuzz_end(start);
	return 0;
}
