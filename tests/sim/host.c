/* host.c - owns what an engine learns of its host by other doors than wf_os: its name and boot, processes and their lives, locks of files.
 *
 * The linker leads these calls here (--wrap, tests/unit/sim/files.mk). Who is not a simulated process gets the real answer. Locks are seen
 * on all hosts, as on a network file system that keeps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/files.h"

#define WRAPPED(type, name, ...)       \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

/* ---- names and lives ------------------------------------------------------------------------------------------ */

WRAPPED(const char *, wf_host_name, void)
{
	return sim_current ? sim_current->host : __real_wf_host_name();
}

WRAPPED(const char *, wf_host_boot_id, void)
{
	static char id[64];

	if (!sim_current)
		return __real_wf_host_boot_id();
	snprintf(id, sizeof(id), "boot-%u-of-%s", sim_current->boot, sim_current->host);
	return id;
}

WRAPPED(uint64_t, wf_host_pid_namespace, void)
{
	return sim_current ? 1 : __real_wf_host_pid_namespace();
}

WRAPPED(pid_t, getpid, void)
{
	return sim_current ? sim_current->pid : __real_getpid();
}

WRAPPED(uint64_t, wf_pid_start_time, pid_t pid)
{
	return sim_current ? (uint64_t)pid * 10 : __real_wf_pid_start_time(pid);
}

WRAPPED(int, wf_pid_lives, pid_t pid, uint64_t start_time)
{
	if (!sim_current)
		return __real_wf_pid_lives(pid, start_time);
	for (struct sim_process *p = sim_first(sim_current->sim); p; p = p->next)
		if (p->pid == pid && !p->dead)
			return 1;
	return 0;
}

/* Who sleeps in a call lets the time pass, and nothing else happens meanwhile. */
WRAPPED(int, nanosleep, const struct timespec *ts, struct timespec *left)
{
	if (!sim_current)
		return __real_nanosleep(ts, left);
	sim_pass(sim_current->sim, (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec);
	return 0;
}

/* ---- locks -------------------------------------------------------------------------------------------------------- */

static int is_ours(int fd)
{
	return fd >= SIM_FIRST_FD && fd < SIM_FIRST_FD + SIM_FDS;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = (mode_t)va_arg(ap, int);
	va_end(ap);
	if (sim_current && strncmp(path, "/sim/", 5) == 0)
		return sim_os_ops.open(sim_current, path, flags, mode);
	return __real_open(path, flags, mode);
}

WRAPPED(int, close, int fd)
{
	struct sim_files *f = sim_current && is_ours(fd) ? sim_files_of(sim_current->sim) : NULL;
	struct node *n = f ? f->fds[fd - SIM_FIRST_FD].node : NULL;

	if (!is_ours(fd))
		return __real_close(fd);
	if (n && n->locked_by == sim_current)
		n->locked_by = NULL;
	return f ? sim_os_ops.close(sim_current, fd) : 0;
}

WRAPPED(int, flock, int fd, int how)
{
	struct node *n;

	if (!sim_current || !is_ours(fd))
		return __real_flock(fd, how);
	n = sim_files_of(sim_current->sim)->fds[fd - SIM_FIRST_FD].node;
	if (sim_current->dead || !n) {
		errno = EIO;
		return -1;
	}
	if (n->locked_by && n->locked_by != sim_current) {
		errno = EWOULDBLOCK;
		return -1;
	}
	n->locked_by = sim_current;
	return 0;
}
