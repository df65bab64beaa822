/* output.h - the files an attempt writes its output to, and the pack that takes the small ones
 *
 * Names and readers are in engine/link/output.h; this is the writing side. One wf_logdir per run's directory, shared by its
 * attempts; it keeps the pack open. Reference counted: get, put. Not thread-safe.
 */
#ifndef WF_ATTEMPT_OUTPUT_H
#define WF_ATTEMPT_OUTPUT_H

#include "engine/base/err.h"
#include "engine/base/os.h"
#include "engine/link/output.h"

struct wf_logdir;
struct wf_logdir_cache {
	struct wf_os *os;
	struct wf_logdir *first;       /* most recently used first */
	size_t idle;                   /* kept without users */
};

struct wf_logdir *wf_logdir_get(struct wf_logdir_cache *c, const char *path);
void wf_logdir_put(struct wf_logdir_cache *c, struct wf_logdir *d);
/* Forget the idle ones; all of them must be idle when the cache goes. */
void wf_logdir_flush(struct wf_logdir_cache *c);
const char *wf_logdir_path(const struct wf_logdir *d);

/* The agent's own file for a stream, open for the child. It has no name yet (*named 0) where the file system can do that: most
 * attempts are over before anybody could have looked, and their files are used again instead of made and removed. */
int wf_output_open(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream, int *named,
		   struct wf_err *err);
/* Give it its name, with its shard directory: for an attempt that lives longer than WF_OUTPUT_NAME_MS. 0 or -1. */
int wf_output_name(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream, int fd);
#define WF_OUTPUT_NAME_MS 200
/* A path the user chose: directories made, an old file emptied, a fifo without a reader refused. */
int wf_output_open_user(struct wf_logdir_cache *c, const char *path, mode_t umask_bits, struct wf_err *err);

/* The attempt ended: what becomes of the stream in its own file. Takes fd over. Empty: the file goes. Small: it is appended to the pack, and a
 * named file goes later by wf_output_remove. A pack that cannot be written leaves the file. `reuse`: nobody else has fd open. */
void wf_output_settle(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream, int fd,
		      int named, int reuse, struct wf_log_ref *ref);
void wf_output_remove(struct wf_logdir_cache *c, struct wf_logdir *d, const struct wf_key *key, enum wf_output_stream stream);

#endif
