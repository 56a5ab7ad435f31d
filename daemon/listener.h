/* listener.h - the listening sockets, one for each worker slot
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * They share the port by SO_REUSEPORT and outlive the workers, so a dying worker loses only its own
 * sessions and no waiting connection. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"

struct listeners {
	struct address address;
	bool transparent;	/* IP_TRANSPARENT: who connects to any address may be given to us */
	int fd[CONFIG_WORKERS_MAX];
	unsigned len;
};

/* listeners_open: len sockets, non-blocking and listening; transparent ones need CAP_NET_RAW
 * permitted. False with the reason; none is open then. */
bool listeners_open(struct listeners *l, const struct address *address, bool transparent,
    unsigned len, char *error, size_t error_size);

/* listeners_transparent: the same sockets, from now on so or not; whoever waits at them stays.
 * False with the reason; nothing has changed. */
bool listeners_transparent(struct listeners *l, bool transparent, char *error, size_t error_size);

/* listeners_resize: more or fewer on the same address. False with the reason; nothing has
 * changed. */
bool listeners_resize(struct listeners *l, unsigned len, char *error, size_t error_size);
void listeners_close(struct listeners *l);

#endif
