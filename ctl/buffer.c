/* buffer.c - octets on their way in or out of a connection, as many as they turn out to be
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024		/* most requests and answers fit */

static bool
make_room(struct buffer *b, size_t len)
{
	size_t size = b->size == 0 ? FIRST_SIZE : b->size;
	char *bigger;

	if (b->start > 0) {
		memmove(b->p, b->p + b->start, b->len - b->start);
		b->len -= b->start;
		b->start = 0;
	}
	while (size - b->len < len)
		size *= 2;
	if (size == b->size)
		return true;
	bigger = realloc(b->p, size);
	if (bigger == NULL)
		return false;
	b->p = bigger;
	b->size = size;
	return true;
}

bool
buffer_add(struct buffer *b, const char *p, size_t len)
{
	if (len == 0)
		return true;
	if (b->size - b->len < len && !make_room(b, len))
		return false;
	memcpy(b->p + b->len, p, len);
	b->len += len;
	return true;
}

void
buffer_take(struct buffer *b, size_t len)
{
	assert(len <= buffer_length(b));
	b->start += len;
	if (b->start == b->len)
		b->start = b->len = 0;
}

size_t
buffer_length(const struct buffer *b)
{
	return b->len - b->start;
}

void
buffer_clear(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer){ NULL, 0, 0, 0 };
}
