/* server_hello.c - what a server has chosen, and its certificates as sent
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 5246 7.4.1.3 and 7.4.2, RFC 8446 4.1.3, RFC 5077 3.3. */
#include "tls/server_hello.h"

#include <string.h>

#define TLS_1_0 0x0301
#define TLS_1_1 0x0302
#define TLS_1_2 0x0303
#define RANDOM 32
#define SESSION_ID_MAX 32
#define STATUS_REQUEST 5
#define SESSION_TICKET 35
#define SUPPORTED_VERSIONS 43
#define RENEGOTIATION_INFO 0xff01
#define MARK 8			/* at the end of random */

/* SHA-256 of "HelloRetryRequest". */
static const uint8_t retry_random[RANDOM] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
	0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
	0x33, 0x9c,
};

/* look_ahead: what an extension block tells before any of its members is judged: TLS 1.3 answers
 * with others than TLS 1.2, in any order. False when it is malformed. */
static bool
look_ahead(struct octets block, struct server_hello *out)
{
	while (block.left > 0) {
		out->tls13 |= octets_16(&block) == SUPPORTED_VERSIONS;
		octets_vector(&block, 2);
	}
	return octets_done(&block);
}

/* read_hello: everything, unjudged; *compression and the extension block beside it. */
static bool
read_hello(struct octets o, struct server_hello *out, uint8_t *compression, struct octets *block)
{
	out->version = octets_16(&o);
	out->random = octets_take(&o, RANDOM).p;
	out->session_id = octets_vector(&o, 1);
	out->suite = octets_16(&o);
	*compression = octets_8(&o);
	*block = octets_of(o.p, 0);
	if (o.left > 0)
		*block = octets_vector(&o, 2);
	return octets_done(&o) && out->session_id.left <= SESSION_ID_MAX && look_ahead(*block, out);
}

/* is_marked: RFC 8446 4.1.3: a server that knows better than what it had to choose says so at the
 * end of its random, which its signature covers: 1 for TLS 1.3, 0 for TLS 1.2. */
static bool
is_marked(const struct server_hello *h, const struct client_hello *offered)
{
	const uint8_t *mark = h->random + RANDOM - MARK;

	if (memcmp(mark, "DOWNGRD", MARK - 1) != 0)
		return false;
	switch (mark[MARK - 1]) {
	case 0:
		return offered->offers_tls13 ||
		    (offered->version >= TLS_1_2 && h->version <= TLS_1_1);
	case 1:
		return offered->offers_tls13;
	default:
		return false;
	}
}

/* judge_extensions: RFC 5246 7.4.1.4: an answer is to be asked for. */
static enum server_hello_result
judge_extensions(struct octets block, const struct client_hello *offered, struct server_hello *out)
{
	uint32_t seen = 0;

	while (block.left > 0) {
		uint16_t type = octets_16(&block);
		uint32_t bit = client_hello_answerable(type);

		octets_vector(&block, 2);
		if (!client_hello_offered(offered, type) || (seen & bit) != 0)
			return SERVER_HELLO_EXTENSION;
		seen |= bit;
	}
	out->status = (seen & client_hello_answerable(STATUS_REQUEST)) != 0;
	out->renegotiation = (seen & client_hello_answerable(RENEGOTIATION_INFO)) != 0;
	out->ticket = (seen & client_hello_answerable(SESSION_TICKET)) != 0;
	return SERVER_HELLO_OK;
}

enum server_hello_result
server_hello_parse(const void *body, size_t len, const struct client_hello *offered,
    struct server_hello *out)
{
	struct octets block;
	uint8_t compression;

	*out = (struct server_hello){ 0 };
	if (!read_hello(octets_of(body, len), out, &compression, &block))
		return SERVER_HELLO_BAD;
	out->retry = memcmp(out->random, retry_random, RANDOM) == 0;
	if (out->tls13 || out->retry)
		return SERVER_HELLO_TLS13;
	if (out->version < TLS_1_0 || out->version > offered->version)
		return SERVER_HELLO_VERSION;
	if (is_marked(out, offered))
		return SERVER_HELLO_DOWNGRADE;
	if (!client_hello_offers_suite(offered, out->suite))
		return SERVER_HELLO_SUITE;
	if (compression != 0)
		return SERVER_HELLO_COMPRESSION;
	return judge_extensions(block, offered, out);
}

const char *
server_hello_result_text(enum server_hello_result r)
{
	switch (r) {
	case SERVER_HELLO_OK:
		return "";
	case SERVER_HELLO_BAD:
		return "hello-malformed";
	case SERVER_HELLO_TLS13:
		return "tls13-chosen";
	case SERVER_HELLO_VERSION:
		return "version-not-offered";
	case SERVER_HELLO_DOWNGRADE:
		return "downgrade-marked";
	case SERVER_HELLO_SUITE:
		return "suite-not-offered";
	case SERVER_HELLO_COMPRESSION:
		return "compression-chosen";
	case SERVER_HELLO_EXTENSION:
		return "extension-not-allowed";
	}
	return "";
}

bool
server_certificates(const void *body, size_t len,
    struct octets out[SERVER_HELLO_CERTIFICATES_MAX], size_t *count)
{
	struct octets o = octets_of(body, len), list = octets_vector(&o, 3);

	*count = 0;
	while (list.left > 0 && *count < SERVER_HELLO_CERTIFICATES_MAX) {
		struct octets certificate = octets_vector(&list, 3);

		if (certificate.left == 0)
			return false;
		out[(*count)++] = certificate;
	}
	return octets_done(&o) && octets_done(&list) && *count > 0;
}

bool
server_ticket(const void *body, size_t len, uint32_t *lifetime_s, struct octets *ticket)
{
	struct octets o = octets_of(body, len);

	*lifetime_s = octets_32(&o);
	*ticket = octets_vector(&o, 2);
	return octets_done(&o);
}
