/* octets.h - a cursor over what a peer sent: big-endian numbers and vectors (RFC 8446 section 3)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure. After the first fault every further call yields 0 or nothing, and nothing is left, so that
 * loops end; test `bad` once at the end. What is taken from a bad cursor is bad too. */
#ifndef TLS_OCTETS_H
#define TLS_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct octets {
	const uint8_t *p;
	size_t left;
	bool bad;
};

struct octets octets_of(const void *p, size_t len);
uint8_t octets_8(struct octets *o);
uint16_t octets_16(struct octets *o);
uint32_t octets_24(struct octets *o);
uint32_t octets_32(struct octets *o);

/* octets_take: the next len octets, as a cursor of their own. */
struct octets octets_take(struct octets *o, size_t len);

/* octets_vector: a vector whose length comes in front in so many octets (1, 2 or 3). */
struct octets octets_vector(struct octets *o, unsigned length_octets);

/* octets_done: true when nothing was bad and nothing is left over. */
bool octets_done(const struct octets *o);

#endif
