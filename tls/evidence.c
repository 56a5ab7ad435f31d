/* evidence.c - what one full handshake showed, shared by the sessions resumed from it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tls/chain.h"
#include "tls/evidence_inside.h"
#include "tls/san.h"

#define NAME_MAX_OCTETS 255	/* a longer DNS-ID names no host: not kept */
#define FOREVER ((time_t)INT64_MAX)

bool
evidence_name_fits(const void *name, size_t len)
{
	return len > 0 && len <= NAME_MAX_OCTETS && !memchr(name, '\0', len);
}

static bool
measure_name(void *arg, const char *name, size_t len)
{
	struct evidence *e = arg;

	if (evidence_name_fits(name, len)) {
		e->names_len++;
		e->names_size += len + 1;
	}
	return e->names_len == PROOF_NAMES_MAX;
}

static bool
copy_name(void *arg, const char *name, size_t len)
{
	struct evidence *e = arg;

	if (evidence_name_fits(name, len)) {
		memcpy(e->names + e->names_size, name, len);
		e->names[e->names_size + len] = '\0';
		e->names_len++;
		e->names_size += len + 1;
	}
	return e->names_len == PROOF_NAMES_MAX;
}

static bool
keep_names(struct evidence *e, const X509 *leaf)
{
	san_each(leaf, measure_name, e);
	if (e->names_len == 0)
		return true;
	e->names = malloc(e->names_size);
	if (!e->names)
		return false;
	e->names_len = e->names_size = 0;
	san_each(leaf, copy_name, e);
	return true;
}

/* RFC 2253 puts the common name first, where cutting spares it; what is not printable ASCII is
 * escaped by OpenSSL. */
static void
one_line(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		int got = BIO_read(bio, out, (int)size - 1);

		len = got > 0 ? (size_t)got : 0;
	}
	out[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (out[i] < ' ' || out[i] > '~')
			out[i] = '?';
	BIO_free(bio);
}

static bool
keep_hashes(struct evidence *e, const STACK_OF(X509) *sent)
{
	int count = sk_X509_num(sent);

	e->sha256 = calloc((size_t)count, sizeof *e->sha256);
	if (!e->sha256)
		return false;
	for (int i = 0; i < count; i++) {
		const X509 *cert = sk_X509_value(sent, i);
		int len = i2d_X509(cert, NULL);

		if (len <= 0 || !X509_digest(cert, EVP_sha256(), e->sha256[i], NULL))
			return false;
		e->octets += (size_t)len;
	}
	e->chain_len = (size_t)count;
	return true;
}

struct evidence *
evidence_collect(X509_STORE_CTX *ctx, struct dane_checker *dane, const struct tlsa_set *tlsa)
{
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	struct evidence *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->refs = 1;
	e->made = time(NULL);
	e->not_after = chain_time(X509_get0_notAfter(leaf));
	one_line(e->subject, sizeof e->subject, X509_get_subject_name(leaf));
	one_line(e->issuer, sizeof e->issuer, X509_get_issuer_name(leaf));
	if (!keep_names(e, leaf) || !keep_hashes(e, sent) ||
	    !dane_verify(dane, leaf, sent, tlsa, &e->dane)) {
		evidence_release(e);
		return NULL;
	}
	chain_verify(ctx, &e->chain);
	return e;
}

struct evidence *
evidence_hold(struct evidence *e)
{
	e->refs++;
	return e;
}

void
evidence_release(struct evidence *e)
{
	if (!e || --e->refs > 0)
		return;
	free(e->names);
	free(e->sha256);
	free(e);
}

static struct evidence *
copy(const struct evidence *e)
{
	struct evidence *c = malloc(sizeof *c);

	if (!c)
		return NULL;
	*c = *e;
	c->refs = 1;
	c->names = e->names ? malloc(e->names_size) : NULL;
	c->sha256 = malloc(e->chain_len * sizeof *c->sha256);
	if (!c->sha256 || (e->names && !c->names)) {
		evidence_release(c);
		return NULL;
	}
	if (c->names)
		memcpy(c->names, e->names, e->names_size);
	memcpy(c->sha256, e->sha256, e->chain_len * sizeof *c->sha256);
	return c;
}

