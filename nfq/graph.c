/* graph.c - names and addresses and the links between them, bounded; the oldest links give way
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All links stand in one array, counted by pool. A hand passes over it, four links for each new one
 * and each message, and takes out what has expired, so that living links seldom give way to dead
 * ones. Nodes are bounded by the links that hold them, and found by a keyed hash.
 *
 * Of a name whose early links gave way it is remembered until when they would have held, by a Bloom
 * filter of times: it matters if the name becomes wanted. */
#include "nfq/graph.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/siphash.h"

#define BUCKETS (1u << 17)
#define HAND_STEPS 4
#define FORGOTTEN (1u << 21)	/* of 30,000 such names at a time one in 80,000 others is taken for
				 * one, of 300,000 one in 30, which is no harm */
#define FORGOTTEN_PLACES 4
#define PROMOTE_MAX 64		/* names that one new link can make wanted, at once in hand */

enum { LINKS_MAX = GRAPH_MX_MAX + GRAPH_ALIAS_MAX + GRAPH_ADDRESS_MAX + GRAPH_EARLY_MAX + 1 };

static const size_t pool_max[GRAPH_POOLS] = {
	[GRAPH_POOL_MX] = GRAPH_MX_MAX,
	[GRAPH_POOL_ALIAS] = GRAPH_ALIAS_MAX,
	[GRAPH_POOL_ADDRESS] = GRAPH_ADDRESS_MAX,
	[GRAPH_POOL_EARLY] = GRAPH_EARLY_MAX,
};

struct graph {
	struct siphash_key key;
	double lost_s;
	uint64_t numbers;
	struct graph_node *idle;
	struct graph_link *unused;		/* by age_next */
	size_t used, hand;			/* of the array */
	struct {
		struct graph_link *newest;	/* its age_prev is the oldest */
		size_t len;
	} pools[GRAPH_POOLS];
	uint32_t forgotten_s[FORGOTTEN];	/* until then; touched as it fills */
	struct graph_node *buckets[BUCKETS];
	struct graph_link links[LINKS_MAX];
};

struct graph *
graph_new(void)
{
	struct graph *g = calloc(1, sizeof(*g));	/* touched as it fills */

	if (g != NULL) {
		siphash_key_make(&g->key);
		g->lost_s = -INFINITY;
	}
	return g;
}

void
graph_free(struct graph *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (g->buckets[i] != NULL) {
			struct graph_node *n = g->buckets[i];

			g->buckets[i] = n->bucket_next;
			free(n);
		}
	free(g);
}

void
graph_lose(struct graph *g, double until_s)
{
	if (g->lost_s < until_s)
		g->lost_s = until_s;
}

double
graph_lost_s(const struct graph *g)
{
	return g->lost_s;
}

uint64_t
graph_number(struct graph *g)
{
	return ++g->numbers;
}

static void
set_idle(struct graph *g, struct graph_node *n)
{
	if (n->idle || n->links > 0)
		return;
	n->idle = true;
	n->idle_next = g->idle;
	g->idle = n;
}

static struct graph_node *
node(struct graph *g, const void *key, size_t len, bool ip, bool make)
{
	uint64_t hash = siphash(&g->key, key, len) ^ (ip ? 1 : 0);
	struct graph_node **bucket = &g->buckets[hash % BUCKETS], *n;

	for (n = *bucket; n != NULL; n = n->bucket_next)
		if (n->hash == hash && n->ip == ip && n->len == len &&
		    memcmp(n->key, key, len) == 0)
			return n;
	if (!make || (n = calloc(1, sizeof(*n) + len + 1)) == NULL)
		return NULL;
	n->hash = hash;
	n->ip = ip;
	n->len = (uint8_t)len;
	n->told_s = -INFINITY;
	memcpy(n->key, key, len);
	n->bucket_next = *bucket;
	*bucket = n;
	set_idle(g, n);
	return n;
}

struct graph_node *
graph_name(struct graph *g, const char *name, bool make)
{
	return node(g, name, strlen(name), false, make);
}

