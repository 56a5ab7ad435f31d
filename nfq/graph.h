/* graph.h - names and addresses and the links between them, bounded; the oldest links give way
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What learnt.c keeps. A node lives as long as a link holds it, and until graph_reap. A name is
 * wanted when mail goes to it: it is the target of an MX link, or an alias of such a one leads to
 * it. Aliases and addresses of other names are early: few are kept, in a pool of their own, until
 * their name is wanted. */
#ifndef NFQ_GRAPH_H
#define NFQ_GRAPH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A busy sender meets a few times ten thousand domains a day; an alias of an MX host breaks RFC
 * 2181 10.3 and is rare; early ones are there for answers that overtake each other. */
#define GRAPH_MX_MAX 65536
#define GRAPH_ALIAS_MAX 16384
#define GRAPH_ADDRESS_MAX 65536
#define GRAPH_EARLY_MAX 32768

#define GRAPH_OUT_MAX 64	/* links of one kind from one name: as many as an answer can have */

enum graph_kind {
	GRAPH_MX,		/* domain to MX host; to itself: an implicit MX */
	GRAPH_DOMAIN,		/* CNAME at a domain, as an answer about its MX shows it */
	GRAPH_ALIAS,		/* CNAME at a host */
	GRAPH_ADDRESS,
	GRAPH_KINDS
};

enum graph_pool {
	GRAPH_POOL_MX,		/* GRAPH_MX, GRAPH_DOMAIN */
	GRAPH_POOL_ALIAS,
	GRAPH_POOL_ADDRESS,
	GRAPH_POOL_EARLY,
	GRAPH_POOLS
};

struct graph_link {
	struct graph_node *from, *to;
	struct graph_link *out_prev, *out_next;	/* of `from`: newest first, early ones last */
	struct graph_link *in_prev, *in_next;	/* of `to` and this kind, likewise */
	struct graph_link *age_prev, *age_next;	/* of the pool, newest first */
	double expires_s;
	double told_s;			/* the caller's; at first long ago */
	enum graph_kind kind;
	enum graph_pool pool;
};

struct graph_node {
	struct graph_node *bucket_next, *idle_next;
	struct graph_link *out;		/* few */
	struct graph_link *in[GRAPH_KINDS];	/* many, of a popular MX host */
	uint64_t hash;
	uint64_t walk;			/* walk.c's: the last that came by */
	uint64_t message;		/* the caller's */
	double told_s;			/* the caller's; at first long ago */
	unsigned links;			/* out and in */
	unsigned wanted;		/* links in that make it so */
	bool idle, ip;
	uint8_t len;
	char key[];			/* a name with its NUL, or 16 octets */
};

struct graph;

struct graph *graph_new(void);	/* NULL: no memory */
void graph_free(struct graph *g);

/* graph_name, graph_ip: the node; with `make` it is made where it is missing. NULL: not there, or
 * no memory. */
struct graph_node *graph_name(struct graph *g, const char *name, bool make);
struct graph_node *graph_ip(struct graph *g, const struct in6_addr *ip, bool make);

/* graph_join: makes the link or renews it, never for a shorter time. */
struct graph_link *graph_join(struct graph *g, struct graph_node *from, enum graph_kind kind,
    struct graph_node *to, double expires_s, double now_s);

/* graph_reap: frees the nodes without links. Until then no node goes away. */
void graph_reap(struct graph *g, double now_s);

/* graph_lose: something that would have held until then is not known. graph_lost_s: the latest such
 * time, of links too that had to give way before their end (of early ones: if their name becomes
 * wanted before it). */
void graph_lose(struct graph *g, double until_s);
double graph_lost_s(const struct graph *g);

/* graph_number: one that no node's `walk` is yet. */
uint64_t graph_number(struct graph *g);

#endif
