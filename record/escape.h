/* escape.h - text from the network made fit for a log file and a terminal
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_ESCAPE_H
#define RECORD_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Both write at most size - 1 octets and a NUL and return the length; size is at least 8. What does
 * not fit is cut between characters and "..." stands at the end. Never half an escape.
 *
 * escape_utf8: valid UTF-8 (RFC 3629); octets that are none, and controls, become \xNN; characters
 * that turn or break lines on a terminal (C1, bidirectional marks, separators) become \u{NNNN}.
 * escape_ascii: everything but printable ASCII becomes \xNN. */
size_t escape_utf8(char *out, size_t size, const char *s);
size_t escape_ascii(char *out, size_t size, const char *s);

/* escape_plain: copies len octets if they are printable ASCII without quotes and backslashes: fit
 * for every form as they are, as nearly all text is. False: they are not, and out is spoilt. */
bool escape_plain(char *out, const char *s, size_t len);

#endif
