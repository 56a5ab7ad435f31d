/* loaded.h - everything of ours that a network namespace holds: iptables, nft, routes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_LOADED_H
#define NFQ_LOADED_H

#include <stdbool.h>
#include <stddef.h>

#include "nfq/routes.h"
#include "nfq/ruleset.h"
#include "nfq/tables.h"

struct loaded {
	struct tables tables[2];	/* 0: IPv4, 1: IPv6 */
	struct routes routes[2];
	char *nft;			/* nftables_read's; "" when none */
};

/* loaded_read: of this network namespace, -1 for ours. Programs that the machine does not have hold
 * nothing of ours. False with the reason. */
bool loaded_read(int netns, struct loaded *out, char *error, size_t error_size);
void loaded_free(struct loaded *l);	/* may be called again */

bool loaded_any(const struct loaded *l);

/* loaded_tables: of one family alone. */
bool loaded_tables(int netns, bool v4, struct tables *out, char *error, size_t error_size);

/* loaded_text: the canonical text of apply.h; NULL when out of memory. free(). */
char *loaded_text(const struct loaded *l);

#endif
