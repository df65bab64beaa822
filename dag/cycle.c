/* cycle.c - owns finding what waits for itself, and saying so by name; knows nothing of how the
 * edges came about.
 *
 * Twice: on steps and services before anything is expanded (a circle there leaves no order to
 * expand in), and on tasks when edges from data are known. A circle of steps need not be one of
 * tasks: a[1] may need what b[0] wrote and b[1] what a[1] wrote.
 */
#include "dag/graph.h"

#include <stdlib.h>
#include <string.h>

#include "dag/net.h"

/* Nodes are the steps (or instances), then the services. */
static void add_services(struct net *n, const struct wdf *w)
{
	for (uint32_t i = 0; i < w->service_count; i++) {
		const struct wdf_service *s = &w->services[i];

		n->count[w->step_count + i] = 1;
		for (uint32_t k = 0; k < s->after_count; k++)
			net_add(n,
				s->after[k].step != NONE ? s->after[k].step
							 : w->step_count + s->after[k].service,
				w->step_count + i, NULL, NET_AFTER);
	}
	for (uint32_t i = 0; i < w->step_count; i++)
		for (uint32_t k = 0; k < w->steps[i].use_count; k++)
			net_add(n, w->step_count + w->steps[i].uses[k].service, i, NULL, NET_USE);
}

/* ---- saying it ------------------------------------------------------------------------- */

struct link {
	struct net_unit unit; /* waits for the next link's unit */
	uint32_t edge;
};

static void say_unit(const struct wdf *w, const struct dag *d, struct net_unit u,
		     struct wf_buf *out)
{
	char name[TASK_NAME];

	if (u.node >= w->step_count) {
		wf_buf_printf(out, "service '%s'", w->services[u.node - w->step_count].name);
	} else if (d) {
		uint32_t count = d->instances[u.node].count;

		dag_task_name(d, u.node, count && count != DAG_UNSIZED ? u.index : DAG_UNSIZED,
			      name, sizeof(name));
		wf_buf_printf(out, "'%s'", name);
	} else {
		wf_buf_printf(out, "'%s'", w->steps[u.node].name);
	}
}

static void say_verb(const struct net *n, const struct dag *d, const struct link *l,
		     struct net_unit next, struct wf_buf *out)
{
	struct wf_buf path = { 0 };

	switch (n->edges[l->edge].why) {
	case NET_AFTER:
		wf_buf_str(out, " waits for ");
		break;
	case NET_LIST:
		wf_buf_str(out, " fans out over a list of ");
		break;
	case NET_USE:
		wf_buf_str(out, " uses ");
		break;
	case NET_DATA:
		if (d && data_why(d, next.node, next.index, l->unit.node, l->unit.index, &path))
			wf_buf_printf(out, " needs '%s' of ", wf_buf_cstr(&path));
		else
			wf_buf_str(out, " needs a file of ");
		wf_buf_release(&path);
		break;
	}
}

/* chain[0] waits for chain[1] ... waits for chain[0]. A long circle is told by its beginning. */
static void say_circle(const struct net *n, const struct wdf *w, const struct dag *d,
		       const struct link *chain, size_t count, struct wdf_diags *diags)
{
	enum { TOLD = 12 };
	struct wf_buf text = { 0 };
	struct wdf_pos pos = { 0, 0 };

	say_unit(w, d, chain[0].unit, &text);
	for (size_t i = 0; i < count; i++) {
		const struct link *next = &chain[(i + 1) % count];

		if (i == TOLD && count > TOLD + 1) {
			wf_buf_printf(&text, ", and so on over %zu more until ", count - TOLD - 1);
			say_unit(w, d, chain[0].unit, &text);
			break;
		}
		wf_buf_str(&text, i ? ", which" : "");
		say_verb(n, d, &chain[i], next->unit, &text);
		say_unit(w, d, next->unit, &text);
	}
	for (size_t i = 0; i < count && !pos.line; i++)
		pos = chain[i].unit.node < w->step_count
			      ? w->steps[chain[i].unit.node].pos
			      : w->services[chain[i].unit.node - w->step_count].pos;
	finding_hint(finding(diags, "E0306", pos, "dependency cycle: %s", wf_buf_cstr(&text)),
		     "none of these could ever start; take one of them out of the circle");
	wf_buf_release(&text);
}

