/* The agent link's bytes: every message comes back as it went in; what is cut or damaged is refused or harmless. */
#include "engine/link/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"

static const struct wf_key key = { .run = 7, .instance = 3, .index = 4000000000u, .attempt = 65535, .kind = WF_KIND_MEMBER };
static const struct wf_attempt_ref ref = { .number = UINT64_MAX - 5, .key = { .run = UINT64_MAX, .instance = 9, .index = 1, .attempt = 2 } };

static int same_key(const struct wf_key *a, const struct wf_key *b)
{
	return a->run == b->run && a->instance == b->instance && a->index == b->index && a->attempt == b->attempt &&
	       a->kind == b->kind;
}

static int same_ref(const struct wf_attempt_ref *a, const struct wf_attempt_ref *b)
{
	return a->number == b->number && same_key(&a->key, &b->key);
}

static int same_str(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int same_list(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b)
		if (strcmp(*a++, *b++) != 0)
			return 0;
	return *a == *b;
}

static int same_start(const struct wf_start *a, const struct wf_start *b)
{
	return a->number == b->number && same_key(&a->key, &b->key) && same_str(a->name, b->name) &&
	       same_list(a->argv, b->argv) && same_list(a->env, b->env) && same_list(a->env_more, b->env_more) &&
	       same_str(a->setup, b->setup) && same_str(a->cwd, b->cwd) && same_str(a->log_dir, b->log_dir) &&
	       same_str(a->stdout_path, b->stdout_path) && same_str(a->stderr_path, b->stderr_path) &&
	       same_str(a->result_path, b->result_path) && same_str(a->token, b->token) && same_list(a->inputs, b->inputs) &&
	       same_list(a->outputs, b->outputs) && a->success_count == b->success_count &&
	       (!a->success_count || memcmp(a->success_codes, b->success_codes, a->success_count * 4) == 0) &&
	       a->update == b->update && a->control == b->control && a->results_needed == b->results_needed &&
	       a->first_started_ms == b->first_started_ms && a->timeout_ms == b->timeout_ms && a->grace_ms == b->grace_ms &&
	       a->output_limit == b->output_limit && a->cores == b->cores && a->memory == b->memory &&
	       a->umask_bits == b->umask_bits && a->places == b->places && same_str(a->limits, b->limits);
}

static const char *const env[] = { "PATH=/usr/bin:/bin", "HOME=/home/u", "LANG=C.UTF-8", NULL };
static const char *const other_env[] = { "PATH=/bin", NULL };
static const char *const argv[] = { "/bin/sim", "--x", "", "\xff\xfe not utf-8 \n", NULL };
static const char *const none[] = { NULL };
static const int32_t codes[] = { 0, 3, -7, INT32_MAX, INT32_MIN };

static struct wf_start full_start(void)
{
	return (struct wf_start){
		.number = 42, .key = key, .name = "sim[12]", .argv = argv, .env = env, .env_more = none, .setup = "module load x",
		.cwd = "/scratch/u", .log_dir = "/state/log", .stdout_path = "/scratch/u/out", .stderr_path = "/scratch/u/err",
		.result_path = "/state/result", .token = "e/task/7/1", .inputs = argv, .outputs = env, .success_codes = codes,
		.success_count = 5, .update = 1, .control = 1, .results_needed = 1, .first_started_ms = 1700000000123,
		.timeout_ms = INT64_MAX, .grace_ms = -1, .output_limit = UINT64_MAX, .cores = 1500, .memory = 1ull << 40,
		.umask_bits = 022, .places = 41, .limits = "nofile=777:unlimited",
	};
}

/* Decode what is in b, expecting one frame of `type`; bails out otherwise, as nothing after it would make sense. */
static struct wf_frame decoded(const struct wf_buf *b, enum wf_wire_type type)
{
	struct wf_frame f;
	struct wf_err err = { 0 };

	if (wf_wire_whole(b->data, b->len) != (int64_t)b->len)
		bail("not one whole frame");
	if (wf_wire_decode(&f, b->data, b->len, &err) < 0)
		bail("decode type %d: %s", (int)type, err.text);
	if (f.type != type || f.version != WF_WIRE_VERSION)
		bail("type %d, version %u", (int)f.type, f.version);
	return f;
}

