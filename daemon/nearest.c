/* nearest.c - which known word was meant
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Optimal string alignment over three rows of the table. */
#include "daemon/nearest.h"

#include <string.h>

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][NEAREST_LEN_MAX + 1], *two, *one, *now, cost;
	size_t i, j;

	if (a_len > NEAREST_LEN_MAX || b_len > NEAREST_LEN_MAX)
		return NEAREST_LEN_MAX;
	for (j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		now = rows[i % 3];
		one = rows[(i + 2) % 3];
		two = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			cost = lower(a[i - 1]) != lower(b[j - 1]);
			now[j] = least(one[j - 1] + cost, least(one[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], two[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

void
nearest_start(struct nearest *n, const char *word, size_t len)
{
	n->word = word;
	n->len = len;
	n->best = NULL;
	/* A third of the word may be wrong, but never all of it. */
	n->distance = len < 3 ? (unsigned)len : (unsigned)len / 3 + 2;
}

void
nearest_try(struct nearest *n, const char *candidate)
{
	size_t len = strlen(candidate);
	unsigned d = nearest_distance(n->word, n->len, candidate, len);

	if (d < n->distance && d < len) {
		n->distance = d;
		n->best = candidate;
	}
}
