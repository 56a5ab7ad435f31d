/* leg_test.c - a leg under TLS: what waits, what is watched for, what leaves together
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/leg.h"
#include "tests/unit/testca.h"
#include "tests/unit/testsend.h"
#include "tests/unit/tlspair.h"

#define HOST "mx.example.org"
#define PATIENCE 100000		/* steps */

static struct testca_cert root, leaf;
static struct originator *trusting;
static SSL_CTX *server;
static struct ev_loop *loop;
static char big[200000];

static void
nobody(struct ev_loop *l, ev_io *io, int events)
{
	(void)l;
	(void)io;
	(void)events;
}

/* A leg whose handshake has not begun. */
static void
begin(struct leg *leg, struct tlspair *p)
{
	testsend_reset();
	tlspair_forget(trusting, HOST, "");
	tlspair_sockets(p->fd);
	tlspair_peer(p, server, true);
	p->stream = NULL;
	leg_open(leg, loop, p->fd[0], nobody, NULL);
	leg->tls = originate(trusting, p->fd[0], HOST, "", 0, true, NULL);
	assert_non_null(leg->tls);
}

static void
shake(struct leg *leg, struct tlspair *p)
{
	enum leg_result r = LEG_AGAIN;

	for (int i = 0; i < TLSPAIR_ROUNDS && r == LEG_AGAIN; i++) {
		r = leg_handshake(leg);
		if (r == LEG_AGAIN)
			SSL_do_handshake(p->peer);
	}
	assert_int_equal(r, LEG_OK);
	leg->readable = true;
}

/* One that is idle. */
static void
open_leg(struct leg *leg, struct tlspair *p)
{
	begin(leg, p);
	shake(leg, p);
	assert_int_equal(leg_flush(leg), LEG_OK);
	assert_int_equal(SSL_do_handshake(p->peer), 1);
	assert_int_equal(leg_fill(leg), LEG_AGAIN);	/* tickets */
	testsend.calls = 0;
}

static void
end(struct leg *leg, struct tlspair *p)
{
	leg_close(leg, loop);
	assert_null(leg->tls);
	p->fd[0] = -1;
	tlspair_close(p);
	testsend_reset();
}

static int
watched(struct leg *leg, bool read)
{
	leg_watch(leg, loop, read, false);
	return ev_is_active(&leg->io) ? leg->io.events & (EV_READ | EV_WRITE) : 0;
}

/* The peer reads exactly these octets; the leg sends what waits meanwhile. */
static void
heard(struct leg *leg, struct tlspair *p, const char *expected, size_t len)
{
	static char in[sizeof big];
	size_t got = 0;

	for (int i = 0; i < PATIENCE && got < len; i++) {
		int n = SSL_read(p->peer, in + got, (int)(sizeof in - got));
		got += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			leg_flush(leg);
		ERR_clear_error();
	}
	assert_int_equal(got, len);
	assert_memory_equal(in, expected, len);
}

static void
said_goodbye(struct tlspair *p)
{
	char octet;

	assert_int_equal(SSL_read(p->peer, &octet, 1), 0);
	assert_true(SSL_get_shutdown(p->peer) & SSL_RECEIVED_SHUTDOWN);
}

/* RFC 3207 4.2: the second EHLO leaves with our Finished, in the turn that made it. */
static void
finished_goes_with_the_second_ehlo(void **state)
{
	struct tlspair p;
	struct leg leg;

	(void)state;
	begin(&leg, &p);
	shake(&leg, &p);
	assert_int_equal(testsend.calls, 1);
	assert_true(leg_waiting(&leg) > 0);
	assert_int_equal(leg_fill(&leg), LEG_AGAIN);	/* has it spoken already? */
	assert_int_equal(testsend.calls, 1);
	assert_true(leg_put(&leg, "EHLO a.example\r\n", 16));
	assert_int_equal(leg_flush(&leg), LEG_OK);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(leg_waiting(&leg), 0);
	assert_int_equal(leg.bytes_out, 16);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	heard(&leg, &p, "EHLO a.example\r\n", 16);
	end(&leg, &p);

	begin(&leg, &p);	/* and alone at the turn's end, when nobody has said EHLO yet */
	shake(&leg, &p);
	assert_int_equal(watched(&leg, true), EV_READ | EV_WRITE);
	assert_int_equal(leg_flush(&leg), LEG_OK);
	assert_int_equal(watched(&leg, true), EV_READ);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	end(&leg, &p);
}