/* Every prefix must be refused, and every one-byte change must be survived (it may be valid: a letter of a string). Exact heap
 * copies, so that a sanitizer sees a read past the end. */
static void torture(const struct wf_buf *b, const char *what)
{
	unsigned refused = 0, seed = 12345;
	struct wf_frame f;
	uint8_t *copy;

	for (size_t n = 0; n < b->len; n++) {
		copy = malloc(n + 4);
		memcpy(copy, b->data, n);
		refused += wf_wire_decode(&f, copy, n, NULL) < 0;
		wf_frame_release(&f);
		if (n >= 8) { /* the same with a length that fits */
			uint32_t len = (uint32_t)n - 4;

			memcpy(copy, &len, 4);
			refused += wf_wire_decode(&f, copy, n, NULL) < 0;
			wf_frame_release(&f);
		}
		free(copy);
	}
	is_int(refused, b->len + b->len - 8, "%s: every truncation is refused", what);
	for (int i = 0; i < 20000; i++) {
		copy = malloc(b->len);
		memcpy(copy, b->data, b->len);
		for (int k = 0; k <= i % 3; k++) {
			seed = seed * 1103515245u + 12345u;
			copy[8 + (seed >> 4) % (b->len - 8)] = (uint8_t)(seed >> 20);
		}
		if (wf_wire_decode(&f, copy, b->len, NULL) == 0 && f.type == WF_WIRE_START)
			for (uint32_t k = 0; k < f.count; k++) /* read all that can be reached */
				refused += (unsigned)same_start(&f.start[k], &f.start[0]);
		wf_frame_release(&f);
		free(copy);
	}
	ok(1, "%s: 20,000 corruptions are survived", what);
}

static void test_hello(void)
{
	struct wf_hello h = { .version = 1, .role = "local", .build = "0.1.0", .epoch = 3, .instance = "i", .host = "h",
			      .boot_id = "b", .pid_ns = 4026531836, .pid = 12, .cores = 2, .memory = 1ull << 33, .mark = 99,
			      .cursor = 5, .capabilities = WF_CAP_MEMBERS | WF_CAP_MEMORY };
	struct wf_hello engine = { .version = 1, .role = "engine", .build = "0.1.0", .epoch = 3 };
	struct wf_buf b = { 0 };
	struct wf_frame f;

	wf_wire_hello(&b, &h);
	f = decoded(&b, WF_WIRE_HELLO);
	ok(f.hello->version == 1 && f.hello->epoch == 3 && f.hello->pid_ns == h.pid_ns && f.hello->pid == 12 &&
		   f.hello->cores == 2 && f.hello->memory == h.memory && f.hello->mark == 99 && f.hello->cursor == 5 &&
		   f.hello->capabilities == h.capabilities, "hello keeps its numbers");
	ok(same_str(f.hello->role, "local") && same_str(f.hello->instance, "i") && same_str(f.hello->host, "h") &&
		   same_str(f.hello->boot_id, "b") && same_str(f.hello->build, "0.1.0"), "and its texts");
	wf_frame_release(&f);
	torture(&b, "hello");
	wf_buf_clear(&b);
	wf_wire_hello(&b, &engine);
	f = decoded(&b, WF_WIRE_HELLO);
	ok(!f.hello->instance && !f.hello->host, "absent texts stay absent");
	wf_frame_release(&f);
	wf_buf_release(&b);
}

static void test_start(void)
{
	struct wf_start s[3] = { full_start(), { .number = 43, .argv = none }, full_start() };
	struct wf_buf b = { 0 };
	struct wf_frame f;

	s[2].number = 7;
	s[2].env = other_env;
	wf_wire_start(&b, s, 3);
	f = decoded(&b, WF_WIRE_START);
	is_int(f.count, 3, "three starts");
	for (int i = 0; i < 3; i++)
		ok(same_start(&s[i], &f.start[i]), "start %d comes back whole", i);
	wf_frame_release(&f);
	torture(&b, "start");
	wf_buf_clear(&b);
	s[0].argv = NULL;
	wf_wire_start(&b, s, 1);
	ok(wf_wire_decode(&f, b.data, b.len, NULL) < 0, "a start without argv is malformed");
	wf_frame_release(&f);
	wf_buf_release(&b);
}

