/* dag.h - the door of the graph: a parsed workflow becomes instances, tasks and edges in flat arrays
 *
 * Facts (struct dag) are immutable but for the sizing of run-time fan-outs. What is still to do lives in struct
 * dag_plan. Neither knows a clock, a file, an event loop or a database; both are pure functions of their
 * input and may be used from any thread, one at a time per object.
 *
 * Words: an instance is one start of a step in a run (in an ordinary run instance i is step i); a task is one unit of
 * an instance, named by (instance, index); its ordinal is dag->instances[i].first + index.
 *
 * Calling sequence:
 *     struct dag *d = dag_build(wdf, sources, workdir, &diags);     NULL: findings say why, with positions
 *     dag_encode(d, &buf) ... dag_decode(wdf, p, n, &err)            what is stored at submit: never derived again
 *     struct dag_plan *p = dag_plan_create(d);
 *     for each task already ended: dag_plan_ended(p, ...)             any order: the result is the same
 *     while (dag_plan_next(p, &v)) act on the verdict
 *     dag_plan_free(p); dag_free(d);
 *
 * Memory: instances, dimensions and edge rules are few; per task the plan holds 4 bytes, an edge of kind SOME
 * 4 bytes in each direction. An all-to-all between two instances costs nothing per task.
 */
#ifndef WF_DAG_H
#define WF_DAG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "wdf-schema/wdf.h"

#define DAG_UNSIZED UINT32_MAX  /* count of a run-time fan-out that is not known yet */
#define DAG_MAX_TASKS 16000000u /* per run */
#define DAG_MAX_SERVICES 10000u /* per run, with those of `scope: step` and `scope: task` counted for each */
#define DAG_SERVICE_NAME 320    /* room for "db (of sim[3])" */

/* ---- facts ---------------------------------------------------------------------------------------- */

struct dag_range {
	int64_t first, step;
};
/* One name of a fan-out with its values, shared by every instance that inherits it. Those of a range are computed when asked for: a
 * million of them would take more memory than their tasks. */
struct dag_dim {
	const char *name;
	const struct wdf_value *values; /* NULL: of `range`, or not known yet */
	const struct dag_range *range;
	uint32_t count;
	uint32_t stride;       /* product: value number of task i is i / stride % count; zip and by: 1 */
};

enum dag_dep_kind {
	DAG_ALL,               /* every task of `from` before any of `to` */
	DAG_EACH,              /* same index waits for same index */
	DAG_BY,                /* tasks of `to` wait for the tasks of `from` in their group */
	DAG_SOME,              /* listed task pairs (edges from data) */
};
enum dag_dep_cause { DAG_BY_AFTER, DAG_BY_DATA, DAG_BY_LIST /* foreach from: sized by it */ };

struct dag_dep {
	uint32_t from, to;     /* instances */
	enum dag_dep_kind kind;
	enum wdf_result result;
	enum dag_dep_cause cause;
	/* BY: group of each task, and how many tasks of `from` each group has */
	const uint32_t *from_group, *to_group, *group_size;
	uint32_t group_count;
	/* SOME: successors of task i of `from` are succ[offset[i]] .. succ[offset[i + 1] - 1], indices in `to` */
	const uint32_t *offset, *succ;
	/* SOME, the other direction: predecessors of task i of `to`, indices in `from`, ascending */
	const uint32_t *pred_offset, *pred;
	uint32_t after;        /* entry of the step's `after` that made it; UINT32_MAX: data or list */
};

struct dag_instance {
	const char *name;      /* step name, "name_2" for a later instance in a session */
	uint32_t step;         /* index in wdf->steps */
	uint32_t first;        /* ordinal of task 0; set when sized */
	uint32_t count;        /* tasks, or DAG_UNSIZED */
	uint8_t fans_out;      /* written step[index]; otherwise there is one task, written step */
	uint32_t dims_of;      /* instance whose fan-out this one inherits (itself when it has its own or none) */
	const struct dag_dim *dims;
	uint32_t dim_count;
	const uint32_t *in, *out; /* indices into deps */
	uint32_t in_count, out_count;
	int64_t time_ms;       /* declared time of one task; 0 when none was declared */
	uint64_t weight;       /* length of the longest path from here to the end, this step included */
	uint64_t urgency;      /* of equal priority the more urgent starts first: the weight, or what dag_find_urgency found */
	uint32_t sized_by;     /* instance whose run-time list decides the count (maybe itself); UINT32_MAX: none */
	uint32_t part;         /* instances that lead to each other by data share a part; deps never lead to a lower one */
};

/* One service of the run. */
struct dag_service {
	uint32_t declared;     /* index in wdf->services */
	uint32_t instance;     /* the step whose own it is; DAG_UNSIZED: the run's */
	uint32_t index;        /* the task whose own it is; DAG_UNSIZED: the step's, or the run's */
};

