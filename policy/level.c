/* level.c - the names of the levels
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/level.h"

#include <string.h>

static const char *const names[] = {
	[LEVEL_NONE] = "none",
	[LEVEL_MAY] = "may",
	[LEVEL_ENCRYPT] = "encrypt",
	[LEVEL_VERIFY] = "verify",
	[LEVEL_SECURE] = "secure",
	[LEVEL_DANE] = "dane",
	[LEVEL_DANE_ONLY] = "dane-only",
	[LEVEL_FINGERPRINT] = "fingerprint",
	[LEVEL_AUTO] = "auto",
};

#define LEVELS (sizeof names / sizeof names[0])

const char *
level_name(enum level level)
{
	return names[level];
}

bool
level_by_tlsa(enum level level)
{
	return level == LEVEL_DANE || level == LEVEL_DANE_ONLY || level == LEVEL_FINGERPRINT;
}

bool
level_parse(enum level *out, const char *s, size_t len)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0) {
			*out = (enum level)i;
			return true;
		}
	}
	return false;
}
