/* answer_fuzz.c - DNS answer packets from anywhere
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first octet chooses the type asked for, the rest is the packet. */
#include "policy/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct answer *a, enum answer_type type)
{
	assert(a->records_len <= ANSWER_RECORDS_MAX && a->text_len <= sizeof(a->text));
	assert((a->state == ANSWER_OK) == (a->records_len > 0));
	assert((a->state == ANSWER_FAILED || a->state == ANSWER_BOGUS) == (a->problem[0] != '\0'));
	assert(!a->dangling || a->state == ANSWER_NODATA);
	assert(!a->unexplained || a->state == ANSWER_FAILED);
	assert(a->state != ANSWER_FAILED || (!a->secure && a->ttl == 0));
	assert(a->state != ANSWER_BOGUS || (!a->secure && a->ttl == 0));
	assert(a->links <= ANSWER_ALIASES_MAX && (a->links == 0 || type != ANSWER_CNAME));
	assert(a->links > 0 || (!a->dangling && (a->name[0] == '\0' ||
	    strcmp(a->name, "a.example") == 0)));
	for (size_t i = 0; a->problem[i] != '\0'; i++)
		assert(a->problem[i] >= 0x20 && a->problem[i] < 0x7f);
	for (size_t i = 0; i < a->records_len; i++) {
		const struct answer_record *r = &a->records[i];

		assert(r->text >= a->text && r->text + r->len < a->text + sizeof(a->text));
		assert(r->text[r->len] == '\0');
		if (type == ANSWER_MX || type == ANSWER_CNAME)
			assert(r->len <= 253 && strlen(r->text) == r->len);
		if (type == ANSWER_A || type == ANSWER_AAAA || type == ANSWER_NS)
			assert(r->len == 0);
	}
}

/* One line, whole or not there. */
static void
check_note(const struct answer *a, enum answer_type type)
{
	char out[ANSWER_NOTE_SIZE] = "", small[40] = "";

	answer_note(out, sizeof(out), "a.example", type, a);
	answer_note(small, sizeof(small), "a.example", type, a);
	assert(out[0] != '\0' && (small[0] == '\0' || strcmp(small, out) == 0));
	for (size_t i = 0; out[i] != '\0'; i++)
		assert(out[i] >= 0x20 && out[i] < 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum answer_type types[] = { ANSWER_A, ANSWER_AAAA, ANSWER_MX, ANSWER_TXT,
		ANSWER_TLSA, ANSWER_CNAME, ANSWER_NS };
	static struct answer a, again;
	enum answer_type type;
	uint8_t *packet;

	if (size == 0)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	packet = malloc(size);		/* its own block: a read beyond the end is seen */
	assert(packet != NULL);
	memcpy(packet, data + 1, size - 1);
	answer_parse(&a, packet, size - 1, "a.example", type);
	check(&a, type);
	check_note(&a, type);
	answer_parse(&again, packet, size - 1, "a.example", type);
	assert(a.state == again.state && a.records_len == again.records_len && a.ttl == again.ttl);
	free(packet);
	/* Cut short it is never an answer that is longer. */
	if (size > 2) {
		packet = malloc(size - 2);
		assert(packet != NULL);
		memcpy(packet, data + 1, size - 2);
		answer_parse(&again, packet, size - 2, "a.example", type);
		check(&again, type);
		assert(again.records_len <= a.records_len || a.state == ANSWER_FAILED);
		free(packet);
	}
	return 0;
}
