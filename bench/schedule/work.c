/* work.c - owns a trace as the two sides of the bench need it: flat arrays, and the workflow file that an import makes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/schedule/schedule.h"
#include "engine/base/os.h"
#include "wdf-schema/wfformat_trace.h"

/* first and items of every list, end to end */
static void flatten(uint32_t count, const struct trace_list *lists, uint32_t **first, uint32_t **items)
{
	uint32_t n = 0;

	*first = wf_xcalloc(count + 1, sizeof(**first));
	for (uint32_t i = 0; i < count; i++)
		(*first)[i + 1] = (*first)[i] + (uint32_t)lists[i].count;
	*items = wf_xcalloc((*first)[count] + 1, sizeof(**items));
	for (uint32_t i = 0; i < count; i++)
		for (size_t k = 0; k < lists[i].count; k++)
			(*items)[n++] = lists[i].items[k];
}

static void take(struct work *w, const struct trace *t)
{
	struct trace_list *parents = wf_xcalloc(t->task_count, sizeof(*parents)), *children = wf_xcalloc(t->task_count, sizeof(*children));

	w->count = t->task_count;
	w->ms = wf_xcalloc(w->count, sizeof(*w->ms));
	w->cores = wf_xcalloc(w->count, sizeof(*w->cores));
	for (uint32_t i = 0; i < w->count; i++) {
		w->ms[i] = llround(t->tasks[i].runtime * 1000);
		w->cores[i] = t->tasks[i].cores;
		w->most_cores = w->cores[i] > w->most_cores ? w->cores[i] : w->most_cores;
		parents[i] = t->tasks[i].parents;
		for (size_t k = 0; k < parents[i].count; k++) {
			struct trace_list *c = &children[parents[i].items[k]];

			c->items = wf_grow(c->items, &c->cap, c->count + 1, sizeof(*c->items));
			c->items[c->count++] = i;
		}
	}
	flatten(w->count, parents, &w->first_parent, &w->parent);
	flatten(w->count, children, &w->first_child, &w->child);
	for (uint32_t i = 0; i < w->count; i++)
		free(children[i].items);
	free(children);
	free(parents);
}

int work_read(struct work *w, const char *path, struct wf_err *err)
{
	const struct wfformat_options o = { .time_scale = 1 };
	struct wf_buf text = { 0 };
	struct trace t = { 0 };
	int rc = -1;

	memset(w, 0, sizeof(*w));
	if (wf_file_read(wf_os_posix(), path, WFFORMAT_MAX_BYTES, &text, err) == 0 &&
	    trace_read(&t, text.data, text.len, path, err) == 0 && trace_write(&t, &o, &w->workflow, err) == 0) {
		take(w, &t);
		rc = 0;
	}
	trace_release(&t);
	wf_buf_release(&text);
	return rc;
}

void work_release(struct work *w)
{
	free(w->ms);
	free(w->cores);
	free(w->first_child);
	free(w->child);
	free(w->first_parent);
	free(w->parent);
	wf_buf_release(&w->workflow);
}
