/* judge.c - a requirement held against a proof
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First what the level lacks; where testing makes that a mere report, what the floor lacks; then
 * what memory and the marks of stripping say. What is left passes. */
#include "policy/judge.h"

#include <string.h>

#include "policy/fault.h"

/* Nothing is known well enough for a verdict: mail waits, but under monitor. */
static void
deferred(const struct requirement *q, struct verdict *v)
{
	static const struct {
		const char *code, *enhanced, *words;
	} deferrals[] = {
		[DEFER_NOTHING] = { "deferred", "4.7.0", "cannot be judged now" },
		[DEFER_POLICY_PENDING] = { "policy-pending", "4.7.0",
		    "has a policy that is still being fetched" },
		[DEFER_DNS_UNDECIDED] = { "dns-undecided", "4.4.3",
		    "has MX records that could not be looked up" },
		[DEFER_NULL_MX] = { "null-mx", "4.7.0", "takes no mail" },
		[DEFER_SERVICE_DOWN] = { "service-down", "4.7.0",
		    "cannot be judged now: the policy service does not answer" },
		[DEFER_DNSSEC_BOGUS] = { "dnssec-bogus", "4.4.3",
		    "has MX records that fail DNSSEC validation" },
		[DEFER_TLSA_UNDECIDED] = { "tlsa-undecided", "4.4.3",
		    "has an MX host whose TLSA records could not be looked up" },
		/* End to end nothing is refused: who asks there has another way. */
		[DEFER_UNMAPPED] = { "unmapped", "4.7.0",
		    "is not known to have an MX host at this address" },
	};

	v->kind = q->monitor ? VERDICT_WOULD_REFUSE : VERDICT_REFUSE;
	v->result_type = q->defer_code == DEFER_DNSSEC_BOGUS ||
	    q->defer_code == DEFER_TLSA_UNDECIDED ? RESULT_DNSSEC_INVALID :
	    RESULT_VALIDATION_FAILURE;
	v->reason_code = deferrals[q->defer_code].code;
	v->enhanced = deferrals[q->defer_code].enhanced;
	/* A worker that got no answer makes its own requirement, perhaps without a reason. */
	fault_say(v->reason, "%s", q->reason == NULL || q->reason[0] == '\0' ?
	    deferrals[q->defer_code].words : q->reason);
}

/* R91: of unsigned MX records the success is the host's alone. */
static void
passed_dane(const struct requirement *q, const struct proof *proof, struct verdict *v)
{
	fault_say(v->reason, "got %s that its TLSA records name%s%s%s",
	    proof->dane == PROOF_DANE_EE ? "the certificate" : "a certificate of the CA",
	    q->mx_secure ? "" : " (those of the MX host: its MX records are not signed)",
	    q->both ? ", and that its MTA-STS policy demands" : "",
	    q->sts_mismatch ? "; its MTA-STS policy does not name this MX host" : "");
}

/* What a session without a fault has shown. */
static void
passed_tls(const struct requirement *q, const struct proof *proof, struct verdict *v)
{
	v->reason_code = q->level >= LEVEL_VERIFY ? "proven" :
	    q->level == LEVEL_ENCRYPT && q->tlsa_unusable ? "tlsa-unusable" :
	    "tls-unauthenticated";
	if (q->raised)
		fault_say(v->reason, "demands no proof; its server has given it");
	else if (q->level == LEVEL_FINGERPRINT)
		fault_say(v->reason, "got the certificate whose fingerprint its rule names");
	else if (level_by_tlsa(q->level))
		passed_dane(q, proof, v);
	else if (q->level >= LEVEL_VERIFY)
		fault_say(v->reason, "got the certificate it demands");
	else if (q->level == LEVEL_ENCRYPT && q->tlsa_unusable)
		fault_say(v->reason, "has TLSA records of which none can be used; sent over TLS, "
		    "unauthenticated");
	else
		fault_say(v->reason, "demands no proof; sent over TLS, unauthenticated");
}

static void
passed(const struct requirement *q, enum starttls starttls, const struct proof *proof,
    struct verdict *v)
{
	v->kind = VERDICT_PASS;
	v->result_type = RESULT_SUCCESS;
	v->enhanced = "2.0.0";
	if (proof->state == PROOF_TLS) {
		passed_tls(q, proof, v);
		return;
	}
	v->reason_code = proof->state == PROOF_HANDSHAKE_FAILED ? "handshake-failed" :
	    fault_starttls_code(starttls);
	fault_say(v->reason, "demands no TLS; sent in clear text");
}

static void
refused(const struct fault *f, enum verdict_kind kind, bool by_memory, struct verdict *v)
{
	v->kind = kind;
	v->result_type = f->result;
	v->reason_code = f->code;
	v->enhanced = f->enhanced;
	v->by_memory = by_memory;
	v->other_session = f->other_session;
	memcpy(v->reason, f->reason, sizeof v->reason);
}

/* R32: what a policy in testing misses is a report only, unless the floor says otherwise. */
static bool
testing(const struct requirement *q)
{
	return q->policy_type == POLICY_STS && q->sts_mode == STS_TESTING;
}

void
judge(const struct requirement *q, enum starttls starttls, const struct proof *proof,
    struct verdict *out)
{
	enum verdict_kind kind = q->monitor ? VERDICT_WOULD_REFUSE : VERDICT_REFUSE;
	struct fault missed, f = { .code = "" };
	bool report;

	*out = (struct verdict){ .kind = VERDICT_PASS };
	if (q->state == REQUIREMENT_DEFER) {
		deferred(q, out);
		return;
	}
	report = testing(q) && fault_level(q, q->level, starttls, proof, &missed);
	if (fault_level(q, testing(q) ? q->floor : q->level, starttls, proof, &f)) {
		refused(&f, kind, false, out);
		return;
	}
	/* Behind an injection the connection is dead, whatever policy.stripping says. */
	if (fault_stripping(q, starttls, proof, &f) &&
	    (q->stripping_refuse || starttls == STARTTLS_INJECTED)) {
		refused(&f, kind, true, out);
		return;
	}
	if (report) {
		refused(&missed, VERDICT_WOULD_REFUSE, false, out);
		return;
	}
	passed(q, starttls, proof, out);
	if (f.code[0] != '\0')
		out->reason_code = f.code;	/* stripping: log */
}

bool
judge_wants_tls(const struct requirement *q)
{
	return q->state == REQUIREMENT_READY ? q->level != LEVEL_NONE : q->monitor;
}

bool
judge_demands_tls(const struct requirement *q)
{
	if (q->monitor)
		return false;
	if (q->state == REQUIREMENT_DEFER)
		return true;	/* nothing may be sent at all */
	return (testing(q) || q->raised ? q->floor : q->level) >= LEVEL_ENCRYPT ||
	    (q->remembered && q->stripping_refuse);
}
