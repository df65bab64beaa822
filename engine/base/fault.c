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

static int act(const char *action, size_t n)
{
	if (n == 4 && strncmp(action, "kill", n) == 0)
		kill(getpid(), SIGKILL);
	else if (n == 4 && strncmp(action, "exit", n) == 0)
		_exit(70);
	else if (n == 4 && strncmp(action, "stop", n) == 0)
		kill(getpid(), SIGSTOP);
	else if (n == 5 && strncmp(action, "short", n) == 0)
		return -1;
	else if (n > 4 && strncmp(action, "err:", 4) == 0)
		return atoi(action + 4);
	return 0;
}

static void note(const char *name, unsigned hit)
{
	static int fd = -2;
	char line[160];
	int n;

	if (fd == -2) {
		const char *path = getenv("WF_FAULT_LOG");

		fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	}
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%s %u\n", name, hit);
	if (write(fd, line, (size_t)n) != n)
		fd = -1;
}

int wf_fault_hit(struct wf_fault_point *p)
{
	const char *s = getenv("WF_FAULT");
	size_t len = strlen(p->name);
	unsigned hit = __atomic_add_fetch(&p->hits, 1, __ATOMIC_RELAXED);

	note(p->name, hit);
	while (s && *s) {
		const char *end = strchrnul(s, ','), *eq = memchr(s, '=', (size_t)(end - s));

		if (eq && strncmp(s, p->name, len) == 0 && (s[len] == '=' || s[len] == ':') &&
		    (s[len] == '=' || strtoul(s + len + 1, NULL, 10) == hit))
			return act(eq + 1, (size_t)(end - eq - 1));
		s = *end ? end + 1 : end;
	}
	return 0;
}

void wf_fault_list(void (*fn)(const char *name, void *arg), void *arg)
{
	for (struct wf_fault_point **p = __start_wf_faults; p < __stop_wf_faults; p++)
		fn((*p)->name, arg);
}
#endif
