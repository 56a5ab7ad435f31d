/* dns.h - questions to the configured resolvers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Servers are asked in turn: one that times out, fails or refuses is followed by the next, and the
 * last that answered is asked first from then on. With policy.dane, servers whose AD bit is not
 * believed are asked only where there are no others. A SERVFAIL that no extended error explains
 * costs one more question to the same server, to tell BOGUS from FAILED. */
#ifndef POLICY_DNS_H
#define POLICY_DNS_H

#include <ev.h>
#include <stddef.h>

#include "daemon/config.h"
#include "policy/world.h"

#define DNS_FLIGHT_MAX 400	/* under way at once: their answers fit into a socket's buffer */
#define DNS_WAITING_MAX 20000	/* beyond it a question fails at once */

struct dns;

/* NULL with the reason in error. config outlives the dns. */
struct dns *dns_new(struct ev_loop *loop, const struct config *config, char *error,
    size_t error_size);
void dns_free(struct dns *d);

/* dns_query: answer->secure only where the answering server's AD bit may be believed
 * (resolver.trust-ad; RFC 7672 2.1.1), at every link. Aliases that the resolver did not follow are
 * asked for; answer->links counts them all. */
void dns_query(struct dns *d, struct world_query *q, const char *name, enum answer_type type);
void dns_cancel(struct dns *d, struct world_query *q);

#endif
