/* plan.h - what the plan's files share: plan.c (its life, what has ended), attach.c (nodes and
 * edges enter), joint.c (news along edges) and verdict.c (what follows)
 *
 * Every condition is a pure function of what has ended, and once it holds or is broken it stays so.
 * So ended() only counts, and marks tasks whose verdict is due; the verdict itself is read from the
 * state when it is asked for. That is why the order in which ended tasks are fed, live or after a
 * restart, cannot change an answer.
 *
 * A task's word:
 *     bits 0-23    conditions not met yet; of a task that was skipped badly, the root of it
 *     bits 24-26   outcome + 1, 0 while it has not ended
 *     STARTED      it runs, or ran
 *     JUDGED       its verdict was given
 *     BROKEN       a condition can no longer hold
 *
 * A joint is what an edge from a whole instance or a group waits for: one per ALL edge, one per
 * group of a BY edge. A node is an instance. A hollow node has no tasks (an empty fan-out, or a
 * list that can never be read): the node itself stands where its tasks would, waits for its parents
 * and passes on how that went.
 *
 * Tolerance: a joint that meets a failure, or a skip rooted in one, blames the root step. Whether
 * the root's `tolerate` covers it is known when the root has ended, or fails once too often; until
 * then the joint is undecided.
 */
#ifndef WF_DAG_PLAN_H
#define WF_DAG_PLAN_H

#include "dag/bits.h"
#include "dag/graph.h"
#include "engine/base/hash.h"

#define COUNT_MASK 0x00ffffffu
#define OUTCOME_AT 24
#define OUTCOME_MASK (7u << OUTCOME_AT)
#define STARTED (1u << 27)
#define JUDGED (1u << 28)
#define BROKEN (1u << 29)

enum holding {
	OPEN, /* not known yet */
	HOLDS,
	UNNEEDED, /* a failure edge whose parent did not fail */
	BREAKS,	  /* can no longer hold */
};

/* Why a condition is broken. Of several, the least: by kind, then index, then root. */
struct blame {
	uint32_t skip;	/* enum dag_skip; NONE: no blame */
	uint32_t index; /* task of the edge's `from`, or NONE: as a whole */
	uint32_t root;
};

struct joint {
	uint32_t edge;
	uint32_t left; /* tasks of `from` that have not ended (edge of result start: not started) */
	uint32_t undecided; /* blamed roots whose `tolerate` may or may not cover it */
	uint8_t state;	    /* enum holding */
	uint8_t failed;	    /* met a failed task */
	struct blame worst;
};

/* A joint that waits for its root's ending. */
struct waiter {
	uint32_t joint, next;
	struct blame blame;
};

enum cover {
	COVER_UNKNOWN,
	COVERED,
	UNCOVERED
};

struct node {
	uint32_t count; /* tasks in the plan */
	uint32_t left;	/* of them not ended */
	uint32_t failed, tolerance;
	uint32_t gates;	  /* edges in that hold as a whole, and have not yet */
	uint32_t waiters; /* + 1: joints that blame this step */
	uint32_t hollow_root;
	uint8_t hollow;		 /* enum holding: how a hollow node came out */
	uint8_t entered;	 /* its tasks are in the plan */
	uint8_t dead;		 /* its list can never be read */
	uint8_t unlisted;	 /* of these, one whose list was there and of no use */
	uint8_t sizing;		 /* DAG_SIZE was given */
	uint8_t broken;		 /* an edge that holds as a whole is broken */
	uint8_t cover;		 /* enum cover: of its failures by its `tolerate` */
	uint8_t may_be_unneeded; /* has an edge of result failure */
	uint8_t run_if_empty;
	uint8_t touched; /* some task started or ended */
};

struct edge {
	uint8_t attached; /* both ends are in the plan */
	uint8_t kind;	  /* enum dag_dep_kind; ALL where an end is hollow */
	uint32_t joint;	  /* first */
	uint32_t *member_at,
		*member; /* BY: tasks of `to` by group; NULL: task g is alone in group g */
};

struct dag_plan {
	const struct dag *d;
	uint32_t *word; /* by ordinal */
	uint32_t task_count;
	struct node *nodes;
	struct edge *edges;
	uint32_t edge_count;
	struct joint *joints;
	size_t joint_count, joint_cap;
	struct waiter *waiters;
	size_t waiter_count, waiter_cap;
	struct wf_idmap waiter_of; /* (joint, root) to waiter + 1 */
	struct bits due;	   /* tasks whose verdict is due */
	struct bits due_nodes;	   /* hollow nodes to look at, dead ones to tell, lists to read */
	int pass_unsized; /* for estimates: a fan-out whose size is not known counts as empty and
			     passed */
};

struct dag_plan *plan_make(const struct dag *d, int pass_unsized);

/* How a condition stands for task `index` of its `to`; the blame when it breaks. */
enum holding plan_condition(const struct dag_plan *p, uint32_t edge, uint32_t index,
			    struct blame *b);
enum holding plan_pair(enum wdf_result result, uint32_t from, uint32_t word, uint32_t index,
		       struct blame *b);

/* joint.c: news along edges. */
void plan_tell(struct dag_plan *p, uint32_t edge,
	       uint32_t index); /* task `index` of its `from` ended, or started */
void plan_gate_down(struct dag_plan *p, uint32_t node); /* one edge less that holds as a whole */
void plan_wake(struct dag_plan *p,
	       uint32_t node); /* everything of it whose verdict can be given is due */
void plan_decide_cover(struct dag_plan *p, uint32_t node, enum cover cover);
void joint_worsen(struct dag_plan *p, uint32_t joint, const struct blame *b);
void joint_break(struct dag_plan *p, uint32_t joint, const struct blame *b);
void joint_blame(struct dag_plan *p, uint32_t joint, const struct blame *b);
void joint_try(struct dag_plan *p, uint32_t joint); /* settle it if nothing is left to wait for */

/* attach.c: nodes and edges enter the plan. */
void plan_enter_sized(struct dag_plan *p);
void plan_pass_hollow(struct dag_plan *p,
		      uint32_t node); /* a hollow node came out: its edges follow */

static inline const struct dag_dep *dep_of(const struct dag_plan *p, uint32_t e)
{
	return &p->d->deps[e];
}

static inline uint32_t first_of(const struct dag_plan *p, uint32_t n)
{
	return p->d->instances[n].first;
}

/* No tasks stand for it: it was sized to none, or can never be sized. */
static inline int is_hollow(const struct dag_plan *p, uint32_t n)
{
	return p->nodes[n].dead || (p->nodes[n].entered && p->nodes[n].count == 0);
}

static inline int has_ended(uint32_t word)
{
	return (word & OUTCOME_MASK) != 0;
}

static inline enum dag_outcome outcome_of(uint32_t word)
{
	return (enum dag_outcome)((word >> OUTCOME_AT & 7u) - 1);
}

#endif
