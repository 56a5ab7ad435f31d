/* stream_send_test.c - how a stream's octets leave: together, in order, encrypted, all of them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tests/unit/testsend.h"
#include "tests/unit/tlspair.h"
#include "tls/session.h"

#define HOST "mx.example.org"
#define SECRET "MAIL FROM:<secret@a.example>"
#define PATIENCE 400000		/* steps */

static struct testca_cert root, leaf;
static struct originator *trusting;
static SSL_CTX *server;
static char big[100000];

static const struct {
	const char *title;
	int version;
	const char *ciphers;	/* of TLS 1.2 */
} kinds[] = {
	{ "TLS 1.2, GCM", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256" },
	{ "TLS 1.2, CBC", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384" },
	{ "TLS 1.3", TLS1_3_VERSION, "ECDHE-RSA-AES128-GCM-SHA256" },
};

static void
choose(size_t kind)
{
	SSL_CTX_set_max_proto_version(server, kinds[kind].version);
	assert_true(SSL_CTX_set_cipher_list(server, kinds[kind].ciphers));
}

static void
open_pair(struct tlspair *p)
{
	testsend_reset();
	testsend.secret = SECRET;
	tlspair_forget(trusting, HOST, "");
	assert_int_equal(tlspair_originate(p, trusting, server, HOST, "", true), STREAM_OK);
	assert_int_equal(stream_waiting(p->stream), 0);
	assert_int_equal(tlspair_settle(p), STREAM_WANT_READ);
	testsend.calls = 0;
}

/* The peer reads exactly these octets. */
static void
heard(struct tlspair *p, const char *expected, size_t len)
{
	static char in[sizeof big];
	size_t got = 0;

	while (got < len) {
		int n = SSL_read(p->peer, in + got, (int)(sizeof in - got));
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(got, len);
	assert_memory_equal(in, expected, len);
}

static void
records_leave_together(void **state)
{
	static const struct {
		size_t len, put;
	} cases[] = {
		{ 1, 1 }, { 16384, 16384 }, { 16385, 16385 }, { 50000, 50000 }, { 65536, 65536 },
		{ 65537, 65536 }, { 100000, 65536 },
	};
	struct tlspair p;
	size_t put;

	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		choose(kind);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			open_pair(&p);
			setsockopt(p.fd[0], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
			assert_int_equal(stream_write(p.stream, big, cases[i].len, &put), STREAM_OK);
			assert_int_equal(put, cases[i].put);
			assert_int_equal(testsend.calls, 1);
			assert_int_equal(testsend.flags, MSG_NOSIGNAL);
			assert_int_equal(stream_waiting(p.stream), 0);
			heard(&p, big, put);
			tlspair_close(&p);
		}
	}
}

static size_t
write_some(struct stream *s, size_t at, size_t total)
{
	static char out[2][100000];
	static unsigned turn;
	char *p = out[turn++ & 1];
	size_t len = 1 + testsend_chance(testsend_chance(2) ? 200 : sizeof *out - 1), put;
	enum stream_result r;

	if (len > total - at)
		len = total - at;
	for (size_t i = 0; i < len; i++)
		p[i] = testsend_pattern(at + i);
	r = stream_write(s, p, len, &put);
	assert_true(r == STREAM_OK ? put > 0 : r == STREAM_WANT_WRITE && put == 0);
	return put;
}

/* THREATS: a slow reader, of whatever kind, gets all octets in order, and then the proper end. */
static void
a_slow_reader_gets_all(void **state)
{
	enum { TOTAL = 5 << 20 };
	static char in[70000];
	struct tlspair p;

	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		size_t sent = 0, received = 0, waited = 0;
		int n = 1, i = 0;

		choose(kind);
		open_pair(&p);
		setsockopt(p.fd[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
		for (; i < PATIENCE && n != 0; i++) {
			testsend.limit = testsend_chance(4) == 0 ? 0 : 1 + testsend_chance(30000);
			if (sent < TOTAL && testsend_chance(4) > 0) {
				sent += write_some(p.stream, sent, TOTAL);
				if (sent > TOTAL - 20000)
					stream_last(p.stream);
			}
			if (sent == TOTAL)
				stream_shutdown(p.stream);
			if (testsend_chance(3) == 0 || sent == TOTAL)
				stream_flush(p.stream);
			waited += stream_waiting(p.stream) > 0;
			assert_true(stream_waiting(p.stream) < 110000);
			n = testsend_chance(2) ? SSL_read(p.peer, in,
			    (int)(1 + testsend_chance(sizeof in - 1))) : -1;
			for (int k = 0; k < n; k++)
				assert_int_equal(in[k], testsend_pattern(received++));
			ERR_clear_error();
		}
		assert_int_equal(received, TOTAL);
		assert_true(SSL_get_shutdown(p.peer) & SSL_RECEIVED_SHUTDOWN);
		assert_int_equal(stream_waiting(p.stream), 0);
		print_message("# %s: %d turns, %zu with octets waiting\n", kinds[kind].title, i,
		    waited);
		tlspair_close(&p);
	}
}

/* One step each, until both are done. */
static void
shake(struct tlspair *p)
{
	enum stream_result r = STREAM_WANT_READ;

	for (int i = 0; i < TLSPAIR_ROUNDS && r != STREAM_OK; i++) {
		r = stream_handshake(p->stream);
		ERR_clear_error();
		if (r != STREAM_OK)
			SSL_do_handshake(p->peer);
	}
	assert_int_equal(r, STREAM_OK);
}

static void
open_deferring(struct tlspair *p)
{
	testsend_reset();
	testsend.secret = SECRET;
	tlspair_forget(trusting, HOST, "");
	tlspair_sockets(p->fd);
	tlspair_peer(p, server, true);
	p->stream = originate(trusting, p->fd[0], HOST, "", 0, true, NULL);
	stream_defer(p->stream);
	shake(p);
}

/* Our Finished and the second EHLO: one packet, and nothing of it in clear. */
static void
the_last_flight_goes_with_the_first_write(void **state)
{
	struct tlspair p;
	char buf[64];
	size_t n;

	(void)state;
	choose(2);
	open_deferring(&p);
	assert_int_equal(testsend.calls, 1);	/* ClientHello */
	assert_true(stream_waiting(p.stream) > 0);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_WANT_READ);
	assert_int_equal(testsend.calls, 1);
	assert_int_equal(stream_write(p.stream, SECRET, sizeof SECRET - 1, &n), STREAM_OK);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(stream_waiting(p.stream), 0);
	assert_null(p.stream->outlet.held);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	heard(&p, SECRET, sizeof SECRET - 1);
	assert_int_equal(stream_write(p.stream, SECRET, sizeof SECRET - 1, &n), STREAM_OK);
	assert_int_equal(testsend.calls, 3);
	assert_int_equal(testsend.spoken, 0);
	tlspair_close(&p);

	open_deferring(&p);	/* or alone */
	assert_int_equal(stream_flush(p.stream), STREAM_OK);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	tlspair_close(&p);

	open_deferring(&p);	/* or with the goodbye: a server that is not to our liking */
	stream_shutdown(p.stream);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	assert_int_equal(SSL_read(p.peer, buf, sizeof buf), 0);
	assert_true(SSL_get_shutdown(p.peer) & SSL_RECEIVED_SHUTDOWN);
	tlspair_close(&p);

	open_deferring(&p);	/* or at the latest now */
	stream_free(p.stream);
	p.stream = NULL;
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	tlspair_close(&p);

	open_deferring(&p);	/* a big one with it, too */
	assert_int_equal(stream_write(p.stream, big, 60000, &n), STREAM_OK);
	assert_int_equal(n, 60000);
	assert_int_equal(testsend.calls, 2);
	SSL_do_handshake(p.peer);
	while (stream_flush(p.stream) != STREAM_OK)
		assert_true(SSL_read(p.peer, (char[30000]){ 0 }, 30000) > 0);
	tlspair_close(&p);

	tlspair_forget(trusting, HOST, "");	/* without stream_defer nothing waits */
	testsend_reset();
	tlspair_sockets(p.fd);
	tlspair_peer(&p, server, true);
	p.stream = originate(trusting, p.fd[0], HOST, "", 0, true, NULL);
	shake(&p);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(stream_waiting(p.stream), 0);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	tlspair_close(&p);
}

/* The last reply and close_notify: one packet, with the connection's end. */
static void
the_end_goes_with_the_last_words(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		choose(kind);
		open_pair(&p);
		stream_last(p.stream);
		assert_int_equal(stream_write(p.stream, SECRET, sizeof SECRET - 1, &n), STREAM_OK);
		assert_int_equal(stream_write(p.stream, "\r\n", 2, &n), STREAM_OK);
		assert_int_equal(testsend.calls, 0);
		stream_shutdown(p.stream);
		assert_int_equal(testsend.calls, 1);
		assert_int_equal(testsend.flags, MSG_NOSIGNAL | MSG_MORE);
		assert_int_equal(stream_waiting(p.stream), 0);
		heard(&p, SECRET, sizeof SECRET - 1);
		heard(&p, "\r\n", 2);
		assert_int_equal(SSL_read(p.peer, buf, sizeof buf), 0);
		assert_true(SSL_get_shutdown(p.peer) & SSL_RECEIVED_SHUTDOWN);
		stream_shutdown(p.stream);	/* once */
		stream_last(p.stream);
		assert_int_equal(stream_flush(p.stream), STREAM_OK);
		assert_int_equal(testsend.calls, 1);
		assert_int_equal(testsend.spoken, 0);
		tlspair_close(&p);
	}
}

/* What the socket refused goes before anything else, and before the goodbye. */
static void
a_rest_goes_first(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
		bool last = i & 1;

		choose(i / 2);
		open_pair(&p);
		setsockopt(p.fd[0], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
		testsend.budget = 20000;
		assert_int_equal(stream_write(p.stream, big, 65536, &n), STREAM_OK);
		assert_int_equal(n, 65536);
		assert_true(stream_waiting(p.stream) > 65536 - 20000);
		assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_WANT_WRITE);
		assert_int_equal(n, 0);
		testsend.budget = 10;
		assert_int_equal(stream_flush(p.stream), STREAM_WANT_WRITE);
		if (last) {
			stream_last(p.stream);
			assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_OK);
			assert_int_equal(n, 1);
		}
		stream_shutdown(p.stream);
		assert_true(stream_waiting(p.stream) > 65536 - 20000);
		testsend.budget = SIZE_MAX;
		assert_int_equal(stream_flush(p.stream), STREAM_OK);
		heard(&p, big, 65536);
		heard(&p, "x", last);
		assert_int_equal(SSL_read(p.peer, buf, sizeof buf), 0);
		assert_true(SSL_get_shutdown(p.peer) & SSL_RECEIVED_SHUTDOWN);
		tlspair_close(&p);
	}
}

