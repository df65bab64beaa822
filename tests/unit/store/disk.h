/* disk.h - a disk that fails on command and forgets on power loss, between SQLite (a VFS) or our
 * own calls (struct wf_os) and the real files
 *
 * Writes go to the real files at once, as into a page cache. What is durable is kept beside: a sync
 * that succeeds copies what was written since; a sync that fails makes the writes clean without
 * copying them, which is what Linux does. disk_power_loss puts the durable bytes, and a random part
 * of what was not synced, where the files are.
 *
 *     struct disk d; struct wf_os *os = disk_begin(&d, seed);
 *     d.fail_at = 17; d.fail_count = 1; d.fail_errno = EIO;      that write or sync fails
 *     d.loss_at = 23;                                            nothing later becomes durable
 *     disk_power_loss(); disk_end(&d);
 */
#ifndef WF_TESTS_STORE_DISK_H
#define WF_TESTS_STORE_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/tap/tap.h"

enum { DISK_FILES = 8, DISK_FDS = 256 };

struct disk_file {
	char *path;
	struct wf_buf durable;
	struct disk_range {
		size_t at, n;
	} * dirty;
	size_t dirty_count, dirty_cap;
};

struct disk {
	struct wf_os os;
	struct wf_os_ops ops;
	struct disk_file files[DISK_FILES];
	int fds[DISK_FDS];            /* file + 1 of a descriptor opened through os */
	unsigned ops_seen;            /* writes and syncs */
	unsigned fail_at, fail_count; /* from this one on, so many fail */
	int fail_errno;
	unsigned loss_at; /* after this one nothing becomes durable; 0: never */
	int lost;
	int last_errno;
	int64_t skip_ms; /* added to the monotonic clock */
	uint64_t random;
};

/* SQLite names its VFS by a string: there is one disk at a time. */
extern struct disk *disk_now;

static inline struct disk_file *disk_find(const char *path)
{
	struct disk_file *free_one = NULL;

	for (int i = 0; i < DISK_FILES; i++) {
		struct disk_file *f = &disk_now->files[i];

		if (f->path && strcmp(f->path, path) == 0)
			return f;
		if (!f->path && !free_one)
			free_one = f;
	}
	if (!free_one)
		bail("too many files on the test's disk");
	free_one->path = strdup(path);
	return free_one;
}

static inline int disk_is_ours(const char *path)
{
	return strstr(path, "/wf.db") != NULL;
}

static inline void disk_forget(struct disk_file *f)
{
	free(f->path);
	free(f->dirty);
	wf_buf_release(&f->durable);
	memset(f, 0, sizeof(*f));
}

/* Counts; the errno to fail with, or 0. */
static inline int disk_op(void)
{
	struct disk *d = disk_now;

	d->ops_seen++;
	if (d->loss_at && d->ops_seen > d->loss_at)
		d->lost = 1;
	if (d->fail_at && d->ops_seen >= d->fail_at && d->ops_seen < d->fail_at + d->fail_count) {
		d->last_errno = d->fail_errno;
		return d->fail_errno;
	}
	return 0;
}

static inline void disk_written(struct disk_file *f, size_t at, size_t n)
{
	f->dirty = wf_grow(f->dirty, &f->dirty_cap, f->dirty_count + 1, sizeof(*f->dirty));
	f->dirty[f->dirty_count++] = (struct disk_range){ at, n };
}

