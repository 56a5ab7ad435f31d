/* journal.c - the native protocol of systemd's journal: one datagram, one entry
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/journal.h"

#include <assert.h>
#include <errno.h>
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

void
journal_send(int fd, const char *path, const struct iovec *entries, size_t len,
    bool *taken)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct mmsghdr messages[JOURNAL_SEND_MAX];

	assert(len <= JOURNAL_SEND_MAX);
	memset(taken, 0, len * sizeof *taken);
	if (strlen(path) >= sizeof to.sun_path)
		return;
	memcpy(to.sun_path, path, strlen(path) + 1);
	for (size_t i = 0; i < len; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = {
			.msg_name = &to, .msg_namelen = sizeof to,
			.msg_iov = (struct iovec *)(uintptr_t)&entries[i], .msg_iovlen = 1,
		} };
	for (size_t at = 0; at < len;) {
		int n = sendmmsg(fd, messages + at, (unsigned)(len - at), MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == ECONNREFUSED || errno == ENOENT))
			return;			/* it takes none of the others either */
		if (n <= 0)
			at++;
		for (; n > 0; n--)
			taken[at++] = true;
	}
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
