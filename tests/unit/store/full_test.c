/* A file system that is really full: a small tmpfs. The store lives on its ballast, says so, opens
 * again, keeps the batch that found no room, and returns by itself. Needs to mount: as root, or
 * where users may have namespaces; elsewhere it fails aloud. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/store/store_internal.h"
#include "tests/unit/store/world.h"

static char *mount_small(void)
{
	char *dir = world_dir();

	if (geteuid() != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		bail("cannot make a user namespace to mount in: %s", strerror(errno));
	if (geteuid() == 0 && unshare(CLONE_NEWNS) < 0)
		bail("cannot make a mount namespace: %s", strerror(errno));
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("small", dir, "tmpfs", 0, "size=72m,mode=700") < 0)
		bail("cannot mount a small tmpfs: %s", strerror(errno));
	return dir;
}

static uint64_t size_of(const char *dir, const char *name)
{
	char *path = wf_xasprintf("%s/%s", dir, name);
	struct stat st;
	uint64_t n = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;

	free(path);
	return n;
}

/* Somebody else's file grows until nothing is left. */
static void fill(const char *dir)
{
	static char piece[1 << 16];
	char *path = wf_xasprintf("%s/filler", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	size_t n = sizeof(piece);

	while (n) {
		ssize_t k = write(fd, piece, n);

		if (k < 0 && errno == ENOSPC)
			n /= 2;
		else if (k < 0)
			bail("cannot fill: %s", strerror(errno));
	}
	close(fd);
	free(path);
}

static void make_room(const char *dir)
{
	char *path = wf_xasprintf("%s/filler", dir);

	unlink(path);
	free(path);
}

struct once {
	struct wf_loop *loop;
	int done;
	struct wf_err err;
	struct wf_store_state st;
};

static void on_done(void *arg, const struct wf_err *err, const struct wf_store_state *st)
{
	struct once *o = arg;

	o->done++;
	memset(&o->err, 0, sizeof(o->err));
	if (err)
		o->err = *err;
	o->st = *st;
	wf_loop_stop(o->loop);
}

static struct once commit(struct wf_loop *loop, struct wf_store *s, struct wf_batch *b)
{
	struct once o = { .loop = loop };

	wf_store_commit(s, loop, b, on_done, &o);
	wf_loop_run(loop);
	if (o.done != 1)
		bail("%d answers", o.done);
	return o;
}

/* Commits small batches until `until` says so; the number of them, or -1 when one was refused. */
static int commit_until(struct wf_loop *loop, struct wf_store *s, struct world *w,
			int (*until)(const struct once *o), struct once *last)
{
	for (int n = 1; n < 20000; n++) {
		for (int k = 0; k < 30; k++)
			world_step(w, 1);
		*last = commit(loop, s, world_seal(w, 2));
		if (until(last))
			return n;
		if (last->err.code)
			return -1;
	}
	return -1;
}

static int is_full(const struct once *o)
{
	return o->st.full;
}

static int is_refused(const struct once *o)
{
	return o->err.code == WF_FULL;
}

int main(void)
{
	char *dir = mount_small();
	struct wf_loop *loop = wf_loop_uv_create();
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	struct wf_store_state st;
	struct once o;
	struct wf_err err = { 0 };
	int n;

	world_init(&w, 9);
	world_submit(&w, 1, 4, 20000, 1);
	o = commit(loop, s, world_seal(&w, 4));
	ok(!o.err.code && !o.st.full && o.st.free_bytes > 32 << 20, "there is room");
	ok(size_of(dir, "ballast") >= 16 << 20, "and ballast");

	fill(dir);
	n = commit_until(loop, s, &w, is_full, &o);
	ok(n > 0 && !o.err.code,
	   "on a full disk the %dth commit is durable and says that we live on ballast", n);
	is_int(size_of(dir, "ballast"), 8 << 20, "half of it was given back");
	o = commit(loop, s, NULL);
	ok(!o.err.code && o.st.full, "a look at the disk finds it full still");

	/* The process dies; the next one must open what it finds, with the disk as full as it
	 * can be. */
	fill(dir);
	db_abandon(s->db);
	s->db = NULL;
	wf_store_close(s);
	ok(size_of(dir, "wf.db-wal") > 0, "a log is left behind");
	s = wf_store_open(wf_os_posix(), dir, 2, &err);
	ok(s != NULL, "the store opens on a full disk %s", err.text);
	wf_store_state(s, &st);
	ok(st.full, "and knows that it is full");
	ok(world_check(&w, s) >= 0, "everything acknowledged is there");

	/* Until even the rest of the ballast is used up. */
	fill(dir);
	n = commit_until(loop, s, &w, is_refused, &o);
	ok(n > 0, "the %dth commit more finds no room at all", n);
	is_int(size_of(dir, "ballast"), 0, "the ballast is all gone");
	o = commit(loop, s, NULL);
	is_int(o.err.code, WF_FULL, "trying the kept batch again finds no room either");
	o = commit(loop, s, wf_batch_create());
	is_int(o.err.code, WF_FULL, "and nothing may come before it");
	has_str(o.err.text, "comes first", "saying so");

	make_room(dir);
	o = commit(loop, s, NULL);
	ok(!o.err.code, "when there is room the kept batch is written %s", o.err.text);
	ok(!o.st.full && size_of(dir, "ballast") >= 16 << 20,
	   "the ballast is made again and the full state left");
	for (int k = 0; k < 30; k++)
		world_step(&w, 1);
	o = commit(loop, s, world_seal(&w, 4));
	ok(!o.err.code && !o.st.full, "and it goes on as before");
	wf_store_close(s);

	s = world_open(wf_os_posix(), dir);
	ok(world_check(&w, s) >= 0, "nothing was lost on the way");
	wf_store_close(s);
	wf_loop_destroy(loop);
	world_release(&w);
	umount(dir);
	world_rmdir(dir);
	return done_testing();
}