/* The octets behind this say why. */
static void
an_alert_leaves(void **state)
{
	char buf[1024];
	struct stream *s;
	ssize_t n;
	int fd[2];

	(void)state;
	testsend_reset();
	tlspair_sockets(fd);
	s = originate(trusting, fd[0], HOST, "", 0, true, NULL);
	assert_int_equal(stream_handshake(s), STREAM_WANT_READ);
	assert_true(recv(fd[1], buf, sizeof buf, 0) > 0);
	assert_int_equal(write(fd[1], "\x16\x03\x03\xff\xff", 5), 5);
	assert_int_equal(stream_handshake(s), STREAM_FAILED);
	n = recv(fd[1], buf, sizeof buf, 0);
	assert_int_equal(n, 7);
	assert_int_equal(buf[0], 21);
	assert_int_equal(buf[5], 2);
	assert_int_equal(buf[6], SSL_AD_RECORD_OVERFLOW);
	stream_free(s);
	close(fd[0]);
	close(fd[1]);
}

/* A handshake whose every octet is refused at first. */
static void
a_handshake_through_a_narrow_socket(void **state)
{
	struct tlspair p;
	size_t n;

	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		enum stream_result r = STREAM_WANT_WRITE;
		unsigned wants = 0;

		choose(kind);
		testsend_reset();
		tlspair_forget(trusting, HOST, "");
		tlspair_sockets(p.fd);
		tlspair_peer(&p, server, true);
		p.stream = originate(trusting, p.fd[0], HOST, "", 0, true, NULL);
		for (int i = 0; i < 10000 && r != STREAM_OK; i++) {
			testsend.budget = (size_t)(i & 1);
			r = stream_handshake(p.stream);
			wants += r == STREAM_WANT_WRITE;
			SSL_do_handshake(p.peer);
			ERR_clear_error();
		}
		assert_int_equal(r, STREAM_OK);
		assert_true(wants > 100);
		assert_int_equal(SSL_do_handshake(p.peer), 1);
		testsend.budget = SIZE_MAX;
		assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_OK);
		heard(&p, "x", 1);
		tlspair_close(&p);
	}
}

