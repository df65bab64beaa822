/* links.c - owns the question whether steps and services wait for each other in a circle. Edges that follow from files are the DAG's.
 *
 * A step waits for what its `after` and its fan-out's `from` name and for the services it uses; a service for what its `after` names.
 * One depth-first walk with a stack of its own: a file may hold a chain of 100,000 steps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/read.h"

struct graph {
	const struct wdf *w;
	uint32_t nodes;
	uint32_t *first;   /* of each node's edges; nodes + 1 entries */
	uint32_t *to;
	uint8_t *colour;   /* 0 unseen, 1 on the path, 2 done */
	uint32_t *path, *next;
	size_t depth;
	uint32_t *order;   /* steps, what is waited for first */
	uint32_t ordered;
	int reported;
};

static uint32_t count_edges(const struct wdf *w, uint32_t node, uint32_t *to)
{
	const struct wdf_step *s = node < w->step_count ? &w->steps[node] : NULL;
	const struct wdf_service *v = s ? NULL : &w->services[node - w->step_count];
	const struct wdf_after *after = s ? s->after : v->after;
	uint32_t count = s ? s->after_count : v->after_count, n = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t target = after[i].step != WDF_NONE ? after[i].step : w->step_count + after[i].service;

		if (to)
			to[n] = target;
		n++;
	}
	for (uint32_t i = 0; s && i < s->dim_count; i++)
		if (s->dims[i].kind == WDF_DIM_FROM && s->dims[i].from_step != WDF_NONE) {
			if (to)
				to[n] = s->dims[i].from_step;
			n++;
		}
	for (uint32_t i = 0; s && i < s->use_count; i++) {
		if (to)
			to[n] = w->step_count + s->uses[i].service;
		n++;
	}
	return n;
}

static const char *node_name(const struct wdf *w, uint32_t node, struct wdf_pos *pos)
{
	const char *name;

	if (node < w->step_count) {
		*pos = w->steps[node].pos;
		name = w->steps[node].name;
	} else {
		*pos = w->services[node - w->step_count].pos;
		name = w->services[node - w->step_count].name;
	}
	return name ? name : "?";
}

/* The path from `node` round to `node`. */
static void report(struct wdf_load *l, const struct graph *g, uint32_t node)
{
	enum { MOST = 30 };
	struct wf_buf b = { 0 };
	struct wdf_pos pos, first;
	size_t at = 0;
	const char *name = node_name(g->w, node, &first);

	while (g->path[at] != node)
		at++;
	if (at + 1 == g->depth) {
		wdf_find(l->d, WDF_CYCLE, first, 1, "'%s' waits for itself", name);
		return;
	}
	for (size_t i = at; i < g->depth; i++) {
		const char *step = node_name(g->w, g->path[i], &pos);

		if (i - at == MOST) {
			wf_buf_printf(&b, "... (%zu more) > ", g->depth - i);
			break;
		}
		wf_buf_printf(&b, "%s%s (%u:%u) > ", g->path[i] >= g->w->step_count ? "service " : "", step, pos.line,
			      pos.column);
	}
	wdf_hint(wdf_find(l->d, WDF_CYCLE, first, 1, "'%s' waits for itself: %s%s", name, wf_buf_cstr(&b), name),
		 "each waits for the next");
	wf_buf_release(&b);
}

static int walk(struct wdf_load *l, struct graph *g, uint32_t root)
{
	int rc = 0;

	g->path[0] = root;
	g->next[0] = g->first[root];
	g->depth = 1;
	g->colour[root] = 1;
	while (g->depth) {
		uint32_t node = g->path[g->depth - 1], target;

		if (g->next[g->depth - 1] == g->first[node + 1]) {
			g->colour[node] = 2;
			if (node < g->w->step_count)
				g->order[g->ordered++] = node;
			g->depth--;
			continue;
		}
		target = g->to[g->next[g->depth - 1]++];
		if (g->colour[target] == 1) {
			if (g->reported++ < WDF_MAX_ERRORS)
				report(l, g, target);
			rc = -1;
		} else if (g->colour[target] == 0) {
			g->colour[target] = 1;
			g->path[g->depth] = target;
			g->next[g->depth++] = g->first[target];
		}
	}
	return rc;
}

uint32_t *wdf_check_links(struct wdf_load *l)
{
	struct graph g = { .w = l->w, .nodes = l->w->step_count + l->w->service_count };
	uint32_t edges = 0;
	int rc = 0;

	g.first = wf_xcalloc(g.nodes + 1u, sizeof(*g.first));
	for (uint32_t i = 0; i < g.nodes; i++) {
		g.first[i] = edges;
		edges += count_edges(g.w, i, NULL);
	}
	g.first[g.nodes] = edges;
	g.to = wf_xcalloc(edges + 1u, sizeof(*g.to));
	for (uint32_t i = 0; i < g.nodes; i++)
		count_edges(g.w, i, g.to + g.first[i]);
	g.colour = wf_xcalloc(g.nodes + 1u, 1);
	g.path = wf_xcalloc(g.nodes + 1u, sizeof(*g.path));
	g.next = wf_xcalloc(g.nodes + 1u, sizeof(*g.next));
	g.order = wf_xcalloc(g.nodes + 1u, sizeof(*g.order));
	for (uint32_t i = 0; i < g.nodes; i++)
		if (g.colour[i] == 0 && walk(l, &g, i) < 0)
			rc = -1;
	free(g.first);
	free(g.to);
	free(g.colour);
	free(g.path);
	free(g.next);
	if (rc < 0) {
		free(g.order);
		return NULL;
	}
	return g.order;
}
