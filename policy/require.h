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
#include "tls/tlsa.h"

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

/* What DNS says of a host's TLSA records (INTERFACE: mx[].dane.state). */
enum require_dane {
	REQUIRE_DANE_NONE,	/* proven: there are none; or DANE is off (policy.dane: no) */
	REQUIRE_DANE_INSECURE,	/* its addresses or its records are not signed: as without (R86) */
	REQUIRE_DANE_ERROR,	/* bogus, failed: nothing may be delivered through it (R81) */
	REQUIRE_DANE_UNUSABLE,	/* records, none of which SMTP can use: TLS is demanded (R85) */
	REQUIRE_DANE_USABLE
};

struct require_host {
	const char *name;	/* A-labels, lower case, no trailing dot */
	uint16_t preference;
	enum require_addresses state;
	const struct in6_addr *addresses;	/* read with REQUIRE_ADDRESSES_OK only */
	size_t addresses_len;
	bool secure;			/* the addresses */
	enum require_dane dane;
	const char *base;		/* USABLE, UNUSABLE: the TLSA base domain */
	const struct tlsa *records;	/* USABLE: the usable ones, sorted (tlsa_sort) */
	size_t records_len;
	const char *answers;		/* what DNS answered, in lines (answer_note); "" */
};

/* Room for what a requirement points to. */
struct requirement_space {
	const char *hosts[REQUIREMENT_HOSTS_MAX];
	const char *names[REQUIREMENT_NAMES_MAX];
	const char *answers[REQUIREMENT_ANSWERS_MAX];
	const char *bases[TLSA_BASES_MAX];
	struct tlsa records[TLSA_RECORDS_MAX];
};

enum require_sts {
	REQUIRE_STS_NONE,	/* no policy is announced and none is cached */
	REQUIRE_STS_UNDETERMINED,	/* DNS or fetch failed and none is cached (R23, settled) */
	REQUIRE_STS_PENDING,	/* announced, nothing cached, the fetch is running */
	REQUIRE_STS_ACTIVE	/* a policy is in force: `policy` and what follows */
};

/* With a relay on auto, dane or dane-only the domain is the relay's name, and mx, with auto sts,
 * too, are those of that name (R26); with one of another level only relay, now and the
 * configuration's bits are read. A domain's rule of level fingerprint needs no mx, but takes the
 * SNI from it. */
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
		bool secure;		/* the MX record set, or that there is none */
		const char *expanded;	/* where the domain's own alias chain ended, where that is
					 * secure; "" or NULL: it is no alias */
		const char *answers;	/* as in require_host; "" or NULL */
		const struct require_host *hosts;	/* in any order; the best
							 * REQUIREMENT_HOSTS_MAX are considered */
		size_t hosts_len;
		const char *const *hinted;	/* hosts that a client's DNS said the peer is;
						 * read where no host above has its address */
		size_t hinted_len;
	} mx;
	bool remembered;		/* the peer offered STARTTLS in the last 30 days ... */
	const char *remembered_host;	/* ... as this MX host; "" or NULL: as an address alone */
	bool dane;			/* policy.dane, and the resolver is not known to be one
					 * that does not validate */
	bool both;			/* policy.both: where an MTA-STS policy is enforced */
	enum level no_policy;		/* policy.no-policy: LEVEL_MAY or LEVEL_ENCRYPT */
	bool stripping_refuse, monitor;
	/* question.end_to_end: less than VERIFY is raised to it, with the mapped hosts' names,
	 * testing is enforced; DEFER_UNMAPPED where the peer is not mapped. */
	bool end_to_end;
};

/* require: fills *out, whose strings point into *in and whose lists are written to *space; both
 * must outlive it. What decides, in order: a relay, the rule, DANE, MTA-STS, memory, nothing. */
void require(const struct require_input *in, struct requirement_space *space,
    struct requirement *out);

#endif
