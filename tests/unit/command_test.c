/* command_test.c - command lines of honest clients, and others (RFC 5321 4.1.1)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/command.h"

#define X25 "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X100 X25 X25 X25 X25
#define FROM "MAIL FROM:<a@b.example>"
#define TO "RCPT TO:<a@b.example>"

static const struct {
	const char *line;
	enum verb verb;
	const char *argument;
	unsigned uses;
} good[] = {
	{ "HELO client.example", VERB_HELO, "client.example", 0 },
	{ "helo  client.example ", VERB_HELO, "client.example", 0 },
	{ "EHLO [192.0.2.1]", VERB_EHLO, "[192.0.2.1]", 0 },
	{ "EHLO WIN_2003 ", VERB_EHLO, "WIN_2003", 0 },
	{ "EHLO localhost.(none)", VERB_EHLO, "localhost.(none)", 0 },
	{ "STARTTLS", VERB_STARTTLS, "", 0 },
	{ "StartTLS  ", VERB_STARTTLS, "", 0 },
	{ "DATA", VERB_DATA, "", 0 },
	{ "data ", VERB_DATA, "", 0 },
	{ "RSET", VERB_RSET, "", 0 },
	{ "QUIT", VERB_QUIT, "", 0 },
	{ "NOOP", VERB_NOOP, "", 0 },
	{ "NOOP  a b ", VERB_NOOP, " a b ", 0 },
	{ "HELP MAIL", VERB_HELP, "MAIL", 0 },
	{ "VRFY a@b.example", VERB_VRFY, "a@b.example", 0 },
	{ "EXPN list", VERB_EXPN, "list", 0 },
	{ "AUTH PLAIN AGEAYg==", VERB_AUTH, "PLAIN AGEAYg==", 0 },
	{ "ETRN b.example", VERB_ETRN, "b.example", 0 },
	{ "XCLIENT ADDR=192.0.2.1", VERB_UNKNOWN, "ADDR=192.0.2.1", 0 },
	{ "MAILFROM:<a@b.example>", VERB_UNKNOWN, "", 0 },
	{ "DATAX", VERB_UNKNOWN, "", 0 },
	{ "DAT", VERB_UNKNOWN, "", 0 },
	{ " DATA", VERB_UNKNOWN, "DATA", 0 },
	{ "", VERB_UNKNOWN, "", 0 },
	{ "BDAT 0 LAST", VERB_BDAT, "0 LAST", EXT_CHUNKING },
	{ FROM, VERB_MAIL, "FROM:<a@b.example>", 0 },
	{ "mail from: <a@b.example> ", VERB_MAIL, "from: <a@b.example> ", 0 },
	{ "MAIL FROM:<>", VERB_MAIL, "FROM:<>", 0 },
	{ FROM " SIZE=12345678901234567890", VERB_MAIL, NULL, EXT_SIZE },
	{ FROM " size=1  body=8bitmime ", VERB_MAIL, NULL, EXT_SIZE | EXT_8BITMIME },
	{ FROM " BODY=7BIT", VERB_MAIL, NULL, EXT_8BITMIME },
	{ FROM " BODY=BINARYMIME", VERB_MAIL, NULL, EXT_BINARYMIME },
	{ FROM " SMTPUTF8", VERB_MAIL, NULL, EXT_SMTPUTF8 },
	{ "MAIL FROM:<j\xc3\xb6@b.example> SMTPUTF8", VERB_MAIL, NULL, EXT_SMTPUTF8 },
	{ FROM " RET=HDRS ENVID=QQ+2B1", VERB_MAIL, NULL, EXT_DSN },
	{ FROM " ENVID=" X100, VERB_MAIL, NULL, EXT_DSN },
	{ FROM " BY=-120;R", VERB_MAIL, NULL, EXT_DELIVERBY },
	{ FROM " BY=999999999;nt", VERB_MAIL, NULL, EXT_DELIVERBY },
	{ TO, VERB_RCPT, NULL, 0 },
	{ "RCPT TO:<postmaster>", VERB_RCPT, NULL, 0 },
	{ TO " NOTIFY=NEVER", VERB_RCPT, NULL, EXT_DSN },
	{ TO " NOTIFY=SUCCESS,failure,DELAY ORCPT=rfc822;a+2Bx@b.example", VERB_RCPT, NULL,
	    EXT_DSN },
	/* Not the xtext of RFC 3461 4, but what it means is the server's business. */
	{ TO " ORCPT=rfc822;a+x=y@b.example", VERB_RCPT, NULL, EXT_DSN },
	{ TO " ORCPT=utf-8;j\xc3\xb6@b.example", VERB_RCPT, NULL, EXT_DSN | EXT_SMTPUTF8 },
	{ "RCPT TO:<j\xc3\xb6@b.example>", VERB_RCPT, NULL, EXT_SMTPUTF8 },
};

