/* server_hello_test.c - answers made by hand, faults included, and real handshakes read in flight
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/handshake.h"
#include "tls/record.h"
#include "tls/server_hello.h"

#define RANDOM24 "0123456789abcdef01234567"
#define RANDOM RANDOM24 "89abcdef"
#define RETRY "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" \
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"
#define FRONT "\3\3" RANDOM "\0\xc0\x30\0"
#define FRONT11 "\3\2" RANDOM "\0\xc0\x30\0"

/* The client: TLS 1.2; suites c030, 002f and the SCSV of RFC 5746; server_name, status_request,
 * session_ticket, and the types of certificates that it would take (RFC 7250), cached_info. */
static const char client12[] = "\3\3" RANDOM "\0\0\6\xc0\x30\0\x2f\0\xff\1\0" "\0\x2b"
	"\0\0\0\6\0\4\0\0\1a" "\0\5\0\5\1\0\0\0\0" "\0\x23\0\0" "\0\x14\0\2\1\2" "\0\x19\0\2\0\0"
	"\0\x0a\0\4\0\2\0\x1d";
static const char client11[] = "\3\2" RANDOM "\0\0\2\xc0\x30\1\0";
static const char client13[] = "\3\3" RANDOM "\0\0\2\xc0\x30\1\0" "\0\x9\0\x2b\0\5\4\3\4\3\3";

#define OFFER(client) client, sizeof(client) - 1

static const struct {
	const char *what, *client;
	size_t client_size;
	const char *octets;
	size_t size;
	enum server_hello_result result;
} cases[] = {
#define CASE(what, client, result, octets) \
	{ what, OFFER(client), octets, sizeof(octets) - 1, SERVER_HELLO_##result }
	CASE("no extensions", client12, OK, FRONT),
	CASE("empty block", client12, OK, FRONT "\0\0"),
	CASE("another suite", client12, OK, "\3\3" RANDOM "\0\0\x2f\0"),
	CASE("TLS 1.0", client12, OK, "\3\1" RANDOM "\0\xc0\x30\0"),
	CASE("session id", client12, OK, "\3\3" RANDOM "\x20" RANDOM "\xc0\x30\0"),
	CASE("nothing", client12, BAD, ""),
	CASE("cut", client12, BAD, "\3\3" RANDOM "\0\xc0\x30"),
	CASE("session id of 33", client12, BAD, "\3\3" RANDOM "\x21" RANDOM "x\xc0\x30\0"),
	CASE("one octet behind", client12, BAD, FRONT "\0"),
	CASE("behind the block", client12, BAD, FRONT "\0\0\0"),
	CASE("block cut", client12, BAD, FRONT "\0\4\0\x23\0"),
	CASE("extension over the end", client12, BAD, FRONT "\0\4\0\x23\0\1"),
	CASE("higher than offered", client11, VERSION, FRONT),
	CASE("1.3 in the old field", client12, VERSION, "\3\4" RANDOM "\0\xc0\x30\0"),
	CASE("SSL 3.0", client12, VERSION, "\3\0" RANDOM "\0\xc0\x30\0"),
	CASE("TLS 1.3", client13, TLS13, FRONT "\0\x6\0\x2b\0\2\3\4"),
	CASE("TLS 1.3, key_share first", client13, TLS13,
	    FRONT "\0\xc" "\0\x33\0\2\0\x1d" "\0\x2b\0\2\3\4"),
	CASE("TLS 1.3 not offered", client12, TLS13, FRONT "\0\x6\0\x2b\0\2\3\4"),
	CASE("HelloRetryRequest", client13, TLS13, "\3\3" RETRY "\0\xc0\x30\0"),
	CASE("suite not offered", client12, SUITE, "\3\3" RANDOM "\0\xc0\x2f\0"),
	CASE("suite across two", client12, SUITE, "\3\3" RANDOM "\0\x30\0\0"),
	CASE("deflate", client12, COMPRESSION, "\3\3" RANDOM "\0\xc0\x30\1"),
	/* RFC 8446 4.1.3 */
	CASE("1.2 marked, 1.3 offered", client13, DOWNGRADE,
	    "\3\3" RANDOM24 "DOWNGRD\1" "\0\xc0\x30\0"),
	CASE("1.2 marked, 1.2 offered", client12, OK, "\3\3" RANDOM24 "DOWNGRD\1" "\0\xc0\x30\0"),
	CASE("1.1 marked, 1.2 offered", client12, DOWNGRADE,
	    "\3\2" RANDOM24 "DOWNGRD\0" "\0\xc0\x30\0"),
	CASE("1.0 marked, 1.2 offered", client12, DOWNGRADE,
	    "\3\1" RANDOM24 "DOWNGRD\0" "\0\xc0\x30\0"),
	CASE("1.1 marked, 1.3 offered", client13, DOWNGRADE,
	    "\3\2" RANDOM24 "DOWNGRD\0" "\0\xc0\x30\0"),
	CASE("1.1 marked, 1.1 offered", client11, OK, "\3\2" RANDOM24 "DOWNGRD\0" "\0\xc0\x30\0"),
	CASE("1.0 marked, 1.1 offered", client11, OK, "\3\1" RANDOM24 "DOWNGRD\0" "\0\xc0\x30\0"),
	CASE("1.1 unmarked", client12, OK, "\3\2" RANDOM "\0\xc0\x30\0"),
	CASE("no mark", client13, OK, "\3\3" RANDOM24 "DOWNGRD\2" "\0\xc0\x30\0"),
	CASE("no mark either", client13, OK, "\3\3" RANDOM24 "DOWNGRE\1" "\0\xc0\x30\0"),
	/* RFC 5246 7.4.1.4 */
	CASE("extensions", client12, OK,
	    FRONT "\0\x11" "\0\0\0\0" "\0\5\0\0" "\0\x23\0\0" "\xff\1\0\1\0"),
	CASE("not offered", client12, EXTENSION, FRONT "\0\4" "\0\x17\0\0"),
	CASE("renegotiation not offered", client11, EXTENSION, FRONT11 "\0\5" "\xff\1\0\1\0"),
	CASE("sent twice", client12, EXTENSION, FRONT "\0\x8" "\0\x23\0\0" "\0\x23\0\0"),
	CASE("offered, but no answer", client12, EXTENSION, FRONT "\0\x8\0\x0a\0\4\0\2\0\x1d"),
	CASE("unknown", client12, EXTENSION, FRONT "\0\4" "\xfa\xce\0\0"),
	/* They would put something else in the certificate's place, offered or not. */
	CASE("raw keys", client12, EXTENSION, FRONT "\0\5" "\0\x14\0\1\2"),
	CASE("cached info", client12, EXTENSION, FRONT "\0\6" "\0\x19\0\2\0\0"),
};

static void
answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client_hello offered;
		struct server_hello h;
		enum server_hello_result result;

		print_message("# %s\n", cases[i].what);
		assert_int_equal(client_hello_parse(cases[i].client, cases[i].client_size,
		    &offered), CLIENT_HELLO_OK);
		result = server_hello_parse(cases[i].octets, cases[i].size, &offered, &h);
		assert_int_equal(result, cases[i].result);
		if (result != SERVER_HELLO_BAD)
			assert_int_equal(h.version, 0x0300 | cases[i].octets[1]);
	}
}