static void
a_reset_is_a_cut(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	choose(2);
	for (int how = 0; how < 5; how++) {
		enum stream_result r = STREAM_OK;

		open_pair(&p);
		testsend.budget = 20000;
		if (how > 0)
			assert_int_equal(stream_write(p.stream, big, 65536, &n), STREAM_OK);
		close(p.fd[1]);
		p.fd[1] = -1;
		testsend.budget = SIZE_MAX;
		if (how == 0)	/* all four records at once */
			r = stream_write(p.stream, big, 65536, &n);
		else if (how == 1)
			r = stream_flush(p.stream);
		else if (how == 2)
			r = stream_write(p.stream, "x", 1, &n);
		else if (how == 3)
			stream_shutdown(p.stream);
		else
			r = stream_read(p.stream, buf, sizeof buf, &n);
		if (how != 3)
			assert_int_equal(r, STREAM_CUT);
		assert_int_equal(stream_flush(p.stream), STREAM_CUT);
		assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_CUT);
		assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_CUT);
		assert_int_equal(stream_waiting(p.stream), 0);
		if (how < 4)
			assert_string_equal(stream_error(p.stream), "Broken pipe");
		tlspair_close(&p);
	}
}

#if TESTSEND_MEMORY
/* Rather no session than one with a hole in it. */
static void
no_memory_ends_the_session(void **state)
{
	struct tlspair p;
	size_t n;

	(void)state;
	choose(2);
	open_pair(&p);
	testsend.budget = 20000;
	testsend.memory = 20000;	/* enough for OpenSSL's buffer */
	assert_int_equal(stream_write(p.stream, big, 65536, &n), STREAM_CUT);
	assert_string_equal(stream_error(p.stream), "Cannot allocate memory");
	testsend.budget = SIZE_MAX;
	assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_CUT);
	assert_int_equal(testsend.calls, 1);
	testsend_reset();
	tlspair_close(&p);
}
#endif

