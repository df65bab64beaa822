/* walk.h - pretending to run a graph: estimate.c and listing.c let the plan drive them
 *
 * Create the plan with plan_make(d, 1). Verdicts of kind SKIP are ended at once by walk_skip; what
 * is released is begun, kept in a heap by the time it ends, and ended in that order.
 */
#ifndef WF_DAG_WALK_H
#define WF_DAG_WALK_H

#include "dag/plan.h"

/* Tasks that end together. */
struct batch {
	int64_t at;
	uint64_t number; /* of equal ends, the first begun */
	uint32_t instance, first, count;
};

struct heap {
	struct batch *items;
	size_t count, cap;
	uint64_t pushed;
};

void heap_push(struct heap *h, struct batch b);
struct batch heap_pop(struct heap *h);

void walk_skip(struct dag_plan *p, const struct dag_verdict *v);
void walk_begin(struct dag_plan *p, uint32_t instance, uint32_t first, uint32_t count);
void walk_end(struct dag_plan *p, uint32_t instance, uint32_t first, uint32_t count);

/* listing.c: how long a list schedule by priority and weight takes; 0 cores or memory: no limit. */
int64_t list_schedule(const struct dag *d, uint32_t cores, uint64_t memory);

#endif
