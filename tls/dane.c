/* dane.c - a chain held against TLSA records, by OpenSSL (RFC 7671, RFC 7672 section 3)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * OpenSSL knows TLSA records as part of a session. Here each base has one that never talks: what
 * matters is the store context that looks into it. The store is empty, no CA counts here. */
#include "tls/dane.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/chain.h"
#include "tls/library.h"
#include "tls/names.h"

/* Who has the domain chooses how many bases there are, and can let the chain match and fail under
 * each: so many are followed up. Honest chains fail under none. */
#define FAILED_MAX 3

struct dane_checker {
	SSL_CTX *context;
	X509_STORE *store;
};

struct dane_checker *
dane_checker_new(void)
{
	struct dane_checker *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->context = SSL_CTX_new_ex(library_context(), NULL, TLS_client_method());
	c->store = X509_STORE_new();
	if (!c->context || !c->store || SSL_CTX_dane_enable(c->context) <= 0) {
		dane_checker_free(c);
		return NULL;
	}
	SSL_CTX_dane_set_flags(c->context, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	return c;
}

void
dane_checker_free(struct dane_checker *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->context);
	X509_STORE_free(c->store);
	free(c);
}

/* OpenSSL tries a bare key (RFC 7671 5.2.3) wherever no other record has matched. */
static bool
is_too_costly(const struct tlsa *t)
{
	const unsigned char *p = t->data;
	EVP_PKEY *key;
	bool costly;

	if (t->usage != TLSA_DANE_TA || t->selector != TLSA_SPKI || t->matching != TLSA_FULL)
		return false;
	key = d2i_PUBKEY(NULL, &p, t->len);
	costly = key && !chain_bears_key(key);
	EVP_PKEY_free(key);
	return costly;
}

/* Usages 0 and 1 would send OpenSSL to the store (RFC 7672 3.1.3). No octets at all it would take
 * for a lack of memory. */
static bool
is_of(const struct tlsa *t, size_t base, enum tlsa_usage usage)
{
	return t->base == base && t->usage == usage && t->len > 0;
}

static bool
has_records(const struct tlsa_set *set, size_t base, enum tlsa_usage usage)
{
	for (size_t i = 0; i < set->len; i++)
		if (is_of(&set->records[i], base, usage))
			return true;
	return false;
}

/* How many records of that base OpenSSL can use; -1 when out of memory. */
static int
add_records(SSL *ssl, const struct tlsa_set *set, size_t base, enum tlsa_usage usage)
{
	int count = 0;

	for (size_t i = 0; i < set->len; i++) {
		const struct tlsa *t = &set->records[i];
		int taken;

		if (!is_of(t, base, usage) || is_too_costly(t))
			continue;
		taken = SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->matching, t->data, t->len);
		if (taken < 0)
			return -1;
		count += taken > 0;
	}
	return count;
}

/* Which record it was that matched; false: none. */
static bool
note_match(SSL *ssl, const struct tlsa_set *set, size_t base, struct dane *out)
{
	uint8_t usage, selector, matching;
	const unsigned char *data;
	size_t len;
	int depth = SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching, &data, &len);

	for (size_t i = 0; depth >= 0 && i < set->len; i++) {
		const struct tlsa *t = &set->records[i];

		if (t->base != base || t->usage != usage || t->selector != selector ||
		    t->matching != matching || t->len != len || memcmp(t->data, data, len) != 0)
			continue;
		out->base = (uint8_t)base;
		out->record = (uint8_t)i;
		out->depth = (uint8_t)depth;
		return true;
	}
	return false;
}

static enum proof_dane
standing_of(enum proof_chain chain, enum tlsa_usage usage)
{
	switch (chain) {
	case CHAIN_TRUSTED:
		return usage == TLSA_DANE_EE ? PROOF_DANE_EE : PROOF_DANE_TA;
	case CHAIN_EXPIRED:
		return PROOF_DANE_EXPIRED;
	case CHAIN_INVALID:
	case CHAIN_UNTRUSTED:
	case CHAIN_NONE:
		break;
	}
	return PROOF_DANE_INVALID;
}

/* No name is given to OpenSSL but the one without which it does not begin, and that is not looked
 * at: the store context has parameters of its own. */