static void test_shared(void)
{
	enum { N = 1000 };
	struct wf_start *s = calloc(N, sizeof(*s));
	static char names[N][24], index_env[N][24];
	static const char *more[N][2];
	const char *big_env[200];
	static char big[199][64];
	struct wf_buf one = { 0 }, b = { 0 };
	struct wf_frame f;
	int same = 1;

	for (int i = 0; i < 199; i++) {
		snprintf(big[i], sizeof(big[i]), "VARIABLE_%d=the value of number %d", i, i);
		big_env[i] = big[i];
	}
	big_env[199] = NULL;
	for (int i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "sim[%d]", i);
		snprintf(index_env[i], sizeof(index_env[i]), "WF_INDEX=%d", i);
		more[i][0] = index_env[i];
		s[i] = full_start();
		s[i].number = 1000 + (uint64_t)i;
		s[i].key.index = (uint32_t)i;
		s[i].name = names[i];
		s[i].env = i % 2 ? big_env : env;
		s[i].env_more = more[i];
	}
	wf_wire_start(&one, &s[1], 1);
	wf_wire_start(&b, s, N);
	f = decoded(&b, WF_WIRE_START);
	for (int i = 0; i < N; i++)
		same = same && same_start(&s[i], &f.start[i]);
	ok(f.count == N && same, "1,000 starts come back whole");
	ok(f.start[1].env == f.start[3].env && f.start[0].env == f.start[2].env, "a shared environment is shared again");
	ok(b.len < one.len + N * 48, "and encoded once: %zu bytes for one, %zu for 1,000", one.len, b.len);
	wf_frame_release(&f);
	wf_buf_release(&one);
	wf_buf_release(&b);
	free(s);
}

static void test_split(void)
{
	enum { N = 150000 };
	struct wf_attempt_ref *r = calloc(N, sizeof(*r));
	struct wf_buf b = { 0 };
	size_t at = 0, seen = 0;
	int frames = 0, lasts = 0, good = 1;
	struct wf_result big[3];
	char *body = malloc((30u << 20) + 1);

	for (size_t i = 0; i < N; i++)
		r[i].number = i + 1;
	wf_wire_refs(&b, WF_WIRE_REATTACH, r, N, 1);
	while (at < b.len) {
		struct wf_frame f;
		int64_t n = wf_wire_whole(b.data + at, b.len - at);

		if (n <= 0 || wf_wire_decode(&f, b.data + at, (size_t)n, NULL) < 0)
			bail("split frame");
		for (uint32_t i = 0; i < f.count; i++)
			good = good && f.ref[i].number == ++seen;
		at += (size_t)n;
		frames++;
		lasts += f.last;
		good = good && (f.last == (at == b.len));
		wf_frame_release(&f);
	}
	ok(frames > 1 && seen == N && good, "150,000 references are split into %d frames, in order", frames);
	is_int(lasts, 1, "only the last one is `last`");

	memset(body, 'x', 30u << 20);
	body[30u << 20] = '\0';
	for (int i = 0; i < 3; i++) {
		big[i] = (struct wf_result){ .op_id = (uint64_t)i, .outcome = "ok", .body = body + i };
	}
	wf_buf_clear(&b);
	wf_wire_result(&b, big, 3);
	ok(wf_wire_whole(b.data, b.len) > 0 && wf_wire_whole(b.data, b.len) < (int64_t)b.len,
	   "entries that do not fit one frame together go in several");
	free(body);
	free(r);
	wf_buf_release(&b);
}

