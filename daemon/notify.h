/* notify.h - what the service manager is told (sd_notify's datagrams)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd;			/* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
};

/* notify_open: `path` as in NOTIFY_SOCKET: from the root, or '@' and an abstract name; NULL is
 * nobody. What cannot be used counts as nobody. */
void notify_open(struct notify *n, const char *path);
void notify_close(struct notify *n);

void notify_ready(const struct notify *n);
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
void notify_watchdog(const struct notify *n);
void notify_status(const struct notify *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* notify_watchdog_us: the time within which a sign of life is due, from WATCHDOG_USEC and
 * WATCHDOG_PID as given; 0 for none, or when meant for another process. */
uint64_t notify_watchdog_us(const char *usec, const char *pid);

#endif
