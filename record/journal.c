/* journal.c - the native protocol of systemd's journal: one datagram, one entry
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/journal.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct entry {
	unsigned char *p, *end;
	bool full;
};

static void
put(struct entry *e, const void *p, size_t len)
{
	if (e->full || len > (size_t)(e->end - e->p)) {
		e->full = true;
		return;
	}
	memcpy(e->p, p, len);
	e->p += len;
}

static void
put_field(struct entry *e, const struct journal_field *f)
{
	size_t len = strlen(f->value);
	unsigned char length[8];

	put(e, f->name, strlen(f->name));
	if (memchr(f->value, '\n', len) == NULL) {
		put(e, "=", 1);
	} else {
		for (unsigned i = 0; i < sizeof length; i++)
			length[i] = (unsigned char)((uint64_t)len >> 8 * i);
		put(e, "\n", 1);
		put(e, length, sizeof length);
	}
	put(e, f->value, len);
	put(e, "\n", 1);
}

size_t
journal_encode(void *out, size_t size, const struct journal_field *fields, size_t len)
{
	struct entry e = { .p = out, .end = (unsigned char *)out + size };

	for (size_t i = 0; i < len; i++)
		if (fields[i].value[0] != '\0')
			put_field(&e, &fields[i]);
	return e.full ? 0 : (size_t)(e.p - (unsigned char *)out);
}

int
journal_open(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

bool
journal_send(int fd, const char *path, const struct journal_field *fields, size_t len)
{
	unsigned char entry[JOURNAL_ENTRY_MAX];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t size = journal_encode(entry, sizeof entry, fields, len);

	if (size == 0 || strlen(path) >= sizeof to.sun_path)
		return false;
	memcpy(to.sun_path, path, strlen(path) + 1);
	return sendto(fd, entry, size, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof to) >= 0;
}

bool
journal_is_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}
