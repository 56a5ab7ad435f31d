/* needs.c - which capabilities a configuration asks for, and for whom
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CAP_NET_ADMIN is asked for by netlink: queue, copies and rules. CAP_NET_RAW by IP_TRANSPARENT, on
 * the listeners and, to keep a client's address, on dials, and by the mark that tells our own dials
 * from this host's other mail. */
#include "daemon/needs.h"

#include <stdio.h>

#include "daemon/privilege.h"

bool
needs_nfq(const struct config *c)
{
	return c->intercept.watch && c->intercept.method != METHOD_NONE;
}

bool
needs_gate(const struct config *c)
{
	return needs_nfq(c) && (c->intercept.open || c->intercept.required);
}

unsigned
needs_of_worker(const struct config *c)
{
	return c->intercept.source_client || c->intercept.local ? PRIVILEGE_NET_RAW : 0;
}

unsigned
needs_of_all(const struct config *c)
{
	return needs_of_worker(c) | (needs_nfq(c) ? PRIVILEGE_NET_ADMIN : 0) |
	    (c->intercept.method == METHOD_TPROXY ? PRIVILEGE_NET_RAW : 0);
}

bool
needs_met(const struct config *c, unsigned held, char *error, size_t error_size)
{
	unsigned missing = needs_of_all(c) & ~held;

	if ((missing & PRIVILEGE_NET_ADMIN) != 0)
		snprintf(error, error_size, "%s needs CAP_NET_ADMIN, which posternd does not hold",
		    c->intercept.open ? "intercept.when-down: open" : c->intercept.required ?
		    "intercept.scope: required" : "intercept.watch: yes (no does without)");
	else if (missing != 0)
		snprintf(error, error_size, "intercept.%s needs CAP_NET_RAW, which posternd does "
		    "not hold", c->intercept.method == METHOD_TPROXY ? "method: tproxy" :
		    "local: yes");
	return missing == 0;
}
