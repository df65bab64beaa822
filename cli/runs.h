/* runs.h - requests about runs that several commands make, and following a run to its end */
#ifndef WF_CLI_RUNS_H
#define WF_CLI_RUNS_H

#include <jansson.h>
#include <stdint.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"

/* GET /runs/RUN/<what>; what NULL: the run itself. A new reference. */
json_t *run_get(struct client *c, const char *run, const char *what, struct wf_err *err);
/* POST /runs/RUN:<verb>. */
json_t *run_verb(struct client *c, const char *run, const char *verb, struct wf_err *err);

/* For a command that applies one verb to each operand: prints each run; the exit code. */
int runs_apply(const struct args *args, struct out *out, const char *verb);

/* All pages of a list, shown as they come, at most `limit` items (0: all). `url` has its filters already. The exit
 * code. */
int list_pages(struct client *c, struct out *out, enum out_kind kind, struct wf_buf *url, int64_t limit);

/* Follow a run until it ended. The engine may be killed and started again meanwhile: we wait for it, and start it
 * ourselves when its process has died; one that was stopped on purpose is waited for a minute. */
struct follow {
	struct client *client;
	const char *run;
	int64_t deadline_ms;                    /* monotonic; 0: none */
	int poll_s;                             /* longest time that one request waits for a change; 0: as long as allowed */
	/* All may be NULL. The document is borrowed. on_change also comes when poll_s passed without one; it returns non-zero to stop. */
	int (*on_change)(json_t *run, void *arg);
	void (*on_lost)(const struct wf_err *err, void *arg);
	void (*on_back)(void *arg);
	void *arg;
};
/* The run as it ended (or as it was when on_change stopped), a new reference; NULL: err, WF_STILL when the deadline
 * passed first. */
json_t *follow_run(struct follow *f, struct wf_err *err);

/* For people, about a run that was followed to its end: what they can do now, when it failed. */
void follow_hint(struct out *out, json_t *run);

/* "2m" to a deadline on the monotonic clock; 0 when text is NULL. WF_USAGE when it is no time. */
int follow_deadline(const char *text, int64_t *deadline_ms, struct wf_err *err);

/* While a run is followed, Ctrl-C says that it goes on, ends this program with 130 and does not touch the run. What
 * must be written to the terminal before such an end: a literal, or NULL. */
void detach_restores(const char *escapes);

/* live.c: show a run as it goes, until it ended: redrawn on a terminal, a line now and then elsewhere. The ended run or
 * NULL. */
json_t *live_watch(struct client *c, const char *run, struct out *out, struct wf_err *err);

#endif
