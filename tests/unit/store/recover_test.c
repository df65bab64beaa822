/* What recovery derives from the events is what the live engine had; what it finds different or
 * damaged it names. */
#include <sqlite3.h>

#include "tests/unit/store/world.h"

static void sql(const char *dir, const char *text)
{
	char *path = wf_xasprintf("%s/wf.db", dir), *error = NULL;
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		bail("%s: %s", text, error ? error : sqlite3_errmsg(db));
	sqlite3_close(db);
	free(path);
}

static int recover(const char *dir, int rebuild, int compare, struct wf_buf *out,
		   struct wf_err *err)
{
	memset(err, 0, sizeof(*err));
	wf_buf_clear(out);
	return wf_store_recover(wf_os_posix(), dir, rebuild, compare, out, err);
}

static int count_old(const char *name, void *arg)
{
	*(int *)arg += strncmp(name, "wf.db.old-", 10) == 0;
	return 0;
}

/* A life with services, retries and every kind of end; some blobs stale; the log left behind as
 * by a dead engine. */
static char *live(struct world *w, uint64_t seed)
{
	char *dir = world_dir();
	struct wf_store *s = world_open(wf_os_posix(), dir);

	world_init(w, seed);
	world_submit(w, 1, 3, 5000, 2);
	world_submit(w, 2, 1, 20, 1);
	world_commit(s, world_seal(w, UINT32_MAX));
	for (int batch = 0; batch < 40; batch++) {
		for (int n = 0; n < 100; n++)
			world_step(w, n % 2);
		world_commit(s, world_seal(w, batch % 7 == 0 ? 3 : 0));
	}
	wf_store_close(s);
	return dir;
}

static void test_equal(void)
{
	struct world w;
	char *dir = live(&w, 21), *new;
	struct wf_buf out = { 0 };
	struct wf_err err;
	struct wf_store *s;
	int old = 0;

	is_int(recover(dir, 0, 0, &out, &err), 0, "a sound store is found sound %s", err.text);
	has_str(wf_buf_cstr(&out), "no damage found", "in words");
	is_int(recover(dir, 1, 1, &out, &err), 0, "what the events say is what is stored %s",
	       err.text);
	has_str(wf_buf_cstr(&out), "equal:", "in words");
	diag("%s", wf_buf_cstr(&out));
	new = wf_xasprintf("%s/wf.db.new", dir);
	ok(!wf_file_exists(wf_os_posix(), new), "comparing leaves nothing behind");
	free(new);
	sql(dir, "UPDATE meta SET value = value; UPDATE tail SET mark = 1");
	is_int(recover(dir, 1, 1, &out, &err), 0, "a mark that is too low changes nothing %s",
	       err.text);
	is_int(recover(dir, 1, 0, &out, &err), 0, "rebuilt %s", err.text);
	has_str(wf_buf_cstr(&out), "2 runs with 15020 tasks", "all of it");
	wf_os_posix()->ops->list(NULL, dir, count_old, &old);
	is_int(old, 1, "the old database is kept");
	s = world_open(wf_os_posix(), dir);
	is_int(world_check(&w, s), 2, "the rebuilt store is what was, with nothing to replay");
	is_int(wf_store_last_seq(s), w.seq, "numbers go on");
	is_int(wf_store_last_attempt(s), w.number, "of attempts too");
	for (int n = 0; n < 50; n++)
		world_step(&w, 0);
	world_commit(s, world_seal(&w, 1));
	wf_store_close(s);
	is_int(recover(dir, 1, 1, &out, &err), 0, "and it goes on from there %s", err.text);
	wf_buf_release(&out);
	world_release(&w);
	world_rmdir(dir);
}

static void expect_difference(const char *change, const char *want)
{
	struct world w;
	char *dir = live(&w, 22);
	struct wf_buf out = { 0 };
	struct wf_err err;
	struct wf_store *s;

	sql(dir, change);
	is_int(recover(dir, 1, 1, &out, &err), -1, "a difference is found: %s", change);
	is_int(err.code, WF_CORRUPT, "as damage");
	has_str(err.text, want, "and named");
	is_int(recover(dir, 1, 0, &out, &err), 0, "rebuilding takes what the events say %s",
	       err.text);
	s = world_open(wf_os_posix(), dir);
	ok(world_check(&w, s) >= 0, "which is what was");
	wf_store_close(s);
	is_int(recover(dir, 1, 1, &out, &err), 0, "and now it is equal %s", err.text);
	wf_buf_release(&out);
	world_release(&w);
	world_rmdir(dir);
}

