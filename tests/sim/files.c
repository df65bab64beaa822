/* files.c - owns the files of a simulated world, all in memory, behind a process's struct wf_os and behind a SQLite VFS.
 *
 * Both see the same files. What is written is there for the next process, whatever became of the writer: syncs do nothing. A process may die
 * at its n-th change of a file, or see it fail; that change does not happen. The disk may be full.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { FIRST_FD = 1000, FDS = 4096 };

struct node {
	char *path;                    /* NULL once it was removed; the memory goes with the last handle */
	int dir;
	mode_t mode;
	char *data;                    /* up to cap; zeros from there to size */
	size_t size, cap;
	unsigned handles;
	uint64_t ino;
	int64_t changed_ms;
};

struct sim_files {
	struct node **nodes;
	size_t count, cap;
	uint64_t next_ino;
	uint64_t used, limit;          /* bytes of all files; what fits */
	struct {
		struct node *node;
		struct sim_process *p;
	} fds[FDS];
};

/* ---- nodes ------------------------------------------------------------------------------------------------- */

static struct node *find(struct sim_files *f, const char *path)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->nodes[i]->path, path) == 0)
			return f->nodes[i];
	return NULL;
}

static struct node *make(struct sim_files *f, const char *path, int dir, mode_t mode)
{
	struct node *n = wf_xcalloc(1, sizeof(*n));

	n->path = wf_xstrdup(path);
	n->dir = dir;
	n->mode = mode;
	n->ino = ++f->next_ino;
	f->nodes = wf_grow(f->nodes, &f->cap, f->count + 1, sizeof(*f->nodes));
	f->nodes[f->count++] = n;
	return n;
}

static void let_go(struct sim_files *f, struct node *n)
{
	if (n->path || n->handles)
		return;
	f->used -= n->size;
	free(n->data);
	free(n);
}

static void drop(struct sim_files *f, struct node *n)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->nodes[i] == n) {
			/* The order of a listing is part of the world: keep it. */
			memmove(&f->nodes[i], &f->nodes[i + 1], (--f->count - i) * sizeof(*f->nodes));
			break;
		}
	free(n->path);
	n->path = NULL;
	let_go(f, n);
}

static int has_parent(struct sim_files *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	struct node *n;

	if (slash == path)
		return 1;
	dir = wf_xstrndup(path, (size_t)(slash - path));
	n = find(f, dir);
	free(dir);
	return n && n->dir;
}

static size_t read_node(const struct node *n, void *p, size_t k, size_t at)
{
	size_t here;

	if (at >= n->size)
		return 0;
	if (k > n->size - at)
		k = n->size - at;
	here = at < n->cap ? n->cap - at : 0;
	if (here > k)
		here = k;
	if (here)
		memcpy(p, n->data + at, here);
	memset((char *)p + here, 0, k - here);
	return k;
}

/* Grow or shrink; 0 when there is no room for that. */
static int size_node(struct sim_files *f, struct node *n, size_t size)
{
	if (size > n->size && f->used + (size - n->size) > f->limit) {
		errno = ENOSPC;
		return 0;
	}
	if (size < n->size && size < n->cap)
		memset(n->data + size, 0, (n->size < n->cap ? n->size : n->cap) - size);
	f->used += size - n->size;
	n->size = size;
	return 1;
}

static int write_node(struct sim_files *f, struct node *n, const void *p, size_t k, size_t at)
{
	if (at + k > n->size && !size_node(f, n, at + k))
		return 0;
	if (at + k > n->cap) {
		size_t cap = n->cap ? n->cap : 4096;

		while (cap < at + k)
			cap *= 2;
		n->data = wf_xrealloc(n->data, cap);
		memset(n->data + n->cap, 0, cap - n->cap);
		n->cap = cap;
	}
	memcpy(n->data + at, p, k);
	return 1;
}

/* ---- death ---------------------------------------------------------------------------------------------------- */

