/* peer.h - the engine's end of an agent link, for tests: blocking, with deadlines, remembering everything that was said
 *
 * Every wait ends the test program (bail) after its deadline, so no test hangs. Also starts and ends agent programs.
 */
#ifndef WF_TESTS_PEER_H
#define WF_TESTS_PEER_H

#include <stdint.h>
#include <sys/types.h>

#include "engine/base/buf.h"
#include "engine/link/wire.h"

/* One entry of one frame, copied. */
struct said {
	enum wf_wire_type type;
	uint64_t number;               /* of the attempt, or of what was rejected; op_id for RESULT */
	struct wf_key key;
	uint64_t cursor;
	uint32_t pid;
	uint8_t class, why;
	int exit;
	int64_t started_ms, ended_ms;
	struct wf_usage usage;
	struct wf_log_ref out, err;
	uint64_t output_bytes;
	char *text;                    /* reason, outcome or body */
	char *result;                  /* result, body of a RESULT */
};

struct peer {
	int fd;
	int closed;
	struct wf_buf in;
	struct said *said;
	size_t count, cap;
	/* of its hello */
	char role[16], instance[64], host[64];
	uint32_t agent_pid, cores, capabilities;
	uint64_t memory, mark, cursor;
};

/* Connect to a socket (waiting for it to appear), say hello with this epoch, read the agent's. */
void peer_open(struct peer *p, const char *socket_path, uint64_t epoch);
/* The same with an agent that may die meanwhile: the peer is then closed. */
void peer_try(struct peer *p, const char *socket_path, uint64_t epoch);
/* Over a connected descriptor. */
void peer_open_fd(struct peer *p, int fd, uint64_t epoch);
void peer_close(struct peer *p);
void peer_send(struct peer *p, struct wf_buf *frames); /* releases it */
void peer_reattach(struct peer *p, const struct wf_attempt_ref *refs, uint32_t n);
void peer_start(struct peer *p, const struct wf_start *s, uint32_t n);
void peer_cancel(struct peer *p, uint64_t number, int64_t grace_ms);
void peer_call(struct peer *p, uint64_t number, uint64_t op_id, const char *op, const char *args);
void peer_ack(struct peer *p, uint64_t cursor);
/* Acknowledge everything said so far. */
void peer_ack_all(struct peer *p);

/* The first thing of this type about this number at or after index `from`, waited for. */
const struct said *peer_wait_from(struct peer *p, size_t from, enum wf_wire_type type, uint64_t number);
const struct said *peer_wait(struct peer *p, enum wf_wire_type type, uint64_t number);
/* Was it said so far? Reads what is there without waiting. */
const struct said *peer_heard(struct peer *p, enum wf_wire_type type, uint64_t number);
size_t peer_count(struct peer *p, enum wf_wire_type type, uint64_t number);
/* Until `n` of this type were said. */
void peer_wait_count(struct peer *p, enum wf_wire_type type, size_t n);
void peer_wait_closed(struct peer *p);
/* Everything the agent has to say now: it has answered a question put behind all others. */
void peer_settle(struct peer *p);

/* ---- agents as programs ----------------------------------------------------------------------------- */

struct program {
	pid_t pid;
	char dir[256];                 /* its directory; socket and log in it */
	char socket[300];
};
/* argv[0] is the program below the build directory's bin/; NULL-terminated. `--dir DIR` is added. */
void program_start(struct program *a, const char *dir, const char *const *argv);
/* Ends with this signal, waits until it is gone; its wait status. */
int program_end(struct program *a, int sig);
int program_wait(struct program *a);
/* A fresh directory below /tmp, removed at exit. */
const char *test_dir(void);

#endif
