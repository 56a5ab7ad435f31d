/* fold.h - what several domains demand of one peer, as one requirement
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Of a session whose recipients will not be seen. One proof has to satisfy them all; where none
 * could, that is said (DEFER_UNMAPPED) and nothing is demanded. */
#ifndef POLICY_FOLD_H
#define POLICY_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/requirement.h"

#define FOLD_NAME_SIZE 256
#define FOLD_REASON_SIZE 640	/* two names of 255 octets and the words */

struct fold {
	struct requirement *strictest;	/* a copy; NULL: none yet */
	size_t hosts_len;
	const char *hosts[REQUIREMENT_HOSTS_MAX];	/* the names that would satisfy all */
	size_t names_len;
	const char *names[REQUIREMENT_NAMES_MAX];	/* the same beside TLSA bases */
	bool closed;			/* nothing that may follow makes it good any more */
	bool undecided;			/* DEFER_UNMAPPED, for `reason` */
	char domain[FOLD_NAME_SIZE];	/* the strictest's */
	char reason[FOLD_REASON_SIZE];
};

void fold_init(struct fold *f);

/* fold_add: q is one that require() made with end_to_end, for `domain`. Aborts when out of
 * memory. */
void fold_add(struct fold *f, const char *domain, const struct requirement *q);

/* fold_undecided: closes it; "SUBJECT REASON", where `subject` may be "". */
void fold_undecided(struct fold *f, const char *subject, const char *reason);

/* fold_result: of at least one domain, or closed; valid while f is. */
void fold_result(const struct fold *f, bool monitor, struct requirement *out);
void fold_free(struct fold *f);

#endif
