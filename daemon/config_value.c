/* config_value.c - what single values of the configuration mean
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/config_value.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#define DNS_PORT 53

bool
value_number(unsigned *out, const char *s, size_t len)
{
	uint64_t n = 0;
	size_t i;

	if (len == 0 || len > 10)
		return false;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	if (n > UINT_MAX)
		return false;
	*out = (unsigned)n;
	return true;
}

bool
value_duration(unsigned *seconds, const char *s, size_t len)
{
	unsigned n, factor;

	if (len < 2 || !value_number(&n, s, len - 1))
		return false;
	switch (s[len - 1]) {
	case 's': factor = 1; break;
	case 'm': factor = 60; break;
	case 'h': factor = 3600; break;
	default: return false;
	}
	if (n > UINT_MAX / factor)
		return false;
	*seconds = n * factor;
	return true;
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

bool
value_date(time_t *end, const char *s, size_t len)
{
	unsigned year, month, day;
	struct tm tm = { 0 };

	if (len != 10 || s[4] != '-' || s[7] != '-' || !value_number(&year, s, 4) ||
	    !value_number(&month, s + 5, 2) || !value_number(&day, s + 8, 2))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
		return false;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day + 1;
	*end = timegm(&tm);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line: the word nameserver, blanks, an address. */
static bool
nameserver(struct address *out, const char *s, size_t len)
{
	static const char word[] = "nameserver";
	size_t n = sizeof(word) - 1, start;

	if (len <= n || memcmp(s, word, n) != 0 || !is_blank(s[n]))
		return false;
	while (n < len && is_blank(s[n]))
		n++;
	for (start = n; n < len && !is_blank(s[n]); n++)
		;
	out->port = DNS_PORT;
	return address_parse_ip(&out->ip, s + start, n - start);
}

size_t
value_resolvers(struct address *out, size_t max, const char *text, size_t len)
{
	size_t n = 0, at, end;
	struct address one;

	for (at = 0; at < len && n < max; at = end + 1) {
		for (end = at; end < len && text[end] != '\n'; end++)
			;
		if (nameserver(&one, text + at, end - at))
			out[n++] = one;
	}
	return n;
}

void
value_network_of(struct network *out, const struct in6_addr *ip, unsigned prefix)
{
	unsigned i, bits;

	out->ip = *ip;
	out->prefix = (uint8_t)prefix;
	for (i = 0; i < 16; i++) {
		bits = prefix > i * 8 ? prefix - i * 8 : 0;
		if (bits < 8)
			out->ip.s6_addr[i] &= (uint8_t)(0xff00u >> bits);
	}
}
