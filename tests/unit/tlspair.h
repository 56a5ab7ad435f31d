/* tlspair.h - a stream and a plain OpenSSL peer on the two ends of a socket pair, driven by hand
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_TLSPAIR_H
#define TESTS_TLSPAIR_H

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/testca.h"
#include "tls/originate.h"
#include "tls/stream.h"

#define TLSPAIR_ROUNDS 1000

struct tlspair {
	int fd[2];		/* ours, the peer's */
	struct stream *stream;
	SSL *peer;
};

static inline void
tlspair_sockets(int fd[2])
{
	signal(SIGPIPE, SIG_IGN);
	TESTCA_NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
}

/* The peer of a pair whose sockets are open; the test puts the stream beside it. */
static inline void
tlspair_peer(struct tlspair *p, SSL_CTX *ctx, bool server)
{
	p->peer = SSL_new(ctx);
	TESTCA_NEED(p->peer && SSL_set_fd(p->peer, p->fd[1]));
	if (server)
		SSL_set_accept_state(p->peer);
	else
		SSL_set_connect_state(p->peer);
}

static inline enum stream_result
tlspair_handshake(struct tlspair *p)
{
	enum stream_result r = STREAM_WANT_READ;

	for (int i = 0; i < TLSPAIR_ROUNDS; i++) {
		int peer;

		r = stream_handshake(p->stream);
		ERR_clear_error();
		peer = SSL_do_handshake(p->peer);
		if (r != STREAM_OK && r != STREAM_WANT_READ && r != STREAM_WANT_WRITE)
			break;
		if (r == STREAM_OK && peer == 1)
			break;
		if (peer != 1 && SSL_get_error(p->peer, peer) == SSL_ERROR_SSL) {
			r = stream_handshake(p->stream);
			break;
		}
	}
	ERR_clear_error();
	return r;
}

/* A client's stream towards a server of the test's, after the handshake, whatever came of it. */
static inline enum stream_result
tlspair_originate_tlsa(struct tlspair *p, struct originator *o, SSL_CTX *server, const char *sni,
    const char *key, bool proven, const struct tlsa_set *tlsa)
{
	tlspair_sockets(p->fd);
	tlspair_peer(p, server, true);
	p->stream = originate(o, p->fd[0], sni, key, strlen(key), proven, tlsa);
	TESTCA_NEED(p->stream != NULL);
	return tlspair_handshake(p);
}

static inline enum stream_result
tlspair_originate(struct tlspair *p, struct originator *o, SSL_CTX *server, const char *sni,
    const char *key, bool proven)
{
	return tlspair_originate_tlsa(p, o, server, sni, key, proven, NULL);
}

/* The slot of a session without TLSA records. */
static inline void
tlspair_forget(struct originator *o, const char *sni, const char *key)
{
	static const uint8_t none[TLSA_DIGEST];

	originate_forget(o, sni, key, strlen(key), none);
}

/* Lets the stream read what the peer sends by itself, such as tickets. */
static inline enum stream_result
tlspair_settle(struct tlspair *p)
{
	char buf[16];
	size_t got;

	return stream_read(p->stream, buf, sizeof buf, &got);
}

static inline void
tlspair_close(struct tlspair *p)
{
	if (p->stream)
		stream_shutdown(p->stream);
	stream_free(p->stream);
	if (p->peer)	/* else OpenSSL's server forgets the session */
		SSL_set_shutdown(p->peer, SSL_SENT_SHUTDOWN);
	SSL_free(p->peer);
	for (int i = 0; i < 2; i++)
		if (p->fd[i] >= 0)
			close(p->fd[i]);
	*p = (struct tlspair){ { -1, -1 }, NULL, NULL };
	ERR_clear_error();
}

/* An originator that trusts one CA; min_version for sessions without demand of proof. */
static inline struct originator *
tlspair_originator(const struct testca_cert *ca, int min_version)
{
	char path[] = "/tmp/postern-test-ca-XXXXXX", error[256];
	struct originator *o;

	testca_write(path, ca, false);
	o = originator_new(path, min_version, error, sizeof error);
	unlink(path);
	TESTCA_NEED(o != NULL);
	return o;
}

#endif
