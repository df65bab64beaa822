/* view_internal.h - what view.c and its siblings share */
#ifndef WF_CORE_VIEW_INTERNAL_H
#define WF_CORE_VIEW_INTERNAL_H

#include "engine/core/engine.h"
#include "engine/core/view.h"
#include "engine/core/writer.h"

struct wf_view {
	struct engine *engine;
	struct wf_idmap estimates;     /* run number to struct estimate */
};

/* The run as everywhere, as a member of the object that is open. */
void view_run(struct wf_view *v, const char *key, struct run *r, struct wf_buf *out);
/* view_task.c: fields of a task without the closing bracket, so that more may follow. `reason` NULL: the short one of the record. */
void view_task_open(struct engine *e, const struct run *r, uint32_t instance, uint32_t index, const char *reason, struct wf_buf *out);
void view_attempt(struct engine *e, const struct run *r, uint32_t instance, uint32_t attempt, const struct wf_task *t, const char *reason,
		  struct wf_buf *out);
const char *view_executor(const struct run *r, uint32_t instance);
/* What was declared of a task: cores, declared time, labels, parents. Members of the object that is open. */
void view_declared(const struct run *r, uint32_t instance, uint32_t index, struct wf_buf *out);
void view_counts(struct wf_buf *out, const char *key, const uint32_t counts[WF_SEEN_STATES], uint32_t total);
/* Bit set of the names in a list with commas; name_of gives the n-th name. `what` names the kind in the error. */
int view_names(const char *list, const char *what, const char *(*name_of)(unsigned i), unsigned count, uint64_t *set, struct wf_err *err);
/* A number of digits only, at most `max`; else WF_USAGE. */
int view_number_of(const char *text, uint64_t max, uint64_t *n, struct wf_err *err);

#endif
