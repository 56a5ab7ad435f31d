/* learnt.c - what the clients' DNS answers said: domain -> MX host -> address, for its TTL
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The graph holds what each answer said, as it said it; what serves whom is found by walking it. So
 * answers may come in any order, and one about a host of many domains costs no more than another.
 *
 * "Direct" is said where nothing is missing, so nothing is forgotten in silence: until the latest
 * end of what had to be dropped or could not be read, every address may have more domains. */
#include "nfq/learnt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/graph.h"
#include "nfq/tell.h"
#include "nfq/walk.h"

/* An answer with no MX says not here for how long that is so; RFC 2308 section 5: three hours are
 * what resolvers keep it at most. Too long is harmless. */
#define IMPLICIT_S 10800

/* Over the aliases of an answer, which stand in order but in hostile ones: no resolver follows a
 * longer chain. */
#define ROUNDS_MAX 16

_Static_assert(GRAPH_MX_MAX <= LEARNT_MAX && GRAPH_ADDRESS_MAX <= LEARNT_MAX, "LEARNT_MAX");
_Static_assert(WALK_NODES_MAX >= LEARNT_DOMAINS_MAX, "a walk holds all domains of an address");
_Static_assert(DNS_RECORDS_MAX <= 64, "a bit for each record");

struct learnt {
	const struct learnt_events *events;
	void *arg;
	struct graph *graph;
	struct tell *tell;
	unsigned settle_s;
	/* Of the answer in hand: */
	double now_s;
	uint64_t message;
	size_t changed_len;
	struct graph_node *changed[DNS_RECORDS_MAX];	/* names with new or renewed addresses */
};

struct learnt *
learnt_new(const struct learnt_events *events, void *arg, unsigned settle_s)
{
	struct learnt *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->events = events;
	l->arg = arg;
	l->settle_s = settle_s;
	l->graph = graph_new();
	l->tell = tell_new(l->graph, events, arg);
	if (l->graph == NULL || l->tell == NULL) {
		learnt_free(l);
		return NULL;
	}
	return l;
}

void
learnt_free(struct learnt *l)
{
	if (l == NULL)
		return;
	tell_free(l->tell);
	graph_free(l->graph);
	free(l);
}

static double
end_of(const struct learnt *l, uint32_t ttl_s)
{
	if (ttl_s < LEARNT_TTL_MIN_S)
		ttl_s = LEARNT_TTL_MIN_S;
	return l->now_s + (ttl_s < LEARNT_TTL_MAX_S ? ttl_s : LEARNT_TTL_MAX_S) + LEARNT_DIAL_S;
}

void
learnt_lost(struct learnt *l, double now_s)
{
	graph_lose(l->graph, now_s + l->settle_s);
}

/* A name of the answer; without memory for it something is lost. */
static struct graph_node *
name_node(struct learnt *l, const char *name, uint32_t ttl_s)
{
	struct graph_node *n = graph_name(l->graph, name, true);

	if (n == NULL)
		graph_lose(l->graph, end_of(l, ttl_s));
	return n;
}

static const struct dns_record *
find_cname(const struct dns_message *m, const char *owner)
{
	for (size_t i = 0; i < m->len; i++)
		if (m->records[i].type == DNS_CNAME && strcmp(m->records[i].owner, owner) == 0)
			return &m->records[i];
	return NULL;
}

/* The domain's own CNAME chain, in this answer (RFC 5321 5.1: its end is treated as if it had been
 * the domain asked for). Returns the end's node, and its name; NULL without memory. */
static struct graph_node *
take_chain(struct learnt *l, const struct dns_message *m, const char **name)
{
	struct graph_node *at = name_node(l, m->name, LEARNT_TTL_MAX_S), *to;
	const struct dns_record *r;

	*name = m->name;
	for (unsigned links = 0; at != NULL && (r = find_cname(m, *name)) != NULL; links++) {
		if (links == WALK_DEPTH_MAX) {
			graph_lose(l->graph, end_of(l, r->ttl_s));
			break;
		}
		*name = r->name;
		to = name_node(l, *name, r->ttl_s);
		if (to != NULL)
			graph_join(l->graph, at, GRAPH_DOMAIN, to, end_of(l, r->ttl_s), l->now_s);
		at = to;
	}
	return at;
}

/* An answer about a domain's MX. Returns the domain if mail goes somewhere. */
static struct graph_node *
take_mx(struct learnt *l, const struct dns_message *m)
{
	const char *name;
	struct graph_node *at = take_chain(l, m, &name), *host;
	bool answered = false, somewhere = name != m->name;

	if (at == NULL)
		return NULL;
	for (size_t i = 0; i < m->len; i++) {
		const struct dns_record *r = &m->records[i];

		if (r->type != DNS_MX || strcmp(r->owner, name) != 0)
			continue;
		answered = true;
		if (r->name[0] == '\0')		/* RFC 7505 */
			continue;
		host = name_node(l, r->name, r->ttl_s);
		if (host == NULL)
			continue;
		graph_join(l->graph, at, GRAPH_MX, host, end_of(l, r->ttl_s), l->now_s);
		host->message = l->message;
		somewhere = true;
	}
	if (!answered && !m->truncated && !m->referral && !m->lost) {
		graph_join(l->graph, at, GRAPH_MX, at, end_of(l, IMPLICIT_S), l->now_s);
		at->message = l->message;
		somewhere = true;
	}
	return somewhere ? graph_name(l->graph, m->name, false) : NULL;
}

