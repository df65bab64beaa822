/* journal_fuzz.c - the agent's journal: any bytes as its file, any payloads as its records
 *
 * Asserts: opening never fails for what is in it; what was read is read again after closing, appending and compacting, and mark, epoch and
 * cursors never fall; a torn tail costs the tail alone.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executors/local/journal.h"
#include "tests/fuzz/fuzz.h"

/* The records of a reading: how they look as bytes, and where one could be kept. */
struct reading {
	struct wf_buf text;
	size_t count;
	struct journal *copy_to;
};

static void put_log(struct wf_buf *b, const struct wf_log_ref *l)
{
	wf_put_u8(b, l->where);
	wf_put_var(b, l->offset);
	wf_put_var(b, l->length);
}

static void on_record(const struct record *r, void *arg)
{
	struct reading *v = arg;
	struct wf_buf *b = &v->text;

	v->count++;
	wf_put_u8(b, (uint8_t)r->type);
	wf_put_var(b, r->ref.number);
	wf_put_var(b, r->ref.key.run);
	wf_put_var(b, r->ref.key.instance);
	wf_put_var(b, r->ref.key.index);
	wf_put_var(b, r->ref.key.attempt);
	wf_put_u8(b, r->ref.key.kind);
	wf_put_var(b, r->cursor);
	wf_put_cstr(b, r->token);
	wf_put_cstr(b, r->log_dir);
	wf_put_cstr(b, r->result_path);
	wf_put_var(b, r->pid);
	wf_put_var(b, r->ticks_from);
	wf_put_var(b, r->ticks_to);
	wf_put_zig(b, r->started_ms);
	wf_put_u8(b, r->ended.class);
	wf_put_zig(b, r->ended.exit);
	wf_put_zig(b, r->ended.started_ms);
	wf_put_zig(b, r->ended.ended_ms);
	wf_put_var(b, r->ended.usage.cpu_us);
	wf_put_var(b, r->ended.usage.write_bytes);
	put_log(b, &r->ended.out);
	put_log(b, &r->ended.err);
	wf_put_cstr(b, r->ended.reason);
	/* What is still in its file is not in the journal. */
	wf_put_cstr(b, r->result_in_file ? NULL : r->ended.result);
	wf_put_u8(b, r->result_in_file);
	wf_put_u8(b, r->why);
	wf_put_cstr(b, r->text);
	wf_put_var(b, r->value);
}

static void read_journal(struct journal *j, struct reading *v)
{
	struct wf_err err;

	wf_buf_clear(&v->text);
	v->count = 0;
	MUST_SAY(journal_open(j, wf_os_posix(), fuzz_dir(), on_record, v, &err) == 0, err.text);
	MUST(strlen(j->instance) < sizeof(j->instance) && strlen(j->boot_id) < sizeof(j->boot_id));
}

static int same(const struct reading *a, const struct reading *b)
{
	return a->count == b->count && a->text.len == b->text.len && (!a->text.len || memcmp(a->text.data, b->text.data, a->text.len) == 0);
}

static void write_file(const void *p, size_t n)
{
	struct wf_err err;
	char *path = wf_xasprintf("%s/journal", fuzz_dir());

	MUST_SAY(wf_file_replace(wf_os_posix(), path, p, n, 0600, &err) == 0, err.text);
	free(path);
}

static int remove_one(const char *name, void *arg)
{
	char *path = wf_xasprintf("%s/%s", fuzz_dir(), name);

	(void)arg;
	unlink(path);
	free(path);
	return 0;
}

/* Records that a compaction keeps, from the old file's reading. */
static void on_kept(const struct record *r, void *arg)
{
	struct reading *v = arg;
	struct record copy = *r;

	/* Reading gives an acknowledgement as a value, writing takes it as a cursor. */
	if (copy.type == RECORD_ACK)
		copy.cursor = copy.value;
	journal_keep(v->copy_to, &copy);
}

