/* Steps forward, each whole or not at all; a newer schema is refused and left alone. */
#include <sqlite3.h>

#include "engine/store/store_internal.h"
#include "tests/unit/store/world.h"

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	db_number(db, sql, &n, NULL);
	return n;
}

static void test_steps(void)
{
	static const struct step one[] = { { 1, "CREATE TABLE a(x); INSERT INTO a VALUES(5);" } };
	static const struct step three[] = {
		{ 1, "CREATE TABLE a(x); INSERT INTO a VALUES(5);" },
		{ 2, "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;" },
		{ 3, "CREATE TABLE b(z); INSERT INTO b SELECT y FROM a;" }
	};
	static const struct step broken[] = {
		{ 1, "" }, { 2, "ALTER TABLE a ADD COLUMN y; UPDATE nowhere SET y = 1;" }
	};
	char *dir = world_dir(), *path = wf_xasprintf("%s/x.db", dir);
	struct wf_err err = { 0 };
	struct db *db = db_open(wf_os_posix(), path, &err);
	int version = -1;

	ok(db != NULL, "a database of the first build %s", err.text);
	is_int(migrate(db, one, 1, &err), 0, "takes the first step");
	is_int(number(db, "PRAGMA user_version"), 1, "and says so");
	is_int(number(db, "PRAGMA auto_vacuum"), 2, "pages can be given back from schema 1 on");
	is_int(migrate(db, broken, 2, &err), -1, "a step that fails half way");
	has_str(err.text, "to schema 2", "is named");
	is_int(number(db, "PRAGMA user_version"), 1, "and did not happen");
	is_int(number(db, "SELECT count(*) FROM pragma_table_info('a')"), 1,
	       "not even its first half");
	is_int(migrate(db, three, 3, &err), 0, "a later build takes the other two");
	is_int(number(db, "SELECT z FROM b"), 6, "in order");
	is_int(migrate(db, three, 3, &err), 0, "and none twice");
	is_int(number(db, "SELECT count(*) FROM b"), 1, "really");
	db_close(db);
	db = db_open(wf_os_posix(), path, &err);
	is_int(migrate(db, one, 1, &err), -1, "the first build refuses what the later one wrote");
	is_int(err.code, WF_RESOURCE, "with exit code 10");
	has_str(err.text, "has schema 3, this build knows up to 1", "saying both numbers");
	is_int(schema_version(db, &version, &err), 0, "the file is as it was");
	is_int(version, 3, "in schema 3");
	db_close(db);
	free(path);
	world_rmdir(dir);
}

static void test_store(void)
{
	char *dir = world_dir(), *path = wf_xasprintf("%s/wf.db", dir),
	     *kept = wf_xasprintf("%s.schema-0", path);
	struct wf_err err = { 0 };
	struct wf_store *s;
	sqlite3 *sql;

	wf_store_close(world_open(wf_os_posix(), dir));
	ok(!wf_file_exists(wf_os_posix(), kept), "a new store has nothing older to keep");
	sqlite3_open(path, &sql);
	sqlite3_exec(sql, "PRAGMA user_version=99", NULL, NULL, NULL);
	sqlite3_close(sql);
	s = wf_store_open(wf_os_posix(), dir, 1, &err);
	ok(!s, "a store of a newer build is refused");
	is_int(err.code, WF_RESOURCE, "with exit code 10");
	has_str(err.text, "schema 99", "saying why");
	sqlite3_open(path, &sql);
	sqlite3_exec(sql, "PRAGMA user_version=1", NULL, NULL, NULL);
	sqlite3_close(sql);
	s = wf_store_open(wf_os_posix(), dir, 1, &err);
	ok(s != NULL, "and nothing of it was changed");
	wf_store_close(s);
	free(path);
	free(kept);
	world_rmdir(dir);
}

/* What a build of schema 2 will do to a store of today. */
static void test_forward(void)
{
	static const struct step later[] = {
		{ 1, "" }, { 2, "ALTER TABLE lease ADD COLUMN until INTEGER NOT NULL DEFAULT 0;" }
	};
	char *dir = world_dir(), *kept = wf_xasprintf("%s/wf.db.schema-1", dir), *back;
	struct wf_err err = { 0 };
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct world w;

	world_init(&w, 2);
	world_submit(&w, 1, 1, 10, 1);
	world_commit(s, world_seal(&w, 1));
	is_int(store_forward(s, later, 2, &err), 0, "a later build brings it forward %s", err.text);
	ok(wf_file_exists(wf_os_posix(), kept), "after it kept a copy");
	is_int(store_forward(s, later, 2, &err), 0, "once");
	wf_store_close(s);
	ok(!wf_store_open(wf_os_posix(), dir, 1, &err), "this build refuses it then");
	back = wf_xasprintf("%s/wf.db", dir);
	is_int(rename(kept, back), 0, "the copy put back");
	s = world_open(wf_os_posix(), dir);
	ok(world_check(&w, s) >= 0, "is what it was");
	wf_store_close(s);
	free(back);
	free(kept);
	world_release(&w);
	world_rmdir(dir);
}

int main(void)
{
	test_steps();
	test_store();
	test_forward();
	return done_testing();
}