static void test_small(void)
{
	struct wf_buf b = { 0 };
	struct wf_frame f;
	struct wf_attempt_ref refs[2] = { ref, { .number = 1, .key = key } };
	const enum wf_wire_type ref_types[] = { WF_WIRE_ACCEPTED, WF_WIRE_OBSERVE, WF_WIRE_REATTACH };
	struct wf_cancel cancel = { .ref = ref, .why = WF_CANCEL_STOP, .grace_ms = 5000 };
	struct wf_call call = { .op_id = 9, .ref = ref, .op = "stop", .args = "{}", .deadline_ms = 1000 };
	struct wf_running running = { .ref = ref, .cursor = 17, .pid = 4711, .started_ms = 1700000000000 };
	struct wf_ended ended[2] = {
		{ .ref = ref, .cursor = 18, .class = WF_CLASS_SIGNAL, .exit = -9, .started_ms = 5, .ended_ms = 6,
		  .usage = { 1, 2, 3, 4 }, .out = { WF_LOG_PACK, 100, 200 }, .err = { WF_LOG_FILE, 0, 1ull << 40 },
		  .reason = "killed", .result = "{\"a\":1}" },
		{ .cursor = 19 },
	};
	struct wf_lost lost = { .ref = ref, .cursor = 3, .why = WF_LOST_AGENT, .reason = "gone" };
	struct wf_result result = { .op_id = 9, .ref = ref, .outcome = "ok", .body = "{}" };
	struct wf_signal signal = { .ref = ref, .cursor = 4, .body = "{\"state\":\"ready\"}" };
	struct wf_sample sample = { .ref = ref, .usage = { 5, 6, 7, 8 }, .output_bytes = 9 };
	struct wf_rejected rejected = { .number = 12, .reason = "at or below the mark" };

	for (size_t i = 0; i < WF_COUNT(ref_types); i++) {
		wf_buf_clear(&b);
		wf_wire_refs(&b, ref_types[i], refs, 2, 1);
		f = decoded(&b, ref_types[i]);
		ok(f.count == 2 && f.last && same_ref(&f.ref[0], &refs[0]) && same_ref(&f.ref[1], &refs[1]),
		   "references of type %d", (int)ref_types[i]);
		wf_frame_release(&f);
	}
	torture(&b, "references");
	wf_buf_clear(&b);
	wf_wire_refs(&b, WF_WIRE_REATTACH, NULL, 0, 1);
	f = decoded(&b, WF_WIRE_REATTACH);
	ok(f.count == 0 && f.last, "an empty last reattach");
	wf_frame_release(&f);

	wf_buf_clear(&b);
	wf_wire_cancel(&b, &cancel, 1);
	f = decoded(&b, WF_WIRE_CANCEL);
	ok(same_ref(&f.cancel->ref, &ref) && f.cancel->why == WF_CANCEL_STOP && f.cancel->grace_ms == 5000, "cancel");
	wf_frame_release(&f);
	torture(&b, "cancel");

	wf_buf_clear(&b);
	wf_wire_call(&b, &call, 1);
	f = decoded(&b, WF_WIRE_CALL);
	ok(f.call->op_id == 9 && same_ref(&f.call->ref, &ref) && same_str(f.call->op, "stop") &&
		   same_str(f.call->args, "{}") && f.call->deadline_ms == 1000, "call");
	wf_frame_release(&f);
	torture(&b, "call");

	wf_buf_clear(&b);
	wf_wire_ack(&b, UINT64_MAX);
	f = decoded(&b, WF_WIRE_ACK);
	ok(f.cursor == UINT64_MAX, "ack");
	wf_frame_release(&f);
	torture(&b, "ack");

	wf_buf_clear(&b);
	wf_wire_running(&b, &running, 1);
	f = decoded(&b, WF_WIRE_RUNNING);
	ok(same_ref(&f.running->ref, &ref) && f.running->cursor == 17 && f.running->pid == 4711 &&
		   f.running->started_ms == running.started_ms, "running");
	wf_frame_release(&f);
	torture(&b, "running");

	wf_buf_clear(&b);
	wf_wire_ended(&b, ended, 2);
	f = decoded(&b, WF_WIRE_ENDED);
	ok(f.count == 2 && same_ref(&f.ended->ref, &ref) && f.ended->cursor == 18 && f.ended->class == WF_CLASS_SIGNAL &&
		   f.ended->exit == -9 && f.ended->started_ms == 5 && f.ended->ended_ms == 6 && f.ended->usage.cpu_us == 1 &&
		   f.ended->usage.max_rss_kib == 2 && f.ended->usage.read_bytes == 3 && f.ended->usage.write_bytes == 4 &&
		   f.ended->out.where == WF_LOG_PACK && f.ended->out.offset == 100 && f.ended->out.length == 200 &&
		   f.ended->err.where == WF_LOG_FILE && f.ended->err.length == 1ull << 40 &&
		   same_str(f.ended->reason, "killed") && same_str(f.ended->result, "{\"a\":1}") && !f.ended[1].reason, "ended");
	wf_frame_release(&f);
	torture(&b, "ended");

	wf_buf_clear(&b);
	wf_wire_lost(&b, &lost, 1);
	f = decoded(&b, WF_WIRE_LOST);
	ok(same_ref(&f.lost->ref, &ref) && f.lost->cursor == 3 && f.lost->why == WF_LOST_AGENT && same_str(f.lost->reason, "gone"),
	   "lost");
	wf_frame_release(&f);
	torture(&b, "lost");

	wf_buf_clear(&b);
	wf_wire_result(&b, &result, 1);
	f = decoded(&b, WF_WIRE_RESULT);
	ok(f.result->op_id == 9 && same_ref(&f.result->ref, &ref) && same_str(f.result->outcome, "ok") &&
		   same_str(f.result->body, "{}"), "result");
	wf_frame_release(&f);
	torture(&b, "result");

	wf_buf_clear(&b);
	wf_wire_signal(&b, &signal, 1);
	f = decoded(&b, WF_WIRE_SIGNAL);
	ok(same_ref(&f.signal->ref, &ref) && f.signal->cursor == 4 && same_str(f.signal->body, signal.body), "signal");
	wf_frame_release(&f);
	torture(&b, "signal");

	wf_buf_clear(&b);
	wf_wire_sample(&b, &sample, 1);
	f = decoded(&b, WF_WIRE_SAMPLE);
	ok(same_ref(&f.sample->ref, &ref) && f.sample->usage.write_bytes == 8 && f.sample->output_bytes == 9, "sample");
	wf_frame_release(&f);
	torture(&b, "sample");

	wf_buf_clear(&b);
	wf_wire_rejected(&b, &rejected, 1);
	f = decoded(&b, WF_WIRE_REJECTED);
	ok(f.rejected->number == 12 && same_str(f.rejected->reason, rejected.reason), "rejected");
	wf_frame_release(&f);
	torture(&b, "rejected");
	wf_buf_release(&b);
}

