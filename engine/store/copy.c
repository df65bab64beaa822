/* copy.c - owns the copy by which an engine takes a database over from another host: both files, byte by byte, until they held still,
 * then everything that can be checked.
 *
 * The old owner is fenced, not proven dead: it may be in the middle of a last write. What it writes during the copy is seen by size, times
 * and the head of the log, and the copy begun anew; what it writes later goes to files nobody reads. The old files are only read, and
 * not by SQLite, which would take locks and recover in place.
 *
 * All is done in TO/copy; one rename makes it TO/wf.db. Where that name is, the copy is complete and verified.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/fault.h"
#include "engine/store/store_internal.h"

enum { PIECE = 1 << 20, TRIES = 50, HEAD = 32 };
static const long PAUSE_NS = 100000000;

/* What tells that a file was not written to. */
struct look {
	int there;
	off_t size;
	struct timespec changed;
	ino_t inode;
	char head[HEAD];               /* of the log: its salts change when it is begun anew */
};

struct copying {
	struct wf_os *os;
	char *from, *to;               /* wf.db; the log lies beside */
};

static int look_at(struct wf_os *os, const char *path, struct look *l, struct wf_err *err)
{
	int fd = os->ops->open(os->self, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0), rc = -1;
	struct stat st;

	memset(l, 0, sizeof(*l));
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return wf_err_sys(err, "cannot open '%s'", path);
	if (os->ops->fstat(os->self, fd, &st) < 0 || os->ops->pread(os->self, fd, l->head, HEAD, 0) < 0) {
		wf_err_sys(err, "cannot read '%s'", path);
	} else {
		l->there = 1;
		l->size = st.st_size;
		l->changed = st.st_mtim;
		l->inode = st.st_ino;
		rc = 0;
	}
	os->ops->close(os->self, fd);
	return rc;
}

static int same(const struct look *a, const struct look *b)
{
	return a->there == b->there && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec && a->inode == b->inode && memcmp(a->head, b->head, HEAD) == 0;
}

/* Every byte of `from` through `out` (a descriptor, or -1: only summed up). */
static int stream(struct wf_os *os, const char *from, int out, uint32_t *sum, off_t *size, struct wf_err *err)
{
	int fd = os->ops->open(os->self, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0), rc = -1;
	char *p = wf_xmalloc(PIECE);
	ssize_t n;

	*sum = 0;
	*size = 0;
	if (fd < 0) {
		wf_err_sys(err, "cannot open '%s'", from);
		free(p);
		return -1;
	}
	while ((n = os->ops->pread(os->self, fd, p, PIECE, *size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			wf_err_sys(err, "cannot read '%s'", from);
			goto out;
		}
		if (out >= 0 && wf_write_all(os, out, p, (size_t)n, *size) < 0) {
			wf_err_sys(err, "cannot write the copy of '%s'", from);
			goto out;
		}
		*sum = wf_crc32c(*sum, p, (size_t)n);
		*size += n;
	}
	rc = 0;
out:
	os->ops->close(os->self, fd);
	free(p);
	return rc;
}

/* One file: written, synced, read back. */
static int copy_file(struct wf_os *os, const char *from, const char *to, struct wf_err *err)
{
	int fd = os->ops->open(os->self, to, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), f, rc = -1;
	uint32_t sum, back;
	off_t size, back_size;

	if (fd < 0)
		return wf_err_sys(err, "cannot create '%s'", to);
	f = WF_FAULT("store.take.copy");
	if (f > 0) {
		errno = f;
		wf_err_sys(err, "cannot write '%s'", to);
	} else if (stream(os, from, fd, &sum, &size, err) == 0) {
		f = WF_FAULT("store.take.sync");
		if (f > 0)
			errno = f;
		if (f > 0 || os->ops->fsync(os->self, fd) < 0)
			wf_err_sys(err, "cannot sync '%s'", to);
		else
			rc = 0;
	}
	os->ops->close(os->self, fd);
	if (rc == 0 && stream(os, to, -1, &back, &back_size, err) < 0)
		rc = -1;
	if (rc == 0 && (back != sum || back_size != size))
		rc = wf_errf(err, WF_IO, "'%s' does not read as it was written", to);
	return rc;
}

/* Database first, then its log: what a checkpoint moved meanwhile is in both. 1: they were written to. */
static int copy_both(const struct copying *c, struct wf_err *err)
{
	char *from_log = wf_xasprintf("%s-wal", c->from), *to_log = wf_xasprintf("%s-wal", c->to);
	struct look file, log, file_now, log_now;
	int rc = -1;

	c->os->ops->unlink(c->os->self, to_log);
	if (look_at(c->os, c->from, &file, err) < 0 || look_at(c->os, from_log, &log, err) < 0 ||
	    copy_file(c->os, c->from, c->to, err) < 0 || (log.there && copy_file(c->os, from_log, to_log, err) < 0) ||
	    look_at(c->os, c->from, &file_now, err) < 0 || look_at(c->os, from_log, &log_now, err) < 0)
		goto out;
	rc = !same(&file, &file_now) || !same(&log, &log_now);
out:
	free(from_log);
	free(to_log);
	return rc;
}

static int copy_still(const struct copying *c, struct wf_err *err)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	int rc = 1;

	for (int i = 0; i < TRIES && rc > 0; i++) {
		if (i)
			nanosleep(&pause, NULL);
		rc = copy_both(c, err);
		/* The log may vanish between two looks. */
		if (rc < 0 && err && err->code == WF_NOT_FOUND)
			rc = 1;
	}
	if (rc > 0)
		return wf_errf(err, WF_CONFLICT, "'%s' is still written to; stop the other engine there, then try again", c->from);
	return rc;
}

