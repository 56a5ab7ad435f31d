/* hotline.h - what a worker and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Policy processes come and go; while there is none, questions and records wait. */
#ifndef PROXY_HOTLINE_H
#define PROXY_HOTLINE_H

#include "policy/message.h"
#include "proxy/session.h"

struct hotline;

/* hotline_new: before the sandbox closes. It makes the asker and the records of this proxy, and
 * frees them. NULL when out of memory or descriptors. */
struct hotline *hotline_new(struct proxy *proxy);
void hotline_free(struct hotline *h);		/* NULL is allowed */

/* hotline_connect: a new policy process; takes over fd. */
void hotline_connect(struct hotline *h, int fd);

/* hotline_sweep: between two turns of the loop. */
void hotline_sweep(struct hotline *h);

void hotline_sighting(struct hotline *h, const struct sighting *s);
void hotline_proven(struct hotline *h, const struct proven *p);

/* hotline_idle: no probe is under way. hotline_done: and all that was put on record is in the log;
 * nobody tells when that has come to be. */
bool hotline_idle(const struct hotline *h);
bool hotline_done(const struct hotline *h);

#endif
