/* fresh.c - owns the comparison of files before and after; knows nothing of attempts. */
#include "executors/attempt/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { ENTRIES_MAX = 10000 };
static const int64_t SLACK_MS = 2000;

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Directory part of path, to be freed. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? wf_xstrndup(path, (size_t)(slash - path)) : wf_xstrdup("/");
}

/* Does the file system of path (or of its nearest existing parent) belong to another host? */
static int is_network(const char *path)
{
	static const unsigned long magic[] = {
		0x6969,     /* NFS */
		0x0bd00bd0, /* Lustre */
		0x47504653, /* GPFS */
		0x65735546, /* FUSE: sshfs, BeeGFS by fuse, GekkoFS ... */
		0x19830326, /* BeeGFS */
		0xff534d42, 0xfe534d42, 0x517b, /* CIFS, SMB2, SMB */
		0x00c36400, /* Ceph */
		0x01021997, /* 9P */
		0xaad7aaea, /* PanFS */
		0x5346414f, 0x6b414653, /* AFS */
		0x20030528, /* OrangeFS */
	};
	char *p = wf_xstrdup(path);
	struct statfs fs;
	int rc;

	while ((rc = statfs(p, &fs)) < 0 && errno == ENOENT && strcmp(p, "/") != 0) {
		char *up = parent_of(p);

		free(p);
		p = up;
	}
	free(p);
	for (size_t i = 0; rc == 0 && i < WF_COUNT(magic); i++)
		if ((unsigned long)fs.f_type == magic[i])
			return 1;
	return 0;
}

const char *wf_fresh_missing(struct wf_os *os, const char *const *inputs)
{
	(void)os;
	for (; inputs && *inputs; inputs++) {
		struct stat st;

		/* A link that leads nowhere is as good as no file. */
		if (stat(*inputs, &st) < 0)
			return *inputs;
	}
	return NULL;
}

struct search {
	const char *name;
	int found;
};

static int on_name(const char *name, void *arg)
{
	struct search *s = arg;

	s->found = strcmp(name, s->name) == 0;
	return s->found;
}

static int is_listed(struct wf_os *os, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = parent_of(path);
	struct search s = { .name = slash ? slash + 1 : path };

	(void)os->ops->list(os->self, dir, on_name, &s);
	free(dir);
	return s.found;
}

struct wf_fresh *wf_fresh_before(struct wf_os *os, const char *const *outputs, size_t *n)
{
	struct wf_fresh *list;
	struct stat st;

	*n = 0;
	while (outputs && outputs[*n])
		++*n;
	if (!*n)
		return NULL;
	list = wf_xcalloc(*n, sizeof(*list));
	for (size_t i = 0; i < *n; i++) {
		struct wf_fresh *f = &list[i];

		f->path = wf_xstrdup(outputs[i]);
		f->network = (uint8_t)is_network(f->path);
		if ((f->network && !is_listed(os, f->path)) || stat(f->path, &st) < 0)
			continue;
		f->existed = 1;
		f->inode = (uint64_t)st.st_ino;
		f->size = (uint64_t)st.st_size;
		f->mtime_ns = ns_of(st.st_mtim);
		f->ctime_ns = ns_of(st.st_ctim);
	}
	return list;
}

void wf_fresh_release(struct wf_fresh *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(f[i].path);
	free(f);
}

/* How far the clock of the file system that holds dir is ahead of ours: by a file made there and gone at once. 0 when none can be made. */
static int64_t clock_ahead_ms(struct wf_os *os, const char *dir)
{
	int64_t ahead = 0, before;
	uint64_t salt;
	struct stat st;
	char *path;
	int fd;

	wf_os_random(os, &salt, sizeof(salt));
	path = wf_xasprintf("%s/.wf-clock-%016llx", dir, (unsigned long long)salt);
	before = wf_os_wall_ms(os);
	fd = os->ops->open(os->self, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd >= 0) {
		if (os->ops->pwrite(os->self, fd, "x", 1, 0) == 1 && os->ops->fsync(os->self, fd) == 0 &&
		    os->ops->fstat(os->self, fd, &st) == 0)
			ahead = ns_of(st.st_mtim) / 1000000 - before;
		os->ops->close(os->self, fd);
		os->ops->unlink(os->self, path);
	}
	free(path);
	return ahead;
}

static int is_young(const struct stat *st, int64_t since_ms)
{
	return ns_of(st->st_mtim) >= since_ms * 1000000 || ns_of(st->st_ctim) >= since_ms * 1000000;
}

struct scan {
	const char *dir;
	int64_t since_ms;
	unsigned seen;
	int young;
};

static int on_entry(const char *name, void *arg)
{
	struct scan *s = arg;
	char *path = wf_xasprintf("%s/%s", s->dir, name);
	struct stat st;

	if (lstat(path, &st) == 0)
		s->young = is_young(&st, s->since_ms);
	free(path);
	return s->young || ++s->seen >= ENTRIES_MAX;
}

enum wf_fresh_answer wf_fresh_after(struct wf_os *os, const struct wf_fresh *f, int64_t first_started_ms, int update)
{
	int64_t since_ms = first_started_ms - SLACK_MS;
	struct stat st;
	int fd;

	/* Opening makes an NFS client ask its server. A file we may not open, or a fifo, still exists. */
	fd = os->ops->open(os->self, f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd >= 0) {
		int rc = os->ops->fstat(os->self, fd, &st);

		os->ops->close(os->self, fd);
		if (rc < 0)
			return WF_FRESH_ABSENT;
	} else if (stat(f->path, &st) < 0) {
		return f->network && (errno == ENOENT || errno == ESTALE) ? WF_FRESH_LATER : WF_FRESH_ABSENT;
	}
	if (update || !f->existed || f->inode != (uint64_t)st.st_ino || f->size != (uint64_t)st.st_size ||
	    f->mtime_ns != ns_of(st.st_mtim) || f->ctime_ns != ns_of(st.st_ctim))
		return WF_FRESH_WRITTEN;
	if (f->network) {
		char *dir = parent_of(f->path);

		since_ms += clock_ahead_ms(os, dir);
		free(dir);
	}
	if (is_young(&st, since_ms))
		return WF_FRESH_WRITTEN;
	if (S_ISDIR(st.st_mode)) {
		struct scan s = { .dir = f->path, .since_ms = since_ms };

		(void)os->ops->list(os->self, f->path, on_entry, &s);
		if (s.young)
			return WF_FRESH_WRITTEN;
	}
	/* An NFS client may also serve old attributes for a while. */
	return f->network ? WF_FRESH_LATER : WF_FRESH_STALE;
}
