/* fresh.h - are the inputs there, and did the attempt write its outputs?
 *
 * An output counts only if it was written since the task's first attempt began (design.md 9): before the attempt, look at
 * each (wf_fresh_before); afterwards it counts if inode, size, mtime or ctime differ from before, or mtime or ctime is younger than 2 s
 * before the first attempt began, by the file system's own clock. A directory counts by itself or by an entry of it.
 *
 * NFS caches absence: on a network file system the look before is by reading the directory, which leaves no cached absence behind,
 * and an absence afterwards is worth asking again for 60 s (WF_FRESH_LATER).
 *
 * Synchronous; any thread.
 */
#ifndef WF_ATTEMPT_FRESH_H
#define WF_ATTEMPT_FRESH_H

#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/os.h"

struct wf_fresh {
	char *path;
	uint8_t existed;
	uint8_t network;               /* lies on a network file system */
	uint64_t inode, size;
	int64_t mtime_ns, ctime_ns;
};

/* The first path that does not exist, or NULL. */
const char *wf_fresh_missing(struct wf_os *os, const char *const *inputs);

/* One entry per path, n of them; wf_fresh_release frees. NULL when there is none. */
struct wf_fresh *wf_fresh_before(struct wf_os *os, const char *const *outputs, size_t *n);
void wf_fresh_release(struct wf_fresh *f, size_t n);

enum wf_fresh_answer {
	WF_FRESH_WRITTEN,
	WF_FRESH_LATER,                /* not there, but the file system may not know yet */
	WF_FRESH_ABSENT,
	WF_FRESH_STALE,                /* there, and older than the task */
};
/* first_started_ms: wall clock of this host when the task's first attempt began. `update`: being there is enough. */
enum wf_fresh_answer wf_fresh_after(struct wf_os *os, const struct wf_fresh *f, int64_t first_started_ms, int update);

#endif
