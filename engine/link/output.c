/* output.c - owns the names of output files and how they are read; knows nothing of who writes them. */
#include "engine/link/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { SHARD = 2048, TAIL_MAX = 1 << 20 };

/* Two streams per attempt at most: 2,048 tasks a shard keep a directory at 4,096 entries. A retry lands in the next shards, so that a
 * step tried many times does not fill one either. */
void wf_output_shard(struct wf_buf *b, const char *log_dir, const struct wf_key *key)
{
	wf_buf_printf(b, "%s/%x.%x", log_dir, key->instance, key->index / SHARD);
	if (key->attempt > 1)
		wf_buf_printf(b, ".%x", key->attempt);
}

void wf_output_path(struct wf_buf *b, const char *log_dir, const struct wf_key *key, enum wf_output_stream stream)
{
	static const char *const prefix[] = { "", "m", "v", "c", "a" };

	wf_output_shard(b, log_dir, key);
	wf_buf_printf(b, "/%s%u.%u.%u%s", key->kind < WF_COUNT(prefix) ? prefix[key->kind] : "x", key->instance, key->index,
		      key->attempt, stream == WF_OUTPUT_ERR ? ".err" : "");
}

void wf_output_pack_path(struct wf_buf *b, const char *log_dir)
{
	wf_buf_printf(b, "%s/pack", log_dir);
}

/* Open what holds the stream now: *from and *length of it. 0, 1 when there is nothing, -1. */
static int open_stream(struct wf_os *os, const struct wf_output *o, int *fd, uint64_t *from, uint64_t *length, struct wf_err *err)
{
	struct wf_buf path = { 0 };
	struct stat st;
	int rc = -1;

	*from = 0;
	*length = 0;
	if (o->ref && o->ref->where == WF_LOG_NONE)
		return 1;
	if (o->ref && o->ref->where == WF_LOG_PACK)
		wf_output_pack_path(&path, o->log_dir);
	else if (o->user_path)
		wf_buf_str(&path, o->user_path);
	else
		wf_output_path(&path, o->log_dir, &o->key, o->stream);

	*fd = os->ops->open(os->self, path.data, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
	if (*fd < 0 && errno == ENOENT && !o->ref) {
		rc = 1;
		goto out;
	}
	if (*fd < 0) {
		wf_err_sys(err, "open output '%s'", path.data);
		goto out;
	}
	if (os->ops->fstat(os->self, *fd, &st) < 0) {
		wf_err_sys(err, "look at output '%s'", path.data);
		os->ops->close(os->self, *fd);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		wf_errf(err, WF_NOT_FOUND, "output '%s' is not a regular file", path.data);
		os->ops->close(os->self, *fd);
		goto out;
	}
	*length = (uint64_t)st.st_size;
	if (o->ref && o->ref->where == WF_LOG_PACK) {
		*from = o->ref->offset < *length ? o->ref->offset : *length;
		*length = o->ref->length < *length - *from ? o->ref->length : *length - *from;
	}
	rc = 0;
out:
	wf_buf_release(&path);
	return rc;
}

static int read_at(struct wf_os *os, int fd, uint64_t at, size_t n, struct wf_buf *b, struct wf_err *err)
{
	while (n > 0) {
		ssize_t got = os->ops->pread(os->self, fd, wf_buf_room(b, n), n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return wf_err_sys(err, "read output");
		if (got == 0)
			break;
		b->len += (size_t)got;
		b->data[b->len] = '\0';
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int wf_output_read(struct wf_os *os, const struct wf_output *o, uint64_t at, size_t limit, struct wf_buf *b, uint64_t *total,
		   struct wf_err *err)
{
	uint64_t from, length;
	int fd, rc = open_stream(os, o, &fd, &from, &length, err);

	if (rc < 0)
		return -1;
	if (total)
		*total = length;
	if (rc > 0)
		return 0;
	if (at < length)
		rc = read_at(os, fd, from + at, length - at < limit ? (size_t)(length - at) : limit, b, err);
	os->ops->close(os->self, fd);
	return rc;
}

int wf_output_tail(struct wf_os *os, const struct wf_output *o, size_t lines, uint64_t *at, struct wf_err *err)
{
	struct wf_buf b = { 0 };
	uint64_t total = 0, start;
	size_t i;

	if (wf_output_read(os, o, 0, 0, &b, &total, err) < 0)
		return -1;
	*at = total;
	if (lines == 0)
		return 0;
	start = total > TAIL_MAX ? total - TAIL_MAX : 0;
	if (wf_output_read(os, o, start, TAIL_MAX, &b, &total, err) < 0) {
		wf_buf_release(&b);
		return -1;
	}
	/* A newline at the very end closes the last line; it does not begin another. */
	i = b.len;
	if (i > 0 && b.data[i - 1] == '\n')
		i--;
	for (; i > 0; i--)
		if (b.data[i - 1] == '\n' && --lines == 0)
			break;
	*at = start + i;
	wf_buf_release(&b);
	return 0;
}