struct dag {
	const struct wdf *wdf; /* borrowed: outlives the dag */
	struct dag_instance *instances;
	uint32_t instance_count;
	struct dag_dep *deps;
	uint32_t dep_count;
	uint32_t task_count;   /* of all sized instances */
	uint8_t timed;         /* some step declared a time: weights are ms; otherwise steps count 1 each */
	struct wf_arena arena;
	const char *workdir;   /* against which data paths are resolved */
	const uint32_t *order; /* instances, parents first; within one part by index */
	const uint32_t *sized; /* instances that have tasks, by first ordinal */
	uint32_t sized_count;
	struct wf_strmap by_name; /* instances */
	const struct dag_service *services; /* sizing a run-time fan-out adds to the end, and moves none */
	uint32_t service_count;
	const uint32_t *service_at; /* per declaration and instance (and the run): the first of its services */
};

/* Expand and connect. `sources` is the answer of wdf_source_read (NULL when the file needs none); `workdir` the absolute submit
 * directory against which data paths are resolved. Finds cycles (after, data, services' after) and prints the path, two tasks with
 * one output, `each` between fan-outs of different size, by-names the parent lacks, more than DAG_MAX_TASKS tasks or DAG_MAX_SERVICES
 * services. */
struct dag *dag_build(const struct wdf *w, json_t *sources, const char *workdir, struct wdf_diags *d);
void dag_free(struct dag *d);

/* Size a run-time fan-out (and every instance that inherits it) with these records or scalars. Tasks get the ordinals after the last;
 * edges from data are found for them too. WF_INVALID when the sum of tasks passes the bound or paths clash. */
int dag_size(struct dag *d, uint32_t instance, const struct wdf_value *values, uint32_t count, struct wf_err *err);

/* Look for an order of instances in which so many cores end sooner than by weight; declared times are taken for true. For graphs of some
 * thousand tasks that are all sized, otherwise urgency becomes the weight. The one fact about a dag that depends on where it runs. */
void dag_find_urgency(struct dag *d, uint32_t cores);

/* Stored form of what was expanded (values, counts, edges): dag_decode(dag_encode(d)) equals d. Damage is WF_CORRUPT. */
void dag_encode(const struct dag *d, struct wf_buf *b);
struct dag *dag_decode(const struct wdf *w, const void *p, size_t n, struct wf_err *err);

/* "sim" or "sim[12]" into out; the number of characters. */
int dag_task_name(const struct dag *d, uint32_t instance, uint32_t index, char *out, size_t size);
/* The reverse; an unknown name is WF_NOT_FOUND with the nearest. "sim" of a fanned-out instance gives index DAG_UNSIZED. */
int dag_task_find(const struct dag *d, const char *name, uint32_t *instance, uint32_t *index, struct wf_err *err);
/* Does the instance need what is declared there: does its step use it, or a service that comes after it? */
int dag_needs_service(const struct dag *d, uint32_t instance, uint32_t service);
/* The same of two declarations: who uses `from` needs `service`, it or what it comes after. */
int dag_service_reaches(const struct wdf *w, uint32_t from, uint32_t service);
/* Which of the services declared there a task finds; index DAG_UNSIZED: the step as a whole, instance DAG_UNSIZED: the run. Answers
 * DAG_UNSIZED for none, as each task has its own, or its fan-out has no size yet. */
uint32_t dag_service_of(const struct dag *d, uint32_t service, uint32_t instance, uint32_t index);
/* "db", "db (of sim)" or "db (of sim[3])" into out; the number of characters. */
uint32_t dag_service_name(const struct dag *d, uint32_t service, char *out, size_t size);
/* Instance that holds an ordinal. */
uint32_t dag_task_instance(const struct dag *d, uint32_t ordinal);

/* Value number i; of a range it is made in `room`. */
struct dag_room {
	struct wdf_value value;
	char text[24];
};
const struct wdf_value *dag_dim_value(const struct dag_dim *dim, uint32_t i, struct dag_room *room);
enum { DAG_COMPUTED = 8 };             /* names of an instance behind this many have all their values in memory */

/* Names in reach of one task's templates: its fan-out values, then params, then whatever `next` knows (SESSION, STEP, step.tasks,
 * step.result). Valid while the dag lives; values that were computed, while the scope does. */
struct dag_scope {
	const struct dag *dag;
	uint32_t instance, index;
	const struct wdf_scope *next;  /* may be NULL */
	struct dag_room room[DAG_COMPUTED];
};
struct wdf_scope dag_scope_of(struct dag_scope *s);
/* Fan-out values of a task in order: names and values, the latter valid during the call. */
void dag_task_values(const struct dag *d, uint32_t instance, uint32_t index,
		     void (*fn)(const char *name, const struct wdf_value *v, void *arg), void *arg);

/* Parents of one task, for `explain`: calls fn for each (a whole instance is index DAG_UNSIZED). fn returns non-zero to stop. With index
 * DAG_UNSIZED: those of the instance. */
void dag_task_parents(const struct dag *d, uint32_t instance, uint32_t index,
		      int (*fn)(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg), void *arg);

/* ---- plan: want, ready, finish, skip ------------------------------------------------------------------ */

struct dag_plan; /* opaque */

