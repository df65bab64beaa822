/* json_fuzz.c - any bytes as a JSON document, as a text that becomes one, and as the body of a request
 *
 * Asserts: a refused document says where; an accepted one comes back from its own text as it was; any bytes can be written as a JSON text,
 * and what was UTF-8 comes back; every body gets an answer, which is JSON, and never "internal error".
 */
#include <stdlib.h>
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/served.h"

static void as_document(const char *text, size_t n)
{
	struct wf_err err = { .code = WF_OK };
	json_t *j = wf_json_parse(text, n, &err), *back;
	struct wf_buf b = { 0 };

	if (!j) {
		MUST(err.code == WF_BAD_REQUEST);
		fuzz_is_placed(&err, "JSON", text, n);
		return;
	}
	wf_json_dump(j, &b);
	back = wf_json_parse(b.data, b.len, &err);
	MUST_SAY(back, err.text);
	MUST(json_equal(j, back));
	json_decref(j);
	json_decref(back);
	wf_buf_release(&b);
}

static int is_utf8(const char *text, size_t n)
{
	json_t *j = json_stringn(text, n);
	int yes = j != NULL;

	json_decref(j);
	return yes;
}

static void as_text(const char *text, size_t n)
{
	struct wf_err err = { .text = "" };
	struct wf_buf b = { 0 };
	json_t *cleaned = wf_json_text(text, n), *written;
	int plain = is_utf8(text, n) && !memchr(text, 0, n);

	MUST(json_is_string(cleaned));
	wf_buf_json(&b, text, n);
	/* A NUL is a character that can be written, and that no document may hold. */
	if (!memchr(text, 0, n)) {
		written = wf_json_parse(b.data, b.len, &err);
		MUST_SAY(json_is_string(written), err.text);
		MUST(json_equal(cleaned, written));
		MUST(!plain || (json_string_length(written) == n && memcmp(json_string_value(written), text, n) == 0));
		json_decref(written);
	}
	json_decref(cleaned);
	wf_buf_release(&b);
}

/* ---- bodies --------------------------------------------------------------------------------------------------- */

struct asked {
	struct served *at;
	int sent;
};

static void on_send(struct request *rq)
{
	struct asked *a = rq->transport;

	a->sent = 1;
	wf_loop_stop(a->at->loop);
}

static void as_body(uint8_t which, const char *text, size_t n)
{
	static const char *const targets[] = { "/api/v1/runs", "/api/v1/runs/first/tasks/a[0]:resolve", "/api/v1/runs/first:cancel",
					       "/api/v1/runs/first:retry", "/api/v1/engine:backup", "/api/v1/runs" };
	struct asked a = { .at = served() };
	struct request *rq;
	int status;

	/* A backup writes where it is told: only the refusals of one are tried. */
	if (which % WF_COUNT(targets) == 4 && memchr(text, '/', n))
		return;
	rq = request_create(a.at->api, targets[which % WF_COUNT(targets)]);
	strcpy(rq->method, "POST");
	rq->content_type = wf_xstrdup("application/json");
	rq->send = on_send;
	rq->transport = &a;
	MUST(api_begin(rq) > 0);
	wf_buf_add(&rq->body, text, n);
	api_dispatch(rq);
	/* An answer that came at once has stopped the loop in advance. */
	while (!rq->ready)
		wf_loop_run(a.at->loop);
	MUST(a.sent);
	status = rq->status;
	served_check(status, rq->type, wf_buf_cstr(&rq->out), rq->out.len);
	api_sent(rq);
	served_done(status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = fuzz_start();

	if (size < 2 || size > FUZZ_INPUT_MAX)
		return 0;
	switch (data[0] % 3) {
	case 0: as_document((const char *)data + 1, size - 1); break;
	case 1: as_text((const char *)data + 1, size - 1); break;
	default: as_body(data[1], (const char *)data + 2, size - 2); break;
	}
	fuzz_end(start);
	return 0;
}
