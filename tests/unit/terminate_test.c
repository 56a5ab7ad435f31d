/* terminate_test.c - clients of every age can talk to postern, and none gets more than TLS
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tests/unit/tlspair.h"
#include "tls/names.h"
#include "tls/terminate.h"

#define NAME "gateway.example.org"

static char dir[] = "/tmp/postern-test-XXXXXX";
static struct terminator *terminator;

static void
path_of(char path[64], const char *file)
{
	snprintf(path, 64, "%s/%s", dir, file);
}

static int
setup(void **state)
{
	char error[256];

	(void)state;
	if (!mkdtemp(dir) || !identity_make(dir, NAME, error, sizeof error))
		return -1;
	terminator = terminator_new(dir, error, sizeof error);
	return terminator ? 0 : -1;
}

static int
teardown(void **state)
{
	char path[64];

	(void)state;
	terminator_free(terminator);
	path_of(path, "client-rsa.pem");
	unlink(path);
	path_of(path, "client-ecdsa.pem");
	unlink(path);
	return rmdir(dir);
}

static enum stream_result
meet(struct tlspair *p, SSL_CTX *client, SSL_SESSION *session)
{
	tlspair_sockets(p->fd);
	tlspair_peer(p, client, false);
	if (session)
		SSL_set_session(p->peer, session);
	p->stream = terminate(terminator, p->fd[0]);
	assert_non_null(p->stream);
	return tlspair_handshake(p);
}

static const struct client {
	const char *title;
	int version;
	const char *ciphers, *sigalgs;
	enum stream_result result;
	int key;		/* of the certificate shown */
} clients[] = {
	{ "TLS 1.0, RSA", TLS1_VERSION, "AES128-SHA:@SECLEVEL=0", NULL, STREAM_OK, EVP_PKEY_RSA },
	{ "TLS 1.0, ECDHE-RSA", TLS1_VERSION, "ECDHE-RSA-AES256-SHA:@SECLEVEL=0", NULL, STREAM_OK,
	    EVP_PKEY_RSA },
	{ "TLS 1.0, ECDHE-ECDSA", TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", NULL,
	    STREAM_OK, EVP_PKEY_EC },
	{ "TLS 1.0, DHE only", TLS1_VERSION, "DHE-RSA-AES128-SHA:@SECLEVEL=0", NULL, STREAM_OK,
	    EVP_PKEY_RSA },
	{ "TLS 1.0, DHE and RSA: RSA", TLS1_VERSION,
	    "DHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0", NULL, STREAM_OK, EVP_PKEY_RSA },
	{ "TLS 1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL, STREAM_OK, EVP_PKEY_EC },
	{ "TLS 1.2", TLS1_2_VERSION, NULL, NULL, STREAM_OK, EVP_PKEY_EC },
	{ "TLS 1.2, SHA-1", TLS1_2_VERSION, "AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0",
	    "RSA+SHA1", STREAM_OK, EVP_PKEY_RSA },
	{ "TLS 1.3", TLS1_3_VERSION, NULL, NULL, STREAM_OK, EVP_PKEY_EC },
	{ "TLS 1.3, RSA only", TLS1_3_VERSION, NULL, "RSA-PSS+SHA256", STREAM_OK, EVP_PKEY_RSA },
	{ "anonymous", TLS1_2_VERSION, "aNULL:@SECLEVEL=0", NULL, STREAM_FAILED, 0 },
	{ "no encryption", TLS1_2_VERSION, "eNULL:@SECLEVEL=0", NULL, STREAM_FAILED, 0 },
};

static int
no_certificate_is_asked_for(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	(void)ssl;
	(void)cert;
	(void)key;
	fail_msg("a client certificate was asked for");
	return 0;
}

static void
check_client(const struct client *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tlspair p;
	char buf[8];
	size_t n;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_client_cert_cb(ctx, no_certificate_is_asked_for);
	SSL_CTX_set_min_proto_version(ctx, c->version);
	SSL_CTX_set_max_proto_version(ctx, c->version);
	if (c->ciphers)
		assert_true(SSL_CTX_set_cipher_list(ctx, c->ciphers));
	if (c->sigalgs)
		assert_true(SSL_CTX_set1_sigalgs_list(ctx, c->sigalgs));
	assert_int_equal(meet(&p, ctx, NULL), c->result);
	if (c->result == STREAM_OK) {
		X509 *cert = SSL_get0_peer_certificate(p.peer);

		assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(cert)), c->key);
		assert_true(names_certificate(cert, NAME));
		assert_string_equal(stream_version(p.stream), SSL_get_version(p.peer));
		assert_string_equal(stream_cipher(p.stream), SSL_get_cipher_name(p.peer));
		assert_int_equal(SSL_write(p.peer, "QUIT\r\n", 6), 6);
		assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_OK);
		assert_memory_equal(buf, "QUIT\r\n", 6);
		assert_int_equal(stream_write(p.stream, "221 2\r\n", 7, &n), STREAM_OK);
		assert_int_equal(SSL_read(p.peer, buf, sizeof buf), 7);
		stream_shutdown(p.stream);
		stream_shutdown(p.stream);
		assert_int_equal(SSL_get_error(p.peer, SSL_read(p.peer, buf, 1)),
		    SSL_ERROR_ZERO_RETURN);
	} else {
		assert_string_equal(stream_error(p.stream), "no shared cipher");
	}
	tlspair_close(&p);
	SSL_CTX_free(ctx);
}

