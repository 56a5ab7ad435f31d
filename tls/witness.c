/* witness.c - what a server's flight proves about who has sent it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/witness.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/tls1.h>
#include <openssl/x509.h>

#include "tls/decoded.h"
#include "tls/key_exchange.h"
#include "tls/library.h"
#include "tls/trust.h"
#include "tls/verified.h"

/* NULL when one of them is no certificate. */
static STACK_OF(X509) *
decode_all(struct decoded *decoded, const struct flight *f)
{
	struct octets list[SERVER_HELLO_CERTIFICATES_MAX];
	STACK_OF(X509) *chain = sk_X509_new_null();
	size_t count = 0;
	bool ok = chain && server_certificates(flight_body(f, &f->certificates),
	    f->certificates.len, list, &count);

	for (size_t i = 0; ok && i < count; i++) {
		X509 *cert = i == 0 ? decoded_leaf(decoded, &list[i]) :
		    decoded_issuer(decoded, &list[i]);

		ok = cert && sk_X509_push(chain, cert) > 0;
		if (!ok)
			X509_free(cert);
	}
	if (ok)
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

/* As OpenSSL's client prepares it for a session of our own. */
static struct evidence *
collect(struct originator *o, STACK_OF(X509) *chain, const struct tlsa_set *tlsa)
{
	const struct trust *trust = originator_trust(o);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(library_context(), NULL);
	struct evidence *e = NULL;

	if (ctx && X509_STORE_CTX_init(ctx, trust_store(trust), sk_X509_value(chain, 0), chain) &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server"))
		e = verified_collect(originator_verified(o), ctx, trust_dane(trust), tlsa,
		    time(NULL));
	X509_STORE_CTX_free(ctx);
	return e;
}

/* NULL: whoever finishes this handshake has the key. */
static const char *
judge_key(X509 *leaf, const struct client_hello *client, const struct flight *f, bool *weak)
{
	enum key_exchange_result r;

	if (f->suite.exchange == SUITE_RSA)
		return key_exchange_transports(leaf) ? NULL : "key-unfit";
	r = key_exchange_verify(flight_body(f, &f->exchange), f->exchange.len, leaf, &f->suite,
	    client, &f->hello);
	*weak = r == KEY_EXCHANGE_WEAK;
	return r == KEY_EXCHANGE_OK || *weak ? NULL : key_exchange_result_text(r);
}

bool
witness_hear(struct originator *o, const struct client_hello *client, const struct flight *flight,
    const struct tlsa_set *tlsa, struct witness *out)
{
	STACK_OF(X509) *chain = decode_all(originator_decoded(o), flight);

	*out = (struct witness){ NULL, "certificates-unusable", false };
	if (!chain) {
		ERR_clear_error();
		return true;
	}
	out->evidence = collect(o, chain, tlsa);
	out->fault = judge_key(sk_X509_value(chain, 0), client, flight, &out->weak);
	if (out->evidence && out->fault)
		evidence_weaken(&out->evidence, out->fault);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return out->evidence != NULL;
}

/* The words are those of our own sessions (originate.c, OpenSSL). Towards a server that does not
 * know RFC 5746 somebody else may have spoken before the client did. */
const char *
witness_weigh(struct evidence **e, const struct flight *flight, int min_version, bool strict,
    bool weak)
{
	int version = flight->hello.version;

	if (strict && version < TLS1_2_VERSION) {
		evidence_weaken(e, "TLS version below 1.2");
		return "version-too-low";
	}
	if (version < min_version) {
		evidence_weaken(e, "TLS version below the lowest allowed");
		return "version-too-low";
	}
	if (!flight->suite.strong) {
		evidence_weaken(e, "weak cipher suite");
		return "suite-weak";
	}
	if (strict && !flight->hello.renegotiation) {
		evidence_weaken(e, "unsafe legacy renegotiation disabled");
		return "renegotiation-unsafe";
	}
	if (strict && weak) {
		evidence_weaken(e, "key exchange signed with a broken digest");
		return "signature-weak";
	}
	return NULL;
}

static const char *
version_name(uint16_t version)
{
	switch (version) {
	case TLS1_VERSION:
		return "TLSv1";
	case TLS1_1_VERSION:
		return "TLSv1.1";
	case TLS1_2_VERSION:
		return "TLSv1.2";
	default:
		return "";
	}
}

bool
witness_fill(const struct evidence *e, const struct flight *flight, const char *fault,
    struct proof *out)
{
	if (!e) {
		out->chain = CHAIN_INVALID;
		snprintf(out->detail, sizeof out->detail, "%s", fault);
	} else if (!evidence_fill(e, time(NULL), out)) {
		return false;
	}
	out->state = PROOF_TLS;
	out->resumed = flight_resumes(flight);
	snprintf(out->version, sizeof out->version, "%s", version_name(flight->hello.version));
	snprintf(out->cipher, sizeof out->cipher, "%s", flight->suite.name);
	return true;
}
