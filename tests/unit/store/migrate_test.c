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
	static const struct step three[] = { { 1, "CREATE TABLE a(x); INSERT INTO a VALUES(5);" },
					     { 2, "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;" },
					     { 3, "CREATE TABLE b(z); INSERT INTO b SELECT y FROM a;" } };
	static const struct step broken[] = { { 1, "" }, { 2, "ALTER TABLE a ADD COLUMN y; UPDATE nowhere SET y = 1;" } };
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
	is_int(number(db, "SELECT count(*) FROM pragma_table_info('a')"), 1, "not even its first half");
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
	char *dir = world_dir(), *path = wf_xasprintf("%s/wf.db", dir), *kept = wf_xasprintf("%s.schema-0", path);
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

int main(void)
{
	test_steps();
	test_store();
	return done_testing();
}
