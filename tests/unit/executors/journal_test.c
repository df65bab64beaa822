/* The agent's journal: what was written comes back, a torn tail does not, room for endings, a new journal in place of the old. */
#include "executors/local/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-journal-XXXXXX";
static char path[64];
static char trace[8192];

static void on_record(const struct record *r, void *arg)
{
	size_t n = strlen(trace);

	(void)arg;
	switch (r->type) {
	case RECORD_START:
		snprintf(trace + n, sizeof(trace) - n, "start:%d:%s:%s:%s ", (int)r->ref.number, r->token, r->log_dir, r->result_path);
		break;
	case RECORD_RUNNING:
		snprintf(trace + n, sizeof(trace) - n, "running:%d:%d:%u:%d ", (int)r->ref.number, (int)r->cursor, r->pid, (int)r->ticks_to);
		break;
	case RECORD_ENDED:
		snprintf(trace + n, sizeof(trace) - n, "ended:%d:%d:%d:%s:%s:%d ", (int)r->ref.number, (int)r->cursor, r->ended.exit,
			 r->ended.reason ? r->ended.reason : "-", r->ended.result ? r->ended.result : "-", (int)r->ended.out.length);
		break;
	case RECORD_LOST:
		snprintf(trace + n, sizeof(trace) - n, "lost:%d:%d:%s ", (int)r->ref.number, (int)r->cursor, r->text);
		break;
	case RECORD_SIGNAL:
		snprintf(trace + n, sizeof(trace) - n, "signal:%d:%s ", (int)r->cursor, r->text);
		break;
	case RECORD_ACK:
		snprintf(trace + n, sizeof(trace) - n, "ack:%d ", (int)r->value);
		break;
	default:
		snprintf(trace + n, sizeof(trace) - n, "%d:%d ", (int)r->type, (int)r->value);
		break;
	}
}

static void reopen(struct journal *j)
{
	struct wf_err err = { 0 };

	trace[0] = '\0';
	if (journal_open(j, wf_os_posix(), dir, on_record, NULL, &err) < 0)
		bail("%s", err.text);
}

static void add_all(struct journal *j)
{
	struct wf_attempt_ref ref = { .number = 7, .key = { .run = 1, .instance = 2, .index = 3, .attempt = 4, .kind = 1 } };
	struct record r = { .type = RECORD_START, .ref = ref, .token = "tok", .log_dir = "/log" };

	journal_add(j, &r);
	r = (struct record){ .type = RECORD_RUNNING, .ref = ref, .pid = 99, .ticks_from = 5, .ticks_to = 6 };
	is_int(journal_add(j, &r), 1, "the first fact");
	r = (struct record){ .type = RECORD_SIGNAL, .ref = ref, .text = "{\"event\":\"ready\"}" };
	journal_add(j, &r);
	r = (struct record){ .type = RECORD_ENDED, .ref = ref,
			     .ended = { .exit = -3, .reason = "why", .result = "{}", .out = { .where = WF_LOG_PACK, .length = 12 } } };
	is_int(journal_add(j, &r), 3, "and the third");
	r = (struct record){ .type = RECORD_LOST, .ref = { .number = 8 }, .text = "gone" };
	journal_add(j, &r);
	r = (struct record){ .type = RECORD_ACK, .cursor = 2 };
	is_int(journal_add(j, &r), 0, "an acknowledgement is no fact");
	r = (struct record){ .type = RECORD_MARK, .value = 50 };
	journal_add(j, &r);
	r = (struct record){ .type = RECORD_EPOCH, .value = 9 };
	journal_add(j, &r);
}

static const char everything[] = "start:7:tok:/log: running:7:1:99:6 signal:2:{\"event\":\"ready\"} ended:7:3:-3:why:{}:12 "
				 "lost:8:4:gone ack:2 8:50 9:9 ";

static void test_round_trip(void)
{
	struct journal j;
	struct wf_err err;
	char instance[33];
	struct stat st;

	reopen(&j);
	is_str(trace, "", "a new journal is empty");
	is_int(strlen(j.instance), 32, "and has a name");
	strcpy(instance, j.instance);
	add_all(&j);
	ok(stat(path, &st) == 0 && journal_flush(&j, &err) == 0, "written");
	journal_close(&j);
	reopen(&j);
	is_str(trace, everything, "everything comes back in order");
	is_str(j.instance, instance, "under the same name");
	ok(j.mark == 50 && j.epoch == 9 && j.acked == 2 && j.cursor == 5, "mark, epoch, acknowledged, next fact");
	is_str(j.boot_id, wf_host_boot_id(), "of this boot");
	journal_close(&j);
}

