/* doctor_nft.c - one rule as `nft list ruleset` prints it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/doctor_chain.h"

struct reader {
	const struct chain_packet *packet;
	const struct chains *sets;
	struct token table;
	struct chain_view *out;
	struct token rest;
};

/* A comparison's right side: a word, "{ ... }" or "@set". */
struct values {
	struct token elements;
	bool negated, known, map;
};

static struct values
take_values(struct reader *r)
{
	struct values v = { .known = true };
	struct token word = { "", 0 };
	const char *end;

	while (token_next(&r->rest, &word)) {
		if (token_is(word, "!="))
			v.negated = true;
		else if (token_is(word, "map") || token_is(word, "vmap"))
			v.map = true;
		else if (!token_is(word, "=="))
			break;
	}
	v.elements = word;
	if (token_is(word, "{")) {
		end = memchr(r->rest.p, '}', r->rest.len);
		v.elements = r->rest;
		if (end != NULL) {
			v.elements.len = (size_t)(end - r->rest.p);
			r->rest.len -= v.elements.len + 1;
			r->rest.p = end + 1;
		}
	} else if (word.len > 1 && word.p[0] == '@') {
		struct token name = { word.p + 1, word.len - 1 };

		v.known = chains_set(r->sets, r->table, name, &v.elements);
	}
	return v;
}

/* *met: the values are known, and have it or are to lack it. */
static void
require(struct reader *r, const struct values *v, bool has)
{
	if (!v->known || v->map)
		r->out->sure = false;
	if (v->known && has == v->negated)
		r->out->match = CHAIN_NEVER;
}

static void
take_port(struct reader *r)
{
	struct values v = take_values(r);

	require(r, &v, token_has_port(v.elements, r->packet->port));
	if (r->out->match != CHAIN_NEVER && !v.negated && v.known)
		r->out->match = CHAIN_NAMED;
}

static void
take_protocol(struct reader *r)
{
	struct values v = take_values(r);

	require(r, &v, token_has(v.elements, "tcp") || token_has(v.elements, "6"));
}

/* Elements are quoted; "lan*" is every interface whose name begins so. */
static bool
has_interface(struct token elements, const char *interface)
{
	struct token name;

	while (token_next(&elements, &name)) {
		if (name.len > 0 && name.p[name.len - 1] == '*' &&
		    strncmp(interface, name.p, name.len - 1) == 0)
			return true;
		if (token_is(name, interface))
			return true;
	}
	return false;
}

static void
take_interface(struct reader *r)
{
	struct values v = take_values(r);

	if (r->packet->interface == NULL)
		r->out->sure = false;
	else
		require(r, &v, has_interface(v.elements, r->packet->interface));
}

static void
take_state(struct reader *r)
{
	struct values v = take_values(r);

	if (!v.map)
		require(r, &v, token_has(v.elements, "new"));
	r->out->sure = r->out->sure && !v.map;
}

/* What stands before a field: "tcp dport", "meta l4proto", "ip daddr", "ct state". */
static void
take_field(struct reader *r, struct token of)
{
	struct token field = { "", 0 };
	bool any = token_is(of, "tcp") || token_is(of, "th");

	token_next(&r->rest, &field);
	if (any && token_is(field, "dport")) {
		take_port(r);
	} else if (token_is(of, "udp")) {
		r->out->match = CHAIN_NEVER;
	} else if (token_is(field, "l4proto") || token_is(field, "protocol") ||
	    token_is(field, "nexthdr")) {
		take_protocol(r);
	} else if (token_is(of, "ct") && token_is(field, "state")) {
		take_state(r);
	} else if (r->out->verdict == VERDICT_NONE) {	/* not a verdict's own words */
		r->out->sure = false;
		r->out->toward |= token_is(field, "daddr");
	}
}

/* True when the word was a verdict. */
static bool
take_verdict(struct reader *r, struct token word)
{
	static const struct {
		const char *word;
		enum chain_verdict verdict;
	} rows[] = {
		{ "accept", VERDICT_ACCEPT }, { "drop", VERDICT_DROP }, { "reject", VERDICT_DROP },
		{ "return", VERDICT_RETURN }, { "redirect", VERDICT_REDIRECT },
		{ "dnat", VERDICT_REDIRECT }, { "tproxy", VERDICT_REDIRECT },
		{ "jump", VERDICT_JUMP }, { "goto", VERDICT_JUMP },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!token_is(word, rows[i].word))
			continue;
		if (r->out->verdict == VERDICT_NONE)	/* "tproxy to :1 accept" is one */
			r->out->verdict = rows[i].verdict;
		if (rows[i].verdict == VERDICT_JUMP)
			token_next(&r->rest, &r->out->target);
		return true;
	}
	return false;
}

static bool
one_of(struct token word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (token_is(word, *list))
			return true;
	return false;
}

void
nft_rule(struct token line, const struct chain_packet *packet, const struct chains *sets,
    struct token table, struct chain_view *out)
{
	static const char *const fields[] = { "tcp", "udp", "th", "meta", "ip", "ip6", "ct", NULL };
	static const char *const valued[] = { "packets", "bytes", "comment", "prefix", "level",
		"group", NULL };
	static const char *const neutral[] = { "counter", "log", "to", "with", NULL };
	struct reader r = { .packet = packet, .sets = sets, .table = table, .out = out,
		.rest = line };
	struct token word, value;

	*out = (struct chain_view){ .match = CHAIN_MAYBE, .sure = true };
	while (out->match != CHAIN_NEVER && token_next(&r.rest, &word)) {
		if (token_is(word, "iifname") || token_is(word, "iif"))
			take_interface(&r);
		else if (one_of(word, fields))
			take_field(&r, word);
		else if (one_of(word, valued))
			token_next(&r.rest, &value);
		else if (!take_verdict(&r, word) && !one_of(word, neutral) &&
		    out->verdict == VERDICT_NONE)
			out->sure = false;
	}
}
