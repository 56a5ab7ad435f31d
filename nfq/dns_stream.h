/* dns_stream.h - DNS answers over TCP, put together again from copies of segments
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 7766: messages with a length before each. A connection is watched from the server's SYN on.
 * Segments in order are taken; one out of order or lost ends the watch, a repeated one is skipped.
 * Bounded: DNS_STREAMS connections, the one idle longest gives way; messages of more than
 * DNS_STREAM_MESSAGE octets are passed over. */
#ifndef NFQ_DNS_STREAM_H
#define NFQ_DNS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "nfq/packet.h"

#define DNS_STREAMS 64
#define DNS_STREAM_MESSAGE 16384	/* an MX answer over 4096 octets is rare */

struct dns_streams;

struct dns_streams *dns_streams_new(void);	/* NULL when out of memory */
void dns_streams_free(struct dns_streams *s);

/* dns_streams_segment: `message` is called for each DNS message that is complete now; valid during
 * the call. */
void dns_streams_segment(struct dns_streams *s, const struct packet *p, double now_s,
    void (*message)(void *arg, const unsigned char *p, size_t len), void *arg);

/* dns_streams_lost: segments with data that could not be read, since the start: of connections not
 * watched from their SYN on or no longer, copied in part, or of a message too long. */
unsigned long long dns_streams_lost(const struct dns_streams *s);

#endif
