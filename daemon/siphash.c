/* siphash.c - SipHash-2-4, after the paper's description and its test vectors
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/siphash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct state {
	uint64_t a, b, c, d;
};

void
siphash_key_make(struct siphash_key *key)
{
	if (getrandom(key, sizeof *key, 0) != (ssize_t)sizeof *key)
		abort();
}

static uint64_t
rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void
rounds(struct state *s, unsigned n)
{
	while (n-- > 0) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotate(s->b, 17) ^ s->c;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c = rotate(s->c, 32);
	}
}

static void
absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	rounds(s, 2);
	s->a ^= word;
}

/* Little-endian, whatever the machine's order is. */
static uint64_t
load(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word);
}

/* The same of fewer than eight octets. */
static uint64_t
load_rest(const unsigned char *p, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)p[i] << 8 * i;
	return word;
}

uint64_t
siphash(const struct siphash_key *key, const void *p, size_t len)
{
	const unsigned char *at = p;
	struct state s = {
		.a = key->k0 ^ 0x736f6d6570736575u,
		.b = key->k1 ^ 0x646f72616e646f6du,
		.c = key->k0 ^ 0x6c7967656e657261u,
		.d = key->k1 ^ 0x7465646279746573u,
	};
	size_t left;

	for (left = len; left >= 8; left -= 8, at += 8)
		absorb(&s, load(at));
	absorb(&s, load_rest(at, left) | (uint64_t)(len & 0xff) << 56);
	s.c ^= 0xff;
	rounds(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}
