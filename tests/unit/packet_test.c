/* packet_test.c - IP, UDP and TCP headers, whole, cut and contradictory
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nfq/packet.h"

#define V4(len, fragment, protocol) \
	"\x45\0" len "\0\1" fragment "\x40" protocol "\0\0" "\xc0\0\2\1" "\xc0\xa8\1\2"
#define V6(len, next) "\x60\0\0\0\0" len next "\x40" V6_SRC V6_DST
#define V6_SRC "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6_DST "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define V6_MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
#define UDP(len) "\0\x35\x9c\x40\0" len "\0\0"
#define TCP(words, flags) "\0\x35\x9c\x41\1\2\3\4\0\0\0\0" words flags "\xff\xff\0\0\0\0"
#define NOP4 "\1\1\1\1"

static const struct {
	const char *what, *bytes;
	size_t size;
	enum packet_result result;
	uint8_t protocol;
	const char *payload;
	bool cut;
} cases[] = {
#define GOOD(what, protocol, payload, cut, bytes) \
	{ what, bytes, sizeof(bytes) - 1, PACKET_OK, protocol, payload, cut }
#define OTHER(what, bytes) { what, bytes, sizeof(bytes) - 1, PACKET_OTHER, 0, NULL, false }
#define BAD(what, bytes) { what, bytes, sizeof(bytes) - 1, PACKET_BAD, 0, NULL, false }
	GOOD("UDP", 17, "abc", false, V4("\0\x1f", "\0\0", "\x11") UDP("\xb") "abc"),
	GOOD("do not fragment", 17, "abc", false, V4("\0\x1f", "\x40\0", "\x11") UDP("\xb") "abc"),
	GOOD("padding of the link", 17, "abc", false,
	    V4("\0\x1f", "\0\0", "\x11") UDP("\xb") "abc\0\0\0"),
	GOOD("padding behind UDP", 17, "abc", false,
	    V4("\0\x20", "\0\0", "\x11") UDP("\xb") "abcd"),
	GOOD("copied in part", 17, "a", true, V4("\0\x1f", "\0\0", "\x11") UDP("\xb") "a"),
	GOOD("no payload copied", 17, "", true, V4("\0\x1f", "\0\0", "\x11") UDP("\xb")),
	GOOD("first fragment", 17, "abc", true, V4("\0\x1f", "\x20\0", "\x11") UDP("\x40") "abc"),
	OTHER("fragment", V4("\0\x1f", "\0\1", "\x11") UDP("\xb") "abc"),
	OTHER("ICMP", V4("\0\x1f", "\0\0", "\1") UDP("\xb") "abc"),
	BAD("UDP over IP", V4("\0\x1f", "\0\0", "\x11") UDP("\xc") "abcd"),
	BAD("UDP too short", V4("\0\x1f", "\0\0", "\x11") UDP("\7") "abc"),
	BAD("IP shorter than its header", V4("\0\x13", "\0\0", "\x11") UDP("\xb") "abc"),
	BAD("IP without transport", V4("\0\x1b", "\0\0", "\x11") UDP("\xb") "abc"),
	BAD("header of 16", "\x44" V4("\0\x1f", "\0\0", "\x11") UDP("\xb")),
	BAD("cut in UDP", V4("\0\x1f", "\0\0", "\x11") "\0\x35\x9c\x40\0\xb"),
	BAD("cut in IP", "\x45\0\0\x1f\0\0"),
	BAD("nothing", ""),
	BAD("version 5", "\x55\0\0\x1f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	GOOD("TCP", 6, "abc", false, V4("\0\x2b", "\0\0", "\6") TCP("\x50", "\x18") "abc"),
	GOOD("TCP options", 6, "abc", false,
	    V4("\0\x2f", "\0\0", "\6") TCP("\x60", "\x18") NOP4 "abc"),
	BAD("TCP header short", V4("\0\x2b", "\0\0", "\6") TCP("\x40", "\x18") "abc"),
	BAD("TCP options over IP", V4("\0\x2b", "\0\0", "\6") TCP("\xf0", "\x18") "abc"),
	GOOD("IPv6 UDP", 17, "abc", false, V6("\xb", "\x11") UDP("\xb") "abc"),
	GOOD("IPv6 options", 17, "abc", false,
	    V6("\x1b", "\0") "\x3c\0\1\4\0\0\0\0" "\x11\0\1\4\0\0\0\0" UDP("\xb") "abc"),
	GOOD("IPv6 long option", 17, "abc", false,
	    V6("\x1b", "\0") "\x11\1\1\xc\0\0\0\0" "\0\0\0\0\0\0\0\0" UDP("\xb") "abc"),
	GOOD("IPv6 AH", 17, "abc", false,
	    V6("\x1b", "\x33") "\x11\2\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" UDP("\xb") "abc"),
	GOOD("IPv6 whole in one fragment", 17, "abc", false,
	    V6("\x13", "\x2c") "\x11\0\0\0\0\0\0\1" UDP("\xb") "abc"),
	GOOD("IPv6 first fragment", 17, "abc", true,
	    V6("\x13", "\x2c") "\x11\0\0\1\0\0\0\1" UDP("\x40") "abc"),
	OTHER("IPv6 fragment", V6("\x13", "\x2c") "\x11\0\0\x8\0\0\0\1" UDP("\xb") "abc"),
	OTHER("IPv6 ESP", V6("\xb", "\x32") UDP("\xb") "abc"),
	OTHER("IPv6 nothing next", V6("\0", "\x3b")),
	BAD("IPv6 option over the end", V6("\x13", "\0") "\x11\x9\1\4\0\0\0\0" UDP("\xb") "abc"),
	BAD("IPv6 with a v4-mapped source",
	    "\x60\0\0\0\0\xb\x11\x40" V6_MAPPED V6_DST UDP("\xb") "abc"),
};

static void
headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p;
		enum packet_result result = packet_read(cases[i].bytes, cases[i].size, &p);

		if (result != cases[i].result)
			fail_msg("%s: %d", cases[i].what, result);
		if (result != PACKET_OK)
			continue;
		if (p.len != strlen(cases[i].payload) ||
		    memcmp(p.payload, cases[i].payload, p.len) != 0 || p.cut != cases[i].cut ||
		    p.protocol != cases[i].protocol || p.src.port != 53)
			fail_msg("%s: %zu octets, cut %d", cases[i].what, p.len, p.cut);
	}
}

static void
addresses_and_flags(void **state)
{
	static const char v4[] = V4("\0\x2b", "\0\0", "\6") TCP("\x50", "\x12") "abc";
	static const char v6[] = V6("\x14", "\6") TCP("\x50", "\5");
	char text[ADDRESS_TEXT_SIZE];
	struct packet p;

	(void)state;
	assert_int_equal(packet_read(v4, sizeof(v4) - 1, &p), PACKET_OK);
	assert_string_equal(address_print(&p.src, text), "192.0.2.1:53");
	assert_string_equal(address_print(&p.dst, text), "192.168.1.2:40001");
	assert_int_equal(p.seq, 0x01020304);
	assert_true(p.syn && p.ack && !p.fin && !p.rst);
	assert_int_equal(packet_read(v6, sizeof(v6) - 1, &p), PACKET_OK);
	assert_string_equal(address_print(&p.src, text), "[2001:db8::1]:53");
	assert_string_equal(address_print(&p.dst, text), "[2001:db8::2]:40001");
	assert_true(!p.syn && !p.ack && p.fin && p.rst);
}

static void
options_without_end(void **state)	/* a chain of extension headers is bounded */
{
	char packet[40 + 64 * 8 + 8];
	struct packet p;

	(void)state;
	memcpy(packet, V6("\0", "\x3c"), 40);
	packet[4] = 2;
	packet[5] = 8;
	for (size_t at = 40; at + 8 <= sizeof(packet); at += 8)
		memcpy(packet + at, "\x3c\0\1\4\0\0\0\0", 8);
	assert_int_equal(packet_read(packet, sizeof(packet), &p), PACKET_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(addresses_and_flags),
		cmocka_unit_test(options_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
