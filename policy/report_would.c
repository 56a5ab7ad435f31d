/* report_would.c - what a session with a domain would come to, before TLS
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For whoever asks before mail is sent; require() and judge() are what decides then. Host by host,
 * as a client tries them: one that would do is enough. */
#include "policy/report.h"

/* Why a host would not do; the later ones say more about the domain. */
enum cause {
	CAUSE_NOTHING, CAUSE_NO_ADDRESS, CAUSE_NOT_ALLOWED, CAUSE_NO_TLSA, CAUSE_MX_INSECURE,
	CAUSE_PENDING, CAUSE_ADDRESSES_UNKNOWN, CAUSE_TLSA_UNKNOWN
};

static const struct {
	enum report_would would;
	const char *host, *domain;	/* the words, of one and of all */
} causes[] = {
	[CAUSE_NOTHING] = { WOULD_DELIVER, "", "" },
	[CAUSE_NO_ADDRESS] = { WOULD_UNKNOWN, "it has no address", "no MX host has an address" },
	[CAUSE_NOT_ALLOWED] = { WOULD_REFUSE, "the MTA-STS policy does not allow it",
	    "no MX host is allowed by the policy" },
	[CAUSE_NO_TLSA] = { WOULD_REFUSE, "it has no TLSA records that could be used, which the "
	    "rule demands", "no MX host has TLSA records that could be used, which the rule "
	    "demands" },
	[CAUSE_MX_INSECURE] = { WOULD_REFUSE, "the MX records are not signed, which the rule "
	    "demands", "the MX records are not signed, which the rule demands" },
	[CAUSE_PENDING] = { WOULD_DEFER, "the policy is still being fetched",
	    "the policy is still being fetched" },
	[CAUSE_ADDRESSES_UNKNOWN] = { WOULD_DEFER, "its addresses could not be looked up",
	    "the addresses of the MX hosts could not be looked up" },
	[CAUSE_TLSA_UNKNOWN] = { WOULD_DEFER, "its TLSA records could not be looked up",
	    "the TLSA records of the MX hosts could not be looked up" },
};

static enum cause
by_sts(const struct lookup_result *r, const struct require_host *h)
{
	if (r->sts.state == REQUIRE_STS_PENDING)
		return CAUSE_PENDING;
	return r->sts.policy == NULL || r->sts.policy->mode != STS_ENFORCE ||
	    sts_policy_match(r->sts.policy, h->name) ? CAUSE_NOTHING : CAUSE_NOT_ALLOWED;
}

static enum cause
by_dane_only(const struct lookup_result *r, enum require_dane dane)
{
	if (dane != REQUIRE_DANE_USABLE)
		return CAUSE_NO_TLSA;
	return r->mx->secure ? CAUSE_NOTHING : CAUSE_MX_INSECURE;	/* R90 */
}

static enum cause
cause_of(const struct lookup_result *r, const struct require_host *h,
    const struct report_terms *terms)
{
	enum level level = terms->rule != NULL ? terms->rule->level : LEVEL_AUTO;
	/* A rule that names DANE goes by whatever was found. */
	enum require_dane dane = terms->dane || level != LEVEL_AUTO ? h->dane :
	    REQUIRE_DANE_INSECURE;

	switch (h->state) {
	case REQUIRE_ADDRESSES_OK:
		break;
	case REQUIRE_ADDRESSES_NONE:
		return CAUSE_NO_ADDRESS;
	case REQUIRE_ADDRESSES_FAILED:
	case REQUIRE_ADDRESSES_BOGUS:
		return CAUSE_ADDRESSES_UNKNOWN;
	}
	switch (level) {
	case LEVEL_NONE: case LEVEL_MAY: case LEVEL_ENCRYPT: case LEVEL_VERIFY:
	case LEVEL_SECURE: case LEVEL_FINGERPRINT:
		return CAUSE_NOTHING;
	case LEVEL_DANE: case LEVEL_DANE_ONLY: case LEVEL_AUTO:
		break;
	}
	if (dane == REQUIRE_DANE_ERROR)
		return CAUSE_TLSA_UNKNOWN;	/* R81 */
	if (level == LEVEL_DANE_ONLY)
		return by_dane_only(r, dane);
	if (level == LEVEL_DANE || (dane == REQUIRE_DANE_USABLE && !terms->both))
		return CAUSE_NOTHING;
	return by_sts(r, h);
}

enum report_would
report_host_would(const struct lookup_result *r, const struct require_host *h,
    const struct report_terms *terms, const char **reason)
{
	enum cause cause = cause_of(r, h, terms);

	*reason = causes[cause].host;
	return causes[cause].would;
}

/* By the MX records alone; WOULD_DELIVER: the hosts decide. */
static enum report_would
by_mx(const struct mx_set *mx, const char **reason)
{
	switch (mx->state) {
	case REQUIRE_MX_NULL:
		*reason = "the domain takes no mail (null MX)";
		return WOULD_REFUSE;
	case REQUIRE_MX_BOGUS:
		*reason = "the MX records fail DNSSEC validation";
		return WOULD_DEFER;
	case REQUIRE_MX_FAILED:
		*reason = "the MX records could not be looked up";
		return WOULD_DEFER;
	case REQUIRE_MX_OK:
	case REQUIRE_MX_IMPLICIT:
		break;
	}
	return WOULD_DELIVER;
}

enum report_would
report_would(const struct lookup_result *r, const struct report_terms *terms, const char **reason)
{
	enum cause worst = CAUSE_NO_ADDRESS, cause;
	enum report_would would;

	*reason = "";
	if (terms->rule != NULL && terms->rule->level <= LEVEL_ENCRYPT &&
	    r->mx->state != REQUIRE_MX_NULL)
		return WOULD_DELIVER;
	would = by_mx(r->mx, reason);
	if (would != WOULD_DELIVER)
		return would;
	for (size_t i = 0; i < r->mx->hosts_len; i++) {
		cause = cause_of(r, &r->mx->hosts[i], terms);
		if (cause == CAUSE_NOTHING)
			return WOULD_DELIVER;
		if (cause > worst)
			worst = cause;
	}
	*reason = r->mx->exists ? causes[worst].domain : "no such domain";
	return r->mx->exists ? causes[worst].would : WOULD_UNKNOWN;
}

const char *
report_would_name(enum report_would w)
{
	static const char *const words[] = { "deliver", "refuse", "defer", "unknown" };

	return words[w];
}
