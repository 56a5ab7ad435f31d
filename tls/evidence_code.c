/* evidence_code.c - evidence as octets, so that it can outlive the process that collected it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers are big-endian, vectors as in TLS. An octet with the version of the format; until, made
 * and not_after in 64 bits each; octets in 32; subject and issuer (vectors of up to 255); the names
 * (a vector of up to 2^24 - 1, of vectors of up to 255); how many certificates, and a SHA-256 of
 * each. The standing is not written: only what is trusted is. */
#include "tls/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tls/evidence_inside.h"
#include "tls/octets.h"

#define VERSION 1
#define FIXED (1 + 3 * 8 + 4 + 1 + 1 + 3 + 1)	/* octets that are always there */

/* What evidence_collect can have made of a chain that stands. A disk may hold anything else. */
static bool
sound(const struct evidence *e)
{
	return e->made > 0 && e->made <= e->chain.until && e->chain.until <= e->not_after &&
	    e->octets > 0 && e->octets <= UINT32_MAX && e->names_len <= PROOF_NAMES_MAX &&
	    e->chain_len > 0 && e->chain_len <= PROOF_CHAIN_MAX;
}

static uint8_t *
put_number(uint8_t *p, uint64_t v, unsigned octets)
{
	while (octets > 0)
		*p++ = (uint8_t)(v >> (8 * --octets));
	return p;
}

static uint8_t *
put_octets(uint8_t *p, const void *octets, size_t len)
{
	memcpy(p, octets, len);
	return p + len;
}

static uint8_t *
put_text(uint8_t *p, const char *s)
{
	size_t len = strlen(s);

	return put_octets(put_number(p, len, 1), s, len);
}

/* A name's NUL in memory makes place for its length: both take names_size. */
static uint8_t *
put_names(uint8_t *p, const struct evidence *e)
{
	const char *s = e->names;

	p = put_number(p, e->names_size, 3);
	for (size_t i = 0; i < e->names_len; i++) {
		p = put_text(p, s);
		s += strlen(s) + 1;
	}
	return p;
}

size_t
evidence_encode(const struct evidence *e, void *out, size_t size)
{
	size_t len = FIXED + strlen(e->subject) + strlen(e->issuer) + e->names_size +
	    e->chain_len * sizeof *e->sha256;
	uint8_t *p = out;

	if (e->chain.standing != CHAIN_TRUSTED || !sound(e) || len > size)
		return 0;
	p = put_number(p, VERSION, 1);
	p = put_number(p, (uint64_t)e->chain.until, 8);
	p = put_number(p, (uint64_t)e->made, 8);
	p = put_number(p, (uint64_t)e->not_after, 8);
	p = put_number(p, e->octets, 4);
	p = put_text(p, e->subject);
	p = put_text(p, e->issuer);
	p = put_names(p, e);
	p = put_number(p, e->chain_len, 1);
	p = put_octets(p, e->sha256, e->chain_len * sizeof *e->sha256);
	assert(p == (uint8_t *)out + len);
	return len;
}

/* What is no time of this world comes out as 0, which is not sound. */
static time_t
get_time(struct octets *o)
{
	uint64_t high = octets_32(o), v = high << 32 | octets_32(o);

	return v > INT64_MAX ? 0 : (time_t)v;
}

static bool
get_text(struct octets *o, char *out, size_t size)
{
	struct octets text = octets_vector(o, 1);

	if (o->bad || text.left >= size)
		return false;
	for (size_t i = 0; i < text.left; i++) {
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
		out[i] = (char)text.p[i];
	}
	return true;
}

static bool
get_names(struct octets *o, struct evidence *e)
{
	struct octets names = octets_vector(o, 3);
	char *s;

	if (o->bad || names.left == 0)
		return !o->bad;
	e->names_size = names.left;
	s = e->names = malloc(names.left);
	if (!s)
		return false;
	while (names.left > 0) {
		struct octets name = octets_vector(&names, 1);

		if (names.bad || !evidence_name_fits(name.p, name.left))
			return false;
		memcpy(s, name.p, name.left);
		s[name.left] = '\0';
		s += name.left + 1;
		e->names_len++;
	}
	return true;
}

static bool
get_hashes(struct octets *o, struct evidence *e)
{
	size_t count = octets_8(o);
	struct octets hashes = octets_take(o, count * sizeof *e->sha256);

	if (o->bad || count == 0)
		return false;
	e->sha256 = calloc(count, sizeof *e->sha256);
	if (!e->sha256)
		return false;
	memcpy(e->sha256, hashes.p, count * sizeof *e->sha256);
	e->chain_len = count;
	return true;
}

struct evidence *
evidence_decode(const void *p, size_t len)
{
	struct octets o = octets_of(p, len);
	struct evidence *e;

	if (octets_8(&o) != VERSION)
		return NULL;
	e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->refs = 1;
	e->chain.standing = CHAIN_TRUSTED;
	e->chain.fault = "";
	e->chain.until = get_time(&o);
	e->made = get_time(&o);
	e->not_after = get_time(&o);
	e->octets = octets_32(&o);
	if (!get_text(&o, e->subject, sizeof e->subject) ||
	    !get_text(&o, e->issuer, sizeof e->issuer) || !get_names(&o, e) ||
	    !get_hashes(&o, e) || !octets_done(&o) || !sound(e)) {
		evidence_release(e);
		return NULL;
	}
	return e;
}