struct graph_node *
graph_ip(struct graph *g, const struct in6_addr *ip, bool make)
{
	return node(g, ip, sizeof(*ip), true, make);
}

/* Whether the link makes its target wanted. */
static bool
wants(const struct graph_link *l)
{
	return l->kind == GRAPH_MX || l->pool == GRAPH_POOL_ALIAS;
}

/* Into the lists of its two nodes, and its pool; newest first. Early ones stand last with their
 * nodes, so that who looks for others need not pass them. */
static void
enlist(struct graph *g, struct graph_link *l)
{
	if (l->pool == GRAPH_POOL_EARLY) {
		DL_APPEND2(l->from->out, l, out_prev, out_next);
		DL_APPEND2(l->to->in[l->kind], l, in_prev, in_next);
	} else {
		DL_PREPEND2(l->from->out, l, out_prev, out_next);
		DL_PREPEND2(l->to->in[l->kind], l, in_prev, in_next);
	}
	DL_PREPEND2(g->pools[l->pool].newest, l, age_prev, age_next);
	g->pools[l->pool].len++;
	l->from->links++;
	l->to->links++;
	l->to->wanted += wants(l);
}

static void
delist(struct graph *g, struct graph_link *l)
{
	DL_DELETE2(l->from->out, l, out_prev, out_next);
	DL_DELETE2(l->to->in[l->kind], l, in_prev, in_next);
	DL_DELETE2(g->pools[l->pool].newest, l, age_prev, age_next);
	g->pools[l->pool].len--;
	l->from->links--;
	l->to->links--;
	l->to->wanted -= wants(l);
}

static uint32_t *
forgotten(struct graph *g, const struct graph_node *name, unsigned i)
{
	return &g->forgotten_s[(name->hash + i * (name->hash >> 32 | 1)) % FORGOTTEN];
}

static void
forget(struct graph *g, const struct graph_node *name, double until_s)
{
	uint32_t until = (uint32_t)ceil(until_s);

	for (unsigned i = 0; i < FORGOTTEN_PLACES; i++)
		if (*forgotten(g, name, i) < until)
			*forgotten(g, name, i) = until;
}

/* The name has become wanted. */
static void
regret(struct graph *g, const struct graph_node *name, double now_s)
{
	uint32_t until = UINT32_MAX;

	for (unsigned i = 0; i < FORGOTTEN_PLACES; i++)
		if (*forgotten(g, name, i) < until)
			until = *forgotten(g, name, i);
	if (until > now_s)
		graph_lose(g, until);
}

static void
drop(struct graph *g, struct graph_link *l, double now_s)
{
	if (l->expires_s > now_s && l->pool == GRAPH_POOL_EARLY)
		forget(g, l->from, l->expires_s);
	else if (l->expires_s > now_s)
		graph_lose(g, l->expires_s);
	delist(g, l);
	set_idle(g, l->from);
	set_idle(g, l->to);
	l->from = NULL;
	l->age_next = g->unused;
	g->unused = l;
}

static void
drop_oldest(struct graph *g, enum graph_pool pool, double now_s)
{
	assert(g->pools[pool].newest != NULL);	/* it is full */
	drop(g, g->pools[pool].newest->age_prev, now_s);
}

static void
pass_hand(struct graph *g, double now_s)
{
	for (int i = 0; i < HAND_STEPS && g->used > 0; i++) {
		struct graph_link *l = &g->links[g->hand];

		g->hand = (g->hand + 1) % g->used;
		if (l->from != NULL && l->expires_s <= now_s)
			drop(g, l, now_s);
	}
}

void
graph_reap(struct graph *g, double now_s)
{
	pass_hand(g, now_s);
	while (g->idle != NULL) {
		struct graph_node *n = g->idle, **at = &g->buckets[n->hash % BUCKETS];

		g->idle = n->idle_next;
		n->idle = false;
		if (n->links > 0)
			continue;
		while (*at != n)
			at = &(*at)->bucket_next;
		*at = n->bucket_next;
		free(n);
	}
}

