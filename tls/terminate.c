/* terminate.c - TLS sessions of clients that end at postern, with its own certificate
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/terminate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/session.h"

/* DHE comes last and the server's order counts: old clients that know both DHE and RSA break at
 * groups of 2048 bits. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:kRSA+AESGCM:kRSA+AES:DHE+AESGCM:DHE+AES:" \
	"ALL:!aNULL:!eNULL:!PSK:!SRP:!aDSS"

struct terminator {
	SSL_CTX *ctx;
};

/* Without it OpenSSL would ask the terminal for the password of an encrypted key. */
static int
no_password(char *buf, int size, int writing, void *unused)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)unused;
	return -1;
}

static bool
load(SSL_CTX *ctx, const char *dir, const char *file, char *error, size_t error_size)
{
	char path[4096];
	const char *reason;

	snprintf(path, sizeof path, "%s/%s", dir, file);
	if (access(path, R_OK) != 0) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		return false;
	}
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, path) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1)
		return true;
	reason = ERR_reason_error_string(ERR_peek_last_error());
	snprintf(error, error_size, "%s: %s", path, reason ? reason : "not a key and certificate");
	ERR_clear_error();
	return false;
}

struct terminator *
terminator_new(const char *dir, char *error, size_t error_size)
{
	struct terminator *t = calloc(1, sizeof *t);

	if (t)
		t->ctx = stream_context(NULL, TLS_server_method(), TLS1_VERSION, 0);
	if (!t || !t->ctx || !SSL_CTX_set_cipher_list(t->ctx, CIPHERS)) {
		snprintf(error, error_size, "TLS towards clients: out of memory");
		terminator_free(t);
		return NULL;
	}
	SSL_CTX_set_options(t->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_dh_auto(t->ctx, 1);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);	/* tickets need no memory */
	SSL_CTX_set_num_tickets(t->ctx, 1);
	SSL_CTX_set_default_passwd_cb(t->ctx, no_password);
	if (!load(t->ctx, dir, "client-rsa.pem", error, error_size) ||
	    !load(t->ctx, dir, "client-ecdsa.pem", error, error_size)) {
		terminator_free(t);
		return NULL;
	}
	return t;
}

void
terminator_free(struct terminator *t)
{
	if (!t)
		return;
	stream_context_free(t->ctx);
	free(t);
}

struct stream *
terminate(struct terminator *t, int fd)
{
	struct stream *s = stream_new(t->ctx, fd);

	if (s)
		SSL_set_accept_state(s->ssl);
	return s;
}
