/* config_value.h - what single values of the configuration mean
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure parsers: false for anything that is not exactly such a value. */
#ifndef DAEMON_CONFIG_VALUE_H
#define DAEMON_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/address.h"

/* value_number: decimal digits alone. False also when it does not fit. */
bool value_number(unsigned *out, const char *s, size_t len);

/* value_duration: a number and one of s, m, h; in seconds. */
bool value_duration(unsigned *seconds, const char *s, size_t len);

/* value_date: YYYY-MM-DD, a day that exists; *end is the first second of the day after it, UTC. */
bool value_date(time_t *end, const char *s, size_t len);

/* value_resolvers: the nameserver lines of a resolv.conf, at most max; returns their number.
 * Addresses with a zone (fe80::1%eth0) are left out. */
size_t value_resolvers(struct address *out, size_t max, const char *text, size_t len);

/* value_network_of: the network that was meant by an address with host bits set. */
void value_network_of(struct network *out, const struct in6_addr *ip, unsigned prefix);

#endif
