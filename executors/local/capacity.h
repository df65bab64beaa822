/* capacity.h - what this host lets us use: cores by affinity and cgroup quota, memory by host and cgroup limit; and when the kernel killed
 * for memory */
#ifndef WF_LOCAL_CAPACITY_H
#define WF_LOCAL_CAPACITY_H

#include <stdint.h>

struct capacity {
	uint32_t cores;                /* whole ones, at least 1 */
	uint64_t memory;               /* bytes */
};
/* `root` is "" in production; tests give a directory with sys/fs/cgroup and proc below it. */
void capacity_read(struct capacity *c, const char *root);

/* Counts the kernel's kills for memory that concern us: of our cgroup where it counts them, else of the host. */
struct oom_watch {
	uint64_t kills;
};
void oom_watch_init(struct oom_watch *w);
/* 1 when there were kills since the last look. */
int oom_watch_look(struct oom_watch *w);

#endif
