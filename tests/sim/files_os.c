/* files_os.c - the door of a simulated world's files that the engine's own code uses: struct wf_os. Clock and random are here, too. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/files.h"

static struct sim_files *files_of(void *self)
{
	return sim_files_of(((struct sim_process *)self)->sim);
}

static struct node *node_of(void *self, int fd)
{
	struct sim_files *f = files_of(self);

	if (fd < SIM_FIRST_FD || fd >= SIM_FIRST_FD + SIM_FDS || f->fds[fd - SIM_FIRST_FD].p != self) {
		errno = EBADF;
		return NULL;
	}
	return f->fds[fd - SIM_FIRST_FD].node;
}

static int64_t os_wall_ms(void *self)
{
	return sim_wall_ms(((struct sim_process *)self)->sim);
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
	struct node *n = node_find(f, path);
	int fd = 0;

	if (file_dead(p))
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
	if (!n && !node_has_parent(f, path)) {
		errno = ENOENT;
		return -1;
	}
	if ((!n || (flags & O_TRUNC)) && !file_may_write(p))
		return -1;
	if (!n)
		n = node_make(f, path, 0, mode);
	if (flags & O_TRUNC)
		node_resize(f, n, 0);
	while (fd < SIM_FDS && f->fds[fd].node)
		fd++;
	if (fd == SIM_FDS) {
		errno = EMFILE;
		return -1;
	}
	node_hold(n);
	f->fds[fd].node = n;
	f->fds[fd].p = p;
	return SIM_FIRST_FD + fd;
}

static int sim_close(void *self, int fd)
{
	struct sim_files *f = files_of(self);
	struct node *n = node_of(self, fd);

	if (!n)
		return -1;
	f->fds[fd - SIM_FIRST_FD].node = NULL;
	f->fds[fd - SIM_FIRST_FD].p = NULL;
	node_let_go(f, n);
	return 0;
}

static ssize_t sim_pread(void *self, int fd, void *p, size_t n, off_t at)
{
	struct node *node = node_of(self, fd);

	return !node || file_dead(self) ? -1 : (ssize_t)node_read(node, p, n, (size_t)at);
}

static void touch(void *self, struct node *n)
{
	n->changed_ms = os_wall_ms(self);
}

static ssize_t sim_pwrite(void *self, int fd, const void *p, size_t n, off_t at)
{
	struct node *node = node_of(self, fd);

	if (!node || !file_may_write(self) || !node_write(files_of(self), node, p, n, (size_t)at))
		return -1;
	touch(self, node);
	return (ssize_t)n;
}

static int sim_fsync(void *self, int fd)
{
	struct node *n = node_of(self, fd);

	return n ? file_sync(self, n) : -1;
}

static int sim_ftruncate(void *self, int fd, off_t size)
{
	struct node *n = node_of(self, fd);

	if (!n || !file_may_write(self) || !node_resize(files_of(self), n, (size_t)size))
		return -1;
	touch(self, n);
	return 0;
}

static int sim_fallocate(void *self, int fd, off_t at, off_t n)
{
	struct node *node = node_of(self, fd);

	if (!node || !file_may_write(self))
		return -1;
	if ((size_t)(at + n) > node->now.size && !node_resize(files_of(self), node, (size_t)(at + n)))
		return -1;
	return 0;
}

static void stat_node(const struct node *n, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = (n->dir ? S_IFDIR : S_IFREG) | n->mode;
	st->st_size = (off_t)n->now.size;
	st->st_blocks = (blkcnt_t)((n->now.size + 511) / 512);
	st->st_ino = n->ino;
	st->st_nlink = 1;
	st->st_mtim.tv_sec = n->changed_ms / 1000;
	st->st_ctim = st->st_mtim;
}

static int sim_fstat(void *self, int fd, struct stat *st)
{
	struct node *n = node_of(self, fd);

	if (!n || file_dead(self))
		return -1;
	stat_node(n, st);
	return 0;
}

static int sim_lstat(void *self, const char *path, struct stat *st)
{
	struct node *n = node_find(files_of(self), path);

	if (file_dead(self))
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
	struct node *n = node_find(f, from), *old = node_find(f, to);

	if (!file_may_write(self))
		return -1;
	errno = ENOENT;
	if (!n || !node_has_parent(f, to))
		return -1;
	if (old && old->dir != n->dir) {
		errno = old->dir ? EISDIR : ENOTDIR;
		return -1;
	}
	if (old && old != n && old->dir && !node_is_empty(f, old)) {
		errno = ENOTEMPTY;
		return -1;
	}
	node_rename(f, n, to);
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
	struct node *n = node_find(f, path);

	if (!file_may_write(self))
		return -1;
	errno = n ? dir ? ENOTDIR : EISDIR : ENOENT;
	if (!n || n->dir != dir)
		return -1;
	if (dir && !node_is_empty(f, n)) {
		errno = ENOTEMPTY;
		return -1;
	}
	node_remove(f, n);
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

	if (file_dead(self))
		return -1;
	if (node_find(f, path)) {
		errno = EEXIST;
		return -1;
	}
	if (!node_has_parent(f, path)) {
		errno = ENOENT;
		return -1;
	}
	if (!file_may_write(self))
		return -1;
	node_make(f, path, 1, mode);
	return 0;
}

/* fn may remove what it is told of: names first. */
static int sim_list(void *self, const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct sim_files *f = files_of(self);
	struct node *dir = node_find(f, path);
	size_t k = strlen(path), count = 0, cap = 0;
	char **names = NULL;
	int stop = 0;

	if (file_dead(self))
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
	if (file_dead(self))
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

const struct wf_os_ops sim_os_ops = {
	.wall_ms = os_wall_ms,
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
