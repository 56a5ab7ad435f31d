/* stream_test.c - the verbs of a stream: data, ends of every kind, cuts at every octet
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/ioctl.h>

#include "tests/unit/testca.h"
#include "tests/unit/tlspair.h"

#define HOST "mx.example.org"

static struct testca_cert root, middle, leaf;
static struct originator *trusting;
static SSL_CTX *server;

static int
setup(void **state)
{
	(void)state;
	root = testca_root("Test Root");
	middle = testca_issue(&(struct testca_spec){ .issuer = &root, .cn = "Middle", .ca = true,
	    .rsa_bits = 2048 });
	leaf = testca_issue(&(struct testca_spec){ .issuer = &middle, .dns = HOST,
	    .rsa_bits = 2048 });
	trusting = tlspair_originator(&root, TLS1_2_VERSION);
	server = testca_server(&leaf, &middle);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&root);
	testca_free(&middle);
	testca_free(&leaf);
	originator_free(trusting);
	SSL_CTX_free(server);
	return 0;
}

static void
open_pair(struct tlspair *p)
{
	tlspair_forget(trusting, HOST, "");
	assert_int_equal(tlspair_originate(p, trusting, server, HOST, "", true), STREAM_OK);
	assert_int_equal(tlspair_settle(p), STREAM_WANT_READ);
}

static unsigned char
pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

/* Two MiB through a small socket buffer; every retry offers the octets at another address, and
 * more of them. */
static void
much_data_goes_both_ways(void **state)
{
	enum { TOTAL = 2 << 20, STEP = 40000 };
	static unsigned char copies[2][STEP + 10000], in[70000];
	struct tlspair p;
	size_t sent = 0, received = 0, wants = 0, turn = 0;
	int small = 4096;

	(void)state;
	open_pair(&p);
	setsockopt(p.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	while (received < TOTAL) {
		unsigned char *out = copies[turn++ & 1];
		size_t len = STEP + turn % 10000, put;
		int got;

		if (len > TOTAL - sent)
			len = TOTAL - sent;
		for (size_t i = 0; i < len; i++)
			out[i] = pattern(sent + i);
		switch (stream_write(p.stream, out, len, &put)) {
		case STREAM_OK:
			assert_true(put > 0 || len == 0);
			break;
		case STREAM_WANT_WRITE:
			assert_int_equal(put, 0);
			wants++;
			break;
		case STREAM_WANT_READ:
		case STREAM_CLOSED:
		case STREAM_CUT:
		case STREAM_FAILED:
			fail_msg("%s", stream_error(p.stream));
		}
		sent += put;
		while ((got = SSL_read(p.peer, in, sizeof in)) > 0)
			for (int i = 0; i < got; i++)
				assert_int_equal(in[i], pattern(received++));
	}
	assert_int_equal(sent, TOTAL);
	assert_true(wants > 10);
	assert_int_equal(SSL_write(p.peer, copies[0], 10000), 10000);
	for (received = 0; received < 10000; received += sent) {
		assert_int_equal(stream_read(p.stream, in, 3000, &sent), STREAM_OK);
		assert_memory_equal(in, copies[0] + received, sent);
		assert_int_equal(stream_pending(p.stream), 10000 - received - sent);
	}
	assert_int_equal(stream_read(p.stream, in, 1, &sent), STREAM_WANT_READ);
	tlspair_close(&p);
}

static int
on_socket(int fd)
{
	int octets = -1;

	assert_int_equal(ioctl(fd, FIONREAD, &octets), 0);
	return octets;
}

/* What was taken off the socket is given out without it, record by record, a piece of one not
 * before its end has come. */
static void
records_are_read_ahead(void **state)
{
	struct tlspair p;
	char buf[128];
	size_t got, n;
	int whole;

	(void)state;
	open_pair(&p);
	assert_int_equal(SSL_write(p.peer, "one", 3), 3);
	whole = on_socket(p.fd[0]);
	assert_int_equal(SSL_write(p.peer, "two", 3), 3);
	assert_int_equal(on_socket(p.fd[0]), 2 * whole);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &got), STREAM_OK);
	assert_memory_equal(buf, "one", got);
	assert_int_equal(on_socket(p.fd[0]), 0);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &got), STREAM_OK);
	assert_memory_equal(buf, "two", got);
	for (int i = 0; i < 3; i++)
		assert_int_equal(SSL_write(p.peer, "abc", 3), 3);
	got = (size_t)recv(p.fd[0], buf, sizeof buf, 0);
	assert_int_equal(got, 3 * whole);
	for (size_t at = 0; at < got; at++) {
		assert_int_equal(send(p.fd[1], buf + at, 1, 0), 1);
		if ((at + 1) % (size_t)whole == 0)
			assert_int_equal(stream_read(p.stream, (char[4]){ 0 }, 4, &n), STREAM_OK);
		assert_int_equal(stream_read(p.stream, (char[4]){ 0 }, 4, &n), STREAM_WANT_READ);
	}
	tlspair_close(&p);
}

