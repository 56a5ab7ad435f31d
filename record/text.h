/* text.h - a buffer that grows, for what is written at once
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty one. It keeps its memory when its length is set back. */
struct text {
	char *p;
	size_t len, size;
	bool bad;		/* memory ran out: something is missing behind `len` */
};

void text_free(struct text *t);

/* text_room: the place behind what is there, with room for len octets; whoever fills it adds to
 * t->len. NULL, now and later, once memory ran out. */
char *text_grow(struct text *t, size_t len);

static inline char *
text_room(struct text *t, size_t len)
{
	return t->bad || len > t->size - t->len ? text_grow(t, len) : t->p + t->len;
}

void text_add(struct text *t, const void *p, size_t len);

/* text_cut: back to that length, and good again. */
void text_cut(struct text *t, size_t len);

#endif
