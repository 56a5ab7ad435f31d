/* dns_watch.h - from copies of packets to what was learnt from the DNS answers in them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_DNS_WATCH_H
#define NFQ_DNS_WATCH_H

#include <stddef.h>

#include "nfq/learnt.h"
#include "policy/message.h"

#define DNS_WATCH_PORT 53
#define DNS_WATCH_REPEAT_S 60	/* the same hint is not repeated earlier */
#define DNS_WATCH_HINT_S 120	/* and is good for at least so long, so that there is no gap */

struct dns_watch_events {
	bool (*hint)(void *arg, const struct hint *h);	/* false: not taken, say it again */
	/* Oftener than hints; it was hinted before. */
	void (*mapped)(void *arg, const char *domain, const struct in6_addr *ip);
};

struct dns_watch;

struct dns_watch *dns_watch_new(const struct dns_watch_events *events, void *arg,
    unsigned settle_s);
void dns_watch_free(struct dns_watch *w);	/* NULL is allowed */
const struct learnt *dns_watch_learnt(const struct dns_watch *w);

/* dns_watch_renew: who gets the hints is somebody new: all are said again. */
void dns_watch_renew(struct dns_watch *w);

/* dns_watch_lost: answers went by that were not copied. */
void dns_watch_lost(struct dns_watch *w, double now_s);

/* dns_watch_packet: from the IP header on. How many DNS answers it has completed. */
unsigned dns_watch_packet(struct dns_watch *w, const unsigned char *p, size_t len, double now_s);

#endif
