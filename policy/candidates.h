/* candidates.h - which of a domain's MX hosts the peer may be (DESIGN, "Which MX is this?")
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_CANDIDATES_H
#define POLICY_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/require.h"

/* The MX hosts in question, best preference first: those that have the peer's address where the
 * address is mapped, else all. Empty where nothing is known of them. */
struct candidates {
	size_t len;
	bool mapped;
	bool hinted;		/* mapped, but only by what a client was told */
	const struct require_host *of[REQUIREMENT_HOSTS_MAX];
};

/* candidates_map: who the peer may be. A hint counts after our own lookup, and only among the hosts
 * of our own set: it narrows what the peer may prove itself as, and can neither add a host nor take
 * the demand away. */
void candidates_map(struct candidates *c, const struct require_input *in);

/* candidates_all: every MX host, mapped or not. */
void candidates_all(struct candidates *c, const struct require_input *in);

/* candidates_answers: what DNS said of the MX set and of the hosts in question, as far as there is
 * room. */
void candidates_answers(const struct candidates *c, const struct require_input *in,
    struct requirement_space *space, struct requirement *out);

#endif