static void
a_proper_end_is_told_from_a_cut(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	open_pair(&p);
	SSL_write(p.peer, "bye", 3);
	SSL_shutdown(p.peer);
	close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_OK);
	assert_int_equal(n, 3);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_CLOSED);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_CLOSED);
	assert_string_equal(stream_error(p.stream), "");
	tlspair_close(&p);

	open_pair(&p);
	SSL_write(p.peer, "bye", 3);
	close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_OK);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_CUT);
	assert_string_equal(stream_error(p.stream), "unexpected eof while reading");
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_CUT);
	assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_CUT);
	assert_int_equal(n, 0);
	tlspair_close(&p);

	open_pair(&p);
	close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_CUT);
	assert_string_equal(stream_error(p.stream), "Broken pipe");
	tlspair_close(&p);
}

/* THREATS: an alert, or the handshake, followed by clear text. */
static void
clear_text_inside_tls_is_a_fault(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	open_pair(&p);
	assert_int_equal(write(p.fd[1], "250 2.0.0 ok\r\n", 14), 14);
	assert_int_equal(stream_read(p.stream, buf, sizeof buf, &n), STREAM_FAILED);
	assert_string_equal(stream_error(p.stream), "wrong version number");
	assert_int_equal(stream_write(p.stream, "x", 1, &n), STREAM_FAILED);
	assert_int_equal(stream_pending(p.stream), 0);
	tlspair_close(&p);
}

/* What a server may answer to our ClientHello instead of a handshake. */
static void
no_handshake_is_a_fault(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
		enum stream_result result;
		const char *error;
	} answers[] = {
		{ "454 4.7.0 no\r\n", 14, STREAM_FAILED, "wrong version number" },
		{ "\x15\x03\x01\0\2\2\x28", 7, STREAM_FAILED, "sslv3 alert handshake failure" },
		{ "\x15\x03\x01\0\2\2\x50", 7, STREAM_FAILED, "tlsv1 alert internal error" },
		{ "\x15\x03\x01\0\2\1\0", 7, STREAM_FAILED, NULL },
		{ "\x15\x03\x01\0\2", 5, STREAM_CUT, "unexpected eof while reading" },
		{ "\x16\x03\x01\xff\xff", 5, STREAM_FAILED, NULL },
		{ "", 0, STREAM_CUT, "unexpected eof while reading" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct proof proof = { 0 };
		struct stream *s;
		int fd[2];

		tlspair_sockets(fd);
		s = originate(trusting, fd[0], HOST, "", 0, true, NULL);
		assert_int_equal(stream_handshake(s), STREAM_WANT_READ);
		originate_proof(s, &proof);
		assert_int_equal(proof.state, PROOF_HANDSHAKE_FAILED);
		assert_string_equal(proof.detail, "handshake not finished");
		assert_int_equal(write(fd[1], answers[i].octets, answers[i].len),
		    answers[i].len);
		shutdown(fd[1], SHUT_WR);
		assert_int_equal(stream_handshake(s), answers[i].result);
		if (answers[i].error)
			assert_string_equal(stream_error(s), answers[i].error);
		originate_proof(s, &proof);
		assert_int_equal(proof.state, PROOF_HANDSHAKE_FAILED);
		assert_string_equal(proof.detail, stream_error(s));
		assert_int_not_equal(proof.detail[0], '\0');
		proof_clear(&proof);
		stream_free(s);
		close(fd[0]);
		close(fd[1]);
	}
}

