/* requirement.h - what a peer must prove for one recipient domain at one address
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Made by require() in the policy process, judged by judge() in the worker. A plain value: strings
 * may point anywhere while it lives; requirement_copy makes one block that owns all. */
#ifndef POLICY_REQUIREMENT_H
#define POLICY_REQUIREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/wire.h"
#include "policy/level.h"
#include "tls/tlsa.h"

#define REQUIREMENT_HOSTS_MAX 64	/* MX hosts of one domain that are considered */
#define REQUIREMENT_NAMES_MAX 8		/* reference names of usage 2 beside the base */
#define REQUIREMENT_ANSWERS_MAX 8	/* the MX set's and those of the hosts in question */
#define REQUIREMENT_ANSWERS_OCTETS 8192	/* all of them: beside the rest of a message */

enum requirement_state {
	REQUIREMENT_READY,
	REQUIREMENT_DEFER	/* no verdict can be had now: defer_code and reason say why */
};

enum requirement_defer {
	DEFER_NOTHING,
	DEFER_POLICY_PENDING,	/* TXT valid, nothing cached, fetch still running: 4.7.0 */
	DEFER_DNS_UNDECIDED,	/* MX set bogus or failed for a signed domain: 4.4.3 */
	DEFER_NULL_MX,		/* RFC 7505: the domain takes no mail; never a target: 4.7.0 */
	DEFER_SERVICE_DOWN,	/* the policy process did not answer in time: 4.7.0 */
	DEFER_DNSSEC_BOGUS,	/* MX set bogus: 4.4.3, dnssec-invalid */
	DEFER_TLSA_UNDECIDED,	/* the host's TLSA or address answers failed or are bogus: 4.4.3,
				 * dnssec-invalid; other MX hosts are not concerned (R80, R81) */
	DEFER_UNMAPPED		/* question.end_to_end alone, never a refusal: which domains use
				 * the address is not known, or no one proof satisfies them all */
};

enum policy_type { POLICY_NONE_FOUND, POLICY_STS, POLICY_TLSA, POLICY_LOCAL };
enum policy_source {
	SOURCE_NONE, SOURCE_CACHE, SOURCE_FETCHED, SOURCE_RULE, SOURCE_RELAY, SOURCE_MEMORY
};
enum sts_mode { STS_ENFORCE, STS_TESTING, STS_NONE };

struct requirement {
	enum requirement_state state;
	enum requirement_defer defer_code;
	enum level level;		/* all but AUTO. DANE, DANE_ONLY and FINGERPRINT demand a
					 * match in `tlsa`; DANE_ONLY without any cannot be met */
	enum policy_type policy_type;
	enum policy_source source;
	enum sts_mode sts_mode;		/* with POLICY_STS */
	bool monitor;			/* mode: monitor: refusals become would-refuse */
	bool stripping_refuse;		/* policy.stripping: refuse */
	bool remembered;		/* this host offered STARTTLS in the last 30 days, and
					 * memory may decide (no rule or relay stands before it) */
	bool marks_count;		/* visible tampering is refused on first contact too */
	bool mapped;			/* the address belongs to mx_host, by DNS */
	bool mx_allowed;		/* some host in question is allowed by the policy */
	uint32_t age_s;			/* of the cached policy */
	const char *policy_domain;	/* "" when there is none */
	const char *policy_id;		/* "" */
	const char *mx_host;		/* the MX record name behind the address; "" if unknown */
	const char *sni;		/* what to send; "" for none */
	enum level floor;		/* demanded even where sts_mode TESTING makes `level` a
					 * mere report: policy.no-policy, end to end VERIFY; with
					 * `raised` what was demanded before */
	bool raised;			/* end to end: nobody demands VERIFY, but nothing passes
					 * unseen that is not proven as the MX host */
	const char *secure_domain;	/* with LEVEL_SECURE */
	const char *reason;		/* of a rule or a deferral, printable; "" */
	size_t hosts_len;		/* names one of which the certificate must carry (VERIFY) */
	const char *const *hosts;
	struct tlsa_set tlsa;		/* with DANE, DANE_ONLY, FINGERPRINT */
	size_t names_len;		/* usage 2: names that count beside the base that matched:
					 * MX host, next hop, expanded next hop (R104, R105) */
	const char *const *names;
	bool both;			/* policy.both: `hosts` must be met too, as with VERIFY */
	bool tlsa_unusable;		/* POLICY_TLSA with ENCRYPT, or DANE_ONLY: there are
					 * records, none of which can be used */
	bool mx_secure;			/* the MX record set is: else a success is the host's, and
					 * not the domain's (R91) */
	bool sts_mismatch;		/* DANE decides; an MTA-STS policy in force names another
					 * MX host: only logged (settled) */
	size_t answers_len;		/* what DNS answered, in lines (answer_note) */
	const char *const *answers;
};

/* requirement_copy: one block that owns all, to be freed with free(); NULL when out of memory. */
struct requirement *requirement_copy(const struct requirement *q);

/* requirement_put, requirement_get: the wire form. get returns a block that owns everything, to be
 * freed with free(); NULL with *r marked bad when malformed, NULL alone when out of memory. */
void requirement_put(struct wire_writer *w, const struct requirement *q);
struct requirement *requirement_get(struct wire_reader *r);

/* policy_type_name: "sts", "tlsa", "local", "no-policy-found". */
const char *policy_type_name(enum policy_type t);
const char *policy_source_name(enum policy_source s);	/* "cache" ...; "none" for SOURCE_NONE */
const char *sts_mode_name(enum sts_mode m);

#endif
