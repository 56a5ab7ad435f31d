/* client_hello.c - what a client asks for in its ClientHello (RFC 5246 7.4.1.2, RFC 8446 4.1.2)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/client_hello.h"

#include <string.h>

#define SSL_3_0 0x0300
#define TLS_1_2 0x0303
#define TLS_1_3 0x0304
#define SESSION_ID_MAX 32
#define SCSV_RENEGOTIATION 0x00ff	/* RFC 5746 3.3 */
#define HOST_NAME 0			/* RFC 6066 section 3 */

enum extension {
	SERVER_NAME = 0, MAX_FRAGMENT_LENGTH = 1, STATUS_REQUEST = 5, SUPPORTED_GROUPS = 10,
	EC_POINT_FORMATS = 11, SIGNATURE_ALGORITHMS = 13, HEARTBEAT = 15, ALPN = 16,
	CERTIFICATE_TIMESTAMP = 18, ENCRYPT_THEN_MAC = 22, EXTENDED_MASTER_SECRET = 23,
	RECORD_SIZE_LIMIT = 28, SESSION_TICKET = 35, SUPPORTED_VERSIONS = 43,
	RENEGOTIATION_INFO = 0xff01
};

/* What a server may answer with: records, keys and session are shaped by these, and more comes
 * beside the certificate, but that stays an X.509 chain for a host name, and what is signed stays
 * the same. ALPN too: it names the protocol inside, and only ties a session closer to its purpose.
 * Not here are those that put something else in the certificate's place (RFC 7250, RFC 7924), and
 * whatever nobody here has read. */
static const uint16_t answerable[] = {
	SERVER_NAME, MAX_FRAGMENT_LENGTH, STATUS_REQUEST, EC_POINT_FORMATS, HEARTBEAT, ALPN,
	CERTIFICATE_TIMESTAMP, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RECORD_SIZE_LIMIT,
	SESSION_TICKET, RENEGOTIATION_INFO,
};

uint32_t
client_hello_answerable(uint16_t extension)
{
	for (size_t i = 0; i < sizeof(answerable) / sizeof(answerable[0]); i++)
		if (answerable[i] == extension)
			return (uint32_t)1 << i;
	return 0;
}

bool
client_hello_offered(const struct client_hello *h, uint16_t extension)
{
	return h->extensions & client_hello_answerable(extension);
}

/* A list of pairs; one that was not sent is empty. */
static bool
holds(struct octets pairs, uint16_t value)
{
	while (pairs.left > 0)
		if (octets_16(&pairs) == value)
			return true;
	return false;
}

bool
client_hello_offers_suite(const struct client_hello *h, uint16_t suite)
{
	return holds(h->suites, suite);
}

bool
client_hello_offers_group(const struct client_hello *h, uint16_t group)
{
	return h->groups.left == 0 || holds(h->groups, group);
}

bool
client_hello_offers_signature(const struct client_hello *h, uint16_t scheme)
{
	return h->signatures.left == 0 || holds(h->signatures, scheme);
}

static bool
is_pairs(const struct octets *o)
{
	return !o->bad && o->left > 0 && o->left % 2 == 0;
}

/* pairs: an extension that is nothing but a list of pairs (RFC 8446 4.2.3, 4.2.7). */
static bool
pairs(struct octets body, struct octets *out)
{
	*out = octets_vector(&body, 2);
	return octets_done(&body) && is_pairs(out);
}

/* RFC 8701: values that only keep servers used to unknown ones. */
static bool
is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* RFC 8446 4.2.1: where it is sent, legacy_version does not count. The drafts of TLS 1.3 were
 * 0x7fxx, greater than 0x0304 as well. */
