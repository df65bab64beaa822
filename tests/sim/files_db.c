/* files_db.c - the door of a simulated world's files that SQLite uses: a VFS per process, so that a process can be dead for SQLite, too. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/files.h"

struct db_file {
	sqlite3_file base;
	struct sim_process *p;
	struct node *node;
	int is_log, named;
};

static int db_close(sqlite3_file *file)
{
	struct db_file *d = (struct db_file *)file;

	node_let_go(sim_files_of(d->p->sim), d->node);
	return SQLITE_OK;
}

static int db_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	struct db_file *d = (struct db_file *)file;
	size_t k;

	if (file_dead(d->p))
		return SQLITE_IOERR_READ;
	k = node_read(d->node, p, (size_t)n, (size_t)at);
	if (k == (size_t)n)
		return SQLITE_OK;
	memset((char *)p + k, 0, (size_t)n - k);
	return SQLITE_IOERR_SHORT_READ;
}

static int db_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct db_file *d = (struct db_file *)file;

	if (!file_may_write(d->p))
		return SQLITE_IOERR_WRITE;
	return node_write(sim_files_of(d->p->sim), d->node, p, (size_t)n, (size_t)at) ? SQLITE_OK : SQLITE_FULL;
}

static int db_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct db_file *d = (struct db_file *)file;

	if (!file_may_write(d->p))
		return SQLITE_IOERR_TRUNCATE;
	return node_resize(sim_files_of(d->p->sim), d->node, (size_t)size) ? SQLITE_OK : SQLITE_FULL;
}

static int db_sync(sqlite3_file *file, int flags)
{
	struct db_file *d = (struct db_file *)file;

	(void)flags;
	sim_files_of(d->p->sim)->checkpoints += !d->is_log && d->node->is_dirty;
	if (file_sync(d->p, d->node) < 0)
		return SQLITE_IOERR_FSYNC;
	/* As SQLite's own does it: the name of a new log is synced with its first bytes. */
	if (d->is_log && !d->named) {
		node_sync_names(sim_files_of(d->p->sim));
		d->named = 1;
	}
	return SQLITE_OK;
}

static int db_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)((struct db_file *)file)->node->now.size;
	return file_dead(((struct db_file *)file)->p) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int db_lock(sqlite3_file *file, int level)
{
	(void)level;
	return file_dead(((struct db_file *)file)->p) ? SQLITE_IOERR_LOCK : SQLITE_OK;
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
	if (!name || file_dead(p))
		return SQLITE_CANTOPEN;
	n = node_find(sim_files_of(p->sim), name);
	if (!n && (!(flags & SQLITE_OPEN_CREATE) || !file_may_write(p)))
		return SQLITE_CANTOPEN;
	if (!n)
		n = node_make(sim_files_of(p->sim), name, 0, 0600);
	d->base.pMethods = &db_methods;
	d->p = p;
	d->node = n;
	d->is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
	d->named = 0;
	node_hold(n);
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
	struct sim_process *p = v->pAppData;

	if (p->os.ops->unlink(p, name) == 0) {
		if (sync)
			node_sync_names(sim_files_of(p->sim));
		return SQLITE_OK;
	}
	return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	(void)flags;
	if (file_dead(v->pAppData))
		return SQLITE_IOERR_ACCESS;
	*out = node_find(sim_files_of(((struct sim_process *)v->pAppData)->sim), name) != NULL;
	return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *v, const char *name, int n, char *out)
{
	(void)v;
	return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *v, int n, char *out)
{
	sim_os_ops.random(v->pAppData, out, (size_t)n);
	return n;
}

static int vfs_sleep(sqlite3_vfs *v, int us)
{
	(void)v;
	return us;
}

static int vfs_time(sqlite3_vfs *v, double *out)
{
	*out = 2440587.5 + (double)sim_os_ops.wall_ms(v->pAppData) / 86400000.0;
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

void sim_vfs_register(struct sim_process *p)
{
	static unsigned long number;
	struct vfs *v = wf_xcalloc(1, sizeof(*v));
	int first;

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
	/* SQLite has one source of chance for all, fed by the default: each world begins it anew with its own. */
	first = !sim_first(p->sim)->next;
	sqlite3_vfs_register(&v->base, first);
	if (first)
		sqlite3_randomness(0, NULL);
	p->vfs = v;
	p->os.sqlite_vfs = v->name;
}

void sim_vfs_unregister(struct sim_process *p)
{
	struct vfs *v = p->vfs;

	sqlite3_vfs_unregister(&v->base);
	free(v);
}
