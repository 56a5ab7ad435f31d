/* peekpair.h - a client and a server of OpenSSL's with a peek between them, all in memory
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one says is taken from it, may be cut or changed, is shown to the peek and given to the
 * other. Nothing passes by itself. */
#ifndef TESTS_PEEKPAIR_H
#define TESTS_PEEKPAIR_H

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "tests/unit/testca.h"
#include "tests/unit/tlspair.h"
#include "tls/peek.h"

#define PEEKPAIR_HOST "mx.example.org"
#define PEEKPAIR_ROUNDS 20

struct tape {
	uint8_t octets[300000];
	size_t len;
};

struct peekpair {
	SSL *client, *server;
	struct peek *peek;
	struct tape hello, flight;	/* as they were said */
	enum peek_talk talk;
};

static inline void
tape_add(struct tape *t, const void *octets, size_t len)
{
	TESTCA_NEED(len <= sizeof t->octets - t->len);
	if (len > 0)
		memcpy(t->octets + t->len, octets, len);
	t->len += len;
}

static inline void
tape_record(struct tape *t, uint8_t type, uint16_t version, const void *fragment, size_t len)
{
	uint8_t header[5] = { type, (uint8_t)(version >> 8), (uint8_t)version,
	    (uint8_t)(len >> 8), (uint8_t)len };

	tape_add(t, header, sizeof header);
	tape_add(t, fragment, len);
}

/* The same in records of at most `most` octets, those of one kind run together. */
static inline void
tape_cut(const struct tape *in, struct tape *out, size_t most)
{
	static uint8_t joined[sizeof ((struct tape *)0)->octets];

	out->len = 0;
	for (size_t at = 0; at < in->len; ) {
		uint8_t type = in->octets[at];
		uint16_t version = (uint16_t)(in->octets[at + 1] << 8 | in->octets[at + 2]);
		size_t len = 0;

		while (at < in->len && in->octets[at] == type) {
			size_t n = (size_t)in->octets[at + 3] << 8 | in->octets[at + 4];

			memcpy(joined + len, in->octets + at + 5, n);
			len += n;
			at += 5 + n;
		}
		for (size_t done = 0; done < len; ) {
			size_t n = len - done < most ? len - done : most;

			tape_record(out, type, version, joined + done, n);
			done += n;
		}
	}
}

static inline size_t
tape_records(const struct tape *t)
{
	size_t count = 0;

	for (size_t at = 0; at + 5 <= t->len; count++)
		at += 5 + ((size_t)t->octets[at + 3] << 8 | t->octets[at + 4]);
	return count;
}

/* Where message `type` begins in a tape of one record a message or of one record for all; *len with
 * its header. 0: there is none. */
static inline size_t
tape_message(const struct tape *t, uint8_t type, size_t *len)
{
	*len = 0;
	for (size_t at = 0; at + 5 < t->len; ) {
		size_t end = at + 5 + ((size_t)t->octets[at + 3] << 8 | t->octets[at + 4]);

		for (size_t m = at + 5; t->octets[at] == 22 && m + 4 <= end; ) {
			*len = 4 + ((size_t)t->octets[m + 1] << 16 |
			    (size_t)t->octets[m + 2] << 8 | t->octets[m + 3]);
			if (t->octets[m] == type)
				return m;
			m += *len;
		}
		at = end;
	}
	return 0;
}

