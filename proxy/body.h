/* body.h - the end of mail data, and nothing that a lenient server could take for it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 5321 4.1.1.4: CRLF "." CRLF ends the data and only that. A dot that stands alone between line
 * ends of which not both are CRLF (LF.LF, LF.CRLF, CRLF.LF, CR.CRLF, CRLF.CR, ..., also with NULs
 * beside the dot) is smuggling (CVE-2023-51764): nothing of it is passed on. */
#ifndef PROXY_BODY_H
#define PROXY_BODY_H

#include <stddef.h>

enum body_result {
	BODY_MORE,	/* relay the first *pass octets; the rest (at most BODY_HOLD_MAX) must be
			 * shown again at the front of the next call, with more behind it */
	BODY_END,	/* relay the first *pass octets, which end with CRLF.CRLF; what is behind
			 * them are the next commands */
	BODY_SMUGGLED	/* relay nothing more: after *pass octets comes a false end */
};

#define BODY_HOLD_MAX 64	/* longer runs of NULs beside a dot are smuggling by themselves */

struct body {
	unsigned state;		/* what stands before the next octet; start with body_start */
};

void body_start(struct body *b);	/* at the start of the data, as if after a CRLF */
enum body_result body_scan(struct body *b, const char *p, size_t len, size_t *pass);

/* body_skip: for swallowing what follows a false end: consumes up to and including the true
 * CRLF.CRLF. Returns the octets consumed, all of them where it was not found; *end says whether it
 * was. It goes on where body_scan's last *pass ended. */
size_t body_skip(struct body *b, const char *p, size_t len, int *end);

#endif