static void expect_damage(const char *change, const char *want)
{
	struct world w;
	char *dir = live(&w, 23);
	struct wf_buf out = { 0 };
	struct wf_err err;

	sql(dir, change);
	is_int(recover(dir, 0, 0, &out, &err), -1, "damage is found: %s", change);
	is_int(err.code, WF_CORRUPT, "as damage");
	has_str(err.text, want, "and named");
	is_int(recover(dir, 1, 0, &out, &err), -1, "nothing is made from damaged events");
	has_str(err.text, "put back a backup", "and the cure is said");
	is_int(recover(dir, 0, 0, &out, &err), -1, "the store is as it was");
	wf_buf_release(&out);
	world_release(&w);
	world_rmdir(dir);
}

/* Events the machines do not allow: with a right checksum, so only a replay can tell. */
static void test_impossible(void)
{
	char *dir = world_dir();
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct wf_buf out = { 0 };
	struct wf_pack p = { 0 };
	struct wf_event e = { .run = 1, .kind = WF_E_TASK_SUCCEEDED, .a = 0, .b = 3 };
	struct wf_err err;

	world_init(&w, 1);
	world_submit(&w, 1, 1, 5, 0);
	world_commit(s, world_seal(&w, 1));
	e.seq = w.seq + 1;
	wf_pack_add(&p, &e);
	e.kind = 200; /* of a later build: kept, passed over */
	e.seq++;
	wf_pack_add(&p, &e);
	wf_pack_finish(&p);
	wf_batch_events(w.batch, 1, p.first_seq, p.count, p.time, p.buf.data, p.buf.len);
	world_commit(s, w.batch);
	w.batch = NULL;
	wf_store_close(s);
	is_int(recover(dir, 0, 0, &out, &err), 0, "no checksum tells");
	is_int(recover(dir, 1, 1, &out, &err), -1, "but the replay does");
	has_str(err.text, "run 1, event number 3 'task.succeeded'", "naming run, number and event");
	has_str(err.text, "index 3", "and the task");
	wf_pack_release(&p);
	wf_buf_release(&out);
	world_release(&w);
	world_rmdir(dir);
}

static void test_nothing_there(void)
{
	char *dir = world_dir();
	struct wf_buf out = { 0 };
	struct wf_err err;

	is_int(recover(dir, 0, 0, &out, &err), -1, "a directory without a store");
	is_int(err.code, WF_NOT_FOUND, "is not found");
	wf_buf_release(&out);
	world_rmdir(dir);
}

int main(void)
{
	test_equal();
	expect_difference("UPDATE tasks SET records = randomblob(length(records)) WHERE run = 1 "
			  "AND instance = 1 AND chunk = 1",
			  "run 1, instance 1, chunk 1");
	expect_difference("UPDATE service SET generation = 77 WHERE run = 1 AND number = 1",
			  "service 1.0: 'generation' is '77' as stored");
	expect_difference("UPDATE member SET endpoint = 'elsewhere' WHERE run = 2",
			  "'endpoint' is 'elsewhere' as stored");
	expect_difference("DELETE FROM lease", "what is stored cannot be loaded");
	expect_difference("UPDATE run SET name = NULL WHERE number = 2",
			  "run 2: 'name' is '(none)' as stored, 'demo-2' by the events");
	expect_difference("DELETE FROM note WHERE run = 1 AND instance = 0", "the stored note");
	expect_difference("DELETE FROM attempt", "the stored record");
	expect_damage("UPDATE events SET crc32c = crc32c + 1 WHERE first_seq = 1", "from number 1");
	expect_damage("UPDATE events SET blob = zeroblob(length(blob)) WHERE first_seq > 2000",
		      "(checksum)");
	test_impossible();
	test_nothing_there();
	return done_testing();
}
