/* nfqd.h - the nfq process: DNS watch, SYN gate, watch of the rules, on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_NFQD_H
#define NFQ_NFQD_H

#include "daemon/config.h"
#include "record/counters.h"

struct nfqd_start {
	const struct config *config;
	struct counters *counters;
	int column;		/* of the counters */
	int parent;		/* daemon/child.h speaks over it */
	int policy;		/* the channel to the policy process; -1 until one is passed */
};

/* nfqd_main: with CAP_NET_ADMIN effective and ambient and nothing else; returns the exit status. */
int nfqd_main(const struct nfqd_start *start);

#endif
