/* needs.h - which capabilities a configuration asks for, and for whom
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_NEEDS_H
#define DAEMON_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"

bool needs_nfq(const struct config *c);		/* there is an nfq process */
bool needs_gate(const struct config *c);	/* and SYNs wait for its word */

/* As privilege.h's sets: for all of the family, and for a worker alone. */
unsigned needs_of_all(const struct config *c);
unsigned needs_of_worker(const struct config *c);

/* needs_met: true when `held` covers all; else *error names the capability and the key. */
bool needs_met(const struct config *c, unsigned held, char *error, size_t error_size);

#endif
