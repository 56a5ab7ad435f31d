/* errand.h - a look at the rules in a process of its own
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * restore.h runs the firewall's programs and waits for them: seconds, where others have tens of
 * thousands of rules or hold a lock. The loop has SYNs waiting, and a parent that kills what does
 * not answer. One errand at a time. */
#ifndef NFQ_ERRAND_H
#define NFQ_ERRAND_H

#include <ev.h>

#include "nfq/restore.h"

#define ERRAND_DETAIL_SIZE 1024	/* of what is said; more than an event shows */
#define ERRAND_AGAIN_S 10.0	/* after one that came to nothing: it could not start, or died */

struct errand_events {
	void (*restored)(void *arg, const char *detail);
	void (*failed)(void *arg, const char *detail);
	void (*settled)(void *arg);	/* as in restore.h; the errand waits for its return */
	/* It is over; in how many seconds to look again, as restore_look says it. */
	void (*over)(void *arg, double next_s);
};

struct errand;

/* errand_new: world and path are kept by reference. NULL when out of memory. */
struct errand *errand_new(struct ev_loop *loop, const struct restore_world *world,
    const char *path, const struct errand_events *events, void *arg);
void errand_free(struct errand *e);	/* ends one that is under way; NULL is allowed */

/* errand_changed: as restore_changed; negative while one is under way, whose end tells. */
double errand_changed(struct errand *e, const struct watch_change *by, double now_s);

/* errand_look: sends one, unless one is under way. */
void errand_look(struct errand *e, double now_s);

#endif