static void
fields(void **state)
{
	static const char body[] = "\3\2" RANDOM "\2ab\xc0\x30\0" "\0\x8" "\0\x23\0\0" "\0\5\0\0";
	static const char retry[] = "\3\3" RETRY "\0\xc0\x30\0" "\0\6\0\x2b\0\2\3\4";
	struct client_hello offered;
	struct server_hello h;

	(void)state;
	client_hello_parse(OFFER(client12), &offered);
	assert_int_equal(server_hello_parse(body, sizeof(body) - 1, &offered, &h),
	    SERVER_HELLO_OK);
	assert_int_equal(h.version, 0x0302);
	assert_int_equal(h.suite, 0xc030);
	assert_memory_equal(h.random, RANDOM, 32);
	assert_int_equal(h.session_id.left, 2);
	assert_memory_equal(h.session_id.p, "ab", 2);
	assert_true(h.ticket && h.status && !h.retry && !h.tls13);
	assert_int_equal(server_hello_parse(FRONT, sizeof(FRONT) - 1, &offered, &h),
	    SERVER_HELLO_OK);
	assert_true(!h.ticket && !h.status);
	assert_int_equal(server_hello_parse(retry, sizeof(retry) - 1, &offered, &h),
	    SERVER_HELLO_TLS13);
	assert_true(h.retry && h.tls13);
}

