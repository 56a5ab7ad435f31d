/* fault.c - what a session lacks under the level that is demanded
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void
fault_say(char reason[VERDICT_REASON_SIZE], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, VERDICT_REASON_SIZE, format, ap);
	va_end(ap);
	for (char *p = reason; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
	}
}

bool
fault_other_sni(const struct requirement *q, const struct proof *proof)
{
	return q->sni[0] != '\0' && strcasecmp(q->sni, proof->sni) != 0;
}

const char *
fault_names(char buf[FAULT_NAMES_SIZE], const char *first, const char *word, size_t len)
{
	int n = snprintf(buf, FAULT_NAMES_SIZE, "%.*s", FAULT_NAME_SHOWN, first);

	if (len > 1)
		snprintf(buf + n, FAULT_NAMES_SIZE - (size_t)n, " %s %zu more", word, len - 1);
	return buf;
}

const char *
fault_got(char buf[FAULT_NAMES_SIZE], const struct proof *proof)
{
	if (proof->names_len == 0)
		return fault_names(buf, "one without a host name", "and", 0);
	return fault_names(buf, proof->names[0], "and", proof->names_len);
}

static const char *
print_demanded(char buf[FAULT_NAMES_SIZE], const struct requirement *q, enum level level)
{
	if (level != LEVEL_SECURE)
		return fault_names(buf, q->hosts_len > 0 ? q->hosts[0] : "its MX host", "or",
		    q->hosts_len);
	snprintf(buf, FAULT_NAMES_SIZE, "%.*s or a name below", FAULT_NAME_SHOWN, q->secure_domain);
	return buf;
}

static const char *
verb(const struct requirement *q)
{
	return q->raised ? "goes end to end only with" : "demands";
}

/* TLS was demanded and there is none. */
static void
no_tls(const struct requirement *q, enum starttls starttls, const struct proof *proof,
    struct fault *f)
{
	static const char *const words[] = {
		[STARTTLS_NOT_TRIED] = "was not asked for it in this session",
		[STARTTLS_OFFERED] = "was not asked for it in this session",
		[STARTTLS_ABSENT] = "does not offer STARTTLS",
		[STARTTLS_MASKED] = "has its offer of STARTTLS overwritten on the way",
		[STARTTLS_REFUSED] = "offers STARTTLS and refuses it",
		[STARTTLS_WRONG_CODE] = "answers STARTTLS with what no server sends",
		[STARTTLS_INJECTED] = "has octets injected behind its answer to STARTTLS",
	};

	f->enhanced = "4.7.10";
	if (proof->state == PROOF_HANDSHAKE_FAILED) {
		f->result = RESULT_VALIDATION_FAILURE;
		f->code = "handshake-failed";
		f->other_session = fault_other_sni(q, proof);
		fault_say(f->reason, "%s TLS, but the handshake with its server failed: %s",
		    verb(q), proof->detail);
		return;
	}
	f->result = RESULT_STARTTLS_NOT_SUPPORTED;
	f->code = fault_starttls_code(starttls);
	f->other_session = starttls == STARTTLS_NOT_TRIED || starttls == STARTTLS_OFFERED;
	fault_say(f->reason, "%s TLS, but its server %s", verb(q), words[starttls]);
}

static bool
chain_fault(const struct requirement *q, enum level level, const struct proof *proof,
    struct fault *f)
{
	const char *detail = proof->detail[0] == '\0' ? "no detail" : proof->detail;
	char names[FAULT_NAMES_SIZE];

