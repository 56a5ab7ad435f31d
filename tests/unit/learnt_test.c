/* learnt_test.c - what DNS answers teach, in whatever order they come, and when it ends
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An answer is written as a line: the question's type and name, then records:
 * "MX a.example: MX a.example mx.a.example 300, A mx.a.example 192.0.2.1 60". */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/address.h"
#include "nfq/learnt.h"

#define SETTLE_S 3600

static struct learnt *l;
static char told[8192];		/* callbacks, a word each */
static size_t mappings;
static double now_s;

static void
on_domain(void *arg, const char *domain)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%s ", domain);
}

static void
on_mapped(void *arg, const char *domain, const char *host, const struct in6_addr *ip,
    uint32_t ttl_s)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t n = strlen(told);

	(void)arg;
	mappings++;
	snprintf(told + n, sizeof(told) - n, "%s=%s=%s/%u ", domain, host,
	    address_print_ip(ip, text), ttl_s);
}

static int
setup(void **state)
{
	static const struct learnt_events events = { on_domain, on_mapped };

	(void)state;
	l = learnt_new(&events, NULL, SETTLE_S);
	told[0] = '\0';
	mappings = 0;
	now_s = 1000;
	return l == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	learnt_free(l);
	return 0;
}

static enum dns_type
type_of(const char *word)
{
	return strcmp(word, "MX") == 0 ? DNS_MX : strcmp(word, "A") == 0 ? DNS_A :
	    strcmp(word, "AAAA") == 0 ? DNS_AAAA : DNS_CNAME;
}

static void
build(struct dns_message *m, const char *line)
{
	char *text = strdup(line), *at = NULL, *word;

	assert_non_null(text);
	memset(m, 0, offsetof(struct dns_message, records));
	m->type = type_of(strtok_r(text, " ", &at));
	snprintf(m->name, sizeof(m->name), "%s", strtok_r(NULL, " :", &at));
	while ((word = strtok_r(NULL, " :,", &at)) != NULL) {
		struct dns_record *r = &m->records[m->len++];
		const char *target;

		r->type = type_of(word);
		snprintf(r->owner, sizeof(r->owner), "%s", strtok_r(NULL, " ", &at));
		target = strtok_r(NULL, " ", &at);
		r->name[0] = '\0';
		if (r->type == DNS_A || r->type == DNS_AAAA)
			assert_true(address_parse_ip(&r->ip, target, strlen(target)));
		else if (strcmp(target, ".") != 0)
			snprintf(r->name, sizeof(r->name), "%s", target);
		r->ttl_s = (uint32_t)strtoul(strtok_r(NULL, " ,", &at), NULL, 10);
	}
	free(text);
}

static void
learn(const char *line)
{
	static struct dns_message m;

	build(&m, line);
	learnt_message(l, &m, now_s);
}

