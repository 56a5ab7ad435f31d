/* evidence_fuzz.c - evidence as a damaged store may hand it out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/evidence.h"

#include <assert.h>
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

static void
check_proof(const struct evidence *e, time_t now, enum proof_chain chain)
{
	struct proof p = { 0 };

	assert(evidence_fill(e, now, &p));
	assert(p.chain == chain && (chain == CHAIN_TRUSTED) == (p.detail[0] == '\0'));
	assert(p.names_len <= PROOF_NAMES_MAX);
	for (size_t i = 0; i < p.names_len; i++)
		assert(p.names[i][0] && strlen(p.names[i]) <= 255);
	assert(p.chain_len >= 1 && p.chain_len <= PROOF_CHAIN_MAX);
	check_text(p.subject, sizeof p.subject);
	check_text(p.issuer, sizeof p.issuer);
	assert(p.not_after >= evidence_until(e));
	assert(!proof_names_host(&p, ""));
	proof_clear(&p);
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
	check_proof(e, until, CHAIN_TRUSTED);
	if (until < INT64_MAX)
		check_proof(e, until + 1, CHAIN_EXPIRED);
	evidence_weaken(e, "weak");
	assert(evidence_encode(e, NULL, 0) == 0);
	check_proof(e, until, CHAIN_INVALID);
	evidence_release(e);
	return 0;
}
