/* testsend.h - a send() that counts, refuses and listens; and a malloc() that can be at its end
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For one file of a test program: these stand in for the C library's. */
#ifndef TESTS_TESTSEND_H
#define TESTS_TESTSEND_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct {
	unsigned calls;
	int flags;		/* of the latest call */
	size_t limit;		/* octets a call takes; 0: EAGAIN */
	size_t budget;		/* octets all calls together take, then EAGAIN */
	const char *secret;	/* what must not be sent in clear; NULL */
	unsigned spoken;	/* how often it was */
	size_t memory;		/* larger blocks are not to be had; 0: all are */
} testsend = { .limit = SIZE_MAX, .budget = SIZE_MAX };

#if defined(__SANITIZE_ADDRESS__)
#define TESTSEND_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TESTSEND_MEMORY 0
#endif
#endif
#ifndef TESTSEND_MEMORY
#define TESTSEND_MEMORY 1	/* whether .memory counts: the sanitizers have a malloc of their own */
#endif

static inline void
testsend_reset(void)
{
	memset(&testsend, 0, sizeof testsend);
	testsend.limit = testsend.budget = SIZE_MAX;
}

ssize_t
send(int fd, const void *p, size_t len, int flags)
{
	ssize_t n;

	testsend.calls++;
	testsend.flags = flags;
	if (testsend.secret != NULL &&
	    memmem(p, len, testsend.secret, strlen(testsend.secret)) != NULL)
		testsend.spoken++;
	if (len > testsend.limit)
		len = testsend.limit;
	if (len > testsend.budget)
		len = testsend.budget;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = sendto(fd, p, len, flags, NULL, 0);
	if (n > 0 && testsend.budget != SIZE_MAX)
		testsend.budget -= (size_t)n;
	return n;
}

#if TESTSEND_MEMORY
void *__libc_malloc(size_t size);

void *
malloc(size_t size)
{
	if (testsend.memory > 0 && size > testsend.memory) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_malloc(size);
}
#endif

/* testsend_pattern: the octet at a place of what is sent, so that none can take another's. */
static inline char
testsend_pattern(size_t i)
{
	return (char)(i * 31 + i / 251);
}

/* testsend_chance: less than below; the same ones in each run. */
static inline size_t
testsend_chance(size_t below)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

#endif
