/* esmtp.c - the parameters behind the path of MAIL and RCPT
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checked is what decides how the mail is moved (which extensions it needs) and what every server
 * would refuse. How an xtext is encoded inside is the server's business. */
#include "proxy/esmtp.h"

#include <string.h>
#include <strings.h>

#define SIZE_DIGITS_MAX 20	/* RFC 1870 4 */
#define BY_DIGITS_MAX 9		/* RFC 2852 4 */
#define ENVID_MAX 100		/* RFC 3461 4.4 */
#define ORCPT_MAX 500		/* RFC 3461 4.2 */
#define UTF8_ADDRESS "utf-8;"	/* RFC 6533 3 */

struct parameter {
	const char *name;
	enum verb verb;
	unsigned extension;
	bool has_value;
	/* False where the value is malformed; may add to *uses. */
	bool (*check)(const char *v, size_t len, unsigned *uses);
};

static bool
is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

static size_t
digits(const char *v, size_t len)
{
	size_t n = 0;

	while (n < len && v[n] >= '0' && v[n] <= '9')
		n++;
	return n;
}

static bool
size_check(const char *v, size_t len, unsigned *uses)
{
	(void)uses;
	return len <= SIZE_DIGITS_MAX && digits(v, len) == len;
}

/* RFC 6152 3, RFC 3030 3. */
static bool
body_check(const char *v, size_t len, unsigned *uses)
{
	if (is_word(v, len, "BINARYMIME")) {
		*uses |= EXT_BINARYMIME;
		return true;
	}
	*uses |= EXT_8BITMIME;
	return is_word(v, len, "7BIT") || is_word(v, len, "8BITMIME");
}

static bool
ret_check(const char *v, size_t len, unsigned *uses)
{
	(void)uses;
	return is_word(v, len, "FULL") || is_word(v, len, "HDRS");
}

static bool
envid_check(const char *v, size_t len, unsigned *uses)
{
	(void)v;
	(void)uses;
	return len <= ENVID_MAX;
}

/* RFC 2852 4: ["-" / "+"] 1*9DIGIT ";" ("N" / "R") ["T"] */
static bool
by_check(const char *v, size_t len, unsigned *uses)
{
	size_t sign = v[0] == '-' || v[0] == '+';
	size_t n = digits(v + sign, len - sign);

	(void)uses;
	if (n == 0 || n > BY_DIGITS_MAX)
		return false;
	v += sign + n;
	len -= sign + n;
	return is_word(v, len, ";N") || is_word(v, len, ";R") || is_word(v, len, ";NT") ||
	    is_word(v, len, ";RT");
}

/* RFC 3461 4.1: NEVER alone, or a list of the three others. */
static bool
notify_check(const char *v, size_t len, unsigned *uses)
{
	(void)uses;
	if (is_word(v, len, "NEVER"))
		return true;
	for (;;) {
		const char *comma = memchr(v, ',', len);
		size_t n = comma == NULL ? len : (size_t)(comma - v);

		if (!is_word(v, n, "SUCCESS") && !is_word(v, n, "FAILURE") &&
		    !is_word(v, n, "DELAY"))
			return false;
		if (comma == NULL)
			return true;
		v += n + 1;
		len -= n + 1;
	}
}

/* RFC 3461 4.2: addr-type ";" address. */
static bool
orcpt_check(const char *v, size_t len, unsigned *uses)
{
	const char *semicolon = memchr(v, ';', len);

	(void)uses;
	return len <= ORCPT_MAX && semicolon != NULL && semicolon != v &&
	    semicolon + 1 != v + len;
}

static const struct parameter parameters[] = {
	{ "SIZE", VERB_MAIL, EXT_SIZE, true, size_check },
	{ "BODY", VERB_MAIL, 0, true, body_check },
	{ "SMTPUTF8", VERB_MAIL, EXT_SMTPUTF8, false, NULL },
	{ "RET", VERB_MAIL, EXT_DSN, true, ret_check },
	{ "ENVID", VERB_MAIL, EXT_DSN, true, envid_check },
	{ "BY", VERB_MAIL, EXT_DELIVERBY, true, by_check },
	{ "NOTIFY", VERB_RCPT, EXT_DSN, true, notify_check },
	{ "ORCPT", VERB_RCPT, EXT_DSN, true, orcpt_check },
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* parameter_find: its place in the table, PARAMETERS if it is not for this verb. */
static size_t
parameter_find(enum verb verb, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < PARAMETERS; i++)
		if (parameters[i].verb == verb && is_word(name, len, parameters[i].name))
			break;
	return i;
}

static bool
is_ascii(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((p[i] & 0x80) != 0)
			return false;
	return true;
}

/* parameter_read: one "KEYWORD" or "KEYWORD=value". */
static enum command_result
parameter_read(enum verb verb, const char *p, size_t len, unsigned *uses, unsigned *seen)
{
	const char *equals = memchr(p, '=', len);
	size_t name_len = equals == NULL ? len : (size_t)(equals - p);
	const char *value = equals == NULL ? NULL : equals + 1;
	size_t value_len = equals == NULL ? 0 : len - name_len - 1;
	size_t i = parameter_find(verb, p, name_len);

	if (!is_ascii(p, len)) {	/* RFC 6533 3: utf-8-addr-unitext needs SMTPUTF8 */
		if (i == PARAMETERS || parameters[i].check != orcpt_check ||
		    value_len < strlen(UTF8_ADDRESS) ||
		    !is_word(value, strlen(UTF8_ADDRESS), UTF8_ADDRESS))
			return COMMAND_NOT_ASCII;
		*uses |= EXT_SMTPUTF8;
	}
	if (i == PARAMETERS || (*seen & 1U << i) != 0)
		return COMMAND_PARAMETER;
	*seen |= 1U << i;
	*uses |= parameters[i].extension;
	if (!parameters[i].has_value)
		return value == NULL ? COMMAND_OK : COMMAND_SYNTAX;
	if (value_len == 0 || !parameters[i].check(value, value_len, uses))
		return COMMAND_SYNTAX;
	return COMMAND_OK;
}

enum command_result
esmtp_parameters(enum verb verb, const char *p, size_t len, unsigned *uses)
{
	unsigned seen = 0;
	size_t at = 0;

	while (at < len) {
		enum command_result r;
		size_t start;

		if (p[at] != ' ')
			return COMMAND_SYNTAX;
		while (at < len && p[at] == ' ')
			at++;
		start = at;
		while (at < len && p[at] != ' ')
			at++;
		if (at == start)
			return COMMAND_OK;	/* trailing spaces */
		r = parameter_read(verb, p + start, at - start, uses, &seen);
		if (r != COMMAND_OK)
			return r;
	}
	return COMMAND_OK;
}
