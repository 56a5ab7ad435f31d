/* title.c - the name by which ps shows a process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Linux reads it from the memory where argv stood. When the last octet of the arguments is not NUL,
 * it takes the text up to the first NUL as the whole (fs/proc/base.c, get_mm_proctitle), so no
 * padding shows. */
#include "daemon/title.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* New pointers and text in one block, for n strings. */
static char **
copy_strings(char **from, size_t n)
{
	size_t i, len, size = (n + 1) * sizeof(*from);
	char **to, *p;

	for (i = 0; i < n; i++)
		size += strlen(from[i]) + 1;
	to = malloc(size);
	if (to == NULL)
		return NULL;
	p = (char *)(to + n + 1);
	for (i = 0; i < n; i++) {
		len = strlen(from[i]) + 1;
		memcpy(p, from[i], len);
		to[i] = p;
		p += len;
	}
	to[n] = NULL;
	return to;
}

/* The end of the strings that follow each other without a gap from `end` on. */
static char *
contiguous(char **strings, size_t n, char *end)
{
	size_t i;

	for (i = 0; i < n && strings[i] == end; i++)
		end += strlen(strings[i]) + 1;
	return end;
}

bool
title_take(struct title *t, int argc, char **argv)
{
	size_t n = (size_t)argc, m = 0;
	char *end;

	memset(t, 0, sizeof(*t));
	if (argc < 1)
		return false;
	while (environ[m] != NULL)
		m++;
	t->copies[0] = copy_strings(argv, n);
	t->copies[1] = copy_strings(environ, m);
	if (t->copies[0] == NULL || t->copies[1] == NULL) {
		free(t->copies[0]);
		free(t->copies[1]);
		return false;
	}
	t->start = argv[0];
	end = contiguous(argv, n, argv[0]);
	t->arguments = (size_t)(end - t->start);
	t->size = (size_t)(contiguous(environ, m, end) - t->start);
	memcpy(argv, t->copies[0], n * sizeof(*argv));
	environ = t->copies[1];
	return true;
}

void
title_set(const struct title *t, const char *text)
{
	size_t len = strlen(text);

	if (t->size < 2)
		return;
	if (len > t->size - 1)
		len = t->size - 1;
	memset(t->start, 0, t->size);
	memcpy(t->start, text, len);
	if (len + 1 < t->arguments)
		t->start[t->arguments - 1] = '.';
}
