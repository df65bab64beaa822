/* where.h - which state directory is meant, and who owns it
 *
 * The state directory is $WF_STATE_DIR, else $XDG_STATE_HOME/wf/NAME, else ~/.local/state/wf/NAME, where NAME is the cluster of a readable
 * Slurm configuration (so that all login nodes agree), else this host.
 */
#ifndef WF_CLI_WHERE_H
#define WF_CLI_WHERE_H

#include <stdint.h>
#include <sys/types.h>

#include "engine/base/err.h"

/* Absolute; the caller frees. WF_INVALID when there is neither a variable nor a home. */
char *where_state_dir(struct wf_err *err);

/* The readable Slurm configuration of this host ($SLURM_CONF, else the usual places), NULL when there is none.
 * Static. */
const char *where_slurm_conf(void);
/* ClusterName of that file, or NULL. The caller frees. */
char *where_cluster(const char *slurm_conf);

struct owner {
	char host[256];
	char boot_id[64];
	uint64_t pid_ns;
	pid_t pid;
	uint64_t start_time;
	int64_t epoch;
};

enum owner_is {
	OWNER_NONE,             /* no owner file */
	OWNER_DEAD,             /* of this host, and its process is gone */
	OWNER_HERE,             /* of this host, and alive (or in a process namespace that we cannot see into) */
	OWNER_ELSEWHERE,        /* another host */
	OWNER_UNREADABLE,       /* a file that makes no sense */
};
enum owner_is where_owner(const char *state_dir, struct owner *o);

/* The directory exists, is a directory of ours that nobody else may write to (WF_INVALID, WF_DENIED otherwise); a
 * missing one is WF_NOT_FOUND. */
int where_check(const char *state_dir, struct wf_err *err);

#endif
