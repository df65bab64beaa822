/* fault_vfs.c - owns fault points below SQLite: in builds with them, every write, sync and truncation of a database or its log is one.
 *
 * A VFS whose files are those of SQLite's own, with three methods exchanged: a commit is several writes and a sync, and a death or a failure between two
 * of them is another one than before or after. The release build has none of it.
 */
#include "engine/store/store_internal.h"

#ifdef WF_FAULTS
#include <errno.h>

#include "engine/base/fault.h"

static const sqlite3_io_methods *below;
static sqlite3_io_methods methods;
static sqlite3_vfs vfs;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int write_file(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int e = WF_FAULT("sqlite.write"), rc;

	if (e > 0)
		return e == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	rc = below->xWrite(f, p, e < 0 ? n / 2 : n, at);
	return e < 0 && rc == SQLITE_OK ? SQLITE_FULL : rc;
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
	return WF_FAULT("sqlite.truncate") > 0 ? SQLITE_IOERR_TRUNCATE : below->xTruncate(f, size);
}

static int sync_file(sqlite3_file *f, int flags)
{
	return WF_FAULT("sqlite.sync") > 0 ? SQLITE_IOERR_FSYNC : below->xSync(f, flags);
}

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	sqlite3_vfs *real = v->pAppData;
	int rc = real->xOpen(real, name, f, flags, out);

	/* They are the same for all files of a file system; the first to open is alone. */
	if (!below && f->pMethods) {
		methods = *f->pMethods;
		methods.xWrite = write_file;
		methods.xTruncate = truncate_file;
		methods.xSync = sync_file;
		below = f->pMethods;
	}
	if (f->pMethods && f->pMethods == below)
		f->pMethods = &methods;
	return rc;
}

static void make(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	vfs = *real;
	vfs.zName = "wf-fault";
	vfs.pAppData = real;
	vfs.xOpen = open_file;
	sqlite3_vfs_register(&vfs, 0);
}

const char *store_vfs(const struct wf_os *os)
{
	pthread_once(&once, make);
	return os->sqlite_vfs ? os->sqlite_vfs : vfs.zName;
}

#else

const char *store_vfs(const struct wf_os *os)
{
	return os->sqlite_vfs;
}
#endif
