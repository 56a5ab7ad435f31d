/* testdane.h - MX hosts with TLSA records, for the tests of what decides
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_TESTDANE_H
#define TESTS_TESTDANE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/judge.h"
#include "policy/require.h"

#define TESTDANE_NOW 1795269739

/* The peer's address, and another. */
static const struct in6_addr testdane_here = { { { 0x20, 1, 0xd, 0xb8, [15] = 9 } } },
    testdane_there = { { { 0x20, 1, 0xd, 0xb8, [15] = 10 } } };

static const uint8_t testdane_octets[64] = { 0xab, 1, 2, 3 };

/* 3 1 1 and 2 1 1. */
static const struct tlsa testdane_records[] = {
	{ .usage = TLSA_DANE_EE, .selector = TLSA_SPKI, .matching = TLSA_SHA256, .len = 32,
	  .data = testdane_octets },
	{ .usage = TLSA_DANE_TA, .selector = TLSA_SPKI, .matching = TLSA_SHA256, .len = 32,
	  .data = testdane_octets + 1 },
};

/* A host of preference 10 that has the peer's address; its name is its base. */
static inline struct require_host
testdane_host(const char *name, enum require_dane dane)
{
	struct require_host h = { .name = name, .preference = 10, .state = REQUIRE_ADDRESSES_OK,
	    .addresses = &testdane_here, .addresses_len = 1, .dane = dane, .answers = "" };

	h.secure = dane == REQUIRE_DANE_USABLE || dane == REQUIRE_DANE_UNUSABLE;
	if (h.secure)
		h.base = name;
	if (dane == REQUIRE_DANE_USABLE) {
		h.records = testdane_records;
		h.records_len = 2;
	}
	return h;
}

/* The same elsewhere. */
static inline struct require_host
testdane_far(const char *name, enum require_dane dane)
{
	struct require_host h = testdane_host(name, dane);

	h.addresses = &testdane_there;
	return h;
}

/* a.example, of which DNS says this much; its MX set is signed. */
static inline struct require_input
testdane_input(const struct require_host *hosts, size_t len)
{
	struct require_input in = { .now = TESTDANE_NOW, .domain = "a.example",
	    .peer = testdane_here, .no_policy = LEVEL_MAY, .stripping_refuse = true,
	    .dane = true };

	in.sts.id = "";
	in.mx.state = REQUIRE_MX_OK;
	in.mx.secure = true;
	in.mx.hosts = hosts;
	in.mx.hosts_len = len;
	return in;
}

static inline void
testdane_sts(struct require_input *in, const struct sts_policy *policy)
{
	in->sts.state = REQUIRE_STS_ACTIVE;
	in->sts.policy = policy;
	in->sts.id = "7";
	in->sts.source = SOURCE_CACHE;
	in->sts.fetched = TESTDANE_NOW - 60;
}

static inline struct sts_policy
testdane_policy(const char *text)
{
	struct sts_policy_fault fault;
	struct sts_policy p;

	assert_true(sts_policy_parse(&p, &fault, text, strlen(text)));
	return p;
}

/* "one two" of a list. */
static inline const char *
testdane_list(char text[1024], const char *const *list, size_t len)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < len; i++)
		at += (size_t)snprintf(text + at, 1024 - at, i == 0 ? "%s" : " %s", list[i]);
	return text;
}

#endif
