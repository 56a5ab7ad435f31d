/* nearest.h - which known word was meant
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_NEAREST_H
#define DAEMON_NEAREST_H

#include <stddef.h>

#define NEAREST_LEN_MAX 40	/* longer words are not compared: no key is half as long */

struct nearest {
	const char *word;
	size_t len;
	const char *best;	/* NULL: nothing is near */
	unsigned distance;
};

void nearest_start(struct nearest *n, const char *word, size_t len);
void nearest_try(struct nearest *n, const char *candidate);

/* nearest_distance: insertions, deletions, changes and swaps of neighbours, ASCII case ignored. */
unsigned nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
