/* require_parts.h - the steps of require(); inside of it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_REQUIRE_PARTS_H
#define POLICY_REQUIRE_PARTS_H

#include "policy/candidates.h"
#include "policy/require.h"

#define REQUIRE_UNKNOWN_MX "has MX records that could not be looked up"

void require_defer(struct requirement *out, enum requirement_defer code, const char *reason);

/* require_map: who the peer may be, and what DNS said. False: a null MX, deferred. */
bool require_map(const struct require_input *in, struct candidates *c,
    struct requirement_space *space, struct requirement *out);

/* require_believes_mx: false: the MX set is bogus, deferred. */
bool require_believes_mx(const struct require_input *in, struct requirement *out);

/* require_live: whether there is a rule, and it has not lapsed. */
bool require_live(const struct config_rule *rule, time_t now);

void require_by_rule(const struct require_input *in, const struct config_rule *rule,
    const struct candidates *c, struct requirement_space *space, struct requirement *out);
/* *c is filled where the relay's MX set counts. */
void require_by_relay(const struct require_input *in, const struct config_rule *relay,
    struct candidates *c, struct requirement_space *space, struct requirement *out);

#endif