static void compact(struct journal *j)
{
	struct journal old;
	struct reading keep = { .copy_to = j };
	struct wf_err err;
	char *path = wf_xasprintf("%s/journal", fuzz_dir()), *dir = wf_xasprintf("%s/old", fuzz_dir()), *copy = wf_xasprintf("%s/journal", dir);
	struct wf_buf b = { 0 };

	MUST(wf_file_read(wf_os_posix(), path, 1u << 30, &b, &err) == 0);
	MUST(wf_dir_make(wf_os_posix(), dir, 0700, &err) == 0);
	MUST(wf_file_replace(wf_os_posix(), copy, b.data, b.len, 0600, &err) == 0);
	MUST_SAY(journal_compact_begin(j, &err) == 0, err.text);
	MUST_SAY(journal_open(&old, wf_os_posix(), dir, on_kept, &keep, &err) == 0, err.text);
	journal_close(&old);
	MUST_SAY(journal_compact_end(j, &err) == 0, err.text);
	wf_buf_release(&b);
	free(path);
	free(copy);
	free(dir);
}

static void check(const void *p, size_t n)
{
	struct reading first = { 0 }, second = { 0 }, third = { 0 };
	struct wf_attempt_ref ref = { .number = 7, .key = { .run = 1, .attempt = 1 } };
	struct record ended = { .type = RECORD_ENDED, .ref = ref, .ended = { .reason = "why" } };
	uint64_t mark, epoch, cursor, acked;
	struct wf_err err;
	struct journal j;

	write_file(p, n);
	read_journal(&j, &first);
	mark = j.mark;
	epoch = j.epoch;
	cursor = j.cursor;
	acked = j.acked;
	journal_close(&j);
	read_journal(&j, &second);
	MUST(same(&first, &second) && j.mark == mark && j.epoch == epoch && j.cursor == cursor && j.acked == acked);
	compact(&j);
	journal_close(&j);
	read_journal(&j, &second);
	MUST(same(&first, &second) && j.mark == mark && j.epoch == epoch && j.cursor == cursor && j.acked == acked);
	/* What is added comes behind what was there. At the end of all numbers there is no next one. */
	if (cursor < UINT64_MAX) {
		MUST(journal_add(&j, &ended) == cursor);
		MUST_SAY(journal_flush(&j, &err) == 0, err.text);
		journal_close(&j);
		read_journal(&j, &third);
		MUST(third.count == first.count + 1 && third.text.len > first.text.len);
		MUST(!first.text.len || memcmp(first.text.data, third.text.data, first.text.len) == 0);
		MUST(j.mark == mark && j.epoch == epoch && j.cursor == cursor + 1);
	}
	journal_close(&j);
	wf_buf_release(&first.text);
	wf_buf_release(&second.text);
	wf_buf_release(&third.text);
}

/* Sums are right, so that the payloads are looked at: {length, payload} of the input become records. */
static void frame_all(struct wf_rd *r, struct wf_buf *b)
{
	while (r->p < r->end) {
		size_t n;
		const char *p = wf_get_bytes(r, &n);

		if (r->bad)
			break;
		wf_put_u32(b, (uint32_t)n);
		wf_put_u32(b, wf_crc32c(0, p, n));
		wf_buf_add(b, p, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char magic[] = "wf-agent-journal 1\n";
	int64_t start = fuzz_start();
	struct wf_buf b = { 0 };
	struct wf_rd r;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	fuzz_quiet();
	if (data[0] % 4 == 0) {
		check(data + 1, size - 1);
	} else {
		wf_rd_init(&r, data + 1, size - 1);
		wf_buf_str(&b, magic);
		frame_all(&r, &b);
		check(b.data, b.len);
		wf_buf_release(&b);
	}
	wf_os_posix()->ops->list(wf_os_posix()->self, fuzz_dir(), remove_one, NULL);
	fuzz_end(start);
	return 0;
}
