/* client_hello.h - what a client asks for in its ClientHello (RFC 5246 7.4.1.2, RFC 8446 4.1.2)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure. Pointers point into the message. */
#ifndef TLS_CLIENT_HELLO_H
#define TLS_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/octets.h"

#define CLIENT_HELLO_RANDOM 32
#define CLIENT_HELLO_SNI_MAX 255
#define CLIENT_HELLO_EXTENSIONS_MAX 64	/* today's clients send up to 25 */

struct client_hello {
	/* The highest below TLS 1.3: legacy_version, at most 0x0303; where supported_versions is
	 * sent without 1.3 the highest in that, 0 when it names none. */
	uint16_t version;
	bool offers_tls13;		/* supported_versions names 1.3 or newer, drafts too */
	const uint8_t *random;		/* CLIENT_HELLO_RANDOM octets */
	struct octets session_id;	/* at most 32 */
	struct octets suites;		/* pairs of octets */
	struct octets ticket;		/* RFC 5077; empty where none is offered */
	struct octets groups;		/* supported_groups: pairs of octets; empty: not sent */
	struct octets signatures;	/* signature_algorithms: pairs; empty: not sent */
	char sni[CLIENT_HELLO_SNI_MAX + 1];	/* "" for none, or one that is no host name */
	uint32_t extensions;		/* set of client_hello_answerable of those sent */
};

enum client_hello_result { CLIENT_HELLO_OK, CLIENT_HELLO_BAD };

/* client_hello_parse: the body of the message. SSL 3.0 is parsed too: the caller judges versions.
 * An extension sent twice is bad, and more than CLIENT_HELLO_EXTENSIONS_MAX of them. */
enum client_hello_result client_hello_parse(const void *body, size_t len,
    struct client_hello *out);

/* client_hello_offers_suite, _group, _signature: whether the client offered this one. Of groups and
 * signatures true where it sent no such list. */
bool client_hello_offers_suite(const struct client_hello *h, uint16_t suite);
bool client_hello_offers_group(const struct client_hello *h, uint16_t group);
bool client_hello_offers_signature(const struct client_hello *h, uint16_t scheme);

/* client_hello_answerable: the bit of an extension that a server may answer with and that leaves
 * the meaning of its certificate alone; 0 for every other one. */
uint32_t client_hello_answerable(uint16_t extension);

/* client_hello_offered: whether the client sent this extension; false too for one that is not
 * answerable. TLS_EMPTY_RENEGOTIATION_INFO_SCSV counts as 0xff01. */
bool client_hello_offered(const struct client_hello *h, uint16_t extension);

#endif
