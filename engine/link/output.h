/* output.h - where the output of an attempt lies, and how to read it, running or ended
 *
 * Every attempt of a run writes into files of its own below the run's directory for output (`log_dir`), spread so that no directory
 * holds more than about 4,096 entries; when it ended, a small one is appended to `log_dir`/pack and the file goes. The agent
 * alone writes; the engine reads with the functions below. Synchronous, any thread, no state.
 */
#ifndef WF_LINK_OUTPUT_H
#define WF_LINK_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/os.h"
#include "engine/link/wire.h"

enum wf_output_stream { WF_OUTPUT_OUT, WF_OUTPUT_ERR };

#define WF_OUTPUT_PACK_LIMIT (64u << 10) /* up to this many bytes go into the pack */

/* The file an attempt writes to: log_dir/<shard>/<instance>.<index>.<attempt>[.err] ("m" before it for a member, and so on). */
void wf_output_path(struct wf_buf *b, const char *log_dir, const struct wf_key *key, enum wf_output_stream stream);
/* The directory of that file, made by whoever starts the attempt. */
void wf_output_shard(struct wf_buf *b, const char *log_dir, const struct wf_key *key);
void wf_output_pack_path(struct wf_buf *b, const char *log_dir);

/* What is known of one stream of one attempt. `ref` is what ENDED said, or NULL while it runs; user_path is the step's stdout: or
 * stderr:, NULL when it chose none. */
struct wf_output {
	const char *log_dir;
	struct wf_key key;
	enum wf_output_stream stream;
	const struct wf_log_ref *ref;
	const char *user_path;
};

/* Append at most `limit` bytes from offset `at` to b; *total (may be NULL) is the length there is now. An attempt that has written
 * nothing yields nothing. Never blocks on a fifo. WF_NOT_FOUND when the file is gone. */
int wf_output_read(struct wf_os *os, const struct wf_output *o, uint64_t at, size_t limit, struct wf_buf *b, uint64_t *total,
		   struct wf_err *err);
/* The offset at which the last `lines` lines begin, looking at no more than the last MiB. */
int wf_output_tail(struct wf_os *os, const struct wf_output *o, size_t lines, uint64_t *at, struct wf_err *err);

#endif