/* From a unit that was not placed, walk to one it waits for, until one comes twice. */
static void follow(const struct net *n, const struct net_units *u, const struct wdf *w,
		   const struct dag *d, struct net_unit at, struct wdf_diags *diags, uint8_t *told)
{
	uint32_t *seen = wf_xcalloc(u->total, sizeof(*seen)); /* place in chain + 1 */
	struct link *chain = NULL;
	size_t count = 0, cap = 0, first, least;

	while (!seen[u->base[at.node] + at.index]) {
		struct link l = { .unit = at };

		seen[u->base[at.node] + at.index] = (uint32_t)count + 1;
		if (!net_blocker(n, u, l.unit.node, l.unit.index, &at, &l.edge))
			WF_BUG("a task outside the order waits for nothing");
		chain = wf_grow(chain, &cap, count + 1, sizeof(*chain));
		chain[count++] = l;
	}
	first = seen[u->base[at.node] + at.index] - 1;
	/* Begin where the file does, so that the same circle reads the same. */
	least = first;
	for (size_t i = first; i < count; i++)
		if (chain[i].unit.node < chain[least].unit.node)
			least = i;
	{
		struct link *circle = wf_xmalloc((count - first) * sizeof(*circle));

		for (size_t i = 0; i < count - first; i++)
			circle[i] = chain[first + (least - first + i) % (count - first)];
		say_circle(n, w, d, circle, count - first, diags);
		free(circle);
	}
	told[n->part[at.node]] = 1;
	free(chain);
	free(seen);
}

/* One finding per part that holds a circle. */
static int find_circles(const struct net *n, const struct wdf *w, const struct dag *d,
			struct wdf_diags *diags)
{
	struct net_units u;
	uint8_t *told;
	int found = 0;

	if (!n->looped_count)
		return 0;
	net_place(n, &u);
	told = wf_xcalloc(n->node_count, 1);
	for (uint32_t v = 0; v < n->node_count && u.placed < u.total; v++)
		for (uint32_t i = 0; n->looped[v] && !told[n->part[v]] && i < n->count[v]; i++)
			if (!u.done[u.base[v] + i] && ++found)
				follow(n, &u, w, d, (struct net_unit){ v, i }, diags, told);
	free(told);
	net_units_release(&u);
	return found ? -1 : 0;
}

/* ---- the two checks -------------------------------------------------------------------- */

int cycle_check_steps(const struct wdf *w, struct wdf_diags *diags, uint32_t *order)
{
	struct net n;
	uint32_t at = 0;
	int rc;

	net_init(&n, w->step_count + w->service_count);
	for (uint32_t i = 0; i < w->step_count; i++) {
		const struct wdf_step *s = &w->steps[i];

		n.count[i] = 1;
		for (uint32_t k = 0; k < s->after_count; k++)
			if (s->after[k].step != NONE)
				net_add(&n, s->after[k].step, i, NULL, NET_AFTER);
		for (uint32_t k = 0; k < s->dim_count; k++)
			if (s->dims[k].kind == WDF_DIM_FROM)
				net_add(&n, s->dims[k].from_step, i, NULL, NET_LIST);
	}
	add_services(&n, w);
	net_sort(&n);
	rc = find_circles(&n, w, NULL, diags);
	for (uint32_t i = 0; i < n.node_count; i++)
		if (n.order[i] < w->step_count)
			order[at++] = n.order[i];
	net_release(&n);
	return rc;
}

int cycle_check_tasks(const struct draft *dr)
{
	const struct dag *d = dr->d;
	struct net n;
	int rc;

	net_init(&n, d->instance_count + d->wdf->service_count);
	net_add_dag(&n, d, dr->deps, dr->dep_count);
	add_services(&n, d->wdf);
	net_sort(&n);
	rc = find_circles(&n, d->wdf, d, dr->diags);
	net_release(&n);
	return rc;
}
