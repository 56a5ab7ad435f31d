/* stripping.c - what memory and the marks of stripping hold against a session in clear text
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A host that offered STARTTLS in the last 30 days offers it still; an honest server neither
 * overwrites its own keyword nor answers STARTTLS with what is no answer (REQUIREMENTS,
 * Settled). */
#include "policy/fault.h"

const char *
fault_starttls_code(enum starttls starttls)
{
	switch (starttls) {
	case STARTTLS_NOT_TRIED:
	case STARTTLS_OFFERED:
		return "starttls-not-tried";
	case STARTTLS_ABSENT:
		return "starttls-absent";
	case STARTTLS_MASKED:
		return "starttls-masked";
	case STARTTLS_REFUSED:
		return "starttls-refused";
	case STARTTLS_WRONG_CODE:
		return "starttls-wrong-code";
	case STARTTLS_INJECTED:
		return "starttls-injected";
	}
	return "";
}

/* Tampering that can be seen without knowing the host. */
static const char *
mark_words(enum starttls starttls)
{
	switch (starttls) {
	case STARTTLS_MASKED:
		return "has a server whose offer of STARTTLS is overwritten on the way";
	case STARTTLS_WRONG_CODE:
		return "has a server that answers STARTTLS with what no server sends";
	case STARTTLS_INJECTED:
		return "has a server with octets injected behind its answer to STARTTLS";
	case STARTTLS_NOT_TRIED:
	case STARTTLS_OFFERED:
	case STARTTLS_ABSENT:
	case STARTTLS_REFUSED:
		break;
	}
	return NULL;
}

static const char *
memory_words(enum starttls starttls)
{
	switch (starttls) {
	case STARTTLS_NOT_TRIED:
	case STARTTLS_OFFERED:
		return "has a server known to offer STARTTLS, not asked for in this session";
	case STARTTLS_ABSENT:
		return "has a server that offered STARTTLS in the last 30 days and does not now";
	case STARTTLS_REFUSED:
		return "has a server that offered STARTTLS in the last 30 days and refuses it now";
	case STARTTLS_MASKED:
	case STARTTLS_WRONG_CODE:
	case STARTTLS_INJECTED:
		break;
	}
	return mark_words(starttls);
}

bool
fault_stripping(const struct requirement *q, enum starttls starttls, const struct proof *proof,
    struct fault *f)
{
	bool injected = starttls == STARTTLS_INJECTED;
	bool mark = mark_words(starttls) != NULL && (q->marks_count || injected);

	if (proof->state == PROOF_TLS || (!mark && !q->remembered))
		return false;
	f->result = RESULT_STARTTLS_NOT_SUPPORTED;
	f->enhanced = "4.7.10";
	f->other_session = false;
	if (mark) {
		f->code = fault_starttls_code(starttls);
		fault_say(f->reason, "%s", mark_words(starttls));
	} else if (proof->state == PROOF_HANDSHAKE_FAILED) {
		f->result = RESULT_VALIDATION_FAILURE;
		f->code = "handshake-failed";
		f->other_session = fault_other_sni(q, proof);
		fault_say(f->reason, "has a server known to offer STARTTLS, but the handshake "
		    "failed: %s", proof->detail);
	} else {
		f->code = "starttls-remembered";
		f->other_session = starttls == STARTTLS_NOT_TRIED || starttls == STARTTLS_OFFERED;
		fault_say(f->reason, "%s", memory_words(starttls));
	}
	return true;
}
