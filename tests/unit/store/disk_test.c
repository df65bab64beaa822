/* A disk that fails, once or for good, and power that goes: what was acknowledged is there,
 * whole, and what was not is not half there. */
#include "engine/store/store_internal.h"
#include "tests/unit/store/disk.h"
#include "tests/unit/store/world.h"

struct disk *disk_now;

enum { BATCHES = 9 };

struct outcome {
	uint64_t acked, tried; /* last event number */
	int failed;            /* a commit was refused: code */
	int opened;
	unsigned full;
	unsigned ops;
	unsigned broken; /* neither, or unreadable */
};

/* A short life on a disk that may fail at the n-th write or sync, then power loss, then a look
 * with a sound disk. */
static struct outcome live(uint64_t seed, unsigned fail_at, unsigned fail_count, int fail_errno,
			   unsigned loss_at)
{
	char *dir = world_dir();
	struct disk d;
	struct wf_os *os = disk_begin(&d, seed);
	struct outcome o = { 0 };
	struct world w;
	struct wf_store *s;
	struct wf_err err = { 0 };
	struct wf_store_state st = { 0 };

	world_init(&w, seed);
	s = world_open(os, dir);
	world_submit(&w, 1, 1, 200, 1);
	world_commit(s, world_seal(&w, 1));
	o.acked = o.tried = w.seq;
	d.ops_seen = 0;
	d.fail_at = fail_at;
	d.fail_count = fail_count;
	d.fail_errno = fail_errno;
	d.loss_at = loss_at;
	o.opened = 1;
	for (int batch = 0; batch < BATCHES && !d.lost; batch++) {
		for (int n = 0; n < 12; n++)
			world_step(&w, 0);
		o.tried = w.seq;
		if (wf_store_commit_now(s, world_seal(&w, batch % 3 == 0), &err) < 0) {
			o.failed = (int)err.code;
			break;
		}
		if (d.lost)
			break; /* the power went before the answer could be seen */
		o.acked = w.seq;
		if (batch == 4)
			store_tidy(s);
		if (batch == 6) {
			/* a restart without a word, as after kill -9 */
			db_abandon(s->db);
			s->db = NULL;
			wf_store_close(s);
			s = wf_store_open(os, dir, 1, &err);
			if (!s) {
				o.opened = 0;
				o.failed = (int)err.code;
				break;
			}
			if (world_check(&w, s) < 0)
				o.broken = 1;
		}
	}
	o.ops = d.ops_seen;
	d.fail_at = 0;
	d.lost = 1;
	if (s) {
		wf_store_state(s, &st);
		o.full = st.full != 0;
		/* the process is gone: nothing it would still do reaches the disk */
		db_abandon(s->db);
		s->db = NULL;
		wf_store_close(s);
	}
	disk_power_loss();
	s = wf_store_open(wf_os_posix(), dir, 1, &err);
	if (!s) {
		diag("after the power came back: %s", err.text);
		o.broken = 1;
	} else {
		uint64_t there = wf_store_last_seq(s);
		struct wf_buf out = { 0 };

		if (there != o.acked && there != o.tried)
			o.broken = 1;
		if (there == w.seq && world_check(&w, s) < 0)
			o.broken = 1;
		wf_store_close(s);
		if (seed % 4 == 0 && wf_store_recover(wf_os_posix(), dir, 1, 1, &out, &err) < 0) {
			diag("recover: %s", err.text);
			o.broken = 1;
		}
		wf_buf_release(&out);
	}
	disk_end(&d);
	world_release(&w);
	world_rmdir(dir);
	return o;
}

/* One failure at each place in turn: the store must shrug it off, and lose nothing when the
 * power goes later. */
