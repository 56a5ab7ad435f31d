/* digits.h - numbers, seconds, addresses and digests in figures
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What printf and its kin would write, for the places that write it thousands of times a second.
 * No NUL is written; each returns the end. */
#ifndef RECORD_DIGITS_H
#define RECORD_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

#define DIGITS_NUMBER_MAX 20		/* octets of the longest */
#define DIGITS_SECOND_SIZE 19		/* "2026-11-21T14:02:19" */
#define DIGITS_LAST_SECOND INT64_C(253402300799)	/* 9999-12-31T23:59:59, RFC 3339's last */

char *digits_number(char *out, uint64_t v);
char *digits_padded(char *out, uint64_t v, size_t width);	/* with zeros; v must fit */

/* digits_second: date and time of a second since the epoch, 0 to DIGITS_LAST_SECOND, as RFC 3339
 * writes them, without the zone. */
char *digits_second(char *out, int64_t second);

/* digits_ip, digits_address: as address_print_ip and address_print; ADDRESS_TEXT_SIZE is room. */
char *digits_ip(char *out, const struct in6_addr *ip);
char *digits_address(char *out, const struct address *a);

char *digits_hex(char *out, const uint8_t *p, size_t len);

#endif