static int is_dead(struct sim_process *p)
{
	errno = EIO;
	return p->dead;
}

/* Before each change of a file: may it happen? */
static int may_write(struct sim_process *p)
{
	if (is_dead(p))
		return 0;
	if (++p->writes == p->die_at_write) {
		p->dead = 1;
		return 0;
	}
	return p->writes != p->fail_at_write && !p->failing;
}

/* ---- struct wf_os ------------------------------------------------------------------------------------------------ */

static struct sim_files *files_of(void *self)
{
	return sim_files_of(((struct sim_process *)self)->sim);
}

static struct node *node_of(void *self, int fd)
{
	struct sim_files *f = files_of(self);

	if (fd < FIRST_FD || fd >= FIRST_FD + FDS || f->fds[fd - FIRST_FD].p != self) {
		errno = EBADF;
		return NULL;
	}
	return f->fds[fd - FIRST_FD].node;
}

static int64_t sim_wall_ms(void *self)
{
	return 1700000000000 + (int64_t)(sim_now_ns(((struct sim_process *)self)->sim) / 1000000);
}

static uint64_t sim_mono_ns(void *self)
{
	return sim_now_ns(((struct sim_process *)self)->sim);
}

static void sim_random(void *self, void *p, size_t n)
{
	unsigned char *to = p;

	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)sim_rnd(((struct sim_process *)self)->sim, 256);
}

