/* capacity.c - owns reading of affinity, cgroups (both versions) and memory counters; decides nothing. */
#include "executors/local/capacity.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A small file of /proc or /sys as text; 0 when it is not there. */
static size_t slurp(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t k;

	while (fd >= 0 && n < size - 1 && (k = read(fd, to + n, size - 1 - n)) > 0)
		n += (size_t)k;
	if (fd >= 0)
		close(fd);
	to[n] = '\0';
	return n;
}

static uint32_t affinity(void)
{
	/* More processors than the mask holds is EINVAL: ask again with a larger one. */
	for (size_t cpus = 1024; cpus <= 1u << 20; cpus *= 4) {
		size_t size = CPU_ALLOC_SIZE(cpus);
		cpu_set_t *set = CPU_ALLOC(cpus);
		int n = 0;

		if (set && sched_getaffinity(0, size, set) == 0)
			n = CPU_COUNT_S(size, set);
		CPU_FREE(set);
		if (n > 0)
			return (uint32_t)n;
	}
	return 1;
}

/* Path of our cgroup for a controller of version 1, or of version 2 for NULL, as /proc/self/cgroup says it; 0 when there is none. */
static int own_group(const char *root, const char *controller, char *path, size_t size)
{
	char name[PATH_MAX], text[8192];

	snprintf(name, sizeof(name), "%s/proc/self/cgroup", root);
	if (!slurp(name, text, sizeof(text)))
		return 0;
	for (char *line = text, *end; *line; line = end) {
		char *names, *group;

		end = strchrnul(line, '\n');
		if (*end)
			*end++ = '\0';
		names = strchr(line, ':');
		group = names ? strchr(names + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		names++;
		if (!controller && *names == '\0' && strncmp(line, "0:", 2) == 0) {
			snprintf(path, size, "%s", group);
			return 1;
		}
		for (char *save, *n = strtok_r(names, ",", &save); controller && n; n = strtok_r(NULL, ",", &save)) {
			if (strcmp(n, controller) == 0) {
				snprintf(path, size, "%s", group);
				return 1;
			}
		}
	}
	return 0;
}

/* Calls fn for our group and every one above it. Inside a container the path may not exist below the mount: the mount itself is then ours. */
static void each_group(const char *root, const char *controller, void (*fn)(const char *dir, void *arg), void *arg)
{
	char group[PATH_MAX], dir[3 * PATH_MAX];

	if (!own_group(root, controller, group, sizeof(group)))
		return;
	for (;;) {
		char *slash;

		snprintf(dir, sizeof(dir), "%s/sys/fs/cgroup%s%s%s", root, controller ? "/" : "", controller ? controller : "",
			 strcmp(group, "/") == 0 ? "" : group);
		fn(dir, arg);
		slash = strrchr(group, '/');
		if (!slash || strcmp(group, "/") == 0)
			return;
		slash[slash == group] = '\0';
	}
}

static int number_in(const char *dir, const char *file, uint64_t *v)
{
	char path[4 * PATH_MAX], text[64], *end;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (!slurp(path, text, sizeof(text)))
		return 0;
	*v = strtoull(text, &end, 10);
	return end != text;
}

static void cpu_v2(const char *dir, void *arg)
{
	struct capacity *c = arg;
	char path[4 * PATH_MAX], text[128];
	unsigned long long quota, period;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	if (slurp(path, text, sizeof(text)) && sscanf(text, "%llu %llu", &quota, &period) == 2 && period &&
	    quota / period < c->cores)
		c->cores = (uint32_t)(quota / period);
}

static void cpu_v1(const char *dir, void *arg)
{
	struct capacity *c = arg;
	uint64_t quota, period;

	/* "no limit" is -1, a very large number here. */
	if (number_in(dir, "cpu.cfs_quota_us", &quota) && number_in(dir, "cpu.cfs_period_us", &period) && period &&
	    (int64_t)quota > 0 && quota / period < c->cores)
		c->cores = (uint32_t)(quota / period);
}

static void memory_v2(const char *dir, void *arg)
{
	struct capacity *c = arg;
	uint64_t v;

	if (number_in(dir, "memory.max", &v) && v < c->memory)
		c->memory = v;
}

static void memory_v1(const char *dir, void *arg)
{
	struct capacity *c = arg;
	uint64_t v;

	if (number_in(dir, "memory.limit_in_bytes", &v) && v < c->memory)
		c->memory = v;
}

/* The number behind `key` in a file of "key number" or "key: number kB" lines. */
static int keyed(const char *path, const char *key, uint64_t *v)
{
	char text[32768];
	size_t n = strlen(key);

	if (!slurp(path, text, sizeof(text)))
		return 0;
	for (char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, key, n) == 0 && (line[n] == ' ' || line[n] == ':')) {
			*v = strtoull(line + n + 1, NULL, 10);
			return 1;
		}
	}
	return 0;
}

void capacity_read(struct capacity *c, const char *root)
{
	char path[PATH_MAX];
	uint64_t kib = 0;

	c->cores = affinity();
	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	c->memory = keyed(path, "MemTotal", &kib) ? kib * 1024 : UINT64_MAX;
	each_group(root, NULL, cpu_v2, c);
	each_group(root, "cpu", cpu_v1, c);
	each_group(root, NULL, memory_v2, c);
	each_group(root, "memory", memory_v1, c);
	if (c->cores < 1)
		c->cores = 1;
}

static uint64_t count_kills(void)
{
	char group[PATH_MAX], path[2 * PATH_MAX];
	uint64_t v = 0;

	if (own_group("", NULL, group, sizeof(group))) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.events", group);
		if (keyed(path, "oom_kill", &v))
			return v;
	}
	if (own_group("", "memory", group, sizeof(group))) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/memory%s/memory.oom_control", group);
		if (keyed(path, "oom_kill", &v))
			return v;
	}
	(void)keyed("/proc/vmstat", "oom_kill", &v);
	return v;
}

void oom_watch_init(struct oom_watch *w)
{
	w->kills = count_kills();
}

int oom_watch_look(struct oom_watch *w)
{
	uint64_t now = count_kills();
	int grew = now > w->kills;

	w->kills = now;
	return grew;
}
