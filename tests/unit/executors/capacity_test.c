/* Cores and memory from cgroups of both versions, read below a directory of the test's own. */
#include "executors/local/capacity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/os.h"
#include "tests/tap/tap.h"

static char root[] = "/tmp/wf-capacity-XXXXXX";

static void put(const char *path, const char *text)
{
	char *full = wf_xasprintf("%s/%s", root, path), *slash = strrchr(full, '/');
	struct wf_err err;

	*slash = '\0';
	wf_dir_make(wf_os_posix(), full, 0700, &err);
	*slash = '/';
	if (wf_file_replace(wf_os_posix(), full, text, strlen(text), 0600, &err) < 0)
		bail("%s", err.text);
	free(full);
}

int main(void)
{
	struct capacity c, all;
	struct wf_err err;

	if (!mkdtemp(root))
		bail("mkdtemp");
	capacity_read(&all, "");
	ok(all.cores >= 1 && all.memory > 1 << 20, "this host: %u cores, %llu MiB", all.cores, (unsigned long long)(all.memory >> 20));

	put("proc/meminfo", "MemTotal:        8192 kB\nMemFree: 1 kB\n");
	put("proc/self/cgroup", "0::/user.slice/job\n");
	capacity_read(&c, root);
	ok(c.memory == 8192 * 1024 && c.cores == all.cores, "no limit: the host's memory, the affinity's cores");
	put("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
	put("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
	put("sys/fs/cgroup/user.slice/memory.max", "1048576\n");
	capacity_read(&c, root);
	is_int(c.cores, 1, "a quota of a group above counts, in whole cores");
	is_int(c.memory, 1 << 20, "and its memory");
	put("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n");
	capacity_read(&c, root);
	is_int(c.cores, 1, "half a core is still one");

	wf_dir_remove(wf_os_posix(), root, &err);
	put("proc/meminfo", "MemTotal:        8192 kB\n");
	put("proc/self/cgroup", "7:memory:/m\n3:cpu,cpuacct:/c/d\n0::/\n");
	put("sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "100000\n");
	put("sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/cpu/c/d/cpu.cfs_quota_us", "-1\n");
	put("sys/fs/cgroup/cpu/c/d/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "2097152\n");
	put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	capacity_read(&c, root);
	is_int(c.cores, 1, "version 1: cores");
	is_int(c.memory, 2 << 20, "version 1: memory");
	wf_dir_remove(wf_os_posix(), root, &err);
	capacity_read(&c, root);
	ok(c.cores == all.cores && c.memory == UINT64_MAX, "nothing to read: no limit known");
	return done_testing();
}
