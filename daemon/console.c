/* console.c - what the parent says on stderr
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/console.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* JOURNAL_STREAM is inherited by what a service starts, stderr may have changed since:
 * systemd.exec(5) has device and inode compared. */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	for (const char *m = mine; *m == *stream; m++, stream++)
		if (*m == '\0')
			return true;
	return false;
}

static void __attribute__((format(printf, 2, 0)))
say(int priority, const char *format, va_list args)
{
	char text[1024], prefix[8] = "";

	vsnprintf(text, sizeof(text), format, args);
	if (is_journal())
		snprintf(prefix, sizeof(prefix), "<%d>", priority);
	dprintf(STDERR_FILENO, "%sposternd: %s\n", prefix, text);
}

void
console_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(3, format, args);
	va_end(args);
}

void
console_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(4, format, args);
	va_end(args);
}

void
console_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(6, format, args);
	va_end(args);
}
