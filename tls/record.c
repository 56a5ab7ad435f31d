/* record.c - TLS records as they pass by (RFC 5246 section 6.2)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/record.h"

#define MAJOR 3		/* of every version from SSL 3.0 to TLS 1.3 */
#define MINOR_MAX 4	/* no peer writes more than 0x0303; 0x0304 is harmless */
#define RECORD_LOST 255	/* instead of how many octets of a header are there */

/* fits: whether a record's header can have this octet at this place. */
static bool
fits(size_t at, uint8_t octet)
{
	switch (at) {
	case 0:
		return octet >= RECORD_CHANGE_CIPHER_SPEC && octet <= RECORD_APPLICATION_DATA;
	case 1:
		return octet == MAJOR;
	case 2:
		return octet <= MINOR_MAX;
	default:
		return true;
	}
}

/* The fragment's length in a whole header. */
static size_t
fragment_length(const uint8_t header[RECORD_HEADER])
{
	return (size_t)header[3] << 8 | header[4];
}

/* judge_length: in clear text the length of some records is known beforehand: one octet of
 * ChangeCipherSpec (RFC 5246 7.1), two of an alert (7.2). */
static enum record_result
judge_length(uint8_t type, size_t len)
{
	if (len == 0)
		return RECORD_EMPTY;
	if (len > RECORD_CLEAR_MAX || (type == RECORD_CHANGE_CIPHER_SPEC && len > 1))
		return RECORD_TOO_LONG;
	if (type == RECORD_ALERT && len != 2)
		return len > 2 ? RECORD_TOO_LONG : RECORD_NOT_TLS;
	return RECORD_OK;
}

enum record_result
record_next(const void *p, size_t len, struct record *out, size_t *used)
{
	const uint8_t *octets = p;
	enum record_result result;
	size_t fragment;

	for (size_t i = 0; i < len && i < RECORD_HEADER; i++)
		if (!fits(i, octets[i]))
			return RECORD_NOT_TLS;
	if (len == RECORD_HEADER - 1 &&
	    judge_length(octets[0], (size_t)octets[3] << 8) == RECORD_TOO_LONG)
		return RECORD_TOO_LONG;
	if (len < RECORD_HEADER)
		return RECORD_MORE;
	fragment = fragment_length(octets);
	result = judge_length(octets[0], fragment);
	if (result != RECORD_OK)
		return result;
	if (len - RECORD_HEADER < fragment)
		return RECORD_MORE;
	*out = (struct record){
		.type = (enum record_type)octets[0],
		.version = (uint16_t)(octets[1] << 8 | octets[2]),
		.fragment = octets + RECORD_HEADER,
		.len = fragment,
	};
	*used = RECORD_HEADER + fragment;
	return RECORD_OK;
}

/* lost: there is no next record to be found any more. */
static unsigned
lost(struct record_track *t)
{
	t->have = RECORD_LOST;
	return 0;
}

/* begin: one more octet of a header; the record's bit when it was the last one. A fragment may be
 * empty here: TLS 1.0 sends empty ones against the attack on its initialisation vectors. */
static unsigned
begin(struct record_track *t, uint8_t octet)
{
	if (!fits(t->have, octet))
		return lost(t);
	t->header[t->have++] = octet;
	if (t->have < RECORD_HEADER)
		return 0;
	t->left = (uint32_t)fragment_length(t->header);
	if (t->left > RECORD_SEALED_MAX)
		return lost(t);
	t->have = 0;
	return 1U << (t->header[0] - RECORD_CHANGE_CIPHER_SPEC);
}

unsigned
record_track(struct record_track *t, const void *p, size_t len, bool *bad)
{
	const uint8_t *octets = p;
	unsigned began = 0;

	while (len > 0 && t->have != RECORD_LOST) {
		size_t step = 1;

		if (t->left > 0) {
			step = t->left < len ? t->left : len;
			t->left -= (uint32_t)step;
		} else {
			began |= begin(t, *octets);
		}
		octets += step;
		len -= step;
	}
	*bad = t->have == RECORD_LOST;
	return began;
}
