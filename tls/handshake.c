/* handshake.c - handshake messages put together from records, however they were cut
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One buffer holds the messages of a side one after the other, so that a message lies in one piece
 * wherever the records were cut. What has been taken stays in it until handshake_clear: it counts
 * towards the limit too, which is of a whole flight. */
#include "tls/handshake.h"

#include <stdlib.h>
#include <string.h>

#include "tls/octets.h"

#define HEADER 4		/* type and 24 bits of length (RFC 5246 section 7.4) */
#define FIRST_SIZE 2048		/* a ClientHello of today, and more than half of a short flight */

/* reserve: room for so many octets in all; doubling, so that a long flight is seldom moved. */
static bool
reserve(struct handshake *h, size_t need)
{
	size_t size = h->size > 0 ? h->size : FIRST_SIZE;
	uint8_t *octets;

	if (need <= h->size)
		return true;
	while (size < need)
		size *= 2;
	octets = realloc(h->octets, size);
	if (octets == NULL)
		return false;
	h->octets = octets;
	h->size = size;
	return true;
}

enum handshake_result
handshake_add(struct handshake *h, const void *fragment, size_t len)
{
	if (len == 0)
		return HANDSHAKE_OK;
	if (len > HANDSHAKE_OCTETS_MAX - h->len || !reserve(h, h->len + len))
		return HANDSHAKE_TOO_LONG;
	memcpy(h->octets + h->len, fragment, len);
	h->len += len;
	return HANDSHAKE_OK;
}

enum handshake_result
handshake_next(struct handshake *h, struct handshake_message *out)
{
	struct octets waiting;
	uint8_t type;
	size_t len;

	if (h->len - h->at < HEADER)
		return HANDSHAKE_MORE;
	waiting = octets_of(h->octets + h->at, h->len - h->at);
	type = octets_8(&waiting);
	len = octets_24(&waiting);
	if (len > HANDSHAKE_OCTETS_MAX - h->at - HEADER)
		return HANDSHAKE_TOO_LONG;
	if (len > waiting.left)
		return HANDSHAKE_MORE;
	*out = (struct handshake_message){ .type = type, .body = waiting.p, .len = len };
	h->at += HEADER + len;
	return HANDSHAKE_OK;
}

bool
handshake_unfinished(const struct handshake *h)
{
	return h->at < h->len;
}

void
handshake_clear(struct handshake *h)
{
	free(h->octets);
	*h = (struct handshake){ 0 };
}
