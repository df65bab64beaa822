/* site.h - what this host offers, as plan and doctor need it */
#ifndef WF_CLI_SITE_H
#define WF_CLI_SITE_H

#include <stdint.h>

/* Cores that this process may use: its affinity and its cgroup's quota. */
uint32_t site_cores(void);
/* Bytes of memory: the host's, or the least limit of its cgroups. */
uint64_t site_memory(void);
/* Directory of our cgroup in the unified hierarchy; 0, or -1 when there is none. */
int site_cgroup(char *to, unsigned long size);

#endif
