/* What is stored can be read again: history, notes, earlier attempts, inputs, backups; and
 * numbers are never given out twice. */
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/world.h"

static int has(const char *dir, const char *name, mode_t *mode)
{
	char *path = wf_xasprintf("%s/%s", dir, name);
	struct stat st;
	int rc = stat(path, &st);

	if (rc == 0 && mode)
		*mode = st.st_mode & 0777;
	free(path);
	return rc == 0;
}

static void test_files(void)
{
	char *dir = world_dir(), *path = wf_xasprintf("%s/ballast", dir);
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct wf_store_state st;
	struct stat ballast;
	mode_t mode = 0;
	pid_t pid;
	int status;

	ok(has(dir, "wf.db", &mode) && mode == 0600, "the database is its owner's alone");
	ok(!has(dir, "wf.db-shm", NULL), "no shared memory beside it");
	ok(stat(path, &ballast) == 0 && ballast.st_blocks * 512 >= 16 << 20,
	   "16 MiB of ballast are really allocated");
	wf_store_state(s, &st);
	ok(!st.full && st.free_bytes > 0, "and the free space is known");
	is_int(wf_store_last_seq(s), 0, "an empty store has no events");
	pid = fork();
	if (pid == 0) {
		struct wf_err err = { 0 };
		struct wf_store *other = wf_store_open(wf_os_posix(), dir, 2, &err);

		_exit(!other && err.code == WF_CONFLICT && strstr(err.text, "another process") ? 0
											       : 1);
	}
	waitpid(pid, &status, 0);
	is_int(status, 0, "a second process is refused");
	wf_store_close(s);
	ok(!has(dir, "wf.db-wal", NULL), "a clean close leaves one file");
	free(path);
	world_rmdir(dir);
}

static void test_not_ours(void)
{
	char *dir = world_dir(), *path = wf_xasprintf("%s/wf.db", dir),
	     *wal = wf_xasprintf("%s-wal", path);
	struct wf_err err = { 0 };
	sqlite3 *sql;

	sqlite3_open(path, &sql);
	sqlite3_exec(sql, "CREATE TABLE theirs(x)", NULL, NULL, NULL);
	sqlite3_close(sql);
	ok(!wf_store_open(wf_os_posix(), dir, 1, &err), "somebody else's database is refused");
	is_int(err.code, WF_CORRUPT, "as not a state");
	unlink(path);
	wf_file_replace(wf_os_posix(), path,
			"this is no database, but long enough to be looked at as one "
			"......................................",
			90, 0600, NULL);
	ok(!wf_store_open(wf_os_posix(), dir, 1, &err), "a file that is no database is refused");
	is_int(err.code, WF_CORRUPT, "as damage");
	has_str(err.text, "wf engine recover", "with what to do");
	wf_file_replace(wf_os_posix(), path, "", 0, 0600, NULL);
	wf_file_replace(wf_os_posix(), wal, "a log", 5, 0600, NULL);
	ok(!wf_store_open(wf_os_posix(), dir, 1, &err),
	   "an empty database beside a log is refused");
	ok(has(dir, "wf.db-wal", NULL), "and the log is still there");
	ok(!wf_store_open(wf_os_posix(), "/nowhere/at/all", 1, &err),
	   "a directory that is not there is refused");
	is_int(err.code, WF_NOT_FOUND, "as not found");
	free(path);
	free(wal);
	world_rmdir(dir);
}

struct seen {
	uint64_t n, first, last, other;
	uint32_t stop;
};

static int see(const struct wf_event *e, void *arg)
{
	struct seen *s = arg;

	if (!s->n)
		s->first = e->seq;
	if (s->n && e->seq <= s->last)
		s->other++;
	s->last = e->seq;
	s->n++;
	return s->stop && s->n >= s->stop;
}

