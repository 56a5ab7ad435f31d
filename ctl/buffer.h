/* buffer.h - octets on their way in or out of a connection, as many as they turn out to be
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whoever adds checks the limit first; the buffer itself has none. */
#ifndef CTL_BUFFER_H
#define CTL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *p;
	size_t start, len, size;	/* p[start..len) has not been taken */
};

bool buffer_add(struct buffer *b, const char *p, size_t len);	/* false: out of memory */
void buffer_take(struct buffer *b, size_t len);			/* from the front */
size_t buffer_length(const struct buffer *b);
void buffer_clear(struct buffer *b);				/* frees */

#endif
