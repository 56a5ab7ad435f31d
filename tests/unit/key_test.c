/* key_test.c - a line of the log has the key of its event, a torn one none
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DECISION "{\"timestamp\":\"2026-11-21T14:02:19.418233Z\",\"v\":1," \
	"\"event_type\":\"decision\""
#define SESSION "{\"timestamp\":\"2026-11-21T14:02:19.418233Z\",\"v\":1,\"event_type\":\"session\""

static void
lines_and_their_keys(void **state)
{
	static const struct {
		const char *line, *key;		/* ' ' stands for the NUL */
	} cases[] = {
		{ DECISION ",\"id\":\"A\",\"session_id\":\"B\"}", "dB A " },
		{ DECISION ",\"id\":\"A\",\"path\":\"x\"}", "d A " },
		{ DECISION ",\"session_id\":\"B\"}", "" },
		{ DECISION ",\"id\":\"\\u00e9\"}", "d \xc3\xa9 " },	/* by the parser */
		{ SESSION ",\"session_id\":\"B\",\"path\":\"x\",\"session\":{\"action\":\"closed\"}}",
		    "sB closed " },
		{ SESSION ",\"session_id\":\"B\",\"path\":\"\\\"session\\\":{\\\"action\\\":\\\"\","
		    "\"session\":{\"action\":\"opened\"}}", "sB opened " },
		{ SESSION ",\"session_id\":\"B\",\"session\":{\"messages\":0}}", "" },
		{ SESSION ",\"session\":{\"action\":\"closed\"}}", "" },
		{ "{\"event_type\":\"session\", \"session_id\":\"B\",\"session\":{\"action\":\"x\"}}",
		    "sB x " },
		{ "{\"timestamp\":\"\",\"v\":1,\"event_type\":\"health\",\"id\":\"A\"}", "" },
		{ DECISION ",\"id\":\"A\",\"x\":[\"}\",{\"y\":\"{[\\\"\"}]}", "d A " },
		{ DECISION ",\"id\":\"A\",\"x\":[\"}\",{\"y\":\"{[\\\"\"}", "" },	/* torn */
		{ DECISION ",\"id\":\"A\"}}", "" },
		{ DECISION ",\"id\":\"A\"}" DECISION ",\"id\":\"B\"}", "" },
		{ DECISION ",\"id\":\"A\",\"ti" DECISION ",\"id\":\"B\"}", "" },
		{ DECISION ",\"id\":\"A\"" SESSION ",\"session_id\":\"B\"}", "" },
		{ "", "" }, { "{", "" }, { "x", "" }, { "[1]", "" }, { DECISION, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct key key;

		key_of_line(&key, cases[i].line, strlen(cases[i].line));
		assert_int_equal(key.len, strlen(cases[i].key));
		for (size_t k = 0; k < key.len; k++)
			assert_int_equal(key.p[k], cases[i].key[k] == ' ' ? '\0' :
			    cases[i].key[k]);
	}
}

static void
a_line_has_the_key_of_its_event(void **state)
{
	static char long_id[200];
	static const char *const ids[] = { "", "K7Q2-M4XD", long_id };
	struct event e;

	(void)state;
	memset(long_id, 'i', sizeof long_id - 1);
	for (int n = 0; n < 2 * 27; n++) {
		struct text t = { 0 };
		struct key wanted, got;

		event_clear(&e);
		e.type = n < 27 ? EVENT_DECISION : EVENT_SESSION;
		e.id = ids[n % 3];
		e.session_id = ids[n / 3 % 3];
		e.action = ids[n / 9 % 3];
		e.helo = e.reason = "quote \" bracket } \\ \x01 \xc3\xa9";
		e.inspect_outcome = "\"session\":{\"action\":\"";
		e.chain_len = 2;
		assert_true(event_text(&t, &e, true, true));
		key_of_event(&wanted, &e);
		assert_int_equal(wanted.len > 0, n < 27 ? e.id[0] != '\0' :
		    e.action[0] != '\0' && e.session_id[0] != '\0');
		key_of_line(&got, t.p, t.len);
		assert_int_equal(got.len, wanted.len);
		assert_memory_equal(got.p, wanted.p, wanted.len);
		for (size_t cut = 0; cut < t.len; cut++) {
			key_of_line(&got, t.p, cut);
			assert_int_equal(got.len, 0);
		}
		text_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_their_keys),
		cmocka_unit_test(a_line_has_the_key_of_its_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
