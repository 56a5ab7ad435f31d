/* doctor_token.c - words of the text that firewall programs print
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <string.h>

#include "ctl/doctor_chain.h"

static bool
is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static void
skip(struct token *t, size_t n)
{
	t->p += n;
	t->len -= n;
}

bool
token_next(struct token *rest, struct token *out)
{
	size_t n = 0;

	while (rest->len > 0 && is_space(rest->p[0]))
		skip(rest, 1);
	if (rest->len == 0)
		return false;
	if (rest->p[0] != '"') {
		while (n < rest->len && !is_space(rest->p[n]))
			n++;
		*out = (struct token){ rest->p, n };
		skip(rest, n);
		return true;
	}
	skip(rest, 1);
	while (n < rest->len && rest->p[n] != '"')
		n += rest->p[n] == '\\' && n + 1 < rest->len ? 2 : 1;
	*out = (struct token){ rest->p, n };
	skip(rest, n < rest->len ? n + 1 : n);
	return true;
}

bool
token_is(struct token t, const char *word)
{
	return t.len == strlen(word) && memcmp(t.p, word, t.len) == 0;
}

/* A number at the front; 65536 when there is none. */
static unsigned
number(struct token *t)
{
	unsigned n = 0;
	bool any = false;

	while (t->len > 0 && isdigit((unsigned char)t->p[0]) && n <= 65535) {
		n = n * 10 + (unsigned)(t->p[0] - '0');
		any = true;
		skip(t, 1);
	}
	return any && n <= 65535 ? n : 65536;
}

static bool
in_range(struct token t, uint16_t port)
{
	unsigned from = number(&t), to = from;

	if (t.len > 1 && (t.p[0] == ':' || t.p[0] == '-')) {
		skip(&t, 1);
		to = number(&t);
	}
	return from <= port && port <= to && to <= 65535;
}

/* The next element; behind its first word stand a map's value, a timeout, a counter. */
static bool
next_element(struct token *rest, struct token *out)
{
	while (rest->len > 0) {
		const char *comma = memchr(rest->p, ',', rest->len);
		size_t n = comma == NULL ? rest->len : (size_t)(comma - rest->p);
		struct token element = { rest->p, n };

		skip(rest, comma == NULL ? n : n + 1);
		if (token_next(&element, out))
			return true;
	}
	return false;
}

bool
token_has(struct token elements, const char *word)
{
	struct token element;

	while (next_element(&elements, &element))
		if (token_is(element, word))
			return true;
	return false;
}

bool
token_has_port(struct token elements, uint16_t port)
{
	struct token element;

	while (next_element(&elements, &element))
		if (in_range(element, port))
			return true;
	return false;
}
