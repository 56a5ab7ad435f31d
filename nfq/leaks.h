/* leaks.h - port-25 traffic that reached the guard: counted, and said
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_LEAKS_H
#define NFQ_LEAKS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "nfq/speaker.h"

#define LEAKS_EVENT_S 1.0	/* one event in this time; the count is exact */

struct leaks;

/* leaks_open: passes: the guard lets them go (when-down: open) and only tells. NULL with the
 * reason. */
struct leaks *leaks_open(struct ev_loop *loop, struct speaker *speaker, bool passes, char *error,
    size_t error_size);
void leaks_close(struct leaks *l);	/* NULL is allowed */

#endif
