/* engine_pass.h - what all who use an address demand, with what is known now
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For engine_address.c alone. */
#ifndef POLICY_ENGINE_PASS_H
#define POLICY_ENGINE_PASS_H

#include "policy/engine_parts.h"
#include "policy/fold.h"

/* Of one question at once; an address of more domains that are not known yet becomes known over
 * several questions. */
#define ENGINE_PASS_UNKNOWN_MAX 32

/* One pass over the domains. */
struct engine_pass {
	struct engine *engine;
	const struct in6_addr *peer;
	const struct lookup *lookups;	/* of the question, ended */
	size_t lookups_len;
	struct fold fold;
	size_t domains, hosts;		/* seen so far */
	uint64_t fresh_ms;		/* the least of theirs */
	size_t unknown_len;		/* may be over ENGINE_PASS_UNKNOWN_MAX */
	struct {
		char domain[ANSWER_NAME_SIZE];
		const struct lookup_sources *sources;
	} unknown[ENGINE_PASS_UNKNOWN_MAX];
};

/* engine_pass: the caller ends with fold_free. */
void engine_pass(struct engine *e, const struct in6_addr *peer, const struct lookup *lookups,
    size_t lookups_len, struct engine_pass *p);

/* engine_pass_lookup: the one of this domain; NULL. */
const struct lookup *engine_pass_lookup(const struct engine_pass *p, const char *domain);

#endif
