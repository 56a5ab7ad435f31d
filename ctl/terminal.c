/* terminal.c - text for a human's terminal, which hostile octets must not reach raw
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/terminal.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 8		/* of a tree; evidence has four levels */
#define LABEL_WIDTH 14
#define STEP 2			/* columns a level */

static unsigned
octet(FILE *out, unsigned char ch)
{
	if (ch >= 0x20 && ch < 0x7f) {
		putc(ch, out);
		return 1;
	}
	fprintf(out, "\\x%02x", ch);
	return 4;
}

void
terminal_octets(FILE *out, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		octet(out, (unsigned char)p[i]);
}

void
terminal_text(FILE *out, const char *s)
{
	if (s != NULL)
		terminal_octets(out, s, strlen(s));
}

void
terminal_value(FILE *out, const json_t *value)
{
	if (json_is_string(value))
		terminal_octets(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", out);
	else
		fputs("-", out);
}

static void
pad(FILE *out, unsigned columns)
{
	fprintf(out, "%*s", (int)columns, "");
}

/* A policy file, for example: its lines as they are, each escaped. */
static void
block(FILE *out, const json_t *value, unsigned indent)
{
	const char *p = json_string_value(value), *end = p + json_string_length(value);

	putc('\n', out);
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		const char *next = stop == NULL ? end : stop + 1;

		if (stop == NULL)
			stop = end;
		else if (stop > p && stop[-1] == '\r')
			stop--;
		pad(out, indent);
		fputs("| ", out);
		terminal_octets(out, p, (size_t)(stop - p));
		putc('\n', out);
		p = next;
	}
}

static bool
is_block(const json_t *value)
{
	return json_is_string(value) &&
	    memchr(json_string_value(value), '\n', json_string_length(value)) != NULL;
}

static bool
is_nested(const json_t *value)
{
	return (json_is_object(value) && json_object_size(value) > 0) ||
	    (json_is_array(value) && json_array_size(value) > 0);
}

static void tree(FILE *out, const json_t *value, unsigned indent, unsigned depth);

static void
below(FILE *out, const json_t *value, unsigned indent, unsigned depth)
{
	if (is_block(value)) {
		block(out, value, indent + STEP);
	} else if (is_nested(value) && depth < DEPTH_MAX) {
		putc('\n', out);
		tree(out, value, indent + STEP, depth + 1);
	} else {
		putc(' ', out);
		if (is_nested(value))
			fputs("...", out);
		else
			terminal_value(out, value);
		putc('\n', out);
	}
}

static void
tree(FILE *out, const json_t *value, unsigned indent, unsigned depth)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, member) {
			pad(out, indent);
			putc('-', out);
			below(out, member, indent, depth);
		}
		return;
	}
	json_object_foreach((json_t *)value, key, member) {
		pad(out, indent);
		terminal_column(out, key, LABEL_WIDTH);
		below(out, member, indent, depth);
	}
}

void
terminal_tree(FILE *out, const json_t *value, unsigned indent)
{
	if (json_is_array(value) || json_is_object(value)) {
		tree(out, value, indent, 0);
		return;
	}
	pad(out, indent);
	terminal_value(out, value);
	putc('\n', out);
}

const char *
terminal_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

void
terminal_column(FILE *out, const char *text, unsigned width)
{
	unsigned used = 0;

	for (; *text != '\0'; text++)
		used += octet(out, (unsigned char)*text);
	if (used < width)
		pad(out, width - used);
}
