/* evidence_code.c - evidence as octets, so that it can outlive the process that collected it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers are big-endian, vectors as in TLS. An octet with the version of the format; OpenSSL's
 * number for the chain's fault in 16 bits (0: trusted); until, made and not_after in 64 bits each;
 * octets in 32; subject and issuer (vectors of up to 255); the names (a vector of up to 2^24 - 1,
 * of vectors of up to 255); how many certificates, and a SHA-256 of each; how the chain stands
 * against TLSA records, and where that is not PROOF_DANE_NOT_ASKED the set's digest, base, record
 * and depth in an octet each, the number of the fault in 16 bits, until in 64. */
#include "tls/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tls/evidence_inside.h"
#include "tls/octets.h"

#define VERSION 2
#define FIXED (1 + 2 + 3 * 8 + 4 + 1 + 1 + 3 + 1 + 1)	/* octets that are always there */
#define FIXED_DANE (TLSA_DIGEST + 3 + 2 + 8)		/* those of a chain held against records */

static bool
sound_end(const struct evidence *e, bool stands, time_t until)
{
	return stands ? e->made <= until && until <= e->not_after : until == 0;
}

static bool
sound_chain(const struct evidence *e)
{
	const struct chain *c = &e->chain;

	return c->error >= 0 && c->error <= UINT16_MAX &&
	    c->standing == chain_standing(c->error) &&
	    sound_end(e, c->standing == CHAIN_TRUSTED, c->until);
}

static bool
sound_dane(const struct evidence *e)
{
	const struct dane *d = &e->dane;
	bool stands = d->standing == PROOF_DANE_EE || d->standing == PROOF_DANE_TA;

	if (d->error < 0 || d->error > UINT16_MAX || stands != (d->error == X509_V_OK) ||
	    d->base >= TLSA_BASES_MAX || d->record >= TLSA_RECORDS_MAX ||
	    d->depth > PROOF_CHAIN_MAX)
		return false;
	if (d->standing == PROOF_DANE_UNMATCHED && (d->base || d->record || d->depth))
		return false;
	if ((d->standing == PROOF_DANE_EXPIRED) != (chain_standing(d->error) == CHAIN_EXPIRED))
		return false;
	return sound_end(e, d->standing == PROOF_DANE_TA, d->until);
}

/* What evidence_collect can have made of a chain that stands. A disk may hold anything else. */
static bool
sound(const struct evidence *e)
{
	return e->made > 0 && e->not_after >= 0 && e->octets > 0 && e->octets <= UINT32_MAX &&
	    e->names_len <= PROOF_NAMES_MAX && e->chain_len > 0 &&
	    e->chain_len <= PROOF_CHAIN_MAX && evidence_stands(e) && sound_chain(e) &&
	    (e->dane.standing == PROOF_DANE_NOT_ASKED || sound_dane(e));
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

static uint8_t *
put_dane(uint8_t *p, const struct dane *d)
{
	p = put_number(p, d->standing, 1);
	if (d->standing == PROOF_DANE_NOT_ASKED)
		return p;
	p = put_octets(p, d->digest, sizeof d->digest);
	p = put_number(p, d->base, 1);
	p = put_number(p, d->record, 1);
	p = put_number(p, d->depth, 1);
	p = put_number(p, (uint64_t)d->error, 2);
	return put_number(p, (uint64_t)d->until, 8);
}

size_t
evidence_encode(const struct evidence *e, void *out, size_t size)
{
	size_t len = FIXED + strlen(e->subject) + strlen(e->issuer) + e->names_size +
	    e->chain_len * sizeof *e->sha256 +
	    (e->dane.standing == PROOF_DANE_NOT_ASKED ? 0 : FIXED_DANE);
	uint8_t *p = out;

	if (!sound(e) || len > size)
		return 0;
	p = put_number(p, VERSION, 1);
	p = put_number(p, (uint64_t)e->chain.error, 2);
	p = put_number(p, (uint64_t)e->chain.until, 8);
	p = put_number(p, (uint64_t)e->made, 8);
	p = put_number(p, (uint64_t)e->not_after, 8);
	p = put_number(p, e->octets, 4);
	p = put_text(p, e->subject);
	p = put_text(p, e->issuer);
	p = put_names(p, e);
	p = put_number(p, e->chain_len, 1);
	p = put_octets(p, e->sha256, e->chain_len * sizeof *e->sha256);
	p = put_dane(p, &e->dane);
	assert(p == (uint8_t *)out + len);
	return len;
}

/* What is no time of this world comes out as one before all others, which is not sound. */
static time_t
get_time(struct octets *o)
{
	uint64_t high = octets_32(o), v = high << 32 | octets_32(o);

	return v > INT64_MAX ? -1 : (time_t)v;
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

static bool
get_dane(struct octets *o, struct dane *d)
{
	unsigned standing = octets_8(o);
	struct octets digest;

	d->standing = (enum proof_dane)standing;
	d->fault = "";
	if (o->bad || standing > PROOF_DANE_UNMATCHED)
		return false;
	if (d->standing == PROOF_DANE_NOT_ASKED)
		return true;
	digest = octets_take(o, sizeof d->digest);
	if (!o->bad)
		memcpy(d->digest, digest.p, sizeof d->digest);
	d->base = octets_8(o);
	d->record = octets_8(o);
	d->depth = octets_8(o);
	d->error = octets_16(o);
	if (d->error != X509_V_OK)
		d->fault = X509_verify_cert_error_string(d->error);
	d->until = get_time(o);
	return !o->bad;
}

static void
get_chain(struct octets *o, struct chain *c)
{
	c->error = octets_16(o);
	c->standing = chain_standing(c->error);
	c->fault = c->error == X509_V_OK ? "" : X509_verify_cert_error_string(c->error);
	c->until = get_time(o);
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
	get_chain(&o, &e->chain);
	e->made = get_time(&o);
	e->not_after = get_time(&o);
	e->octets = octets_32(&o);
	if (!get_text(&o, e->subject, sizeof e->subject) ||
	    !get_text(&o, e->issuer, sizeof e->issuer) || !get_names(&o, e) ||
	    !get_hashes(&o, e) || !get_dane(&o, &e->dane) || !octets_done(&o) || !sound(e)) {
		evidence_release(e);
		return NULL;
	}
	return e;
}
