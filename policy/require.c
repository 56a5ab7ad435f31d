/* require.c - what is known of a domain and an address, made into a requirement
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First which MX host the address is (DESIGN, "Which MX is this?"), then what decides, in order. */
#include "policy/require.h"

#include <assert.h>
#include <string.h>

#include "daemon/address.h"

/* The MX hosts in question, best preference first: those that have the peer's address where the
 * address is mapped, else all. Empty where nothing is known of them. */
struct candidates {
	const struct require_host *of[REQUIREMENT_HOSTS_MAX];
	size_t len;
};

static bool
has_address(const struct require_host *h, const struct in6_addr *ip)
{
	if (h->state != REQUIRE_ADDRESSES_OK)
		return false;
	for (size_t i = 0; i < h->addresses_len; i++) {
		if (address_same_ip(&h->addresses[i], ip))
			return true;
	}
	return false;
}

/* Keeps the best REQUIREMENT_HOSTS_MAX in order; equal preferences stay in the order given. */
static void
insert(struct candidates *c, const struct require_host *h)
{
	size_t at = c->len;

	while (at > 0 && c->of[at - 1]->preference > h->preference)
		at--;
	if (at == REQUIREMENT_HOSTS_MAX)
		return;
	if (c->len == REQUIREMENT_HOSTS_MAX)
		c->len--;
	for (size_t i = c->len; i > at; i--)
		c->of[i] = c->of[i - 1];
	c->of[at] = h;
	c->len++;
}

/* Rotating and geographic answers: the client was told that this host has the peer's address. Of a
 * host whose addresses DNSSEC calls a lie nobody's word is taken. */
static bool
was_hinted(const struct require_input *in, const struct require_host *h)
{
	for (size_t i = 0; h->state != REQUIRE_ADDRESSES_BOGUS && i < in->mx.hinted_len; i++)
		if (strcmp(in->mx.hinted[i], h->name) == 0)
			return true;
	return false;
}

/* Whether the address belongs to a known MX host; *c is then narrowed to the hosts that have it. A
 * hint counts after our own lookup, and only among the hosts of our own set: it narrows what the
 * peer may prove itself as, and can neither add a host nor take the demand away. */
static bool
map_peer(const struct require_input *in, struct candidates *c)
{
	struct candidates mapped = { .len = 0 }, hinted = { .len = 0 };

	c->len = 0;
	if (in->mx.state != REQUIRE_MX_OK && in->mx.state != REQUIRE_MX_IMPLICIT)
		return false;
	for (size_t i = 0; i < in->mx.hosts_len; i++) {
		insert(c, &in->mx.hosts[i]);
		if (has_address(&in->mx.hosts[i], &in->peer))
			insert(&mapped, &in->mx.hosts[i]);
		else if (was_hinted(in, &in->mx.hosts[i]))
			insert(&hinted, &in->mx.hosts[i]);
	}
	if (mapped.len == 0)
		mapped = hinted;
	if (mapped.len == 0)
		return false;
	*c = mapped;
	return true;
}

static void
defer(struct requirement *out, enum requirement_defer code, const char *reason)
{
	out->state = REQUIREMENT_DEFER;
	out->defer_code = code;
	out->reason = reason;
}

/* The levels of rules that this version knows but cannot carry out. Nothing is delivered on the
 * strength of a demand that nobody checked. */
static void
defer_level(struct requirement *out, enum level level)
{
	out->level = LEVEL_VERIFY;
	if (level == LEVEL_FINGERPRINT)
		defer(out, DEFER_SERVICE_DOWN, "has a rule of level fingerprint, which this "
		    "version cannot carry out");
	else
		defer(out, DEFER_SERVICE_DOWN, "has a rule of level dane, which this version "
		    "cannot carry out");
}

/* The relay's name as somebody's who can prove it; "" for one that is an address. */
static const char *
name_of(const struct config_rule *relay)
{
	struct in6_addr ip;

	return address_parse_ip(&ip, relay->name, strlen(relay->name)) ? "" : relay->name;
}

/* end_to_end: nothing of the mail will be seen, so nothing less will do than the proof of a name:
 * one of the MX hosts that have the address, or the relay's. Who demands what stays on record. */