static SSL *
open_base(struct dane_checker *c, const struct tlsa_set *set, size_t base, enum tlsa_usage usage,
    int *count)
{
	SSL *ssl = SSL_new(c->context);

	if (ssl && SSL_dane_enable(ssl, "mx.invalid") > 0)
		*count = add_records(ssl, set, base, usage);
	else
		*count = -1;
	if (*count > 0)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void
unmatched(struct dane *out, const char *fault)
{
	*out = (struct dane){ .standing = PROOF_DANE_UNMATCHED, .fault = fault,
	    .error = X509_V_ERR_DANE_NO_MATCH };
}

static void
note_standing(struct dane *out, const struct chain *chain, enum tlsa_usage usage)
{
	out->standing = standing_of(chain->standing, usage);
	out->error = chain->error;
	out->fault = chain->fault;
	if (out->standing == PROOF_DANE_TA) {
		out->until = chain->until;
		/* OpenSSL looks at the dates of a TA only where that is self-signed. */
		if (chain->until < time(NULL)) {
			out->standing = PROOF_DANE_EXPIRED;
			out->error = X509_V_ERR_CERT_HAS_EXPIRED;
			out->fault = X509_verify_cert_error_string(out->error);
			out->until = 0;
		}
	}
}

/* Without a record in it OpenSSL would verify as if there were no DANE: it is not asked then. */
static bool
verify_base(struct dane_checker *c, X509 *leaf, STACK_OF(X509) *sent, const struct tlsa_set *set,
    size_t base, enum tlsa_usage usage, struct dane *out)
{
	X509_STORE_CTX *ctx;
	struct chain chain;
	int count;
	SSL *ssl;
	bool ok;

	unmatched(out, X509_verify_cert_error_string(X509_V_ERR_DANE_NO_MATCH));
	if (!has_records(set, base, usage))
		return true;
	ssl = open_base(c, set, base, usage, &count);
	if (!ssl)
		return count == 0;
	ctx = X509_STORE_CTX_new_ex(library_context(), NULL);
	ok = ctx && X509_STORE_CTX_init(ctx, c->store, leaf, sent) &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server");
	if (ok) {
		X509_STORE_CTX_set0_dane(ctx, SSL_get0_dane(ssl));
		chain_verify(ctx, &chain);
		ok = chain.error != X509_V_ERR_OUT_OF_MEM;
	}
	if (ok && note_match(ssl, set, base, out))
		note_standing(out, &chain, usage);
	X509_STORE_CTX_free(ctx);
	SSL_free(ssl);
	return ok;
}

/* What counts more, if bases differ. */
static int
weight(enum proof_dane d)
{
	switch (d) {
	case PROOF_DANE_NOT_ASKED:
		return 0;
	case PROOF_DANE_UNMATCHED:
		return 1;
	case PROOF_DANE_INVALID:
		return 2;
	case PROOF_DANE_EXPIRED:
		return 3;
	case PROOF_DANE_TA:
		return 4;
	case PROOF_DANE_EE:
		return 5;
	}
	return 0;
}

/* A chain held against the bases of a set, one after the other. */
struct search {
	struct dane_checker *checker;
	X509 *leaf;
	STACK_OF(X509) *sent;
	const struct tlsa_set *set;
	unsigned failed;	/* matched, and did not stand */
	bool found;
	struct dane *out;
};

static bool
try_base(struct search *s, size_t base, enum tlsa_usage usage)
{
	struct dane d;

	if (!verify_base(s->checker, s->leaf, s->sent, s->set, base, usage, &d))
		return false;
	if (weight(d.standing) > weight(s->out->standing))
		*s->out = d;
	s->found = d.standing == PROOF_DANE_EE || d.standing == PROOF_DANE_TA;
	s->failed += !s->found && d.standing != PROOF_DANE_UNMATCHED;
	return true;
}

/* Several hosts often have the records of one CA: the bases whose name the leaf carries come first.
 * Nothing more can be asked of what stands, so that one chain is verified and not eight. */
static bool
search_authorities(struct search *s)
{
	bool named[TLSA_BASES_MAX] = { false }, ok = true;

	for (size_t i = 0; i < s->set->bases_len; i++)
		named[i] = has_records(s->set, i, TLSA_DANE_TA) &&
		    names_certificate(s->leaf, s->set->bases[i]);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; ok && !s->found && i < s->set->bases_len; i++)
			if (named[i] == (round == 0) && s->failed < FAILED_MAX)
				ok = try_base(s, i, TLSA_DANE_TA);
	return ok;
}

bool
dane_verify(struct dane_checker *c, X509 *leaf, STACK_OF(X509) *sent, const struct tlsa_set *set,
    struct dane *out)
{
	struct search s = { c, leaf, sent, set, 0, false, out };
	bool ok = true;

	*out = (struct dane){ .standing = PROOF_DANE_NOT_ASKED, .fault = "" };
	if (!set || set->len == 0)
		return true;
	assert(set->bases_len <= TLSA_BASES_MAX && set->len <= TLSA_RECORDS_MAX);
	unmatched(out, X509_verify_cert_error_string(X509_V_ERR_DANE_NO_MATCH));
	/* The leaf itself costs no signature, and no name is asked of it. */
	for (size_t base = 0; ok && !s.found && base < set->bases_len; base++)
		ok = try_base(&s, base, TLSA_DANE_EE);
	if (ok && !s.found)
		ok = search_authorities(&s);
	memcpy(out->digest, set->digest, TLSA_DIGEST);
	ERR_clear_error();
	return ok;
}
