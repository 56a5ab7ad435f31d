/* digits.c - numbers, seconds, addresses and digests in figures
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/digits.h"

#include <assert.h>
#include <string.h>

#define DAY 86400
#define EPOCH_YEAR 1970

char *
digits_number(char *out, uint64_t v)
{
	char backwards[DIGITS_NUMBER_MAX];
	size_t len = 0;

	do {
		backwards[len++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (len > 0)
		*out++ = backwards[--len];
	return out;
}

char *
digits_padded(char *out, uint64_t v, size_t width)
{
	for (size_t i = width; i > 0; i--) {
		out[i - 1] = (char)('0' + v % 10);
		v /= 10;
	}
	return out + width;
}

/* Days from the epoch to the first of January. Leap years before it are those divisible by 4 but
 * not 100, or by 400 (the Gregorian rule), counted from the year 0 on. */
static int64_t
days_before(int64_t year)
{
	int64_t last = year - 1, first = EPOCH_YEAR - 1;

	return 365 * (year - EPOCH_YEAR) + (last / 4 - first / 4) - (last / 100 - first / 100) +
	    (last / 400 - first / 400);
}

char *
digits_second(char *out, int64_t second)
{
	static const uint8_t lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t day = second / DAY, year = EPOCH_YEAR + day / 366;
	uint64_t of_day = (uint64_t)(second % DAY);
	unsigned month = 0;
	bool leap;

	assert(second >= 0 && second <= DIGITS_LAST_SECOND);
	while (days_before(year + 1) <= day)	/* 366 made it a few years early at most */
		year++;
	day -= days_before(year);
	leap = days_before(year + 1) - days_before(year) == 366;
	for (int64_t length = lengths[0]; day >= length; month++) {
		day -= length;
		length = lengths[month + 1] + (month == 0 && leap ? 1 : 0);
	}
	out = digits_padded(out, (uint64_t)year, 4);
	*out++ = '-';
	out = digits_padded(out, month + 1, 2);
	*out++ = '-';
	out = digits_padded(out, (uint64_t)day + 1, 2);
	*out++ = 'T';
	out = digits_padded(out, of_day / 3600, 2);
	*out++ = ':';
	out = digits_padded(out, of_day / 60 % 60, 2);
	*out++ = ':';
	return digits_padded(out, of_day % 60, 2);
}

char *
digits_ip(char *out, const struct in6_addr *ip)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t len;

	if (address_is_v4(ip)) {
		for (size_t i = 12; i < 16; i++) {
			if (i > 12)
				*out++ = '.';
			out = digits_number(out, ip->s6_addr[i]);
		}
		return out;
	}
	len = strlen(address_print_ip(ip, text));
	memcpy(out, text, len);
	return out + len;
}

char *
digits_address(char *out, const struct address *a)
{
	bool v4 = address_is_v4(&a->ip);

	if (!v4)
		*out++ = '[';
	out = digits_ip(out, &a->ip);
	if (!v4)
		*out++ = ']';
	*out++ = ':';
	return digits_number(out, a->port);
}

char *
digits_hex(char *out, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	return out + 2 * len;
}
