/* net.h - nodes with several units each, and edges between them: what circles and longest paths are
 * found on
 *
 * A node is an instance or a service (cycle.c adds services; weight.c has instances alone), a unit
 * one of its tasks. An edge with a dep relates units as the dep says; one without makes every unit
 * of `to` wait for every unit of `from`. An instance without tasks, or with a number of them that
 * is not known yet, is one unit: it still waits for its parents and is waited for.
 *
 *     net_init(&n, nodes); n.count[i] = ...; net_add(&n, ...); net_sort(&n); ... net_release(&n);
 */
#ifndef WF_DAG_NET_H
#define WF_DAG_NET_H

#include "dag/dag.h"

enum net_why {
	NET_AFTER,
	NET_DATA,
	NET_LIST,
	NET_USE
};
struct net_edge {
	uint32_t from, to;
	const struct dag_dep *dep;
	enum net_why why;
	uint8_t whole; /* every unit waits for every unit, whatever the dep's kind */
};

struct net {
	uint32_t node_count;
	uint32_t *count;
	struct net_edge *edges;
	size_t edge_count, edge_cap;
	/* after net_sort */
	uint32_t *in_at, *in, *out_at, *out; /* edge numbers by node */
	uint32_t *part;	 /* strongly connected part; edges never lead to a lower one */
	uint32_t *order; /* nodes by part, then number */
	uint8_t *looped; /* lies on a circle of nodes (which need not be one of units) */
	uint32_t looped_count;
};

void net_init(struct net *n, uint32_t nodes);
void net_release(struct net *n);
void net_add(struct net *n, uint32_t from, uint32_t to, const struct dag_dep *dep,
	     enum net_why why);
void net_add_dag(struct net *n, const struct dag *d, const struct dag_dep *deps, size_t count);
void net_sort(struct net *n);

/* Units of looped nodes in an order that respects the edges within a part. `placed` below `total`:
 * the rest waits in circles. */
struct net_unit {
	uint32_t node, index;
};
struct net_units {
	struct net_unit *order;
	uint32_t placed, total;
	uint32_t *base; /* by node: number of its unit 0; looped nodes only */
	uint8_t *done;	/* by unit number */
};
void net_place(const struct net *n, struct net_units *u);
void net_units_release(struct net_units *u);
/* A unit that unit (node, index) waits for and that was not placed, and the edge; 0 when there is
 * none. */
int net_blocker(const struct net *n, const struct net_units *u, uint32_t node, uint32_t index,
		struct net_unit *blocker, uint32_t *edge);

#endif
