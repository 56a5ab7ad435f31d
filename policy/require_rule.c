/* require_rule.c - what an administrator's rule makes of a requirement, for a domain or a relay
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "policy/require_dane.h"
#include "policy/require_parts.h"

bool
require_live(const struct config_rule *rule, time_t now)
{
	return rule != NULL && (rule->until == 0 || now < rule->until);
}

/* What a relay or a rule says; neither memory nor marks stand behind it. */
static void
local(const struct config_rule *rule, enum policy_source source, struct requirement *out)
{
	out->policy_type = POLICY_LOCAL;
	out->source = source;
	out->policy_domain = rule->name;
	out->level = rule->level;
	out->reason = rule->reason == NULL ? "" : rule->reason;
	out->floor = LEVEL_NONE;
	out->remembered = false;
	out->marks_count = false;
}

/* DANE and nothing else, by a rule or at a relay. */
static void
by_dane_level(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	bool only = out->level == LEVEL_DANE_ONLY;
	struct candidates found = *c;

	if (c->len == 0) {
		require_defer(out, DEFER_DNS_UNDECIDED, REQUIRE_UNKNOWN_MX);
		return;
	}
	switch (require_dane_survey(in, &found)) {
	case REQUIRE_DANE_USABLE:
		/* R90: whoever forges an unsigned MX set names a host with records of its own. */
		if (!only || in->mx.secure)
			require_dane_set(in, &found, space, out);
		return;
	case REQUIRE_DANE_ERROR:
		require_dane_undecided(out);
		return;
	case REQUIRE_DANE_UNUSABLE:
		out->tlsa_unusable = true;
		if (!only)
			out->level = LEVEL_ENCRYPT;
		return;
	case REQUIRE_DANE_NONE:
	case REQUIRE_DANE_INSECURE:
		break;
	}
	if (only)
		return;		/* without records nothing satisfies it (R109) */
	/* Nobody has allowed this host to lose its STARTTLS. */
	out->level = LEVEL_MAY;
	out->remembered = in->remembered;
	out->marks_count = true;
}

/* A relay's name is the MX host's, but with DANE, where its own MX set is asked (as on auto). */
void
require_by_relay(const struct require_input *in, const struct config_rule *relay,
    struct candidates *c, struct requirement_space *space, struct requirement *out)
{
	local(relay, SOURCE_RELAY, out);
	out->mapped = true;
	out->mx_host = out->sni = relay->name;
	if (relay->level == LEVEL_VERIFY) {
		space->hosts[0] = relay->name;
		out->hosts_len = 1;
	} else if (relay->level == LEVEL_SECURE) {
		out->secure_domain = relay->name;
	} else if (relay->level == LEVEL_FINGERPRINT) {
		require_dane_fingerprints(relay, relay->name, space, out);
	} else if (relay->level == LEVEL_DANE || relay->level == LEVEL_DANE_ONLY) {
		/* Nothing is known of its MX set where another's was asked. */
		if (strcmp(relay->name, in->domain) == 0 && (!require_map(in, c, space, out) ||
		    !require_believes_mx(in, out)))
			return;
		by_dane_level(in, c, space, out);
	}
}

void
require_by_rule(const struct require_input *in, const struct config_rule *rule,
    const struct candidates *c, struct requirement_space *space, struct requirement *out)
{
	local(rule, SOURCE_RULE, out);
	out->policy_domain = in->domain;
	if (rule->level < LEVEL_VERIFY)
		return;
	if (rule->level == LEVEL_DANE || rule->level == LEVEL_DANE_ONLY) {
		by_dane_level(in, c, space, out);
		return;
	}
	/* Where proof will be demanded an unmapped peer is asked for the best MX host's. */
	if (c->len > 0)
		out->sni = c->of[0]->name;
	if (rule->level == LEVEL_SECURE) {
		out->secure_domain = in->domain;
		return;
	}
	if (rule->level == LEVEL_FINGERPRINT) {
		require_dane_fingerprints(rule, c->len > 0 ? c->of[0]->name : in->domain, space,
		    out);
		return;
	}
	if (c->len == 0)
		require_defer(out, DEFER_DNS_UNDECIDED, REQUIRE_UNKNOWN_MX);
	for (size_t i = 0; i < c->len; i++)
		space->hosts[out->hosts_len++] = c->of[i]->name;
}