enum dag_outcome {
	DAG_SUCCEEDED,
	DAG_FAILED,
	DAG_SKIPPED,           /* by its own `when`, or an empty fan-out with if_empty run: satisfies success */
	DAG_SKIPPED_BAD,       /* because a parent failed or was skipped so: satisfies only `any` */
	DAG_CANCELED,          /* satisfies only `any` */
};

enum dag_verdict_kind {
	DAG_RELEASE,           /* every condition holds: the task may start (core still evaluates `when`) */
	DAG_SKIP,              /* a condition can no longer hold */
	DAG_SIZE,              /* the list of a run-time fan-out can be read now: call dag_size, then dag_plan_sized, or dag_plan_unlisted */
};
enum dag_skip { DAG_SKIP_PARENT_FAILED, DAG_SKIP_PARENT_SKIPPED, DAG_SKIP_EMPTY, DAG_SKIP_NOT_NEEDED /* failure edge, parent fine */ };

/* One verdict for tasks first .. first+count-1 of an instance. Each task gets exactly one RELEASE or SKIP in the life of a plan, but for
 * tasks that ended before they got one (canceled). A SKIP of 0 tasks is of an instance whose run-time list can never be read (and of
 * each that inherits it): its count stays DAG_UNSIZED, and nothing more comes of it.
 *
 * PARENT_FAILED names a task that failed; PARENT_SKIPPED one that was skipped badly or canceled, or an instance without a list. EMPTY and
 * NOT_NEEDED name the instance as a whole; for EMPTY root_instance is the empty one, to be given back with DAG_SKIPPED_BAD. NOT_NEEDED is said once all other edges hold.
 *
 * An empty fan-out that runs what follows still waits for its own parents first. A failure makes a group (BY) wait for the end of the whole
 * step, because only then is it known whether `tolerate` covers it. */
struct dag_verdict {
	enum dag_verdict_kind kind;
	uint32_t instance, first, count;
	enum dag_skip skip;
	uint32_t cause_instance, cause_index; /* SKIP: the parent to name (index DAG_UNSIZED: the instance as a whole) */
	uint32_t root_instance;               /* SKIP_PARENT_*: the instance whose failure began it */
};

struct dag_plan *dag_plan_create(const struct dag *d);
void dag_plan_free(struct dag_plan *p);
/* A task reached an outcome. For DAG_SKIPPED_BAD `root` is the root_instance of its verdict (else ignored): a skip rooted in failures that
 * the root step's `tolerate` covers satisfies `success` of edges that join a whole instance or a group (ALL, BY). */
void dag_plan_ended(struct dag_plan *p, uint32_t instance, uint32_t index, enum dag_outcome o, uint32_t root);
/* A task's attempt runs for the first time (edges with result start). */
void dag_plan_started(struct dag_plan *p, uint32_t instance, uint32_t index);
/* dag_size was called for this instance; its tasks (and the inheritors') enter the plan. To be called before anything else is asked of it. */
void dag_plan_sized(struct dag_plan *p, uint32_t instance);
/* Or its list cannot be used: as if it could never be read, with itself as the root of what is skipped for it. Its count stays DAG_UNSIZED: a
 * plan made anew asks for the list once more. */
void dag_plan_unlisted(struct dag_plan *p, uint32_t instance);
/* Next verdict, in a stable order; 0 when there is none now. */
int dag_plan_next(struct dag_plan *p, struct dag_verdict *v);
/* More tasks of this instance failed than its step tolerates. */
int dag_plan_intolerable(const struct dag_plan *p, uint32_t instance);
size_t dag_plan_bytes(const struct dag_plan *p);

/* ---- before it runs: what `wf plan` says ------------------------------------------------------------- */

struct dag_estimate {
	uint32_t tasks, steps, unsized;
	uint64_t edges;                /* as written out: an all-to-all of 10 and 20 counts 200 */
	uint32_t depth;                /* longest chain, in tasks */
	uint32_t width;                /* most tasks on one level */
	int64_t work_ms;               /* sum of declared task times x ranks */
	int64_t core_ms;               /* the same weighted by cores */
	int64_t critical_ms;           /* longest path */
	int64_t makespan_ms;           /* list schedule by urgency on `cores` and `memory`, pools and parallel respected */
	const uint32_t *path;          /* instances along the critical path; in the dag's arena */
	uint32_t path_count;
};
void dag_estimate(struct dag *d, uint32_t cores, uint64_t memory, struct dag_estimate *e);

/* ---- pictures ----------------------------------------------------------------------------------------- */

/* Step-level graph; state_of gives a word per instance ("succeeded 3/8") or NULL. Services are drawn beside their users. */
void dag_dot(const struct dag *d, const char *(*state_of)(uint32_t instance, void *arg), void *arg, struct wf_buf *out);
void dag_mermaid(const struct dag *d, const char *(*state_of)(uint32_t instance, void *arg), void *arg, struct wf_buf *out);
/* {nodes:[{id, step, count, rank, order, x, y}], edges:[{from, to, kind, result, cause}], services:[...]}: layered, with coordinates. */
json_t *dag_json(const struct dag *d);

#endif
