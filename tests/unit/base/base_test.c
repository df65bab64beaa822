/* base_test.c - errors, buffers, maps, ids, JSON: the floor everything stands on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/class.h"
#include "engine/base/hash.h"
#include "engine/base/id.h"
#include "engine/base/json.h"
#include "engine/base/os.h"
#include "tests/tap/tap.h"

static void errors(void)
{
	struct wf_err err = { 0 };
	char longer[2000];

	is_int(wf_errf(&err, WF_NOT_FOUND, "no run '%s'", "x"), -1, "wf_errf returns -1");
	is_str(err.text, "no run 'x'", "the text is formatted");
	wf_err_wrap(&err, "load '%s'", "y");
	is_str(err.text, "load 'y': no run 'x'", "wrapping puts context before");
	is_int(err.code, WF_NOT_FOUND, "and keeps the code");
	errno = ENOSPC;
	wf_err_sys(&err, "cannot write");
	is_int(err.code, WF_FULL, "ENOSPC is WF_FULL");
	is_str(err.text, "cannot write: No space left on device", "with errno's text");
	is_int(errno, ENOSPC, "errno is preserved");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	wf_errf(&err, WF_INVALID, "%s", longer);
	is_str(err.text + sizeof(err.text) - 4, "...", "a text that does not fit says so");
	is_int(wf_errf(NULL, WF_INVALID, "x"), -1, "no struct is fine");
	is_int(wf_code_exit(WF_UNREACHABLE), 7, "exit code of the contract");
	is_int(wf_code_http(WF_FULL), 507, "HTTP status of a full disk");
	for (int i = 0; i < WF_CODE_COUNT; i++)
		if (wf_code_of(wf_code_name((enum wf_code)i)) != (enum wf_code)i)
			ok(0, "code %d has a name of its own", i);
	is_int(wf_code_of("nonsense"), WF_INTERNAL, "an unknown code is internal");
	is_int(wf_class_of("node_failure"), WF_CLASS_NODE_FAILURE, "a class by name");
	ok(wf_class_is_loss(WF_CLASS_AGENT_LOST) && !wf_class_is_loss(WF_CLASS_EXIT), "losses are told from failures");
}

static void numbers(void)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, 1ull << 62, UINT64_MAX };
	static const int64_t signs[] = { 0, -1, 1, -64, 64, INT64_MIN, INT64_MAX };
	struct wf_buf b = { 0 };
	struct wf_rd r;
	size_t n;
	int same = 1;

	for (size_t i = 0; i < WF_COUNT(values); i++)
		wf_put_var(&b, values[i]);
	for (size_t i = 0; i < WF_COUNT(signs); i++)
		wf_put_zig(&b, signs[i]);
	wf_put_u16(&b, 0xbeef);
	wf_put_u64(&b, 0x0123456789abcdefu);
	wf_put_cstr(&b, "hello");
	wf_rd_init(&r, b.data, b.len);
	for (size_t i = 0; i < WF_COUNT(values); i++)
		same &= wf_get_var(&r) == values[i];
	for (size_t i = 0; i < WF_COUNT(signs); i++)
		same &= wf_get_zig(&r) == signs[i];
	ok(same, "varints come back");
	is_int(wf_get_u16(&r), 0xbeef, "u16");
	ok(wf_get_u64(&r) == 0x0123456789abcdefu, "u64");
	ok(strncmp(wf_get_bytes(&r, &n), "hello", 5) == 0 && n == 5 && !r.bad && r.p == r.end, "bytes, to the end");
	wf_get_u8(&r);
	ok(r.bad, "a read past the end is bad");
	is_int((int64_t)wf_get_var(&r), 0, "and yields nothing for ever after");
	for (size_t cut = 0; cut < b.len; cut++) {
		wf_rd_init(&r, b.data, cut);
		while (!r.bad && r.p < r.end)
			wf_get_bytes(&r, &n);
	}
	ok(1, "no cut reads outside");
	wf_rd_init(&r, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
	wf_get_var(&r);
	ok(r.bad, "a varint of more than 64 bits is refused");
	wf_buf_release(&b);
	is_int(wf_crc32c(0, "123456789", 9), 0xe3069283u, "CRC-32C check value of RFC 3720");
	is_int(wf_crc32c(wf_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u, "in two pieces");
}

static void maps(void)
{
	struct wf_strmap m = { 0 };
	struct wf_idmap ids = { 0 };
	char keys[1000][8];
	int good = 1;
	static const char *const names[] = { "command", "services", "steps", "workdir" };

	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		wf_strmap_add(&m, keys[i], i);
	}
	for (uint32_t i = 0; i < 1000; i++)
		good &= wf_strmap_get(&m, keys[i]) == i;
	ok(good, "a thousand strings are found");
	is_int(wf_strmap_add(&m, "k7", 9999), 7, "adding again keeps the first");
	is_int(wf_strmap_get(&m, "absent"), WF_STRMAP_NONE, "an absent key is none");
	wf_strmap_release(&m);
	for (uint64_t i = 1; i <= 5000; i++)
		wf_idmap_set(&ids, i * 7, keys[i % 1000]);
	for (uint64_t i = 1; i <= 5000; i += 2)
		wf_idmap_del(&ids, i * 7);
	good = ids.count == 2500;
	for (uint64_t i = 1; i <= 5000; i++)
		good &= wf_idmap_get(&ids, i * 7) == (i % 2 ? NULL : (void *)keys[i % 1000]);
	ok(good, "numbers go and the others stay found");
	wf_idmap_release(&ids);
	is_str(wf_nearest("comand", names, 4), "command", "a dropped letter is near");
	is_str(wf_nearest("setps", names, 4), "steps", "a swap is near");
	ok(!wf_nearest("zzz", names, 4), "nothing is near to nonsense");
}

static void arenas(void)
{
	struct wf_arena a = { 0 };
	char *first = wf_arena_strdup(&a, "first"), *big = wf_arena_alloc(&a, 1 << 20);

	memset(big, 1, 1 << 20);
	for (int i = 0; i < 10000; i++)
		wf_arena_printf(&a, "item %d", i);
	is_str(first, "first", "an arena moves nothing");
	wf_arena_release(&a);
	ok(!a.head, "and is empty after release");
}

static void ids(void)
{
	struct wf_id a, b;
	char text[WF_ID_TEXT + 1], again[WF_ID_TEXT + 1];
	int order = 1;

	wf_id_make(&a, wf_os_posix());
	wf_id_text(&a, text);
	is_int((int64_t)strlen(text), 26, "an id has 26 characters");
	ok(wf_id_parse(&b, text) == 0 && wf_id_equal(&a, &b), "and comes back: %s", text);
	memset(&a, 0xff, sizeof(a));
	wf_id_text(&a, again);
	ok(wf_id_parse(&b, again) == 0 && wf_id_equal(&a, &b), "the largest too: %s", again);
	is_int(wf_id_parse(&b, "8zzzzzzzzzzzzzzzzzzzzzzzzz"), -1, "more than 128 bits are refused");
	is_int(wf_id_parse(&b, "0123"), -1, "a short one is refused");
	is_int(wf_id_parse(&b, "0000000000000000000000000u"), -1, "a letter outside the alphabet is refused");
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	for (int i = 0; i < 16; i++) {
		a.byte[i] = 1;
		wf_id_text(&a, text);
		wf_id_text(&b, again);
		order &= strcmp(again, text) < 0;
		b.byte[i] = 1;
	}
	ok(order, "text sorts as the bytes do");
	ok(wf_id_is_suffix("AB3") && !wf_id_is_suffix("") && !wf_id_is_suffix("a-b"), "suffixes are recognised");
}

static void jsons(void)
{
	static const char *const only[] = { "name", "params", NULL };
	struct wf_err err;
	struct wf_buf b = { 0 };
	char deep[300];
	json_t *v;
	const char *s = NULL;

	ok(!wf_json_parse("{\"a\":1,\"a\":2}", 13, &err), "duplicate keys are refused");
	ok(!wf_json_parse("[1,]", 4, &err), "a trailing comma is refused");
	has_str(err.text, "JSON:1:4", "with its place");
	ok(!wf_json_parse("[NaN]", 5, &err) && !wf_json_parse("[1e400]", 7, &err), "NaN and 1e400 are refused");
	ok(!wf_json_parse("\"\\ud800\"", 8, &err), "a lone surrogate is refused");
	ok(!wf_json_parse("{} {}", 5, &err), "a second document is refused");
	memset(deep, '[', 100);
	ok(!wf_json_parse(deep, 100, &err), "depth is bounded");
	has_str(err.text, "JSON:1:65: nested deeper than 64", "at the bracket that is too deep");
	v = wf_json_parse("{\"name\":\"x\",\"prams\":1}", 22, &err);
	is_int(wf_json_only(v, only, &err), -1, "an unknown key is refused");
	is_str(err.text, "unknown key 'prams'; did you mean 'params'?", "with the nearest");
	ok(wf_json_str(v, "name", 1, &s, &err) == 0 && strcmp(s, "x") == 0, "a string is read");
	is_int(wf_json_str(v, "prams", 1, &s, &err), -1, "a number is no string");
	json_decref(v);
	wf_buf_json(&b, "a\"\n\xff\xc3\xa9", 6);
	is_str(b.data, "\"a\\\"\\u000a\xef\xbf\xbd\xc3\xa9\"", "text becomes JSON whatever its bytes");
	wf_buf_release(&b);
	v = wf_json_time(1700000000123);
	is_str(json_string_value(v), "2023-11-14T22:13:20.123Z", "time is RFC 3339 with ms");
	json_decref(v);
}

int main(void)
{
	errors();
	numbers();
	maps();
	arenas();
	ids();
	jsons();
	return done_testing();
}
