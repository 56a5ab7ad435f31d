/* json_text.c - JSON written straight into a text
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/json_text.h"

#include <string.h>

#include "record/digits.h"
#include "record/escape.h"

/* The key, with its comma where one is due, and room for `more` octets. Where the value goes, NULL
 * without memory. */
static char *
begin(struct text *t, struct json_key key, size_t more)
{
	char *to = text_room(t, key.len + more);
	size_t skip;

	if (to == NULL)
		return NULL;
	skip = t->len > 0 && (to[-1] == '{' || to[-1] == '[') ? 1 : 0;
	memcpy(to, key.p + skip, key.len - skip);
	return to + key.len - skip;
}

static void
end(struct text *t, const char *to)
{
	t->len = (size_t)(to - t->p);
}

size_t
json_text_open(struct text *t, struct json_key key, char bracket)
{
	size_t opened = t->len;
	char *to = begin(t, key, 1);

	if (to != NULL) {
		*to++ = bracket;
		end(t, to);
	}
	return opened;
}

void
json_text_close(struct text *t, size_t opened, char bracket, bool keep_empty)
{
	char *to = text_room(t, 1);

	if (to == NULL)
		return;
	if (!keep_empty && (to[-1] == '{' || to[-1] == '[')) {
		t->len = opened;
		return;
	}
	*to++ = bracket;
	end(t, to);
}

void
json_text_plain(struct text *t, struct json_key key, const char *p, size_t len)
{
	char *to = begin(t, key, len + 2);

	if (to == NULL)
		return;
	*to++ = '"';
	memcpy(to, p, len);
	to += len;
	*to++ = '"';
	end(t, to);
}

static char *
put_hex4(char *to, uint32_t v)
{
	static const char digits[] = "0123456789ABCDEF";

	*to++ = '\\';
	*to++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = digits[v >> shift & 15];
	return to;
}

/* The character at s, which is well-formed, has no controls and ends in a NUL (escape.c). */
static const unsigned char *
character(const unsigned char *s, uint32_t *code)
{
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	*code = s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*code = *code << 6 | (s[i] & 0x3fu);
	return s + len;
}

/* RFC 8259 section 7. At most three octets for each one of the text. */
static char *
put_escaped(char *to, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
		uint32_t code;

		if (*s < 0x80) {
			if (*s == '"' || *s == '\\')
				*to++ = '\\';
			*to++ = (char)*s++;
			continue;
		}
		s = character(s, &code);
		if (code >= 0x10000) {
			code -= 0x10000;
			to = put_hex4(to, 0xd800 | code >> 10);
			code = 0xdc00 | (code & 0x3ff);
		}
		to = put_hex4(to, code);
	}
	return to;
}

static void
put_unplain(struct text *t, struct json_key key, const char *s)
{
	char text[JSON_TEXT_MAX + 1];
	size_t len = escape_utf8(text, sizeof text, s);
	char *to = begin(t, key, 3 * len + 2);

	if (to == NULL)
		return;
	*to++ = '"';
	to = put_escaped(to, text);
	*to++ = '"';
	end(t, to);
}

void
json_text_string(struct text *t, struct json_key key, const char *s)
{
	size_t len = strnlen(s, JSON_TEXT_MAX + 1);
	char *to = len == 0 ? NULL : begin(t, key, len + 2);

	if (to == NULL)
		return;
	*to++ = '"';
	if (len > JSON_TEXT_MAX || !escape_plain(to, s, len)) {
		put_unplain(t, key, s);		/* in the same place: t->len has not moved */
		return;
	}
	to += len;
	*to++ = '"';
	end(t, to);
}

void
json_text_number(struct text *t, struct json_key key, uint64_t v)
{
	char *to = begin(t, key, DIGITS_NUMBER_MAX);

	if (to != NULL)
		end(t, digits_number(to, v > INT64_MAX ? INT64_MAX : v));
}

void
json_text_true(struct text *t, struct json_key key)
{
	static const char value[] = { 't', 'r', 'u', 'e' };
	char *to = begin(t, key, sizeof value);

	if (to == NULL)
		return;
	memcpy(to, value, sizeof value);
	end(t, to + sizeof value);
}
