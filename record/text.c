/* text.c - a buffer that grows, for what is written at once
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 4096		/* octets; doubled from there */

void
text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){ .p = NULL };
}

char *
text_grow(struct text *t, size_t len)
{
	size_t size = (t->size + len) * 2 + FIRST_SIZE;
	char *bigger = t->bad ? NULL : realloc(t->p, size);

	if (bigger == NULL) {
		t->bad = true;
		return NULL;
	}
	t->p = bigger;
	t->size = size;
	return t->p + t->len;
}

void
text_add(struct text *t, const void *p, size_t len)
{
	char *to = text_room(t, len);

	if (to == NULL || len == 0)
		return;
	memcpy(to, p, len);
	t->len += len;
}

void
text_cut(struct text *t, size_t len)
{
	assert(len <= t->len);
	t->len = len;
	t->bad = false;
}
