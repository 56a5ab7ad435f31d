/* fault_dane.c - what a session lacks under TLSA records, or under a rule's fingerprints
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tls/dane.h has held the chain against the records; here is seen that it was these records, and
 * whether usage 2 has a name that counts (RFC 7672 section 3.2.2). */
#include <string.h>

#include "policy/fault.h"

void
fault_records(const struct requirement *q, struct fault *f)
{
	f->other_session = false;
	f->enhanced = "4.7.0";
	f->result = RESULT_DANE_REQUIRED;
	f->code = "dane-required";
	if (q->tlsa_unusable) {
		f->result = RESULT_TLSA_INVALID;
		f->code = "tlsa-unusable";
		fault_say(f->reason, "demands DANE, but none of its TLSA records can be used");
	} else if (!q->mx_secure) {
		fault_say(f->reason, "demands DANE, but its MX records are not signed");
	} else {
		fault_say(f->reason, "demands DANE, but its MX host has no signed TLSA records");
	}
}

static const char *
match_words(const struct requirement *q)
{
	return q->level == LEVEL_FINGERPRINT ? "a certificate with a fingerprint of its rule" :
	    "a certificate that its TLSA records match";
}

/* Which host's records matched; NULL: an outcome that this set cannot have given. */
static const char *
matched_base(const struct requirement *q, const struct proof *proof, enum tlsa_usage usage)
{
	const struct tlsa *t;

	if (proof->dane_record >= q->tlsa.len)
		return NULL;
	t = &q->tlsa.records[proof->dane_record];
	return t->usage == usage && t->base == proof->dane_base ?
	    q->tlsa.bases[proof->dane_base] : NULL;
}

static bool
unmatched(const struct requirement *q, const struct proof *proof, struct fault *f)
{
	bool fingerprint = q->level == LEVEL_FINGERPRINT;
	char got[FAULT_NAMES_SIZE];

	f->result = fingerprint ? RESULT_CERTIFICATE_NOT_TRUSTED : RESULT_TLSA_INVALID;
	f->code = fingerprint ? "fingerprint-unmatched" : "tlsa-unmatched";
	fault_say(f->reason, "demands %s, got %s: %s", match_words(q), fault_got(got, proof),
	    proof->dane_detail[0] == '\0' ? "no match" : proof->dane_detail);
	return true;
}

/* R104: the base that matched, then the names that count beside it; never a common name (R106). */
static bool
name_fault(const struct requirement *q, const char *base, const struct proof *proof,
    struct fault *f)
{
	char want[FAULT_NAMES_SIZE], got[FAULT_NAMES_SIZE];

	if (proof_names_host(proof, base))
		return false;
	for (size_t i = 0; i < q->names_len; i++)
		if (proof_names_host(proof, q->names[i]))
			return false;
	f->result = RESULT_CERTIFICATE_HOST_MISMATCH;
	f->code = "name-mismatch";
	fault_say(f->reason, "demands a certificate for %s of the CA that its TLSA records name, "
	    "got %s", fault_names(want, base, "or", q->names_len + 1), fault_got(got, proof));
	return true;
}

/* Usage 2 matches, but what it vouches for does not stand. */
static bool
chain_fault(const struct requirement *q, const struct proof *proof, bool expired, struct fault *f)
{
	f->result = expired ? RESULT_CERTIFICATE_EXPIRED : RESULT_CERTIFICATE_NOT_TRUSTED;
	f->code = expired ? "chain-expired" : "chain-invalid";
	fault_say(f->reason, "demands %s, got %s: %s", match_words(q),
	    expired ? "one out of date" : "an invalid one",
	    proof->dane_detail[0] == '\0' ? "no detail" : proof->dane_detail);
	return true;
}

bool
fault_dane(const struct requirement *q, const struct proof *proof, struct fault *f)
{
	const char *base;

	if (proof->chain == CHAIN_NONE) {
		f->result = RESULT_CERTIFICATE_NOT_TRUSTED;
		f->code = "no-certificate";
		fault_say(f->reason, "demands %s, got none", match_words(q));
		return true;
	}
	if (!tlsa_same(&q->tlsa, proof->dane_digest)) {
		f->result = RESULT_TLSA_INVALID;
		f->code = "tlsa-other-set";
		f->other_session = true;
		fault_say(f->reason, "demands %s; this session was not held against them",
		    match_words(q));
		return true;
	}
	switch (proof->dane) {
	case PROOF_DANE_EE:
		/* R99, R103: neither names nor dates. */
		if (matched_base(q, proof, TLSA_DANE_EE) != NULL)
			return false;
		break;
	case PROOF_DANE_TA:
		base = matched_base(q, proof, TLSA_DANE_TA);
		if (base != NULL)
			return name_fault(q, base, proof, f);
		break;
	case PROOF_DANE_EXPIRED:
		return chain_fault(q, proof, true, f);
	case PROOF_DANE_INVALID:
		return chain_fault(q, proof, false, f);
	case PROOF_DANE_NOT_ASKED:
	case PROOF_DANE_UNMATCHED:
		break;
	}
	return unmatched(q, proof, f);
}
