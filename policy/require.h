/* require.h - what is known of a domain and an address, made into a requirement
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure: DNS, cache, store and clock were asked before, and what they said stands in one struct. */
#ifndef POLICY_REQUIRE_H
#define POLICY_REQUIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/config.h"
#include "policy/requirement.h"
#include "policy/sts_policy.h"

/* What the lookup of a domain's MX record set gave. */
enum require_mx {
	REQUIRE_MX_OK,
	REQUIRE_MX_IMPLICIT,	/* no MX record: hosts is the domain itself (RFC 5321 5.1) */
	REQUIRE_MX_NULL,	/* RFC 7505 */
	REQUIRE_MX_FAILED,	/* SERVFAIL, timeout: not known */
	REQUIRE_MX_BOGUS	/* DNSSEC says that somebody lies */
};

enum require_addresses {
	REQUIRE_ADDRESSES_OK,
	REQUIRE_ADDRESSES_NONE,	/* the host has none */
	REQUIRE_ADDRESSES_FAILED,
	REQUIRE_ADDRESSES_BOGUS	/* not to be believed; this host alone suffers (R80) */
};

struct require_host {
	const char *name;	/* A-labels, lower case, no trailing dot */
	uint16_t preference;
	enum require_addresses state;
	const struct in6_addr *addresses;	/* read with REQUIRE_ADDRESSES_OK only */
	size_t addresses_len;
};

enum require_sts {
	REQUIRE_STS_NONE,	/* no policy is announced and none is cached */
	REQUIRE_STS_UNDETERMINED,	/* DNS or fetch failed and none is cached (R23, settled) */
	REQUIRE_STS_PENDING,	/* announced, nothing cached, the fetch is running */
	REQUIRE_STS_ACTIVE	/* a policy is in force: `policy` and what follows */
};

/* With a relay whose level is not auto only relay, now and the configuration's bits are read.
 * With a relay on auto the domain is the relay's name, and sts and mx are those of that name
 * (R26). */
struct require_input {
	time_t now;
	const char *domain;	/* recipient's, normalised; "" for none or an address literal */
	struct in6_addr peer;
	const struct config_rule *relay;	/* of the relay that has this address; NULL */
	const struct config_rule *rule;		/* for the domain; NULL. One that has lapsed at
						 * `now` is not heeded */
	struct {
		enum require_sts state;
		const struct sts_policy *policy;
		const char *id;
		enum policy_source source;	/* SOURCE_CACHE or SOURCE_FETCHED */
		time_t fetched;
	} sts;
	struct {
		enum require_mx state;
		const struct require_host *hosts;	/* in any order; the best
							 * REQUIREMENT_HOSTS_MAX are considered */
		size_t hosts_len;
		const char *const *hinted;	/* hosts that a client's DNS said the peer is;
						 * read where no host above has its address */
		size_t hinted_len;
	} mx;
	bool remembered;		/* the peer offered STARTTLS in the last 30 days ... */
	const char *remembered_host;	/* ... as this MX host; "" or NULL: as an address alone */
	enum level no_policy;		/* policy.no-policy: LEVEL_MAY or LEVEL_ENCRYPT */
	bool stripping_refuse, monitor;
	/* question.end_to_end: less than VERIFY is raised to it, with the mapped hosts' names,
	 * testing is enforced; DEFER_UNMAPPED where the peer is not mapped. */
	bool end_to_end;
};

/* require: fills *out, whose strings point into *in and whose hosts are written to `hosts`; both
 * must outlive it. What decides, in order: a relay, the rule, [DANE], MTA-STS, memory, nothing. */
void require(const struct require_input *in, const char *hosts[REQUIREMENT_HOSTS_MAX],
    struct requirement *out);

#endif
