/* outbox.c - what waits for a client to read it, descriptors included
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/outbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
outbox_files(struct outbox *o, const int *files, size_t len)
{
	assert(len <= OUTBOX_FILES_MAX && o->files_len == 0 && outbox_length(o) == 0);
	if (len > 0)
		memcpy(o->files, files, len * sizeof(*files));
	o->files_len = len;
}

bool
outbox_put(struct outbox *o, const char *p, size_t len)
{
	return buffer_add(&o->octets, p, len);
}

size_t
outbox_length(const struct outbox *o)
{
	return buffer_length(&o->octets);
}

static void
close_files(struct outbox *o)
{
	while (o->files_len > 0)
		close(o->files[--o->files_len]);
}

/* The descriptors go with the first octet. */
static ssize_t
send_some(struct outbox *o, int fd)
{
	struct iovec iov = { o->octets.p + o->octets.start, buffer_length(&o->octets) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union {
		char space[CMSG_SPACE(sizeof(int) * OUTBOX_FILES_MAX)];
		struct cmsghdr align;
	} control;

	if (o->files_len > 0) {
		struct cmsghdr *head;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * o->files_len);
		head = CMSG_FIRSTHDR(&message);
		assert(head != NULL);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * o->files_len);
		memcpy(CMSG_DATA(head), o->files, sizeof(int) * o->files_len);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum outbox_result
outbox_send(struct outbox *o, int fd)
{
	ssize_t n = send_some(o, fd);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? OUTBOX_STUCK : OUTBOX_BROKEN;
	close_files(o);
	buffer_take(&o->octets, (size_t)n);
	return outbox_length(o) == 0 ? OUTBOX_EMPTY : OUTBOX_MORE;
}

void
outbox_clear(struct outbox *o)
{
	close_files(o);
	buffer_clear(&o->octets);
}
