/* sts_policy_fuzz.c - policy texts of any content: what parses can be walked and matched
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A pattern is a host name or a wildcard above one, and it allows exactly what it says. */
static void
check_pattern(const struct sts_policy *p, const char *pattern, size_t len)
{
	char name[DOMAIN_SIZE], host[DOMAIN_SIZE + 2];
	size_t skip = pattern[0] == '*' ? 2 : 0;

	assert(len > skip && pattern[len - 1] != '.');
	assert(domain_normalise(name, pattern + skip, len - skip, false) == DOMAIN_OK);
	assert(strlen(name) == len - skip);
	host[0] = 'x';
	host[1] = '.';
	memcpy(host + 2, name, strlen(name) + 1);
	assert(sts_policy_match(p, skip == 0 ? name : host));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *pattern;
	struct sts_policy_fault fault;
	struct sts_policy p, again;
	size_t at = 0, len, patterns = 0;
	char *longer, buf[128];

	if (!sts_policy_parse(&p, &fault, text, size)) {
		assert(fault.what[0] != '\0');
		assert(strlen(sts_policy_fault_print(&fault, buf, sizeof buf)) < sizeof buf - 1);
		return 0;
	}
	assert(size > 0 && size <= STS_POLICY_TEXT_MAX);
	assert(p.max_age <= STS_MAX_AGE_MAX && p.mode <= STS_NONE);
	assert(p.warnings < 1u << STS_WARNINGS);
	assert(p.mx_len > 0 || p.mode == STS_NONE);
	while (sts_policy_next(&p, &at, &pattern, &len)) {
		assert(pattern >= text && pattern + len <= text + size);
		if (patterns < 8)
			check_pattern(&p, pattern, len);
		patterns++;
	}
	assert(patterns == p.mx_len);
	assert(!sts_policy_match(&p, "") && !sts_policy_match(&p, "."));

	/* The last line's end is optional (R16), and an unknown field changes nothing (R17). */
	longer = malloc(size + 8);
	assert(longer != NULL);
	memcpy(longer, text, size);
	memcpy(longer + size, "\nx-y: z\n", 8);
	if (size + 8 <= STS_POLICY_TEXT_MAX && text[size - 1] != '\r') {
		bool whole = text[size - 1] == '\n';

		if (whole)
			memcpy(longer + size, "x-y: z\n", 7);
		assert(sts_policy_parse(&again, &fault, longer, size + (whole ? 7 : 8)));
		assert(again.mode == p.mode && again.max_age == p.max_age);
		assert(again.mx_len == p.mx_len && again.warnings == p.warnings);
	}
	free(longer);
	return 0;
}
