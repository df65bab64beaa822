/* backup.c - owns a consistent copy of the database: SQLite's backup API into a temporary file,
 * sync, rename.
 *
 * The copy is an ordinary database without a log of its own: anybody may open it with SQL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/store/store_internal.h"

static int copy_error(const char *file, sqlite3 *to, struct wf_err *err)
{
	int code = sqlite3_errcode(to), sys = sqlite3_system_errno(to);

	if (code == SQLITE_FULL || (code == SQLITE_IOERR && sys == ENOSPC))
		return wf_errf(err, WF_FULL, "cannot write '%s': no space left on its file system",
			       file);
	return wf_errf(err, WF_IO, "cannot write '%s': %s", file, sqlite3_errmsg(to));
}

static int copy(struct wf_os *os, struct db *db, const char *file, struct wf_err *err)
{
	sqlite3 *to = NULL;
	sqlite3_backup *b;
	int rc = -1, f = WF_FAULT("store.backup.copy");

	if (f > 0)
		return wf_errf(err, f == ENOSPC ? WF_FULL : WF_IO, "cannot write '%s': %s", file,
			       strerror(f));
	if (sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    store_vfs(os)) != SQLITE_OK) {
		copy_error(file, to, err);
		goto out;
	}
	b = sqlite3_backup_init(to, "main", db->sql, "main");
	if (!b) {
		copy_error(file, to, err);
		goto out;
	}
	while ((rc = sqlite3_backup_step(b, -1)) == SQLITE_OK)
		;
	sqlite3_backup_finish(b);
	/* The header says that it keeps a log; without one it can be opened from a read-only
	 * place, too. */
	if (rc != SQLITE_DONE ||
	    sqlite3_exec(to, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE", NULL,
			 NULL, NULL) != SQLITE_OK)
		rc = copy_error(file, to, err);
	else
		rc = 0;
out:
	if (sqlite3_close(to) != SQLITE_OK)
		WF_BUG("the copy '%s' is still in use", file);
	return rc;
}

static int sync_file(struct wf_os *os, const char *file, uint64_t *bytes, struct wf_err *err)
{
	int fd = os->ops->open(os->self, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0), rc = 0;
	struct stat st;

	if (fd < 0)
		return wf_err_sys(err, "cannot open '%s'", file);
	if (os->ops->fsync(os->self, fd) < 0 || os->ops->fstat(os->self, fd, &st) < 0)
		rc = wf_err_sys(err, "cannot sync '%s'", file);
	else if (bytes)
		*bytes = (uint64_t)st.st_size;
	os->ops->close(os->self, fd);
	return rc;
}

int sync_parent(struct wf_os *os, const char *file, struct wf_err *err)
{
	const char *slash = strrchr(file, '/');
	char *dir = slash ? wf_xstrndup(file, slash == file ? 1 : (size_t)(slash - file))
			  : wf_xstrdup(".");
	int rc = wf_dir_sync(os, dir, err);

	free(dir);
	return rc;
}

int backup_to(struct wf_os *os, struct db *db, const char *file, uint64_t *bytes,
	      struct wf_err *err)
{
	uint64_t salt;
	char *tmp;
	int fd, f, rc = -1;

	if (wf_file_exists(os, file))
		return wf_errf(err, WF_CONFLICT, "'%s' exists; give another name, or remove it",
			       file);
	wf_os_random(os, &salt, sizeof(salt));
	tmp = wf_xasprintf("%s.%016llx.tmp", file, (unsigned long long)salt);
	fd = os->ops->open(os->self, tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		wf_err_sys(err, "cannot create '%s'", tmp);
		free(tmp);
		return -1;
	}
	os->ops->close(os->self, fd);
	if (copy(os, db, tmp, err) < 0 || sync_file(os, tmp, bytes, err) < 0)
		goto out;
	f = WF_FAULT("store.backup.rename.before");
	if (f > 0)
		errno = f;
	if (f > 0 || os->ops->rename(os->self, tmp, file) < 0) {
		wf_err_sys(err, "cannot rename to '%s'", file);
		goto out;
	}
	(void)WF_FAULT("store.backup.rename.after");
	rc = sync_parent(os, file, err);
out:
	if (rc < 0)
		os->ops->unlink(os->self, tmp);
	free(tmp);
	return rc;
}

int wf_store_backup(struct wf_store *s, const char *file, uint64_t *bytes, struct wf_err *err)
{
	if (!s->db)
		return wf_errf(err, s->lost.code, "%s", s->lost.text);
	return backup_to(s->os, s->db, file, bytes, err);
}
