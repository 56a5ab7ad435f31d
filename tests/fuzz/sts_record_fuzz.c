/* sts_record_fuzz.c - TXT answers of any content: an id comes out only where it is one
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is the records, separated by newlines. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "policy/sts_record.h"

#define RECORDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sts_txt txt[RECORDS_MAX];
	struct sts_record r, twice;
	const char *p = (const char *)data, *end = p + size;
	size_t len = 0, ours = 0, id;

	while (p < end && len < RECORDS_MAX) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		txt[len].p = p;
		txt[len].len = (size_t)((newline == NULL ? end : newline) - p);
		p += txt[len].len + 1;
		if (txt[len].len > 7 && memcmp(txt[len].p, "v=STSv1", 7) == 0)
			ours++;
		len++;
	}
	sts_record_choose(txt, len, &r);
	id = strnlen(r.id, sizeof r.id);
	assert(id < sizeof r.id);
	assert((r.result == STS_RECORD_ONE) == (id > 0));
	for (size_t i = 0; i < id; i++)
		assert(isascii(r.id[i]) && isalnum((unsigned char)r.id[i]));
	assert(ours > 0 || r.result == STS_RECORD_NONE);
	assert((r.detail[0] != '\0') ==
	    (r.result == STS_RECORD_SEVERAL || r.result == STS_RECORD_INVALID));
	/* One more valid record of ours is one too many, unless there was none (R5, R6). */
	if (len < RECORDS_MAX) {
		txt[len++] = (struct sts_txt){ "v=STSv1; id=x", 13 };
		sts_record_choose(txt, len, &twice);
		assert(twice.result ==
		    (r.result == STS_RECORD_NONE ? STS_RECORD_ONE : STS_RECORD_SEVERAL));
	}
	return 0;
}
