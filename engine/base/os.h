/* os.h - the one door to clock, random, files and process start
 *
 * Everything synchronous that touches the outside goes through `struct wf_os`, given at start, so that the
 * same code runs in production (wf_os_posix) and in the simulator. The asynchronous half is engine/loop/loop.h.
 * Database files follow the same rule: `sqlite_vfs` names the SQLite VFS to open them with.
 *
 * Functions of the table mirror the system call of that name: they return what it returns and set errno. Fault
 * points sit in the real ones, so a caller cannot forget them. The table may be used from any thread.
 */
#ifndef WF_BASE_OS_H
#define WF_BASE_OS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

struct wf_os;

/* A resource limit of a process, soft and hard. */
struct wf_limit {
	int resource;                 /* RLIMIT_NOFILE, ... */
	struct rlimit value;
};
enum { WF_LIMITS = 16 };              /* resources there are */

/* How to start a process. All pointers are the caller's and only read during the call. */
struct wf_spawn {
	const char *path;             /* executable; looked up in `env`'s PATH when it has no slash */
	char *const *argv;
	char *const *env;
	const char *cwd;              /* NULL: ours */
	const int *fds;               /* fds[i] becomes descriptor i of the child; -1 leaves it closed */
	size_t fd_count;              /* everything else is closed */
	int new_session;              /* setsid(): a process group and session of its own */
	int die_with_parent;          /* SIGKILL when the thread that started it ends (checked, no race) */
	int nice;                     /* added to ours; 0 leaves it */
	mode_t umask_set;             /* umask, or (mode_t)-1 to inherit */
	const struct wf_limit *limits; /* limit_count of them; what is not among them is inherited */
	size_t limit_count;
};

struct wf_os_ops {
	int64_t (*wall_ms)(void *self);     /* for display and file comparison only */
	uint64_t (*mono_ns)(void *self);    /* for every time-out and duration */
	void (*random)(void *self, void *p, size_t n);
	int (*open)(void *self, const char *path, int flags, mode_t mode);
	int (*close)(void *self, int fd);
	ssize_t (*pread)(void *self, int fd, void *p, size_t n, off_t at);
	ssize_t (*pwrite)(void *self, int fd, const void *p, size_t n, off_t at);
	int (*fsync)(void *self, int fd);
	int (*ftruncate)(void *self, int fd, off_t size);
	int (*fallocate)(void *self, int fd, off_t at, off_t n);
	int (*fstat)(void *self, int fd, struct stat *st);
	int (*lstat)(void *self, const char *path, struct stat *st);
	int (*rename)(void *self, const char *from, const char *to);
	int (*link)(void *self, const char *from, const char *to);
	int (*unlink)(void *self, const char *path);
	int (*mkdir)(void *self, const char *path, mode_t mode);
	int (*rmdir)(void *self, const char *path);
	/* Calls fn with each name but . and ..; fn returns non-zero to stop. */
	int (*list)(void *self, const char *path, int (*fn)(const char *name, void *arg), void *arg);
	int (*free_bytes)(void *self, const char *path, uint64_t *bytes);
	pid_t (*spawn)(void *self, const struct wf_spawn *sp);  /* pid, or -1 with errno of the failing step */
	int (*kill)(void *self, pid_t pid, int sig);
};

struct wf_os {
	const struct wf_os_ops *ops;
	void *self;
	const char *sqlite_vfs; /* NULL: SQLite's default */
};

/* The real thing; never fails. */
struct wf_os *wf_os_posix(void);

int64_t wf_os_wall_ms(struct wf_os *os);
uint64_t wf_os_mono_ns(struct wf_os *os);
int64_t wf_os_mono_ms(struct wf_os *os);
void wf_os_random(struct wf_os *os, void *p, size_t n);

/* ---- whole files -------------------------------------------------------------------------------- */

/* Read a regular file of at most `limit` bytes, appended to b. Larger is WF_TOO_LARGE; a directory, fifo or
 * device is WF_NOT_FOUND saying so; never blocks on a fifo. */
int wf_file_read(struct wf_os *os, const char *path, size_t limit, struct wf_buf *b, struct wf_err *err);
/* Temporary file in the same directory, fsync, rename over path, fsync of the directory: after 0 the content
 * survives a crash, and no reader ever sees half of it. */
int wf_file_publish(struct wf_os *os, const char *path, const void *p, size_t n, mode_t mode,
		    struct wf_err *err);
/* The same without the two fsyncs, for files that are derived and made again at need. */
int wf_file_replace(struct wf_os *os, const char *path, const void *p, size_t n, mode_t mode,
		    struct wf_err *err);
int wf_file_exists(struct wf_os *os, const char *path);
/* mkdir -p; existing directories are fine, a non-directory on the way is an error. */
int wf_dir_make(struct wf_os *os, const char *path, mode_t mode, struct wf_err *err);
int wf_dir_sync(struct wf_os *os, const char *path, struct wf_err *err);
/* rm -r without following links; a missing path is success. */
int wf_dir_remove(struct wf_os *os, const char *path, struct wf_err *err);
/* pwrite everything or fail with errno. */
int wf_write_all(struct wf_os *os, int fd, const void *p, size_t n, off_t at);

pid_t wf_os_spawn(struct wf_os *os, const struct wf_spawn *sp, struct wf_err *err);

/* ---- resource limits ---------------------------------------------------------------------------- */

/* This process's; returns how many there are. */
size_t wf_limits_own(struct wf_limit out[WF_LIMITS]);
/* Soft limits that could end a process that lives long, up to the hard ones: it may have been started by a shell that set them for something else. */
void wf_limits_raise(void);
/* As one line of text, "core=0:unlimited nofile=1024:20000", and back: how many it holds, or -1 with WF_INVALID. */
void wf_limits_text(const struct wf_limit *l, size_t n, struct wf_buf *b);
int wf_limits_parse(const char *text, struct wf_limit out[WF_LIMITS], struct wf_err *err);

/* ---- paths -------------------------------------------------------------------------------------- */

/* `path` if absolute, else base/path; "." and ".." and double slashes resolved by text. Caller frees. */
char *wf_path_resolve(const char *base, const char *path);
/* Directory of this executable, and the data directory that belongs to it: ../share/wf beside it. Static, never NULL. */
const char *wf_path_bin(void);
const char *wf_path_share(void);

/* ---- unix sockets of any path length (108-byte limit avoided through /proc/self/fd/N/name) ------ */

/* A listening socket at path, mode 0600, replacing a stale one; non-blocking, close-on-exec. -1 and err. */
int wf_unix_listen(const char *path, struct wf_err *err);
/* A connected blocking socket, close-on-exec. WF_UNREACHABLE when nobody listens. */
int wf_unix_connect(const char *path, struct wf_err *err);
/* uid of the other end, or -1. */
int wf_unix_peer(int fd, uid_t *uid, pid_t *pid);

/* ---- this host ---------------------------------------------------------------------------------- */

const char *wf_host_name(void);                 /* short name, static */
const char *wf_host_boot_id(void);              /* 36 characters, static; "" when unknown */
uint64_t wf_host_pid_namespace(void);           /* inode of /proc/self/ns/pid; 0 when unknown */
/* Start time of a process in clock ticks after boot (field 22 of /proc/PID/stat); 0 when it is gone. */
uint64_t wf_pid_start_time(pid_t pid);
/* Is it there and running? One that has ended lives no more, though nobody may ever reap it (a container without an init). */
int wf_pid_lives(pid_t pid, uint64_t start_time);

#endif
