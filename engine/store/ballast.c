/* ballast.c - owns DIR/ballast: room that was taken while there was some, to be given back when the
 * disk is full.
 *
 * Really allocated: a hole would be worth nothing. Decides nothing about when; commit.c does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/store/store_internal.h"

static uint64_t allocated(const struct stat *st)
{
	uint64_t blocks = (uint64_t)st->st_blocks * 512, size = (uint64_t)st->st_size;

	return blocks < size ? blocks : size;
}

void ballast_init(struct ballast *b, struct wf_os *os, const char *dir)
{
	struct stat st;

	b->os = os;
	b->path = wf_xasprintf("%s/ballast", dir);
	b->bytes = os->ops->lstat(os->self, b->path, &st) == 0 && S_ISREG(st.st_mode)
			   ? allocated(&st)
			   : 0;
}

/* Bytes no file system can squeeze away, for those that allocate only what is written. */
static int fill(struct ballast *b, int fd)
{
	enum { PIECE = 1 << 20 };
	char *noise = wf_xmalloc(PIECE);
	int rc = 0;

	wf_os_random(b->os, noise, PIECE);
	for (off_t at = 0; at < BALLAST && rc == 0; at += PIECE)
		rc = wf_write_all(b->os, fd, noise, PIECE, at);
	free(noise);
	return rc;
}

int ballast_make(struct ballast *b, struct wf_err *err)
{
	const struct wf_os_ops *ops = b->os->ops;
	struct stat st;
	int fd, f, rc;

	if (b->bytes >= BALLAST)
		return 0;
	fd = ops->open(b->os->self, b->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return wf_err_sys(err, "cannot create '%s'", b->path);
	f = WF_FAULT("store.ballast.make");
	if (f > 0)
		errno = f;
	rc = f > 0 ? -1 : ops->fallocate(b->os->self, fd, 0, BALLAST);
	if (rc == 0)
		rc = ops->fstat(b->os->self, fd, &st);
	if (rc == 0 && allocated(&st) < BALLAST)
		rc = fill(b, fd);
	if (rc == 0)
		rc = ops->fsync(b->os->self, fd);
	if (rc < 0) {
		wf_err_sys(err, "cannot allocate '%s'", b->path);
		/* Half a ballast in a full file system is in the way of what matters. */
		(void)ops->ftruncate(b->os->self, fd, (off_t)b->bytes);
	} else {
		b->bytes = BALLAST;
	}
	ops->close(b->os->self, fd);
	return rc < 0 ? -1 : 0;
}

int ballast_release(struct ballast *b)
{
	const struct wf_os_ops *ops = b->os->ops;
	uint64_t keep = b->bytes > BALLAST / 2 ? BALLAST / 2 : 0;
	int fd;

	if (!b->bytes)
		return 0;
	(void)WF_FAULT("store.ballast.release");
	fd = ops->open(b->os->self, b->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0 || ops->ftruncate(b->os->self, fd, (off_t)keep) < 0) {
		/* Some file systems need room to cut a file, none to remove it. */
		keep = 0;
		if (ops->unlink(b->os->self, b->path) < 0 && errno != ENOENT) {
			if (fd >= 0)
				ops->close(b->os->self, fd);
			return 0;
		}
	}
	if (fd >= 0)
		ops->close(b->os->self, fd);
	b->bytes = keep;
	return 1;
}

int wf_store_free_ballast(struct wf_os *os, const char *dir)
{
	struct ballast b;
	int rc;

	ballast_init(&b, os, dir);
	rc = ballast_release(&b);
	ballast_free(&b);
	return rc;
}

void ballast_free(struct ballast *b)
{
	free(b->path);
	b->path = NULL;
}
