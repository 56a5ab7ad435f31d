/* keeper.h - keeps the installed rules where they are: watch.h and errand.h on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_KEEPER_H
#define NFQ_KEEPER_H

#include <ev.h>
#include <stddef.h>

#include "nfq/speaker.h"

struct keeper;

/* keeper_open: note: the path of what was installed, kept by reference. NULL with the reason. */
struct keeper *keeper_open(struct ev_loop *loop, struct speaker *speaker, const char *note,
    char *error, size_t error_size);
void keeper_close(struct keeper *k);	/* NULL is allowed */

#endif
