/* store_value_fuzz.c - values of a damaged store
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[STORE_VALUE_MAX + 65536];
	struct store_policy p;
	unsigned char seen[STORE_SEEN_MAX];
	const char *host;
	uint8_t *value = malloc(size > 0 ? size : 1);
	int64_t last;

	assert(value != NULL);
	if (size > 0)
		memcpy(value, data, size);
	if (store_decode(value, size, &p)) {
		size_t n = store_encode(out, sizeof(out), &p);

		assert(p.text_len <= STORE_TEXT_MAX && p.fetched > 0);
		assert(n == size && memcmp(out, value, n) == 0);
	}
	if (store_decode_seen(value, size, &last, &host)) {
		size_t n = store_encode_seen(seen, last, host);
		bool nameless = value[0] == 1;

		assert(last > 0 && store_host_fits(host));
		if (nameless)
			assert(size == 9 && host[0] == '\0' && memcmp(seen + 1, value + 1, 8) == 0);
		else
			assert(size == n && memcmp(seen, value, n) == 0);
	}
	free(value);
	return 0;
}
