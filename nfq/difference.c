/* difference.c - what is missing or too much in one rule text against another, in a few words
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/difference.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 3			/* lines of each kind: which program did what is seen by then */

struct line {
	const char *p;
	size_t len;
};

/* next_line: false at the end of the text. */
static bool
next_line(const char **text, struct line *out)
{
	if (**text == '\0')
		return false;
	out->p = *text;
	out->len = strcspn(*text, "\n");
	*text += out->len + ((*text)[out->len] == '\n');
	return true;
}

static bool
same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static bool
heading(const struct line *l)
{
	return l->len > 0 && l->p[0] == '#';
}

/* times: how often this line stands in the part of that name, in the first `len` octets. */
static size_t
times(const char *text, size_t len, const struct line *part, const struct line *wanted)
{
	const char *end = text + len;
	struct line now = { "", 0 }, l;
	size_t n = 0;

	while (text < end && next_line(&text, &l)) {
		if (heading(&l))
			now = l;
		else if (same(&now, part) && same(&l, wanted))
			n++;
	}
	return n;
}

static size_t
add(char *out, size_t size, size_t at, const char *before, const struct line *l)
{
	int n = snprintf(out + at, size - at, "%s%.*s", before, (int)l->len, l->p);

	return n < 0 || (size_t)n >= size - at ? size - 1 : at + (size_t)n;
}

/* list: the lines of `these` that are oftener there than in `those`; returns the new end of out. */
static size_t
list(const char *these, const char *those, const char *title, char *out, size_t size, size_t at)
{
	struct line part = { "", 0 }, l;
	const char *rest = these;
	size_t n = 0;
	char more[32];

	while (next_line(&rest, &l)) {
		if (heading(&l)) {
			part = l;
			continue;
		}
		if (l.len == 0 || times(these, (size_t)(rest - these), &part, &l) <=
		    times(those, strlen(those), &part, &l))
			continue;
		if (n++ < SHOWN)
			at = add(out, size, at, n > 1 ? "; " : title, &l);
	}
	if (n > SHOWN) {
		struct line tail = { more, 0 };
		tail.len = (size_t)snprintf(more, sizeof(more), " and %zu more", n - SHOWN);
		at = add(out, size, at, "", &tail);
	}
	return at;
}

bool
difference(const char *expected, const char *loaded, char *out, size_t size)
{
	size_t at;

	out[0] = '\0';
	if (strcmp(expected, loaded) == 0)
		return false;
	at = list(expected, loaded, "missing: ", out, size, 0);
	list(loaded, expected, at > 0 ? "; not ours: " : "not ours: ", out, size, at);
	if (out[0] == '\0')
		snprintf(out, size, "the same lines in another order");
	return true;
}