	print_demanded(names, q, level);
	switch (proof->chain) {
	case CHAIN_TRUSTED:
		return false;
	case CHAIN_EXPIRED:
		f->result = RESULT_CERTIFICATE_EXPIRED;
		f->code = "chain-expired";
		fault_say(f->reason, "%s a certificate for %s, got one out of date: %s",
		    verb(q), names, detail);
		return true;
	case CHAIN_UNTRUSTED:
		f->result = RESULT_CERTIFICATE_NOT_TRUSTED;
		f->code = "chain-untrusted";
		fault_say(f->reason, "%s a certificate for %s, got one of no trusted CA: %s",
		    verb(q), names, detail);
		return true;
	case CHAIN_INVALID:
		break;
	case CHAIN_NONE:
		f->result = RESULT_CERTIFICATE_NOT_TRUSTED;
		f->code = "no-certificate";
		fault_say(f->reason, "%s a certificate for %s, got none", verb(q), names);
		return true;
	}
	f->result = RESULT_VALIDATION_FAILURE;
	f->code = "chain-invalid";
	fault_say(f->reason, "%s a certificate for %s, got an invalid one: %s", verb(q), names,
	    detail);
	return true;
}

static bool
names_satisfy(const struct requirement *q, enum level level, const struct proof *proof)
{
	if (level == LEVEL_SECURE)
		return q->secure_domain[0] != '\0' && proof_names_below(proof, q->secure_domain);
	for (size_t i = 0; i < q->hosts_len; i++) {
		if (proof_names_host(proof, q->hosts[i]))
			return true;
	}
	return false;
}

/* The chain to a CA and the names, as MTA-STS and most rules demand them. */
static bool
pkix_fault(const struct requirement *q, enum level level, const struct proof *proof,
    struct fault *f)
{
	char want[FAULT_NAMES_SIZE], got[FAULT_NAMES_SIZE];

	if (chain_fault(q, level, proof, f))
		return true;
	if (names_satisfy(q, level, proof))
		return false;
	f->result = RESULT_CERTIFICATE_HOST_MISMATCH;
	f->code = "name-mismatch";
	fault_say(f->reason, "%s a certificate for %s, got %s", verb(q),
	    print_demanded(want, q, level), fault_got(got, proof));
	return true;
}

/* Of a finished handshake where proof is demanded. */
static bool
proof_fault(const struct requirement *q, enum level level, const struct proof *proof,
    struct fault *f)
{
	f->enhanced = "4.7.5";
	f->other_session = fault_other_sni(q, proof);
	/* R38: an allow-list, so that a version nobody thought of does not pass. Where nobody
	 * demands proof it is not the policy's minimum that counts, but tls.min-version. */
	if (!q->raised && strcmp(proof->version, "TLSv1.2") != 0 &&
	    strcmp(proof->version, "TLSv1.3") != 0) {
		f->result = RESULT_VALIDATION_FAILURE;
		f->code = "tls-version";
		fault_say(f->reason, "demands TLS 1.2 or newer, its server speaks %s",
		    proof->version);
		return true;
	}
	if (!level_by_tlsa(level))
		return pkix_fault(q, level, proof, f);
	return fault_dane(q, proof, f) || (q->both && pkix_fault(q, LEVEL_VERIFY, proof, f));
}

bool
fault_level(const struct requirement *q, enum level level, enum starttls starttls,
    const struct proof *proof, struct fault *f)
{
	bool by_tlsa = level_by_tlsa(level);

	if (level < LEVEL_ENCRYPT)
		return false;
	if ((level == LEVEL_VERIFY || (by_tlsa && q->both)) && !q->mx_allowed) {
		f->result = RESULT_VALIDATION_FAILURE;
		f->code = "mx-mismatch";
		f->enhanced = "4.7.0";
		f->other_session = false;
		if (q->mapped)
			fault_say(f->reason, "does not name the MX host %.*s in its policy",
			    FAULT_NAME_SHOWN, q->mx_host);
		else
			fault_say(f->reason, "names none of its MX hosts in its policy");
		return true;
	}
	if (by_tlsa && q->tlsa.len == 0) {
		fault_records(q, f);
		return true;
	}
	if (proof->state != PROOF_TLS) {
		no_tls(q, starttls, proof, f);
		return true;
	}
	return level != LEVEL_ENCRYPT && proof_fault(q, level, proof, f);
}