/* The domains of an address, sorted, a space behind each; "+" when there are more. */
static const char *
domains(const char *address)
{
	static char out[1024];
	const char *names[LEARNT_DOMAINS_MAX];
	struct in6_addr ip;
	bool more;
	size_t n, at = 0;

	assert_true(address_parse_ip(&ip, address, strlen(address)));
	n = learnt_domains(l, &ip, now_s, names, &more);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (strcmp(names[k], names[i]) < 0) {
				const char *swap = names[i];

				names[i] = names[k];
				names[k] = swap;
			}
	out[0] = '\0';
	for (size_t i = 0; i < n && i < 8; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s ", names[i]);
	snprintf(out + at, sizeof(out) - at, "%s", more ? "+" : "");
	return out;
}

static void
in_one_answer(void **state)
{
	(void)state;
	learn("MX a.example: MX a.example mx.a.example 300, A mx.a.example 192.0.2.1 120,"
	    " AAAA mx.a.example 2001:db8::1 300");
	assert_string_equal(told, "a.example a.example=mx.a.example=2001:db8::1/300 "
	    "a.example=mx.a.example=192.0.2.1/120 ");
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	assert_string_equal(domains("2001:db8::1"), "a.example ");
	assert_string_equal(domains("192.0.2.2"), "");
	now_s += 119 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	now_s += 1;
	assert_string_equal(domains("192.0.2.1"), "");
	assert_string_equal(domains("2001:db8::1"), "a.example ");
	now_s += 180;
	assert_string_equal(domains("2001:db8::1"), "");
}

/* Four answers about two domains with one host behind two aliases, in each order. */
static void
in_any_order(void **state)
{
	static const char *const answers[] = {
		"MX a.example: MX a.example mx.host.example 300",
		"MX b.example: MX b.example mx.host.example 300",
		"A mx.host.example: CNAME mx.host.example x.host.example 300",
		"A x.host.example: CNAME x.host.example y.host.example 300",
		"A y.host.example: A y.host.example 192.0.2.1 300",
	};

	for (unsigned order = 0; order < 120; order++) {
		bool used[5] = { false };
		unsigned left = order;

		for (unsigned i = 5; i > 0; i--) {
			unsigned k = left % i, at = 0;

			left /= i;
			for (;; at++)
				if (!used[at] && k-- == 0)
					break;
			used[at] = true;
			learn(answers[at]);
		}
		assert_string_equal(domains("192.0.2.1"), "a.example b.example ");
		assert_int_equal(mappings, 2);
		assert_non_null(strstr(told, "a.example=mx.host.example=192.0.2.1/300 "));
		assert_non_null(strstr(told, "b.example=mx.host.example=192.0.2.1/300 "));
		teardown(state);
		setup(state);
	}
}

static void
implicit_mx(void **state)	/* RFC 5321 5.1 */
{
	struct dns_message m;

	(void)state;
	learn("MX a.example:");
	learn("A a.example: A a.example 192.0.2.1 300");
	assert_string_equal(told, "a.example a.example=a.example=192.0.2.1/300 ");
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	/* Where there are MX hosts, the domain's own address is nobody's; RFC 7505: with a null MX
	 * neither. */
	learn("MX b.example: MX b.example mx.b.example 300");
	learn("A b.example: A b.example 192.0.2.2 300");
	learn("MX c.example: MX c.example . 300");
	learn("A c.example: A c.example 192.0.2.3 300");
	assert_string_equal(domains("192.0.2.2"), "");
	assert_string_equal(domains("192.0.2.3"), "");
	assert_null(strstr(told, "c.example"));
	/* Nor when we do not know: truncated, a referral, something unreadable, an error. */
	for (int i = 0; i < 4; i++) {
		build(&m, "MX d.example:");
		m.truncated = i == 0;
		m.referral = i == 1;
		m.lost = i == 2;
		m.rcode = i == 3 ? 3 : 0;
		learnt_message(l, &m, now_s);
	}
	now_s += LEARNT_TTL_MIN_S + LEARNT_DIAL_S;	/* of what was lost */
	learn("A d.example: A d.example 192.0.2.4 300");
	assert_string_equal(domains("192.0.2.4"), "");
	assert_null(strstr(told, "d.example"));
}

static void
aliases_of_domains(void **state)	/* RFC 5321 5.1 */
{
	(void)state;
	learn("MX www.example: CNAME www.example a.example 90, MX a.example mx.a.example 300,"
	    " A mx.a.example 192.0.2.1 300");
	assert_non_null(strstr(told, "www.example=mx.a.example=192.0.2.1/90 "));
	assert_string_equal(domains("192.0.2.1"), "a.example www.example ");
	now_s += 90 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	/* In separate answers, the other way round. */
	learn("A mx.b.example: A mx.b.example 192.0.2.2 300");
	learn("MX b.example: MX b.example mx.b.example 300");
	learn("MX www2.example: CNAME www2.example b.example 300");
	assert_string_equal(domains("192.0.2.2"), "b.example www2.example ");
	/* The alias of a domain without MX: addresses of where it points. */
	learn("MX c.example: CNAME c.example d.example 300");
	learn("A c.example: CNAME c.example d.example 300, A d.example 192.0.2.3 300");
	assert_string_equal(domains("192.0.2.3"), "c.example d.example ");
}

static void
chains_end(void **state)
{
	(void)state;
	learn("MX a.example: MX a.example n0.example 300");
	for (int i = 0; i < 9; i++) {
		char line[128];

		snprintf(line, sizeof(line), "A n%d.example: CNAME n%d.example n%d.example 300", i,
		    i, i + 1);
		learn(line);
	}
	learn("A n8.example: A n8.example 192.0.2.8 300");
	learn("A n9.example: A n9.example 192.0.2.9 300");
	assert_string_equal(domains("192.0.2.8"), "a.example ");
	assert_string_equal(domains("192.0.2.9"), "+");
	/* In a circle. */
	learn("MX c.example: MX c.example x.example 300");
	learn("A x.example: CNAME x.example y.example 300, CNAME y.example x.example 300,"
	    " A x.example 192.0.2.1 300");
	assert_string_equal(domains("192.0.2.1"), "c.example ");
}

static void
only_what_the_answer_is_about(void **state)
{
	(void)state;
	learn("MX a.example: MX a.example mx.a.example 300");
	/* Another name's records: additional, or planted. */
	learn("A www.example: A www.example 192.0.2.1 300, A mx.a.example 192.0.2.66 300");
	learn("MX b.example: MX b.example mx.b.example 300, MX a.example mx.b.example 300,"
	    " A mx.a.example 192.0.2.66 300, A mx.b.example 192.0.2.2 300");
	assert_string_equal(domains("192.0.2.66"), "");
	assert_string_equal(domains("192.0.2.2"), "b.example ");
}

static void
told_once_in_a_while(void **state)
{
	static const char answer[] = "MX a.example: MX a.example mx.a.example 300,"
	    " A mx.a.example 192.0.2.1 300";

	(void)state;
	learn(answer);
	assert_string_equal(told, "a.example a.example=mx.a.example=192.0.2.1/300 ");
	told[0] = '\0';
	now_s += LEARNT_TTL_MIN_S / 2;
	learn(answer);
	learn("A mx.a.example: A mx.a.example 192.0.2.1 300");
	assert_string_equal(told, "");
	now_s += 1;
	learn("A mx.a.example: A mx.a.example 192.0.2.1 300");
	assert_string_equal(told, "a.example=mx.a.example=192.0.2.1/299 ");
	told[0] = '\0';
	learn(answer);
	assert_string_equal(told, "");
	now_s += LEARNT_TTL_MIN_S / 2 - 1;
	learn(answer);
	assert_string_equal(told, "a.example ");
	/* Another address is news at once, for all domains of the host. */
	learn("MX b.example: MX b.example mx.a.example 300");
	told[0] = '\0';
	learn("A mx.a.example: A mx.a.example 192.0.2.2 300");
	assert_int_equal(mappings, 5);
	assert_non_null(strstr(told, "a.example=mx.a.example=192.0.2.2/300 "));
	assert_non_null(strstr(told, "b.example=mx.a.example=192.0.2.2/300 "));
}

static void
life_is_bounded(void **state)
{
	(void)state;
	learn("MX a.example: MX a.example mx.a.example 0, A mx.a.example 192.0.2.1 999999999");
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	/* The client is told what its cache has for a second more, and waits for other hosts. */
	now_s += LEARNT_TTL_MIN_S + LEARNT_DIAL_S - 1;
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	now_s += 1;
	assert_string_equal(domains("192.0.2.1"), "");
	/* The host's address holds still, though nobody's for the moment. */
	learn("MX b.example: MX b.example mx.a.example 999999999");
	assert_string_equal(domains("192.0.2.1"), "b.example ");
	now_s += LEARNT_TTL_MAX_S - LEARNT_TTL_MIN_S - 1;
	assert_string_equal(domains("192.0.2.1"), "b.example ");
	now_s += 1;
	assert_string_equal(domains("192.0.2.1"), "");
	/* A shorter answer does not end what a longer one gave. */
	learn("MX c.example: MX c.example mx.c.example 300, A mx.c.example 192.0.2.3 300");
	learn("MX c.example: MX c.example mx.c.example 60, A mx.c.example 192.0.2.3 60");
	now_s += 299 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.3"), "c.example ");
}

static void
many_domains_of_one_host(void **state)
{
	char line[128];

	(void)state;
	learn("A mx.example: A mx.example 192.0.2.1 300");
	for (int i = 0; i < LEARNT_DOMAINS_MAX; i++) {
		snprintf(line, sizeof(line), "MX d%d.example: MX d%d.example mx.example 300", i, i);
		learn(line);
	}
	assert_null(strchr(domains("192.0.2.1"), '+'));
	learn("MX one.example: MX one.example mx.example 300");
	assert_non_null(strchr(domains("192.0.2.1"), '+'));
	assert_null(strchr(domains("192.0.2.2"), '+'));
	assert_int_equal(mappings, LEARNT_DOMAINS_MAX + 1);
}

static void
eviction_is_not_forgetting(void **state)
{
	char line[160];

	(void)state;
	learn("MX a.example: MX a.example mx.a.example 3600, A mx.a.example 192.0.2.1 3600");
	for (int i = 0; i < LEARNT_MAX - 1; i++) {
		snprintf(line, sizeof(line), "MX d%d.example: MX d%d.example mx%d.example 300", i,
		    i, i % 5000);
		learn(line);
		told[0] = '\0';
	}
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	learn("MX b.example: MX b.example mx.b.example 300, A mx.b.example 192.0.2.2 7200");
	assert_string_equal(domains("192.0.2.1"), "+");
	assert_string_equal(domains("192.0.2.2"), "b.example +");
	assert_string_equal(domains("192.0.2.9"), "+");
	/* What is evicted from now on has expired, and its going is no loss. */
	now_s += 3599 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.9"), "+");
	now_s += 1;
	assert_string_equal(domains("192.0.2.9"), "");
	for (int i = 0; i < LEARNT_MAX; i++) {
		snprintf(line, sizeof(line), "MX e%d.example: MX e%d.example mx.example 300", i, i);
		learn(line);
		told[0] = '\0';
	}
	assert_string_equal(domains("192.0.2.9"), "");
}

/* A full table of which the young half has expired: its places are found before the old half's. */
static void
the_dead_give_way_first(void **state)
{
	char line[160];

	(void)state;
	for (int i = 0; i < LEARNT_MAX; i++) {
		snprintf(line, sizeof(line), "MX d%d.example: MX d%d.example mx.example %d", i, i,
		    i < LEARNT_MAX / 2 ? 3600 : 60);
		learn(line);
		if (i == LEARNT_MAX - LEARNT_MAX / 8)
			now_s += 60 + LEARNT_DIAL_S;
		told[0] = '\0';
	}
	assert_string_equal(domains("192.0.2.9"), "");
	now_s += 60 + LEARNT_DIAL_S;
	for (int i = 0; i < LEARNT_MAX / 4; i++) {
		snprintf(line, sizeof(line), "MX e%d.example: MX e%d.example mx.example 300", i, i);
		learn(line);
		told[0] = '\0';
	}
	assert_string_equal(domains("192.0.2.9"), "");
}

static void
other_addresses_evict_nothing(void **state)
{
	char line[160];

	(void)state;
	learn("MX a.example: MX a.example mx.a.example 3600, A mx.a.example 192.0.2.1 3600");
	learn("A early.example: A early.example 192.0.2.5 3600");
	for (int i = 0; i < LEARNT_MAX / 2; i++) {
		snprintf(line, sizeof(line), "A w%d.example: CNAME w%d.example c%d.example 3600, "
		    "A c%d.example 10.%d.%d.%d 3600", i, i, i, i, i >> 16, i >> 8 & 255, i & 255);
		learn(line);
	}
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	assert_string_equal(domains("192.0.2.9"), "");
	/* The last ones are still there, should they turn out to matter. */
	learn("MX b.example: MX b.example w32767.example 300");
	assert_string_equal(domains("10.0.127.255"), "b.example ");
	/* Of one that turns out to have mattered it is known that its addresses are not. */
	learn("MX c.example: MX c.example early.example 300");
	assert_string_equal(domains("192.0.2.5"), "+");
	now_s += 3600 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.5"), "");
}

/* Who floods the gateway with addresses of other names must not make it forget that an address,
 * known as some harmless domain's, is a guarded one's too. */
static void
a_flood_hides_nothing(void **state)
{
	char line[160];

	(void)state;
	learn("MX free.example: MX free.example mx.free.example 3600, A mx.free.example 192.0.2.1 "
	    "3600");
	learn("A mx.bank.example: A mx.bank.example 192.0.2.1 3600");
	learn("A a.bank.example: CNAME a.bank.example b.bank.example 3600, A b.bank.example "
	    "192.0.2.1 3600");
	assert_string_equal(domains("192.0.2.1"), "free.example ");
	for (int i = 0; i < 2 * LEARNT_MAX; i++) {
		snprintf(line, sizeof(line), "A f%d.example: A f%d.example 192.0.2.9 60", i, i);
		learn(line);
	}
	now_s += 120 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.1"), "free.example ");
	learn("MX bank.example: MX bank.example mx.bank.example 300");
	assert_string_equal(domains("192.0.2.1"), "free.example +");
	teardown(state);
	setup(state);
	learn("A a.bank.example: CNAME a.bank.example b.bank.example 3600, A b.bank.example "
	    "192.0.2.1 3600");
	for (int i = 0; i < 2 * LEARNT_MAX; i++) {
		snprintf(line, sizeof(line), "A f%d.example: A f%d.example 192.0.2.9 60", i, i);
		learn(line);
	}
	now_s += 120 + LEARNT_DIAL_S;
	learn("MX bank.example: MX bank.example a.bank.example 300");
	assert_string_equal(domains("192.0.2.1"), "+");
}

static void
losses(void **state)
{
	struct dns_message m;

	(void)state;
	learn("MX a.example: MX a.example mx.a.example 86400, A mx.a.example 192.0.2.1 86400");
	build(&m, "MX b.example: MX b.example mx.b.example 300");
	m.lost = true;
	m.lost_ttl_s = 600;
	learnt_message(l, &m, now_s);
	assert_string_equal(domains("192.0.2.1"), "a.example +");
	now_s += 600 + LEARNT_DIAL_S;
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	/* Of a name that is nobody's MX host it does not matter, of another it does. */
	build(&m, "A www.example: A www.example 192.0.2.7 300");
	m.lost = true;
	m.lost_ttl_s = 600;
	learnt_message(l, &m, now_s);
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	build(&m, "A mx.a.example: A mx.a.example 192.0.2.1 300");
	m.lost = true;
	learnt_message(l, &m, now_s);
	assert_string_equal(domains("192.0.2.1"), "a.example +");
	now_s += 600 + LEARNT_DIAL_S;
	learnt_lost(l, now_s);
	now_s += SETTLE_S - 1;
	assert_string_equal(domains("192.0.2.1"), "a.example +");
	now_s += 1;
	assert_string_equal(domains("192.0.2.1"), "a.example ");
	/* More addresses of one name than are kept. */
	for (int i = 0; i < 65; i++) {
		char line[128];

		snprintf(line, sizeof(line), "A mx.a.example: A mx.a.example 192.0.3.%d 300", i);
		learn(line);
	}
	assert_string_equal(domains("192.0.3.64"), "a.example +");
}

static void
truncated_answers_teach_what_they_say(void **state)
{
	struct dns_message m;

	(void)state;
	build(&m, "MX a.example: MX a.example mx.a.example 300");
	m.truncated = true;
	learnt_message(l, &m, now_s);
	learn("A mx.a.example: A mx.a.example 192.0.2.1 300");
	assert_string_equal(domains("192.0.2.1"), "a.example ");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(in_one_answer),
		TEST(in_any_order),
		TEST(implicit_mx),
		TEST(aliases_of_domains),
		TEST(chains_end),
		TEST(only_what_the_answer_is_about),
		TEST(told_once_in_a_while),
		TEST(life_is_bounded),
		TEST(many_domains_of_one_host),
		TEST(eviction_is_not_forgetting),
		TEST(the_dead_give_way_first),
		TEST(other_addresses_evict_nothing),
		TEST(a_flood_hides_nothing),
		TEST(losses),
		TEST(truncated_answers_teach_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
