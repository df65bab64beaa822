/* owner.h - between owner.c and takeover.c: what is known of an owner, and the steps of taking a state directory
 *
 * epochs/N/owner is made with its directory in one rename and never changes: who won epoch N, in which directory its database lies, and, when
 * it took over from another host, from which epoch. The newest of them is the owner to follow. The file `owner` repeats it: a change of
 * that file tells an engine that it is not the owner any more.
 */
#ifndef WF_CORE_OWNER_H
#define WF_CORE_OWNER_H

#include "engine/core/engine.h"

struct owner {
	char host[256], boot_id[64];
	uint64_t pid_ns, start_time, epoch; /* epoch 0: nobody */
	int64_t pid;
	char data[64];                 /* where its database lies, from the state directory on; "": there */
	uint64_t from;                 /* the epoch it took over from; 0: it went on where its predecessor was */
	int64_t copy_after_ms;         /* monotonic time of its host, from which on it might copy */
};

/* What an owner's process is to us. */
enum owner_seen {
	OWNER_GONE,                    /* proven dead: its files may be opened where they are */
	OWNER_LIVES,                   /* on this host */
	OWNER_AWAY,                    /* on another host, or in another container: it may live */
};
enum owner_seen owner_see(const struct owner *o, int have_lock, struct wf_err *err);

/* The owner of an epoch. 1: read; 0: there is none; -1: err. */
int owner_of_epoch(struct wf_os *os, const char *state_dir, uint64_t epoch, struct owner *o, struct wf_err *err);
/* `data` of the newest database that is whole, going back from o. */
void owner_data(struct wf_os *os, const char *state_dir, const struct owner *o, char *data, size_t size);
/* It took over, and did not come to the end of that. */
int owner_unfinished(struct wf_os *os, const char *state_dir, const struct owner *o);
/* A lock that its holder lets go only by ending: 0, or -1 when somebody has it (WF_CONFLICT) or it cannot be had. */
int owner_lock(struct engine *e, const char *dir, struct wf_err *err);

/* takeover.c. When this host may copy, and then doing it; `from` is who was owner before. */
int64_t takeover_after(struct engine *e, const struct owner *from);
int takeover_run(struct engine *e, const struct owner *from, int64_t after_ms, struct wf_err *err);

/* mounts.c: WF_RESOURCE when the file system of dir keeps locks to each host alone. */
int mounts_check(const char *mountinfo, const char *dir, struct wf_err *err);

#endif
