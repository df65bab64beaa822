/* wfformat_trace.h - a trace, whatever version it came in; between the files of WfFormat */
#ifndef WF_WDF_WFFORMAT_TRACE_H
#define WF_WDF_WFFORMAT_TRACE_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/hash.h"
#include "wdf-schema/wfformat.h"

#define TRACE_NONE UINT32_MAX

struct trace_list {
	uint32_t *items;
	size_t count, cap;
};

struct trace_file {
	const char *id;
	int64_t size;
	uint32_t writer;               /* first task that writes it; TRACE_NONE: it was there before */
};

struct trace_task {
	const char *id, *name;
	double runtime;                /* seconds */
	uint32_t cores;
	struct trace_list parents, reads, writes;
};

/* Texts belong to `doc`, but for those made in the arena. */
struct trace {
	json_t *doc;
	struct wf_arena arena;
	const char *name, *version;
	struct trace_task *tasks;
	uint32_t task_count;
	struct trace_file *files;
	size_t file_count, file_cap;
	struct wf_strmap ids, names, file_ids;
};

/* wfformat_read.c. Release it whatever was returned. */
int trace_read(struct trace *t, const char *text, size_t n, const char *file, struct wf_err *err);
void trace_release(struct trace *t);

/* wfformat_write.c */
int trace_write(const struct trace *t, const struct wfformat_options *o, struct wf_buf *out, struct wf_err *err);

/* wfformat_place.c: where the value at path ("workflow.tasks[3].runtime") stands in a text that is valid JSON; of what
 * is not there, the nearest that contains it. From 1. */
void trace_place(const char *text, size_t n, const char *path, size_t *line, size_t *column);

#endif
