/* batch.c - lines on their way into the log file together
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/batch.h"

#include <assert.h>
#include <string.h>

void
batch_free(struct batch *b)
{
	text_free(&b->lines);
}

bool
batch_full(const struct batch *b)
{
	return b->len == BATCH_MAX || b->lines.len >= BATCH_OCTETS;
}

bool
batch_has(const struct batch *b, uint64_t key)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->keys[i] == key)
			return true;
	return false;
}

void
batch_add(struct batch *b, uint64_t key)
{
	assert(b->len < BATCH_MAX);
	b->ends[b->len] = b->lines.len;
	b->keys[b->len] = key;
	b->len++;
}

static size_t
start(const struct batch *b, size_t i)
{
	return i == 0 ? 0 : b->ends[i - 1];
}

const char *
batch_line(const struct batch *b, size_t i, size_t *len)
{
	*len = b->ends[i] - start(b, i);
	return b->lines.p + start(b, i);
}

void
batch_empty(struct batch *b, size_t i)
{
	size_t from = start(b, i), len = b->ends[i] - from;

	memmove(b->lines.p + from, b->lines.p + b->ends[i], b->lines.len - b->ends[i]);
	for (; i < b->len; i++)
		b->ends[i] -= len;
	b->lines.len -= len;
}

void
batch_cut(struct batch *b, size_t len)
{
	b->len = len;
	text_cut(&b->lines, start(b, len));
}