static const struct {
	const char *line;
	enum command_result result;
	enum path_result why;
} bad[] = {
	{ "HELO", COMMAND_SYNTAX, PATH_OK },
	{ "EHLO  ", COMMAND_SYNTAX, PATH_OK },
	{ "EHLO a b", COMMAND_SYNTAX, PATH_OK },
	{ "EHLO a\tb", COMMAND_SYNTAX, PATH_OK },
	{ "EHLO b\xc3\xbc.example", COMMAND_NOT_ASCII, PATH_OK },
	{ "NOOP \xff", COMMAND_NOT_ASCII, PATH_OK },
	{ "\xff\xfb\x01", COMMAND_SYNTAX, PATH_OK },
	{ "NOOP \x1b[2J", COMMAND_SYNTAX, PATH_OK },
	{ "DATA now", COMMAND_SYNTAX, PATH_OK },
	{ "STARTTLS x", COMMAND_SYNTAX, PATH_OK },
	{ "RSET x", COMMAND_SYNTAX, PATH_OK },
	{ "QUIT x", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT LAST", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT -1", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT +1", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT 0x10", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT 1LAST", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT 1 LASTLY", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT 1 2", COMMAND_SYNTAX, PATH_OK },
	{ "BDAT 18446744073709551616", COMMAND_SYNTAX, PATH_OK },
	{ "MAIL", COMMAND_SYNTAX, PATH_OK },
	{ "MAIL TO:<a@b.example>", COMMAND_SYNTAX, PATH_OK },
	{ "RCPT FROM:<a@b.example>", COMMAND_SYNTAX, PATH_OK },
	{ "RCPT TO <a@b.example>", COMMAND_SYNTAX, PATH_OK },
	{ "MAIL FROM:", COMMAND_PATH, PATH_NO_BRACKETS },
	{ "MAIL FROM:a@b.example", COMMAND_PATH, PATH_NO_BRACKETS },
	{ "RCPT TO:<>", COMMAND_PATH, PATH_EMPTY },
	{ "RCPT TO:<a@b.example", COMMAND_PATH, PATH_UNTERMINATED },
	{ "RCPT TO:<root>", COMMAND_PATH, PATH_NO_DOMAIN },
	{ "RCPT TO:<a@b.example@c.example>", COMMAND_PATH, PATH_DOMAIN_BAD },
	{ "MAIL FROM:<j\xc3\xb6@b.example>", COMMAND_PATH, PATH_NEEDS_SMTPUTF8 },
	{ TO "<c@d.example>", COMMAND_SYNTAX, PATH_OK },
	{ TO "NOTIFY=NEVER", COMMAND_SYNTAX, PATH_OK },
	{ FROM " REQUIRETLS", COMMAND_PARAMETER, PATH_OK },	/* R140: not offered */
	{ FROM " AUTH=<>", COMMAND_PARAMETER, PATH_OK },
	{ FROM " X", COMMAND_PARAMETER, PATH_OK },
	{ FROM " =1", COMMAND_PARAMETER, PATH_OK },
	{ FROM " SIZES=1", COMMAND_PARAMETER, PATH_OK },
	{ FROM " NOTIFY=NEVER", COMMAND_PARAMETER, PATH_OK },
	{ FROM " SIZE=1 size=1", COMMAND_PARAMETER, PATH_OK },
	{ TO " SIZE=1", COMMAND_PARAMETER, PATH_OK },
	{ FROM " SIZE", COMMAND_SYNTAX, PATH_OK },
	{ FROM " SIZE=", COMMAND_SYNTAX, PATH_OK },
	{ FROM " SIZE=-1", COMMAND_SYNTAX, PATH_OK },
	{ FROM " SIZE=123456789012345678901", COMMAND_SYNTAX, PATH_OK },
	{ FROM " BODY=9BIT", COMMAND_SYNTAX, PATH_OK },
	{ FROM " SMTPUTF8=1", COMMAND_SYNTAX, PATH_OK },
	{ FROM " RET=ALL", COMMAND_SYNTAX, PATH_OK },
	{ FROM " ENVID=x" X100, COMMAND_SYNTAX, PATH_OK },
	{ FROM " BY=;R", COMMAND_SYNTAX, PATH_OK },
	{ FROM " BY=-", COMMAND_SYNTAX, PATH_OK },
	{ FROM " BY=1;X", COMMAND_SYNTAX, PATH_OK },
	{ FROM " BY=1234567890;R", COMMAND_SYNTAX, PATH_OK },
	{ TO " NOTIFY=NEVER,DELAY", COMMAND_SYNTAX, PATH_OK },
	{ TO " NOTIFY=DELAY,", COMMAND_SYNTAX, PATH_OK },
	{ TO " ORCPT=a@b.example", COMMAND_SYNTAX, PATH_OK },
	{ TO " ORCPT=;x", COMMAND_SYNTAX, PATH_OK },
	{ TO " ORCPT=rfc822;", COMMAND_SYNTAX, PATH_OK },
	{ TO " ORCPT=rfc822;" X100 X100 X100 X100 X100, COMMAND_SYNTAX, PATH_OK },
	{ TO " ORCPT=rfc822;j\xc3\xb6@b.example", COMMAND_NOT_ASCII, PATH_OK },
	{ FROM " ENVID=\xc3\xb6", COMMAND_NOT_ASCII, PATH_OK },
	{ FROM " ORCPT=utf-8;j\xc3\xb6@b.example", COMMAND_NOT_ASCII, PATH_OK },
};

static void
good_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct command c;
		enum path_result why = PATH_EMPTY;
		const char *line = good[i].line;

		if (command_parse(line, strlen(line), &c, &why) != COMMAND_OK)
			fail_msg("refused: %s", line);
		assert_int_equal(why, PATH_OK);
		assert_int_equal(c.verb, good[i].verb);
		if (c.uses != good[i].uses)
			fail_msg("%s: uses %x", line, c.uses);
		if (good[i].argument == NULL)
			continue;
		assert_int_equal(c.argument_len, strlen(good[i].argument));
		assert_memory_equal(c.argument, good[i].argument, c.argument_len);
	}
}

