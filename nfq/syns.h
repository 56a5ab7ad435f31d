/* syns.h - the SYNs that the kernel holds until their way is decided (NFQUEUE)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A held SYN waits in the kernel. When this process ends they are dropped, and from then on the
 * rules say what happens: with --queue-bypass they pass, else they are dropped. */
#ifndef NFQ_SYNS_H
#define NFQ_SYNS_H

#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum syns_word {
	SYNS_PROXY, SYNS_DIRECT,	/* the packet is marked, its hook run again */
	SYNS_PASS			/* no mark of ours: unprotected, the guard counts it */
};

struct syns_events {
	enum syns_word (*decide)(void *arg, const struct in6_addr *destination);
	void (*lost)(void *arg, uint64_t n);	/* so many found no room */
};

struct syns;

/* syns_open: takes NFQ_GATE_QUEUE; fail_open: what finds no room passes instead of being dropped.
 * NULL with the reason. */
struct syns *syns_open(struct ev_loop *loop, bool fail_open, const struct syns_events *events,
    void *arg, char *error, size_t error_size);
void syns_close(struct syns *s);	/* NULL is allowed */

/* syns_destination: of a packet that begins with its IP header. Pure. */
bool syns_destination(const void *p, size_t len, struct in6_addr *out);

/* syns_dropped: packets of our queue that found no room, from the text of the kernel's table of
 * queues (/proc/net/netfilter/nfnetlink_queue). Pure; 0 when it is not in there. */
uint64_t syns_dropped(const char *table);

#endif
