/* graph.h - what the files of this folder share while a graph is made
 *
 * Order of making, the same at submit (dag_build) and when a run-time list is known (dag_size):
 *     expand_instance   each instance in an order that has parents first: dimensions, count
 *     connect_instance  its `after` as deps
 *     graph_name        instances by name
 *     graph_number      ordinals
 *     data_connect      deps from inputs and outputs
 *     copies_check      no more services than a run may have
 *     graph_link        in and out lists, parts, order
 *     copies_find       the services
 *     weigh             longest path from each instance to the end
 */
#ifndef WF_DAG_GRAPH_H
#define WF_DAG_GRAPH_H

#include "dag/dag.h"
#include "engine/base/hash.h"

#define NONE UINT32_MAX

/* A graph while it is being made. */
struct draft {
	struct dag *d;
	struct wdf_diags *diags;
	json_t *sources;
	struct dag_dep *deps; /* the dag's own once linked */
	size_t dep_count, dep_cap;
	uint32_t resized;		/* instance being sized by a run-time list, or NONE */
	const struct wdf_value *values; /* its values */
	uint32_t value_count;
	uint8_t *fresh; /* instances that got their size in this making */
	/* value arrays already made: one range or file is shared by every step that names it */
	struct made {
		const char *source; /* glob or csv; NULL for a range */
		enum wdf_dim_kind kind;
		struct dag_range *range;
		const struct wdf_value *values;
		uint32_t count;
	} * made;
	size_t made_count, made_cap;
};

/* finding.c */
struct wdf_diag *finding(struct wdf_diags *d, const char *code, struct wdf_pos pos, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));
void finding_hint(struct wdf_diag *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_related(struct wdf_diag *f, struct wdf_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* expand.c: dims, count, fans_out, dims_of and sized_by of one instance whose parents have theirs.
 * Count stays DAG_UNSIZED when it hangs on a list that is not known yet. */
int expand_instance(struct draft *dr, uint32_t instance);
/* The values of a range one by one: where they must outlive a scope. */
void range_list(struct wf_arena *a, struct dag_dim *dim);

/* group.c: the fan-out by `by`, and the groups of its deps. */
int group_expand(struct draft *dr, uint32_t instance);
int group_connect(struct draft *dr, uint32_t instance, const struct wdf_after *a,
		  struct dag_dep *dep);
/* Members of each group in order: group g has member[at[g]] .. member[at[g + 1] - 1]. Caller frees
 * both. */
void group_members(const uint32_t *group, uint32_t n, uint32_t groups, uint32_t **at,
		   uint32_t **member);

/* build.c */
struct dag_dep *draft_dep(struct draft *dr, uint32_t from, uint32_t to, enum dag_dep_kind kind,
			  enum wdf_result result, enum dag_dep_cause cause);

/* graph.c */
int graph_number(struct draft *dr);
void graph_name(struct dag *d);
void graph_link(struct draft *dr);
const struct dag_dim *graph_dim(const struct dag_instance *n, const char *name, size_t len);
/* SOME: fills offset and succ from pred_offset and pred. */
void graph_turn(struct dag *d, struct dag_dep *dep);
struct wdf_value value_copy(struct wf_arena *a, const struct wdf_value *v);
#define TASK_NAME 160 /* room for a task's name in a message */

/* path.c: lexical paths. */
void path_join(const char *base, const char *path, size_t n,
	       struct wf_buf *out); /* absolute, without . and .. */

/* data.c */
int data_connect(struct draft *dr);
/* The input of task (to, j) that task (from, i) produces, as written; 0 when there is none. */
int data_why(const struct dag *d, uint32_t from, uint32_t i, uint32_t to, uint32_t j,
	     struct wf_buf *out);

/* cycle.c */
/* Steps and services by `after`, `from` and use; order gets the steps, parents first. -1 with a
 * finding per circle. */
int cycle_check_steps(const struct wdf *w, struct wdf_diags *diags, uint32_t *order);
/* Tasks, with data and services. */
int cycle_check_tasks(const struct draft *dr);

/* copies.c: -1 with a finding when there are more than a run may have. */
int copies_check(struct draft *dr);
void copies_find(struct dag *d);

/* weight.c */
void weigh(struct dag *d);

/* layout.c: rank and order of each instance; arrays of instance_count. Returns the number of ranks.
 */
uint32_t layout(const struct dag *d, uint32_t *rank, uint32_t *order);

/* words for pictures and JSON */
const char *kind_word(enum dag_dep_kind k);
const char *result_word(enum wdf_result r);
const char *cause_word(enum dag_dep_cause c);

#endif
