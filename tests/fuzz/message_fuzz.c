/* message_fuzz.c - messages of any content: what decodes encodes to the same octets
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[WIRE_MESSAGE_MAX];

/* What judge and the handshake rely on. */
static void
check_tlsa(const struct tlsa_set *s)
{
	static const uint8_t none[TLSA_DIGEST];
	size_t octets = 0;

	assert(s->len <= TLSA_RECORDS_MAX && s->bases_len <= TLSA_BASES_MAX);
	assert((s->len == 0) == (s->bases_len == 0));
	assert((s->len == 0) == (memcmp(s->digest, none, sizeof none) == 0));
	for (size_t i = 0; i < s->bases_len; i++)
		assert(strlen(s->bases[i]) < WIRE_MESSAGE_MAX);
	for (size_t i = 0; i < s->len; i++) {
		const struct tlsa *t = &s->records[i];

		assert(t->base < s->bases_len && t->len > 0);
		assert(t->usage == TLSA_DANE_TA || t->usage == TLSA_DANE_EE);
		assert(t->selector <= TLSA_SPKI && t->matching <= TLSA_SHA512);
		octets += t->len;
	}
	assert(octets <= TLSA_OCTETS_MAX);
}

/* The same answer cut short is none. */
static void
check_cut(const uint8_t *data, size_t size)
{
	struct recalled recalled;
	struct requirement *q;
	uint32_t id, fresh_ms;

	for (size_t cut = size > 64 ? size - 64 : 0; cut < size; cut++)
		assert(!message_get_answer(data, cut, &id, &q, &recalled, &fresh_ms) && q == NULL);
}

/* The answer's length, encoded anew; 0 when it did not decode. */
static size_t
answer(const uint8_t *data, size_t size)
{
	struct recalled recalled;
	struct requirement *q;
	uint32_t id, fresh_ms;
	size_t len;

	if (!message_get_answer(data, size, &id, &q, &recalled, &fresh_ms)) {
		assert(q == NULL);
		return 0;
	}
	assert(q->hosts_len <= REQUIREMENT_HOSTS_MAX);
	assert(policy_type_name(q->policy_type)[0] != '\0' && level_name(q->level)[0] != '\0');
	assert(q->level < LEVEL_AUTO && q->floor <= LEVEL_VERIFY);
	assert(q->names_len <= REQUIREMENT_NAMES_MAX);
	assert(q->answers_len <= REQUIREMENT_ANSWERS_MAX);
	assert(recalled.len <= MESSAGE_EVIDENCE_MAX);
	check_tlsa(&q->tlsa);
	check_cut(data, size);
	len = message_answer(out, sizeof out, id, q, &recalled, fresh_ms);
	free(q);
	return len;
}

static size_t
again(const uint8_t *data, size_t size)
{
	struct question question;
	struct sighting sighting;
	struct probe probe;
	struct probe_step step;
	struct hint hint;
	struct stale stale;
	struct proven proven;
	const void *event;
	size_t len;

	switch (message_type(data, size)) {
	case MESSAGE_QUESTION:
		return message_get_question(data, size, &question) ?
		    message_question(out, sizeof out, &question) : 0;
	case MESSAGE_ANSWER:
		return answer(data, size);
	case MESSAGE_SIGHTING:
		return message_get_sighting(data, size, &sighting) ?
		    message_sighting(out, sizeof out, &sighting) : 0;
	case MESSAGE_RECORD:
		return message_get_record(data, size, &event, &len) ?
		    message_record(out, sizeof out, event, len) : 0;
	case MESSAGE_RING:
		return message_get_ring(data, size) ? message_ring(out, sizeof out) : 0;
	case MESSAGE_PROBE:
		return message_get_probe(data, size, &probe) ?
		    message_probe(out, sizeof out, &probe) : 0;
	case MESSAGE_PROBE_STEP:
		return message_get_probe_step(data, size, &step) ?
		    message_probe_step(out, sizeof out, &step) : 0;
	case MESSAGE_HINT:
		return message_get_hint(data, size, &hint) ?
		    message_hint(out, sizeof out, &hint) : 0;
	case MESSAGE_STALE:
		return message_get_stale(data, size, &stale) ?
		    message_stale(out, sizeof out, &stale) : 0;
	case MESSAGE_PROVEN:
		return message_get_proven(data, size, &proven) ?
		    message_proven(out, sizeof out, &proven) : 0;
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;

	if (size > sizeof out)
		return 0;
	len = again(data, size);
	if (len > 0) {
		assert(len == size);
		assert(memcmp(out, data, size) == 0);
	}
	return 0;
}
