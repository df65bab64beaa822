/* client.h - HTTP to the engine over its unix socket, and the engine started when none runs
 *
 *     struct client *c = client_open(CLIENT_START, &err);
 *     struct wf_buf url = { 0 };
 *     url_path(&url, "runs", run, NULL);  url_query(&url, "wait", "50");
 *     json_t *doc = client_get(c, &url, &err);          a new reference; the url is emptied
 *     client_close(c);
 *
 * Errors: what the engine answered (its code and detail), or WF_UNREACHABLE. A GET, and a POST that says it may be, is repeated when
 * the connection breaks: the engine may have died and been started again. Anything else is not, and the error says that it is not known
 * whether it was carried out.
 */
#ifndef WF_CLI_CLIENT_H
#define WF_CLI_CLIENT_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

enum client_flags {
	CLIENT_START = 1,               /* start the engine when none runs */
};

struct client;

/* Does not connect yet. */
struct client *client_open(int flags, struct wf_err *err);
void client_close(struct client *c);
/* From now on never start an engine. */
void client_only_connect(struct client *c);
const char *client_state_dir(const struct client *c);

/* "/api/v1" and the segments, each percent-encoded; NULL ends them. */
void url_path(struct wf_buf *u, const char *segment, ...) __attribute__((sentinel));
/* ":cancel" after the last segment. */
void url_verb(struct wf_buf *u, const char *verb);
/* "?key=value" or "&key=value", encoded; nothing when value is NULL. */
void url_query(struct wf_buf *u, const char *key, const char *value);
void url_number(struct wf_buf *u, const char *key, int64_t value);

json_t *client_get(struct client *c, struct wf_buf *url, struct wf_err *err);
/* body is borrowed; NULL sends {}. An answer without a body is json null. */
json_t *client_post(struct client *c, struct wf_buf *url, json_t *body, int may_repeat, struct wf_err *err);
int client_delete(struct client *c, struct wf_buf *url, struct wf_err *err);
/* True when the last POST was answered with what an earlier one had made (its key was known). */
int client_replayed(const struct client *c);
/* Findings of a workflow file that came with the last error, or NULL; borrowed until the next call. */
json_t *client_findings(const struct client *c);

/* A piece of a log: bytes appended to out, where to go on, and whether there will be more. */
struct log_piece {
	int64_t next;
	int complete;
	int64_t attempt;
};
int client_log(struct client *c, struct wf_buf *url, struct wf_buf *out, struct log_piece *piece, struct wf_err *err);

/* An answer that is not JSON, appended to out. */
int client_text(struct client *c, struct wf_buf *url, struct wf_buf *out, struct wf_err *err);

/* True when err came from a missing or lost engine rather than from its answer. */
int client_lost(const struct wf_err *err);
/* Connects, and disconnects: whether an engine serves here, without starting one. */
int client_reaches(struct client *c);

/* Start the engine of this state directory if none runs, and wait until it serves. Another host's is WF_UNREACHABLE
 * naming it. */
int engine_start(const char *state_dir, struct wf_err *err);
/* The same over an engine on another host: it waits until that one acts no more, and says so on stderr. */
int engine_takeover(const char *state_dir, struct wf_err *err);
/* The program that belongs beside this one: "wf-engine" in our own directory. Static until the next call. */
const char *beside_us(const char *program);

#endif
