/* record.h - everything the engine knows of one run, read once for an export
 *
 *     struct record r;
 *     if (record_read(&r, client, "@last", &err) < 0) ...
 *     record_release(&r);                                whatever was returned
 *
 * A run that still goes on is read as it is now; its parts may be some ms apart.
 */
#ifndef WF_CLI_RECORD_H
#define WF_CLI_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "cli/client.h"
#include "engine/base/hash.h"

/* One time a task ran, or runs. */
struct record_slice {
	uint32_t task;
	json_t *attempt;
	int64_t start_ms, end_ms;      /* end: now, for one that runs */
};

struct record_task {
	json_t *doc;                   /* GET /runs/RUN/tasks/TASK */
	const char *id;
	uint32_t *parents;             /* each once */
	size_t parent_count;
	uint32_t last_slice;           /* of its last attempt that ran; RECORD_NONE */
};
#define RECORD_NONE UINT32_MAX

struct record {
	json_t *run, *engine, *services, *events; /* documents; events: one array of all */
	struct record_task *tasks;
	uint32_t task_count;
	struct record_slice *slices;   /* by start */
	size_t slice_count, slice_cap;
	struct wf_strmap ids;
	int64_t start_ms, end_ms;      /* of the run; end: now, while it goes on */
};

int record_read(struct record *r, struct client *c, const char *run, struct wf_err *err);
void record_release(struct record *r);

/* ---- what is made of it: export_wfformat.c, export_chrome.c ------------------------------------------- */

void export_wfformat(const struct record *r, struct wf_buf *out);
void export_chrome_trace(const struct record *r, struct wf_buf *out);

#endif
