/* handshake_fuzz.c - handshake messages: the same ones from any fragments, and never too much kept
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first octet is the size of the fragments; the rest is what their records hold. */
#include "tls/handshake.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* take: all that are whole. Their octets stand in the stream in order, with nothing between. */
static enum handshake_result
take(struct handshake *h, const uint8_t *data, size_t *at)
{
	struct handshake_message m;
	enum handshake_result result;

	while ((result = handshake_next(h, &m)) == HANDSHAKE_OK) {
		assert(data[*at] == m.type && m.len <= HANDSHAKE_OCTETS_MAX - 4);
		assert(m.len == ((size_t)data[*at + 1] << 16 | (size_t)data[*at + 2] << 8 |
		    data[*at + 3]));
		assert(memcmp(m.body, data + *at + 4, m.len) == 0);
		assert(m.body >= h->octets && m.body + m.len <= h->octets + h->len);
		*at += 4 + m.len;
	}
	assert(handshake_unfinished(h) == (*at < h->len));
	return result;
}

static enum handshake_result
feed(const uint8_t *data, size_t size, size_t piece, size_t *at)
{
	enum handshake_result result = HANDSHAKE_MORE;
	struct handshake h = { 0 };

	*at = 0;
	for (size_t from = 0; from < size && result == HANDSHAKE_MORE;) {
		size_t n = piece < size - from ? piece : size - from;

		if (handshake_add(&h, data + from, n) != HANDSHAKE_OK) {
			assert(from + n > HANDSHAKE_OCTETS_MAX);
			result = HANDSHAKE_TOO_LONG;
			break;
		}
		from += n;
		assert(h.len == from && h.size <= HANDSHAKE_OCTETS_MAX);
		result = take(&h, data, at);
	}
	handshake_clear(&h);
	assert(h.octets == NULL && !handshake_unfinished(&h));
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at, at_pieces;
	enum handshake_result result;

	if (size < 2 || size - 1 > HANDSHAKE_OCTETS_MAX)
		return 0;
	result = feed(data + 1, size - 1, size - 1, &at);
	assert(feed(data + 1, size - 1, (size_t)data[0] + 1, &at_pieces) == result);
	assert(at == at_pieces);
	return 0;
}