static void
end_to_end(const struct candidates *c, const char *relay,
    const char *hosts[REQUIREMENT_HOSTS_MAX], struct requirement *out)
{
	bool mx = out->mapped && c->len > 0;

	if (out->state == REQUIREMENT_DEFER)
		return;
	if ((!mx && relay[0] == '\0') || (!out->mapped && out->level >= LEVEL_VERIFY)) {
		defer(out, DEFER_UNMAPPED, "is not known to have an MX host at this address");
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
		hosts[out->hosts_len++] = c->of[i]->name;
	if (!mx)
		hosts[out->hosts_len++] = relay;
	out->mx_host = out->sni = hosts[0];
}

static bool
live(const struct config_rule *rule, time_t now)
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

static void
by_relay(const struct config_rule *relay, const char *hosts[REQUIREMENT_HOSTS_MAX],
    struct requirement *out)
{
	local(relay, SOURCE_RELAY, out);
	out->mapped = true;
	out->mx_host = out->sni = relay->name;
	if (relay->level == LEVEL_VERIFY) {
		hosts[0] = relay->name;
		out->hosts_len = 1;
	} else if (relay->level == LEVEL_SECURE) {
		out->secure_domain = relay->name;
	} else if (relay->level > LEVEL_SECURE) {
		defer_level(out, relay->level);
	}
}

static void
by_rule(const struct require_input *in, const struct candidates *c,
    const char *hosts[REQUIREMENT_HOSTS_MAX], struct requirement *out)
{
	local(in->rule, SOURCE_RULE, out);
	out->policy_domain = in->domain;
	if (in->rule->level > LEVEL_SECURE) {
		defer_level(out, in->rule->level);
		return;
	}
	if (in->rule->level < LEVEL_VERIFY)
		return;
	/* Where a name will be demanded an unmapped peer is asked for the best MX host's. */
	if (c->len > 0)
		out->sni = c->of[0]->name;
	if (in->rule->level == LEVEL_SECURE) {
		out->secure_domain = in->domain;
		return;
	}
	if (c->len == 0)
		defer(out, DEFER_DNS_UNDECIDED, "has MX records that could not be looked up");
	for (size_t i = 0; i < c->len; i++)
		hosts[out->hosts_len++] = c->of[i]->name;
}

static uint32_t
age(time_t fetched, time_t now)
{
	if (now <= fetched)
		return 0;	/* the clock was set back */
	return now - fetched > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - fetched);
}

/* RFC 8461 sections 4 and 5. */
static void
by_sts(const struct require_input *in, const struct candidates *c,
    const char *hosts[REQUIREMENT_HOSTS_MAX], struct requirement *out)
{
	const struct sts_policy *policy = in->sts.policy;
	uint64_t allowed;

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
			defer(out, DEFER_DNS_UNDECIDED,
			    "has MX records that could not be looked up");
		return;
	}
	out->level = LEVEL_VERIFY;
	for (size_t i = 0; i < c->len; i++)
		hosts[i] = c->of[i]->name;
	allowed = sts_policy_matches(policy, hosts, c->len);
	for (size_t i = 0; i < c->len; i++) {
		if (allowed >> i & 1)
			hosts[out->hosts_len++] = hosts[i];
	}
	out->mx_allowed = out->hosts_len > 0;
	if (out->mx_allowed)
		out->sni = hosts[0];	/* R37 */
	if (out->mapped)
		out->mx_host = out->sni;
}

/* Without a relay: the domain's own way through the list. */
static void
by_domain(const struct require_input *in, struct candidates *c,
    const char *hosts[REQUIREMENT_HOSTS_MAX], struct requirement *out)
{
	if (in->mx.state == REQUIRE_MX_NULL) {
		defer(out, DEFER_NULL_MX, "takes no mail (null MX, RFC 7505)");
		return;
	}
	if (in->mx.state == REQUIRE_MX_BOGUS) {
		defer(out, DEFER_DNS_UNDECIDED, "has MX records that fail DNSSEC validation");
		return;
	}
	out->mapped = map_peer(in, c);
	if (out->mapped)
		out->mx_host = out->sni = c->of[0]->name;
	if (live(in->rule, in->now) && in->rule->level != LEVEL_AUTO) {
		by_rule(in, c, hosts, out);
		return;
	}
	switch (in->sts.state) {
	case REQUIRE_STS_NONE:
	case REQUIRE_STS_UNDETERMINED:
		break;
	case REQUIRE_STS_PENDING:
		defer(out, DEFER_POLICY_PENDING, "has a policy that is still being fetched");
		break;
	case REQUIRE_STS_ACTIVE:
		by_sts(in, c, hosts, out);
		break;
	}
}

void
require(const struct require_input *in, const char *hosts[REQUIREMENT_HOSTS_MAX],
    struct requirement *out)
{
	const struct config_rule *relay = live(in->relay, in->now) ? in->relay : NULL;
	struct candidates c = { .len = 0 };

	*out = (struct requirement){
		.state = REQUIREMENT_READY, .defer_code = DEFER_NOTHING,
		.level = in->no_policy, .floor = in->no_policy,
		.policy_type = POLICY_NONE_FOUND, .source = SOURCE_NONE, .sts_mode = STS_NONE,
		.monitor = in->monitor, .stripping_refuse = in->stripping_refuse,
		.remembered = in->remembered, .marks_count = true, .mx_allowed = true,
		.policy_domain = "", .policy_id = "", .mx_host = "", .sni = "",
		.secure_domain = "", .reason = "", .hosts = hosts,
	};
	if (relay != NULL && relay->level != LEVEL_AUTO) {
		by_relay(relay, hosts, out);
		if (in->end_to_end)
			end_to_end(&c, name_of(relay), hosts, out);
		return;
	}
	/* On auto the relay's own policy counts, never that of a recipient's domain (R26). */
	if (in->domain[0] != '\0' && (relay == NULL || strcmp(relay->name, in->domain) == 0))
		by_domain(in, &c, hosts, out);
	/* What the host was called when last seen is a hint for SNI, where nothing is demanded. */
	if (out->sni[0] == '\0' && out->policy_type != POLICY_LOCAL && out->remembered &&
	    out->level < LEVEL_VERIFY && in->remembered_host != NULL)
		out->sni = in->remembered_host;
	if (in->end_to_end)
		end_to_end(&c, relay != NULL ? name_of(relay) : "", hosts, out);
}
