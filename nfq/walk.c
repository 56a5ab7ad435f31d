/* walk.c - from node to node of the graph, along living links of a kind
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of what was found is the list of where to go on: no recursion, and a bound on all. Early
 * links stand last and lead nowhere. */
#include "nfq/walk.h"

void
walk_begin(struct walk *w, struct graph *g, double now_s)
{
	w->graph = g;
	w->now_s = now_s;
	w->number = graph_number(g);
	w->looks = 0;
	w->more = false;
	w->len = 0;
}

void
walk_add(struct walk *w, struct graph_node *n, double expires_s, unsigned depth)
{
	if (n->walk == w->number)
		return;
	if (w->len == WALK_NODES_MAX) {
		w->more = true;
		return;
	}
	n->walk = w->number;
	w->at[w->len].node = n;
	w->at[w->len].expires_s = expires_s;
	w->at[w->len++].depth = depth;
}

void
walk_links(struct walk *w, const struct graph_node *from, enum graph_kind kind, bool up,
    double expires_s, unsigned depth)
{
	struct graph_link *l = up ? from->in[kind] : from->out;

	for (; l != NULL && l->pool != GRAPH_POOL_EARLY && !w->more; l = up ? l->in_next :
	    l->out_next) {
		w->more = w->looks++ == WALK_LOOKS_MAX;
		if (l->kind != kind || l->expires_s <= w->now_s)
			continue;
		if (depth > WALK_DEPTH_MAX)
			w->more = true;
		else
			walk_add(w, up ? l->from : l->to,
			    l->expires_s < expires_s ? l->expires_s : expires_s, depth);
	}
}

void
walk_on(struct walk *w, enum graph_kind kind, bool up)
{
	for (size_t i = 0; i < w->len && !w->more; i++)
		walk_links(w, w->at[i].node, kind, up, w->at[i].expires_s, w->at[i].depth + 1);
}
