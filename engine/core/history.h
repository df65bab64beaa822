/* history.h - what has to be read before it can be seen: earlier attempts, notes, output, events, the file as submitted; and the backup
 *
 * Each function looks at what is in memory, reads the rest on the store's thread and calls done(arg, answer) once, later, on the loop.
 * answer->body is the whole document (or the raw bytes); it is the callee's and may be taken with wf_buf_take. With answer->err set
 * nothing else is there. The run must be loaded where "loaded" is said, and is kept so until done.
 *
 * What is read from the store is committed; an answer still goes out through wf_core_when_durable, for what it says from memory.
 */
#ifndef WF_CORE_HISTORY_H
#define WF_CORE_HISTORY_H

#include "engine/core/core.h"

#define WF_HISTORY_LOG_MAX (8u << 20)      /* most bytes of output in one answer */
#define WF_HISTORY_EVENTS_MAX 10000

struct wf_answer {
	const struct wf_err *err;      /* NULL: it worked */
	struct wf_buf body;
	/* output */
	uint64_t next;                 /* offset to go on from; of events: the number to go on from */
	uint32_t attempt;              /* whose output it is; 0: the task has none yet */
	uint32_t count;                /* events in the body */
	uint8_t complete;              /* output: nothing will follow */
};
typedef void wf_answer_fn(void *arg, struct wf_answer *answer);

/* Loaded. The task with its attempts, its command as rendered, parameters, inputs, outputs, result and `why`. */
void wf_history_task(struct engine *e, struct run *r, uint32_t instance, uint32_t index, wf_answer_fn *done, void *arg);
/* Loaded. {state, why, because} */
void wf_history_why(struct engine *e, struct run *r, uint32_t instance, uint32_t index, wf_answer_fn *done, void *arg);

struct wf_log_query {
	uint32_t attempt;              /* 0: the last */
	uint8_t errors;                /* stderr, where the step keeps it apart */
	int64_t offset;                /* negative: so many bytes before the end */
	uint32_t limit;
};
/* Loaded. Bytes of an attempt's output, while it runs or after. */
void wf_history_log(struct engine *e, struct run *r, uint32_t instance, uint32_t index, const struct wf_log_query *q, wf_answer_fn *done,
		    void *arg);

/* Loaded. {items:[event], next} of the run's events after `since`. */
void wf_history_events(struct engine *e, struct run *r, uint64_t since, uint32_t limit, wf_answer_fn *done, void *arg);
/* The workflow file as submitted. */
void wf_history_workflow(struct engine *e, struct run *r, wf_answer_fn *done, void *arg);
/* A consistent copy of the database into a new file; {file, bytes}. */
void wf_history_backup(struct engine *e, const char *file, wf_answer_fn *done, void *arg);

#endif