static void test_history(void)
{
	char *dir = world_dir();
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct seen all = { 0 }, of_run = { 0 }, page = { 0 }, stopped = { .stop = 5 };
	uint64_t since = 0, paged = 0;
	struct wf_err err = { 0 };
	struct wf_store_state st;

	world_init(&w, 11);
	world_submit(&w, 1, 2, 500, 1);
	world_submit(&w, 2, 1, 500, 1);
	for (int batch = 0; batch < 20; batch++) {
		for (int n = 0; n < 100; n++)
			world_step(&w, 0);
		world_commit(s, world_seal(&w, UINT32_MAX));
	}
	is_int(wf_store_get_events(s, 0, 0, UINT32_MAX, see, &all, &err), 0, "events of all runs");
	ok(all.n == w.seq && all.first == 1 && all.last == w.seq && !all.other,
	   "are all of them, in order");
	wf_store_get_events(s, 2, 0, UINT32_MAX, see, &of_run, &err);
	ok(of_run.n > 100 && of_run.n < w.seq && !of_run.other, "those of one run are fewer");
	for (;;) {
		page = (struct seen){ 0 };
		wf_store_get_events(s, 2, since, 37, see, &page, &err);
		if (!page.n)
			break;
		paged += page.n;
		if (page.n > 37 || page.first <= since)
			break;
		since = page.last;
	}
	is_int(paged, of_run.n, "by pages of 37 they are the same");
	wf_store_get_events(s, 0, 100, UINT32_MAX, see, &stopped, &err);
	ok(stopped.n == 5 && stopped.first == 101, "a reader that has enough stops");
	wf_store_state(s, &st);
	ok(st.events == w.seq && st.commits == 20, "events and commits are counted");
	is_int(wf_store_last_run(s), 2, "the last run's number");

	/* forgetting */
	wf_batch_forget(w.batch, 2);
	world_commit(s, w.batch);
	w.batch = NULL;
	all = of_run = (struct seen){ 0 };
	wf_store_get_events(s, 2, 0, UINT32_MAX, see, &of_run, &err);
	wf_store_get_events(s, 0, 0, UINT32_MAX, see, &all, &err);
	ok(of_run.n == 0 && all.n > 0 && all.n < w.seq,
	   "a forgotten run has no events any more, the other has");
	wf_store_close(s);
	s = world_open(wf_os_posix(), dir);
	is_int(wf_store_last_seq(s), w.seq, "its numbers are not given out again: events");
	is_int(wf_store_last_run(s), 2, "runs");
	is_int(wf_store_last_attempt(s), w.number, "attempts");
	is_int(wf_store_load_run(s, 2, &(struct wf_store_visitor){ 0 }, &err), -1,
	       "it cannot be loaded");
	is_int(err.code, WF_NOT_FOUND, "as not found");
	wf_store_close(s);
	world_release(&w);
	world_rmdir(dir);
}

static int join_notes(uint32_t index, uint32_t attempt, const char *reason, const char *result,
		      void *arg)
{
	wf_buf_printf(arg, "%u.%u:%s,%s;", index, attempt, reason ? reason : "-",
		      result ? result : "-");
	return 0;
}

static int join_attempts(uint32_t attempt, const struct wf_task *t, void *arg)
{
	wf_buf_printf(arg, "%u:%d;", attempt, t->exit);
	return 0;
}

