/* journal.h - the native protocol of systemd's journal: one datagram, one entry
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ : fields as NAME=value and a newline, or, where the
 * value holds a newline, NAME, newline, 64-bit little-endian length, value, newline. */
#ifndef RECORD_JOURNAL_H
#define RECORD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_ENTRY_MAX 49152		/* octets; any event's fields fit, and so does any socket */

struct journal_field {
	const char *name, *value;	/* "" is left out */
};

/* journal_encode: octets written, 0 when they do not fit. */
size_t journal_encode(void *out, size_t size, const struct journal_field *fields, size_t len);

/* journal_open: a socket for sending, -1 with errno; nothing is connected, so the journal may be
 * restarted. */
int journal_open(void);

/* journal_send: encoded entries, in one system call where the journal takes them all; taken[i] says
 * whether it took that one. Never waits. */
#define JOURNAL_SEND_MAX 128
void journal_send(int fd, const char *path, const struct iovec *entries, size_t len,
    bool *taken);

/* journal_is_stderr: whether standard error ends in the journal, by JOURNAL_STREAM. */
bool journal_is_stderr(void);

#endif
