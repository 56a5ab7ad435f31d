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
answered(struct asking *asking, struct requirement *requirement, const struct recalled *recalled)
{
	(void)asking;
	answers++;
	recalled_len = recalled->len;
	if (recalled->len > 0)
		assert_memory_equal(recalled->evidence, "evidence", 8);
	free(requirement);
}

static struct asking
question(const char *domain)
{
	return (struct asking){ .question = { .domain = domain }, .answered = answered };
}

static void
answer_recalling(struct asker *a, uint32_t id, const struct recalled *recalled)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	const struct requirement q = { .policy_domain = "", .policy_id = "", .mx_host = "",
		.sni = "", .secure_domain = "", .reason = "" };

	assert_true(asker_answer(a, message, message_answer(message, sizeof(message), id, &q,
	    recalled)));
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
	assert_true(asker_ask(a, &one));
	uint32_t id = one.question.id;
	asker_withdraw(a, &one);
	asker_withdraw(a, &one);
	for (int i = 0; i < 100000; i++) {
		assert_true(asker_ask(a, &one));
		assert_int_not_equal(one.question.id, id);
		asker_withdraw(a, &one);
	}
	assert_true(asker_ask(a, &one));
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
		assert_true(asker_ask(a, &many[i]));
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
	assert_true(asker_ask(a, &one));
	assert_true(sent_len > 255);
	answer(a, one.question.id);
	assert_int_equal(recalled_len, 0);
	one = question("");
	one.question.end_to_end = one.question.resumes = true;
	assert_true(asker_ask(a, &one));
	assert_true(sent_len > MESSAGE_NAME);
	answer_recalling(a, one.question.id, &recalled);
	assert_int_equal(recalled_len, 8);
	asker_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_do_not_come_again),
		cmocka_unit_test(all_are_asked_again),
		cmocka_unit_test(end_to_end),
	};

	return cmocka_run_group_tests_name("asker", tests, NULL, NULL);
}
