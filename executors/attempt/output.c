/* output.c - owns output files and packs as they are written; knows nothing of how the attempt ran. */
#include "executors/attempt/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/base/fault.h"

enum { IDLE_MAX = 8, SPARES_MAX = 64 };

struct wf_logdir {
	struct wf_logdir *next;
	char *path;
	unsigned users;
	int pack_fd;                   /* -1 until the first append */
	int always_named;              /* its file system has no files without names */
	int spares[SPARES_MAX];        /* empty, nameless files nobody uses */
	size_t spare_count;
};

static void forget(struct wf_logdir_cache *c, struct wf_logdir **at)
{
	struct wf_logdir *d = *at;

	*at = d->next;
	if (d->pack_fd >= 0)
		c->os->ops->close(c->os->self, d->pack_fd);
	while (d->spare_count)
		c->os->ops->close(c->os->self, d->spares[--d->spare_count]);
	free(d->path);
	free(d);
	c->idle--;
}

static void trim(struct wf_logdir_cache *c, size_t keep)
{
	while (c->idle > keep) {
		struct wf_logdir **at = &c->first, **oldest = NULL;

		for (; *at; at = &(*at)->next)
			if (!(*at)->users)
				oldest = at;
		forget(c, oldest);
	}
}

struct wf_logdir *wf_logdir_get(struct wf_logdir_cache *c, const char *path)
{
	struct wf_logdir **at = &c->first, *d;

	while (*at && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	d = *at;
	if (d) {
		*at = d->next;
		if (d->users++ == 0)
			c->idle--;
	} else {
		d = wf_xcalloc(1, sizeof(*d));
		d->path = wf_xstrdup(path);
		d->pack_fd = -1;
		d->users = 1;
	}
	d->next = c->first;
	c->first = d;
	return d;
}

void wf_logdir_put(struct wf_logdir_cache *c, struct wf_logdir *d)
{
	if (!d || --d->users > 0)
		return;
	c->idle++;
	trim(c, IDLE_MAX);
}

void wf_logdir_flush(struct wf_logdir_cache *c)
{
	trim(c, 0);
}

const char *wf_logdir_path(const struct wf_logdir *d)
{
	return d->path;
}

static int open_named(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream,
		      struct wf_err *err)
{
	struct wf_os *os = c->os;
	struct wf_buf path = { 0 };
	int flags = O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, fd;

	wf_output_path(&path, d->path, key, stream);
	fd = os->ops->open(os->self, path.data, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		struct wf_buf shard = { 0 };

		wf_output_shard(&shard, d->path, key);
		if (wf_dir_make(os, shard.data, 0700, err) == 0)
			fd = os->ops->open(os->self, path.data, flags, 0600);
		wf_buf_release(&shard);
	}
	if (fd < 0)
		wf_err_sys(err, "cannot open the output file '%s'", path.data);
	wf_buf_release(&path);
	return fd;
}

int wf_output_open(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream, int *named,
		   struct wf_err *err)
{
	struct wf_os *os = c->os;
	int fd;

