/* floor.c - wf-bench-floor: what the machine can do without an engine; each figure of the bench stands beside one of these.
 *
 *     spawn N SLOTS        N times /bin/true by posix_spawn, SLOTS at a time
 *     chain N DB           N times: spawn, wait, one commit of one small row
 *     commits DB SIZES     a row and a sync per line of SIZES, of so many bytes
 *     read DB              what a restart needs, from SQLite into memory
 *     arrays LAYERS WIDTH  the arrays of a graph with three edges a task, and its ready set
 *
 * Prints "name value" lines; seconds are wall clock, cpu_us the program's own without its children.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double own_cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- processes ------------------------------------------------------------------------------------------- */

static void spawn_true(void)
{
	char *argv[] = { (char *)(uintptr_t)"/bin/true", NULL };
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		die("posix_spawn");
}

static void reap_one(void)
{
	int status;

	if (wait(&status) < 0 || status != 0)
		die("wait");
}

static void spawn_loop(long n, long slots)
{
	double from = now_s();
	long running = 0;

	for (long i = 0; i < n; i++) {
		if (running == slots)
			reap_one();
		else
			running++;
		spawn_true();
	}
	while (running--)
		reap_one();
	printf("seconds %.6f\ncpu_us %.0f\n", now_s() - from, own_cpu_us());
}

/* ---- SQLite ------------------------------------------------------------------------------------------------ */

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, why);
		exit(1);
	}
}

static sqlite3 *open_db(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path);
	run_sql(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
	return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		exit(1);
	}
	return st;
}

static void insert(sqlite3_stmt *st, const void *p, int n)
{
	sqlite3_bind_blob(st, 1, p, n, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE) /* outside a transaction this is the commit, synced */
		die("commit");
	sqlite3_reset(st);
}

/* With a log that has its blocks: writing over them syncs in half the time, and an engine that has run for a while has them, too. */
static sqlite3_stmt *open_rows(const char *path, sqlite3 **db)
{
	*db = open_db(path);
	run_sql(*db, "CREATE TABLE rows(number INTEGER PRIMARY KEY, blob BLOB NOT NULL); INSERT INTO rows(blob) VALUES (randomblob(8000000));"
		     "PRAGMA wal_checkpoint");
	return prepare(*db, "INSERT INTO rows(blob) VALUES (?)");
}

static void chain(long n, const char *path)
{
	char blob[128] = { 0 };
	sqlite3 *db;
	sqlite3_stmt *st = open_rows(path, &db);
	double spawn = 0, commit = 0;

	for (long i = 0; i < n; i++) {
		double from = now_s(), between;

		spawn_true();
		reap_one();
		between = now_s();
		insert(st, blob, sizeof(blob));
		spawn += between - from;
		commit += now_s() - between;
	}
	printf("spawn_seconds %.6f\ncommit_seconds %.6f\n", spawn, commit);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void commits(const char *path, const char *sizes)
{
	FILE *f = fopen(sizes, "r");
	sqlite3 *db;
	sqlite3_stmt *st = open_rows(path, &db);
	char *blob = NULL;
	size_t cap = 0;
	double from, cpu;
	int n;

	if (!f)
		die(sizes);
	cpu = own_cpu_us();
	from = now_s();
	while (fscanf(f, "%d", &n) == 1) {
		if ((size_t)n > cap) {
			cap = (size_t)n * 2;
			free(blob);
			blob = malloc(cap);
			if (!blob)
				die("malloc");
			for (size_t i = 0; i < cap; i++)
				blob[i] = (char)(i * 131);
		}
		insert(st, blob, n);
	}
	printf("seconds %.6f\ncpu_us %.0f\n", now_s() - from, own_cpu_us() - cpu);
	fclose(f);
	sqlite3_finalize(st);
	sqlite3_close(db);
	free(blob);
}

/* Every blob of a query, copied side by side as a reader that keeps them would. */
static size_t take_blobs(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = prepare(db, sql);
	size_t bytes = 0;

	while (sqlite3_step(st) == SQLITE_ROW)
		for (int c = 0; c < sqlite3_column_count(st); c++) {
			size_t n = (size_t)sqlite3_column_bytes(st, c);
			char *p = malloc(n + 1);

			if (!p)
				die("malloc");
			if (n)
				memcpy(p, sqlite3_column_blob(st, c), n);
			bytes += n;
		}
	sqlite3_finalize(st);
	return bytes;
}

static void read_all(const char *path)
{
	double from = now_s();
	sqlite3 *db = open_db(path);
	size_t bytes = take_blobs(db, "SELECT records FROM tasks") + take_blobs(db, "SELECT text, graph FROM input");

	bytes += take_blobs(db, "SELECT e.blob FROM events e JOIN tail t ON t.run = e.run WHERE e.first_seq + e.count > t.mark");
	printf("seconds %.6f\nbytes %zu\n", now_s() - from, bytes);
	sqlite3_close(db);
}

/* ---- arrays ------------------------------------------------------------------------------------------------ */

/* Task i of a layer waits for task i of the three layers before it. Successors in one array, offsets and open parents in two more. */
static void arrays(uint32_t layers, uint32_t width)
{
	uint32_t n = layers * width, edges = 0, ready = 0;
	uint32_t *parents, *offset, *successors, *fill, *queue;
	double from = now_s();

	parents = calloc(n, sizeof(*parents));
	offset = calloc((size_t)n + 1, sizeof(*offset));
	fill = malloc(n * sizeof(*fill));
	queue = malloc(n * sizeof(*queue));
	if (!parents || !offset || !fill || !queue)
		die("malloc");
	for (uint32_t l = 0; l < layers; l++)
		for (uint32_t back = 1; back <= 3 && back <= l; back++)
			for (uint32_t i = 0; i < width; i++) {
				parents[l * width + i]++;
				offset[(l - back) * width + i + 1]++;
				edges++;
			}
	for (uint32_t i = 0; i < n; i++)
		offset[i + 1] += offset[i];
	memcpy(fill, offset, n * sizeof(*fill));
	successors = malloc((size_t)(edges ? edges : 1) * sizeof(*successors));
	if (!successors)
		die("malloc");
	for (uint32_t l = 0; l < layers; l++)
		for (uint32_t back = 1; back <= 3 && back <= l; back++)
			for (uint32_t i = 0; i < width; i++)
				successors[fill[(l - back) * width + i]++] = l * width + i;
	for (uint32_t i = 0; i < n; i++)
		if (!parents[i])
			queue[ready++] = i;
	printf("seconds %.6f\nready %u\nedges %u\nlast %u\n", now_s() - from, ready, edges, edges ? successors[edges - 1] : 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "spawn") == 0 && argc == 4)
		spawn_loop(atol(argv[2]), atol(argv[3]));
	else if (strcmp(what, "chain") == 0 && argc == 4)
		chain(atol(argv[2]), argv[3]);
	else if (strcmp(what, "commits") == 0 && argc == 4)
		commits(argv[2], argv[3]);
	else if (strcmp(what, "read") == 0 && argc == 3)
		read_all(argv[2]);
	else if (strcmp(what, "arrays") == 0 && argc == 4)
		arrays((uint32_t)atol(argv[2]), (uint32_t)atol(argv[3]));
	else {
		fputs("usage: wf-bench-floor spawn N SLOTS | chain N DB | commits DB SIZES | read DB | arrays LAYERS WIDTH\n", stderr);
		return 2;
	}
	return 0;
}
