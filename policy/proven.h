/* proven.h - TLS sessions between others whose server has proven itself, for their resumption
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A resumption shows no certificate: it is worth what the full handshake behind it was. They are
 * known by a hash alone, what they proved is opaque here (tls/peek.h) and is judged by today's
 * policy when it is recalled. Kept in the store with its end. */
#ifndef POLICY_PROVEN_H
#define POLICY_PROVEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/message.h"
#include "policy/store.h"
#include "policy/world.h"

#define PROVEN_MAX 100000	/* sessions; some 60 MiB in the store */
#define PROVEN_OCTETS_MAX (128u << 20)	/* in the store; a captured worker's evidence is long */
#define PROVEN_LIFETIME_MAX_S 86400	/* after a day the chain is verified afresh */

struct proven_sessions;

/* proven_new: NULL when out of memory. proven_free: writes what is not written yet. */
struct proven_sessions *proven_new(const struct world *world, struct store *store);
void proven_free(struct proven_sessions *p);	/* NULL is allowed */

/* proven_keep: for its lifetime, at most PROVEN_LIFETIME_MAX_S. Not kept: a lifetime of 0, no
 * evidence or more than MESSAGE_EVIDENCE_MAX, more sessions than can be written in time. Where all
 * is full, some of those that end first go. */
void proven_keep(struct proven_sessions *p, const struct proven *session);

/* proven_recall: false when it is not remembered or is over; *out is valid until the caller
 * returns to the loop. */
bool proven_recall(struct proven_sessions *p, const uint8_t session[MESSAGE_NAME],
    struct recalled *out);
/* proven_length: with those that are over and not swept yet; one kept anew counts twice until it is
 * written. */
size_t proven_length(const struct proven_sessions *p);

#endif