static inline void disk_settle(struct disk_file *f, const struct disk_range *r)
{
	int fd = open(f->path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return;
	if (f->durable.len < r->at + r->n) {
		size_t more = r->at + r->n - f->durable.len;

		memset(wf_buf_room(&f->durable, more), 0, more);
		f->durable.len += more;
	}
	n = pread(fd, f->durable.data + r->at, r->n, (off_t)r->at);
	if (n < 0)
		bail("cannot read '%s' back", f->path);
	close(fd);
}

static inline void disk_synced(struct disk_file *f)
{
	struct stat st;

	if (!disk_now->lost) {
		for (size_t i = 0; i < f->dirty_count; i++)
			disk_settle(f, &f->dirty[i]);
		if (stat(f->path, &st) == 0 && (size_t)st.st_size < f->durable.len)
			f->durable.len = (size_t)st.st_size;
		f->dirty_count = 0;
	}
}

static inline uint32_t disk_rnd(uint32_t n)
{
	disk_now->random = disk_now->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(disk_now->random >> 33) % n;
}

/* The files as they are found after the power came back. */
static inline void disk_power_loss(void)
{
	for (int i = 0; i < DISK_FILES; i++) {
		struct disk_file *f = &disk_now->files[i];
		int fd;

		if (!f->path)
			continue;
		/* The page cache may have written some of it by itself. */
		for (size_t k = 0; k < f->dirty_count; k++)
			if (disk_rnd(2))
				disk_settle(f, &f->dirty[k]);
		fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, f->durable.data, f->durable.len) != (ssize_t)f->durable.len)
			bail("cannot write '%s'", f->path);
		close(fd);
	}
}

/* ---- as a VFS -------------------------------------------------------------------------------- */

struct disk_handle {
	sqlite3_file base;
	struct disk_file *file; /* NULL: not one of ours */
	sqlite3_file *real;
};

static inline sqlite3_vfs *disk_below(void)
{
	return sqlite3_vfs_find(NULL);
}

static inline int disk_close(sqlite3_file *f)
{
	struct disk_handle *h = (struct disk_handle *)f;
	int rc = h->real->pMethods->xClose(h->real);

	free(h->real);
	return rc;
}

static inline int disk_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xRead(h->real, p, n, at);
}

static inline int disk_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct disk_handle *h = (struct disk_handle *)f;
	int e = disk_op();

	if (e) {
		/* Half of it got there. */
		if (n > 1 && h->real->pMethods->xWrite(h->real, p, n / 2, at) == SQLITE_OK)
			disk_written(h->file, (size_t)at, (size_t)n / 2);
		return e == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	}
	disk_written(h->file, (size_t)at, (size_t)n);
	return h->real->pMethods->xWrite(h->real, p, n, at);
}

static inline int disk_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xTruncate(h->real, n);
}

static inline int disk_sync(sqlite3_file *f, int flags)
{
	struct disk_handle *h = (struct disk_handle *)f;

	(void)flags;
	if (disk_op()) {
		h->file->dirty_count = 0;
		return SQLITE_IOERR_FSYNC;
	}
	disk_synced(h->file);
	return SQLITE_OK;
}

static inline int disk_size(sqlite3_file *f, sqlite3_int64 *n)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xFileSize(h->real, n);
}

static inline int disk_lock(sqlite3_file *f, int level)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xLock(h->real, level);
}

static inline int disk_unlock(sqlite3_file *f, int level)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xUnlock(h->real, level);
}

static inline int disk_reserved(sqlite3_file *f, int *out)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xCheckReservedLock(h->real, out);
}

static inline int disk_control(sqlite3_file *f, int op, void *arg)
{
	struct disk_handle *h = (struct disk_handle *)f;

	if (op == SQLITE_FCNTL_LAST_ERRNO) {
		*(int *)arg = disk_now->last_errno;
		return SQLITE_OK;
	}
	return h->real->pMethods->xFileControl(h->real, op, arg);
}

static inline int disk_sector(sqlite3_file *f)
{
	struct disk_handle *h = (struct disk_handle *)f;

	return h->real->pMethods->xSectorSize(h->real);
}

static inline int disk_traits(sqlite3_file *f)
{
	(void)f;
	return 0; /* promises nothing */
}