static void test_notes(void)
{
	char *dir = world_dir(), *reason = NULL, *result = NULL, *params = NULL;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct wf_batch *b = wf_batch_create();
	struct wf_task t = {
		.attempt = 1, .exit = 9, .state = WF_TASK_ACTIVE, .astate = WF_ATTEMPT_ENDED
	};
	struct wf_event e = { .run = 5, .kind = WF_E_ATTEMPT_ENDED, .a = 2, .b = 7 };
	struct wf_buf out = { 0 }, dag = { 0 };
	struct wf_err err = { 0 };

	ok(wf_batch_is_empty(b), "a new batch is empty");
	world_text(&e, 0, "exit status 9");
	world_text(&e, 1, "{\"a\":1}");
	wf_batch_derive(b, &e, &t);
	e = (struct wf_event){ .run = 5, .kind = WF_E_TASK_REQUEUED, .a = 2, .b = 7 };
	wf_batch_derive(b, &e, &t);
	t.attempt = 2;
	t.exit = 3;
	e = (struct wf_event){ .run = 5, .kind = WF_E_TASK_FAILED, .a = 2, .b = 7 };
	world_text(&e, 0, "no retry is left");
	wf_batch_derive(b, &e, &t);
	e = (struct wf_event){ .run = 5, .kind = WF_E_TASK_RETRIED, .a = 2, .b = 7 };
	wf_batch_derive(b, &e, &t);
	t.exit = 4;
	wf_batch_derive(b, &e, &t); /* the first record stays */
	t.state = WF_TASK_SKIPPED;
	t.attempt = 3;
	wf_batch_derive(b, &e, &t); /* no attempt */
	e.kind = WF_E_TASK_RELEASED;
	wf_batch_derive(b, &e, &t);
	e = (struct wf_event){ .run = 5, .kind = WF_E_TASK_SKIPPED, .a = 2, .b = 8 };
	world_text(&e, 0, "why not");
	t.attempt = 0;
	wf_batch_derive(b, &e, &t);
	wf_batch_note(b, 5, 2, 7, 1, NULL, "{\"a\":2}");
	wf_batch_input(b, 5, "text", 4, "DAG", 3, NULL);
	wf_batch_graph(b, 5, "DAG2", 4);
	ok(!wf_batch_is_empty(b) && wf_batch_bytes(b) > 100, "now it is not");
	world_commit(s, b);

	wf_store_get_note(s, 5, 2, 7, 1, &reason, &result, &err);
	is_str(reason, "exit status 9", "the reason of the first attempt");
	is_str(result, "{\"a\":2}", "and its result, the later one");
	free(reason);
	free(result);
	wf_store_get_note(s, 5, 2, 7, 0, &reason, &result, &err);
	is_str(reason, "no retry is left", "the last note");
	ok(!result, "which has no result");
	free(reason);
	is_int(wf_store_get_note(s, 5, 2, 99, 0, &reason, &result, &err), 0, "no note is no error");
	ok(!reason && !result, "but nothing");
	wf_store_get_notes(s, 5, 2, join_notes, &out, &err);
	is_str(wf_buf_cstr(&out), "7.2:no retry is left,-;8.0:why not,-;",
	       "the last note of each task of an instance");
	wf_buf_clear(&out);
	wf_store_get_attempts(s, 5, 2, 7, join_attempts, &out, &err);
	is_str(wf_buf_cstr(&out), "1:9;2:3;", "the earlier attempts");
	wf_buf_clear(&out);
	is_int(wf_store_get_input(s, 5, &out, &dag, &params, &err), 0, "the input");
	is_str(wf_buf_cstr(&out), "text", "its text");
	is_str(wf_buf_cstr(&dag), "DAG2", "its graph, the later one");
	ok(!params, "it had no parameters");
	is_int(wf_store_get_input(s, 6, &out, &dag, &params, &err), -1, "a run without input");
	is_int(err.code, WF_NOT_FOUND, "is not found");
	wf_buf_release(&out);
	wf_buf_release(&dag);
	wf_store_close(s);
	world_rmdir(dir);
}

static void test_backup(void)
{
	char *dir = world_dir(), *copy = world_dir(), *file = wf_xasprintf("%s/wf.db", copy);
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct wf_err err = { 0 };
	uint64_t bytes = 0;
	mode_t mode = 0;

	world_init(&w, 3);
	world_submit(&w, 1, 2, 100, 1);
	for (int n = 0; n < 300; n++)
		world_step(&w, 0);
	world_commit(s, world_seal(&w, 1));
	is_int(wf_store_backup(s, file, &bytes, &err), 0, "a backup of a store in use %s",
	       err.text);
	ok(bytes > 10000 && has(copy, "wf.db", &mode) && mode == 0600 &&
		   !has(copy, "wf.db-wal", NULL),
	   "is one private file");
	is_int(wf_store_backup(s, file, &bytes, &err), -1, "an existing file is left alone");
	is_int(err.code, WF_CONFLICT, "as a conflict");
	is_int(wf_store_backup(s, "/nowhere/x", &bytes, &err), -1,
	       "a place that is not there is refused");
	for (int n = 0; n < 20; n++)
		world_step(&w, 0);
	wf_batch_free(world_seal(&w, 0));
	wf_store_close(s);
	world_release(&w);
	world_init(&w, 3);
	world_submit(&w, 1, 2, 100, 1);
	for (int n = 0; n < 300; n++)
		world_step(&w, 0);
	wf_batch_free(world_seal(&w, 1));
	s = world_open(wf_os_posix(), copy);
	ok(world_check(&w, s) >= 0, "and holds what the store held");
	wf_store_close(s);
	world_release(&w);
	free(file);
	world_rmdir(dir);
	world_rmdir(copy);
}

