/* demand.h - a requirement that several hold at once: sessions, and the memory that answers them
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counted instead of copied; so nobody may change it. */
#ifndef PROXY_DEMAND_H
#define PROXY_DEMAND_H

#include <stdbool.h>

#include "policy/requirement.h"

struct demand {
	const struct requirement *requirement;
	unsigned holders;
};

/* demand_new: takes over the requirement, one block for free(); it is gone too where NULL (out of
 * memory) is returned. The caller holds it. */
struct demand *demand_new(struct requirement *requirement);
struct demand *demand_hold(struct demand *d);	/* one holder more; d */
void demand_drop(struct demand *d);		/* NULL is allowed */

/* demand_same_session: whether both ask a server for the same TLS: by this name, held against these
 * records. demand_same_terms: and with the same strictness: what has failed under the one would
 * under the other. */
bool demand_same_session(const struct requirement *a, const struct requirement *b);
bool demand_same_terms(const struct requirement *a, const struct requirement *b);

#endif