static void sweep_error(const char *what, unsigned count, int e, int may_refuse)
{
	unsigned all = live(1, 0, 0, 0, 0).ops, refused = 0, broken = 0, full = 0, early = 0;

	for (unsigned at = 1; at <= all; at++) {
		struct outcome o = live(at, at, count, e, 0);

		refused += o.failed != 0;
		broken += o.broken;
		full += o.full;
		early += !o.failed && o.acked != o.tried;
		if (o.broken)
			diag("%s at %u: acked %d, tried %d, failed %d", what, at, (int)o.acked,
			     (int)o.tried, o.failed);
	}
	ok(all > 50, "%u writes and syncs in a short life", all);
	is_int(broken, 0, "%s: nothing acknowledged is lost, nothing is half there", what);
	is_int(early, 0, "and every batch is answered");
	if (!may_refuse)
		ok(refused <= all / 8, "%u of %u lives ended early, in opening", refused, all);
	diag("%s: %u places, %u refused, %u living on ballast", what, all, refused, full);
}

static void sweep_power(void)
{
	unsigned all = live(1, 0, 0, 0, 0).ops, broken = 0, unseen = 0;

	for (unsigned at = 1; at <= all; at++) {
		struct outcome o = live(at, 0, 0, 0, at);

		broken += o.broken;
		unseen += o.acked != o.tried;
		if (o.broken)
			diag("power lost after %u: acked %d, tried %d", at, (int)o.acked,
			     (int)o.tried);
	}
	is_int(broken, 0,
	       "power lost after each of %u writes and syncs: what was acknowledged is there", all);
	ok(unseen > all / 2, "most of them in the middle of a commit (%u)", unseen);
}

/* A sync fails, and the process dies before it could reopen: the next one sees the commit in the
 * page cache and must not build on it before it is on the disk. */
static void sweep_error_and_power(void)
{
	unsigned all = live(1, 0, 0, 0, 0).ops, broken = 0;

	for (unsigned at = 1; at <= all; at += 3)
		for (unsigned later = 1; later <= 7; later += 3)
			broken += live(at, at, 1, EIO, at + later).broken;
	is_int(broken, 0, "an error and then power loss: what was acknowledged is there");
}

static void test_again(void)
{
	char *dir = world_dir();
	struct disk d;
	struct wf_os *os = disk_begin(&d, 1);
	struct world w;
	struct wf_store *s = world_open(os, dir);
	struct wf_err err = { 0 };

	world_init(&w, 1);
	world_submit(&w, 1, 1, 100, 0);
	d.fail_at = d.ops_seen + 2;
	d.fail_count = 1;
	d.fail_errno = EIO;
	is_int(wf_store_commit_now(s, world_seal(&w, 1), &err), 0,
	       "the first I/O error is repaired %s", err.text);
	d.skip_ms = 61000;
	world_step(&w, 0);
	d.fail_at = d.ops_seen + 1;
	is_int(wf_store_commit_now(s, world_seal(&w, 1), &err), 0,
	       "one more than a minute later too %s", err.text);
	d.skip_ms += 30000;
	world_step(&w, 0);
	d.fail_at = d.ops_seen + 1;
	is_int(wf_store_commit_now(s, world_seal(&w, 1), &err), -1,
	       "a second one within a minute is the end");
	is_int(err.code, WF_IO, "as an I/O error");
	has_str(err.text, "within a minute", "saying so");
	world_step(&w, 0);
	is_int(wf_store_commit_now(s, world_seal(&w, 1), &err), -1,
	       "and nothing is acknowledged any more");
	is_int(err.code, WF_IO, "for the same reason");
	is_int(wf_store_get_events(s, 0, 0, 1, NULL, NULL, &err), -1, "nor read");
	wf_store_close(s);
	disk_end(&d);
	world_release(&w);
	world_rmdir(dir);
}

int main(void)
{
	test_again();
	sweep_error("one I/O error", 1, EIO, 0);
	sweep_error("three I/O errors", 3, EIO, 1);
	sweep_error("no space for a moment", 1, ENOSPC, 0);
	sweep_error("over quota for a moment", 1, EDQUOT, 0);
	sweep_power();
	sweep_error_and_power();
	return done_testing();
}
