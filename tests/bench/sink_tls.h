/* sink_tls.h - the sink's TLS: with tickets or without, with one leaf or a new one each session
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_SINK_TLS_H
#define TESTS_SINK_TLS_H

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sink_tls {
	SSL_CTX *context;
	EVP_PKEY *issuer;	/* NULL: all sessions get the context's leaf */
	uint64_t number;	/* the next leaf's */
};

/* sink_tls_open: from a file with key, certificate and chain, and one with the issuer's key or
 * NULL. */
static inline bool
sink_tls_open(struct sink_tls *t, const char *file, const char *issuer, bool tickets)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	*t = (struct sink_tls){ .context = c };
	if (c == NULL || SSL_CTX_use_certificate_chain_file(c, file) != 1 ||
	    SSL_CTX_use_PrivateKey_file(c, file, SSL_FILETYPE_PEM) != 1)
		return false;
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	if (!tickets) {
		SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(c, 0);
	}
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	if (issuer == NULL)
		return true;
	FILE *f = fopen(issuer, "r");
	if (f == NULL)
		return false;
	t->issuer = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	return t->issuer != NULL && RAND_bytes((unsigned char *)&t->number, 7) == 1;
}

/* sink_tls_leaf: the context's leaf with a number that none has had. */
static inline bool
sink_tls_leaf(struct sink_tls *t, SSL *tls)
{
	X509 *leaf = X509_dup(SSL_CTX_get0_certificate(t->context));
	bool good = leaf != NULL &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf), t->number++) == 1 &&
	    X509_sign(leaf, t->issuer, EVP_sha256()) > 0 && SSL_use_certificate(tls, leaf) == 1;

	X509_free(leaf);
	return good;
}

/* sink_tls_begin: the server's side on a socket; NULL: not possible. */
static inline SSL *
sink_tls_begin(struct sink_tls *t, int fd)
{
	SSL *tls = SSL_new(t->context);

	if (tls != NULL && SSL_set_fd(tls, fd) == 1 &&
	    (t->issuer == NULL || sink_tls_leaf(t, tls)))
		return tls;
	SSL_free(tls);
	return NULL;
}

#endif