/* A later version may append columns and types; an earlier one has fewer columns. The last column of CANCEL is grace_ms. */
static void test_versions(void)
{
	struct wf_cancel cancel = { .ref = ref, .why = WF_CANCEL_USER, .grace_ms = 5 };
	struct wf_buf b = { 0 };
	struct wf_frame f;
	static const uint8_t column[] = { 2, 0, 0, 0, 0, 8 };
	size_t count_at = 0;
	uint32_t len;

	wf_wire_cancel(&b, &cancel, 1);
	for (size_t i = 8; i + 4 < b.len && !count_at; i++) /* the column count is followed by the first column's length */
		if (b.data[i] == 8)
			count_at = i;
	b.data[count_at] = 9;
	wf_buf_add(&b, column, sizeof(column));
	len = (uint32_t)b.len - 4;
	memcpy(b.data, &len, 4);
	ok(wf_wire_decode(&f, b.data, b.len, NULL) == 0 && f.count == 1 && same_ref(&f.cancel->ref, &ref) &&
		   f.cancel->grace_ms == 5, "a column of a later version is skipped");
	wf_frame_release(&f);
	b.data[count_at] = 7;
	b.len -= sizeof(column) + 6;
	len = (uint32_t)b.len - 4;
	memcpy(b.data, &len, 4);
	ok(wf_wire_decode(&f, b.data, b.len, NULL) == 0 && f.count == 1 && same_ref(&f.cancel->ref, &ref) &&
		   f.cancel->grace_ms == 0, "a column that an earlier version does not send is zero");
	wf_frame_release(&f);
	b.data[4] = 99;
	ok(wf_wire_decode(&f, b.data, b.len, NULL) == 0 && (int)f.type == 99 && f.count == 0, "an unknown type is told, not refused");
	wf_frame_release(&f);
	ok(wf_wire_whole("\xff\xff\xff\xff", 4) == -1, "a length out of bounds is refused before the bytes are there");
	ok(wf_wire_whole("\1\0\0\0", 4) == -1, "a length below the header too");
	is_int(wf_wire_whole(b.data, b.len - 1), 0, "a frame not yet whole asks for more");
	wf_buf_release(&b);
}

int main(void)
{
	test_hello();
	test_start();
	test_shared();
	test_split();
	test_small();
	test_versions();
	return done_testing();
}
