/* doctor_iptables.c - one rule as iptables-save prints it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/doctor_chain.h"

/* Matches whose options are read below, or that say nothing of their own. */
static const char *const understood[] = { "tcp", "multiport", "comment", "conntrack", "state" };

struct reader {
	const struct chain_packet *packet;
	struct chain_view *out;
	struct token rest;
	bool negated;
};

static void
require(struct reader *r, bool met)
{
	if (met == r->negated)
		r->out->match = CHAIN_NEVER;
}

/* "lan+" is every interface whose name begins so. */
static void
take_interface(struct reader *r, struct token name)
{
	const char *interface = r->packet->interface;

	if (interface == NULL)
		r->out->sure = false;
	else if (name.len > 0 && name.p[name.len - 1] == '+')
		require(r, strncmp(interface, name.p, name.len - 1) == 0);
	else
		require(r, token_is(name, interface));
}

static void
take_module(struct reader *r, struct token name)
{
	size_t i;

	for (i = 0; i < sizeof(understood) / sizeof(understood[0]); i++)
		if (token_is(name, understood[i]))
			return;
	r->out->sure = false;
}

static void
take_ports(struct reader *r, struct token ports)
{
	require(r, token_has_port(ports, r->packet->port));
	if (r->out->match != CHAIN_NEVER && !r->negated)
		r->out->match = CHAIN_NAMED;
}

static void
take_target(struct reader *r, struct token name)
{
	static const struct {
		const char *name;
		enum chain_verdict verdict;
	} rows[] = {
		{ "ACCEPT", VERDICT_ACCEPT }, { "DROP", VERDICT_DROP }, { "REJECT", VERDICT_DROP },
		{ "RETURN", VERDICT_RETURN }, { "REDIRECT", VERDICT_REDIRECT },
		{ "DNAT", VERDICT_REDIRECT }, { "TPROXY", VERDICT_REDIRECT },
	};
	size_t i;

	r->rest.len = 0;	/* what follows are the target's options */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (token_is(name, rows[i].name)) {
			r->out->verdict = rows[i].verdict;
			return;
		}
	r->out->verdict = VERDICT_JUMP;		/* LOG and the like lead to no chain */
	r->out->target = name;
}

static void
take_option(struct reader *r, struct token option, struct token value)
{
	if (token_is(option, "-p")) {
		require(r, token_is(value, "tcp") || token_is(value, "6") ||
		    token_is(value, "all"));
	} else if (token_is(option, "-i")) {
		take_interface(r, value);
	} else if (token_is(option, "-m")) {
		take_module(r, value);
	} else if (token_is(option, "--dport") || token_is(option, "--dports") ||
	    token_is(option, "--ports")) {
		take_ports(r, value);
	} else if (token_is(option, "--ctstate") || token_is(option, "--state")) {
		require(r, token_has(value, "NEW"));
	} else if (token_is(option, "-j") || token_is(option, "-g")) {
		take_target(r, value);
	} else if (!token_is(option, "-A") && !token_is(option, "--comment")) {
		r->out->sure = false;
		r->out->toward |= token_is(option, "-d") && !r->negated;
	}
}

void
iptables_rule(struct token line, const struct chain_packet *packet, struct chain_view *out)
{
	struct reader r = { .packet = packet, .out = out, .rest = line };
	struct token option, value;

	*out = (struct chain_view){ .match = CHAIN_MAYBE, .sure = true };
	while (out->match != CHAIN_NEVER && token_next(&r.rest, &option)) {
		if (token_is(option, "!")) {
			r.negated = true;
			continue;
		}
		if (option.len == 0 || option.p[0] != '-')
			continue;	/* a further value of an option that is not understood */
		value = (struct token){ "", 0 };
		if (r.rest.len > 1 && r.rest.p[1] != '-' && r.rest.p[1] != '!')
			token_next(&r.rest, &value);
		take_option(&r, option, value);
		r.negated = false;
	}
}
