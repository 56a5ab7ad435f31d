/* routes_match.c - which lines of ip(8) mean the same rule or route
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each network of clients has a rule, so there may be a thousand: their meanings are sorted once
 * and then looked up. */
#include "nfq/routes_match.h"

#include <stdlib.h>
#include <string.h>

#include "nfq/words.h"

#define WORDS_MAX 32		/* of a rule of ours */

struct meaning {
	char text[ROUTES_LINE_SIZE];
	size_t line;
};

struct routes_index {
	size_t len;
	struct meaning *list;	/* sorted */
};

static int
compare_words(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->p, y->p, n);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Words that one form has and the other leaves out. */
static bool
empty(const struct word *w)
{
	static const char *const words[] = { "add", "from", "all", "scope", "host", "metric",
		"1024", "pref", "medium" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]) && !words_are(w, words[i]); i++)
		;
	return i < sizeof(words) / sizeof(words[0]);
}

/* The other words in alphabetical order; they take no more room than the line. */
static void
meaning_of(const char *line, char out[ROUTES_LINE_SIZE])
{
	struct word words[WORDS_MAX];
	size_t n = 0, at = 0, i;

	while (n < WORDS_MAX && words_next(&line, &words[n]))
		n += !empty(&words[n]);
	qsort(words, n, sizeof(words[0]), compare_words);
	for (i = 0; i < n && at + words[i].len + 1 < ROUTES_LINE_SIZE; i++) {
		memcpy(out + at, words[i].p, words[i].len);
		at += words[i].len;
		out[at++] = ' ';
	}
	out[at] = '\0';
}

static int
compare_text(const void *a, const void *b)
{
	const struct meaning *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Of two that mean the same the first line comes first. */
static int
compare(const void *a, const void *b)
{
	const struct meaning *x = a, *y = b;
	int order = compare_text(x, y);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

struct routes_index *
routes_index_new(const struct routes *r)
{
	struct routes_index *x = calloc(1, sizeof(*x));
	size_t i;

	if (x == NULL)
		return NULL;
	x->list = calloc(r->len + 1, sizeof(x->list[0]));
	if (x->list == NULL) {
		free(x);
		return NULL;
	}
	x->len = r->len;
	for (i = 0; i < r->len; i++) {
		meaning_of(r->lines[i], x->list[i].text);
		x->list[i].line = i;
	}
	qsort(x->list, x->len, sizeof(x->list[0]), compare);
	return x;
}

void
routes_index_free(struct routes_index *x)
{
	if (x != NULL)
		free(x->list);
	free(x);
}

bool
routes_index_has(const struct routes_index *x, const char *line)
{
	struct meaning wanted = { .line = 0 };

	meaning_of(line, wanted.text);
	return bsearch(&wanted, x->list, x->len, sizeof(x->list[0]), compare_text) != NULL;
}

bool
routes_once(struct routes *r)
{
	struct routes_index *x = routes_index_new(r);
	size_t i, kept = 0;

	if (x == NULL)
		return false;
	for (i = 1; i < x->len; i++)
		if (compare_text(&x->list[i - 1], &x->list[i]) == 0)
			r->lines[x->list[i].line][0] = '\0';
	for (i = 0; i < r->len; i++)
		if (r->lines[i][0] != '\0') {
			if (kept != i)
				memcpy(r->lines[kept], r->lines[i], ROUTES_LINE_SIZE);
			kept++;
		}
	r->len = kept;
	routes_index_free(x);
	return true;
}