static int sim_open(void *self, const char *path, int flags, mode_t mode)
{
	struct sim_process *p = self;
	struct sim_files *f = files_of(self);
	struct node *n = find(f, path);
	int fd = 0;

	if (is_dead(p))
		return -1;
	if (!n && !(flags & O_CREAT)) {
		errno = ENOENT;
		return -1;
	}
	if (n && (flags & O_CREAT) && (flags & O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (n && !n->dir && (flags & O_DIRECTORY)) {
		errno = ENOTDIR;
		return -1;
	}
	if (!n && !has_parent(f, path)) {
		errno = ENOENT;
		return -1;
	}
	if ((!n || (flags & O_TRUNC)) && !may_write(p))
		return -1;
	if (!n)
		n = make(f, path, 0, mode);
	if (flags & O_TRUNC)
		size_node(f, n, 0);
	while (fd < FDS && f->fds[fd].node)
		fd++;
	if (fd == FDS) {
		errno = EMFILE;
		return -1;
	}
	n->handles++;
	f->fds[fd].node = n;
	f->fds[fd].p = p;
	return FIRST_FD + fd;
}

static int close_fd(struct sim_files *f, int at)
{
	struct node *n = f->fds[at].node;

	f->fds[at].node = NULL;
	f->fds[at].p = NULL;
	n->handles--;
	let_go(f, n);
	return 0;
}

static int sim_close(void *self, int fd)
{
	return node_of(self, fd) ? close_fd(files_of(self), fd - FIRST_FD) : -1;
}

static ssize_t sim_pread(void *self, int fd, void *p, size_t n, off_t at)
{
	struct node *node = node_of(self, fd);

	return !node || is_dead(self) ? -1 : (ssize_t)read_node(node, p, n, (size_t)at);
}

static void touch(void *self, struct node *n)
{
	n->changed_ms = sim_wall_ms(self);
}

static ssize_t sim_pwrite(void *self, int fd, const void *p, size_t n, off_t at)
{
	struct node *node = node_of(self, fd);

	if (!node || !may_write(self) || !write_node(files_of(self), node, p, n, (size_t)at))
		return -1;
	touch(self, node);
	return (ssize_t)n;
}

static int sim_fsync(void *self, int fd)
{
	return node_of(self, fd) && !is_dead(self) ? 0 : -1;
}

static int sim_ftruncate(void *self, int fd, off_t size)
{
	struct node *n = node_of(self, fd);

	if (!n || !may_write(self) || !size_node(files_of(self), n, (size_t)size))
		return -1;
	touch(self, n);
	return 0;
}

static int sim_fallocate(void *self, int fd, off_t at, off_t n)
{
	struct node *node = node_of(self, fd);

	if (!node || !may_write(self))
		return -1;
	if ((size_t)(at + n) > node->size && !size_node(files_of(self), node, (size_t)(at + n)))
		return -1;
	return 0;
}

static void stat_node(const struct node *n, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = (n->dir ? S_IFDIR : S_IFREG) | n->mode;
	st->st_size = (off_t)n->size;
	st->st_blocks = (blkcnt_t)((n->size + 511) / 512);
	st->st_ino = n->ino;
	st->st_nlink = 1;
	st->st_mtim.tv_sec = n->changed_ms / 1000;
	st->st_ctim = st->st_mtim;
}

static int sim_fstat(void *self, int fd, struct stat *st)
{
	struct node *n = node_of(self, fd);

	if (!n || is_dead(self))
		return -1;
	stat_node(n, st);
	return 0;
}

static int sim_lstat(void *self, const char *path, struct stat *st)
{
	struct node *n = find(files_of(self), path);

	if (is_dead(self))
		return -1;
	errno = ENOENT;
	if (!n)
		return -1;
	stat_node(n, st);
	return 0;
}

static int sim_rename(void *self, const char *from, const char *to)
{
	struct sim_files *f = files_of(self);
	struct node *n = find(f, from), *old = find(f, to);

	if (!may_write(self))
		return -1;
	errno = ENOENT;
	if (!n || n->dir || !has_parent(f, to))
		return -1;
	if (old && old != n)
		drop(f, old);
	free(n->path);
	n->path = wf_xstrdup(to);
	return 0;
}

static int sim_link(void *self, const char *from, const char *to)
{
	(void)self;
	(void)from;
	(void)to;
	errno = EOPNOTSUPP;
	return -1;
}

static int remove_node(void *self, const char *path, int dir)
{
	struct sim_files *f = files_of(self);
	struct node *n = find(f, path);
	size_t k = strlen(path);

	if (!may_write(self))
		return -1;
	errno = n ? dir ? ENOTDIR : EISDIR : ENOENT;
	if (!n || n->dir != dir)
		return -1;
	for (size_t i = 0; dir && i < f->count; i++)
		if (strncmp(f->nodes[i]->path, path, k) == 0 && f->nodes[i]->path[k] == '/') {
			errno = ENOTEMPTY;
			return -1;
		}
	drop(f, n);
	return 0;
}

static int sim_unlink(void *self, const char *path)
{
	return remove_node(self, path, 0);
}

static int sim_rmdir(void *self, const char *path)
{
	return remove_node(self, path, 1);
}

static int sim_mkdir(void *self, const char *path, mode_t mode)
{
	struct sim_files *f = files_of(self);

	if (is_dead(self))
		return -1;
	if (find(f, path)) {
		errno = EEXIST;
		return -1;
	}
	if (!has_parent(f, path)) {
		errno = ENOENT;
		return -1;
	}
	if (!may_write(self))
		return -1;
	make(f, path, 1, mode);
	return 0;
}

/* fn may remove what it is told of: names first. */
static int sim_list(void *self, const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct sim_files *f = files_of(self);
	struct node *dir = find(f, path);
	size_t k = strlen(path), count = 0, cap = 0;
	char **names = NULL;
	int stop = 0;

	if (is_dead(self))
		return -1;
	errno = dir ? ENOTDIR : ENOENT;
	if (!dir || !dir->dir)
		return -1;
	for (size_t i = 0; i < f->count; i++) {
		const char *at = f->nodes[i]->path;

		if (strncmp(at, path, k) != 0 || at[k] != '/' || strchr(at + k + 1, '/'))
			continue;
		names = wf_grow(names, &cap, count + 1, sizeof(*names));
		names[count++] = wf_xstrdup(at + k + 1);
	}
	for (size_t i = 0; i < count; i++) {
		if (!stop)
			stop = fn(names[i], arg);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int sim_free_bytes(void *self, const char *path, uint64_t *bytes)
{
	(void)path;
	if (is_dead(self))
		return -1;
	*bytes = files_of(self)->limit == UINT64_MAX ? (uint64_t)1 << 40 : files_of(self)->limit - files_of(self)->used;
	return 0;
}

static pid_t sim_spawn(void *self, const struct wf_spawn *sp)
{
	(void)sp;
	((struct sim_process *)self)->refused++;
	errno = EPERM;
	return -1;
}

static int sim_kill(void *self, pid_t pid, int sig)
{
	(void)pid;
	(void)sig;
	((struct sim_process *)self)->refused++;
	errno = EPERM;
	return -1;
}

static const struct wf_os_ops os_ops = {
	.wall_ms = sim_wall_ms,
	.mono_ns = sim_mono_ns,
	.random = sim_random,
	.open = sim_open,
	.close = sim_close,
	.pread = sim_pread,
	.pwrite = sim_pwrite,
	.fsync = sim_fsync,
	.ftruncate = sim_ftruncate,
	.fallocate = sim_fallocate,
	.fstat = sim_fstat,
	.lstat = sim_lstat,
	.rename = sim_rename,
	.link = sim_link,
	.unlink = sim_unlink,
	.mkdir = sim_mkdir,
	.rmdir = sim_rmdir,
	.list = sim_list,
	.free_bytes = sim_free_bytes,
	.spawn = sim_spawn,
	.kill = sim_kill,
};

/* ---- SQLite's files ------------------------------------------------------------------------------------------------ */

struct db_file {
	sqlite3_file base;
	struct sim_process *p;
	struct node *node;
};

static int db_close(sqlite3_file *file)
{
	struct db_file *d = (struct db_file *)file;

	d->node->handles--;
	let_go(files_of(d->p), d->node);
	return SQLITE_OK;
}

static int db_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	struct db_file *d = (struct db_file *)file;
	size_t k;

	if (is_dead(d->p))
		return SQLITE_IOERR_READ;
	k = read_node(d->node, p, (size_t)n, (size_t)at);
	if (k == (size_t)n)
		return SQLITE_OK;
	memset((char *)p + k, 0, (size_t)n - k);
	return SQLITE_IOERR_SHORT_READ;
}

static int db_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct db_file *d = (struct db_file *)file;

	if (!may_write(d->p))
		return SQLITE_IOERR_WRITE;
	return write_node(files_of(d->p), d->node, p, (size_t)n, (size_t)at) ? SQLITE_OK : SQLITE_FULL;
}

static int db_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct db_file *d = (struct db_file *)file;

	if (!may_write(d->p))
		return SQLITE_IOERR_TRUNCATE;
	return size_node(files_of(d->p), d->node, (size_t)size) ? SQLITE_OK : SQLITE_FULL;
}

static int db_sync(sqlite3_file *file, int flags)
{
	(void)flags;
	return is_dead(((struct db_file *)file)->p) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int db_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)((struct db_file *)file)->node->size;
	return is_dead(((struct db_file *)file)->p) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int db_lock(sqlite3_file *file, int level)
{
	(void)level;
	return is_dead(((struct db_file *)file)->p) ? SQLITE_IOERR_LOCK : SQLITE_OK;
}

static int db_reserved(sqlite3_file *file, int *out)
{
	(void)file;
	*out = 0;
	return SQLITE_OK;
}

static int db_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int db_sector(sqlite3_file *file)
{
	(void)file;
	return 512;
}

static int db_character(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods db_methods = {
	.iVersion = 1,
	.xClose = db_close,
	.xRead = db_read,
	.xWrite = db_write,
	.xTruncate = db_truncate,
	.xSync = db_sync,
	.xFileSize = db_size,
	.xLock = db_lock,
	.xUnlock = db_lock,
	.xCheckReservedLock = db_reserved,
	.xFileControl = db_control,
	.xSectorSize = db_sector,
	.xDeviceCharacteristics = db_character,
};

static int vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
	struct db_file *d = (struct db_file *)file;
	struct sim_process *p = v->pAppData;
	struct node *n;

	d->base.pMethods = NULL;
	if (!name || is_dead(p))
		return SQLITE_CANTOPEN;
	n = find(files_of(p), name);
	if (!n && (!(flags & SQLITE_OPEN_CREATE) || !may_write(p)))
		return SQLITE_CANTOPEN;
	if (!n)
		n = make(files_of(p), name, 0, 0600);
	d->base.pMethods = &db_methods;
	d->p = p;
	d->node = n;
	n->handles++;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
	(void)sync;
	if (sim_unlink(v->pAppData, name) == 0)
		return SQLITE_OK;
	return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	(void)flags;
	if (is_dead(v->pAppData))
		return SQLITE_IOERR_ACCESS;
	*out = find(files_of(v->pAppData), name) != NULL;
	return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *v, const char *name, int n, char *out)
{
	(void)v;
	return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *v, int n, char *out)
{
	sim_random(v->pAppData, out, (size_t)n);
	return n;
}

static int vfs_sleep(sqlite3_vfs *v, int us)
{
	(void)v;
	return us;
}

static int vfs_time(sqlite3_vfs *v, double *out)
{
	*out = 2440587.5 + (double)sim_wall_ms(v->pAppData) / 86400000.0;
	return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	(void)n;
	(void)out;
	return 0;
}

struct vfs {
	sqlite3_vfs base;
	char name[32];
};

void sim_files_serve(struct sim_process *p)
{
	static unsigned long number;
	struct vfs *v = wf_xcalloc(1, sizeof(*v));

	snprintf(v->name, sizeof(v->name), "sim-%lu", ++number);
	v->base = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct db_file),
		.mxPathname = 1024,
		.zName = v->name,
		.pAppData = p,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_error,
	};
	sqlite3_vfs_register(&v->base, 0);
	p->vfs = v;
	p->os.ops = &os_ops;
	p->os.self = p;
	p->os.sqlite_vfs = v->name;
}

