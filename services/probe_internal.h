/* probe_internal.h - between probe.c (rounds, all and any) and the kinds of probes, one file each; nobody else includes it
 *
 * A kind's `start` begins asking and returns; it calls probe_answer once, at once or later. `stop` ends the asking, if any is under way;
 * no answer may follow. `create` and `destroy` (optional) make and free p->impl. A kind never looks at time: rounds are cut by probe.c.
 */
#ifndef WF_SERVICES_PROBE_INTERNAL_H
#define WF_SERVICES_PROBE_INTERNAL_H

#include "services/probe.h"

struct probe_kind {
	const char *name;
	int (*create)(struct probe *p, struct wf_err *err);
	void (*start)(struct probe *p);
	void (*stop)(struct probe *p);
	void (*destroy)(struct probe *p);
};

enum probe_state { PROBE_IDLE, PROBE_ASKING, PROBE_PASSED, PROBE_MISSED };

struct probe {
	const struct probe_ctx *ctx;
	const struct probe_kind *kind; /* NULL: all or any of parts */
	void *impl;
	json_t *json;
	char *title;                   /* "tcp 127.0.0.1:4000" */
	struct probe *parent;
	struct probe **parts;
	size_t count;
	int any;
	enum probe_state state;
	char answer[400];              /* why it missed, or what it saw */
	/* of the root: */
	struct wf_timer limit, soon;
	int64_t limit_ms;
	void (*on_answer)(void *arg, int passed, const char *text);
	void *arg;
};

void probe_answer(struct probe *p, int passed, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The text of the key that names the kind. */
const char *probe_value(const struct probe *p);
/* Compare text with `expect` (equal, or contained in it) and answer. Without `expect` it passes. */
enum probe_match { PROBE_EQUAL, PROBE_CONTAINED };
void probe_expect(struct probe *p, const char *text, size_t n, enum probe_match how);
/* The same for JSON text with `path`: the value there equals `expect`, or is there at all. */
void probe_expect_json(struct probe *p, const char *text, size_t n);

extern const struct probe_kind probe_exit, probe_tcp, probe_unix, probe_http, probe_resp, probe_file, probe_log, probe_exec;

#endif
