/* resumable.h - TLS sessions in flight that this worker itself saw proven, for their resumption
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy process remembers them for all workers, for a day; here the busiest of an hour are
 * at hand without a question. What they proved is judged by today's requirement either way. */
#ifndef PROXY_RESUMABLE_H
#define PROXY_RESUMABLE_H

#include "policy/message.h"

#define RESUMABLE_MAX 1024
#define RESUMABLE_OCTETS_MAX (2u << 20)	/* evidence is some 600 octets, 8 KiB at most */
#define RESUMABLE_S 3600

struct resumable;

struct resumable *resumable_new(void);		/* NULL when out of memory */
void resumable_free(struct resumable *r);	/* NULL is allowed */
size_t resumable_length(const struct resumable *r);

void resumable_keep(struct resumable *r, const struct proven *p, double now);
/* resumable_find: false when it is not known here; *out is valid until the next verb. */
bool resumable_find(struct resumable *r, const uint8_t session[MESSAGE_NAME], double now,
    struct recalled *out);
void resumable_clear(struct resumable *r);

#endif
