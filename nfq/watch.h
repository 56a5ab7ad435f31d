/* watch.h - notices of the kernel that somebody changed firewall rules or our route rules
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One notice for each transaction of nftables (iptables by nf_tables too; the old iptables tells
 * nobody), and one for each rule of ours or route in our table that `ip` changes. Filters in the
 * kernel keep everything else of those groups from waking this process. */
#ifndef NFQ_WATCH_H
#define NFQ_WATCH_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_PROGRAM_SIZE 32	/* the kernel's names are shorter than 16 */

/* Who did it, as far as the kernel tells. */
struct watch_change {
	uint32_t pid;			/* 0: unknown */
	char program[WATCH_PROGRAM_SIZE];	/* "" : unknown */
};

struct watch;

/* watch_open: `changed` is called for each notice; a lost one counts as a change by nobody. NULL
 * with the reason. */
struct watch *watch_open(struct ev_loop *loop,
    void (*changed)(void *arg, const struct watch_change *change), void *arg, char *error,
    size_t error_size);
void watch_close(struct watch *w);	/* NULL is allowed */

/* watch_forget: the notices that stand in the sockets now are about what we did ourselves. */
void watch_forget(struct watch *w);

/* watch_nftables, watch_route: one datagram of each bus: true when it is a notice that concerns us.
 * With a route change *out has the netlink port alone, if that looks like a process. Pure. */
bool watch_nftables(const void *p, size_t len, struct watch_change *out);
bool watch_route(const void *p, size_t len, struct watch_change *out);

#endif