static bool
read_versions(struct octets body, struct client_hello *out)
{
	struct octets list = octets_vector(&body, 1);
	uint16_t highest = 0;

	if (!octets_done(&body) || !is_pairs(&list))
		return false;
	while (list.left > 0) {
		uint16_t version = octets_16(&list);

		if (is_grease(version))
			continue;
		if (version >= TLS_1_3)
			out->offers_tls13 = true;
		else if (version > highest)
			highest = version;
	}
	if (!out->offers_tls13)
		out->version = highest;
	return true;
}

/* host_name: as a name of letters, digits, hyphens and underscores between dots; "" for another. */
static void
host_name(const struct octets *name, char out[CLIENT_HELLO_SNI_MAX + 1])
{
	char before = '.';

	out[0] = '\0';
	if (name->left == 0 || name->left > CLIENT_HELLO_SNI_MAX)
		return;
	for (size_t i = 0; i < name->left; i++) {
		char c = (char)name->p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '.' ? before == '.' : !((c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_')) {
			out[0] = '\0';
			return;
		}
		out[i] = before = c;
	}
	out[before == '.' ? 0 : name->left] = '\0';
}

/* RFC 6066 section 3: one name of a type at most; types other than host_name were never used. */
static bool
read_names(struct octets body, struct client_hello *out)
{
	struct octets list = octets_vector(&body, 2);
	bool found = false;

	if (!octets_done(&body) || octets_done(&list))
		return false;
	while (list.left > 0) {
		uint8_t type = octets_8(&list);
		struct octets name = octets_vector(&list, 2);

		if (type != HOST_NAME || name.bad)
			continue;
		if (found)
			return false;
		found = true;
		host_name(&name, out->sni);
	}
	return octets_done(&list);
}

static bool
read_extension(uint16_t type, struct octets body, struct client_hello *out)
{
	out->extensions |= client_hello_answerable(type);
	switch (type) {
	case SERVER_NAME:
		return read_names(body, out);
	case SUPPORTED_GROUPS:
		return pairs(body, &out->groups);
	case SIGNATURE_ALGORITHMS:
		return pairs(body, &out->signatures);
	case SUPPORTED_VERSIONS:
		return read_versions(body, out);
	case SESSION_TICKET:
		out->ticket = body;
		return true;
	default:
		return true;
	}
}

static bool
read_extensions(struct octets block, struct client_hello *out)
{
	uint16_t seen[CLIENT_HELLO_EXTENSIONS_MAX];
	size_t count = 0;

	while (block.left > 0) {
		uint16_t type = octets_16(&block);
		struct octets body = octets_vector(&block, 2);

		if (body.bad || count == CLIENT_HELLO_EXTENSIONS_MAX)
			return false;
		for (size_t i = 0; i < count; i++)
			if (seen[i] == type)
				return false;
		seen[count++] = type;
		if (!read_extension(type, body, out))
			return false;
	}
	return octets_done(&block);
}

enum client_hello_result
client_hello_parse(const void *body, size_t len, struct client_hello *out)
{
	struct octets o = octets_of(body, len), compressions;
	uint16_t version = octets_16(&o);

	*out = (struct client_hello){ .version = version < TLS_1_2 ? version : TLS_1_2 };
	out->random = octets_take(&o, CLIENT_HELLO_RANDOM).p;
	out->session_id = octets_vector(&o, 1);
	out->suites = octets_vector(&o, 2);
	compressions = octets_vector(&o, 1);
	if (o.bad || version < SSL_3_0 || out->session_id.left > SESSION_ID_MAX ||
	    !is_pairs(&out->suites) || memchr(compressions.p, 0, compressions.left) == NULL)
		return CLIENT_HELLO_BAD;
	if (o.left > 0) {
		struct octets block = octets_vector(&o, 2);

		if (!octets_done(&o) || !read_extensions(block, out))
			return CLIENT_HELLO_BAD;
	}
	if (holds(out->suites, SCSV_RENEGOTIATION))
		out->extensions |= client_hello_answerable(RENEGOTIATION_INFO);
	return CLIENT_HELLO_OK;
}
