/* record_fuzz.c - records: what is said of a stream never depends on where it was cut
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first octet is the size of the pieces that record_track gets; the rest is the stream. */
#include "tls/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of its own, so that a read beyond the end is seen. */
static enum record_result
next_of(const uint8_t *data, size_t len, struct record *r, size_t *used)
{
	uint8_t *copy = malloc(len + 1);
	enum record_result result;

	assert(copy != NULL);
	memcpy(copy + 1, data, len);
	result = record_next(copy + 1, len, r, used);
	if (result == RECORD_OK) {
		assert(*used <= len && r->len == *used - RECORD_HEADER);
		assert(r->len > 0 && r->len <= RECORD_CLEAR_MAX);
		assert(r->fragment == copy + 1 + RECORD_HEADER);
		assert(r->type >= RECORD_CHANGE_CIPHER_SPEC && r->type <= RECORD_APPLICATION_DATA);
		r->fragment = data + RECORD_HEADER;
	}
	free(copy);
	return result;
}

/* What is said of the front of a record stays true however much follows. */
static void
fronts(const uint8_t *data, size_t len, enum record_result whole, size_t used)
{
	size_t limit = len < 2 * RECORD_HEADER ? len : 2 * RECORD_HEADER;
	bool said = false;

	for (size_t n = 0; n <= limit; n++) {
		struct record r;
		size_t part = 0;
		enum record_result result = next_of(data, n, &r, &part);

		assert(result == RECORD_MORE ? !said : result == whole);
		assert(result != RECORD_OK || part == used);
		said |= result != RECORD_MORE;
	}
}

/* How many records in clear stand at the front, their types and their octets. */
static size_t
walk(const uint8_t *data, size_t size, unsigned *types, enum record_result *end)
{
	size_t at = 0, used;
	struct record r;

	*types = 0;
	while ((*end = next_of(data + at, size - at, &r, &used)) == RECORD_OK) {
		if (at == 0)
			fronts(data, size, *end, used);
		*types |= 1U << (r.type - RECORD_CHANGE_CIPHER_SPEC);
		at += used;
	}
	fronts(data + at, size - at, *end, 0);
	return at;
}

static unsigned
track(struct record_track *t, const uint8_t *data, size_t size, size_t piece, bool *bad)
{
	unsigned types = 0;

	*bad = false;
	for (size_t at = 0; at < size;) {
		size_t n = piece < size - at ? piece : size - at;
		bool before = *bad;
		unsigned began = record_track(t, data + at, n, bad);

		assert(*bad || !before);
		assert(!before || began == 0);
		types |= began;
		at += n;
	}
	return types;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_track whole = { 0 }, pieces = { 0 }, clear = { 0 };
	unsigned types, seen;
	enum record_result end;
	bool bad, bad_pieces;
	size_t at;

	if (size < 2)
		return 0;
	seen = track(&whole, data + 1, size - 1, size - 1, &bad);
	assert(track(&pieces, data + 1, size - 1, (size_t)data[0] + 1, &bad_pieces) == seen);
	assert(bad == bad_pieces && (bad || memcmp(&whole, &pieces, sizeof(whole)) == 0));
	at = walk(data + 1, size - 1, &types, &end);
	assert((types & ~seen) == 0 && (!bad || end != RECORD_OK));
	assert(at == 0 || track(&clear, data + 1, at, at, &bad) == types);
	assert(at == 0 || (!bad && clear.left == 0 && clear.have == 0));
	return 0;
}