static inline int disk_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	static const sqlite3_io_methods methods = {
		.iVersion = 1,
		.xClose = disk_close,
		.xRead = disk_read,
		.xWrite = disk_write,
		.xTruncate = disk_truncate,
		.xSync = disk_sync,
		.xFileSize = disk_size,
		.xLock = disk_lock,
		.xUnlock = disk_unlock,
		.xCheckReservedLock = disk_reserved,
		.xFileControl = disk_control,
		.xSectorSize = disk_sector,
		.xDeviceCharacteristics = disk_traits,
	};
	struct disk_handle *h = (struct disk_handle *)f;
	int rc;

	(void)v;
	memset(h, 0, sizeof(*h));
	h->real = calloc(1, (size_t)disk_below()->szOsFile);
	rc = disk_below()->xOpen(disk_below(), name, h->real, flags, out);
	if (rc != SQLITE_OK) {
		free(h->real);
		return rc;
	}
	h->file = disk_find(name ? name : "/wf.db-nameless");
	h->base.pMethods = &methods;
	return SQLITE_OK;
}

static inline int disk_delete(sqlite3_vfs *v, const char *name, int sync)
{
	(void)v;
	if (!disk_now->lost && disk_is_ours(name))
		disk_forget(disk_find(name));
	return disk_below()->xDelete(disk_below(), name, sync);
}

static inline int disk_last_error(sqlite3_vfs *v, int n, char *text)
{
	(void)v;
	(void)n;
	(void)text;
	return disk_now->last_errno;
}

/* ---- as struct wf_os ------------------------------------------------------------------------- */

static inline int disk_os_open(void *self, const char *path, int flags, mode_t mode)
{
	int fd = wf_os_posix()->ops->open(NULL, path, flags, mode);

	(void)self;
	if (fd >= 0 && fd < DISK_FDS)
		disk_now->fds[fd] =
			disk_is_ours(path) ? (int)(disk_find(path) - disk_now->files) + 1 : 0;
	return fd;
}

static inline ssize_t disk_os_pwrite(void *self, int fd, const void *p, size_t n, off_t at)
{
	int file = fd < DISK_FDS ? disk_now->fds[fd] : 0;

	(void)self;
	if (file) {
		int e = disk_op();

		if (e) {
			errno = e;
			return -1;
		}
		disk_written(&disk_now->files[file - 1], (size_t)at, n);
	}
	return pwrite(fd, p, n, at);
}

static inline int disk_os_fsync(void *self, int fd)
{
	int file = fd < DISK_FDS ? disk_now->fds[fd] : 0;

	(void)self;
	if (file) {
		int e = disk_op();

		if (e) {
			disk_now->files[file - 1].dirty_count = 0;
			errno = e;
			return -1;
		}
		disk_synced(&disk_now->files[file - 1]);
	}
	return 0;
}

static inline uint64_t disk_os_mono(void *self)
{
	(void)self;
	return wf_os_mono_ns(wf_os_posix()) + (uint64_t)disk_now->skip_ms * 1000000;
}

static inline struct wf_os *disk_begin(struct disk *d, uint64_t seed)
{
	static sqlite3_vfs vfs;

	memset(d, 0, sizeof(*d));
	d->random = seed * 2 + 1;
	disk_now = d;
	if (!vfs.zName) {
		vfs = *disk_below();
		vfs.iVersion = 1;
		vfs.pNext = NULL;
		vfs.zName = "wf-test-disk";
		vfs.szOsFile = (int)sizeof(struct disk_handle);
		vfs.xOpen = disk_open;
		vfs.xDelete = disk_delete;
		vfs.xGetLastError = disk_last_error;
		sqlite3_vfs_register(&vfs, 0);
	}
	d->ops = *wf_os_posix()->ops;
	d->ops.open = disk_os_open;
	d->ops.pwrite = disk_os_pwrite;
	d->ops.fsync = disk_os_fsync;
	d->ops.mono_ns = disk_os_mono;
	d->os.ops = &d->ops;
	d->os.sqlite_vfs = "wf-test-disk";
	return &d->os;
}

static inline void disk_end(struct disk *d)
{
	for (int i = 0; i < DISK_FILES; i++)
		disk_forget(&d->files[i]);
}

#endif
