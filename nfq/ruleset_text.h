/* ruleset_text.h - rules as tables of lines: which hold for a plan, and what stands for the words
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A line may hold $words. $from and $to stand for the clients, the side of a packet they are on: a
 * line with one is written for each way to tell them (the interface, or each network). $own,
 * $proxy, $direct, $seen and $cut are marks, $mask covers our bits and $rest the others. */
#ifndef NFQ_RULESET_TEXT_H
#define NFQ_RULESET_TEXT_H

#include <stdio.h>

#include "nfq/plan.h"
#include "nfq/ruleset.h"

enum fact {			/* of a plan; a line says which must hold, 0: none */
	CLOSED = 1 << 0, OPEN = 1 << 1,
	PLAIN = 1 << 2, GATE = 1 << 3,		/* PLAIN: without the gate */
	REDIRECT = 1 << 4, TPROXY = 1 << 5,
	LOCAL = 1 << 6,
	SOURCE = 1 << 7,			/* our dials bear the client's address */
	DNS = 1 << 8,
	NAT = 1 << 9,				/* something is redirected */
	ROUTES = 1 << 10,			/* policy routing is needed */
	V4 = 1 << 11, V6 = 1 << 12
};

enum dialect { IPTABLES, NFT, IP };

struct ruleset_line {
	unsigned need;
	const char *text;
};

struct ruleset_text {
	const struct plan *plan;
	enum dialect dialect;
	bool v4, v6;		/* families written for; both with NFT alone */
	FILE *out;
};

unsigned ruleset_facts(const struct ruleset_text *t);
void ruleset_lines(const struct ruleset_text *t, const struct ruleset_line *lines, size_t len);
#define RULESET_LINES(t, lines) ruleset_lines(t, lines, sizeof(lines) / sizeof((lines)[0]))

/* Each writes all of its kind to t->out. */
void ruleset_iptables(const struct ruleset_text *t);
void ruleset_mangle(const struct ruleset_text *t);
void ruleset_nft(const struct ruleset_text *t);
void ruleset_routes(const struct ruleset_text *t);

/* ruleset_jumps: appends those of one family. */
void ruleset_jumps(const struct ruleset_text *t, struct ruleset *r);

#endif
