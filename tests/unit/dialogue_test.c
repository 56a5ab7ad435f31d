/* dialogue_test.c - the two dialogue tables, in every phase and for every code
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/client_dialogue.h"
#include "proxy/server_dialogue.h"

/* Which reply may lead where: everything else must not. */
static bool
allowed(enum server_phase from, int code, unsigned lines, enum server_phase to)
{
	bool no = code >= 400 && code <= 599;

	switch (to) {
	case SERVER_GREETED:
		return from == SERVER_GREETING && code == 220;
	case SERVER_READY:
		if (from == SERVER_STARTTLS)
			return no && code != 421;
		return code == 250 && (from == SERVER_EHLO || from == SERVER_HELO ||
		    from == SERVER_EHLO_TLS);
	case SERVER_HELO:
		return from == SERVER_EHLO && code >= 500;
	case SERVER_HANDSHAKE:
	case SERVER_IN_FLIGHT:
		return from == SERVER_STARTTLS && code == 220 && lines == 1;
	case SERVER_DEAD:
		return true;
	case SERVER_DIAL:
	case SERVER_GREETING:
	case SERVER_EHLO:
	case SERVER_STARTTLS:
	case SERVER_SECURED:
	case SERVER_EHLO_TLS:
	case SERVER_QUIT:
		return false;
	}
	return false;
}

static void
server_goes_nowhere_else(void **state)
{
	(void)state;
	for (int from = SERVER_DIAL; from <= SERVER_DEAD; from++)
		for (int code = 200; code <= 599; code++)
			for (unsigned lines = 1; lines <= 2; lines++) {
				struct server_step s = server_step((enum server_phase)from, code, lines);
				if (!allowed((enum server_phase)from, code, lines, s.next))
					fail_msg("phase %d, code %d, %u lines: to %d", from, code, lines,
					    s.next);
				if (s.outcome == SERVER_VIOLATED)
					assert_int_equal(s.next, SERVER_DEAD);
			}
}

/* And the honest way does lead there. */
static void
server_goes_on(void **state)
{
	static const struct {
		enum server_phase from;
		int code;
		unsigned lines;
		enum server_phase to;
	} cases[] = {
		{ SERVER_GREETING, 220, 3, SERVER_GREETED }, { SERVER_EHLO, 250, 9, SERVER_READY },
		{ SERVER_EHLO, 502, 1, SERVER_HELO }, { SERVER_EHLO, 450, 1, SERVER_DEAD },
		{ SERVER_HELO, 250, 1, SERVER_READY }, { SERVER_STARTTLS, 220, 1, SERVER_HANDSHAKE },
		{ SERVER_STARTTLS, 454, 1, SERVER_READY }, { SERVER_STARTTLS, 502, 1, SERVER_READY },
		{ SERVER_STARTTLS, 250, 1, SERVER_DEAD }, { SERVER_STARTTLS, 220, 2, SERVER_DEAD },
		{ SERVER_EHLO_TLS, 250, 5, SERVER_READY }, { SERVER_EHLO_TLS, 502, 1, SERVER_DEAD },
		{ SERVER_QUIT, 221, 1, SERVER_DEAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(server_step(cases[i].from, cases[i].code, cases[i].lines).next,
		    cases[i].to);
	for (int phase = SERVER_DIAL; phase <= SERVER_DEAD; phase++)
		assert_true(server_doing((enum server_phase)phase)[0] != '\0');
}

static struct client_step
client(enum client_phase phase, enum verb verb)
{
	const struct client_facts facts = { .phase = phase, .starttls_offered = true,
	    .extensions = EXT_CHUNKING };
	const struct command command = { .verb = verb };

	return client_step(&facts, COMMAND_OK, &command);
}

static void
client_in_order(void **state)
{
	static const struct {
		enum client_phase phase;
		enum verb verb;
		enum client_action action;
		const char *reply;	/* its beginning; NULL: none */
	} cases[] = {
		{ CLIENT_CONNECTED, VERB_EHLO, CLIENT_HELLO, NULL },
		{ CLIENT_CONNECTED, VERB_MAIL, CLIENT_REPLY, "503 5.5.1 send HELO" },
		{ CLIENT_CONNECTED, VERB_QUIT, CLIENT_QUIT, NULL },
		{ CLIENT_READY, VERB_MAIL, CLIENT_KEEP_MAIL, NULL },
		{ CLIENT_READY, VERB_RCPT, CLIENT_REPLY, "503 5.5.1 need MAIL" },
		{ CLIENT_READY, VERB_STARTTLS, CLIENT_STARTTLS, NULL },
		{ CLIENT_MAIL, VERB_MAIL, CLIENT_REPLY, "503" },
		{ CLIENT_MAIL, VERB_RCPT, CLIENT_RECIPIENT, NULL },
		{ CLIENT_MAIL, VERB_DATA, CLIENT_REPLY, "503 5.5.1 no recipient" },
		{ CLIENT_MAIL, VERB_BDAT, CLIENT_SKIP_CHUNK, "503" },
		{ CLIENT_MAIL, VERB_STARTTLS, CLIENT_REPLY, "503" },
		{ CLIENT_RCPT, VERB_DATA, CLIENT_DATA, NULL },
		{ CLIENT_RCPT, VERB_BDAT, CLIENT_CHUNK, NULL },
		{ CLIENT_BDAT, VERB_DATA, CLIENT_REPLY, "503 5.5.1 BDAT" },
		{ CLIENT_BDAT, VERB_RCPT, CLIENT_REPLY, "503 5.5.1 BDAT" },
		{ CLIENT_BDAT, VERB_BDAT, CLIENT_CHUNK, NULL },
		{ CLIENT_RCPT, VERB_EHLO, CLIENT_HELLO, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client_step s = client(cases[i].phase, cases[i].verb);
		assert_int_equal(s.action, cases[i].action);
		if (cases[i].reply != NULL)
			assert_memory_equal(s.reply, cases[i].reply, strlen(cases[i].reply));
	}
}

/* AUTH and its kin are never taken, whatever the phase; and whatever is answered by postern itself
 * waits for the server's replies. */
static void
client_never(void **state)
{
	(void)state;
	for (int phase = CLIENT_CONNECTED; phase <= CLIENT_BDAT; phase++) {
		for (int verb = VERB_HELO; verb <= VERB_UNKNOWN; verb++) {
			struct client_step s = client((enum client_phase)phase, (enum verb)verb);
			assert_true(s.in_order || s.action == CLIENT_RECIPIENT);
			if (s.action == CLIENT_REPLY)
				assert_non_null(s.reply);
		}
		assert_memory_equal(client((enum client_phase)phase, VERB_AUTH).reply, "502", 3);
		assert_memory_equal(client((enum client_phase)phase, VERB_EXPN).reply, "502", 3);
		assert_memory_equal(client((enum client_phase)phase, VERB_UNKNOWN).reply, "500", 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_goes_nowhere_else), cmocka_unit_test(server_goes_on),
		cmocka_unit_test(client_in_order), cmocka_unit_test(client_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
