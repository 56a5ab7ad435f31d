/* dns_watch_test.c - from copied packets to hints, and none too often
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nfq/dns_watch.h"

static struct {
	struct dns_watch *watch;
	bool deaf;
	unsigned hints, mapped;
	char said[512];
} w;

static bool
hint(void *arg, const struct hint *h)
{
	char ip[ADDRESS_TEXT_SIZE];
	size_t at = strlen(w.said);

	(void)arg;
	w.hints++;
	if (h->mx_host[0] == '\0')
		snprintf(w.said + at, sizeof(w.said) - at, "%s\n", h->domain);
	else
		snprintf(w.said + at, sizeof(w.said) - at, "%s %s %s %u\n", h->domain, h->mx_host,
		    address_print_ip(&h->peer.ip, ip), (unsigned)h->ttl_s);
	return !w.deaf;
}

static void
mapped(void *arg, const char *domain, const struct in6_addr *ip)
{
	(void)arg, (void)ip;
	assert_string_equal(domain, "a.example");
	w.mapped++;
}

static int
begin(void **state)
{
	static const struct dns_watch_events events = { hint, mapped };

	(void)state;
	memset(&w, 0, sizeof(w));
	w.watch = dns_watch_new(&events, NULL, 3600);
	return w.watch == NULL;
}

static int
end(void **state)
{
	(void)state;
	dns_watch_free(w.watch);
	return 0;
}

/* The answers to "a.example MX" and "mx.a.example A", as they stand behind UDP. */
#define NAME "\1a\7example\0"
static const unsigned char mx[] = "\0\7\201\200\0\1\0\1\0\0\0\0" NAME "\0\17\0\1"
    "\300\14\0\17\0\1\0\0\1\54\0\7\0\12\2mx\300\14";
static const unsigned char a[] = "\0\7\201\200\0\1\0\1\0\0\0\0" "\2mx" NAME "\0\1\0\1"
    "\300\14\0\1\0\1\0\0\1\54\0\4\300\0\2\31";

/* udp: the packet round it, from that port. */
static unsigned
udp(const unsigned char *message, size_t len, unsigned port, double now_s)
{
	unsigned char p[256] = { 0x45, [8] = 64, 17, [12] = 192, 0, 2, 53, 192, 0, 2, 1 };

	p[3] = (unsigned char)(28 + len);
	p[20] = (unsigned char)(port >> 8);
	p[21] = (unsigned char)port;
	p[22] = 0x80;
	p[25] = (unsigned char)(8 + len);
	memcpy(p + 28, message, len);
	return dns_watch_packet(w.watch, p, 28 + len, now_s);
}

/* tcp: a segment from port 53. */
static unsigned
tcp(const unsigned char *data, size_t len, uint8_t seq, uint8_t flags)
{
	unsigned char p[256] = { 0x45, [8] = 64, 6, [12] = 192, 0, 2, 53, 192, 0, 2, 1, 0, 53,
		0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50 };

	p[3] = (unsigned char)(40 + len);
	p[27] = seq;
	p[33] = flags;
	memcpy(p + 40, data, len);
	return dns_watch_packet(w.watch, p, 40 + len, 1);
}

static void
an_mx_and_its_address(void **state)
{
	(void)state;
	assert_int_equal(udp(mx, sizeof(mx) - 1, 53, 1), 1);
	assert_string_equal(w.said, "a.example\n");
	assert_int_equal(udp(a, sizeof(a) - 1, 53, 1), 1);
	assert_string_equal(w.said, "a.example\na.example mx.a.example 192.0.2.25 300\n");
	assert_int_equal(w.mapped, 1);
}

static void
hints_are_not_repeated_for_a_minute(void **state)
{
	(void)state;
	udp(mx, sizeof(mx) - 1, 53, 1);
	for (unsigned i = 0; i < 100; i++)
		udp(a, sizeof(a) - 1, 53, 1 + i * 0.5);
	assert_int_equal(w.hints, 2);
	assert_true(w.mapped >= 1);
	udp(a, sizeof(a) - 1, 53, 70);
	assert_int_equal(w.hints, 3);
	/* Somebody new has heard none of it. */
	dns_watch_renew(w.watch);
	udp(a, sizeof(a) - 1, 53, 110);
	assert_int_equal(w.hints, 4);
	/* What was not taken is said again earlier. */
	w.deaf = true;
	udp(a, sizeof(a) - 1, 53, 200);
	udp(a, sizeof(a) - 1, 53, 240);
	assert_int_equal(w.hints, 6);
}

/* more: whether learnt thinks that somebody else may use the address. */
static bool
more(double now_s)
{
	const char *domains[LEARNT_DOMAINS_MAX];
	struct in6_addr ip;
	bool yes;

	assert_true(address_parse_ip(&ip, "192.0.2.25", 10));
	assert_int_equal(learnt_domains(dns_watch_learnt(w.watch), &ip, now_s, domains, &yes), 1);
	assert_string_equal(domains[0], "a.example");
	return yes;
}

/* What went by unread may have named any address. */
static void
what_is_lost_is_told(void **state)
{
	static const unsigned char bad[] = { 0, 7, 0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 1, 'a' };
	unsigned char p[64] = { 0x45, [2] = 1, 0, [8] = 64, 17, [12] = 192, 0, 2, 53, 192, 0, 2, 1,
		0, 53, 0x80, 0, 0, 236 };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		end(NULL);
		begin(NULL);
		udp(mx, sizeof(mx) - 1, 53, 1);
		udp(a, sizeof(a) - 1, 53, 1);
		assert_false(more(2));
		if (i == 0)
			udp(bad, sizeof(bad), 53, 2);
		else if (i == 1)
			tcp(mx, 20, 100, 0x10);		/* a connection older than the watch */
		else if (i == 2)
			dns_watch_packet(w.watch, p, sizeof(p), 2);	/* copied in part */
		else if (i == 3)
			dns_watch_lost(w.watch, 2);
		else
			dns_watch_packet(w.watch, p, 24, 2);	/* not even its UDP header */
		assert_true(more(3));
	}
}

static void
other_packets_say_nothing(void **state)
{
	unsigned char query[sizeof(mx) - 1];

	(void)state;
	assert_int_equal(udp(mx, sizeof(mx) - 1, 5353, 1), 0);
	memcpy(query, mx, sizeof(query));
	query[2] = 1;
	assert_int_equal(udp(query, sizeof(query), 53, 1), 0);
	for (size_t len = 0; len < sizeof(mx) - 1; len++)
		assert_int_equal(udp(mx, len, 53, 1), 0);
	assert_int_equal(dns_watch_packet(w.watch, (const unsigned char *)"", 0, 1), 0);
	assert_int_equal(w.hints, 0);
}

static void
over_tcp_in_two_segments(void **state)
{
	unsigned char stream[sizeof(mx) + 1] = { 0, sizeof(mx) - 1 };

	(void)state;
	memcpy(stream + 2, mx, sizeof(mx) - 1);
	assert_int_equal(tcp(stream, 0, 0, 0x12), 0);
	assert_int_equal(tcp(stream, 9, 1, 0x10), 0);
	assert_int_equal(w.hints, 0);
	assert_int_equal(tcp(stream + 9, sizeof(stream) - 9, 10, 0x18), 1);
	assert_string_equal(w.said, "a.example\n");
}

int
main(void)
{
#define WATCH_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		WATCH_TEST(an_mx_and_its_address),
		WATCH_TEST(hints_are_not_repeated_for_a_minute),
		WATCH_TEST(what_is_lost_is_told),
		WATCH_TEST(other_packets_say_nothing),
		WATCH_TEST(over_tcp_in_two_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
