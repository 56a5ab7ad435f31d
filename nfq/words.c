/* words.c - a line of a firewall program, word for word
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/words.h"

#include <string.h>

bool
words_next(const char **line, struct word *out)
{
	const char *p = *line + strspn(*line, " \t");
	bool quoted = false;

	*out = (struct word){ p, 0 };
	for (; *p != '\0' && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && quoted && p[1] != '\0')
			p++;
	}
	out->len = (size_t)(p - out->p);
	*line = p;
	return out->len > 0;
}

bool
words_are(const struct word *w, const char *text)
{
	return w->p != NULL && w->len == strlen(text) && memcmp(w->p, text, w->len) == 0;
}
