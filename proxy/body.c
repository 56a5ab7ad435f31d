/* body.c - the end of mail data, and nothing that a lenient server could take for it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lenient server that is reckoned with ends a line at CR, at LF and at CRLF, and drops NULs or
 * stops reading at them. A dot matters only where such a server sees the start of a line, so the
 * scan leaps to the next dot, goes from there in blocks, and looks closely only into those with a
 * dot behind CR, LF or NUL. What must be held back is at most the dot and a CR behind it. */
#include "proxy/body.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK 128	/* octets: text has a dot or two in it, base64 none */

/* What stands before the next octet. */
enum before {
	AFTER_CRLF,
	AFTER_CR,		/* a line's end only for a lenient server, unless an LF comes */
	AFTER_FALSE_END,	/* bare LF, or NULs behind any line's end */
	IN_LINE,
	AFTER_DOT,		/* body_skip only: CRLF. and CRLF.CR */
	AFTER_DOT_CR
};

/* What a dot at the start of a line is. */
enum dot {
	DOT_TEXT, DOT_UNDECIDED, DOT_END, DOT_SMUGGLED
};

void
body_start(struct body *b)
{
	b->state = AFTER_CRLF;
}

/* before_at: what stands before p[i], where b->state stands before p[0]. */
static enum before
before_at(const struct body *b, const char *p, size_t i)
{
	size_t end = i;
	enum before state = (enum before)b->state;

	while (end > 0 && p[end - 1] == '\0')
		end--;
	if (end > 0 && p[end - 1] != '\r' && p[end - 1] != '\n')
		return IN_LINE;
	if (end == 0 && (end == i || state == IN_LINE))
		return state;
	if (end != i)
		return AFTER_FALSE_END;
	if (p[end - 1] == '\r')
		return AFTER_CR;
	if (end >= 2 ? p[end - 2] == '\r' : state == AFTER_CR)
		return AFTER_CRLF;
	return AFTER_FALSE_END;
}

/* is_candidate: a dot behind CR, LF, NUL or (one comparison tells them all) another control. */
static bool
is_candidate(const char *p)
{
	return p[0] == '.' && (unsigned char)p[-1] <= '\r';
}

/* block_has_candidate: is_candidate for any octet of the block that begins behind *before, written
 * without branches so that compilers make vector code of it. */
static bool
block_has_candidate(const char *before)
{
	unsigned char found = 0;
	size_t i;

	for (i = 0; i < BLOCK; i++)
		found |= (unsigned char)((before[i + 1] == '.') &
		    ((unsigned char)before[i] <= '\r'));
	return found != 0;
}

/* next_candidate: the place of the first dot from p[i] on that must be looked at; len if there is
 * none. Before p[0] stands what only b->state knows. */
static size_t
next_candidate(const char *p, size_t i, size_t len)
{
	if (i == 0 && (len == 0 || p[0] == '.'))
		return 0;
	i += i == 0;
	while (i < len) {
		const char *dot = memchr(p + i, '.', len - i);

		if (dot == NULL)
			return len;
		i = (size_t)(dot - p);
		size_t end = len - i > BLOCK ? i + BLOCK : len;

		if (end - i < BLOCK || block_has_candidate(p + i - 1))
			for (; i < end; i++)
				if (is_candidate(p + i))
					return i;
		i = end;
	}
	return len;
}

/* dot_read: p is what follows the dot. */
static enum dot
dot_read(enum before before, const char *p, size_t len)
{
	if (len == 0)
		return DOT_UNDECIDED;
	if (p[0] == '\n' || p[0] == '\0')
		return DOT_SMUGGLED;
	if (p[0] != '\r')
		return DOT_TEXT;
	if (before != AFTER_CRLF)
		return DOT_SMUGGLED;
	if (len == 1)
		return DOT_UNDECIDED;
	return p[1] == '\n' ? DOT_END : DOT_SMUGGLED;
}

enum body_result
body_scan(struct body *b, const char *p, size_t len, size_t *pass)
{
	size_t i;

	for (i = 0; (i = next_candidate(p, i, len)) < len; i++) {
		enum before before = before_at(b, p, i);

		if (before == IN_LINE)
			continue;
		switch (dot_read(before, p + i + 1, len - i - 1)) {
		case DOT_TEXT:
			continue;
		case DOT_UNDECIDED:
			b->state = before;
			*pass = i;
			return BODY_MORE;
		case DOT_END:
			b->state = AFTER_CRLF;
			*pass = i + 3;
			return BODY_END;
		case DOT_SMUGGLED:
			b->state = before;
			*pass = i;
			return BODY_SMUGGLED;
		}
	}
	b->state = before_at(b, p, len);
	*pass = len;
	return BODY_MORE;
}

/* skip_step: the state behind octet c; only a true CRLF counts. */
static enum before
skip_step(enum before state, char c)
{
	switch (c) {
	case '\r':
		return state == AFTER_DOT ? AFTER_DOT_CR : AFTER_CR;
	case '\n':
		return state == AFTER_CR ? AFTER_CRLF : IN_LINE;
	case '.':
		return state == AFTER_CRLF ? AFTER_DOT : IN_LINE;
	default:
		return IN_LINE;
	}
}

size_t
body_skip(struct body *b, const char *p, size_t len, int *end)
{
	enum before state = (enum before)b->state;
	size_t i;

	*end = 0;
	for (i = 0; i < len; i++) {
		if (state == IN_LINE) {
			const char *cr = memchr(p + i, '\r', len - i);

			if (cr == NULL) {
				i = len;
				break;
			}
			i = (size_t)(cr - p);
		}
		if (state == AFTER_DOT_CR && p[i] == '\n') {
			*end = 1;
			state = AFTER_CRLF;
			i++;
			break;
		}
		state = skip_step(state, p[i]);
	}
	b->state = state;
	return i;
}
