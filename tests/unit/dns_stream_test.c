/* dns_stream_test.c - DNS over TCP: segments split, repeated, lost, of many connections
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nfq/dns_stream.h"

#define START 0xfffffff0u	/* the numbers run over their end soon */

static struct dns_streams *s;
static char seen[256];

static void
message(void *arg, const unsigned char *p, size_t len)
{
	size_t n = strlen(seen);

	(void)arg;
	assert_in_range(len, 1, DNS_STREAM_MESSAGE);
	if (len > 8)
		len = 8;
	memcpy(seen + n, p, len);
	memcpy(seen + n + len, ".", 2);
}

static struct packet
packet(uint16_t client, uint32_t offset, const void *data, size_t len)
{
	struct packet p = {
		.src.port = 53, .dst.port = client, .protocol = IPPROTO_TCP, .ack = true,
		.seq = START + 1 + offset, .payload = data, .len = len,
	};

	return p;
}

static void
syn(uint16_t client, double now_s)
{
	struct packet p = packet(client, 0, NULL, 0);

	p.syn = true;
	p.seq = START;
	dns_streams_segment(s, &p, now_s, message, NULL);
}

static void
data(uint16_t client, uint32_t offset, const char *bytes, size_t len)
{
	struct packet p = packet(client, offset, bytes, len);

	dns_streams_segment(s, &p, 1, message, NULL);
}

#define DATA(client, offset, bytes) data(client, offset, bytes, sizeof(bytes) - 1)

static int
setup(void **state)
{
	(void)state;
	s = dns_streams_new();
	seen[0] = '\0';
	return s == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	dns_streams_free(s);
	return 0;
}

static void
in_one_segment(void **state)
{
	(void)state;
	syn(1, 0);
	DATA(1, 0, "\0\3abc\0\0\0\2de\0");
	assert_string_equal(seen, "abc.de.");
	DATA(1, 12, "\1x");
	assert_string_equal(seen, "abc.de.x.");
	assert_int_equal(dns_streams_lost(s), 0);
}

static void
split_anywhere(void **state)
{
	static const char bytes[] = "\0\3abc\0\x4" "defg\0\1h";

	(void)state;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		for (uint32_t k = i; k < sizeof(bytes); k++) {
			uint16_t client = (uint16_t)(i * 100 + k);

			seen[0] = '\0';
			syn(client, 0);
			data(client, 0, bytes, i);
			data(client, i, bytes + i, k - i);
			data(client, k, bytes + k, sizeof(bytes) - 1 - k);
			assert_string_equal(seen, "abc.defg.h.");
		}
	assert_int_equal(dns_streams_lost(s), 0);
}

static void
repeated(void **state)
{
	(void)state;
	syn(1, 0);
	syn(1, 0);
	DATA(1, 0, "\0\3a");
	DATA(1, 0, "\0\3a");
	syn(1, 0);
	DATA(1, 1, "\3ab");
	DATA(1, 0, "\0\3abc\0\1d");
	DATA(1, 0, "\0\3abc");
	assert_string_equal(seen, "abc.d.");
	assert_int_equal(dns_streams_lost(s), 0);
}

/* Whoever is on the wire can send what the client throws away (a wrong checksum, an old timestamp),
 * and must not hide by it what the client takes. */
static void
forged_before_the_true_one(void **state)
{
	(void)state;
	syn(1, 0);
	DATA(1, 0, "\0\3xyz");
	DATA(1, 0, "\0\3abc");
	assert_int_equal(dns_streams_lost(s), 1);
	/* The end of it alone. */
	syn(2, 0);
	DATA(2, 0, "\0\3ab");
	DATA(2, 4, "zz");
	DATA(2, 4, "c");
	assert_int_equal(dns_streams_lost(s), 2);
}

static void
forged_syn(void **state)
{
	static const uint32_t numbers[] = { 5000, (uint32_t)-5000, 1, (uint32_t)-1 };

	(void)state;
	for (uint16_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct packet p = packet(i, 0, NULL, 0);

		syn(i, 0);
		p.syn = true;
		p.seq = START + numbers[i];
		dns_streams_segment(s, &p, 1, message, NULL);
		DATA(i, 0, "\0\3abc");
		assert_int_equal(dns_streams_lost(s), i + 1);
	}
}