static struct graph_link *
take(struct graph *g, enum graph_pool pool, double now_s)
{
	struct graph_link *l;

	pass_hand(g, now_s);
	if (g->pools[pool].len == pool_max[pool])
		drop_oldest(g, pool, now_s);
	l = g->unused;
	if (l != NULL) {
		g->unused = l->age_next;
		return l;
	}
	assert(g->used < LINKS_MAX);	/* the pools' bounds are fewer */
	return &g->links[g->used++];
}

static void
move(struct graph *g, struct graph_link *l, enum graph_pool pool, double now_s)
{
	delist(g, l);
	if (g->pools[pool].len == pool_max[pool])
		drop_oldest(g, pool, now_s);
	l->pool = pool;
	enlist(g, l);
}

static enum graph_pool
pool_of(const struct graph_node *from, enum graph_kind kind)
{
	switch (kind) {
	case GRAPH_MX:
	case GRAPH_DOMAIN:
		return GRAPH_POOL_MX;
	case GRAPH_ALIAS:
		return from->wanted > 0 ? GRAPH_POOL_ALIAS : GRAPH_POOL_EARLY;
	case GRAPH_ADDRESS:
		return from->wanted > 0 ? GRAPH_POOL_ADDRESS : GRAPH_POOL_EARLY;
	case GRAPH_KINDS:
		break;
	}
	return GRAPH_POOL_EARLY;
}

/* The name has become wanted: what is known of it early is early no more, nor what that leads to.
 * Each link moves once in its life. */
static void
promote(struct graph *g, struct graph_node *name, double now_s)
{
	struct graph_node *todo[PROMOTE_MAX];
	size_t len = 1;

	todo[0] = name;
	while (len > 0) {
		struct graph_node *n = todo[--len];

		regret(g, n, now_s);
		while (n->out != NULL && n->out->out_prev->pool == GRAPH_POOL_EARLY) {
			struct graph_link *l = n->out->out_prev;
			bool first = l->kind == GRAPH_ALIAS && l->to->wanted == 0;

			move(g, l, l->kind == GRAPH_ALIAS ? GRAPH_POOL_ALIAS :
			    GRAPH_POOL_ADDRESS, now_s);
			if (first && len < PROMOTE_MAX)
				todo[len++] = l->to;
			else if (first)
				graph_lose(g, l->expires_s);
		}
	}
}

/* The link, if it is there. Expired ones of that name go on the way, and the oldest of its kind
 * when there are as many as there may be. */
static struct graph_link *
find(struct graph *g, struct graph_node *from, enum graph_kind kind, const struct graph_node *to,
    double now_s)
{
	struct graph_link *l, *next, *oldest = NULL;
	unsigned n = 0;

	for (l = from->out; l != NULL; l = next) {
		next = l->out_next;
		if (l->expires_s <= now_s) {
			drop(g, l, now_s);
			continue;
		}
		if (l->kind != kind)
			continue;
		if (l->to == to)
			return l;
		if (oldest == NULL || l->pool != GRAPH_POOL_EARLY)
			oldest = l;
		n++;
	}
	if (n == GRAPH_OUT_MAX)
		drop(g, oldest, now_s);
	return NULL;
}

struct graph_link *
graph_join(struct graph *g, struct graph_node *from, enum graph_kind kind, struct graph_node *to,
    double expires_s, double now_s)
{
	struct graph_link *l = find(g, from, kind, to, now_s);
	enum graph_pool pool = pool_of(from, kind);
	unsigned wanted = to->wanted;

	if (l != NULL) {
		if (l->expires_s < expires_s)
			l->expires_s = expires_s;
		/* One that was wanted stays so until its end, which the answers gave it. */
		move(g, l, l->pool == GRAPH_POOL_EARLY ? pool : l->pool, now_s);
		return l;
	}
	l = take(g, pool, now_s);
	*l = (struct graph_link){
		.from = from, .to = to, .expires_s = expires_s, .told_s = -INFINITY, .kind = kind,
		.pool = pool,
	};
	enlist(g, l);
	if (wanted == 0 && to->wanted > 0)
		promote(g, to, now_s);
	return l;
}
