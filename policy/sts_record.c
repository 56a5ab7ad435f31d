/* sts_record.c - the TXT record that announces an MTA-STS policy
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 8461 section 3.1: "v=STSv1", then fields, each behind a semicolon with blanks around it; one
 * more semicolon may end the record. */
#include "policy/sts_record.h"

#include <stdbool.h>
#include <string.h>

#define VERSION "v=STSv1"
#define FIELD_NAME_MAX 32	/* RFC 8461 3.1, sts-ext-name */

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Where the blanks from `at` end. */
static size_t
skip_blanks(const struct sts_txt *t, size_t at)
{
	while (at < t->len && blank(t->p[at]))
		at++;
	return at;
}

/* The octets of "v=STSv1", blanks, ";", blanks; 0 when the record does not begin so. */
static size_t
opening(const struct sts_txt *t)
{
	size_t at = sizeof VERSION - 1;

	if (t->len < at || memcmp(t->p, VERSION, at) != 0)
		return 0;
	at = skip_blanks(t, at);
	if (at == t->len || t->p[at] != ';')
		return 0;
	return skip_blanks(t, at + 1);
}

static bool
name_right(const char *p, size_t len)
{
	if (len == 0 || len > FIELD_NAME_MAX || !letter_or_digit(p[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!letter_or_digit(p[i]) && p[i] != '_' && p[i] != '-' && p[i] != '.')
			return false;
	}
	return true;
}

static bool
value_right(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '!' || p[i] > '~' || p[i] == '=')
			return false;
	}
	return len > 0;
}

/* The first id of a record. Returns what is wrong, NULL when nothing is. */
static const char *
take_id(char id[STS_ID_MAX + 1], const char *p, size_t len)
{
	if (len == 0)
		return "the id is empty";
	if (len > STS_ID_MAX)
		return "the id is longer than 32 characters";
	for (size_t i = 0; i < len; i++) {
		if (!letter_or_digit(p[i]))
			return "the id holds other than letters and digits";
	}
	memcpy(id, p, len);
	id[len] = '\0';
	return NULL;
}

/* One field, without the blanks around it. Returns what is wrong, NULL when nothing is. */
static const char *
take_field(char id[STS_ID_MAX + 1], const char *p, size_t len)
{
	const char *equals = len == 0 ? NULL : memchr(p, '=', len);
	size_t name = equals == NULL ? 0 : (size_t)(equals - p);

	if (len == 0)
		return "an empty field";
	if (equals == NULL)
		return "a field that is not name=value";
	if (name == 2 && memcmp(p, "id", 2) == 0)
		return id[0] == '\0' ? take_id(id, p + 3, len - 3) : NULL;
	if (!name_right(p, name))
		return "a field name outside the syntax";
	if (!value_right(equals + 1, len - name - 1))
		return "a field value outside the syntax";
	return NULL;
}

/* All fields from `at`. Returns what is wrong, NULL when nothing is. */
static const char *
take_fields(char id[STS_ID_MAX + 1], const struct sts_txt *t, size_t at)
{
	const char *fault;

	while (at < t->len) {
		const char *semicolon = memchr(t->p + at, ';', t->len - at);
		size_t end = semicolon == NULL ? t->len : (size_t)(semicolon - t->p);
		size_t last = end;

		/* Blanks belong to a semicolon; the end of the record is none (settled). */
		while (semicolon != NULL && last > at && blank(t->p[last - 1]))
			last--;
		if (semicolon == NULL && blank(t->p[end - 1]))
			return "blanks at the end without a semicolon";
		fault = take_field(id, t->p + at, last - at);
		if (fault != NULL)
			return fault;
		at = semicolon == NULL ? end : skip_blanks(t, end + 1);
	}
	return id[0] == '\0' ? "no id" : NULL;
}

void
sts_record_choose(const struct sts_txt *txt, size_t len, struct sts_record *out)
{
	const struct sts_txt *one = NULL;
	size_t found = 0;
	const char *fault;

	*out = (struct sts_record){ .result = STS_RECORD_NONE, .detail = "" };
	for (size_t i = 0; i < len; i++) {
		if (opening(&txt[i]) == 0)
			continue;
		one = &txt[i];
		found++;
	}
	if (found == 0)
		return;
	if (found > 1) {
		out->result = STS_RECORD_SEVERAL;
		out->detail = "more than one MTA-STS record";
		return;
	}
	fault = take_fields(out->id, one, opening(one));
	if (fault == NULL) {
		out->result = STS_RECORD_ONE;
		return;
	}
	out->result = STS_RECORD_INVALID;
	out->id[0] = '\0';
	out->detail = fault;
}
