/* output.h - everything a command prints goes through here: results to standard output, talk to standard error
 *
 * A result is a JSON document of the interface's own shape together with its kind. In human mode it is laid out for people, with
 * --json it is printed as it is, with --quiet only ids come out. Lists may be long: they are shown page by page.
 *
 *     out_show(out, OUT_RUN, run);                               one thing
 *     out_list_begin(out, OUT_TASKS);                            or a list
 *     out_list_page(out, items); ...
 *     out_list_end(out, next);
 *     return out_fail(out, &err);                                "wf: <text>" on standard error, and the exit code
 *
 * The documents are borrowed. Nothing here talks to the engine. Text from outside is printed with its control bytes
 * made visible; colour and glyphs only where the terminal shows them.
 */
#ifndef WF_CLI_OUTPUT_H
#define WF_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "cli/term.h"
#include "engine/base/buf.h"
#include "engine/base/err.h"

enum out_mode { OUT_HUMAN, OUT_JSON, OUT_QUIET };

/* What a document is. The comment says its shape where that is not the interface's own. */
enum out_kind {
	OUT_RUN,                /* one line about a run */
	OUT_SUBMITTED,          /* a run, and how it came to be */
	OUT_STATUS,             /* people: {run, steps, services}; otherwise the run */
	OUT_OVERVIEW,           /* people only: {runs, services} */
	OUT_RUNS,
	OUT_TASKS,
	OUT_TASK,
	OUT_WHY,
	OUT_SERVICES,
	OUT_EVENTS,
	OUT_ENGINE,
	OUT_BACKUP,
	OUT_CONFIG,
	OUT_CHECKS,             /* items of doctor: {name, state, text, fix} */
	OUT_GRAPH,              /* --json only */
	OUT_FINDINGS,           /* --json only: {items of validate, next} */
	OUT_PLAN,               /* see plan.h */
	OUT_VERSION,            /* {version, engine} */
	OUT_KIND_COUNT
};

struct out {
	enum out_mode mode;
	struct term screen;     /* standard output */
	struct term talk;       /* standard error */
	enum out_kind listing;
	size_t listed;
};

void out_init(struct out *out);
/* "auto", "always" or "never", over what NO_COLOR and TERM say. */
int out_color(struct out *out, const char *when, struct wf_err *err);
/* Flush. When not everything could be written: 10, and says why (141 when the reader has left). Otherwise rc. */
int out_close(struct out *out, int rc);

void out_show(struct out *out, enum out_kind kind, json_t *doc);
void out_list_begin(struct out *out, enum out_kind kind);
void out_list_page(struct out *out, json_t *items);
void out_list_end(struct out *out, const char *next);
/* One item of an endless list: with --json a line by itself. */
void out_stream(struct out *out, enum out_kind kind, json_t *item);

/* A sentence for people on standard output; nothing in the other modes. */
void out_text(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bytes that are the result themselves (logs, pictures), in every mode. */
void out_bytes(struct out *out, const void *p, size_t n);
/* "wf: ..." on standard error. */
void out_say(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The error on standard error; its exit code. */
int out_fail(struct out *out, const struct wf_err *err);

/* ---- how each mode shows: output_human.c, output_json.c, output_quiet.c ------------------------------ */

struct out_ops {
	void (*show)(struct out *out, enum out_kind kind, json_t *doc);
	void (*list_begin)(struct out *out);
	void (*list_page)(struct out *out, json_t *items);
	void (*list_end)(struct out *out, const char *next);
	void (*stream)(struct out *out, enum out_kind kind, json_t *item);
};
extern const struct out_ops out_human, out_json, out_quiet;

#endif
