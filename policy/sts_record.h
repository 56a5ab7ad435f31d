/* sts_record.h - the TXT record that announces an MTA-STS policy (RFC 8461 section 3.1)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_STS_RECORD_H
#define POLICY_STS_RECORD_H

#include <stddef.h>

#define STS_ID_MAX 32		/* RFC 8461 3.1: letters and digits */

/* One TXT record of the answer, its character-strings joined without spaces (R8). */
struct sts_txt {
	const char *p;
	size_t len;
};

enum sts_record_result {
	STS_RECORD_NONE,	/* no record begins with v=STSv1 and a semicolon (R5) */
	STS_RECORD_ONE,		/* exactly one, valid: id is set */
	STS_RECORD_SEVERAL,	/* more than one: no policy available (R6) */
	STS_RECORD_INVALID	/* one, with broken syntax: no policy available (R6) */
};

struct sts_record {
	enum sts_record_result result;
	char id[STS_ID_MAX + 1];	/* "" unless STS_RECORD_ONE */
	const char *detail;		/* static: what is wrong, "" where nothing is */
};

/* sts_record_choose: picks the announcement out of all TXT records at _mta-sts.DOMAIN. Blanks
 * before the first semicolon are accepted; a repeated id is ignored whatever it holds. Anything
 * but STS_RECORD_ONE means that no policy is announced, never that a cached one is void (R7). */
void sts_record_choose(const struct sts_txt *txt, size_t len, struct sts_record *out);

#endif
