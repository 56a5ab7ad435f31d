/* client_hello_fuzz.c - ClientHello bodies, whole and cut
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/client_hello.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(const struct octets *o, const uint8_t *body, size_t size)
{
	assert(!o->bad);
	assert(o->left == 0 || (o->p >= body && o->left <= size - (size_t)(o->p - body)));
}

/* Every member of a list is found again, and what is not in it is not. */
static void
lists(const struct client_hello *h)
{
	bool any[UINT16_MAX + 1] = { false };
	struct octets suites = h->suites, groups = h->groups, signatures = h->signatures;

	while (suites.left > 0) {
		uint16_t suite = octets_16(&suites);

		any[suite] = true;
		assert(client_hello_offers_suite(h, suite));
	}
	for (unsigned suite = 0; suite <= UINT16_MAX; suite += 255)
		assert(client_hello_offers_suite(h, (uint16_t)suite) == any[suite]);
	while (groups.left > 0)
		assert(client_hello_offers_group(h, octets_16(&groups)));
	while (signatures.left > 0)
		assert(client_hello_offers_signature(h, octets_16(&signatures)));
	assert(octets_done(&suites) && octets_done(&groups) && octets_done(&signatures));
	assert(!any[0x00ff] || client_hello_offered(h, 0xff01));
}

static void
check(const struct client_hello *h, const uint8_t *body, size_t size)
{
	size_t len = strlen(h->sni);

	assert(h->version <= 0x0303 && h->random == body + 2);
	assert(h->session_id.left <= 32 && h->suites.left >= 2);
	inside(&h->session_id, body, size);
	inside(&h->suites, body, size);
	inside(&h->ticket, body, size);
	inside(&h->groups, body, size);
	inside(&h->signatures, body, size);
	lists(h);
	assert(len <= CLIENT_HELLO_SNI_MAX && (len == 0 || client_hello_offered(h, 0)));
	assert(strspn(h->sni, "abcdefghijklmnopqrstuvwxyz0123456789-._") == len);
	assert(h->ticket.left == 0 || client_hello_offered(h, 35));
}

/* In a block of its own, so that a read beyond the end is seen. */
static enum client_hello_result
parse(const uint8_t *data, size_t size, bool *extended)
{
	uint8_t *copy = malloc(size + 1);
	struct client_hello h;
	enum client_hello_result result;

	assert(copy != NULL);
	memcpy(copy + 1, data, size);
	result = client_hello_parse(copy + 1, size, &h);
	if (result == CLIENT_HELLO_OK) {
		const uint8_t *compressions = h.suites.p + h.suites.left;

		check(&h, copy + 1, size);
		*extended = compressions + 1 + compressions[0] < copy + 1 + size;
	}
	free(copy);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum client_hello_result whole;
	bool extended = false, other = false;
	size_t step = size / 16 + 1;

	whole = parse(data, size, &extended);
	for (size_t n = size > step ? size - step : 0; n > 0; n = n > step ? n - step : 0) {
		enum client_hello_result cut = parse(data, n, &other);

		/* Cut, a hello is none; but for the one that ends before its extensions. */
		if (whole == CLIENT_HELLO_OK && cut == CLIENT_HELLO_OK)
			assert(extended && !other);
	}
	return 0;
}
