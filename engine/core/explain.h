/* explain.h - why a task waits, failed or was skipped: one sentence first, then what it rests on, first cause first
 *
 * Pure but for `extra`, which the caller has fetched: reads the run (loaded), changes nothing. Private to engine/core; the API comes here
 * through history.h.
 */
#ifndef WF_CORE_EXPLAIN_H
#define WF_CORE_EXPLAIN_H

#include "engine/core/engine.h"

struct explain_extra {
	const char *reason;            /* note of the last attempt, or NULL */
	const char *last_line;         /* of its output, or NULL */
};
/* The sentence alone. */
void explain_sentence(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct explain_extra *x, struct wf_buf *out);
/* {state, why, because:[{task or service, state, text}]} */
void explain(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct explain_extra *x, struct wf_buf *out);
/* Whose note and last line of output would tell more about this task: itself, or the failure that it was skipped for. 0 when nobody's. */
int explain_wants(const struct run *r, uint32_t instance, uint32_t index, uint32_t *of_instance, uint32_t *of_index);

#endif