static void
texts(void **state)
{
	(void)state;
	assert_string_equal(server_hello_result_text(SERVER_HELLO_OK), "");
	assert_string_equal(server_hello_result_text(SERVER_HELLO_TLS13), "tls13-chosen");
	for (int r = SERVER_HELLO_BAD; r <= SERVER_HELLO_EXTENSION; r++)
		for (int other = SERVER_HELLO_OK; other < r; other++)
			assert_string_not_equal(
			    server_hello_result_text((enum server_hello_result)r),
			    server_hello_result_text((enum server_hello_result)other));
}

static void
certificate_lists(void **state)
{
	static const struct {
		const char *octets;
		size_t size, count;
	} lists[] = {
		{ "\0\0\4\0\0\1a", 7, 1 },
		{ "\0\0\x9\0\0\1a\0\0\2bc", 12, 2 },
		{ "", 0, 0 },
		{ "\0\0\0", 3, 0 },			/* none: anonymous in disguise */
		{ "\0\0\3\0\0\0", 6, 0 },		/* empty */
		{ "\0\0\7\0\0\1a\0\0\0", 10, 0 },
		{ "\0\0\4\0\0\1ab", 8, 0 },		/* one octet behind */
		{ "\0\0\5\0\0\1ab", 8, 0 },
		{ "\0\0\4\0\0\2a", 7, 0 },
		{ "\0\0\5\0\0\1a", 7, 0 },
	};
	struct octets out[SERVER_HELLO_CERTIFICATES_MAX];
	char many[3 + 4 * (SERVER_HELLO_CERTIFICATES_MAX + 1)] = { 0 };
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_int_equal(server_certificates(lists[i].octets, lists[i].size, out, &count),
		    lists[i].count > 0);
		if (lists[i].count > 0)
			assert_int_equal(count, lists[i].count);
	}
	server_certificates(lists[1].octets, lists[1].size, out, &count);
	assert_memory_equal(out[0].p, "a", 1);
	assert_memory_equal(out[1].p, "bc", 2);
	for (count = 1; count <= SERVER_HELLO_CERTIFICATES_MAX + 1; count++) {
		size_t counted;

		many[2] = (char)(4 * count);
		memcpy(many + 3 + 4 * (count - 1), "\0\0\1x", 4);
		assert_int_equal(server_certificates(many, 3 + 4 * count, out, &counted),
		    count <= SERVER_HELLO_CERTIFICATES_MAX);
	}
}

/* RFC 5077 3.3 */
static void
tickets(void **state)
{
	uint32_t lifetime_s;
	struct octets ticket;

	(void)state;
	assert_true(server_ticket("\0\1\x51\x80\0\2ab", 8, &lifetime_s, &ticket));
	assert_int_equal(lifetime_s, 86400);
	assert_int_equal(ticket.left, 2);
	assert_memory_equal(ticket.p, "ab", 2);
	assert_true(server_ticket("\0\0\0\0\0\0", 6, &lifetime_s, &ticket));
	assert_true(lifetime_s == 0 && ticket.left == 0);
	assert_false(server_ticket("\0\0\0\0\0\2a", 7, &lifetime_s, &ticket));
	assert_false(server_ticket("\0\0\0\0\0\1ab", 8, &lifetime_s, &ticket));
	assert_false(server_ticket("\0\0\0\0\0", 5, &lifetime_s, &ticket));
}

/* clear_messages: of what one side has sent, until its ChangeCipherSpec. */
static struct handshake
clear_messages(const char *octets, size_t len)
{
	struct handshake h = { 0 };
	struct record r;
	size_t used;

	while (record_next(octets, len, &r, &used) == RECORD_OK && r.type == RECORD_HANDSHAKE) {
		assert_int_equal(handshake_add(&h, r.fragment, r.len), HANDSHAKE_OK);
		octets += used;
		len -= used;
	}
	return h;
}

struct flights {
	SSL *client, *server;
	BIO *to_server, *to_client;
	struct handshake asked, answered;
};

