/* store_value_fuzz.c - values and keys of a damaged store
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
user(const uint8_t *key, size_t size)
{
	unsigned char out[STORE_KEY_MAX];
	char domain[STORE_USER_DOMAIN_MAX + 1];
	struct in6_addr ip;

	if (!store_decode_user(key, size, &ip, domain))
		return;
	assert(store_host_fits(domain) && strlen(domain) <= STORE_USER_DOMAIN_MAX);
	assert(store_encode_user(out, &ip, domain) == size && memcmp(out, key, size) == 0);
}

static void
session(const uint8_t *value, size_t size)
{
	static uint8_t out[STORE_SESSION_MAX];
	struct store_session s;

	if (!store_decode_session(value, size, &s))
		return;
	assert(s.len > 0 && s.len <= STORE_EVIDENCE_MAX && s.end > s.kept && s.kept > 0);
	assert(store_encode_session(out, sizeof(out), &s) == size);
	assert(memcmp(out, value, size) == 0);
	assert(store_encode_session(out, size - 1, &s) == 0);
}

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
	user(value, size);
	session(value, size);
	free(value);
	return 0;
}