	*named = 0;
	if (d->spare_count)
		return d->spares[--d->spare_count];
	if (!d->always_named) {
		fd = os->ops->open(os->self, d->path, O_TMPFILE | O_RDWR | O_APPEND, 0600);
		if (fd < 0 && errno == ENOENT && wf_dir_make(os, d->path, 0700, err) == 0)
			fd = os->ops->open(os->self, d->path, O_TMPFILE | O_RDWR | O_APPEND, 0600);
		if (fd >= 0)
			return fd;
		d->always_named = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
	}
	*named = 1;
	return open_named(c, d, key, stream, err);
}

int wf_output_name(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream, int fd)
{
	struct wf_buf path = { 0 }, shard = { 0 };
	struct wf_err err;
	char from[40];
	int rc, f = WF_FAULT("agent.link.before");

	if (f > 0) {
		errno = f;
		return -1;
	}
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	wf_output_path(&path, d->path, key, stream);
	rc = linkat(AT_FDCWD, from, AT_FDCWD, path.data, AT_SYMLINK_FOLLOW);
	if (rc < 0 && errno == ENOENT) {
		wf_output_shard(&shard, d->path, key);
		if (wf_dir_make(c->os, shard.data, 0700, &err) == 0)
			rc = linkat(AT_FDCWD, from, AT_FDCWD, path.data, AT_SYMLINK_FOLLOW);
	}
	if (rc < 0 && errno == EEXIST && c->os->ops->unlink(c->os->self, path.data) == 0)
		rc = linkat(AT_FDCWD, from, AT_FDCWD, path.data, AT_SYMLINK_FOLLOW);
	wf_buf_release(&path);
	wf_buf_release(&shard);
	return rc;
}

int wf_output_open_user(struct wf_logdir_cache *c, const char *path, mode_t umask_bits, struct wf_err *err)
{
	struct wf_os *os = c->os;
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOCTTY | O_NONBLOCK, fd;
	mode_t old = umask(umask_bits);

	fd = os->ops->open(os->self, path, flags, 0666);
	if (fd < 0 && errno == ENOENT) {
		char *dir = wf_xstrdup(path), *slash = strrchr(dir, '/');

		if (slash && slash != dir) {
			*slash = '\0';
			if (wf_dir_make(os, dir, 0777, err) == 0)
				fd = os->ops->open(os->self, path, flags, 0666);
		}
		free(dir);
	}
	umask(old);
	if (fd < 0)
		return wf_err_sys(err, "cannot open the output file '%s'", path);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static int append(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_buf *b, uint64_t *offset)
{
	struct wf_os *os = c->os;
	struct stat st;
	int failed = WF_FAULT("agent.pack.before"), rc = -1;

	if (d->pack_fd < 0) {
		struct wf_buf path = { 0 };

		wf_output_pack_path(&path, d->path);
		d->pack_fd = os->ops->open(os->self, path.data, O_RDWR | O_CREAT, 0600);
		wf_buf_release(&path);
	}
	if (failed || d->pack_fd < 0)
		return -1;
	/* One writer at a time, also while an old and a new agent overlap in an upgrade. */
	flock(d->pack_fd, LOCK_EX);
	if (os->ops->fstat(os->self, d->pack_fd, &st) == 0) {
		rc = wf_write_all(os, d->pack_fd, b->data, b->len, st.st_size);
		/* A full disk took part of it: give that part back, the next one may fit. */
		if (rc < 0)
			(void)os->ops->ftruncate(os->self, d->pack_fd, st.st_size);
		else
			*offset = (uint64_t)st.st_size;
	}
	flock(d->pack_fd, LOCK_UN);
	(void)WF_FAULT("agent.pack.after");
	return rc;
}

/* A nameless file that is used again starts as the first one did: empty, appending, whatever its last user made of it. */
static void dispose(struct wf_logdir_cache *c, struct wf_logdir *d, int fd, int reuse, off_t size)
{
	struct wf_os *os = c->os;

	if (reuse && d->spare_count < SPARES_MAX && (size == 0 || os->ops->ftruncate(os->self, fd, 0) == 0) &&
	    fcntl(fd, F_SETFL, O_APPEND) == 0)
		d->spares[d->spare_count++] = fd;
	else
		os->ops->close(os->self, fd);
}

static int into_pack(struct wf_logdir_cache *c, struct wf_logdir *d, int fd, size_t size, uint64_t *offset)
{
	struct wf_buf b = { 0 };
	int rc = -1;

	if (c->os->ops->pread(c->os->self, fd, wf_buf_room(&b, size), size, 0) == (ssize_t)size) {
		b.len = size;
		rc = append(c, d, &b, offset);
	}
	wf_buf_release(&b);
	return rc;
}

void wf_output_settle(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream, int fd,
		      int named, int reuse, struct wf_log_ref *ref)
{
	struct wf_os *os = c->os;
	struct stat st;

	*ref = (struct wf_log_ref){ .where = WF_LOG_NONE };
	if (os->ops->fstat(os->self, fd, &st) < 0 || st.st_size == 0) {
		if (named)
			wf_output_remove(c, d, key, stream);
		dispose(c, d, fd, reuse && !named, 0);
		return;
	}
	ref->length = (uint64_t)st.st_size;
	if (ref->length <= WF_OUTPUT_PACK_LIMIT && into_pack(c, d, fd, (size_t)st.st_size, &ref->offset) == 0) {
		ref->where = WF_LOG_PACK;
		dispose(c, d, fd, reuse && !named, st.st_size);
		return;
	}
	ref->where = WF_LOG_FILE;
	if (!named)
		(void)wf_output_name(c, d, key, stream, fd);
	os->ops->close(os->self, fd);
}

void wf_output_remove(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream)
{
	struct wf_buf path = { 0 };

	wf_output_path(&path, d->path, key, stream);
	if (!WF_FAULT("agent.unlink.before"))
		(void)c->os->ops->unlink(c->os->self, path.data);
	(void)WF_FAULT("agent.unlink.after");
	wf_buf_release(&path);
}
