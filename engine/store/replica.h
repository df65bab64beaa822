/* replica.h - one run as plain structs in memory, made from its events alone or from its blobs and
 * rows and the tail
 *
 *     struct replica r = { .notes = batch or NULL };
 *     replica_apply(&r, event, &err) ...           from events: every one, from the first
 *     replica_size(&r, &like);                     from rows: as large as another
 *     wf_store_load_run(s, run, &visitor, &err)    with visitor = replica_visitor(&r)
 *     replica_release(&r);
 *
 * Both go through the same update functions as the live engine; recovery compares the two, or
 * stores the first.
 */
#ifndef WF_STORE_REPLICA_H
#define WF_STORE_REPLICA_H

#include "engine/base/hash.h"
#include "engine/store/store.h"

struct replica_instance {
	uint32_t count;
	struct wf_task *tasks;
	uint64_t *applied; /* per chunk */
};

struct replica {
	struct wf_run run;
	struct wf_batch *notes; /* gets the notes and records that follow; may be NULL */
	struct replica_instance *instances;
	size_t instance_count, instance_cap;
	struct wf_idmap services, members, leases; /* by replica_key of what names them */
	uint64_t events, unknown;      /* applied; passed over: kinds this build does not know */
};

/* -1 with run, number and event named when the machine does not allow it. */
int replica_apply(struct replica *r, const struct wf_event *e, struct wf_err *err);
/* What has no blob has not moved: tasks are there in their first state. */
void replica_size(struct replica *r, const struct replica *like);
struct wf_store_visitor replica_visitor(struct replica *r);
uint64_t replica_tasks(const struct replica *r);
/* Everything of it, as it is after event `seq`, into a batch. */
void replica_store(const struct replica *r, struct wf_batch *b, uint64_t seq);
/* 0 when equal, 1 and the first difference in words. */
int replica_compare(const struct replica *stored, const struct replica *derived,
		    struct wf_buf *difference);
void replica_release(struct replica *r);

/* Keys of the maps. */
static inline uint64_t replica_key(uint32_t a, uint32_t b)
{
	return ((uint64_t)a + 1) << 32 | b;
}

#endif
