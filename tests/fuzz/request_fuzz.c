/* request_fuzz.c - the control socket's requests: taken apart, printed, taken apart again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r, again;
	char line[REQUEST_LINE_SIZE];
	size_t len;

	if (request_parse(&r, (const char *)data, size) != NULL)
		return 0;
	require(size <= REQUEST_MAX && r.verb[0] != '\0' && r.port != 0);
	require(memchr(r.verb, 0, sizeof(r.verb)) != NULL);
	require(memchr(r.name, 0, sizeof(r.name)) != NULL);
	require(memchr(r.domain, 0, sizeof(r.domain)) != NULL);
	require(memchr(r.mode, 0, sizeof(r.mode)) != NULL);

	/* Round trip: one line of printable ASCII that means the same. */
	len = request_print(&r, line, sizeof(line));
	require(len > 1 && len <= sizeof(line) && memchr(line, '\n', len) == line + len - 1);
	require(request_parse(&again, line, len - 1) == NULL);
	require(strcmp(again.verb, r.verb) == 0 && strcmp(again.name, r.name) == 0 &&
	    strcmp(again.domain, r.domain) == 0 && strcmp(again.mode, r.mode) == 0 &&
	    again.port == r.port && again.follow == r.follow);
	return 0;
}
