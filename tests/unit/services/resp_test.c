/* resp_test.c - the Redis protocol: whole and broken replies, byte by byte */
#include <stdlib.h>
#include <string.h>

#include "services/resp.h"
#include "tests/tap/tap.h"

static void test_command(void)
{
	struct wf_buf b = { 0 };
	json_t *words = json_pack("[s,s,i,b,s]", "SET", "a b", 7, 1, "");

	resp_command(&b, words);
	is_str(b.data, "*5\r\n$3\r\nSET\r\n$3\r\na b\r\n$1\r\n7\r\n$4\r\ntrue\r\n$0\r\n\r\n", "a command");
	json_decref(words);
	wf_buf_release(&b);
}

static void test_replies(void)
{
	static const struct {
		const char *bytes;
		enum resp_outcome outcome;
		const char *text;
	} cases[] = {
		{ "+PONG\r\n", RESP_REPLY, "PONG" },
		{ "-LOADING busy\r\n", RESP_ERROR, "LOADING busy" },
		{ ":42\r\n", RESP_REPLY, "42" },
		{ "$5\r\nhello\r\n", RESP_REPLY, "hello" },
		{ "$-1\r\n", RESP_REPLY, "" },
		{ "$0\r\n\r\n", RESP_REPLY, "" },
		{ "*2\r\n$1\r\na\r\n:3\r\n", RESP_REPLY, "a 3" },
		{ "*0\r\n", RESP_REPLY, "" },
		{ "*1\r\n*1\r\n+x\r\n", RESP_REPLY, "x" },
		{ "*1\r\n-no\r\n", RESP_ERROR, "no" },
		{ "HTTP/1.0 200 OK\r\n", RESP_MALFORMED, NULL },
		{ "\r\n", RESP_MALFORMED, NULL },
		{ "$x\r\n", RESP_MALFORMED, NULL },
		{ "$99999999999\r\n", RESP_MALFORMED, NULL },
		{ "$9999999\r\n", RESP_MALFORMED, NULL },
		{ "$1\r\nabc", RESP_MALFORMED, NULL },
		{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n", RESP_MALFORMED, NULL },
		{ "", RESP_MORE, NULL },
	};
	struct wf_buf text = { 0 };

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		size_t n = strlen(cases[i].bytes);
		int early = 0;

		is_int(resp_reply(cases[i].bytes, n, &text), cases[i].outcome, "reply %zu", i);
		if (cases[i].text)
			is_str(wf_buf_cstr(&text), cases[i].text, "  its text");
		if (cases[i].outcome != RESP_REPLY && cases[i].outcome != RESP_ERROR)
			continue;
		for (size_t k = 0; k < n; k++) {
			/* A copy of exactly k bytes: the sanitizer sees a read beyond them. */
			char *part = malloc(k + 1);

			memcpy(part, cases[i].bytes, k);
			part = realloc(part, k ? k : 1);
			early += resp_reply(part, k, &text) != RESP_MORE;
			free(part);
		}
		is_int(early, 0, "  each of its beginnings waits for more");
	}
	wf_buf_release(&text);
}

int main(void)
{
	test_command();
	test_replies();
	return done_testing();
}
