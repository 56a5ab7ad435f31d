/* asker_test.c - open questions to the policy process: whose answer is whose
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/asker.h"

static unsigned sent, answers;
static size_t sent_len, recalled_len;
static bool takes;

static bool
send_it(void *arg, const void *p, size_t len)
{
	(void)arg, (void)p;
	sent += takes;
	sent_len = len;
	return takes;
}

static void
answered(struct asking *asking, struct demand *demand, const struct recalled *recalled)
{
	(void)asking;
	answers++;
	recalled_len = recalled->len;
	if (recalled->len > 0)
		assert_memory_equal(recalled->evidence, "evidence", 8);
	demand_drop(demand);
}

static struct asking
question(const char *domain)
{
	return (struct asking){ .question = { .domain = domain }, .answered = answered };
}

static void
answer_fresh(struct asker *a, uint32_t id, const struct recalled *recalled, uint32_t fresh_ms)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	const struct requirement q = { .policy_domain = "", .policy_id = "", .mx_host = "",
		.sni = "", .secure_domain = "", .reason = "" };

	assert_true(asker_answer(a, message, message_answer(message, sizeof(message), id, &q,
	    recalled, fresh_ms)));
}

static void
answer_recalling(struct asker *a, uint32_t id, const struct recalled *recalled)
{
	answer_fresh(a, id, recalled, 0);
}

static void
answer(struct asker *a, uint32_t id)
{
	answer_recalling(a, id, NULL);
}

/* A late answer to a withdrawn question must find nobody: not the next one in its place, and none
 * of very many after it. */
static void
ids_do_not_come_again(void **state)
{
	struct asker *a = asker_new(send_it, NULL);
	struct asking one = question("a.example");

	(void)state;
	takes = true;
	answers = 0;
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	uint32_t id = one.question.id;
	asker_withdraw(a, &one);
	asker_withdraw(a, &one);
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
		assert_int_not_equal(one.question.id, id);
		asker_withdraw(a, &one);
	}
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	answer(a, id);
	assert_int_equal(answers, 0);
	answer(a, one.question.id);
	assert_int_equal(answers, 1);
	assert_false(one.open);
	asker_free(a);
}

/* Without a channel questions wait; a new channel gets all that are open, also those sent before. */
static void
all_are_asked_again(void **state)
{
	struct asker *a = asker_new(send_it, NULL);
	struct asking many[200];

	(void)state;
	takes = false;
	sent = answers = 0;
	for (int i = 0; i < 200; i++) {
		many[i] = question("a.example");
		takes = i >= 100;
		assert_int_equal(asker_ask(a, &many[i]), ASKER_ASKED);
	}
	assert_int_equal(sent, 100);
	asker_flush(a);
	assert_int_equal(sent, 200);
	asker_withdraw(a, &many[7]);
	asker_resend(a);
	assert_int_equal(sent, 399);
	for (int i = 0; i < 200; i++)
		answer(a, many[i].question.id);
	assert_int_equal(answers, 199);
	asker_free(a);
}

/* The longest of each kind is sent, and what is remembered comes with the answer. */
static void
end_to_end(void **state)
{
	const struct recalled recalled = { "evidence", 8 };
	struct asker *a = asker_new(send_it, NULL);
	char domain[256];
	struct asking one = question(domain);

	(void)state;
	memset(domain, 'a', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	takes = true;
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	assert_true(sent_len > 255);
	answer(a, one.question.id);
	assert_int_equal(recalled_len, 0);
	one = question("");
	one.question.end_to_end = one.question.resumes = true;
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	assert_true(sent_len > MESSAGE_NAME);
	answer_recalling(a, one.question.id, &recalled);
	assert_int_equal(recalled_len, 8);
	asker_free(a);
}

static bool
is_known(struct asker *a, struct asking *asking)
{
	enum asker_result r = asker_ask(a, asking);

	assert_int_not_equal(r, ASKER_FAILED);
	if (r == ASKER_ASKED) {
		asker_withdraw(a, asking);
		return false;
	}
	demand_drop(asking->demand);
	return true;
}

static void
say_stale(struct asker *a, const char *domain)
{
	const struct stale s = { .domain = domain };
	unsigned char message[300];

	assert_true(asker_stale(a, message, message_stale(message, sizeof(message), &s)));
}

/* What was answered is not asked again while it is fresh; a stale, a recheck, another channel or
 * none make the worker ask. */
static void
answered_from_memory(void **state)
{
	struct asker *a = asker_new(send_it, NULL);
	struct asking one = question("a.example"), other = question("b.example"), again;

	(void)state;
	one.question.peer.ip = in6addr_loopback;
	takes = true;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
		answer_fresh(a, one.question.id, NULL, 10000);
		sent = answers = 0;
		assert_true(is_known(a, &one));
		assert_true(is_known(a, &one));
		assert_int_equal(sent + answers, 0);
		assert_false(is_known(a, &other));
		assert_int_equal(sent, 1);
		again = one;
		again.question.recheck = true;
		switch (i) {
		case 0:
			say_stale(a, "a.example");
			break;
		case 1:
			say_stale(a, "");
			break;
		case 2:
			assert_false(is_known(a, &again));
			break;
		case 3:
			asker_resend(a);
			break;
		case 4:
			asker_saw(a, &one.question.peer.ip);
			break;
		default:
			asker_forget(a);
			break;
		}
		assert_false(is_known(a, &one));
	}
	assert_false(asker_stale(a, "\xff", 1));
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	answer_fresh(a, one.question.id, NULL, 0);	/* not to be remembered */
	assert_false(is_known(a, &one));
	asker_free(a);
}

/* End to end a question has two parts, and is asked unless both are known: what this worker saw
 * proven, or what it was told of another's. */
static void
sessions_from_memory(void **state)
{
	const struct recalled recalled = { "evidence", 8 };
	struct proven own = { .session = "own", .lifetime_s = 3600, .evidence = "evidence",
		.len = 8 };
	struct asker *a = asker_new(send_it, NULL);
	struct asking one = question("");

	(void)state;
	takes = true;
	one.question.end_to_end = true;
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	answer_fresh(a, one.question.id, NULL, 10000);
	assert_true(is_known(a, &one));
	assert_int_equal(one.recalled.len, 0);
	one.question.resumes = true;
	memcpy(one.question.session, own.session, sizeof(own.session));
	assert_false(is_known(a, &one));
	asker_proven(a, &own);
	assert_true(is_known(a, &one));
	assert_int_equal(one.recalled.len, 8);
	memcpy(one.question.session, "other", 5);
	assert_int_equal(asker_ask(a, &one), ASKER_ASKED);
	answer_fresh(a, one.question.id, &recalled, 10000);
	assert_true(is_known(a, &one));
	assert_memory_equal(one.recalled.evidence, "evidence", 8);
	asker_resend(a);
	assert_false(is_known(a, &one));
	asker_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_do_not_come_again),
		cmocka_unit_test(all_are_asked_again),
		cmocka_unit_test(end_to_end),
		cmocka_unit_test(answered_from_memory),
		cmocka_unit_test(sessions_from_memory),
	};

	return cmocka_run_group_tests_name("asker", tests, NULL, NULL);
}