static void
weaken(struct evidence *e, const char *fault)
{
	if (e->chain.standing == CHAIN_TRUSTED || e->chain.standing == CHAIN_EXPIRED) {
		e->chain.standing = CHAIN_INVALID;
		e->chain.fault = fault;
	}
	if (e->dane.standing == PROOF_DANE_EE || e->dane.standing == PROOF_DANE_TA ||
	    e->dane.standing == PROOF_DANE_EXPIRED) {
		e->dane.standing = PROOF_DANE_INVALID;
		e->dane.fault = fault;
	}
}

bool
evidence_weaken(struct evidence **e, const char *fault)
{
	struct evidence *own = *e;

	if (own->refs > 1) {
		own = copy(*e);
		evidence_release(*e);
	}
	*e = own;
	if (own)
		weaken(own, fault);
	return own != NULL;
}

bool
evidence_stands(const struct evidence *e)
{
	return e->chain.standing == CHAIN_TRUSTED || e->dane.standing == PROOF_DANE_EE ||
	    e->dane.standing == PROOF_DANE_TA;
}

/* One block: the pointers, then the strings. */
static bool
fill_names(const struct evidence *e, struct proof *out)
{
	size_t table = e->names_len * sizeof(char *);
	char *block, *s;
	const char **names;

	if (e->names_len == 0)
		return true;
	block = malloc(table + e->names_size);
	if (!block)
		return false;
	names = (const char **)(void *)block;
	s = block + table;
	memcpy(s, e->names, e->names_size);
	for (size_t i = 0; i < e->names_len; i++) {
		names[i] = s;
		s += strlen(s) + 1;
	}
	out->block = block;
	out->names = names;
	out->names_len = e->names_len;
	return true;
}

static void
fill_dane(const struct dane *d, time_t now, struct proof *out)
{
	const char *fault = d->fault;

	out->dane = d->standing;
	if (d->standing == PROOF_DANE_TA && now > d->until) {
		out->dane = PROOF_DANE_EXPIRED;
		fault = X509_verify_cert_error_string(X509_V_ERR_CERT_HAS_EXPIRED);
	}
	memcpy(out->dane_digest, d->digest, sizeof out->dane_digest);
	out->dane_base = d->base;
	out->dane_record = d->record;
	out->dane_depth = d->depth;
	snprintf(out->dane_detail, sizeof out->dane_detail, "%s", fault);
}

bool
evidence_fill(const struct evidence *e, time_t now, struct proof *out)
{
	const char *fault = e->chain.fault;

	if (!fill_names(e, out))
		return false;
	out->chain = e->chain.standing;
	if (out->chain == CHAIN_TRUSTED && now > e->chain.until) {
		out->chain = CHAIN_EXPIRED;
		fault = X509_verify_cert_error_string(X509_V_ERR_CERT_HAS_EXPIRED);
	}
	snprintf(out->detail, sizeof out->detail, "%s", fault);
	fill_dane(&e->dane, now, out);
	out->not_after = e->not_after;
	memcpy(out->subject, e->subject, sizeof out->subject);
	memcpy(out->issuer, e->issuer, sizeof out->issuer);
	out->chain_len = e->chain_len;
	memcpy(out->chain_sha256, e->sha256, e->chain_len * sizeof *e->sha256);
	return true;
}

time_t
evidence_made(const struct evidence *e)
{
	return e->made;
}

size_t
evidence_octets(const struct evidence *e)
{
	return e->octets;
}

time_t
evidence_until(const struct evidence *e)
{
	time_t until = e->chain.until;

	if (e->dane.standing == PROOF_DANE_EE)	/* dates do not count (RFC 7672 3.1.1) */
		return FOREVER;
	return e->dane.until > until ? e->dane.until : until;
}
