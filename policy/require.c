/* require.c - what is known of a domain and an address, made into a requirement
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First which MX host the address is (DESIGN, "Which MX is this?"), then what decides, in order. */
#include "policy/require.h"

#include <assert.h>
#include <string.h>

#include "daemon/address.h"
#include "policy/candidates.h"
#include "policy/require_dane.h"
#include "policy/require_parts.h"

void
require_defer(struct requirement *out, enum requirement_defer code, const char *reason)
{
	out->state = REQUIREMENT_DEFER;
	out->defer_code = code;
	out->reason = reason;
}

/* The relay's name as somebody's who can prove it; "" for one that is an address. */
static const char *
name_of(const struct config_rule *relay)
{
	struct in6_addr ip;

	return address_parse_ip(&ip, relay->name, strlen(relay->name)) ? "" : relay->name;
}

/* end_to_end: nothing of the mail will be seen, so nothing less will do than the proof of a name,
 * or of what TLSA records or fingerprints name: of one of the MX hosts that have the address, or
 * the relay's. Who demands what stays on record. */
static void
end_to_end(const struct candidates *c, const char *relay, struct requirement_space *space,
    struct requirement *out)
{
	bool mx = out->mapped && c->len > 0;
	/* A fingerprint is proof without a name: a relay that is an address can have one. */
	bool nobody = !mx && relay[0] == '\0' && out->level != LEVEL_FINGERPRINT;

	if (out->state == REQUIREMENT_DEFER)
		return;
	if (nobody || (!out->mapped && out->level >= LEVEL_VERIFY)) {
		require_defer(out, DEFER_UNMAPPED,
		    "is not known to have an MX host at this address");
		return;
	}
	if (out->level >= LEVEL_VERIFY) {
		if (out->sts_mode == STS_TESTING)
			out->floor = LEVEL_VERIFY;
		return;
	}
	out->raised = out->mapped = true;
	out->floor = out->level;
	out->level = LEVEL_VERIFY;
	for (size_t i = 0; mx && i < c->len; i++)
		space->hosts[out->hosts_len++] = c->of[i]->name;
	if (!mx)
		space->hosts[out->hosts_len++] = relay;
	out->mx_host = out->sni = space->hosts[0];
}

static uint32_t
age(time_t fetched, time_t now)
{
	if (now <= fetched)
		return 0;	/* the clock was set back */
	return now - fetched > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - fetched);
}

/* R28, R29: the candidates that the policy names, to be proven. */
static void
demand_allowed(const struct sts_policy *policy, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	uint64_t allowed;

	for (size_t i = 0; i < c->len; i++)
		space->hosts[i] = c->of[i]->name;
	allowed = sts_policy_matches(policy, space->hosts, c->len);
	for (size_t i = 0; i < c->len; i++) {
		if (allowed >> i & 1)
			space->hosts[out->hosts_len++] = space->hosts[i];
	}
	out->mx_allowed = out->hosts_len > 0;
}

/* RFC 8461 sections 4 and 5. */
static void
by_sts(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	const struct sts_policy *policy = in->sts.policy;

	assert(policy != NULL);
	out->policy_type = POLICY_STS;
	out->source = in->sts.source;
	out->sts_mode = policy->mode;
	out->policy_domain = in->domain;
	out->policy_id = in->sts.id == NULL ? "" : in->sts.id;
	out->age_s = age(in->sts.fetched, in->now);
	if (policy->mode == STS_NONE)
		return;		/* R33: as without a policy */
	if (c->len == 0) {
		/* Nobody can say whether the policy allows this host: testing lets it go. */
		if (policy->mode == STS_ENFORCE)
			require_defer(out, DEFER_DNS_UNDECIDED, REQUIRE_UNKNOWN_MX);
		return;
	}
	out->level = LEVEL_VERIFY;
	demand_allowed(policy, c, space, out);
	if (out->mx_allowed)
		out->sni = space->hosts[0];	/* R37 */
	if (out->mapped)
		out->mx_host = out->sni;
}

static bool
sts_enforces(const struct require_input *in)
{
	return in->sts.state == REQUIRE_STS_ACTIVE && in->sts.policy->mode == STS_ENFORCE;
}

/* Beside records that can be used an enforced policy asks nothing (R1) unless policy.both says so;
 * that another host is named is logged. */
static void
beside_dane(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	if (!sts_enforces(in))
		return;
	demand_allowed(in->sts.policy, c, space, out);
	out->both = in->both;
	if (in->both)
		return;
	out->sts_mismatch = !out->mx_allowed;
	out->mx_allowed = true;
	out->hosts_len = 0;
}