/* The first flight of each side. */
static void
fly(struct flights *f, SSL_CTX *ctx, int client_max, int server_max)
{
	SSL_CTX *mine = SSL_CTX_new(TLS_client_method());
	char *octets;
	long len;

	TESTCA_NEED(mine != NULL);
	f->client = SSL_new(mine);
	f->server = SSL_new(ctx);
	f->to_server = BIO_new(BIO_s_mem());
	f->to_client = BIO_new(BIO_s_mem());
	TESTCA_NEED(f->client && f->server && f->to_server && f->to_client);
	SSL_set_security_level(f->client, 0);
	SSL_set_min_proto_version(f->client, TLS1_VERSION);
	SSL_set_max_proto_version(f->client, client_max);
	SSL_set_max_proto_version(f->server, server_max);
	SSL_set_bio(f->client, BIO_new(BIO_s_mem()), f->to_server);
	SSL_set_bio(f->server, BIO_new(BIO_s_mem()), f->to_client);
	SSL_connect(f->client);
	len = BIO_get_mem_data(f->to_server, &octets);
	f->asked = clear_messages(octets, (size_t)len);
	BIO_write(SSL_get_rbio(f->server), octets, (int)len);
	SSL_accept(f->server);
	len = BIO_get_mem_data(f->to_client, &octets);
	f->answered = clear_messages(octets, (size_t)len);
	SSL_CTX_free(mine);
	ERR_clear_error();
}

static void
land(struct flights *f)
{
	handshake_clear(&f->asked);
	handshake_clear(&f->answered);
	SSL_free(f->client);
	SSL_free(f->server);
}

/* The certificate as it was sent; then nothing is missing until ServerHelloDone. */
static void
follow(struct flights *f, const X509 *leaf)
{
	struct octets certificates[SERVER_HELLO_CERTIFICATES_MAX];
	struct handshake_message m;
	unsigned char *der = NULL;
	int len = i2d_X509(leaf, &der);
	size_t count;

	assert_int_equal(handshake_next(&f->answered, &m), HANDSHAKE_OK);
	assert_int_equal(m.type, HANDSHAKE_CERTIFICATE);
	assert_true(server_certificates(m.body, m.len, certificates, &count));
	assert_int_equal(count, 1);
	assert_int_equal(certificates[0].left, len);
	assert_memory_equal(certificates[0].p, der, (size_t)len);
	OPENSSL_free(der);
	do {
		assert_int_equal(handshake_next(&f->answered, &m), HANDSHAKE_OK);
	} while (m.type != HANDSHAKE_SERVER_HELLO_DONE);
	assert_false(handshake_unfinished(&f->answered));
}

static void
real(void **state)
{
	static const struct {
		int client, server;
		enum server_hello_result result;
	} pairs[] = {
		{ TLS1_VERSION, TLS1_3_VERSION, SERVER_HELLO_OK },
		{ TLS1_1_VERSION, TLS1_3_VERSION, SERVER_HELLO_OK },
		{ TLS1_2_VERSION, TLS1_3_VERSION, SERVER_HELLO_OK },
		{ TLS1_2_VERSION, TLS1_1_VERSION, SERVER_HELLO_OK },
		{ TLS1_3_VERSION, TLS1_2_VERSION, SERVER_HELLO_OK },
		{ TLS1_3_VERSION, TLS1_3_VERSION, SERVER_HELLO_TLS13 },
	};
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .cn = "mx", .dns = "mx" });
	SSL_CTX *ctx = testca_server(&leaf, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct handshake_message m, answer;
		struct client_hello offered;
		struct server_hello h;
		struct flights f;

		fly(&f, ctx, pairs[i].client, pairs[i].server);
		assert_int_equal(handshake_next(&f.asked, &m), HANDSHAKE_OK);
		assert_int_equal(client_hello_parse(m.body, m.len, &offered), CLIENT_HELLO_OK);
		assert_int_equal(handshake_next(&f.answered, &answer), HANDSHAKE_OK);
		assert_int_equal(server_hello_parse(answer.body, answer.len, &offered, &h),
		    pairs[i].result);
		if (pairs[i].result == SERVER_HELLO_OK) {
			assert_int_equal(h.version, SSL_version(f.server));
			assert_true(h.ticket);
			follow(&f, leaf.x509);
			/* As if the offer had been made lower on its way. */
			offered.offers_tls13 = true;
			assert_int_equal(server_hello_parse(answer.body, answer.len, &offered, &h),
			    pairs[i].server == TLS1_3_VERSION ? SERVER_HELLO_DOWNGRADE :
			    SERVER_HELLO_OK);
		}
		land(&f);
	}
	SSL_CTX_free(ctx);
	testca_free(&leaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(fields),
		cmocka_unit_test(texts),
		cmocka_unit_test(certificate_lists),
		cmocka_unit_test(tickets),
		cmocka_unit_test(real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
