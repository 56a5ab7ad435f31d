/* words.h - a line of a firewall program, word for word
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_WORDS_H
#define NFQ_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct word {
	const char *p;
	size_t len;
};

/* words_next: the next word of *line, which is moved behind it; a quoted one with its quotes, so
 * that it is never taken for something else. False at the end. */
bool words_next(const char **line, struct word *out);

bool words_are(const struct word *w, const char *text);

#endif
