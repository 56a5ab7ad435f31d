/* require_dane.h - what TLSA records make of a requirement (RFC 7672); inside of require()
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_REQUIRE_DANE_H
#define POLICY_REQUIRE_DANE_H

#include "policy/candidates.h"
#include "policy/require.h"

/* require_dane_survey: what counts of the candidates together, the strictest first: records of one
 * that can be used; an error, since nobody can say that it is not this host's; records that cannot
 * be used; nothing (NONE). A hint never leads away from records: *c then becomes all hosts. */
enum require_dane require_dane_survey(const struct require_input *in, struct candidates *c);

/* require_dane_set: after USABLE: the records of the candidates that have some, the SNI (R110) and
 * the names that count beside the bases (R104, R105). */
void require_dane_set(const struct require_input *in, const struct candidates *c,
    struct requirement_space *space, struct requirement *out);

/* require_dane_fingerprints: a rule's fingerprints as records of one host (LEVEL_FINGERPRINT). */
void require_dane_fingerprints(const struct config_rule *rule, const char *base,
    struct requirement_space *space, struct requirement *out);

/* require_dane_undecided: the deferral after ERROR. */
void require_dane_undecided(struct requirement *out);

#endif
