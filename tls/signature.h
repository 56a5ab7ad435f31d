/* signature.h - the digital signatures of a handshake of TLS <= 1.2 (RFC 5246 4.7, RFC 8422 5.4)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_SIGNATURE_H
#define TLS_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum signature_result {
	SIGNATURE_OK,
	SIGNATURE_WEAK,		/* right, but over SHA-1 or MD5 */
	SIGNATURE_UNFIT,	/* an algorithm that is unknown, or not for this kind of key */
	SIGNATURE_WRONG
};

/* signature_verify: `scheme` is the SignatureAndHashAlgorithm as sent. signature_verify_old: TLS
 * 1.0 and 1.1, where the key alone decides: RSA over MD5 and SHA-1 together, ECDSA over SHA-1;
 * never SIGNATURE_OK. Out of memory is SIGNATURE_UNFIT or SIGNATURE_WRONG. */
enum signature_result signature_verify(uint16_t scheme, EVP_PKEY *key, const void *data,
    size_t len, const void *sig, size_t sig_len);
enum signature_result signature_verify_old(EVP_PKEY *key, const void *data, size_t len,
    const void *sig, size_t sig_len);

#endif
