/* canary.h - whether the resolver validates: one question a minute (RFC 7672 section 2.1)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Without a resolver that does, signed names look like unsigned ones: that is never kept silent. */
#ifndef POLICY_CANARY_H
#define POLICY_CANARY_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/world.h"

#define CANARY_EVERY_MS (60 * 1000)

enum canary_state {
	CANARY_UNKNOWN,		/* not asked yet */
	CANARY_AVAILABLE,	/* the root's NS records are secure */
	CANARY_UNAVAILABLE,	/* an answer, but not secure: it does not validate, or its AD bit
				 * is not to be believed */
	CANARY_BROKEN		/* no answer, or a bogus one */
};

struct canary;

/* canary_new: asks at once and every minute. `changed` from the loop, whenever the state is another
 * one; `detail` is a printable line, `alarm` where DANE has been lost, or was never there. */
struct canary *canary_new(const struct world *world,
    void (*changed)(void *arg, enum canary_state state, const char *detail, bool alarm),
    void *arg);
void canary_free(struct canary *c);		/* NULL is allowed */

enum canary_state canary_state(const struct canary *c);
/* canary_lost: it was available once and is not now: an administrator has to look. */
bool canary_lost(const struct canary *c);
const char *canary_detail(const struct canary *c);
const char *canary_state_name(enum canary_state s);	/* "available", ... */

#endif
