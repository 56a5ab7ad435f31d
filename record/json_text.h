/* json_text.h - JSON written straight into a text
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compact, ASCII alone (the rest as \uNNNN), members in the order in which they are put. A text
 * that ends in an opening bracket gets its first member without a comma. Where memory runs out the
 * text is bad; look once, at the end. */
#ifndef RECORD_JSON_TEXT_H
#define RECORD_JSON_TEXT_H

#include <stdint.h>

#include "record/text.h"

#define JSON_TEXT_MAX 1024	/* octets of a string before JSON's own escapes */

/* A member's name with all that stands before its value. */
struct json_key {
	const char *p;
	size_t len;
};
#define JSON_KEY(name) { ",\"" name "\":", sizeof(",\"" name "\":") - 1 }
#define JSON_ELEMENT { ",", 1 }		/* of an array */

/* json_text_open: an object or an array (`bracket` is '{' or '['); what it returns is for
 * json_text_close, which takes an empty one back unless it is to be kept. */
size_t json_text_open(struct text *t, struct json_key key, char bracket);
void json_text_close(struct text *t, size_t opened, char bracket, bool keep_empty);

/* json_text_string: any text, made fit by escape_utf8 and capped at JSON_TEXT_MAX; nothing at all
 * for "". json_text_plain: one that needs no escape. */
void json_text_string(struct text *t, struct json_key key, const char *s);
void json_text_plain(struct text *t, struct json_key key, const char *p, size_t len);
void json_text_number(struct text *t, struct json_key key, uint64_t v);	/* INT64_MAX at most */
void json_text_true(struct text *t, struct json_key key);

#endif
