/* Names of output files, and reading them from a file, the pack or nowhere. */
#include "engine/link/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-output-XXXXXX";

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		bail("%s", path);
	fputs(text, f);
	fclose(f);
}

int main(void)
{
	struct wf_os *os = wf_os_posix();
	struct wf_output o = { .key = { .run = 1, .instance = 2, .index = 5000, .attempt = 3 }, .stream = WF_OUTPUT_OUT };
	struct wf_log_ref ref = { .where = WF_LOG_PACK, .offset = 6, .length = 5 };
	struct wf_buf b = { 0 }, path = { 0 };
	struct wf_err err = { 0 };
	uint64_t total, at;

	if (!mkdtemp(dir))
		bail("mkdtemp");
	o.log_dir = dir;
	wf_output_path(&b, "/log", &o.key, WF_OUTPUT_OUT);
	is_str(b.data, "/log/2.2.3/2.5000.3", "the file of a task's third attempt");
	wf_buf_clear(&b);
	o.key.kind = WF_KIND_MEMBER;
	wf_output_path(&b, "/log", &o.key, WF_OUTPUT_ERR);
	is_str(b.data, "/log/2.2.3/m2.5000.3.err", "a member's has another name than a task's");
	o.key.kind = WF_KIND_STEP;
	wf_buf_clear(&b);

	ok(wf_output_read(os, &o, 0, 100, &b, &total, &err) == 0 && b.len == 0 && total == 0, "not begun: nothing, and no error");
	wf_output_shard(&path, dir, &o.key);
	wf_dir_make(os, path.data, 0700, &err);
	wf_buf_clear(&path);
	wf_output_path(&path, dir, &o.key, WF_OUTPUT_OUT);
	put(path.data, "one\ntwo\nthree\n");
	ok(wf_output_read(os, &o, 4, 3, &b, &total, &err) == 0, "a part of a live file");
	is_str(b.data, "two", "is what was asked for");
	is_int(total, 14, "and its length now");
	ok(wf_output_tail(os, &o, 2, &at, &err) == 0 && at == 4, "the last two lines");
	ok(wf_output_tail(os, &o, 9, &at, &err) == 0 && at == 0, "more lines than there are");
	ok(wf_output_tail(os, &o, 0, &at, &err) == 0 && at == 14, "no line");
	put(path.data, "one\ntwo");
	ok(wf_output_tail(os, &o, 1, &at, &err) == 0 && at == 4, "a last line without its end counts");

	wf_buf_clear(&path);
	wf_output_pack_path(&path, dir);
	put(path.data, "xxxxx\nhello\nyyyy");
	o.ref = &ref;
	wf_buf_clear(&b);
	ok(wf_output_read(os, &o, 0, 100, &b, &total, &err) == 0 && total == 5, "from the pack");
	is_str(b.data, "hello", "its own bytes and no others");
	ref.offset = 14;
	wf_buf_clear(&b);
	ok(wf_output_read(os, &o, 0, 100, &b, &total, &err) == 0 && b.len == 2, "a pack that is shorter than it should be yields what is there");
	ref.where = WF_LOG_NONE;
	wf_buf_clear(&b);
	ok(wf_output_read(os, &o, 0, 100, &b, &total, &err) == 0 && b.len == 0, "empty output");
	ref.where = WF_LOG_USER;
	o.user_path = dir;
	ok(wf_output_read(os, &o, 0, 100, &b, &total, &err) < 0 && err.code == WF_NOT_FOUND, "a directory is refused: %s", err.text);
	o.user_path = "/nonexistent/x";
	ok(wf_output_read(os, &o, 0, 100, &b, &total, &err) < 0 && err.code == WF_NOT_FOUND, "a file that is gone is told: %s", err.text);
	wf_buf_release(&b);
	wf_buf_release(&path);
	wf_dir_remove(os, dir, &err);
	return done_testing();
}
