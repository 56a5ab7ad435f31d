/* chain.c - how a certificate chain stands
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/chain.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* What a chain may cost is the choice of who sends it, or of who has the domain and its TLSA
 * records. RSA is limited as CAs limit it (theirs have 4096 bits, exponents of 17): some 1 ms for
 * a signature, where 16384 bits or an exponent of 3072 would be 15. */
#define ISSUER_RSA_BITS_MAX 8192
#define ISSUER_EXPONENT_BITS_MAX 32
#define ISSUER_EC_BITS_MAX 521
/* Every name below a CA is held against each of its name constraints. The product of their octets,
 * in DER: some 20 ms; OpenSSL's own limit, 2^20 names times constraints for each two certificates,
 * lets a chain take more than a second. */
#define CONSTRAINTS_MAX (16 * 1024 * 1024)

/* OpenSSL's level 2, 112 bits: RSA from 2048 bits, no SHA-1. Set here and not taken from the
 * session, whose own level is lower when nobody demands proof. */
#define CHAIN_STRENGTH 2

/* What chain_verify hangs on OpenSSL's context. */
struct checking {
	struct chain *chain;
	X509_STORE_CTX_verify_fn verify;	/* OpenSSL's own */
};

enum proof_chain
chain_standing(int error)
{
	switch (error) {
	case X509_V_OK:
		return CHAIN_TRUSTED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CHAIN_EXPIRED;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
	case X509_V_ERR_DANE_NO_MATCH:
		return CHAIN_UNTRUSTED;
	default:
		return CHAIN_INVALID;
	}
}

static int
gravity(enum proof_chain c)
{
	switch (c) {
	case CHAIN_TRUSTED:
		return 0;
	case CHAIN_EXPIRED:
		return 1;
	case CHAIN_INVALID:
		return 2;
	case CHAIN_UNTRUSTED:
		return 3;
	case CHAIN_NONE:
		return 4;
	}
	return 4;
}

static void
note(struct chain *chain, int error)
{
	enum proof_chain standing = chain_standing(error);

	if (gravity(standing) <= gravity(chain->standing))
		return;
	chain->standing = standing;
	chain->error = error;
	chain->fault = X509_verify_cert_error_string(error);
}

/* Behind a fault than which no graver one can come the signatures are not worth their time. */
static int
go_on(int ok, X509_STORE_CTX *ctx)
{
	struct chain *chain = ((struct checking *)X509_STORE_CTX_get_app_data(ctx))->chain;
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok)
		return 1;
	note(chain, error);
	return chain->standing != CHAIN_UNTRUSTED && error != X509_V_ERR_CERT_SIGNATURE_FAILURE;
}

static bool
bears_rsa(const EVP_PKEY *key)
{
	BIGNUM *exponent = NULL;
	bool ok = EVP_PKEY_get_bits(key) <= ISSUER_RSA_BITS_MAX &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) &&
	    BN_num_bits(exponent) <= ISSUER_EXPONENT_BITS_MAX;

	BN_free(exponent);
	return ok;
}

/* Curves over prime fields that have a name; of others RFC 5480 and RFC 8422 know nothing. */
static bool
bears_ec(const EVP_PKEY *key)
{
	char text[64];

	return EVP_PKEY_get_bits(key) <= ISSUER_EC_BITS_MAX &&
	    EVP_PKEY_get_group_name(key, text, sizeof text, NULL) &&
	    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_FIELD_TYPE, text, sizeof text,
	    NULL) && strcmp(text, SN_X9_62_prime_field) == 0;
}

bool
chain_bears_key(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return bears_rsa(key);
	case EVP_PKEY_EC:
		return bears_ec(key);
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return true;
	default:
		return false;	/* DSA, above all */
	}
}

static size_t
constraints_octets(const X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_name_constraints, -1);

	return at < 0 ? 0 :
	    (size_t)ASN1_STRING_length(X509_EXTENSION_get_data(X509_get_ext(cert, at)));
}

/* How far names and constraints of the chain multiply. */
static size_t
constraints_cost(const STACK_OF(X509) *built)
{
	size_t cost = 0;

	for (int i = 1; i < sk_X509_num(built); i++) {
		size_t constraints = constraints_octets(sk_X509_value(built, i));

		for (int below = 0; constraints > 0 && below < i; below++)
			cost += constraints * (size_t)i2d_X509(sk_X509_value(built, below), NULL);
	}
	return cost;
}

/* NULL: nothing. With the leaf's key nothing of the chain is verified, whatever that is. */
static const char *
too_costly(const STACK_OF(X509) *built)
{
	for (int i = 1; i < sk_X509_num(built); i++) {
		const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(built, i));

		if (key && !chain_bears_key(key))
			return "an issuer's key that is too costly to verify with";
	}
	return constraints_cost(built) > CONSTRAINTS_MAX ?
	    "name constraints that are too costly to verify" : NULL;
}

/* In the place of OpenSSL's own, between the building of the chain and its signatures. */
static int
verify_signatures(X509_STORE_CTX *ctx)
{
	const struct checking *c = X509_STORE_CTX_get_app_data(ctx);
	const char *fault = too_costly(X509_STORE_CTX_get0_chain(ctx));

	if (!fault)
		return c->verify(ctx);
	note(c->chain, X509_V_ERR_APPLICATION_VERIFICATION);
	if (c->chain->error == X509_V_ERR_APPLICATION_VERIFICATION)
		c->chain->fault = fault;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

time_t
chain_time(const ASN1_TIME *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof tm);
	if (!ASN1_TIME_to_tm(t, &tm))
		return 0;
	return timegm(&tm);
}

static time_t
earliest_end(const STACK_OF(X509) *chain)
{
	time_t until = 0;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		time_t t = chain_time(X509_get0_notAfter(sk_X509_value(chain, i)));

		if (i == 0 || t < until)
			until = t;
	}
	return until;
}

void
chain_verify(X509_STORE_CTX *ctx, struct chain *out)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	struct checking checking = { out, X509_STORE_CTX_get_verify(ctx) };

	out->standing = CHAIN_TRUSTED;
	out->fault = "";
	out->error = X509_V_OK;
	X509_VERIFY_PARAM_set_auth_level(param, CHAIN_STRENGTH);
	X509_VERIFY_PARAM_set_depth(param, PROOF_CHAIN_MAX);
	out->until = 0;
	if (!X509_STORE_CTX_set_app_data(ctx, &checking)) {
		note(out, X509_V_ERR_OUT_OF_MEM);
		return;
	}
	X509_STORE_CTX_set_verify_cb(ctx, go_on);
	X509_STORE_CTX_set_verify(ctx, verify_signatures);
	if (X509_verify_cert(ctx) <= 0 && out->standing == CHAIN_TRUSTED) {
		int error = X509_STORE_CTX_get_error(ctx);

		note(out, error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
	}
	if (out->standing == CHAIN_TRUSTED)
		out->until = earliest_end(X509_STORE_CTX_get0_chain(ctx));
	X509_STORE_CTX_set_verify(ctx, checking.verify);
	X509_STORE_CTX_set_app_data(ctx, NULL);
}
