/* fault.c - owns the table of fault points of a test build; the release build has none. */
#include "engine/base/fault.h"

#ifdef WF_FAULTS
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern struct wf_fault_point *__start_wf_faults[] __attribute__((weak));
extern struct wf_fault_point *__stop_wf_faults[] __attribute__((weak));

enum { LATE_US = 20 * 1000 };

static int act(const char *action, size_t n)
{
	if (n == 4 && strncmp(action, "kill", n) == 0)
		kill(getpid(), SIGKILL);
	else if (n == 4 && strncmp(action, "late", n) == 0) {
		usleep(LATE_US);
		kill(getpid(), SIGKILL);
	} else if (n == 4 && strncmp(action, "exit", n) == 0)
		_exit(70);
	else if (n == 4 && strncmp(action, "stop", n) == 0)
		kill(getpid(), SIGSTOP);
	else if (n == 5 && strncmp(action, "short", n) == 0)
		return -1;
	else if (n > 4 && strncmp(action, "err:", 4) == 0)
		return atoi(action + 4);
	return 0;
}

/* Two threads may meet here first: both open, one keeps it. */
static int log_fd(void)
{
	static int shared = -2;
	int fd = __atomic_load_n(&shared, __ATOMIC_ACQUIRE), none = -2;
	const char *path = getenv("WF_FAULT_LOG");

	if (fd != -2)
		return fd;
	fd = path && *path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (!__atomic_compare_exchange_n(&shared, &none, fd, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		if (fd >= 0)
			close(fd);
		fd = none;
	}
	return fd;
}

static void note(const char *name, unsigned hit)
{
	int fd = log_fd(), n;
	char line[160];

	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%s %u %s\n", name, hit, program_invocation_short_name);
	(void)!write(fd, line, (size_t)n);
}

/* "[program/]name[:hit]" of an entry that ends before `eq`. */
static int is_meant(const char *s, const char *eq, const char *name, unsigned hit)
{
	const char *slash = memchr(s, '/', (size_t)(eq - s)), *program = program_invocation_short_name;
	size_t len = strlen(name);

	if (slash) {
		if (strlen(program) != (size_t)(slash - s) || strncmp(s, program, (size_t)(slash - s)) != 0)
			return 0;
		s = slash + 1;
	}
	if (strncmp(s, name, len) != 0)
		return 0;
	return s[len] == '=' || (s[len] == ':' && strtoul(s + len + 1, NULL, 10) == hit);
}

static void token_path(char *path, size_t size, const char *dir, unsigned place)
{
	snprintf(path, size, "%s/%u", dir, place);
}

/* The first entry that has not acted. */
static unsigned next_place(const char *dir)
{
	unsigned n = 0;
	char path[512];

	do
		token_path(path, sizeof(path), dir, ++n);
	while (access(path, F_OK) == 0);
	return n;
}

/* True for the one process, and the one time, that may act for the entry. */
static int take(const char *dir, unsigned place)
{
	char path[512];
	int fd;

	token_path(path, sizeof(path), dir, place);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

static int look_up(struct wf_fault_point *p)
{
	const char *s = getenv("WF_FAULT"), *once = getenv("WF_FAULT_ONCE");
	unsigned hit = __atomic_add_fetch(&p->hits, 1, __ATOMIC_RELAXED), place = 0, next = s && once ? next_place(once) : 0;

	note(p->name, hit);
	while (s && *s) {
		const char *end = strchrnul(s, ','), *eq = memchr(s, '=', (size_t)(end - s));

		place++;
		if (eq && (!next || place == next) && is_meant(s, eq, p->name, hit) && (!next || take(once, place)))
			return act(eq + 1, (size_t)(end - eq - 1));
		s = *end ? end + 1 : end;
	}
	return 0;
}

int wf_fault_hit(struct wf_fault_point *p)
{
	int saved = errno, f = look_up(p);

	/* A point stands between a call and whoever asks why it failed. */
	errno = saved;
	return f;
}

void wf_fault_list(void (*fn)(const char *name, void *arg), void *arg)
{
	for (struct wf_fault_point **p = __start_wf_faults; p < __stop_wf_faults; p++)
		fn((*p)->name, arg);
}
#endif
