/* config_host.h - what the configuration asks the machine
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CONFIG_HOST_H
#define DAEMON_CONFIG_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/address.h"

struct config_host {
	bool (*user_exists)(const char *name);
	/* a plain file with certificates in PEM; else the reason, to be read behind its path */
	bool (*ca_usable)(const char *path, char *why, size_t size);
	size_t (*resolvers)(struct address *out, size_t max);	/* those of resolv.conf */
	unsigned (*cpus)(void);
	time_t (*now)(void);
};

extern const struct config_host config_host;	/* this machine */

#endif
