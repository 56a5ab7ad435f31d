/* id.c - decision ids and session ids
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Crockford's base 32 has no I, L, O and U, so that an id survives a telephone. */
#include "record/id.h"

#include <stdlib.h>
#include <sys/random.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* take: the next octets; none is used twice. */
static const unsigned char *
take(struct id_source *source, unsigned len)
{
	if (source->left < len) {
		if (getrandom(source->octets, sizeof source->octets, 0) !=
		    (ssize_t)sizeof source->octets)
			abort();
		source->left = sizeof source->octets;
	}
	source->left -= len;
	return source->octets + source->left;
}

/* n digits from the low 5n bits of v, the highest first. */
static char *
put_digits(char *out, uint64_t v, unsigned n)
{
	while (n-- > 0)
		*out++ = digits[v >> 5 * n & 31];
	return out;
}

/* 40 bits of p, big-endian. */
static uint64_t
bits40(const unsigned char p[5])
{
	return (uint64_t)p[0] << 32 | (uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 8 | p[4];
}

void
id_decision(struct id_source *source, char out[ID_DECISION_SIZE])
{
	uint64_t v = bits40(take(source, 5));

	out = put_digits(out, v >> 20, 4);
	*out++ = '-';
	out = put_digits(out, v, 4);
	*out = '\0';
}

void
id_session(struct id_source *source, char out[ID_SESSION_SIZE], uint64_t now_ms)
{
	const unsigned char *random = take(source, 10);

	out = put_digits(out, now_ms & 0xffffffffffffu, 10);
	out = put_digits(out, bits40(random), 8);
	out = put_digits(out, bits40(random + 5), 8);
	*out = '\0';
}
