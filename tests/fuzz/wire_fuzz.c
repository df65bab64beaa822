/* wire_fuzz.c - the agent link: any bytes as a frame; what decodes can be read to its last string, and encodes to a frame that decodes alike */
#include <stdlib.h>
#include <string.h>

#include "engine/link/wire.h"
#include "tests/fuzz/fuzz.h"

static void encode(struct wf_buf *b, const struct wf_frame *f)
{
	switch (f->type) {
	case WF_WIRE_HELLO: wf_wire_hello(b, f->hello); break;
	case WF_WIRE_START: wf_wire_start(b, f->start, f->count); break;
	case WF_WIRE_CANCEL: wf_wire_cancel(b, f->cancel, f->count); break;
	case WF_WIRE_OBSERVE:
	case WF_WIRE_REATTACH:
	case WF_WIRE_ACCEPTED: wf_wire_refs(b, f->type, f->ref, f->count, f->last); break;
	case WF_WIRE_CALL: wf_wire_call(b, f->call, f->count); break;
	case WF_WIRE_ACK: wf_wire_ack(b, f->cursor); break;
	case WF_WIRE_RUNNING: wf_wire_running(b, f->running, f->count); break;
	case WF_WIRE_ENDED: wf_wire_ended(b, f->ended, f->count); break;
	case WF_WIRE_LOST: wf_wire_lost(b, f->lost, f->count); break;
	case WF_WIRE_RESULT: wf_wire_result(b, f->result, f->count); break;
	case WF_WIRE_SIGNAL: wf_wire_signal(b, f->signal, f->count); break;
	case WF_WIRE_SAMPLE: wf_wire_sample(b, f->sample, f->count); break;
	case WF_WIRE_REJECTED: wf_wire_rejected(b, f->rejected, f->count); break;
	}
}

static void see(uint64_t *sum, const char *s)
{
	*sum += s ? strlen(s) : 0;
}

static void see_list(uint64_t *sum, const char *const *list)
{
	for (; list && *list; list++)
		see(sum, *list);
}

/* Every pointer of every entry, to its end: the sanitizers watch. What must be there is. */
static uint64_t read_all(const struct wf_frame *f)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; f->type == WF_WIRE_START && i < f->count; i++) {
		const struct wf_start *s = &f->start[i];

		MUST(s->argv);
		see(&sum, s->name);
		see(&sum, s->setup);
		see(&sum, s->cwd);
		see(&sum, s->log_dir);
		see(&sum, s->stdout_path);
		see(&sum, s->stderr_path);
		see(&sum, s->result_path);
		see(&sum, s->token);
		see_list(&sum, s->argv);
		see_list(&sum, s->env);
		see_list(&sum, s->env_more);
		see_list(&sum, s->inputs);
		see_list(&sum, s->outputs);
		for (uint32_t k = 0; k < s->success_count; k++)
			sum += (uint64_t)s->success_codes[k];
	}
	for (uint32_t i = 0; i < f->count; i++)
		switch (f->type) {
		case WF_WIRE_HELLO:
			MUST(f->hello->role);
			see(&sum, f->hello->role);
			see(&sum, f->hello->build);
			see(&sum, f->hello->instance);
			see(&sum, f->hello->host);
			see(&sum, f->hello->boot_id);
			break;
		case WF_WIRE_CALL:
			MUST(f->call[i].op);
			see(&sum, f->call[i].op);
			see(&sum, f->call[i].args);
			break;
		case WF_WIRE_ENDED:
			see(&sum, f->ended[i].reason);
			see(&sum, f->ended[i].result);
			break;
		case WF_WIRE_LOST: see(&sum, f->lost[i].reason); break;
		case WF_WIRE_RESULT:
			MUST(f->result[i].outcome);
			see(&sum, f->result[i].outcome);
			see(&sum, f->result[i].body);
			break;
		case WF_WIRE_SIGNAL:
			MUST(f->signal[i].body);
			see(&sum, f->signal[i].body);
			break;
		case WF_WIRE_REJECTED: see(&sum, f->rejected[i].reason); break;
		default: break;
		}
	return sum;
}

static int is_known(enum wf_wire_type type)
{
	return type == WF_WIRE_HELLO || (type >= WF_WIRE_START && type <= WF_WIRE_ACK) || (type >= WF_WIRE_ACCEPTED && type <= WF_WIRE_REJECTED);
}

/* encode(decode(x)) says the same as x: encoding that once more gives the same bytes. */
static void encode_again(const struct wf_frame *f, uint64_t sum)
{
	struct wf_buf once = { 0 }, twice = { 0 };
	struct wf_err err;
	struct wf_frame g;

	encode(&once, f);
	MUST(wf_wire_whole(once.data, once.len) == (int64_t)once.len);
	MUST_SAY(wf_wire_decode(&g, once.data, once.len, &err) == 0, err.text);
	MUST(g.type == f->type && g.count == f->count && g.cursor == f->cursor);
	MUST(read_all(&g) == sum);
	encode(&twice, &g);
	MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	wf_frame_release(&g);
	wf_buf_release(&once);
	wf_buf_release(&twice);
}

/* The length is what no fuzzer should have to guess: the input is a frame without it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = fuzz_start();
	uint32_t n = (uint32_t)size;
	struct wf_err err = { .code = WF_OK };
	struct wf_frame f;
	uint8_t *p;

	if (size > FUZZ_INPUT_MAX)
		return 0;
	p = wf_xmalloc(size + 4);
	memcpy(p, &n, 4);
	if (size)
		memcpy(p + 4, data, size);
	(void)wf_wire_whole(data, size);
	if (wf_wire_decode(&f, p, size + 4, &err) == 0) {
		/* An entry costs what its struct does, a byte of a list what a pointer and its alignment do. */
		MUST(f.arena.total <= 64 * size + (f.count + 1) * sizeof(struct wf_start) + 256);
		if (is_known(f.type))
			encode_again(&f, read_all(&f));
		else
			MUST(f.count == 0);
	} else {
		MUST(err.code == WF_BAD_REQUEST && err.text[0]);
	}
	wf_frame_release(&f);
	free(p);
	fuzz_end(start);
	return 0;
}
