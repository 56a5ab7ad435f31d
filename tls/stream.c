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
	BIO_METHOD *outlets = ctx ? outlet_method() : NULL;

	if (!outlets || !SSL_CTX_set_app_data(ctx, outlets)) {
		BIO_meth_free(outlets);
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_security_level(ctx, level);
	if (!SSL_CTX_set_min_proto_version(ctx, min_version) ||
	    !SSL_CTX_set_ciphersuites(ctx, SUITES)) {
		stream_context_free(ctx);
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

void
stream_context_free(SSL_CTX *ctx)
{
	BIO_METHOD *outlets = ctx ? SSL_CTX_get_app_data(ctx) : NULL;

	SSL_CTX_free(ctx);
	BIO_meth_free(outlets);
}

struct stream *
stream_new(SSL_CTX *ctx, int fd)
{
	struct stream *s = calloc(1, sizeof *s);
	BIO *bio;

	if (!s)
		return NULL;
	s->error = "";
	s->end = STREAM_OK;
	s->ssl = SSL_new(ctx);
	bio = s->ssl ? outlet_bio(&s->outlet, SSL_CTX_get_app_data(ctx), fd) : NULL;
	if (!bio || !SSL_set_app_data(s->ssl, s)) {
		BIO_free(bio);
		stream_free(s);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_bio(s->ssl, bio, bio);
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
	if (ERR_peek_error() != 0)
		ERR_clear_error();
	errno = 0;
}

/* send_held: STREAM_CUT only where the session has not ended otherwise already. */
static enum stream_result
send_held(struct stream *s)
{
	switch (outlet_flush(&s->outlet)) {
	case OUTLET_OK:
		return STREAM_OK;
	case OUTLET_FULL:
		return STREAM_WANT_WRITE;
	case OUTLET_BROKEN:
		break;
	}
	return s->end != STREAM_OK ? s->end : finish(s, STREAM_CUT, strerrordesc_np(errno));
}

enum stream_result
stream_flush(struct stream *s)
{
	if (s->end != STREAM_OK)
		return s->end;
	s->outlet.corked = s->last;
	return send_held(s);
}

size_t
stream_waiting(const struct stream *s)
{
	return s->end == STREAM_OK ? outlet_held(&s->outlet) : 0;
}

/* unfinished: what came of a step of the handshake that was not the last. */
static enum stream_result
unfinished(struct stream *s, int rc)
{
	enum stream_result r = outcome(s, rc, errno), sent;

	s->outlet.corked = false;
	/* A close_notify instead of a handshake is a refusal like any other alert. */
	if (r == STREAM_CLOSED)
		r = finish(s, STREAM_FAILED, "close notify in the handshake");
	sent = send_held(s);	/* an alert of ours too */
	if (s->end != STREAM_OK)
		return s->end;
	return sent != STREAM_OK ? sent : r;
}

void
stream_defer(struct stream *s)
{
	s->defers = true;
}

enum stream_result
stream_handshake(struct stream *s)
{
	enum stream_result r = stream_flush(s);
	int rc;

	if (r != STREAM_OK || s->finished)
		return r;
	prepare();
	s->outlet.corked = true;
	rc = SSL_do_handshake(s->ssl);
	if (rc != 1)
		return unfinished(s, rc);
	s->finished = true;
	if (s->on_finished)
		s->on_finished(s);
	return s->defers ? STREAM_OK : stream_flush(s);
}

enum stream_result
stream_read(struct stream *s, void *buf, size_t len, size_t *got)
{
	bool corked = s->outlet.corked;
	int rc;

	assert(s->finished);
	*got = 0;
	if (s->end != STREAM_OK)
		return s->end;
	prepare();
	/* The answers that a peer can make us write (RFC 8446 4.6.3) are not collected. */
	s->outlet.corked = false;
	rc = SSL_read_ex(s->ssl, buf, len, got);
	s->outlet.corked = corked;
	if (rc != 1)
		return outcome(s, rc, errno);
	/* SSL_MODE_RELEASE_BUFFERS leaves 16 KiB behind each time a TLS 1.3 ticket was read. */
	if (!SSL_has_pending(s->ssl))
		SSL_free_buffers(s->ssl);
	return STREAM_OK;
}

/* encrypt: record by record, as far as there is room. */
static enum stream_result
encrypt(struct stream *s, const char *p, size_t len, size_t *put)
{
	do {
		size_t n = 0;
		int rc = SSL_write_ex(s->ssl, p + *put, len - *put, &n);
		if (rc != 1) {
			enum stream_result r = outcome(s, rc, errno);
			return *put > 0 && s->end == STREAM_OK ? STREAM_OK : r;
		}
		*put += n;
	} while (*put < len && outlet_fits(&s->outlet));
	return STREAM_OK;
}

/* write_gathered: as many records as are worth it, in one packet train. */
static enum stream_result
write_gathered(struct stream *s, const char *p, size_t len, size_t *put)
{
	char room[OUTLET_ROOM];
	enum stream_result r;

	outlet_gather(&s->outlet, room);
	r = encrypt(s, p, len, put);
	if (outlet_let_go(&s->outlet) == OUTLET_BROKEN && s->end == STREAM_OK)
		return finish(s, STREAM_CUT, strerrordesc_np(errno));
	return r;
}

enum stream_result
stream_write(struct stream *s, const void *buf, size_t len, size_t *put)
{
	bool corked = s->outlet.corked;
	enum stream_result r;

	assert(s->finished);
	*put = 0;
	r = corked ? s->end : stream_flush(s);
	if (r != STREAM_OK || len == 0)
		return r;
	prepare();
	if (!corked && len > OUTLET_FRAGMENT)
		return write_gathered(s, buf, len, put);
	r = encrypt(s, buf, len, put);
	if (r == STREAM_OK && corked && !s->last)
		r = stream_flush(s);
	return r == STREAM_WANT_WRITE && *put > 0 ? STREAM_OK : r;
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
stream_last(struct stream *s)
{
	if (s->finished && !s->shut)
		s->last = s->outlet.corked = true;
}

void
stream_shutdown(struct stream *s)
{
	if (!s->finished || s->shut || s->end != STREAM_OK)
		return;
	s->shut = true;
	s->last = false;
	prepare();
	s->outlet.corked = s->outlet.ending = true;
	SSL_shutdown(s->ssl);
	ERR_clear_error();
	stream_flush(s);
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
	if (s->end == STREAM_OK)
		outlet_flush(&s->outlet);
	SSL_free(s->ssl);
	outlet_clear(&s->outlet);
	free(s);
}