static void
note_changed(struct learnt *l, struct graph_node *name, struct graph_link *link)
{
	if (name->wanted == 0 || l->now_s - link->told_s <= TELL_AGAIN_S)
		return;
	link->told_s = l->now_s;
	if (l->changed_len > 0 && l->changed[l->changed_len - 1] == name)
		return;
	if (l->changed_len < DNS_RECORDS_MAX)
		l->changed[l->changed_len++] = name;
}

/* Aliases of names this answer is about, in whatever order they stand. */
static void
take_aliases(struct learnt *l, const struct dns_message *m)
{
	uint64_t done = 0, before = 1;

	for (unsigned round = 0; round < ROUNDS_MAX && done != before; round++) {
		before = done;
		for (size_t i = 0; i < m->len; i++) {
			const struct dns_record *r = &m->records[i];
			struct graph_node *from, *to;

			if (r->type != DNS_CNAME || done >> i & 1)
				continue;
			from = graph_name(l->graph, r->owner, false);
			if (from == NULL || from->message != l->message ||
			    (to = name_node(l, r->name, r->ttl_s)) == NULL)
				continue;
			done |= (uint64_t)1 << i;
			to->message = l->message;
			note_changed(l, from, graph_join(l->graph, from, GRAPH_ALIAS, to,
			    end_of(l, r->ttl_s), l->now_s));
		}
	}
}

static void
take_addresses(struct learnt *l, const struct dns_message *m)
{
	const struct dns_record *last = NULL;
	struct graph_node *from = NULL, *ip;

	for (size_t i = 0; i < m->len; i++) {
		const struct dns_record *r = &m->records[i];

		if (r->type != DNS_A && r->type != DNS_AAAA)
			continue;
		if (last == NULL || strcmp(last->owner, r->owner) != 0)
			from = graph_name(l->graph, r->owner, false);
		last = r;
		if (from == NULL || from->message != l->message)
			continue;
		ip = graph_ip(l->graph, &r->ip, true);
		if (ip == NULL)
			graph_lose(l->graph, end_of(l, r->ttl_s));
		else
			note_changed(l, from, graph_join(l->graph, from, GRAPH_ADDRESS, ip,
			    end_of(l, r->ttl_s), l->now_s));
	}
}

void
learnt_message(struct learnt *l, const struct dns_message *m, double now_s)
{
	struct graph_node *domain = NULL, *name = NULL;

	if (m->rcode != 0)
		return;
	l->now_s = now_s;
	l->message++;
	l->changed_len = 0;
	if (m->type == DNS_MX)
		domain = take_mx(l, m);
	else if (m->len > 0)
		name = name_node(l, m->name, LEARNT_TTL_MIN_S);
	if (name != NULL)
		name->message = l->message;
	/* What is lost of a name that is nobody's MX host matters to no mail. */
	if (m->lost && (m->type == DNS_MX || (name != NULL && name->wanted > 0)))
		graph_lose(l->graph, end_of(l, m->lost_ttl_s));
	take_aliases(l, m);
	take_addresses(l, m);
	if (domain != NULL && now_s - domain->told_s >= LEARNT_TTL_MIN_S) {
		domain->told_s = now_s;
		l->events->domain(l->arg, domain->key);
	}
	tell_begin(l->tell, now_s);
	if (domain != NULL)
		tell_domain(l->tell, domain);
	for (size_t i = 0; i < l->changed_len; i++)
		tell_name(l->tell, l->changed[i]);
	graph_reap(l->graph, now_s);
}

size_t
learnt_domains(const struct learnt *l, const struct in6_addr *ip, double now_s,
    const char *out[LEARNT_DOMAINS_MAX], bool *more)
{
	const struct graph_node *n = graph_ip(l->graph, ip, false);
	struct walk hosts, domains;
	size_t len;

	*more = now_s < graph_lost_s(l->graph);
	if (n == NULL)
		return 0;
	walk_begin(&hosts, l->graph, now_s);
	walk_links(&hosts, n, GRAPH_ADDRESS, true, INFINITY, 0);
	walk_on(&hosts, GRAPH_ALIAS, true);
	walk_begin(&domains, l->graph, now_s);
	for (size_t i = 0; i < hosts.len; i++)
		walk_links(&domains, hosts.at[i].node, GRAPH_MX, true, INFINITY, 0);
	walk_on(&domains, GRAPH_DOMAIN, true);
	len = domains.len < LEARNT_DOMAINS_MAX ? domains.len : LEARNT_DOMAINS_MAX;
	*more |= hosts.more || domains.more || domains.len > len;
	for (size_t i = 0; i < len; i++)
		out[i] = domains.at[i].node->key;
	return len;
}
