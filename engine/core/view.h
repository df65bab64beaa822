/* view.h - what may be seen: JSON of runs, steps, tasks, services and the engine, as docs/design/004 gives it
 *
 * Each function appends one whole JSON document (but where it says otherwise) from what is in memory. Nothing here waits, reads a file or
 * posts an event; an answer made of it may leave only after wf_core_when_durable. A run's tasks must be loaded (wf_core_load) where
 * "loaded" is said. Lists stop at page_size items, or earlier when a bounded number of tasks was looked at: `next` says where to go on.
 *
 * history.h has what is not in memory: events, earlier attempts, notes, output.
 */
#ifndef WF_CORE_VIEW_H
#define WF_CORE_VIEW_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/core/core.h"

#define WF_PAGE_DEFAULT 1000
#define WF_PAGE_MAX 10000

/* Remembers what is dear to compute (the estimates of runs). One per user of this door. */
struct wf_view;
struct wf_view *wf_view_create(struct engine *e);
void wf_view_destroy(struct wf_view *v);

void wf_view_engine(struct wf_view *v, struct wf_buf *out);

uint64_t wf_view_number(const struct run *r);
void wf_view_id(const struct run *r, char text[WF_ID_TEXT + 1]);
uint64_t wf_view_rev(const struct run *r);
int wf_view_is_over(const struct run *r);
/* Counts are null where the run is not loaded and never was. `warnings` of the submitted file, or NULL. */
void wf_view_run(struct wf_view *v, struct run *r, json_t *warnings, struct wf_buf *out);

struct wf_run_filter {
	const char *states;            /* names with commas between, NULL: any */
	const char *name;              /* NULL: any */
	const char *page_token;
	uint32_t page_size;
};
int wf_view_runs(struct wf_view *v, const struct wf_run_filter *f, struct wf_buf *out, struct wf_err *err);

/* Loaded. */
struct wf_task_filter {
	const char *states, *classes;  /* names with commas between, NULL: any */
	const char *step;              /* NULL: any */
	const char *page_token;
	uint32_t page_size;
};
int wf_view_tasks(struct wf_view *v, struct run *r, const struct wf_task_filter *f, struct wf_buf *out, struct wf_err *err);
void wf_view_steps(struct wf_view *v, struct run *r, struct wf_buf *out);
void wf_view_graph(struct wf_view *v, struct run *r, struct wf_buf *out);
/* "step" or "step[index]"; the only task of a fan-out of one may leave its index out. */
int wf_view_find_task(const struct run *r, const char *name, uint32_t *instance, uint32_t *index, struct wf_err *err);
void wf_view_task(struct wf_view *v, struct run *r, uint32_t instance, uint32_t index, struct wf_buf *out);

/* Services of one run (loaded), or with NULL of every run that is loaded. */
void wf_view_services(struct wf_view *v, struct run *r, struct wf_buf *out);

/* wdf_diags_json, for those who must not know the language. A new reference. */
json_t *wf_view_findings(const struct wdf_diags *d);

#endif
