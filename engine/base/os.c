/* os.c - owns the production table (POSIX) and the whole-file verbs built on any table; knows nothing of what files mean.
 *
 * Process start: vfork, because a plain fork of a large parent costs milliseconds per gigabyte of its memory. Between vfork and
 * exec the child shares our memory: it touches only its own stack, async-signal-safe calls, and reports a failing
 * step through a variable that the suspended parent reads afterwards.
 */
#include "engine/base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/fault.h"

/* A fault point that asked for an errno makes the wrapped call fail with it. */
static int faulted(int f)
{
	if (f > 0) {
		errno = f;
		return 1;
	}
	return 0;
}

/* A call with a fault point on either side: what fails before was not made. Here, below every caller, no caller can forget them. */
#define POINTED(name, call)                                                                                              \
	({                                                                                                               \
		int rc_ = faulted(WF_FAULT("os." name ".before")) ? -1 : (call);                                         \
                                                                                                                         \
		if (rc_ >= 0)                                                                                            \
			(void)WF_FAULT("os." name ".after");                                                             \
		rc_;                                                                                                     \
	})

static int64_t posix_wall_ms(void *self)
{
	struct timespec ts;

	(void)self;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t posix_mono_ns(void *self)
{
	struct timespec ts;

	(void)self;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void posix_random(void *self, void *p, size_t n)
{
	uint8_t *to = p;

	(void)self;
	while (n) {
		ssize_t k = getrandom(to, n, 0);

		if (k < 0) {
			if (errno == EINTR)
				continue;
			WF_BUG("getrandom: %s", strerror(errno));
		}
		to += k;
		n -= (size_t)k;
	}
}

static int posix_open(void *self, const char *path, int flags, mode_t mode)
{
	(void)self;
	return open(path, flags | O_CLOEXEC, mode);
}

static int posix_close(void *self, int fd)
{
	(void)self;
	return close(fd);
}

static ssize_t posix_pread(void *self, int fd, void *p, size_t n, off_t at)
{
	(void)self;
	return pread(fd, p, n, at);
}

static ssize_t posix_pwrite(void *self, int fd, const void *p, size_t n, off_t at)
{
	int f = WF_FAULT("os.write.before");
	ssize_t k;

	(void)self;
#ifdef WF_FAULTS
	/* A short write is what a disk does that gets full: the rest finds no room. */
	static __thread int is_full;

	if (is_full && f == 0)
		f = ENOSPC;
	is_full = f < 0;
#endif
	if (faulted(f))
		return -1;
	k = pwrite(fd, p, f < 0 && n > 1 ? n / 2 : n, at);
	if (k >= 0)
		(void)WF_FAULT("os.write.after");
	return k;
}

static int posix_fsync(void *self, int fd)
{
	(void)self;
	return POINTED("fsync", fsync(fd));
}

static int posix_ftruncate(void *self, int fd, off_t size)
{
	(void)self;
	return POINTED("truncate", ftruncate(fd, size));
}

static int posix_fallocate_(void *self, int fd, off_t at, off_t n)
{
	int e = WF_FAULT("os.fallocate.before");

	(void)self;
	if (e <= 0)
		e = posix_fallocate(fd, at, n);
	if (e) {
		errno = e;
		return -1;
	}
	return 0;
}

static int posix_fstat(void *self, int fd, struct stat *st)
{
	(void)self;
	return fstat(fd, st);
}

static int posix_lstat(void *self, const char *path, struct stat *st)
{
	(void)self;
	return lstat(path, st);
}

static int posix_rename(void *self, const char *from, const char *to)
{
	(void)self;
	return POINTED("rename", rename(from, to));
}

static int posix_link(void *self, const char *from, const char *to)
{
	(void)self;
	return POINTED("link", link(from, to));
}

static int posix_unlink(void *self, const char *path)
{
	(void)self;
	return POINTED("unlink", unlink(path));
}

static int posix_mkdir(void *self, const char *path, mode_t mode)
{
	(void)self;
	return POINTED("mkdir", mkdir(path, mode));
}

static int posix_rmdir(void *self, const char *path)
{
	(void)self;
	return POINTED("rmdir", rmdir(path));
}

static int posix_list(void *self, const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent *e;
	DIR *d = opendir(path);

	(void)self;
	if (!d)
		return -1;
	while ((errno = 0, e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fn(e->d_name, arg))
			break;
	}
	if (!e && errno) {
		int saved = errno;

		closedir(d);
		errno = saved;
		return -1;
	}
	closedir(d);
	return 0;
}

static int posix_free_bytes(void *self, const char *path, uint64_t *bytes)
{
	struct statvfs v;

	(void)self;
	if (statvfs(path, &v) < 0)
		return -1;
	*bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

static int posix_kill(void *self, pid_t pid, int sig)
{
	(void)self;
	return kill(pid, sig);
}

/* ---- process start ------------------------------------------------------------------------------ */

enum { FD_MAX = 64 };

static const char *env_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* The executable that execvp would take in the child's own PATH; into `out`. */
static int find_program(const struct wf_spawn *sp, char *out, size_t size)
{
	const char *path = sp->path, *dirs;
	int denied = 0;

	if (strchr(path, '/')) {
		if (strlen(path) >= size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		strcpy(out, path);
		return 0;
	}
	dirs = env_get(sp->env, "PATH");
	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		const char *end = strchrnul(dirs, ':');
		const char *cwd = "";
		size_t n = (size_t)(end - dirs);
		int len;

		/* A relative directory of PATH counts from the child's directory, not from ours. */
		if ((n == 0 || dirs[0] != '/') && sp->cwd)
			cwd = sp->cwd;
		len = snprintf(out, size, "%s%s%.*s%s%s", cwd, *cwd ? "/" : "", (int)n, dirs,
			       n ? "/" : "", path);
		if (len > 0 && (size_t)len < size) {
			if (access(out, X_OK) == 0) {
				struct stat st;

				if (stat(out, &st) == 0 && S_ISREG(st.st_mode))
					return 0;
			} else if (errno == EACCES)
				denied = 1;
		}
		if (!*end)
			break;
		dirs = end + 1;
	}
	errno = denied ? EACCES : ENOENT;
	return -1;
}

/* Real-time signals (bit 0 is 32) that are not at their default: nobody here handles one, but whoever started us may have had them
 * ignored. Asked once, before the first start: resetting all of them costs a start 6 us. Bit 63 says asked. */
static uint64_t real_time;

/* All zero is the default action in the kernel's struct too. */
static const unsigned long default_action[8];

static void __attribute__((noinline)) ask_real_time(void)
{
	uint64_t set = (uint64_t)1 << 63;
	unsigned long now[8]; /* the kernel's struct: the handler comes first, and the C library hides 32 and 33 from sigaction */

	if (__atomic_load_n(&real_time, __ATOMIC_RELAXED))
		return;
	for (int sig = 32; sig < NSIG; sig++)
		if (syscall(SYS_rt_sigaction, sig, NULL, now, 8) == 0 && now[0])
			set |= (uint64_t)1 << (sig - 32);
	__atomic_store_n(&real_time, set, __ATOMIC_RELAXED);
}

/* ThreadSanitizer puts a fork in the place of vfork, and the parent would neither wait nor hear of a failing step. It must not look at
 * what the child does, whose calls have no end. */
#ifdef __SANITIZE_THREAD__
pid_t __vfork(void) __attribute__((returns_twice));
#define vfork __vfork
#define UNWATCHED __attribute__((no_sanitize("thread")))
#else
#define UNWATCHED
#endif

/* Runs in the child on shared memory: nothing but system calls. */
static void UNWATCHED __attribute__((noreturn)) child(const struct wf_spawn *sp, const char *program, pid_t parent,
					    volatile int *failure)
{
	sigset_t none;
	int fds[FD_MAX];
	unsigned top = (unsigned)sp->fd_count;

	/* Not by sigaction: a sanitizer's keeps the handlers in memory, and that is the parent's. */
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			syscall(SYS_rt_sigaction, sig, default_action, NULL, 8);
	for (int sig = 32; sig < NSIG && real_time << 1; sig++)
		if (real_time >> (sig - 32) & 1)
			syscall(SYS_rt_sigaction, sig, default_action, NULL, 8);
	if (sp->new_session && setsid() < 0)
		goto fail;
	if (sp->die_with_parent) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			goto fail;
		/* The parent may have died before prctl: then we were adopted already. */
		if (getppid() != parent)
			_exit(127);
	}
	/* Move every source above the range we are about to fill, then place them. */
	for (size_t i = 0; i < sp->fd_count; i++) {
		fds[i] = sp->fds[i];
		if (fds[i] >= 0 && (size_t)fds[i] < sp->fd_count && (size_t)fds[i] != i) {
			fds[i] = fcntl(fds[i], F_DUPFD, (int)sp->fd_count);
			if (fds[i] < 0)
				goto fail;
		}
	}
	for (size_t i = 0; i < sp->fd_count; i++) {
		if (fds[i] < 0)
			close((int)i);
		else if ((size_t)fds[i] == i)
			fcntl(fds[i], F_SETFD, 0);
		else if (dup2(fds[i], (int)i) < 0)
			goto fail;
	}
	if (syscall(SYS_close_range, top, ~0u, 0) < 0)
		for (int fd = (int)top; fd < 65536; fd++)
			close(fd);
	for (size_t i = 0; i < sp->limit_count; i++)
		if (setrlimit((__rlimit_resource_t)sp->limits[i].resource, &sp->limits[i].value) < 0)
			goto fail;
	if (sp->umask_set != (mode_t)-1)
		umask(sp->umask_set);
	if (sp->nice && setpriority(PRIO_PROCESS, 0, sp->nice) < 0 && errno != EACCES)
		goto fail;
	if (sp->cwd && chdir(sp->cwd) < 0)
		goto fail;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(program, sp->argv, sp->env);
fail:
	*failure = errno;
	_exit(127);
}

static pid_t posix_spawn_(void *self, const struct wf_spawn *sp)
{
	char program[PATH_MAX];
	volatile int failure = 0;
	sigset_t all, before;
	pid_t pid, parent = getpid();

	(void)self;
	if (sp->fd_count > FD_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (faulted(WF_FAULT("os.spawn.before")) || find_program(sp, program, sizeof(program)) < 0)
		return -1;
	/* No handler of ours may run in the child while it shares our memory. */
	ask_real_time();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0)
		child(sp, program, parent, &failure);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return -1;
	if (failure) {
		siginfo_t si;

		/* The child never became a program: reap it here, its caller never learns of it. */
		while (waitid(P_PID, (id_t)pid, &si, WEXITED) < 0 && errno == EINTR)
			;
		errno = failure;
		return -1;
	}
	(void)WF_FAULT("os.spawn.after");
	return pid;
}

static const struct wf_os_ops posix_ops = {
	.wall_ms = posix_wall_ms,
	.mono_ns = posix_mono_ns,
	.random = posix_random,
	.open = posix_open,
	.close = posix_close,
	.pread = posix_pread,
	.pwrite = posix_pwrite,
	.fsync = posix_fsync,
	.ftruncate = posix_ftruncate,
	.fallocate = posix_fallocate_,
	.fstat = posix_fstat,
	.lstat = posix_lstat,
	.rename = posix_rename,
	.link = posix_link,
	.unlink = posix_unlink,
	.mkdir = posix_mkdir,
	.rmdir = posix_rmdir,
	.list = posix_list,
	.free_bytes = posix_free_bytes,
	.spawn = posix_spawn_,
	.kill = posix_kill,
};

struct wf_os *wf_os_posix(void)
{
	static struct wf_os os = { .ops = &posix_ops };

	return &os;
}

/* ---- through any table -------------------------------------------------------------------------- */

int64_t wf_os_wall_ms(struct wf_os *os)
{
	return os->ops->wall_ms(os->self);
}

uint64_t wf_os_mono_ns(struct wf_os *os)
{
	return os->ops->mono_ns(os->self);
}

int64_t wf_os_mono_ms(struct wf_os *os)
{
	return (int64_t)(os->ops->mono_ns(os->self) / 1000000);
}

void wf_os_random(struct wf_os *os, void *p, size_t n)
{
	os->ops->random(os->self, p, n);
}

pid_t wf_os_spawn(struct wf_os *os, const struct wf_spawn *sp, struct wf_err *err)
{
	pid_t pid = os->ops->spawn(os->self, sp);

	if (pid < 0)
		wf_err_sys(err, "cannot start '%s'", sp->path);
	return pid;
}

int wf_file_read(struct wf_os *os, const char *path, size_t limit, struct wf_buf *b, struct wf_err *err)
{
	size_t start = b->len;
	struct stat st;
	off_t at = 0;
	int fd = os->ops->open(os->self, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return wf_err_sys(err, "cannot open '%s'", path);
	if (os->ops->fstat(os->self, fd, &st) < 0) {
		wf_err_sys(err, "cannot stat '%s'", path);
		goto error;
	}
	if (!S_ISREG(st.st_mode)) {
		wf_errf(err, WF_NOT_FOUND, "'%s' is %s, not a file", path,
			S_ISDIR(st.st_mode) ? "a directory" : "a fifo, socket or device");
		goto error;
	}
	for (;;) {
		size_t want = 65536;
		char *to = wf_buf_room(b, want);
		ssize_t k = os->ops->pread(os->self, fd, to, want, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			wf_err_sys(err, "cannot read '%s'", path);
			goto error;
		}
		if (k == 0)
			break;
		b->len += (size_t)k;
		b->data[b->len] = '\0';
		at += k;
		if (b->len - start > limit) {
			wf_errf(err, WF_TOO_LARGE, "'%s' has %lld bytes, more than the %zu that are allowed", path,
				(long long)(at > st.st_size ? at : st.st_size), limit);
			goto error;
		}
	}
	os->ops->close(os->self, fd);
	return 0;
error:
	os->ops->close(os->self, fd);
	b->len = start;
	if (b->data)
		b->data[start] = '\0';
	return -1;
}

int wf_write_all(struct wf_os *os, int fd, const void *p, size_t n, off_t at)
{
	const char *from = p;

	while (n) {
		ssize_t k = os->ops->pwrite(os->self, fd, from, n, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0) {
			errno = ENOSPC;
			return -1;
		}
		from += k;
		n -= (size_t)k;
		at += k;
	}
	return 0;
}

static char *parent_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return wf_xstrdup(".");
	return wf_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int wf_dir_sync(struct wf_os *os, const char *path, struct wf_err *err)
{
	int fd = os->ops->open(os->self, path, O_RDONLY | O_DIRECTORY, 0), rc;

	if (fd < 0)
		return wf_err_sys(err, "cannot open directory '%s'", path);
	rc = os->ops->fsync(os->self, fd);
	if (rc < 0)
		wf_err_sys(err, "cannot sync directory '%s'", path);
	os->ops->close(os->self, fd);
	return rc;
}

static int put_file(struct wf_os *os, const char *path, const void *p, size_t n, mode_t mode, int durable,
		    struct wf_err *err)
{
	uint64_t salt;
	char *tmp;
	int fd, rc = -1;

	wf_os_random(os, &salt, sizeof(salt));
	tmp = wf_xasprintf("%s.%016llx.tmp", path, (unsigned long long)salt);
	fd = os->ops->open(os->self, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	if (fd < 0) {
		wf_err_sys(err, "cannot create '%s'", tmp);
		free(tmp);
		return -1;
	}
	if (wf_write_all(os, fd, p, n, 0) < 0) {
		wf_err_sys(err, "cannot write '%s'", path);
		goto out;
	}
	if (durable && os->ops->fsync(os->self, fd) < 0) {
		wf_err_sys(err, "cannot sync '%s'", path);
		goto out;
	}
	if (os->ops->rename(os->self, tmp, path) < 0) {
		wf_err_sys(err, "cannot rename to '%s'", path);
		goto out;
	}
	rc = 0;
	if (durable) {
		char *dir = parent_dir(path);

		rc = wf_dir_sync(os, dir, err);
		free(dir);
	}
	os->ops->close(os->self, fd);
	free(tmp);
	return rc;
out:
	os->ops->close(os->self, fd);
	os->ops->unlink(os->self, tmp);
	free(tmp);
	return rc;
}

int wf_file_publish(struct wf_os *os, const char *path, const void *p, size_t n, mode_t mode,
		    struct wf_err *err)
{
	return put_file(os, path, p, n, mode, 1, err);
}

int wf_file_replace(struct wf_os *os, const char *path, const void *p, size_t n, mode_t mode,
		    struct wf_err *err)
{
	return put_file(os, path, p, n, mode, 0, err);
}

int wf_file_exists(struct wf_os *os, const char *path)
{
	struct stat st;

	return os->ops->lstat(os->self, path, &st) == 0;
}

int wf_dir_make(struct wf_os *os, const char *path, mode_t mode, struct wf_err *err)
{
	char *copy = wf_xstrdup(path);
	size_t n = strlen(copy);
	int rc = 0;

	for (size_t i = 1; i <= n && rc == 0; i++) {
		char c = copy[i];

		if (c != '/' && c != '\0')
			continue;
		if (copy[i - 1] == '/')
			continue;
		copy[i] = '\0';
		if (os->ops->mkdir(os->self, copy, mode) < 0 && errno != EEXIST) {
			rc = wf_err_sys(err, "cannot make directory '%s'", copy);
		} else if (errno == EEXIST && c == '\0') {
			struct stat st;

			if (os->ops->lstat(os->self, copy, &st) == 0 && !S_ISDIR(st.st_mode) &&
			    !S_ISLNK(st.st_mode)) {
				errno = ENOTDIR;
				rc = wf_err_sys(err, "cannot make directory '%s'", copy);
			}
		}
		errno = 0;
		copy[i] = c;
	}
	free(copy);
	return rc;
}

struct removal {
	struct wf_os *os;
	const char *dir;
	struct wf_err *err;
	int failed;
};

static int remove_entry(const char *name, void *arg)
{
	struct removal *r = arg;
	char *path = wf_xasprintf("%s/%s", r->dir, name);

	if (wf_dir_remove(r->os, path, r->err) < 0)
		r->failed = 1;
	free(path);
	return r->failed;
}

int wf_dir_remove(struct wf_os *os, const char *path, struct wf_err *err)
{
	struct removal r = { .os = os, .dir = path, .err = err };
	struct stat st;

	if (os->ops->lstat(os->self, path, &st) < 0)
		return errno == ENOENT ? 0 : wf_err_sys(err, "cannot stat '%s'", path);
	if (!S_ISDIR(st.st_mode)) {
		if (os->ops->unlink(os->self, path) < 0 && errno != ENOENT)
			return wf_err_sys(err, "cannot remove '%s'", path);
		return 0;
	}
	if (os->ops->list(os->self, path, remove_entry, &r) < 0)
		return wf_err_sys(err, "cannot list '%s'", path);
	if (r.failed)
		return -1;
	if (os->ops->rmdir(os->self, path) < 0 && errno != ENOENT)
		return wf_err_sys(err, "cannot remove '%s'", path);
	return 0;
}