/* What was sent so long ago that nobody knows it any more. */
static void
repeated_too_late(void **state)
{
	static char bytes[DNS_STREAM_MESSAGE + 2];

	(void)state;
	bytes[0] = (char)(DNS_STREAM_MESSAGE >> 8);
	syn(1, 0);
	DATA(1, 0, "\0\3abc");
	data(1, 5, bytes, sizeof(bytes));
	data(1, 5 + 2, bytes + 2, sizeof(bytes) - 2);
	assert_int_equal(dns_streams_lost(s), 0);
	DATA(1, 0, "\0\3abc");
	assert_int_equal(dns_streams_lost(s), 1);
}

static void
lost(void **state)
{
	(void)state;
	syn(1, 0);
	DATA(1, 0, "\0\3a");
	DATA(1, 4, "c\0\1d");
	assert_string_equal(seen, "");
	assert_int_equal(dns_streams_lost(s), 1);
	DATA(1, 3, "b");			/* too late: watched no more */
	assert_int_equal(dns_streams_lost(s), 2);
	assert_string_equal(seen, "");
	/* The same ports again, from a new SYN on. */
	syn(1, 0);
	DATA(1, 0, "\0\1x");
	assert_string_equal(seen, "x.");
	DATA(2, 0, "\0\1y");			/* never seen its SYN */
	assert_int_equal(dns_streams_lost(s), 3);
	assert_string_equal(seen, "x.");
}

static void
copied_in_part(void **state)
{
	struct packet p = packet(1, 0, "\0\1a\0\5bc", 7);

	(void)state;
	syn(1, 0);
	p.cut = true;
	dns_streams_segment(s, &p, 1, message, NULL);
	assert_string_equal(seen, "a.");
	assert_int_equal(dns_streams_lost(s), 1);
	DATA(1, 7, "def");
	assert_string_equal(seen, "a.");
}

static void
ends(void **state)
{
	struct packet p = packet(1, 0, "\0\1a", 3);

	(void)state;
	syn(1, 0);
	p.fin = true;
	dns_streams_segment(s, &p, 1, message, NULL);
	assert_string_equal(seen, "a.");
	DATA(1, 3, "\0\1b");
	assert_string_equal(seen, "a.");
	syn(1, 0);
	p.fin = false;
	p.rst = true;
	p.len = 0;
	dns_streams_segment(s, &p, 1, message, NULL);
	DATA(1, 0, "\0\1b");
	assert_string_equal(seen, "a.");
}

static void
another_connection_of_the_same_ports(void **state)
{
	struct packet p = packet(1, 0, "\0\1b", 3);

	(void)state;
	syn(1, 0);
	DATA(1, 0, "\0\5x");
	p.syn = true;				/* RFC 7413: data with the SYN */
	p.seq = 77;
	dns_streams_segment(s, &p, 1, message, NULL);
	assert_string_equal(seen, "b.");
	assert_int_equal(dns_streams_lost(s), 0);
}

static void
too_long(void **state)
{
	static char bytes[DNS_STREAM_MESSAGE + 3];

	(void)state;
	bytes[0] = (char)((DNS_STREAM_MESSAGE + 1) >> 8);
	bytes[1] = (char)(DNS_STREAM_MESSAGE + 1);
	syn(1, 0);
	data(1, 0, bytes, 1000);
	data(1, 1000, bytes + 1000, sizeof(bytes) - 1000);
	assert_string_equal(seen, "");
	assert_int_not_equal(dns_streams_lost(s), 0);
	DATA(1, sizeof(bytes), "\0\1b");
	assert_string_equal(seen, "b.");
	/* As long as may be. */
	bytes[0] = (char)(DNS_STREAM_MESSAGE >> 8);
	bytes[1] = (char)DNS_STREAM_MESSAGE;
	memset(bytes + 2, 'z', DNS_STREAM_MESSAGE);
	syn(2, 0);
	data(2, 0, bytes, 1000);
	data(2, 1000, bytes + 1000, sizeof(bytes) - 1 - 1000);
	assert_string_equal(seen, "b.zzzzzzzz.");
}

static void
the_one_idle_longest_gives_way(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < DNS_STREAMS; i++)
		syn(i, i == 7 ? 0.5 : 0.7);
	syn(1000, 0.8);
	DATA(7, 0, "\0\1a");
	assert_string_equal(seen, "");
	DATA(8, 0, "\0\1b");
	DATA(1000, 0, "\0\1c");
	assert_string_equal(seen, "b.c.");
	assert_int_equal(dns_streams_lost(s), 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(in_one_segment),
		TEST(split_anywhere),
		TEST(repeated),
		TEST(forged_before_the_true_one),
		TEST(forged_syn),
		TEST(repeated_too_late),
		TEST(lost),
		TEST(copied_in_part),
		TEST(ends),
		TEST(another_connection_of_the_same_ports),
		TEST(too_long),
		TEST(the_one_idle_longest_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
