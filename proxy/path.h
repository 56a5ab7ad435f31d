/* path.h - the one strict parser of forward and reverse paths (RFC 5321 4.1.2, 6531)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What it cannot take apart without doubt is refused, because whoever reads it differently would
 * deliver to another domain than the one whose policy was judged. */
#ifndef PROXY_PATH_H
#define PROXY_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/domain.h"

enum path_result {
	PATH_OK,
	PATH_EMPTY,		/* "<>" where a recipient is needed */
	PATH_NO_BRACKETS, PATH_UNTERMINATED, PATH_SOURCE_ROUTE_BAD, PATH_LOCAL_BAD,
	PATH_NO_DOMAIN,		/* <user>: only <postmaster> may (RFC 5321 4.1.1.3) */
	PATH_DOMAIN_BAD, PATH_LITERAL_BAD,
	PATH_TOO_LONG,		/* over 256 octets */
	PATH_NEEDS_SMTPUTF8	/* not ASCII */
};

struct path {
	bool null;			/* "<>" */
	bool literal;			/* [192.0.2.1]: no policy */
	bool no_domain;			/* <postmaster> */
	bool source_route;		/* one was there, and is dropped: the mailbox decides */
	bool utf8;			/* needs SMTPUTF8 */
	const char *mailbox;		/* local-part@domain as written, inside the brackets */
	size_t mailbox_len;
	char domain[DOMAIN_SIZE];	/* normalised; "" with null, literal and no_domain */
};

/* The mailbox, never the path as written, is what to pass on: only it was judged. */

/* path_parse: p starts at "<". On PATH_OK *used counts the octets through ">". Never allocates
 * for ASCII. A trailing dot on the domain, a doubled @, spaces, controls, unquoted specials:
 * refused. */
enum path_result path_parse(const char *p, size_t len, struct path *out, size_t *used);

/* path_parse_reverse: the same for MAIL, whose domain nobody judges: whether a sender is good
 * enough is the server's business. So a missing domain, underscores, empty labels (domain is ""
 * then) and local parts over 64 octets (VERP, SRS) pass; what cannot be taken apart does not. */
enum path_result path_parse_reverse(const char *p, size_t len, struct path *out, size_t *used);

const char *path_result_text(enum path_result r);

#endif
