/* config_parse.h - the configuration from memory
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CONFIG_PARSE_H
#define DAEMON_CONFIG_PARSE_H

#include "daemon/config.h"
#include "daemon/config_host.h"

#define CONFIG_SIZE_MAX (1u << 20)	/* some ten thousand rules */

/* config_parse: like config_load, from `len` octets of text that are called `name` in
 * diagnostics. */
struct config *config_parse(const char *text, size_t len, const char *name,
    const struct config_host *host, FILE *diagnostics, unsigned *errors, unsigned *warnings);

#endif
