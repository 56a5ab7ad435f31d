/* notify.c - what the service manager is told (sd_notify's datagrams)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The format is that of sd_notify(3), "Notes": newline-separated assignments in one datagram to the
 * AF_UNIX socket that NOTIFY_SOCKET names. */
#include "daemon/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
notify_open(struct notify *n, const char *path)
{
	size_t len = path == NULL ? 0 : strlen(path);

	memset(n, 0, sizeof(*n));
	n->fd = -1;
	if (len < 2 || len >= sizeof(n->to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	else
		n->to_len++;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

/* A manager that does not listen is no reason to stop: failures are not looked at. */
static void
tell(const struct notify *n, const char *text)
{
	if (n->fd >= 0)
		(void)!sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
		    (const struct sockaddr *)&n->to, n->to_len);
}

void
notify_ready(const struct notify *n)
{
	tell(n, "READY=1\n");
}

/* Type=notify-reload wants to know when the reload began, so that no older READY is
 * taken for it. */
void
notify_reloading(const struct notify *n)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
	    (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	tell(n, text);
}

void
notify_stopping(const struct notify *n)
{
	tell(n, "STOPPING=1\n");
}

void
notify_watchdog(const struct notify *n)
{
	tell(n, "WATCHDOG=1\n");
}

void
notify_status(const struct notify *n, const char *format, ...)
{
	char text[256] = "STATUS=";
	size_t used = strlen(text), i;
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	for (i = used; text[i] != '\0'; i++)
		if (text[i] == '\n')
			text[i] = ' ';	/* would begin another assignment */
	tell(n, text);
}

static bool
decimal(uint64_t *out, const char *s)
{
	char *end;

	if (s == NULL || s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0';
}

uint64_t
notify_watchdog_us(const char *usec, const char *pid)
{
	uint64_t us, meant;

	if (!decimal(&us, usec))
		return 0;
	if (pid != NULL && (!decimal(&meant, pid) || meant != (uint64_t)getpid()))
		return 0;
	return us;
}
