/* mx.h - the MX hosts of a domain and their addresses, kept as long as DNS allows
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An error on one host is that host's alone (RFC 7672 2.1.2); an error is never an absence. */
#ifndef POLICY_MX_H
#define POLICY_MX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/require.h"
#include "policy/world.h"

#define MX_DOMAINS_MAX 50000	/* sets in memory */

struct mx;

struct mx_set {
	enum require_mx state;
	bool secure;		/* the MX record set, or the proof that there is none */
	const char *expanded;	/* where the domain's alias chain ended, secure; "" for none */
	const char *answers;	/* as in require_host, of the MX question; "" */
	bool exists;		/* false: NXDOMAIN */
	uint64_t found, until;	/* ticks: it counts from .. to, unless mx_expire came between */
	const struct require_host *hosts;
	size_t hosts_len;
	const char *problem;	/* FAILED, BOGUS; "" */
};

struct mx_waiter {
	void (*done)(void *arg, const struct mx_set *set);	/* once, from the loop */
	void *arg;
	struct mx_waiter *next, **back;	/* back is NULL while not waiting */
};

/* mx_new: with `dane` each host's TLSA records belong to the set. NULL when out of memory. */
struct mx *mx_new(const struct world *world, bool dane);
void mx_free(struct mx *m);			/* nobody may wait any more */

/* mx_watch: `found` whenever a lookup of a domain has ended, before those who wait for it hear;
 * `other`: another set was known before (mx_same). */
void mx_watch(struct mx *m, void (*found)(void *arg, const char *domain, bool other), void *arg);

/* mx_expire: whatever was asked for until now has to be asked for anew. */
void mx_expire(struct mx *m);

/* mx_look: what is known; NULL when that has to be asked for. Valid until the caller returns to the
 * loop. */
const struct mx_set *mx_look(struct mx *m, const char *domain);

/* mx_last: the same, but what has run out counts too; NULL when nothing was ever known. */
const struct mx_set *mx_last(struct mx *m, const char *domain);

/* mx_known: whether mx_look would find it, or it is being asked for already; takes no room for a
 * domain that is not in memory. */
bool mx_known(const struct mx *m, const char *domain);

/* mx_ask: one lookup serves all who wait for it. */
void mx_ask(struct mx *m, struct mx_waiter *w, const char *domain);
void mx_cancel(struct mx_waiter *w);	/* not waiting: no effect */

/* mx_host_of: the first host that has this address, from *at on; NULL when there is none more. */
const struct require_host *mx_host_of(const struct mx_set *set, const struct in6_addr *ip,
    size_t *at);

/* mx_same: whether both say the same of the domain, in whatever order and for however long. */
bool mx_same(const struct mx_set *a, const struct mx_set *b);

#endif
