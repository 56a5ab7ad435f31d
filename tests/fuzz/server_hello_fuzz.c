/* server_hello_fuzz.c - ServerHello, Certificate and NewSessionTicket bodies
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first two octets are the length of the client's hello, which follows; then what the server
 * answers. */
#include "tls/server_hello.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hello(const uint8_t *p, size_t len, const struct client_hello *offered)
{
	struct server_hello h;
	enum server_hello_result result = server_hello_parse(p, len, offered, &h);
	struct server_hello cut;

	assert((result == SERVER_HELLO_OK) == (server_hello_result_text(result)[0] == '\0'));
	if (result == SERVER_HELLO_BAD)
		return;
	assert(h.random == p + 2 && h.session_id.left <= 32);
	assert((result == SERVER_HELLO_TLS13) == (h.tls13 || h.retry));
	for (size_t n = len > 80 ? len - 80 : 0; n < len; n++) {
		/* Cut, it is malformed; but for the one that ends before the extensions. */
		if (server_hello_parse(p, n, offered, &cut) != SERVER_HELLO_BAD)
			assert(n == 38 + cut.session_id.left);
	}
	if (result != SERVER_HELLO_OK)
		return;
	assert(h.version >= 0x0301 && h.version <= offered->version);
	assert(client_hello_offers_suite(offered, h.suite));
	assert(!h.ticket || client_hello_offered(offered, 35));
	assert(!h.status || client_hello_offered(offered, 5));
}

static void
certificates(const uint8_t *p, size_t len)
{
	struct octets out[SERVER_HELLO_CERTIFICATES_MAX];
	size_t count, octets = 3;

	if (!server_certificates(p, len, out, &count))
		return;
	assert(count > 0 && count <= SERVER_HELLO_CERTIFICATES_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(out[i].left > 0 && out[i].p == p + octets + 3);
		octets += 3 + out[i].left;
	}
	assert(octets == len && !server_certificates(p, len - 1, out, &count));
}

static void
ticket(const uint8_t *p, size_t len)
{
	uint32_t lifetime_s;
	struct octets octets;

	if (server_ticket(p, len, &lifetime_s, &octets)) {
		assert(octets.p == p + 6 && octets.left == len - 6);
		assert(!server_ticket(p, len - 1, &lifetime_s, &octets));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct octets o = octets_of(data, size), sent = octets_vector(&o, 2);
	struct client_hello offered;
	uint8_t *copy;

	if (o.bad)
		return 0;
	/* In a block of its own, so that a read beyond the end is seen. */
	copy = malloc(o.left + 1);
	assert(copy != NULL);
	memcpy(copy + 1, o.p, o.left);
	if (client_hello_parse(sent.p, sent.left, &offered) == CLIENT_HELLO_OK)
		hello(copy + 1, o.left, &offered);
	certificates(copy + 1, o.left);
	ticket(copy + 1, o.left);
	free(copy);
	return 0;
}
