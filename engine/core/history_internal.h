/* history_internal.h - what history.c and its siblings share: one look at what is stored
 *
 * One struct look per question. Its `read` runs on the store's thread and touches only what the look owns; its `show` runs on the loop and may
 * look at the run again, which may have gone meanwhile.
 */
#ifndef WF_CORE_HISTORY_INTERNAL_H
#define WF_CORE_HISTORY_INTERNAL_H

#include "engine/core/engine.h"
#include "engine/core/history.h"
#include "engine/link/output.h"

/* Where an attempt's output is; owns its strings. */
struct source {
	char *log_dir, *user_path;
	struct wf_key key;
	struct wf_log_ref ref;
	uint8_t ended;
};

struct past {                          /* an attempt, with what was noted of it */
	uint32_t attempt;
	struct wf_task task;
	char *reason, *result;
};

struct look {
	struct engine *engine;
	uint64_t number;               /* of the run; 0: none */
	void (*read)(struct look *l, struct wf_store *s);
	void (*show)(struct look *l, struct run *r);
	wf_answer_fn *done;
	void *arg;
	struct wf_answer answer;
	struct wf_err err;
	uint8_t failed;
	/* tasks */
	uint32_t instance, index;
	struct past *past;             /* oldest first, the last one last */
	size_t past_count, past_cap;
	uint8_t only_why, wants_line;
	uint32_t of_instance, of_index, of_attempt; /* whose note and last line explain it; attempt 0: nobody's */
	char *of_reason, *line;
	/* output */
	struct source source;
	struct wf_log_query query;
	/* events */
	uint64_t since;
	uint32_t limit;
	struct wf_event *events;
	size_t event_count, event_cap;
	struct wf_arena texts;
	/* backup */
	char *file;
	uint64_t bytes;
};

/* history.c */
struct look *look_create(struct engine *e, struct run *r, wf_answer_fn *done, void *arg);
void look_start(struct look *l);               /* done is called, and the look is gone, some time later */
void look_fail(struct look *l);                /* l->err says why */
void look_is_read(struct look *l, struct run *r); /* `show` of a body that is whole when it was read */
/* history_output.c */
void source_of(struct engine *e, struct run *r, uint32_t instance, uint32_t index, int errors, struct source *s); /* of the last attempt */
char *source_last_line(struct wf_os *os, const struct source *s); /* that is not blank, fit for a sentence; or NULL */

#endif
