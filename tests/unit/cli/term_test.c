/* term_test.c - text fitted to columns, times and sizes in few characters. */
#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
#include "cli/term.h"
#include "tests/tap/tap.h"

static void duration(int64_t ms, const char *want)
{
	char text[24];

	is_str(text_duration(ms, text), want, "%lld ms", (long long)ms);
}

static void bytes(uint64_t n, const char *want)
{
	char text[24];

	is_str(text_bytes(n, text), want, "%llu bytes", (unsigned long long)n);
}

static void visible(const char *raw, const char *want)
{
	struct wf_buf b = { 0 };

	text_visible(&b, raw);
	is_str(wf_buf_cstr(&b), want, "control bytes are shown, not obeyed");
	wf_buf_release(&b);
}

static void exits(const char *state, int want)
{
	json_t *run = json_pack("{s:s}", "state", state);

	is_int(run_exit(run), want, "a run that is %s", state);
	json_decref(run);
}

int main(void)
{
	char text[32];

	duration(0, "0ms");
	duration(99, "99ms");
	duration(100, "0.1s");
	duration(9999, "9.9s");
	duration(10000, "10s");
	duration(59999, "59s");
	duration(60000, "1m00s");
	duration(3599999, "59m59s");
	duration(3600000, "1h00m");
	duration(86400000, "1d00h");
	duration(INT64_MAX, "106751991167d07h");
	duration(-1, "-");
	bytes(0, "0 B");
	bytes(1023, "1023 B");
	bytes(1024, "1.0 KiB");
	bytes(10 << 20, "10 MiB");
	bytes(UINT64_MAX, "16 EiB");
	visible("plain", "plain");
	visible("a\tb\nc\033[2J\177", "a\\x09b\\x0ac\\x1b[2J\\x7f");
	visible("\xc3\xa9 \xc2\x9b", "\xc3\xa9 \\x9b");
	is_int((int64_t)text_width("h\xc3\xa9llo"), 5, "a letter of two bytes takes one column");
	is_int((int64_t)text_fit("h\xc3\xa9llo", 2), 3, "two columns of it are three bytes");
	is_int((int64_t)text_fit("abc", 9), 3, "no more than there is");
	is_int(text_time("1970-01-01T00:00:01.250Z"), 1250, "RFC 3339 with a fraction");
	is_int(text_time("1970-01-01T00:00:01Z"), 1000, "and without");
	is_int(text_time("yesterday"), 0, "none");
	is_int(text_time(NULL), 0, "null");
	setenv("TZ", "UTC", 1);
	is_str(text_clock(1250, text), "1970-01-01 00:00:01", "local time");
	exits("succeeded", 0);
	exits("failed", 1);
	exits("canceled", 9);
	exits("running", 8);
	exits("from-the-future", 8);
	is_int(style_of("from-the-future"), PLAIN, "a state from the future looks plain");
	return done_testing();
}
