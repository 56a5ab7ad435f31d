/* learnt.h - what the clients' DNS answers said: domain -> MX host -> address, for its TTL
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounded by LEARNT_MAX entries of each kind; keyed hash, the oldest give way, so a flood costs
 * memory it cannot grow and evicts, at worst, to "unknown", which means: through the proxy. */
#ifndef NFQ_LEARNT_H
#define NFQ_LEARNT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nfq/dns_message.h"

#define LEARNT_MAX 65536
#define LEARNT_TTL_MIN_S 60	/* a client dials a while after it asked; retries use old answers */
#define LEARNT_TTL_MAX_S 604800	/* RFC 8767 section 4: no cache should keep it longer */

/* Added to each TTL: a client dials one MX host after the other with what it was told at first, and
 * waits for minutes where nobody answers, which whoever is on the wire can see to. */
#define LEARNT_DIAL_S 1800
#define LEARNT_DOMAINS_MAX 256	/* of one address that are told apart; beyond: unknown */

struct learnt;

struct learnt_events {
	/* A domain whose MX was asked for and answered; once per LEARNT_TTL_MIN_S at most. */
	void (*domain)(void *arg, const char *domain);
	/* This address serves that domain as this MX host (the domain itself, or where its CNAME
	 * leads, for an implicit MX). */
	void (*mapped)(void *arg, const char *domain, const char *host, const struct in6_addr *ip,
	    uint32_t ttl_s);
};

/* learnt_new: settle_s (intercept.settle): for so long answers that nobody saw may be in use. NULL
 * when out of memory. */
struct learnt *learnt_new(const struct learnt_events *events, void *arg, unsigned settle_s);
void learnt_free(struct learnt *l);

/* learnt_message: follows MX, then A and AAAA through CNAME chains (at most 8 links, over several
 * answers too). Callbacks come from within. */
void learnt_message(struct learnt *l, const struct dns_message *m, double now_s);

/* learnt_lost: answers came that were not seen whole or could not be read (before the start, no
 * room for copies, a segment out of order, DNS_BAD, a datagram cut): for settle_s every
 * learnt_domains says *more. */
void learnt_lost(struct learnt *l, double now_s);

/* learnt_domains: the domains known to use this address now; their names are valid until the next
 * learnt_message. *more: there are or may be others: a bound was met, or one that had to give way
 * before its end would still hold. Safe to call from a callback. */
size_t learnt_domains(const struct learnt *l, const struct in6_addr *ip, double now_s,
    const char *out[LEARNT_DOMAINS_MAX], bool *more);

#endif
