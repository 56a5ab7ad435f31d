/* signature.c - the digital signatures of a handshake of TLS <= 1.2 (RFC 5246 4.7, RFC 8422 5.4)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/signature.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "tls/library.h"

/* Pure EdDSA has no digest of its own. In TLS 1.2 the digest says nothing about the curve of an
 * ECDSA key; in 1.3 it does. */
struct scheme {
	uint16_t id;		/* RFC 8446 4.2.3, and RFC 5246 7.4.1.4.1 */
	int key;		/* EVP_PKEY_RSA_PSS: a key that is for nothing else (pss_pss) */
	const EVP_MD *(*digest)(void);
	bool pss, weak;
};

static const struct scheme schemes[] = {
	{ 0x0401, EVP_PKEY_RSA, EVP_sha256, false, false },
	{ 0x0501, EVP_PKEY_RSA, EVP_sha384, false, false },
	{ 0x0601, EVP_PKEY_RSA, EVP_sha512, false, false },
	{ 0x0301, EVP_PKEY_RSA, EVP_sha224, false, false },
	{ 0x0804, EVP_PKEY_RSA, EVP_sha256, true, false },
	{ 0x0805, EVP_PKEY_RSA, EVP_sha384, true, false },
	{ 0x0806, EVP_PKEY_RSA, EVP_sha512, true, false },
	{ 0x0809, EVP_PKEY_RSA_PSS, EVP_sha256, true, false },
	{ 0x080a, EVP_PKEY_RSA_PSS, EVP_sha384, true, false },
	{ 0x080b, EVP_PKEY_RSA_PSS, EVP_sha512, true, false },
	{ 0x0403, EVP_PKEY_EC, EVP_sha256, false, false },
	{ 0x0503, EVP_PKEY_EC, EVP_sha384, false, false },
	{ 0x0603, EVP_PKEY_EC, EVP_sha512, false, false },
	{ 0x0303, EVP_PKEY_EC, EVP_sha224, false, false },
	{ 0x0807, EVP_PKEY_ED25519, NULL, false, false },
	{ 0x0808, EVP_PKEY_ED448, NULL, false, false },
	{ 0x0201, EVP_PKEY_RSA, EVP_sha1, false, true },
	{ 0x0203, EVP_PKEY_EC, EVP_sha1, false, true },
	{ 0x0101, EVP_PKEY_RSA, EVP_md5, false, true },
	{ 0x0103, EVP_PKEY_EC, EVP_md5, false, true },
};

static const struct scheme old_rsa = { 0, EVP_PKEY_RSA, EVP_md5_sha1, false, true };
static const struct scheme old_ecdsa = { 0, EVP_PKEY_EC, EVP_sha1, false, true };

/* TLS wants a salt as long as the digest (RFC 8446 4.2.3); OpenSSL would take any. */
static bool
prepare(EVP_MD_CTX *ctx, const struct scheme *s, EVP_PKEY *key)
{
	EVP_PKEY_CTX *details;

	if (EVP_DigestVerifyInit_ex(ctx, &details, s->digest ? EVP_MD_get0_name(s->digest()) :
	    NULL, library_context(), NULL, key, NULL) != 1)
		return false;
	return !s->pss ||
	    (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static enum signature_result
verify(const struct scheme *s, EVP_PKEY *key, const void *data, size_t len, const void *sig,
    size_t sig_len)
{
	EVP_MD_CTX *ctx;
	enum signature_result result = SIGNATURE_UNFIT;

	if (EVP_PKEY_get_base_id(key) != s->key)
		return SIGNATURE_UNFIT;
	ctx = EVP_MD_CTX_new();
	if (ctx && prepare(ctx, s, key))
		result = EVP_DigestVerify(ctx, sig, sig_len, data, len) != 1 ? SIGNATURE_WRONG :
		    s->weak ? SIGNATURE_WEAK : SIGNATURE_OK;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return result;
}

enum signature_result
signature_verify(uint16_t scheme, EVP_PKEY *key, const void *data, size_t len, const void *sig,
    size_t sig_len)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (schemes[i].id == scheme)
			return verify(&schemes[i], key, data, len, sig, sig_len);
	return SIGNATURE_UNFIT;
}

enum signature_result
signature_verify_old(EVP_PKEY *key, const void *data, size_t len, const void *sig, size_t sig_len)
{
	return verify(EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? &old_rsa : &old_ecdsa, key, data,
	    len, sig, sig_len);
}
