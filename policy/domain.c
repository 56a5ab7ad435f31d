/* domain.c - domain names as the policy compares them
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Only a name that holds other than ASCII goes through libidn2; its result is then checked like any
 * other name, so that no mapping can smuggle in what would have been refused in ASCII. */
#include "policy/domain.h"

#include <idn2.h>
#include <string.h>

#define LABEL_MAX 63		/* RFC 1035 2.3.4 */
#define NAME_MAX_OCTETS 253	/* 255 on the wire, less the first length and the root */
#define UTF8_MAX (4 * (NAME_MAX_OCTETS + 1))	/* no longer U-label form can have 253 characters */

static bool
letter_or_digit(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static char
lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
	return c;
}

/* One label of letters, digits and hyphens, copied in lower case. */
static enum domain_result
take_label(char *out, const char *s, size_t len)
{
	if (len == 0)
		return DOMAIN_BAD_LABEL;
	for (size_t i = 0; i < len; i++) {
		if (!letter_or_digit((unsigned char)s[i]) && s[i] != '-')
			return DOMAIN_BAD_LABEL;
	}
	if (s[0] == '-' || s[len - 1] == '-')
		return DOMAIN_BAD_LABEL;
	if (len > LABEL_MAX)
		return DOMAIN_TOO_LONG;
	for (size_t i = 0; i < len; i++)
		out[i] = lower(s[i]);
	return DOMAIN_OK;
}

static enum domain_result
take_ascii(char out[DOMAIN_SIZE], const char *s, size_t len, bool fqdn)
{
	size_t labels = 0, at = 0;
	enum domain_result r;

	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0)
		return DOMAIN_EMPTY;
	if (len > NAME_MAX_OCTETS)
		return DOMAIN_TOO_LONG;
	while (at <= len) {
		const char *dot = memchr(s + at, '.', len - at);
		size_t label = dot == NULL ? len - at : (size_t)(dot - s) - at;

		r = take_label(out + at, s + at, label);
		if (r != DOMAIN_OK)
			return r;
		at += label;
		out[at] = at == len ? '\0' : '.';
		at++;
		labels++;
	}
	return fqdn && labels < 2 ? DOMAIN_ONE_LABEL : DOMAIN_OK;
}

/* The ASCII part of a mixed name must be right before any mapping: libidn2 takes C strings. */
static bool
ascii_part_right(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x80 && !letter_or_digit(c) && c != '-' && c != '.')
			return false;
	}
	return true;
}

static enum domain_result
take_utf8(char out[DOMAIN_SIZE], const char *s, size_t len, bool fqdn)
{
	enum domain_result r;
	char text[UTF8_MAX + 1];
	char *ascii = NULL;
	int rc;

	if (len > UTF8_MAX)
		return DOMAIN_TOO_LONG;
	if (!ascii_part_right(s, len))
		return DOMAIN_BAD_LABEL;
	memcpy(text, s, len);
	text[len] = '\0';
	rc = idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&ascii,
	    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc == IDN2_TOO_BIG_DOMAIN || rc == IDN2_TOO_BIG_LABEL)
		return DOMAIN_TOO_LONG;
	if (rc != IDN2_OK)
		return DOMAIN_BAD_IDN;
	r = take_ascii(out, ascii, strlen(ascii), fqdn);
	idn2_free(ascii);
	return r;
}

enum domain_result
domain_normalise(char out[DOMAIN_SIZE], const char *s, size_t len, bool fqdn)
{
	char name[DOMAIN_SIZE];
	enum domain_result r;
	bool ascii = true;

	for (size_t i = 0; i < len && ascii; i++)
		ascii = (unsigned char)s[i] < 0x80;
	r = ascii ? take_ascii(name, s, len, fqdn) : take_utf8(name, s, len, fqdn);
	if (r == DOMAIN_OK)
		memcpy(out, name, strlen(name) + 1);
	else
		out[0] = '\0';
	return r;
}

const char *
domain_result_text(enum domain_result r)
{
	switch (r) {
	case DOMAIN_OK:
		return "a domain name";
	case DOMAIN_EMPTY:
		return "empty";
	case DOMAIN_TOO_LONG:
		return "label over 63 or name over 253 octets";
	case DOMAIN_BAD_LABEL:
		return "label that is empty, begins or ends with a hyphen, or holds other than "
		    "letters, digits and hyphens";
	case DOMAIN_BAD_IDN:
		return "not a valid internationalised name";
	case DOMAIN_ONE_LABEL:
		return "not a fully qualified name";
	}
	return "";
}
