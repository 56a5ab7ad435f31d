/* stream.c - a TLS session over a non-blocking socket, either side
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every verb empties OpenSSL's error queue, calls, and asks what the call came to. After an error
 * that ends the session OpenSSL must not be called again, so the end is sticky. */
#include "tls/stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/session.h"

/* All three, in another order than OpenSSL's: with SHA-256 in the processor and keys of 128 bits
 * both the handshake and the body cost less, and nobody breaks either. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

SSL_CTX *
stream_context(OSSL_LIB_CTX *library, const SSL_METHOD *method, int min_version, int level)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_security_level(ctx, level);
	if (!SSL_CTX_set_min_proto_version(ctx, min_version) ||
	    !SSL_CTX_set_ciphersuites(ctx, SUITES)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* The system's openssl.cnf may have set a ceiling or forbidden versions. */
	SSL_CTX_set_max_proto_version(ctx, 0);
	SSL_CTX_clear_options(ctx, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 |
	    SSL_OP_NO_TLSv1_3 | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);	/* one system call for a flight, not two for each record */
	return ctx;
}

struct stream *
stream_new(SSL_CTX *ctx, int fd)
{
	struct stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->error = "";
	s->end = STREAM_OK;
	s->ssl = SSL_new(ctx);
	if (!s->ssl || !SSL_set_fd(s->ssl, fd) || !SSL_set_app_data(s->ssl, s)) {
		stream_free(s);
		ERR_clear_error();
		return NULL;
	}
	return s;
}

/* The first fault of the TLS layer says more than those of the layers below that led to it. */
static const char *
protocol_fault(const SSL *ssl)
{
	unsigned long code = ERR_peek_error(), next;
	const char *text;

	while ((next = ERR_get_error()) != 0) {
		if (ERR_GET_LIB(next) != ERR_LIB_SSL)
			continue;
		code = next;
		break;
	}
	if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
	text = ERR_reason_error_string(code);
	return text ? text : "TLS protocol error";
}

static enum stream_result
finish(struct stream *s, enum stream_result end, const char *error)
{
	s->end = end;
	s->error = error ? error : "connection lost";
	ERR_clear_error();
	return end;
}

/* What a call that did not succeed came to; saved_errno is errno right behind it. */
static enum stream_result
outcome(struct stream *s, int rc, int saved_errno)
{
	unsigned long code = ERR_peek_error();

	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return STREAM_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return STREAM_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return STREAM_CLOSED;
	case SSL_ERROR_SYSCALL:
		return finish(s, STREAM_CUT,
		    saved_errno ? strerrordesc_np(saved_errno) : "unexpected end of file");
	default:
		if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
		    ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return finish(s, STREAM_CUT, ERR_reason_error_string(code));
		return finish(s, STREAM_FAILED, protocol_fault(s->ssl));
	}
}

static void
prepare(void)
{
	ERR_clear_error();
	errno = 0;
}

enum stream_result
stream_handshake(struct stream *s)
{
	int rc;

	if (s->end != STREAM_OK)
		return s->end;
	if (s->finished)
		return STREAM_OK;
	prepare();
	rc = SSL_do_handshake(s->ssl);
	if (rc != 1) {
		enum stream_result r = outcome(s, rc, errno);

		/* A close_notify instead of a handshake is a refusal like any other alert. */
		if (r == STREAM_CLOSED)
			return finish(s, STREAM_FAILED, "close notify in the handshake");
		return r;
	}
	s->finished = true;
	if (s->on_finished)
		s->on_finished(s);
	return STREAM_OK;
}

enum stream_result
stream_read(struct stream *s, void *buf, size_t len, size_t *got)
{
	int rc;

	assert(s->finished);
	*got = 0;
	if (s->end != STREAM_OK)
		return s->end;
	prepare();
	rc = SSL_read_ex(s->ssl, buf, len, got);
	if (rc != 1)
		return outcome(s, rc, errno);
	/* SSL_MODE_RELEASE_BUFFERS leaves 16 KiB behind each time a TLS 1.3 ticket was read. */
	if (!SSL_has_pending(s->ssl))
		SSL_free_buffers(s->ssl);
	return STREAM_OK;
}

enum stream_result
stream_write(struct stream *s, const void *buf, size_t len, size_t *put)
{
	int rc;

	assert(s->finished);
	*put = 0;
	if (s->end != STREAM_OK)
		return s->end;
	if (len == 0)
		return STREAM_OK;
	prepare();
	rc = SSL_write_ex(s->ssl, buf, len, put);
	return rc == 1 ? STREAM_OK : outcome(s, rc, errno);
}

size_t
stream_pending(const struct stream *s)
{
	return s->end == STREAM_OK ? (size_t)SSL_pending(s->ssl) : 0;
}

bool
stream_more(const struct stream *s)
{
	return s->end == STREAM_OK && SSL_has_pending(s->ssl);
}

void
stream_shutdown(struct stream *s)
{
	if (!s->finished || s->shut || s->end != STREAM_OK)
		return;
	s->shut = true;
	prepare();
	SSL_shutdown(s->ssl);
	ERR_clear_error();
}

const char *
stream_error(const struct stream *s)
{
	return s->error;
}

const char *
stream_version(const struct stream *s)
{
	return SSL_get_version(s->ssl);
}

const char *
stream_cipher(const struct stream *s)
{
	return SSL_get_cipher_name(s->ssl);
}

void
stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->on_free)
		s->on_free(s);
	/* OpenSSL marks the session of a connection freed without close_notify as not resumable.
	 * That is right after a fault; but to hang up in good order harms no later session. */
	if (s->ssl && s->finished && s->end == STREAM_OK)
		SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_get_shutdown(s->ssl));
	SSL_free(s->ssl);
	free(s);
}
