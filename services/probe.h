/* probe.h - asking a member whether it serves
 *
 *     struct probe *p = probe_create(&ctx, rendered_json, &err);        before the member starts: `newer: start` remembers what was there
 *     probe_ask(p, limit_ms, on_answer, arg);                           one round; the answer comes later, exactly once
 *     probe_stop(p);                                                    no answer will come
 *     probe_destroy(p);
 *
 * The JSON is a probe of docs/drivers.md with its placeholders replaced: {tcp: ...}, {all: [...]}. What `every`, `deadline` and `misses` mean is
 * the caller's. All parts of all/any are asked at once; the round ends as soon as the answer is known, or at the limit. A stop
 * step ({resp: ...}, {exec: ...}, {http: ...}) is asked like a probe and its answer thrown away.
 *
 * The text of an answer is for people: "tcp 127.0.0.1:4000: Connection refused". The context must outlive the probe; strings in it may
 * change between rounds.
 */
#ifndef WF_SERVICES_PROBE_H
#define WF_SERVICES_PROBE_H

#include <jansson.h>

#include "engine/base/os.h"
#include "engine/loop/loop.h"
#include "services/process.h"

struct probe;

struct probe_ctx {
	struct wf_loop *loop;
	struct wf_os *os;
	struct procs *procs;
	json_t *endpoint;              /* object of rendered texts: where `resp` goes without `at`; may be NULL */
	const char *driver_dir;        /* relative executables of `exec` are looked for here first */
	const char *cwd;               /* of `exec` */
	const char *const *env;        /* of `exec` */
	int log_fd;                    /* the member's log, readable; -1: it has none that can be read */
	off_t log_from;                /* where this start of the member begins in it */
	int main_ended;                /* the member's first process has ended */
	int main_status;               /* then: as wait() gives it */
};

struct probe *probe_create(const struct probe_ctx *ctx, json_t *rendered, struct wf_err *err);
void probe_ask(struct probe *p, int64_t limit_ms, void (*on_answer)(void *arg, int passed, const char *text), void *arg);
void probe_stop(struct probe *p);
void probe_destroy(struct probe *p);
/* True when the probe has a part of this kind. */
int probe_has(const struct probe *p, const char *kind);
/* The time under `key` in ms, or `otherwise`. */
int64_t probe_time(json_t *rendered, const char *key, int64_t otherwise);

#endif