static void test_torn(void)
{
	struct wf_os *os = wf_os_posix();
	struct wf_buf whole = { 0 };
	struct wf_err err;
	size_t last = 0;
	int shorter = 1;

	if (wf_file_read(os, path, 1 << 20, &whole, &err) < 0)
		bail("%s", err.text);
	for (size_t n = whole.len; n > 150; n--) {
		struct journal j;

		wf_file_replace(os, path, whole.data, n, 0600, &err);
		reopen(&j);
		/* What is left is the beginning of what was there, and the journal goes on from it. */
		shorter = shorter && strncmp(trace, everything, strlen(trace)) == 0 && (!last || strlen(trace) <= last);
		last = strlen(trace) + 1;
		journal_close(&j);
	}
	ok(shorter, "cut anywhere, the whole records before the cut come back");
	for (size_t n = 150; n < whole.len; n++) {
		struct journal j;

		whole.data[n] = (char)(whole.data[n] ^ 0x55);
		wf_file_replace(os, path, whole.data, whole.len, 0600, &err);
		whole.data[n] = (char)(whole.data[n] ^ 0x55);
		reopen(&j);
		shorter = shorter && strncmp(trace, everything, strlen(trace)) == 0 && strlen(trace) < strlen(everything);
		journal_close(&j);
	}
	ok(shorter, "one damaged byte ends it there");
	wf_file_replace(os, path, whole.data, whole.len, 0600, &err);
	wf_buf_release(&whole);
}

static void test_foreign(void)
{
	struct journal j;
	struct wf_err err;

	wf_file_replace(wf_os_posix(), path, "SQLite format 3", 15, 0600, &err);
	reopen(&j);
	is_str(trace, "", "a file that is no journal is set aside");
	is_int(j.mark, 0, "and a new one begun");
	journal_close(&j);
	reopen(&j);
	is_int(j.cursor, 1, "that is read again");
	journal_close(&j);
}

static void test_room(void)
{
	struct journal j;
	struct wf_err err;
	struct stat st;
	off_t end;

	reopen(&j);
	end = j.end;
	ok(journal_reserve(&j, 100, 4 << 20, &err) == 0, "room for endings");
	ok(stat(path, &st) == 0 && st.st_size >= end + (4 << 20), "is on the disk");
	journal_give_back(&j, 4 << 20);
	is_int(j.reserved, 0, "and given back");
	journal_close(&j);
	reopen(&j);
	ok(stat(path, &st) == 0 && st.st_size == j.end, "room nobody used is cut off by the next agent");
	journal_close(&j);
}

static void test_compact(void)
{
	struct journal j;
	struct wf_err err;
	struct record r;
	struct stat before, after;
	char instance[33];

	reopen(&j);
	strcpy(instance, j.instance);
	for (uint64_t i = 1; i <= 5000; i++) {
		r = (struct record){ .type = RECORD_START, .ref = { .number = i }, .token = "tok", .log_dir = "/log" };
		journal_add(&j, &r);
		r = (struct record){ .type = RECORD_ENDED, .ref = { .number = i } };
		journal_add(&j, &r);
	}
	r = (struct record){ .type = RECORD_ACK, .cursor = j.cursor - 2 };
	journal_add(&j, &r);
	journal_flush(&j, &err);
	stat(path, &before);
	ok(journal_compact_begin(&j, &err) == 0, "a new journal");
	r = (struct record){ .type = RECORD_START, .ref = { .number = 5000 }, .token = "tok", .log_dir = "/log" };
	journal_keep(&j, &r);
	r = (struct record){ .type = RECORD_ENDED, .ref = { .number = 5000 }, .cursor = j.cursor - 1 };
	journal_keep(&j, &r);
	ok(journal_compact_end(&j, &err) == 0, "takes the place of the old");
	r = (struct record){ .type = RECORD_MARK, .value = 6000 };
	journal_add(&j, &r);
	journal_close(&j);
	reopen(&j);
	stat(path, &after);
	ok(after.st_size < before.st_size / 10, "it is small: %lld of %lld bytes", (long long)after.st_size, (long long)before.st_size);
	is_str(trace, "start:5000:tok:/log: ended:5000:5000:0:-:-:0 8:6000 ", "and holds what was kept, and what came after");
	ok(j.mark == 6000 && j.cursor == 5001 && j.acked == 4999, "mark, cursor and what is acknowledged go on");
	is_str(j.instance, instance, "its name too");

	/* A new one that cannot be written leaves the old one as it was. */
	snprintf(trace, sizeof(trace), "%s.new", path);
	mkdir(trace, 0700);
	ok(journal_compact_begin(&j, &err) < 0, "no new journal can be made: %s", err.text);
	rmdir(trace);
	r = (struct record){ .type = RECORD_MARK, .value = 6001 };
	journal_add(&j, &r);
	ok(journal_flush(&j, &err) == 0, "the old one goes on");
	journal_close(&j);
	reopen(&j);
	is_int(j.mark, 6001, "and is read again");
	journal_close(&j);
}

int main(void)
{
	struct wf_err err;

	if (!mkdtemp(dir))
		bail("mkdtemp");
	snprintf(path, sizeof(path), "%s/journal", dir);
	test_round_trip();
	test_torn();
	test_foreign();
	test_room();
	test_compact();
	wf_dir_remove(wf_os_posix(), dir, &err);
	return done_testing();
}
