/* ruleset_routes.c - the rules and routes of policy routing: delivery, and a guard of their own
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The guard needs no netfilter: a client's packet to port 25 finds a route only where a chain of
 * ours has marked it, or where it goes to this host (the kernel's own table comes first). */
#include "nfq/mark.h"
#include "nfq/ruleset_text.h"

#define TEXT_(n) #n
#define TEXT(n) TEXT_(n)

static const struct ruleset_line lines[] = {
	{ ROUTES, "$family rule add pref $prefend nop proto $protocol" },
	{ ROUTES, "$family rule add pref $prefown iif lo goto $prefend proto $protocol" },
	{ TPROXY, "$family route add local default dev lo table $table proto $protocol" },
	{ TPROXY, "$family rule add pref $prefproxy fwmark $proxy/$mask lookup $table proto "
	    "$protocol" },
	{ CLOSED, "$family rule add pref $prefguard $from fwmark 0/$mask ipproto tcp dport 25 "
	    "prohibit proto $protocol" },
};

const char ruleset_route_removal[] =
	"rule flush proto " TEXT(ROUTE_PROTOCOL) "\n"
	"route flush table " TEXT(ROUTE_TABLE) "\n";

void
ruleset_routes(const struct ruleset_text *t)
{
	RULESET_LINES(t, lines);
}
