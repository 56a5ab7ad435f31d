/* path_test.c - paths as honest clients write them, and those that hide their domain
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/path.h"

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define L63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

enum fact {
	NONE = 0, EMPTY = 1, LITERAL = 2, NO_DOMAIN = 4, ROUTE = 8, UTF8 = 16
};

struct good {
	const char *text, *mailbox, *domain;
	unsigned facts;
};

static const struct good good[] = {
	{ "<>", "", "", EMPTY },
	{ "<a@b.example>", "a@b.example", "b.example", NONE },
	{ "<A.b@B.Example>", "A.b@B.Example", "b.example", NONE },
	{ "<a@host>", "a@host", "host", NONE },
	{ "<!#$%&'*+-/=?^_`{|}~09@b.example>",
	    "!#$%&'*+-/=?^_`{|}~09@b.example", "b.example", NONE },
	{ "<user%other.example@b.example>", "user%other.example@b.example", "b.example", NONE },
	/* Dots where RFC 5321 has none, as honest systems send them. */
	{ "<first..last@b.example>", "first..last@b.example", "b.example", NONE },
	{ "<last.@b.example>", "last.@b.example", "b.example", NONE },
	{ "<.first@b.example>", ".first@b.example", "b.example", NONE },
	/* RFC 5321 4.1.2 Quoted-string. */
	{ "<\"a b\"@b.example>", "\"a b\"@b.example", "b.example", NONE },
	{ "<\"a@evil.example\"@b.example>", "\"a@evil.example\"@b.example", "b.example", NONE },
	{ "<\"a>b\"@b.example>", "\"a>b\"@b.example", "b.example", NONE },
	{ "<\"a\\\"@evil.example>\"@b.example>", "\"a\\\"@evil.example>\"@b.example",
	    "b.example", NONE },
	{ "<\"\\\\\"@b.example>", "\"\\\\\"@b.example", "b.example", NONE },
	{ "<\"\"@b.example>", "\"\"@b.example", "b.example", NONE },
	/* Source routes (RFC 5321 appendix C): the mailbox decides. */
	{ "<@r.example:a@b.example>", "a@b.example", "b.example", ROUTE },
	{ "<@r.example,@s.example:a@b.example>", "a@b.example", "b.example",
	    ROUTE },
	/* RFC 5321 4.1.1.3, 4.1.3. */
	{ "<postmaster>", "postmaster", "", NO_DOMAIN },
	{ "<PostMaster>", "PostMaster", "", NO_DOMAIN },
	{ "<a@[192.0.2.1]>", "a@[192.0.2.1]", "", LITERAL },
	{ "<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", "", LITERAL },
	{ "<a@[ipv6:::ffff:192.0.2.1]>", "a@[ipv6:::ffff:192.0.2.1]", "", LITERAL },
	/* RFC 6531 3.3. */
	{ "<j\xc3\xbcrgen@b.example>", "j\xc3\xbcrgen@b.example", "b.example", UTF8 },
	{ "<\"\xe7\x94\xa8\xe6\x88\xb7\"@b.example>", "\"\xe7\x94\xa8\xe6\x88\xb7\"@b.example",
	    "b.example", UTF8 },
	{ "<a@b\xc3\xbc" "cher.example>", "a@b\xc3\xbc" "cher.example", "xn--bcher-kva.example",
	    UTF8 },
	{ "<" X64 "@b.example>", X64 "@b.example", "b.example", NONE },
	{ "<" X64 X64 "=v@b.example>", X64 X64 "=v@b.example", "b.example", NONE },
	{ "<a@" L63 "." L63 ".example>", "a@" L63 "." L63 ".example",
	    L63 "." L63 ".example", NONE },
};

