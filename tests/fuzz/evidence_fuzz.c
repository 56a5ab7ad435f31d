/* evidence_fuzz.c - evidence as a damaged store may hand it out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/evidence.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *s, size_t size)
{
	assert(memchr(s, '\0', size));
	for (; *s; s++)
		assert(*s >= ' ' && *s <= '~');
}

static bool
stands(const struct proof *p)
{
	return p->chain == CHAIN_TRUSTED || p->dane == PROOF_DANE_EE || p->dane == PROOF_DANE_TA;
}

static void
check_dane(const struct proof *p)
{
	static const uint8_t none[TLSA_DIGEST];
	bool says = p->dane == PROOF_DANE_EXPIRED || p->dane == PROOF_DANE_INVALID ||
	    p->dane == PROOF_DANE_UNMATCHED;

	assert(p->dane <= PROOF_DANE_UNMATCHED && says == (p->dane_detail[0] != '\0'));
	assert(p->dane_base < TLSA_BASES_MAX && p->dane_record < TLSA_RECORDS_MAX);
	assert(p->dane_depth <= PROOF_CHAIN_MAX);
	if (p->dane == PROOF_DANE_NOT_ASKED)
		assert(memcmp(p->dane_digest, none, TLSA_DIGEST) == 0);
	check_text(p->dane_detail, sizeof p->dane_detail);
}

/* Whether it stands at that time. */
static bool
check_proof(const struct evidence *e, time_t now)
{
	struct proof p = { 0 };
	bool result;

	assert(evidence_fill(e, now, &p));
	assert((p.chain == CHAIN_TRUSTED) == (p.detail[0] == '\0') && p.chain != CHAIN_NONE);
	assert(p.names_len <= PROOF_NAMES_MAX);
	for (size_t i = 0; i < p.names_len; i++)
		assert(p.names[i][0] && strlen(p.names[i]) <= 255);
	assert(p.chain_len >= 1 && p.chain_len <= PROOF_CHAIN_MAX);
	check_text(p.subject, sizeof p.subject);
	check_text(p.issuer, sizeof p.issuer);
	check_text(p.detail, sizeof p.detail);
	check_dane(&p);
	assert(p.not_after >= evidence_until(e) || p.dane == PROOF_DANE_EE ||
	    p.dane == PROOF_DANE_INVALID);
	assert(!proof_names_host(&p, ""));
	result = stands(&p);
	proof_clear(&p);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence *e = evidence_decode(data, size);
	uint8_t *again;
	time_t until;

	if (!e)
		return 0;
	again = malloc(size);
	assert(again);
	assert(evidence_encode(e, again, size - 1) == 0);
	assert(evidence_encode(e, again, size) == size && memcmp(again, data, size) == 0);
	free(again);
	until = evidence_until(e);
	assert(evidence_made(e) > 0 && evidence_made(e) <= until && evidence_octets(e) > 0);
	assert(check_proof(e, until));
	if (until < INT64_MAX)
		assert(!check_proof(e, until + 1));
	assert(evidence_weaken(&e, "weak"));
	assert(evidence_encode(e, NULL, 0) == 0);
	assert(!check_proof(e, evidence_made(e)));
	evidence_release(e);
	return 0;
}
