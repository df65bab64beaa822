/* site.c - owns measuring this host: affinity, cgroup limits, memory. */
#include "cli/site.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/os.h"

enum { SMALL = 4096 };

/* Content of a small file of /proc or /sys, whose size cannot be asked; 0 or -1. */
static int small_file(const char *path, char *to, size_t size)
{
	struct wf_buf b = { 0 };
	int rc = wf_file_read(wf_os_posix(), path, SMALL, &b, NULL);

	if (rc == 0)
		snprintf(to, size, "%s", wf_buf_cstr(&b));
	wf_buf_release(&b);
	return rc;
}

int site_cgroup(char *to, unsigned long size)
{
	char text[SMALL], *p;

	if (small_file("/proc/self/cgroup", text, sizeof(text)) < 0)
		return -1;
	p = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!p)
		return -1;
	p += *p == '\n' ? 4 : 3;
	p[strcspn(p, "\n")] = '\0';
	return (unsigned long)snprintf(to, size, "/sys/fs/cgroup%s", p) < size && access(to, F_OK) == 0 ? 0 : -1;
}

/* Calls fn with the text of `name` in our cgroup and in each above it. */
static void each_cgroup(const char *name, void (*fn)(const char *text, void *arg), void *arg)
{
	char dir[PATH_MAX], text[SMALL];

	if (site_cgroup(dir, sizeof(dir)) < 0)
		return;
	while (strlen(dir) >= strlen("/sys/fs/cgroup")) {
		char *path = wf_xasprintf("%s/%s", dir, name);

		if (small_file(path, text, sizeof(text)) == 0)
			fn(text, arg);
		free(path);
		*strrchr(dir, '/') = '\0';
	}
}

static void least_quota(const char *text, void *arg)
{
	double *cores = arg, quota, period;

	if (sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0 && quota / period < *cores)
		*cores = quota / period;
}

uint32_t site_cores(void)
{
	cpu_set_t set;
	double cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) :
								      (double)sysconf(_SC_NPROCESSORS_ONLN);

	each_cgroup("cpu.max", least_quota, &cores);
	return cores < 1 ? 1 : (uint32_t)cores;
}

static void least_limit(const char *text, void *arg)
{
	uint64_t *bytes = arg, v;

	if (sscanf(text, "%lu", &v) == 1 && v < *bytes)
		*bytes = v;
}

uint64_t site_memory(void)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGE_SIZE);

	each_cgroup("memory.max", least_limit, &bytes);
	return bytes;
}
