/* words.h - short words about tasks and services that several views share; each appends to a buffer
 *
 * Pure: reads the run, changes nothing, fetches nothing. Private to engine/core.
 */
#ifndef WF_CORE_WORDS_H
#define WF_CORE_WORDS_H

#include "engine/core/engine.h"

#define WORDS_NAME 512

/* "sim[3]"; an index of DAG_UNSIZED names the step alone. Returns out. */
const char *words_name(const struct run *r, uint32_t instance, uint32_t index, char out[WORDS_NAME]);
/* "350 ms", "8 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
void words_duration(struct wf_buf *b, int64_t ms);
/* "512 MiB", "1.5 GiB" */
void words_bytes(struct wf_buf *b, uint64_t bytes);
/* "2", "1.5" */
void words_cores(struct wf_buf *b, uint64_t thousandths);

/* How the last attempt ended, or why the task was skipped, from the record alone: "exit 3", "killed by signal 9", "timed out after 10 min",
 * "skipped: 'simulate[3]' failed". Appends nothing and returns 0 when there is nothing to say. */
int words_reason(struct wf_buf *b, const struct run *r, uint32_t instance, uint32_t index);
/* The same for one attempt. */
int words_attempt(struct wf_buf *b, const struct run *r, uint32_t instance, const struct wf_task *t);
/* An exit code or a signal is known. */
int words_has_exit(const struct wf_task *t);
int words_has_signal(const struct wf_task *t);
/* One word for many tasks: what most wants to be looked at. */
const char *words_step_state(const struct instance *in);
/* "5 succeeded, 3 running" of the states that occur. */
void words_counts(struct wf_buf *b, const uint32_t counts[WF_SEEN_STATES]);
/* What follows "waits for service 'db', which ": "is starting: probe resp has not passed yet". */
void words_service(struct wf_buf *b, const struct engine *e, const struct run *r, uint32_t service);
/* A service that a person should look at. */
int words_service_troubled(const struct service *s);

#endif
