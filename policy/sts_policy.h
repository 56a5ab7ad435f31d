/* sts_policy.h - the policy text of RFC 8461 section 3.2, and which MX hosts it allows
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mx patterns are not copied anywhere: they are read out of the text again when one is
 * wanted, so a parsed policy is small and no number of patterns is too many. */
#ifndef POLICY_STS_POLICY_H
#define POLICY_STS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/requirement.h"

#define STS_POLICY_TEXT_MAX 65536	/* R22: 64 KB */
#define STS_MAX_AGE_MAX 31557600	/* R14: one year of seconds */

/* What was forgiven. */
enum sts_warning {
	STS_WARNING_BLANK_LINE = 1 << 0,
	STS_WARNING_MAX_AGE_CAPPED = 1 << 1,
	STS_WARNING_TRAILING_DOT = 1 << 2,	/* of an mx pattern */
	STS_WARNING_REPEATED_FIELD = 1 << 3	/* version, mode or max_age: the first counts */
};

#define STS_WARNINGS 4

struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age;	/* seconds, capped; 0: to be used once and not kept */
	unsigned warnings;	/* bits of enum sts_warning */
	size_t mx_len;		/* number of mx patterns */
	const char *text;	/* as parsed; must outlive this */
	size_t text_len;
};

struct sts_policy_fault {
	unsigned line;		/* 1...; 0 when it is about the whole text */
	const char *what;	/* static: "mode: unknown value" */
};

/* sts_policy_parse: true with *out, or false with *fault. All of text counts. Over
 * STS_POLICY_TEXT_MAX octets it is invalid. */
bool sts_policy_parse(struct sts_policy *out, struct sts_policy_fault *fault, const char *text,
    size_t len);

/* sts_policy_fault_print: "line 3: mode: unknown value"; returns buf. */
const char *sts_policy_fault_print(const struct sts_policy_fault *fault, char *buf, size_t size);

/* sts_policy_next: the mx patterns in the order of the text. Start with *at 0. The pattern is
 * ASCII, not NUL-terminated, without a trailing dot, in the case it was written in. */
bool sts_policy_next(const struct sts_policy *p, size_t *at, const char **pattern, size_t *len);

/* sts_policy_match: whether some pattern allows this MX record name (R28, R29), an A-label name
 * without trailing dot. A wildcard stands for exactly one left-most label; case is ignored. */
bool sts_policy_match(const struct sts_policy *p, const char *mx_host);

/* sts_policy_matches: the same for up to REQUIREMENT_HOSTS_MAX names in one pass over the text, so
 * that many hosts times many patterns stay cheap: bit i is set where hosts[i] is allowed. */
uint64_t sts_policy_matches(const struct sts_policy *p, const char *const *hosts, size_t len);

/* sts_warning_text: of one bit: "blank line", ... */
const char *sts_warning_text(enum sts_warning w);

#endif