/* Carries octets from one socket to another, at most *budget of them, some at a time. */
static void
carry(int from, int to, size_t *budget, size_t at_once)
{
	char buf[4096];
	size_t want = at_once < sizeof buf ? at_once : sizeof buf;
	ssize_t n;

	if (want > *budget)
		want = *budget;
	if (want == 0)
		return;
	n = read(from, buf, want);
	if (n <= 0)
		return;
	assert_int_equal(write(to, buf, (size_t)n), n);
	*budget -= (size_t)n;
}

/* A handshake through a relay that lets `budget` octets from the server through and then hangs up.
 * Returns whether it finished; *budget is what was left. */
static bool
cut_handshake(int version, size_t *budget, size_t at_once)
{
	enum stream_result r = STREAM_WANT_READ;
	struct proof proof = { 0 };
	struct tlspair p;
	int far[2];
	size_t unlimited = SIZE_MAX;

	SSL_CTX_set_max_proto_version(server, version);
	tlspair_sockets(p.fd);
	tlspair_sockets(far);
	p.peer = SSL_new(server);
	SSL_set_fd(p.peer, far[1]);
	SSL_set_accept_state(p.peer);
	p.stream = originate(trusting, p.fd[0], HOST, "", 0, true, NULL);
	for (int i = 0; i < 20000; i++) {
		r = stream_handshake(p.stream);
		if (r != STREAM_WANT_READ && r != STREAM_WANT_WRITE)
			break;
		carry(p.fd[1], far[0], &unlimited, at_once);
		SSL_do_handshake(p.peer);
		carry(far[0], p.fd[1], budget, at_once);
		if (*budget == 0)
			shutdown(p.fd[1], SHUT_RDWR);
	}
	originate_proof(p.stream, &proof);
	assert_int_equal(proof.state, r == STREAM_OK ? PROOF_TLS : PROOF_HANDSHAKE_FAILED);
	if (r != STREAM_OK) {
		assert_int_equal(r, STREAM_CUT);
		assert_int_equal(proof.chain, CHAIN_NONE);
		assert_int_equal(proof.names_len, 0);
	} else {
		assert_int_equal(proof.chain, CHAIN_TRUSTED);
	}
	proof_clear(&proof);
	tlspair_close(&p);
	close(far[0]);
	close(far[1]);
	tlspair_forget(trusting, HOST, "");
	return r == STREAM_OK;
}

/* THREATS: the handshake cut off at every octet proves nothing. */
static void
a_cut_handshake_proves_nothing(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		size_t left = 100000, needed;

		assert_true(cut_handshake(version, &left, 4096));
		needed = 100000 - left;
		left = 100000;
		assert_true(cut_handshake(version, &left, 1));
		for (size_t at = 0; at < needed; at += 11) {
			left = at;
			assert_false(cut_handshake(version, &left, 4096));
		}
		left = needed - 1;
		assert_false(cut_handshake(version, &left, 4096));
		print_message("# handshake of %zu octets cut at each 11th\n", needed);
	}
	SSL_CTX_set_max_proto_version(server, TLS1_3_VERSION);
}

/* Client initiated renegotiation was never ours; the server's request is refused. */
static void
renegotiation_is_refused(void **state)
{
	struct tlspair p;
	char buf[8];
	size_t n;
	enum stream_result r;

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	open_pair(&p);
	assert_true(SSL_renegotiate(p.peer));
	SSL_do_handshake(p.peer);
	r = stream_read(p.stream, buf, sizeof buf, &n);
	assert_int_equal(r, STREAM_WANT_READ);
	assert_int_equal(SSL_get_error(p.peer, SSL_read(p.peer, buf, 1)), SSL_ERROR_SSL);
	tlspair_close(&p);
	SSL_CTX_set_max_proto_version(server, TLS1_3_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_data_goes_both_ways),
		cmocka_unit_test(records_are_read_ahead),
		cmocka_unit_test(a_proper_end_is_told_from_a_cut),
		cmocka_unit_test(clear_text_inside_tls_is_a_fault),
		cmocka_unit_test(no_handshake_is_a_fault),
		cmocka_unit_test(a_cut_handshake_proves_nothing),
		cmocka_unit_test(renegotiation_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
