/* whereabouts.h - what this host's routing and sockets say about an address or a connection
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_WHEREABOUTS_H
#define NFQ_WHEREABOUTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/address.h"
#include "nfq/query.h"

/* whereabouts_local: the address is this host's own. *interface: the index of the interface that
 * leads there, 0 when none does. q: of NETLINK_ROUTE. */
bool whereabouts_local(struct query *q, const struct in6_addr *ip, unsigned *interface);

/* Connections from this host to one port, of one user's sockets. */
struct whereabouts_dials;

/* whereabouts_dials_new: NULL with errno. */
struct whereabouts_dials *whereabouts_dials_new(uid_t uid, uint16_t port);
void whereabouts_dials_free(struct whereabouts_dials *d);	/* NULL is allowed */
bool whereabouts_dialled(const struct whereabouts_dials *d, const struct address *src,
    const struct address *dst);

#endif