static int refuse_now(void *arg, struct wf_err *err)
{
	++*(int *)arg;
	return wf_errf(err, WF_IO, "another engine owns the directory");
}

static void test_refusals(void)
{
	char *dir = world_dir();
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct wf_batch *b = wf_batch_create();
	struct wf_err err = { 0 };
	struct seen seen = { 0 };
	int asked = 0;

	wf_batch_events(b, 1, 1, 3, 0, "\001\002\003", 3);
	is_int(wf_store_commit_now(s, b, &err), -1, "events that cannot be read are not stored");
	is_int(err.code, WF_INTERNAL, "as our own mistake");
	world_init(&w, 5);
	world_submit(&w, 1, 1, 10, 0);
	world_commit(s, world_seal(&w, 1));
	b = wf_batch_create();
	wf_batch_events(b, 1, 1, 1, 0, "\013\000\000", 3);
	is_int(wf_store_commit_now(s, b, &err), -1, "a number is not stored twice");
	is_int(err.code, WF_INTERNAL, "as our own mistake");
	wf_store_get_events(s, 0, 0, 1000, see, &seen, &err);
	is_int(seen.n, w.seq, "and nothing was changed");
	wf_store_set_fence(s, refuse_now, &asked);
	world_step(&w, 0);
	is_int(wf_store_commit_now(s, world_seal(&w, 1), &err), -1,
	       "an engine that lost its directory");
	is_int(err.code, WF_CONFLICT, "is told so");
	has_str(err.text, "another engine owns", "in the fence's words");
	is_int(asked, 1, "once, after the commit");
	wf_store_close(s);
	world_release(&w);
	world_rmdir(dir);
}

/* One byte of a blob of events, or of records, changed behind our back. */
static void test_damage(void)
{
	char *dir = world_dir(), *path = wf_xasprintf("%s/wf.db", dir);
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct world_load l = { 0 };
	struct wf_store_visitor v = world_visitor(&l);
	struct wf_err err = { 0 };
	struct seen seen = { 0 };
	sqlite3 *sql;

	world_init(&w, 5);
	world_submit(&w, 1, 1, 10, 0);
	world_commit(s, world_seal(&w, 1));
	for (int n = 0; n < 5; n++)
		world_step(&w, 0);
	world_commit(s, world_seal(&w, 0));
	wf_store_close(s);
	sqlite3_open(path, &sql);
	is_int(sqlite3_exec(sql,
			    "UPDATE events SET time = time + 1 WHERE first_seq = (SELECT "
			    "max(first_seq) FROM events)",
			    NULL, NULL, NULL),
	       0, "a row of events is damaged");
	s = NULL;
	sqlite3_close(sql);
	s = world_open(wf_os_posix(), dir);
	is_int(wf_store_get_events(s, 0, 0, 1000, see, &seen, &err), -1, "reading it is an error");
	is_int(err.code, WF_CORRUPT, "as damage");
	has_str(err.text, "run 1 from number", "with run and number");
	is_int(wf_store_load(s, &v, &err), -1, "loading it as well");
	has_str(err.text, "load run 1", "naming the run");
	wf_store_close(s);
	sqlite3_open(path, &sql);
	sqlite3_exec(sql, "UPDATE tasks SET records = randomblob(800)", NULL, NULL, NULL);
	sqlite3_close(sql);
	world_load_release(&l);
	s = world_open(wf_os_posix(), dir);
	is_int(wf_store_load(s, &v, &err), -1, "damaged records are an error");
	has_str(err.text, "recover --rebuild", "with the cure");
	wf_store_close(s);
	world_load_release(&l);
	world_release(&w);
	free(path);
	world_rmdir(dir);
}

int main(void)
{
	test_files();
	test_not_ours();
	test_history();
	test_notes();
	test_backup();
	test_refusals();
	test_damage();
	return done_testing();
}
