/* routes.h - our policy routing of one family: read, changed without a gap, taken out
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ours are the rules and the routes of our table that bear our protocol number. Others may have
 * rules at the same preferences: they stay. */
#ifndef NFQ_ROUTES_H
#define NFQ_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ROUTES_LINE_SIZE 512	/* twice what all words of ip-rule(8) make */

struct routes {
	/* The words of `ip rule add` or `ip route add`: "rule pref 20 from all ..." */
	char (*lines)[ROUTES_LINE_SIZE];
	size_t len, size;
};

/* routes_read: of this network namespace, -1 for ours. Nothing, where the machine has no such
 * family or no program `ip`. False with the reason. */
bool routes_read(int netns, bool v4, struct routes *out, char *error, size_t error_size);
void routes_free(struct routes *r);	/* may be called again */

/* routes_text: what makes these, for routes_change; NULL when out of memory. free(). */
char *routes_text(const struct routes *r);

/* routes_change: what `wanted` (lines for ip -batch, "-4 " or "-6 " before each or, for both
 * families, nothing) has and is missing is added first; then what it does not have is taken out. */
bool routes_change(int netns, bool v4, const char *wanted, char *error, size_t error_size);

/* routes_prepare: of `wanted` only what delivers to this host, so that it is there before something
 * is to be delivered; what fails is said by routes_change later. */
void routes_prepare(int netns, bool v4, const char *wanted);

/* routes_print: as canonical text. */
void routes_print(const struct routes *r, bool v4, FILE *out);

#endif