static void
bad_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct command c;
		enum path_result why = PATH_EMPTY;
		const char *line = bad[i].line;

		if (command_parse(line, strlen(line), &c, &why) != bad[i].result)
			fail_msg("%s: not %d", line, (int)bad[i].result);
		assert_int_equal(why, bad[i].why);
	}
	assert_int_equal(command_parse("NOOP\0x", 6, &(struct command){ 0 },
	    &(enum path_result){ PATH_OK }), COMMAND_SYNTAX);
}

static void
paths_come_with_it(void **state)
{
	const char line[] = "RCPT TO:<@r.example:Some.One@B.Example> NOTIFY=NEVER";
	enum path_result why;
	struct command c;

	(void)state;
	assert_int_equal(command_parse(line, sizeof(line) - 1, &c, &why), COMMAND_OK);
	assert_true(c.path.source_route);
	assert_int_equal(c.path.mailbox_len, 18);
	assert_memory_equal(c.path.mailbox, "Some.One@B.Example", 18);
	assert_string_equal(c.path.domain, "b.example");
}

/* RFC 3030 2. */
static void
chunks(void **state)
{
	static const struct {
		const char *line;
		uint64_t size;
		bool last;
	} rows[] = {
		{ "BDAT 0", 0, false },
		{ "BDAT 1000", 1000, false },
		{ "bdat 0042 last ", 42, true },
		{ "BDAT 18446744073709551615 LAST", UINT64_MAX, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct command c;
		enum path_result why;

		assert_int_equal(command_parse(rows[i].line, strlen(rows[i].line), &c, &why),
		    COMMAND_OK);
		assert_true(c.size == rows[i].size);
		assert_int_equal(c.last, rows[i].last);
	}
}

static void
every_verb_is_found_by_its_name(void **state)
{
	(void)state;
	for (enum verb v = VERB_HELO; v <= VERB_UNKNOWN; v++) {
		struct command c;
		enum path_result why;

		command_parse(verb_name(v), strlen(verb_name(v)), &c, &why);
		assert_int_equal(c.verb, v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_commands),
		cmocka_unit_test(bad_commands),
		cmocka_unit_test(paths_come_with_it),
		cmocka_unit_test(chunks),
		cmocka_unit_test(every_verb_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
