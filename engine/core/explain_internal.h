/* explain_internal.h - what explain.c and its siblings share: the task asked about, the sentence, and what it rests on */
#ifndef WF_CORE_EXPLAIN_INTERNAL_H
#define WF_CORE_EXPLAIN_INTERNAL_H

#include "engine/core/explain.h"

enum { EXPLAIN_CHAIN = 32, EXPLAIN_NAMED = 20 };

struct node {
	uint32_t instance, index;      /* index DAG_UNSIZED: the step as a whole */
};

/* What the sentence rests on. */
struct why {
	struct engine *engine;
	struct run *run;
	const struct explain_extra *extra;
	struct wf_buf *say;            /* the sentence */
	struct wf_buf *list;           /* items of `because`, or NULL */
	uint32_t listed;
};

/* explain.c */
void explain_one(struct why *w, const struct node *n);
void explain_add_node(struct why *w, const struct node *n, const char *text);
void explain_add_service(struct why *w, uint32_t service);
/* explain_ready.c */
void explain_ready(struct why *w, const struct node *n);
/* explain_waiting.c: as the cause of another, its own parents were followed already */
void explain_waiting(struct why *w, const struct node *n);
void explain_waiting_short(struct why *w, const struct node *n);

static inline const struct wdf_step *explain_step(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

#endif