void sim_files_leave(struct sim_process *p)
{
	struct sim_files *f = files_of(p);
	struct vfs *v = p->vfs;

	for (int i = 0; i < FDS; i++)
		if (f->fds[i].p == p)
			close_fd(f, i);
	sqlite3_vfs_unregister(&v->base);
	free(v);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

uint64_t sim_files_hash(const struct sim_files *f)
{
	uint64_t h = f->count;

	for (size_t i = 0; i < f->count; i++) {
		const struct node *n = f->nodes[i];
		size_t k = n->size < n->cap ? n->size : n->cap;

		for (const char *c = n->path; *c; c++)
			h = (h ^ (unsigned char)*c) * 0x100000001b3u;
		for (size_t b = 0; b < k; b++)
			h = (h ^ (unsigned char)n->data[b]) * 0x100000001b3u;
		h = (h ^ n->size) * 0x100000001b3u;
	}
	return h;
}

void sim_disk_room(struct sim *s, uint64_t bytes)
{
	struct sim_files *f = sim_files_of(s);

	f->limit = bytes == UINT64_MAX ? bytes : f->used + bytes;
	sim_mark(s, "disk has room for", bytes, 0);
}

struct sim_files *sim_files_create(void)
{
	struct sim_files *f = wf_xcalloc(1, sizeof(*f));

	f->limit = UINT64_MAX;
	return f;
}

void sim_files_free(struct sim_files *f)
{
	while (f->count) {
		f->nodes[f->count - 1]->handles = 0;
		drop(f, f->nodes[f->count - 1]);
	}
	free(f->nodes);
	free(f);
}