/* Whether DANE decides for a domain on auto (RFC 7672 section 2.2). */
static bool
by_dane(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	bool pending = in->sts.state == REQUIRE_STS_PENDING;
	struct candidates found = *c;

	switch (require_dane_survey(in, &found)) {
	case REQUIRE_DANE_NONE:
	case REQUIRE_DANE_INSECURE:
		return false;
	case REQUIRE_DANE_ERROR:
		require_dane_undecided(out);
		break;
	case REQUIRE_DANE_UNUSABLE:
		if (pending || sts_enforces(in))
			return false;	/* asks for more than TLS, or may do so in a moment */
		out->level = LEVEL_ENCRYPT;	/* R85, R98 */
		out->tlsa_unusable = true;
		break;
	case REQUIRE_DANE_USABLE:
		if (pending && in->both)
			return false;
		out->level = LEVEL_DANE;
		require_dane_set(in, &found, space, out);
		beside_dane(in, c, space, out);
		break;
	}
	out->policy_type = POLICY_TLSA;
	out->policy_domain = in->domain;
	return true;
}

static void
by_auto(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	struct in6_addr ip;
	/* R88: nothing in DNS speaks of a relay that is an address. */
	bool dane = in->dane && !address_parse_ip(&ip, in->domain, strlen(in->domain));

	/* R79: what is not known may be a host with TLSA records. */
	if (dane && in->mx.state == REQUIRE_MX_FAILED) {
		require_defer(out, DEFER_DNS_UNDECIDED, REQUIRE_UNKNOWN_MX);
		return;
	}
	if (dane && by_dane(in, c, space, out))
		return;
	switch (in->sts.state) {
	case REQUIRE_STS_NONE:
	case REQUIRE_STS_UNDETERMINED:
		break;
	case REQUIRE_STS_PENDING:
		require_defer(out, DEFER_POLICY_PENDING,
		    "has a policy that is still being fetched");
		break;
	case REQUIRE_STS_ACTIVE:
		by_sts(in, c, space, out);
		break;
	}
}

bool
require_map(const struct require_input *in, struct candidates *c,
    struct requirement_space *space, struct requirement *out)
{
	if (in->mx.state == REQUIRE_MX_NULL) {
		require_defer(out, DEFER_NULL_MX, "takes no mail (null MX, RFC 7505)");
		return false;
	}
	candidates_map(c, in);
	candidates_answers(c, in, space, out);
	out->mx_secure = in->mx.secure;
	out->mapped = c->mapped;
	if (out->mapped)
		out->mx_host = out->sni = c->of[0]->name;
	return true;
}

bool
require_believes_mx(const struct require_input *in, struct requirement *out)
{
	if (in->mx.state == REQUIRE_MX_BOGUS)
		require_defer(out, DEFER_DNSSEC_BOGUS,
		    "has MX records that fail DNSSEC validation");
	return in->mx.state != REQUIRE_MX_BOGUS;
}

/* Without a relay, or at one on auto: the domain's own way through the list. */
static void
by_domain(const struct require_input *in, struct candidates *c, struct requirement_space *space,
    struct requirement *out)
{
	const struct config_rule *rule = require_live(in->rule, in->now) &&
	    in->rule->level != LEVEL_AUTO ? in->rule : NULL;

	if (!require_map(in, c, space, out))
		return;
	/* Where no proof is demanded it does not matter who the MX hosts are. */
	if ((rule == NULL || rule->level >= LEVEL_VERIFY) && !require_believes_mx(in, out))
		return;
	if (rule != NULL)
		require_by_rule(in, rule, c, space, out);
	else
		by_auto(in, c, space, out);
}

void
require(const struct require_input *in, struct requirement_space *space, struct requirement *out)
{
	const struct config_rule *relay = require_live(in->relay, in->now) ? in->relay : NULL;
	struct candidates c = { .len = 0 };

	*out = (struct requirement){
		.state = REQUIREMENT_READY, .defer_code = DEFER_NOTHING,
		.level = in->no_policy, .floor = in->no_policy,
		.policy_type = POLICY_NONE_FOUND, .source = SOURCE_NONE, .sts_mode = STS_NONE,
		.monitor = in->monitor, .stripping_refuse = in->stripping_refuse,
		.remembered = in->remembered, .marks_count = true, .mx_allowed = true,
		.policy_domain = "", .policy_id = "", .mx_host = "", .sni = "",
		.secure_domain = "", .reason = "", .hosts = space->hosts,
		.names = space->names, .answers = space->answers,
	};
	if (relay != NULL && relay->level != LEVEL_AUTO)
		require_by_relay(in, relay, &c, space, out);
	/* On auto the relay's own policy counts, never that of a recipient's domain (R26). */
	else if (in->domain[0] != '\0' && (relay == NULL || strcmp(relay->name, in->domain) == 0))
		by_domain(in, &c, space, out);
	/* What the host was called when last seen is a hint for SNI, where nothing is demanded. */
	if (out->sni[0] == '\0' && out->policy_type != POLICY_LOCAL && out->remembered &&
	    out->level < LEVEL_VERIFY && in->remembered_host != NULL)
		out->sni = in->remembered_host;
	if (in->end_to_end)
		end_to_end(&c, relay != NULL ? name_of(relay) : "", space, out);
}
