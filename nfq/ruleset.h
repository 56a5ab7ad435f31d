/* ruleset.h - a plan as text for iptables-restore, nft and ip: the rules themselves
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chains are ours and are written whole; jumps are the only lines that stand in others' chains, and
 * their order among each other does not matter. All names begin with POSTERN (iptables) or are in
 * the tables `inet postern` and `inet postern_guard` (nft). Which rule stops what:
 * postern-rules(7).
 *
 * Each packet is counted once: the guard's by the rules of POSTERN-GUARD and POSTERN-GUARD-OUT that
 * go to POSTERN-LEAK (nft: by the counter of inet postern_guard), the refused ones by the rules of
 * filter that REJECT (nft: those of inet postern with a counter). */
#ifndef NFQ_RULESET_H
#define NFQ_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "nfq/plan.h"

#define RULESET_JUMPS_MAX 48
#define RULESET_WORD_SIZE 32
#define RULESET_MATCH_SIZE 96

/* -t table -I base 1 match -j chain */
struct ruleset_jump {
	bool v4;
	char table[RULESET_WORD_SIZE], base[RULESET_WORD_SIZE], chain[RULESET_WORD_SIZE];
	char match[RULESET_MATCH_SIZE];	/* as iptables-save has it: "-p tcp -m tcp --dport 25" */
};

struct ruleset {
	/* With BACKEND_IPTABLES, for each family served (0: IPv4, 1: IPv6), else NULL: for each
	 * table, `filter` first so that no moment is open, "*TABLE", ":CHAIN - [0:0]" and
	 * "-A CHAIN ..." lines, "COMMIT". No jumps. */
	char *chains[2];
	struct ruleset_jump jumps[RULESET_JUMPS_MAX];
	size_t jumps_len;
	char *nft;		/* with BACKEND_NFT: input of nft -f -, which replaces our tables
				 * in one step, run again or not; else NULL */
	char *routes;		/* our rules and routes to be added, each `proto ROUTE_PROTOCOL`:
				 * "-4 rule add ..." and "-6 ...": what follows is input of
				 * `ip -4 -force -batch -`, a batch is of one family. A line that is
				 * there already is refused (File exists) and stays. Never NULL, ""
				 * when none */
};

/* ruleset_make: false with the reason (out of memory). *out is freed with ruleset_free. */
bool ruleset_make(const struct plan *p, struct ruleset *out, char *error, size_t error_size);
void ruleset_free(struct ruleset *r);	/* may be called again */

/* ruleset_show: commands for sh that install the same, one a line with comments, to read or to put
 * into somebody else's script; running them again changes nothing. */
void ruleset_show(const struct plan *p, const struct ruleset *r, FILE *out);

/* ruleset_route_removal: input of `ip -4 -force -batch -`, and of `ip -6`, that takes all our rules
 * and routes away, of whatever configuration. */
extern const char ruleset_route_removal[];

#endif