/* What the socket refused is waiting, watched for, and is flushed though `out` is empty. */
static void
a_rest_in_tls_is_waiting(void **state)
{
	struct tlspair p;
	struct leg leg;
	size_t put;

	(void)state;
	open_leg(&leg, &p);
	setsockopt(leg.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
	testsend.budget = 50000;
	assert_int_equal(leg_pass(&leg, big, sizeof big, &put), LEG_AGAIN);
	assert_int_equal(put, 65536);
	assert_true(leg.blocked);
	assert_null(leg.out);
	assert_true(leg_waiting(&leg) > 65536 - 50000 && leg_waiting(&leg) < 20000);
	assert_int_equal(watched(&leg, true), EV_READ | EV_WRITE);
	assert_int_equal(leg_flush(&leg), LEG_AGAIN);
	assert_true(leg_put(&leg, "QUIT\r\n", 6));
	testsend.budget = SIZE_MAX;
	assert_int_equal(leg_flush(&leg), LEG_OK);
	assert_int_equal(leg_waiting(&leg), 0);
	assert_int_equal(leg_pass(&leg, "x", 1, &put), LEG_OK);
	assert_false(leg.blocked);
	assert_int_equal(watched(&leg, true), EV_READ);
	heard(&leg, &p, big, 65536);
	heard(&leg, &p, "QUIT\r\nx", 7);
	end(&leg, &p);
}

static void
bulk_leaves_in_few_calls(void **state)
{
	struct tlspair p;
	struct leg leg;
	size_t put;

	(void)state;
	open_leg(&leg, &p);
	setsockopt(leg.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
	assert_int_equal(leg_pass(&leg, big, LEG_IN_SIZE, &put), LEG_OK);
	assert_int_equal(put, LEG_IN_SIZE);
	assert_int_equal(testsend.calls, 1);
	heard(&leg, &p, big, LEG_IN_SIZE);
	end(&leg, &p);
}

static void
the_end_is_one_packet(void **state)
{
	struct tlspair p;
	struct leg leg;

	(void)state;
	open_leg(&leg, &p);
	assert_true(leg_put(&leg, "221 2.0.0 bye\r\n", 15));
	leg_closing(&leg);
	assert_int_equal(leg_flush(&leg), LEG_OK);
	assert_int_equal(leg_waiting(&leg), 0);
	leg_close(&leg, loop);
	assert_int_equal(testsend.calls, 1);
	heard(&leg, &p, "221 2.0.0 bye\r\n", 15);
	said_goodbye(&p);
	end(&leg, &p);

	open_leg(&leg, &p);	/* nothing to say but that */
	leg_close(&leg, loop);
	assert_int_equal(testsend.calls, 1);
	said_goodbye(&p);
	end(&leg, &p);
}

/* The last words are waiting as long as the socket refuses them: nothing is closed over them. */
static void
the_end_waits_for_a_slow_reader(void **state)
{
	struct tlspair p;
	struct leg leg;

	(void)state;
	for (size_t budget = 0; budget < 60000; budget += 7001) {
		open_leg(&leg, &p);
		setsockopt(leg.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
		assert_true(leg_put(&leg, big, 60000));
		leg_closing(&leg);
		testsend.budget = budget;
		assert_int_equal(leg_flush(&leg), LEG_AGAIN);
		assert_true(leg_waiting(&leg) >= 60000 - budget);
		assert_int_equal(watched(&leg, false), EV_WRITE);
		assert_int_equal(leg_flush(&leg), LEG_AGAIN);
		testsend.budget = SIZE_MAX;
		assert_int_equal(leg_flush(&leg), LEG_OK);
		assert_int_equal(leg_waiting(&leg), 0);
		leg_close(&leg, loop);
		heard(&leg, &p, big, 60000);
		said_goodbye(&p);
		end(&leg, &p);
	}
}

/* A server whose handshake is refused afterwards hears of it in the same packet. */
static void
a_refused_server_hears_the_end(void **state)
{
	struct tlspair p;
	struct leg leg;

	(void)state;
	begin(&leg, &p);
	shake(&leg, &p);
	leg_close(&leg, loop);
	assert_int_equal(testsend.calls, 2);
	assert_int_equal(SSL_do_handshake(p.peer), 1);
	said_goodbye(&p);
	end(&leg, &p);
}

/* While TLS must write before it can read, the socket is watched for that, and read again then. */
static void
reading_that_must_write_first(void **state)
{
	struct tlspair p;
	struct leg leg;

	(void)state;
	open_leg(&leg, &p);
	testsend.budget = 0;
	for (int i = 0; i < 10; i++) {
		assert_true(SSL_key_update(p.peer, SSL_KEY_UPDATE_REQUESTED));
		assert_int_equal(SSL_do_handshake(p.peer), 1);
	}
	SSL_write(p.peer, "250 ok\r\n", 8);
	leg.readable = true;
	assert_int_equal(leg_fill(&leg), LEG_AGAIN);
	assert_true(leg.readable);
	assert_int_equal(leg_flush(&leg), LEG_AGAIN);
	assert_int_equal(watched(&leg, true), EV_WRITE);
	testsend.budget = SIZE_MAX;
	assert_int_equal(leg_flush(&leg), LEG_OK);
	assert_int_equal(watched(&leg, true), EV_WRITE);
	assert_int_equal(watched(&leg, false), 0);	/* else the loop would spin */
	assert_int_equal(leg_fill(&leg), LEG_OK);
	assert_int_equal(leg_unread(&leg), 8);
	assert_memory_equal(leg_data(&leg), "250 ok\r\n", 8);
	assert_int_equal(watched(&leg, true), EV_READ);
	end(&leg, &p);
}

static void
a_lost_connection_is_told(void **state)
{
	struct tlspair p;
	struct leg leg;
	size_t put;

	(void)state;
	open_leg(&leg, &p);
	testsend.budget = 10;
	assert_int_equal(leg_pass(&leg, big, 60000, &put), LEG_OK);
	close(p.fd[1]);
	p.fd[1] = -1;
	testsend.budget = SIZE_MAX;
	assert_int_equal(leg_flush(&leg), LEG_FAILED);	/* nothing in `out` */
	assert_true(leg_gone(&leg));
	assert_string_equal(leg.error, "connection cut inside TLS");
	assert_int_equal(leg_waiting(&leg), 0);
	assert_int_equal(watched(&leg, true), 0);
	end(&leg, &p);
}

/* In clear text: all there is room for in one call, and no buffer for nothing. */
static void
a_clear_leg_reads_in_bulk(void **state)
{
	struct leg leg;
	size_t put, got = 0;
	int fd[2];

	(void)state;
	testsend_reset();
	tlspair_sockets(fd);
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
	leg_open(&leg, loop, fd[0], nobody, NULL);
	assert_int_equal(write(fd[1], big, sizeof big), sizeof big);
	while (got < sizeof big) {
		leg.readable = true;
		assert_int_equal(leg_fill(&leg), LEG_OK);
		assert_true(leg_unread(&leg) <= LEG_IN_SIZE);
		assert_int_equal(leg_full(&leg), leg_unread(&leg) == LEG_IN_SIZE);
		assert_memory_equal(leg_data(&leg), big + got, leg_unread(&leg));
		got += leg_unread(&leg);
		leg_consume(&leg, leg_unread(&leg));
		assert_null(leg.in);
	}
	assert_int_equal(leg_pass(&leg, "bye", 3, &put), LEG_OK);
	assert_int_equal(testsend.flags, MSG_NOSIGNAL);
	leg_closing(&leg);
	assert_true(leg_put(&leg, "221\r\n", 5));
	assert_int_equal(leg_flush(&leg), LEG_OK);
	assert_int_equal(testsend.flags, MSG_NOSIGNAL | MSG_MORE);
	leg_close(&leg, loop);
	close(fd[1]);
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
	loop = ev_loop_new(EVFLAG_AUTO);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = testsend_pattern(i);
	return loop == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&root);
	testca_free(&leaf);
	originator_free(trusting);
	SSL_CTX_free(server);
	ev_loop_destroy(loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finished_goes_with_the_second_ehlo),
		cmocka_unit_test(a_rest_in_tls_is_waiting),
		cmocka_unit_test(bulk_leaves_in_few_calls),
		cmocka_unit_test(the_end_is_one_packet),
		cmocka_unit_test(the_end_waits_for_a_slow_reader),
		cmocka_unit_test(a_refused_server_hears_the_end),
		cmocka_unit_test(reading_that_must_write_first),
		cmocka_unit_test(a_lost_connection_is_told),
		cmocka_unit_test(a_clear_leg_reads_in_bulk),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
