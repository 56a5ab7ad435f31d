/* console.h - what the parent says on stderr
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CONSOLE_H
#define DAEMON_CONSOLE_H

/* One line each, "posternd: ..."; with the priority in front as sd-daemon(3) has it where stderr is
 * the journal's. */
void console_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
