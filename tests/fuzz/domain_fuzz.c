/* domain_fuzz.c - names of any octets: what comes out is a name, and stays as it is
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "policy/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[DOMAIN_SIZE], again[DOMAIN_SIZE];
	enum domain_result r = domain_normalise(out, (const char *)data, size, false);
	enum domain_result fqdn = domain_normalise(again, (const char *)data, size, true);
	size_t len = strnlen(out, sizeof out);

	assert(len < sizeof out);
	if (r != DOMAIN_OK) {
		assert(len == 0 && fqdn == r && domain_result_text(r)[0] != '\0');
		return 0;
	}
	assert(len > 0 && len <= 253);
	assert(strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len);
	assert(out[0] != '.' && out[len - 1] != '.' && strstr(out, "..") == NULL);
	assert(fqdn == (strchr(out, '.') == NULL ? DOMAIN_ONE_LABEL : DOMAIN_OK));
	assert(domain_normalise(again, out, len, false) == DOMAIN_OK);
	assert(strcmp(out, again) == 0);
	return 0;
}