static const struct {
	const char *text;
	enum path_result result;
} bad[] = {
	{ "", PATH_NO_BRACKETS },
	{ "a@b.example", PATH_NO_BRACKETS },
	{ " <a@b.example>", PATH_NO_BRACKETS },
	{ "<", PATH_UNTERMINATED },
	{ "<a", PATH_UNTERMINATED },
	{ "<a@", PATH_UNTERMINATED },
	{ "<a@b.example", PATH_UNTERMINATED },
	{ "<\"a\"", PATH_UNTERMINATED },
	{ "<@>", PATH_SOURCE_ROUTE_BAD },
	{ "<@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@r.example,:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@r.example,s.example:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@r.example, @s.example:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@r.example.:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@r.example@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@b\xc3\xbc.example:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@[192.0.2.1]:a@b.example>", PATH_SOURCE_ROUTE_BAD },
	{ "<@r.example:@s.example:a@b.example>", PATH_LOCAL_BAD },
	{ "<@r.example:>", PATH_LOCAL_BAD },
	{ "< a@b.example>", PATH_LOCAL_BAD },
	{ "<a @b.example>", PATH_LOCAL_BAD },
	{ "<a\t@b.example>", PATH_LOCAL_BAD },
	{ "<<a@b.example>>", PATH_LOCAL_BAD },
	{ "<a(x)@b.example>", PATH_LOCAL_BAD },
	{ "<a,b@b.example>", PATH_LOCAL_BAD },
	{ "<a:b@b.example>", PATH_LOCAL_BAD },
	{ "<a\\@evil.example@b.example>", PATH_LOCAL_BAD },
	{ "<a\"b\"@b.example>", PATH_LOCAL_BAD },
	{ "<\"a\"b@b.example>", PATH_LOCAL_BAD },
	{ "<\"a\".\"b\"@b.example>", PATH_LOCAL_BAD },
	{ "<\"a@b.example>", PATH_LOCAL_BAD },
	{ "<\"a\\", PATH_LOCAL_BAD },
	{ "<\"a\tb\"@b.example>", PATH_LOCAL_BAD },
	{ "<\"a\\\xc3\xbc\"@b.example>", PATH_LOCAL_BAD },
	{ "<a\x7f@b.example>", PATH_LOCAL_BAD },
	/* RFC 3629 4: overlong, surrogate, beyond the end, cut off, stray. */
	{ "<\xc0\xaf@b.example>", PATH_LOCAL_BAD },
	{ "<\xe0\x80\xaf@b.example>", PATH_LOCAL_BAD },
	{ "<\xed\xa0\x80@b.example>", PATH_LOCAL_BAD },
	{ "<\xf4\x90\x80\x80@b.example>", PATH_LOCAL_BAD },
	{ "<\xc3@b.example>", PATH_LOCAL_BAD },
	{ "<\xbc@b.example>", PATH_LOCAL_BAD },
	{ "<\xfe@b.example>", PATH_LOCAL_BAD },
	/* What mapping or normalising turns into a control, "@" or ".". */
	{ "<a\xc2\x85@b.example>", PATH_LOCAL_BAD },
	{ "<a\xef\xbc\xa0" "evil.example@b.example>", PATH_LOCAL_BAD },
	{ "<a@b.example\xe3\x80\x82" "evil.example>", PATH_DOMAIN_BAD },
	{ "<a@b\xc3\xbc.example\xef\xbc\x8e>", PATH_DOMAIN_BAD },
	{ "<" X64 X64 X64 X64 "@b.example>", PATH_TOO_LONG },
	{ "<root>", PATH_NO_DOMAIN },
	{ "<\"postmaster\">", PATH_NO_DOMAIN },
	{ "<@r.example:postmaster>", PATH_NO_DOMAIN },
	{ "<a@>", PATH_DOMAIN_BAD },
	{ "<a@b.example.>", PATH_DOMAIN_BAD },
	{ "<a@.b.example>", PATH_DOMAIN_BAD },
	{ "<a@b..example>", PATH_DOMAIN_BAD },
	{ "<a@-b.example>", PATH_DOMAIN_BAD },
	{ "<a@b_c.example>", PATH_DOMAIN_BAD },
	{ "<a@b.example@evil.example>", PATH_DOMAIN_BAD },
	{ "<a@@b.example>", PATH_DOMAIN_BAD },
	{ "<a@b.example >", PATH_DOMAIN_BAD },
	{ "<a@ b.example>", PATH_DOMAIN_BAD },
	{ "<a@b.example<c>", PATH_DOMAIN_BAD },
	{ "<a@b.example\r>", PATH_DOMAIN_BAD },
	{ "<a@b.example:25>", PATH_DOMAIN_BAD },
	{ "<a@(x)b.example>", PATH_DOMAIN_BAD },
	{ "<a@b\xfc" "cher.example>", PATH_DOMAIN_BAD },
	{ "<a@x" L63 ".example>", PATH_DOMAIN_BAD },
	{ "<a@[]>", PATH_LITERAL_BAD },
	{ "<a@[192.0.2.1>", PATH_LITERAL_BAD },
	{ "<a@[192.0.2]>", PATH_LITERAL_BAD },
	{ "<a@[192.0.2.256]>", PATH_LITERAL_BAD },
	{ "<a@[192.0.2.01]>", PATH_LITERAL_BAD },
	{ "<a@[2001:db8::1]>", PATH_LITERAL_BAD },
	{ "<a@[IPv6:192.0.2.1]>", PATH_LITERAL_BAD },
	{ "<a@[x-net:1.2]>", PATH_LITERAL_BAD },
	{ "<a@[192.0.2.1].example>", PATH_LITERAL_BAD },
	{ "<a@[192.0.2.1]@b.example>", PATH_LITERAL_BAD },
	{ "<@" L63 "." L63 ",@" L63 "." L63 ":a@b.example>", PATH_TOO_LONG },
};

