/* siphash.h - SipHash-2-4 (Aumasson, Bernstein 2012): a short keyed hash nobody outside can aim at
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_SIPHASH_H
#define DAEMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/* siphash_key_make: a random key; aborts when the kernel gives no random octets. */
void siphash_key_make(struct siphash_key *key);

uint64_t siphash(const struct siphash_key *key, const void *p, size_t len);

#endif
