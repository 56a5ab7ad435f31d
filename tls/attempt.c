/* attempt.c - what is kept beside a TLS session towards a server, until it has proven what it can
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/attempt.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "tls/decoded.h"
#include "tls/evidence.h"
#include "tls/trust.h"
#include "tls/verified.h"

#define STRENGTH_MIN 112	/* bits of the key exchange, for a proof to count */

struct attempt *
attempt_new(struct originator *o, const char *sni, const struct tlsa_set *tlsa)
{
	struct attempt *a = calloc(1, sizeof *a);

	assert(strlen(sni) <= ATTEMPT_SNI_MAX);
	if (!a)
		return NULL;
	snprintf(a->sni, sizeof a->sni, "%s", sni);
	a->originator = o;
	if (!tlsa || tlsa->len == 0)
		return a;
	a->tlsa = tlsa_copy(tlsa);
	if (a->tlsa)
		return a;
	free(a);
	return NULL;
}

void
attempt_free(struct attempt *a)
{
	if (!a)
		return;
	evidence_release(a->evidence);
	evidence_release(a->offered);
	X509_free(a->leaf);
	free(a->tlsa);
	free(a);
}

/* The chain that the session keeps is the one that OpenSSL asks about; it takes the leaf from there
 * when it has got the answer. The one that it asked about stays all the same until it is done. */
static void
share_chain(struct attempt *a, X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);

	if (a->leaf || sk_X509_value(sent, 0) != leaf || !X509_up_ref(leaf))
		return;
	a->leaf = leaf;
	decoded_share(a->originator->decoded, sent);
	X509_STORE_CTX_set_cert(ctx, sk_X509_value(sent, 0));
}

int
attempt_take_chain(X509_STORE_CTX *ctx, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct stream *s = SSL_get_app_data(ssl);
	struct attempt *a = s->attempt;
	struct originator *o = a->originator;

	(void)unused;
	if (sk_X509_num(X509_STORE_CTX_get0_untrusted(ctx)) > PROOF_CHAIN_MAX) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_CHAIN_TOO_LONG);
		return 0;
	}
	share_chain(a, ctx);
	evidence_release(a->evidence);
	a->evidence = verified_collect(o->verified, ctx, trust_dane(o->trust), a->tlsa,
	    time(NULL));
	if (!a->evidence) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	return 1;
}

/* What keeps the certificates of this very session from counting; NULL when nothing does. Only
 * sessions of which no proof was demanded can get here with such a thing. */
static const char *
weakness(SSL *ssl)
{
	EVP_PKEY *exchange = NULL;
	int nid = NID_undef, bits = STRENGTH_MIN;

	if (SSL_version(ssl) < TLS1_2_VERSION)
		return "TLS version below 1.2";
	if (SSL_get_peer_tmp_key(ssl, &exchange)) {
		bits = EVP_PKEY_get_security_bits(exchange);
		EVP_PKEY_free(exchange);
	}
	if (bits < STRENGTH_MIN)
		return "weak key exchange";
	if (SSL_get_peer_signature_nid(ssl, &nid) &&
	    (nid == NID_sha1 || nid == NID_md5 || nid == NID_md5_sha1))
		return "key exchange signed with a broken digest";
	return NULL;
}

/* What this session rests on, once the key exchange is over: at the latest when it is remembered.
 * Sessions that are resumed later keep what was found here. */
static struct evidence *
weighed_evidence(const struct stream *s)
{
	struct attempt *a = s->attempt;
	const char *fault;

	if (!s->finished && SSL_session_reused(s->ssl))
		return a->offered;
	if (a->evidence && !a->weighed) {
		a->weighed = true;
		fault = weakness(s->ssl);
		if (fault)
			evidence_weaken(&a->evidence, fault);
	}
	return a->evidence;
}

int
attempt_take_session(SSL *ssl, SSL_SESSION *session)
{
	struct stream *s = SSL_get_app_data(ssl);
	struct evidence *e = weighed_evidence(s);

	return s->attempt->has_tag && e &&
	    resumption_keep(s->attempt->originator->resumption, s->attempt->tag, session, e);
}

void
attempt_settle(struct stream *s)
{
	struct attempt *a = s->attempt;

	if (SSL_session_reused(s->ssl)) {
		assert(a->offered && !a->evidence);
		a->evidence = a->offered;
		a->offered = NULL;
		a->weighed = true;
	} else {
		weighed_evidence(s);
	}
	evidence_release(a->offered);
	a->offered = NULL;
	X509_free(a->leaf);
	a->leaf = NULL;
	if (a->evidence) {	/* which has the set's digest */
		free(a->tlsa);
		a->tlsa = NULL;
	}
}

void
attempt_discard(struct stream *s)
{
	struct attempt *a = s->attempt;

	/* The session offered may be why the handshake failed. */
	if (!s->finished && a->offered)
		resumption_forget(a->originator->resumption, a->tag);
	attempt_free(a);
	s->attempt = NULL;
}
