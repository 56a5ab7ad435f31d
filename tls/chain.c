/* chain.c - how a certificate chain stands
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/chain.h"

#include <string.h>

#include <openssl/x509.h>

/* OpenSSL's level 2, 112 bits: RSA from 2048 bits, no SHA-1. Set here and not taken from the
 * session, whose own level is lower when nobody demands proof. */
#define CHAIN_STRENGTH 2

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

static int
go_on(int ok, X509_STORE_CTX *ctx)
{
	if (!ok)
		note(X509_STORE_CTX_get_app_data(ctx), X509_STORE_CTX_get_error(ctx));
	return 1;
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

	out->standing = CHAIN_TRUSTED;
	out->fault = "";
	out->error = X509_V_OK;
	X509_VERIFY_PARAM_set_auth_level(param, CHAIN_STRENGTH);
	X509_VERIFY_PARAM_set_depth(param, PROOF_CHAIN_MAX);
	X509_STORE_CTX_set_app_data(ctx, out);
	X509_STORE_CTX_set_verify_cb(ctx, go_on);
	if (X509_verify_cert(ctx) <= 0 && out->standing == CHAIN_TRUSTED) {
		int error = X509_STORE_CTX_get_error(ctx);

		note(out, error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
	}
	out->until = out->standing == CHAIN_TRUSTED ?
	    earliest_end(X509_STORE_CTX_get0_chain(ctx)) : 0;
	X509_STORE_CTX_set_app_data(ctx, NULL);
}
