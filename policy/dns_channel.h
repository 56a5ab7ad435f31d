/* dns_channel.h - one resolver: c-ares and its sockets on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For dns.c alone. */
#ifndef POLICY_DNS_CHANNEL_H
#define POLICY_DNS_CHANNEL_H

#include <ares.h>
#include <ev.h>
#include <stdbool.h>

#include "daemon/address.h"

#define DNS_CHANNEL_EDNS_SIZE 1232	/* octets that pass every path unfragmented */

struct dns_channel;

struct dns_channel *dns_channel_new(struct ev_loop *loop, const struct address *server);
/* dns_channel_free: what is under way is called back first. NULL is allowed. */
void dns_channel_free(struct dns_channel *c);

/* dns_channel_send: a question; done is called once, within six seconds, with a status of c-ares
 * (and perhaps from within the call). */
void dns_channel_send(struct dns_channel *c, bool tcp, const unsigned char *packet, int len,
    ares_callback done, void *arg);

/* dns_channel_truncated: an answer that came over UDP, and has to be asked for over TCP. */
bool dns_channel_truncated(const unsigned char *packet, int len);
void dns_channel_tick(struct dns_channel *c);	/* now and then: looks for time-outs */

#endif