static unsigned
facts(const struct path *p)
{
	return (p->null ? EMPTY : 0U) | (p->literal ? LITERAL : 0U) |
	    (p->no_domain ? NO_DOMAIN : 0U) | (p->source_route ? ROUTE : 0U) |
	    (p->utf8 ? UTF8 : 0U);
}

static void
good_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct good *g = &good[i];
		char text[512];
		size_t used, len = strlen(g->text);
		struct path path;

		snprintf(text, sizeof(text), "%s SIZE=1>", g->text);
		if (path_parse(text, strlen(text), &path, &used) != PATH_OK)
			fail_msg("refused: %s", g->text);
		assert_int_equal(used, len);
		assert_int_equal(path.mailbox_len, strlen(g->mailbox));
		assert_memory_equal(path.mailbox, g->mailbox, path.mailbox_len);
		assert_string_equal(path.domain, g->domain);
		assert_int_equal(facts(&path), g->facts);
		for (size_t cut = 1; cut < len; cut++)	/* no prefix of a path is one */
			assert_int_not_equal(path_parse(text, cut, &path, &used), PATH_OK);
	}
}

static void
bad_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct path path;
		size_t used = 1;
		enum path_result r = path_parse(bad[i].text, strlen(bad[i].text), &path, &used);

		if (r != bad[i].result)
			fail_msg("%s: %s, not %s", bad[i].text, path_result_text(r),
			    path_result_text(bad[i].result));
		assert_int_equal(used, 0);
	}
	assert_int_equal(path_parse("<a\0b@b.example>", 15, &(struct path){ 0 }, &(size_t){ 0 }),
	    PATH_LOCAL_BAD);
	assert_int_equal(path_parse("<a@b.example\0.evil>", 19, &(struct path){ 0 },
	    &(size_t){ 0 }), PATH_DOMAIN_BAD);
	assert_int_equal(path_parse("<a@[192.0.2.1\0]>", 16, &(struct path){ 0 }, &(size_t){ 0 }),
	    PATH_LITERAL_BAD);
}

/* Who sends is the server's business, but what cannot be taken apart is refused here too. */
static void
reverse_paths(void **state)
{
	static const struct {
		const char *text;
		enum path_result result;
		const char *domain;
	} rows[] = {
		{ "<>", PATH_OK, "" },
		{ "<a@b.example>", PATH_OK, "b.example" },
		{ "<root>", PATH_OK, "" },
		{ "<scanner@office_printer.example>", PATH_OK, "" },
		{ "<a@b.example.>", PATH_OK, "" },
		{ "<SRS0=" X64 "=b.example=a@c.example>", PATH_OK, "c.example" },
		{ "<a@b.example@c.example>", PATH_DOMAIN_BAD, "" },
		{ "<a b@c.example>", PATH_LOCAL_BAD, "" },
		{ "<a@b\xfc.example>", PATH_DOMAIN_BAD, "" },
		{ "<a@b.example", PATH_UNTERMINATED, "" },
		{ "<a@>", PATH_DOMAIN_BAD, "" },
		{ "<" X64 X64 X64 X64 "@b.example>", PATH_TOO_LONG, "b.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct path path;
		size_t used;
		size_t len = strlen(rows[i].text);

		assert_int_equal(path_parse_reverse(rows[i].text, len, &path, &used),
		    rows[i].result);
		assert_string_equal(path.domain, rows[i].domain);
	}
}

static void
every_result_has_words(void **state)
{
	(void)state;
	for (int r = PATH_OK; r <= PATH_NEEDS_SMTPUTF8; r++)
		assert_string_not_equal(path_result_text((enum path_result)r), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_paths),
		cmocka_unit_test(bad_paths),
		cmocka_unit_test(reverse_paths),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
