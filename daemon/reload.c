/* reload.c - a new configuration for a running daemon
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/console.h"
#include "daemon/descriptors.h"
#include "daemon/directories.h"
#include "daemon/certificate.h"
#include "daemon/needs.h"
#include "daemon/privilege.h"

#define ERROR_SIZE 512

static bool
keep_user(struct config *fresh, const struct config *old)
{
	char *name;

	if (strcmp(fresh->user, old->user) == 0)
		return true;
	console_warning("user: %s instead of %s needs a restart; running on as %s", fresh->user,
	    old->user, old->user);
	name = strdup(old->user);
	if (name == NULL)
		return false;
	free(fresh->user);
	fresh->user = name;
	return true;
}

/* What was given up at the start is gone for good. */
static bool
may(const struct config *config, char *error, size_t error_size)
{
	size_t len;

	if (needs_met(config, privilege_permitted(), error, error_size))
		return true;
	len = strlen(error);
	snprintf(error + len, error_size - len, ": it was given up at the start; a restart is "
	    "needed");
	return false;
}

/* On the same address the sockets stay, and with them those who wait there. */
static bool
open_doors(const struct config *config, struct listeners *running, struct listeners *fresh,
    char *error, size_t error_size)
{
	const struct address *at = &config->intercept.listen;
	bool moved = at->port != running->address.port ||
	    !address_same_ip(&at->ip, &running->address.ip);
	bool transparent = config->intercept.method == METHOD_TPROXY;
	unsigned before = running->len;

	fresh->len = 0;
	if (moved)
		return listeners_open(fresh, at, transparent, config->workers, error, error_size);
	if (config->workers > running->len &&
	    !listeners_resize(running, config->workers, error, error_size))
		return false;
	if (listeners_transparent(running, transparent, error, error_size))
		return true;
	listeners_resize(running, before, error, error_size);	/* fewer is always possible */
	return false;
}

struct config *
reload_prepare(const char *file, const struct config *old, struct listeners *running,
    struct listeners *fresh)
{
	struct config *config = config_load(file, stderr, NULL, NULL);
	char error[ERROR_SIZE] = "out of memory";
	unsigned long got = 0;

	if (config == NULL)
		return NULL;
	if (!keep_user(config, old) ||
	    !may(config, error, sizeof(error)) ||
	    !directories_make(config, geteuid(), getegid(), error, sizeof(error)) ||
	    !directories_check(config, error, sizeof(error)) ||
	    !certificate_prepare(config, error, sizeof(error)) ||
	    !open_doors(config, running, fresh, error, sizeof(error))) {
		console_error("%s", error);
		config_free(config);
		return NULL;
	}
	if (!descriptors_raise(config->limits.sessions, &got) &&
	    config->limits.sessions != old->limits.sessions)
		console_warning("limits.sessions: %u sessions need more than the %lu open files "
		    "allowed here", config->limits.sessions, got);
	return config;
}
