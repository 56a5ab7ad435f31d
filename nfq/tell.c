/* tell.c - which mappings from domain to address are news, after an answer
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/tell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/walk.h"

#define TOLD_BITS 16
#define TELL_COST 15	/* beside the look: who hears of it asks questions about it */

/* Which mapping was told when. */
struct told {
	uint64_t mapping;
	double at_s;
};

struct tell {
	const struct learnt_events *events;
	void *arg;
	struct graph *graph;
	double now_s;
	int work;			/* left for this answer */
	struct told told[1 << TOLD_BITS];
};

struct tell *
tell_new(struct graph *g, const struct learnt_events *events, void *arg)
{
	struct tell *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->graph = g;
	t->events = events;
	t->arg = arg;
	return t;
}

void
tell_free(struct tell *t)
{
	free(t);
}

void
tell_begin(struct tell *t, double now_s)
{
	t->now_s = now_s;
	t->work = TELL_WORK_MAX;
}

static void
tell_pair(struct tell *t, const struct graph_node *domain, const struct graph_node *host,
    const struct graph_node *ip, double expires_s)
{
	uint64_t mapping = domain->hash * 0x9e3779b97f4a7c15u + host->hash * 0xbf58476d1ce4e5b9u +
	    ip->hash * 0x94d049bb133111ebu;
	struct told *told = &t->told[mapping >> (64 - TOLD_BITS)];
	struct in6_addr address;

	t->work--;
	if (expires_s <= t->now_s ||
	    (told->mapping == mapping && t->now_s - told->at_s <= TELL_AGAIN_S))
		return;
	t->work -= TELL_COST;
	told->mapping = mapping;
	told->at_s = t->now_s;
	memcpy(&address, ip->key, sizeof(address));
	t->events->mapped(t->arg, domain->key, host->key, &address,
	    (uint32_t)(fmax(expires_s - t->now_s - LEARNT_DIAL_S, 0) + 0.5));
}

/* Every domain with every address. */
static void
tell_pairs(struct tell *t, const struct walk *domains, const struct graph_node *host,
    const struct walk *addresses)
{
	for (size_t i = 0; i < domains->len; i++)
		for (size_t k = 0; k < addresses->len && t->work > 0; k++)
			tell_pair(t, domains->at[i].node, host, addresses->at[k].node,
			    fmin(domains->at[i].expires_s, addresses->at[k].expires_s));
}

/* The addresses of a host, behind its aliases too. */
static void
find_addresses(struct tell *t, struct graph_node *host, double expires_s, struct walk *out)
{
	struct walk names;

	walk_begin(&names, t->graph, t->now_s);
	walk_add(&names, host, expires_s, 0);
	walk_on(&names, GRAPH_ALIAS, false);
	walk_begin(out, t->graph, t->now_s);
	for (size_t i = 0; i < names.len; i++)
		walk_links(out, names.at[i].node, GRAPH_ADDRESS, false,
		    names.at[i].expires_s, 0);
	t->work -= (int)(names.looks + out->looks);
}

static void
tell_one(struct tell *t, struct graph_node *domain)
{
	struct walk domains, hosts, addresses;

	walk_begin(&domains, t->graph, t->now_s);
	walk_add(&domains, domain, INFINITY, 0);
	walk_on(&domains, GRAPH_DOMAIN, true);
	walk_begin(&hosts, t->graph, t->now_s);
	walk_links(&hosts, domain, GRAPH_MX, false, INFINITY, 0);
	t->work -= (int)(domains.looks + hosts.looks);
	for (size_t i = 0; i < hosts.len && t->work > 0; i++) {
		find_addresses(t, hosts.at[i].node, hosts.at[i].expires_s, &addresses);
		tell_pairs(t, &domains, hosts.at[i].node, &addresses);
	}
}

void
tell_domain(struct tell *t, struct graph_node *domain)
{
	struct walk chain;

	walk_begin(&chain, t->graph, t->now_s);
	walk_add(&chain, domain, INFINITY, 0);
	walk_on(&chain, GRAPH_DOMAIN, false);
	for (size_t i = 0; i < chain.len && t->work > 0; i++)
		tell_one(t, chain.at[i].node);
}

void
tell_name(struct tell *t, struct graph_node *name)
{
	struct walk hosts, domains, addresses;

	if (t->work <= 0)
		return;
	walk_begin(&hosts, t->graph, t->now_s);
	walk_add(&hosts, name, INFINITY, 0);
	walk_on(&hosts, GRAPH_ALIAS, true);
	t->work -= (int)hosts.looks;
	find_addresses(t, name, INFINITY, &addresses);
	for (size_t i = 0; i < hosts.len && t->work > 0; i++) {
		walk_begin(&domains, t->graph, t->now_s);
		walk_links(&domains, hosts.at[i].node, GRAPH_MX, true, hosts.at[i].expires_s,
		    0);
		walk_on(&domains, GRAPH_DOMAIN, true);
		t->work -= (int)domains.looks;
		tell_pairs(t, &domains, hosts.at[i].node, &addresses);
	}
}
