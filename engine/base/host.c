/* host.c - owns what identifies this host, its boot and its processes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/os.h"

const char *wf_host_name(void)
{
	static char name[256];

	if (!name[0]) {
		if (gethostname(name, sizeof(name) - 1) < 0 || !name[0])
			strcpy(name, "localhost");
		name[strcspn(name, ".")] = '\0';
	}
	return name;
}

static size_t slurp(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, to, size - 1);
	close(fd);
	if (n < 0)
		n = 0;
	to[n] = '\0';
	return (size_t)n;
}

const char *wf_host_boot_id(void)
{
	static char id[64];

	if (!id[0]) {
		slurp("/proc/sys/kernel/random/boot_id", id, sizeof(id));
		id[strcspn(id, "\n")] = '\0';
	}
	return id;
}

uint64_t wf_host_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* state: a letter; may be NULL */
static uint64_t read_stat(pid_t pid, char *state)
{
	char path[64], text[1024], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!slurp(path, text, sizeof(text)))
		return 0;
	/* The second field is the command in parentheses and may hold blanks: count from the last one. */
	p = strrchr(text, ')');
	if (p && p[1] && state)
		*state = p[2];
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

uint64_t wf_pid_start_time(pid_t pid)
{
	return read_stat(pid, NULL);
}

int wf_pid_lives(pid_t pid, uint64_t start_time)
{
	char state = 'X';
	uint64_t now = read_stat(pid, &state);

	return now && now == start_time && state != 'Z' && state != 'X';
}
