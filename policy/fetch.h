/* fetch.h - policy texts over HTTPS (RFC 8461 section 3.3)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses come from our own DNS and are pinned; the certificate must carry mta-sts.DOMAIN (R19);
 * no redirects, no caching, no content decoding (R20); a minute and 64 KiB at most (R22). */
#ifndef POLICY_FETCH_H
#define POLICY_FETCH_H

#include <ev.h>
#include <stddef.h>

#include "daemon/config.h"
#include "policy/dns.h"
#include "policy/world.h"

struct fetcher;

/* fetcher_new: reads the CA bundle now, so no file is needed later. NULL with the reason in error.
 * config and dns outlive it. */
struct fetcher *fetcher_new(struct ev_loop *loop, const struct config *config, struct dns *dns,
    char *error, size_t error_size);
void fetcher_free(struct fetcher *f);	/* no fetch may be under way */

void fetcher_fetch(struct fetcher *f, struct world_fetch *w, const char *domain);
void fetcher_cancel(struct fetcher *f, struct world_fetch *w);

#endif
