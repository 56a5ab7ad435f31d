/* verdict.c - a verdict's names, and the reply that tells the client
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "policy/judge.h"

const char *
starttls_name(enum starttls s)
{
	switch (s) {
	case STARTTLS_NOT_TRIED:
		return "not-tried";
	case STARTTLS_OFFERED:
		return "offered";
	case STARTTLS_ABSENT:
		return "absent";
	case STARTTLS_MASKED:
		return "masked";
	case STARTTLS_REFUSED:
	case STARTTLS_WRONG_CODE:
		return "refused";
	case STARTTLS_INJECTED:
		return "injected";
	}
	return "";
}

const char *
result_type_name(enum result_type t)
{
	switch (t) {
	case RESULT_SUCCESS:
		return "success";
	case RESULT_STARTTLS_NOT_SUPPORTED:
		return "starttls-not-supported";
	case RESULT_CERTIFICATE_HOST_MISMATCH:
		return "certificate-host-mismatch";
	case RESULT_CERTIFICATE_EXPIRED:
		return "certificate-expired";
	case RESULT_CERTIFICATE_NOT_TRUSTED:
		return "certificate-not-trusted";
	case RESULT_VALIDATION_FAILURE:
		return "validation-failure";
	case RESULT_TLSA_INVALID:
		return "tlsa-invalid";
	case RESULT_DNSSEC_INVALID:
		return "dnssec-invalid";
	case RESULT_DANE_REQUIRED:
		return "dane-required";
	case RESULT_STS_POLICY_FETCH_ERROR:
		return "sts-policy-fetch-error";
	case RESULT_STS_POLICY_INVALID:
		return "sts-policy-invalid";
	case RESULT_STS_WEBPKI_INVALID:
		return "sts-webpki-invalid";
	}
	return "";
}

const char *
verdict_kind_name(enum verdict_kind k)
{
	switch (k) {
	case VERDICT_PASS:
		return "pass";
	case VERDICT_REFUSE:
		return "refuse";
	case VERDICT_WOULD_REFUSE:
		return "would-refuse";
	}
	return "";
}

static const char *
sts_source(enum sts_mode mode)
{
	switch (mode) {
	case STS_ENFORCE:
		return "sts enforce";
	case STS_TESTING:
		return "sts testing";
	case STS_NONE:
		break;
	}
	return "no policy";	/* R33 */
}

const char *
verdict_source(const struct requirement *q, const struct verdict *v)
{
	if (v->by_memory)
		return "memory";
	switch (q->policy_type) {
	case POLICY_NONE_FOUND:
		break;
	case POLICY_STS:
		/* Under testing only policy.no-policy refuses; the report is of testing. */
		if (q->sts_mode == STS_TESTING && v->kind == VERDICT_REFUSE)
			break;
		return sts_source(q->sts_mode);
	case POLICY_TLSA:
		return q->both ? "dane and sts" : "dane";
	case POLICY_LOCAL:
		return q->source == SOURCE_RELAY ? "relay" : "rule";
	}
	return "no policy";
}

size_t
verdict_reply(char *out, size_t size, const char *id, const char *domain,
    const struct requirement *q, const struct verdict *v)
{
	size_t most = size < VERDICT_REPLY_MAX - 1 ? size : VERDICT_REPLY_MAX - 1;
	const char *name = domain[0] == '\0' ? "this recipient" : domain;
	char tail[96], head[320];
	int tail_len, head_len, len, reason;

	if (size == 0)
		return 0;
	tail_len = snprintf(tail, sizeof tail, " (%s, %s); not sent",
	    result_type_name(v->result_type), verdict_source(q, v));
	head_len = snprintf(head, sizeof head, "451 %s postern %.16s: %.253s ", v->enhanced, id,
	    name);
	reason = (int)most - 1 - head_len - tail_len;
	len = snprintf(out, most, "%s%.*s%s", head, reason > 0 ? reason : 0, v->reason, tail);
	for (char *p = out; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	return (size_t)len < most ? (size_t)len : most - 1;
}
