/* walk.h - from node to node of the graph, along living links of a kind
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_WALK_H
#define NFQ_WALK_H

#include "nfq/graph.h"

#define WALK_DEPTH_MAX 8	/* links of an alias chain; resolvers stop at about as many */
#define WALK_NODES_MAX 256	/* found by one walk */
#define WALK_LOOKS_MAX 4096	/* links looked at in one walk */

/* A walk: the nodes found so far, each once, with the time until which the way to it holds. */
struct walk {
	struct graph *graph;
	double now_s;
	uint64_t number;
	unsigned looks;
	bool more;			/* a bound was met */
	size_t len;
	struct {
		struct graph_node *node;
		double expires_s;
		unsigned depth;
	} at[WALK_NODES_MAX];
};

void walk_begin(struct walk *w, struct graph *g, double now_s);
void walk_add(struct walk *w, struct graph_node *node, double expires_s, unsigned depth);

/* walk_links: adds what the node's links of this kind lead to, or, `up`, come from. */
void walk_links(struct walk *w, const struct graph_node *node, enum graph_kind kind, bool up,
    double expires_s, unsigned depth);

/* walk_on: follows this kind from all nodes of the walk, and from what that finds. */
void walk_on(struct walk *w, enum graph_kind kind, bool up);

#endif
