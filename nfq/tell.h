/* tell.h - which mappings from domain to address are news, after an answer
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walks the graph from what an answer was about. A mapping is told again only when it was told more
 * than TELL_AGAIN_S ago, or when its place in a table of 65,536 was needed for another. */
#ifndef NFQ_TELL_H
#define NFQ_TELL_H

#include "nfq/graph.h"
#include "nfq/learnt.h"

#define TELL_AGAIN_S (LEARNT_TTL_MIN_S / 2.0)

/* Links looked at for one answer; a mapping told counts as sixteen. A host of many domains is
 * worked off in the order in which their mail was last asked for. */
#define TELL_WORK_MAX 4096

struct tell;

struct tell *tell_new(struct graph *g, const struct learnt_events *events, void *arg);
void tell_free(struct tell *t);

/* tell_begin: an answer's work begins. */
void tell_begin(struct tell *t, double now_s);

/* tell_domain: it was asked for: all addresses of all its MX hosts, for it and for those that stand
 * for it by CNAME. */
void tell_domain(struct tell *t, struct graph_node *domain);

/* tell_name: it got addresses: they are told for all domains whose MX host it is, or whose MX host
 * is an alias of it. */
void tell_name(struct tell *t, struct graph_node *name);

#endif
