/* wide.h - a character other than ASCII in an address (RFC 6531 3.3, RFC 3629 4)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_WIDE_H
#define PROXY_WIDE_H

#include <stddef.h>

/* wide_read: the octets of the character at p (len at least 1); 0 where it is ASCII, not well-
 * formed UTF-8, or one that some reader would take for a control, an "@" or a "." */
size_t wide_read(const char *p, size_t len);

#endif
