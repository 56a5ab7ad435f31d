/* stream_memory_test.c - what a finished, idle stream costs
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tests/unit/tlspair.h"
#include "tls/terminate.h"

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

enum { IDLE = 100 };

static size_t
used(void)
{
	return mallinfo2().uordblks;
}

/* Memory of finished idle streams: what freeing them gives back. */
static void
measure(const char *title, struct tlspair *pairs, size_t limit)
{
	size_t before, after;

	malloc_trim(0);
	before = used();
	for (int i = 0; i < IDLE; i++) {
		stream_free(pairs[i].stream);
		pairs[i].stream = NULL;
	}
	after = used();
	for (int i = 0; i < IDLE; i++)
		tlspair_close(&pairs[i]);
	if (before == 0)	/* the allocator of a sanitizer does not say */
		return;
	print_message("# %s: %zu octets a stream\n", title, (before - after) / IDLE);
	assert_true((before - after) / IDLE <= limit);
}

/* Bulk that the peer is slow to read leaves nothing behind. */
static void
bulk(struct tlspair *p)
{
	static char data[65536];
	size_t n;

	setsockopt(p->fd[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
	assert_int_equal(stream_write(p->stream, data, sizeof data, &n), STREAM_OK);
	assert_int_equal(n, sizeof data);
	assert_true(stream_waiting(p->stream) > 0);
	for (size_t got = 0; got < sizeof data; stream_flush(p->stream))
		if (SSL_read_ex(p->peer, data, sizeof data, &n))
			got += n;
	assert_int_equal(stream_waiting(p->stream), 0);
}

static void
exchange(struct tlspair *p)
{
	char buf[8];
	size_t n;

	bulk(p);

	assert_int_equal(stream_write(p->stream, "ping", 4, &n), STREAM_OK);
	assert_int_equal(SSL_read(p->peer, buf, sizeof buf), 4);
	assert_int_equal(SSL_write(p->peer, "pong", 4), 4);
	assert_int_equal(stream_read(p->stream, buf, sizeof buf, &n), STREAM_OK);
}

/* The parsed chain, here of two RSA certificates, is there once for all of them. */
static void
idle_streams_are_small(void **state)
{
	static struct tlspair pairs[IDLE];
	char dir[] = "/tmp/postern-test-XXXXXX", error[256], path[64];
	struct terminator *t;
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX_set_max_proto_version(server, version);
		for (int resumed = 0; resumed < 2; resumed++) {
			for (int i = 0; i < IDLE; i++) {
				if (!resumed)
					tlspair_forget(trusting, HOST, "");
				assert_int_equal(tlspair_originate(&pairs[i], trusting, server,
				    HOST, "", true), STREAM_OK);
				exchange(&pairs[i]);
			}
			if (!resumed)
				tlspair_forget(trusting, HOST, "");
			print_message("# TLS 1.%d\n", version - TLS1_VERSION);
			measure(resumed ? "originated, resumed" : "originated", pairs, 16 << 10);
			assert_int_equal(tlspair_originate(&pairs[0], trusting, server, HOST, "",
			    true), STREAM_OK);
			exchange(&pairs[0]);
			tlspair_close(&pairs[0]);
		}
	}
	assert_non_null(mkdtemp(dir));
	assert_true(identity_make(dir, "gateway.example", error, sizeof error));
	t = terminator_new(dir, error, sizeof error);
	assert_non_null(t);
	for (int i = 0; i < IDLE; i++) {
		tlspair_sockets(pairs[i].fd);
		tlspair_peer(&pairs[i], client, false);
		pairs[i].stream = terminate(t, pairs[i].fd[0]);
		assert_int_equal(tlspair_handshake(&pairs[i]), STREAM_OK);
		exchange(&pairs[i]);
	}
	measure("terminated", pairs, 16 << 10);
	terminator_free(t);
	SSL_CTX_free(client);
	snprintf(path, sizeof path, "%s/client-rsa.pem", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/client-ecdsa.pem", dir);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_streams_are_small),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
