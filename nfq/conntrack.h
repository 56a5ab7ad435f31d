/* conntrack.h - connections older than the rules: found in the kernel's table and marked to be cut
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_CONNTRACK_H
#define NFQ_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>

#include "nfq/plan.h"

/* conntrack_cut: every TCP connection to port 25 whose packets go past postern (not redirected, no
 * mark of ours) is given MARK_CUT; the rules reset both its sides at the next packet. *n is how
 * many. Connections without a conntrack entry are reset by the rules themselves where when-down is
 * closed. Needs CAP_NET_ADMIN. */
bool conntrack_cut(const struct plan *p, unsigned *n, char *error, size_t error_size);

#endif
