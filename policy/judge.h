/* judge.h - a requirement held against a proof: pass, refuse or would-refuse
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure. Called in the worker, for each recipient domain of a transaction. */
#ifndef POLICY_JUDGE_H
#define POLICY_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/requirement.h"
#include "tls/proof.h"

enum starttls {
	STARTTLS_NOT_TRIED,	/* offered or not, there was no reason to use it (level none) */
	STARTTLS_OFFERED,	/* offered and used; see the proof */
	STARTTLS_ABSENT,	/* not in the EHLO reply, or EHLO itself was refused */
	STARTTLS_MASKED,	/* a keyword that is STARTTLS overwritten: 250-XXXXXXXA */
	STARTTLS_REFUSED,	/* offered, then an honest 4xx or 5xx to the command */
	STARTTLS_WRONG_CODE,	/* offered, then a code or form no server sends; event: refused */
	STARTTLS_INJECTED	/* octets behind the final 220, before the handshake */
};

enum verdict_kind { VERDICT_PASS, VERDICT_REFUSE, VERDICT_WOULD_REFUSE };

/* RFC 8460 section 4.3. */
enum result_type {
	RESULT_SUCCESS, RESULT_STARTTLS_NOT_SUPPORTED, RESULT_CERTIFICATE_HOST_MISMATCH,
	RESULT_CERTIFICATE_EXPIRED, RESULT_CERTIFICATE_NOT_TRUSTED, RESULT_VALIDATION_FAILURE,
	RESULT_TLSA_INVALID, RESULT_DNSSEC_INVALID, RESULT_DANE_REQUIRED,
	RESULT_STS_POLICY_FETCH_ERROR, RESULT_STS_POLICY_INVALID, RESULT_STS_WEBPKI_INVALID
};

#define VERDICT_REASON_SIZE 256

struct verdict {
	enum verdict_kind kind;
	enum result_type result_type;
	const char *reason_code;	/* static: "name-mismatch"; finer than result_type */
	const char *enhanced;		/* static: "4.7.5" */
	bool by_memory;			/* refused for what is remembered of the host or for marks
					 * of stripping: no-policy-found, source memory */
	bool other_session;		/* refused, but another TLS session to the same address
					 * (other SNI, other TLSA records, or TLS where none was
					 * tried) might satisfy */
	char reason[VERDICT_REASON_SIZE];	/* "demands a certificate for a.example, got ..." */
};

/* judge: what `peer`'s behaviour and proof are worth under q. A peer that did not use TLS has
 * proof->state PROOF_NO_TLS. q->state DEFER gives a refusal with the deferral's code;
 * injection one whatever the level, since that connection is dead (monitor: both would-refuse).
 * The reason never holds octets other than printable ASCII; it reads on after the domain's name.
 * Where several things are wrong the first counts: MX host not in the policy, no records, no TLS,
 * TLS too old, chain, name (names in a certificate that nobody vouches for say nothing); of
 * q->both the records first. A pass has RESULT_SUCCESS and tells by reason_code what it rests on:
 * "proven", "tlsa-unusable", "tls-unauthenticated", or why in clear text. */
void judge(const struct requirement *q, enum starttls starttls, const struct proof *proof,
    struct verdict *out);

/* judge_wants_tls: whether STARTTLS is worth trying under q when the server offers it. */
bool judge_wants_tls(const struct requirement *q);

/* judge_demands_tls: whether clear text must be refused under q (policy, rule or memory; testing
 * and monitor do not demand), so that no dial in clear text may follow a failed handshake. */
bool judge_demands_tls(const struct requirement *q);

#define VERDICT_REPLY_MAX 510	/* octets with CRLF: RFC 5321 4.5.3.1.5 allows 512 */

/* verdict_reply: the one-line refusal of INTERFACE.md, without CRLF, cut inside the reason where
 * it would grow over VERDICT_REPLY_MAX - 2 octets. Returns its length.
 * "451 4.7.5 postern ID: DOMAIN REASON (RESULT-TYPE, SOURCE); not sent" */
size_t verdict_reply(char *out, size_t size, const char *id, const char *domain,
    const struct requirement *q, const struct verdict *v);

/* verdict_source: the policy's word in a reply: "sts enforce", "dane", "dane and sts",
 * "rule", "memory", "no policy". */
const char *verdict_source(const struct requirement *q, const struct verdict *v);

const char *starttls_name(enum starttls s);	/* the six words of INTERFACE.md */
const char *result_type_name(enum result_type t);
const char *verdict_kind_name(enum verdict_kind k);

#endif
