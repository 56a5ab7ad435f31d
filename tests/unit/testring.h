/* testring.h - the reader's end of a queue's ring, in the writer's own process
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_TESTRING_H
#define TESTS_TESTRING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/ring.h"
#include "daemon/wire.h"
#include "policy/message.h"

struct testring {
	/* Gets each message once, at once. */
	void (*message)(void *arg, const void *p, size_t len);
	void *arg;
	struct ring *ring;
};

/* testring_send: for queue_new, with a testring as its argument. */
static inline bool
testring_send(void *arg, const void *p, size_t len, int fd)
{
	unsigned char message[WIRE_MESSAGE_MAX];
	struct testring *t = arg;
	size_t n;

	assert_true(message_get_ring(p, len));
	if (fd >= 0) {
		ring_free(t->ring);
		t->ring = ring_open(fd);
	}
	assert_non_null(t->ring);
	do {
		while (ring_read(t->ring, message, &n) == RING_NEW)
			t->message(t->arg, message, n);
		ring_done(t->ring);
	} while (!ring_sleep(t->ring));
	return true;
}

static inline void
testring_close(struct testring *t)
{
	ring_free(t->ring);
	t->ring = NULL;
}

#endif