/* THREATS: a peer that makes us answer, again and again, and reads nothing (RFC 8446 4.6.3). */
static void
answers_do_not_pile_up(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	choose(2);
	for (int deferring = 0; deferring < 2; deferring++) {
		if (deferring) {
			open_deferring(&p);
			assert_int_equal(stream_flush(p.stream), STREAM_OK);
			assert_int_equal(SSL_do_handshake(p.peer), 1);
			stream_last(p.stream);	/* corked */
		} else {
			open_pair(&p);
		}
		testsend.budget = 0;
		for (int i = 0; i < 100; i++) {
			assert_true(SSL_key_update(p.peer, SSL_KEY_UPDATE_REQUESTED));
			assert_int_equal(SSL_do_handshake(p.peer), 1);
		}
		SSL_write(p.peer, "pong", 4);
		assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_WANT_WRITE);
		assert_true(stream_waiting(p.stream) > 0 && stream_waiting(p.stream) < 100);
		assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_WANT_WRITE);
		testsend.budget = SIZE_MAX;
		assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_OK);
		assert_memory_equal(buf, "pong", 4);
		assert_int_equal(stream_waiting(p.stream), 0);
		assert_int_equal(stream_write(p.stream, "ping", 4, &n), STREAM_OK);
		stream_shutdown(p.stream);
		heard(&p, "ping", 4);
		tlspair_close(&p);
	}
}

static int
setup(void **state)
{
	(void)state;
	root = testca_root("Test Root");
	leaf = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = HOST,
	    .rsa_bits = 2048 });
	trusting = tlspair_originator(&root, TLS1_2_VERSION);
	server = testca_server(&leaf, NULL);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = testsend_pattern(i);
	memcpy(big, SECRET, sizeof SECRET - 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&root);
	testca_free(&leaf);
	originator_free(trusting);
	SSL_CTX_free(server);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_leave_together),
		cmocka_unit_test(a_slow_reader_gets_all),
		cmocka_unit_test(the_last_flight_goes_with_the_first_write),
		cmocka_unit_test(the_end_goes_with_the_last_words),
		cmocka_unit_test(a_rest_goes_first),
		cmocka_unit_test(an_alert_leaves),
		cmocka_unit_test(a_handshake_through_a_narrow_socket),
		cmocka_unit_test(a_reset_is_a_cut),
#if TESTSEND_MEMORY
		cmocka_unit_test(no_memory_ends_the_session),
#endif
		cmocka_unit_test(answers_do_not_pile_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