/* The copy as this build wants it: brought forward, its log in the file. */
static int fold(struct wf_os *os, const char *dir, struct wf_err *err)
{
	struct wf_store *s = store_create(os, dir, "wf.db", 0);
	int rc = store_connect(s, 0, err);

	(void)WF_FAULT("store.take.fold");
	if (rc == 0 && sqlite3_wal_checkpoint_v2(s->db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		rc = db_err(s->db, "move the log into", err);
	if (rc == 0)
		db_close(s->db);
	else
		db_abandon(s->db);
	store_destroy(s);
	return rc;
}

static int verify(struct wf_os *os, const char *dir, struct wf_err *err)
{
	struct wf_buf out = { 0 };
	int rc = fold(os, dir, err);

	(void)WF_FAULT("store.take.verify");
	if (rc == 0)
		rc = wf_store_recover(os, dir, 1, 1, &out, err);
	if (rc < 0)
		wf_err_wrap(err, "the copy does not stand its check");
	wf_buf_release(&out);
	return rc;
}

static int settle(struct wf_os *os, const char *copy, const char *to, struct wf_err *err)
{
	char *from = wf_xasprintf("%s/wf.db", copy), *name = wf_xasprintf("%s/wf.db", to);
	int f = WF_FAULT("store.take.rename.before"), rc = -1;

	if (f > 0)
		errno = f;
	if (f > 0 || os->ops->rename(os->self, from, name) < 0)
		wf_err_sys(err, "cannot rename '%s' to '%s'", from, name);
	else
		rc = wf_dir_sync(os, to, err);
	(void)WF_FAULT("store.take.rename.after");
	free(from);
	free(name);
	return rc;
}

int wf_store_take(struct wf_os *os, const char *from, const char *to, struct wf_err *err)
{
	char *dir = wf_xasprintf("%s/copy", to);
	struct copying c = { os, wf_xasprintf("%s/wf.db", from), wf_xasprintf("%s/wf.db", dir) };
	int rc = 0;

	/* An engine that never came to its first commit leaves nothing to take. */
	if (wf_file_exists(os, c.from)) {
		rc = wf_dir_remove(os, dir, err) < 0 || wf_dir_make(os, dir, 0700, err) < 0 ? -1 : copy_still(&c, err);
		if (rc == 0)
			rc = verify(os, dir, err) < 0 || settle(os, dir, to, err) < 0 ? -1 : 0;
		/* What is left of it is of no use to anybody. */
		(void)wf_dir_remove(os, dir, NULL);
	}
	free(c.from);
	free(c.to);
	free(dir);
	return rc;
}
