/* schedule.h - how well tasks are put on cores: the production core against list schedules of the same trace
 *
 *     struct work w;
 *     work_read(&w, "trace.json", &err);                  a WfFormat trace, and the workflow file that `wf import` makes of it
 *     core_makespan(&w, cores)                            the engine's own, in simulated time
 *     list_makespan(&w, cores, LIST_FIFO), ...
 *     best_known(&w, cores), lower_bound(&w, cores)
 *     work_release(&w);
 *
 * Identical cores, no transfers, no failures, runtimes as recorded. All in ms; the same every time.
 */
#ifndef WF_BENCH_SCHEDULE_H
#define WF_BENCH_SCHEDULE_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

struct work {
	uint32_t count;
	int64_t *ms;                   /* by task */
	uint32_t *cores;
	uint32_t most_cores;           /* that one task needs */
	/* children of task i: child[first_child[i]] .. child[first_child[i + 1] - 1]; parents alike */
	uint32_t *first_child, *child, *first_parent, *parent;
	struct wf_buf workflow;        /* text for the engine */
};

int work_read(struct work *w, const char *path, struct wf_err *err);
void work_release(struct work *w);

/* core.c */
int64_t core_makespan(const struct work *w, uint32_t cores);

/* list.c */
enum list_policy { LIST_FIFO, LIST_BLEVEL };
int64_t list_makespan(const struct work *w, uint32_t cores, enum list_policy p);
int64_t best_known(const struct work *w, uint32_t cores, int64_t known);
int64_t lower_bound(const struct work *w, uint32_t cores);

#endif
