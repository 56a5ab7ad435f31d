/* routes_match.h - which lines of ip(8) mean the same rule or route
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What it prints has its words in another order than what it reads, and more of them. */
#ifndef NFQ_ROUTES_MATCH_H
#define NFQ_ROUTES_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "nfq/routes.h"

struct routes_index;

/* routes_index_new: of all its lines; NULL when out of memory. It does not need them any more. */
struct routes_index *routes_index_new(const struct routes *r);
void routes_index_free(struct routes_index *x);	/* NULL is allowed */
bool routes_index_has(const struct routes_index *x, const char *line);

/* routes_once: of lines that mean the same the first one stays. False when out of memory. */
bool routes_once(struct routes *r);

#endif