/* A client as old MTAs are: everything up to TLS 1.2, nothing verified. */
static inline SSL_CTX *
peekpair_client(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	TESTCA_NEED(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	TESTCA_NEED(SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"));
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	return ctx;
}

static inline SSL *
peekpair_end(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	TESTCA_NEED(ssl && in && out);
	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(ssl, in, out);
	return ssl;
}

/* What `from` has to say now; its handshake goes on as far as it can. */
static inline void
peekpair_take(SSL *from, struct tape *out)
{
	char buf[4096];
	int n;

	if (!SSL_is_init_finished(from))
		SSL_do_handshake(from);
	out->len = 0;
	while ((n = BIO_read(SSL_get_wbio(from), buf, sizeof buf)) > 0)
		tape_add(out, buf, (size_t)n);
	ERR_clear_error();
}

static inline void
peekpair_give(SSL *to, const void *octets, size_t len)
{
	if (len > 0)
		TESTCA_NEED(BIO_write(SSL_get_rbio(to), octets, (int)len) == (int)len);
}

/* Up to the server's flight, which nobody has seen yet. */
static inline struct peekpair *
peekpair_open_for(struct originator *o, SSL_CTX *client, SSL_CTX *server, SSL_SESSION *session,
    const char *client_address)
{
	struct peekpair *p = calloc(1, sizeof *p);
	size_t want = 0;

	TESTCA_NEED(p != NULL);
	p->client = peekpair_end(client);
	p->server = peekpair_end(server);
	p->peek = peek_new(o);
	TESTCA_NEED(p->peek && SSL_set_tlsext_host_name(p->client, PEEKPAIR_HOST));
	TESTCA_NEED(peek_bind(p->peek, client_address, strlen(client_address)));
	if (session)
		TESTCA_NEED(SSL_set_session(p->client, session));
	SSL_set_connect_state(p->client);
	SSL_set_accept_state(p->server);
	peekpair_take(p->client, &p->hello);
	TESTCA_NEED(peek_client(p->peek, p->hello.octets, p->hello.len, &want) ==
	    PEEK_HELLO_WHOLE);
	peekpair_give(p->server, p->hello.octets, p->hello.len);
	peekpair_take(p->server, &p->flight);
	return p;
}

static inline struct peekpair *
peekpair_open(struct originator *o, SSL_CTX *client, SSL_CTX *server, SSL_SESSION *session)
{
	return peekpair_open_for(o, client, server, session, "192.0.2.1");
}

static inline void
peekpair_close(struct peekpair *p)
{
	SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN);	/* else they forget the session */
	SSL_set_shutdown(p->server, SSL_SENT_SHUTDOWN);
	SSL_free(p->client);
	SSL_free(p->server);
	peek_free(p->peek);
	free(p);
	ERR_clear_error();
}

static inline enum peek_flight
peekpair_see(struct peekpair *p)
{
	return peek_server(p->peek, p->flight.octets, p->flight.len);
}

/* One step of one side, watched and handed over. */
static inline enum peek_talk
peekpair_pass(struct peekpair *p, bool from_server)
{
	static struct tape t;

	peekpair_take(from_server ? p->server : p->client, &t);
	if (t.len > 0)
		p->talk = peek_watch(p->peek, from_server, t.octets, t.len);
	peekpair_give(from_server ? p->client : p->server, t.octets, t.len);
	return p->talk;
}

/* After the verdict: what was held goes to the client. */
static inline void
peekpair_release(struct peekpair *p)
{
	size_t len;
	const void *held = peek_held(p->peek, &len);

	TESTCA_NEED(len == p->flight.len && memcmp(held, p->flight.octets, len) == 0);
	peekpair_give(p->client, held, len);
	peek_let_go(p->peek);
}

/* To the end of both handshakes; whether they got there. */
static inline bool
peekpair_finish(struct peekpair *p)
{
	for (int i = 0; i < PEEKPAIR_ROUNDS; i++) {
		peekpair_pass(p, false);
		peekpair_pass(p, true);
	}
	return SSL_is_init_finished(p->client) && SSL_is_init_finished(p->server);
}

/* One line from one side to the other. */
static inline enum peek_talk
peekpair_say(struct peekpair *p, bool from_server, const char *line)
{
	SSL *from = from_server ? p->server : p->client, *to = from_server ? p->client : p->server;
	int len = (int)strlen(line), got;
	char buf[256];

	TESTCA_NEED(SSL_write(from, line, len) == len);
	peekpair_pass(p, from_server);
	got = SSL_read(to, buf, sizeof buf);
	TESTCA_NEED(got == len && memcmp(buf, line, (size_t)len) == 0);
	return p->talk;
}

/* A server whose tickets are renewed with each resumption, as some do. */
static inline int
peekpair_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt)
{
	static unsigned char key[32];
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string("key", key, sizeof key),
		OSSL_PARAM_construct_utf8_string("digest", digest, 0),
		OSSL_PARAM_construct_end(),
	};

	(void)ssl;
	if (encrypt) {
		memset(name, 1, 16);
		TESTCA_NEED(RAND_bytes(iv, 16) == 1);
	}
	TESTCA_NEED(EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, iv, encrypt));
	TESTCA_NEED(EVP_MAC_CTX_set_params(mac, params));
	return encrypt ? 1 : 2;
}

/* A new key for a certificate, and another signature under it; `key` is taken over. */
static inline void
peekpair_rekey(struct testca_cert *c, EVP_PKEY *key, const struct testca_cert *issuer,
    const EVP_MD *digest)
{
	TESTCA_NEED(key != NULL);
	EVP_PKEY_free(c->key);
	c->key = key;
	TESTCA_NEED(X509_set_pubkey(c->x509, key));
	TESTCA_NEED(X509_sign(c->x509, issuer->key, digest) > 0);
}

#endif