static void
clients_of_every_age_can_talk(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
		print_message("# %s\n", clients[i].title);
		check_client(&clients[i]);
	}
}

static void
old_clients_get_no_dhe(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tlspair p;

	(void)state;
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	assert_true(SSL_CTX_set_cipher_list(ctx,
	    "DHE-RSA-AES256-SHA:DHE-RSA-AES128-GCM-SHA256:AES128-SHA"));
	assert_int_equal(meet(&p, ctx, NULL), STREAM_OK);
	assert_string_equal(stream_cipher(p.stream), "AES128-SHA");
	tlspair_close(&p);
	SSL_CTX_free(ctx);
}

static void
tickets_resume(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tlspair p;
	SSL_SESSION *session;

	(void)state;
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	assert_int_equal(meet(&p, ctx, NULL), STREAM_OK);
	session = SSL_get1_session(p.peer);
	tlspair_close(&p);
	assert_int_equal(meet(&p, ctx, session), STREAM_OK);
	assert_true(SSL_session_reused(p.peer));
	tlspair_close(&p);
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
}

/* No renegotiation (CVE-2009-3555 and CPU exhaustion): refused, and the session goes on. */
static void
renegotiation_is_refused(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	assert_int_equal(meet(&p, ctx, NULL), STREAM_OK);
	assert_true(SSL_renegotiate(p.peer));
	SSL_do_handshake(p.peer);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_WANT_READ);
	ERR_clear_error();
	assert_int_equal(SSL_get_error(p.peer, SSL_do_handshake(p.peer)), SSL_ERROR_SSL);
	tlspair_close(&p);
	SSL_CTX_free(ctx);
}

/* CVE-2011-0411: what a client sent in clear behind STARTTLS is no handshake. */
static void
clear_text_is_no_handshake(void **state)
{
	struct stream *s;
	int fd[2];

	(void)state;
	tlspair_sockets(fd);
	s = terminate(terminator, fd[0]);
	assert_int_equal(stream_handshake(s), STREAM_WANT_READ);
	assert_int_equal(write(fd[1], "RSET\r\nMAIL FROM:<>\r\n", 20), 20);
	assert_int_equal(stream_handshake(s), STREAM_FAILED);
	assert_int_not_equal(stream_error(s)[0], '\0');
	stream_shutdown(s);
	stream_free(s);
	close(fd[0]);
	close(fd[1]);
}

static void
a_missing_file_is_named(void **state)
{
	char error[256] = "", from[64], to[64];
	FILE *f;

	(void)state;
	path_of(from, "client-ecdsa.pem");
	path_of(to, "kept");
	assert_int_equal(rename(from, to), 0);
	assert_null(terminator_new(dir, error, sizeof error));
	assert_non_null(strstr(error, "client-ecdsa.pem: No such file"));
	f = fopen(from, "w");
	fputs("nothing\n", f);
	fclose(f);
	assert_null(terminator_new(dir, error, sizeof error));
	assert_non_null(strstr(error, "client-ecdsa.pem: "));
	assert_int_equal(rename(to, from), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_of_every_age_can_talk),
		cmocka_unit_test(old_clients_get_no_dhe),
		cmocka_unit_test(tickets_resume),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(clear_text_is_no_handshake),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
