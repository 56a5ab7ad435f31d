/* ring.c - a one-way queue of messages in memory that two processes share
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each message lies behind its length, rounded up to eight octets; it may go over the end of the
 * ring to its beginning. A writer that finds everything done with starts over at the beginning, so
 * that a ring with a busy reader stays in the cache; what a burst took beyond goes back to the
 * kernel. To start over the writer moves the tail too, before the head: a tail beyond the head
 * means that there is nothing to read. */
#include "daemon/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/wire.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u	/* Linux 6.3 */
#endif

#define HEAD_OCTETS 65536	/* a page of the largest kind */
#define FILE_OCTETS (HEAD_OCTETS + RING_OCTETS)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define LENGTH_OCTETS 8		/* in front of each message; four of them nothing */
#define START_OVER 65536	/* octets: worth a compare-and-swap */
#define KEPT_OCTETS (256u << 10)	/* not given back: a turn's worth of a busy worker */
#define CACHE_LINE 64
#define TRIES 4			/* to read while another reader moves the tail */

struct shared {
	alignas(CACHE_LINE) _Atomic uint64_t head;	/* the writer's */
	alignas(CACHE_LINE) _Atomic uint64_t tail;	/* the readers' */
	_Atomic uint32_t asleep;			/* set by readers, cleared by the writer */
	alignas(CACHE_LINE) unsigned char unused[HEAD_OCTETS - 2 * CACHE_LINE];
	unsigned char octets[RING_OCTETS];
};

static_assert(sizeof(struct shared) == FILE_OCTETS, "no gap");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share no locks");

struct ring {
	struct shared *shared;
	int fd;				/* the writer's */
	/* The writer's: its own head, which nobody else can change; how far pages are in use. */
	uint64_t head;
	size_t used;
	/* A reader's: the tail as it knows it, the message read last, the next one, and how far
	 * it has ever read. */
	uint64_t from, last, at, seen;
	uint64_t end;
	bool ended;			/* nothing counts from `end` on */
};

static size_t
offset_of(uint64_t position)
{
	return (size_t)(position % RING_OCTETS);
}

static uint64_t
octets_of(size_t len)
{
	return LENGTH_OCTETS + ((len + 7) & ~(uint64_t)7);
}

static struct ring *
map(int fd)
{
	struct ring *r = calloc(1, sizeof *r);
	void *p;

	if (r == NULL)
		return NULL;
	p = mmap(NULL, FILE_OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		free(r);
		return NULL;
	}
	r->shared = p;
	r->fd = -1;
	return r;
}

struct ring *
ring_new(void)
{
	int fd = memfd_create("postern-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	struct ring *r = NULL;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("postern-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return NULL;
	if (ftruncate(fd, FILE_OCTETS) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		r = map(fd);
	if (r == NULL)
		close(fd);
	else
		r->fd = fd;
	return r;
}

struct ring *
ring_open(int fd)
{
	struct stat file;
	struct ring *r;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || fstat(fd, &file) != 0 || file.st_size != FILE_OCTETS) {
		errno = EBADF;
		return NULL;
	}
	if ((seals & SEALS) != SEALS) {
		errno = EPERM;
		return NULL;
	}
	r = map(fd);
	if (r != NULL)
		r->from = r->last = r->at = r->seen = atomic_load(&r->shared->tail);
	return r;
}

void
ring_free(struct ring *r)
{
	if (r == NULL)
		return;
	munmap(r->shared, FILE_OCTETS);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

int
ring_descriptor(const struct ring *r)
{
	return r->fd;
}

uint64_t
ring_waiting(const struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
	uint64_t head = r->fd >= 0 ? r->head :
	    atomic_load_explicit(&r->shared->head, memory_order_acquire);

	return head - tail <= RING_OCTETS ? head - tail : 0;
}

static void
copy_in(struct ring *r, uint64_t position, const void *p, size_t len)
{
	size_t offset = offset_of(position);
	size_t first = len <= RING_OCTETS - offset ? len : RING_OCTETS - offset;

	memcpy(r->shared->octets + offset, p, first);
	if (first < len)
		memcpy(r->shared->octets, (const unsigned char *)p + first, len - first);
	if (r->used < offset + first)
		r->used = offset + first;
}

static void
copy_out(const struct ring *r, uint64_t position, void *p, size_t len)
{
	size_t offset = offset_of(position);
	size_t first = len <= RING_OCTETS - offset ? len : RING_OCTETS - offset;

	memcpy(p, r->shared->octets + offset, first);
	if (first < len)
		memcpy((unsigned char *)p + first, r->shared->octets, len - first);
}

/* start_over: true when the tail is now where the head will be. Dying in between is harmless. */
static bool
start_over(struct ring *r)
{
	uint64_t from = r->head, to = from + (RING_OCTETS - offset_of(from));

	if (!atomic_compare_exchange_strong(&r->shared->tail, &from, to))
		return false;
	atomic_store_explicit(&r->shared->head, to, memory_order_release);
	r->head = to;
	if (r->used > KEPT_OCTETS)
		(void)madvise(r->shared->octets + KEPT_OCTETS, RING_OCTETS - KEPT_OCTETS,
		    MADV_REMOVE);
	r->used = 0;
	return true;
}

bool
ring_write(struct ring *r, const void *p, size_t len)
{
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
	uint64_t waiting = r->head - tail, octets = octets_of(len);
	const uint32_t length[2] = { (uint32_t)len, 0 };

	assert(len > 0 && len <= WIRE_MESSAGE_MAX);
	if (waiting == 0 && offset_of(r->head) >= START_OVER)
		(void)start_over(r);
	if (waiting > RING_OCTETS || octets > RING_OCTETS - waiting)
		return false;
	copy_in(r, r->head, length, sizeof length);
	copy_in(r, r->head + LENGTH_OCTETS, p, len);
	r->head += octets;
	atomic_store_explicit(&r->shared->head, r->head, memory_order_release);
	return true;
}

bool
ring_bell(struct ring *r)
{
	/* The head must be out before the flag is looked at; ring_sleep does it the other way
	 * round, so one of the two sees the other. */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&r->shared->asleep, memory_order_relaxed) != 0 &&
	    atomic_exchange(&r->shared->asleep, 0) != 0;
}

void
ring_bell_due(struct ring *r)
{
	atomic_store(&r->shared->asleep, 1);
}

/* catch_up: another reader, or a writer that starts over, has moved the tail. */
static void
catch_up(struct ring *r, uint64_t tail)
{
	r->from = r->last = r->at = tail;
	if ((int64_t)(tail - r->seen) > 0)
		r->seen = tail;
}

/* What is there to be read? RING_NEW when there is something. In this order: a tail that is older
 * than the head would make a ring that was started over look full. */
static enum ring_result
look(struct ring *r, uint64_t *left)
{
	uint64_t head = r->ended ? r->end :
	    atomic_load_explicit(&r->shared->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);

	if (tail != r->from)
		catch_up(r, tail);
	*left = head - r->at;
	if (*left == 0 || ((int64_t)*left < 0 && r->at == r->from))
		return RING_EMPTY;
	if ((int64_t)*left < 0 || head - r->from > RING_OCTETS || *left < LENGTH_OCTETS ||
	    r->at % LENGTH_OCTETS != 0)
		return RING_BROKEN;
	return RING_NEW;
}

/* take: the message at r->at; 0 when its length cannot be. */
static size_t
take(const struct ring *r, void *out, uint64_t left)
{
	uint32_t length[2];

	copy_out(r, r->at, length, sizeof length);
	if (length[0] == 0 || length[0] > WIRE_MESSAGE_MAX || octets_of(length[0]) > left)
		return 0;
	copy_out(r, r->at + LENGTH_OCTETS, out, length[0]);
	return length[0];
}

enum ring_result
ring_read(struct ring *r, void *out, size_t *len)
{
	enum ring_result result;
	uint64_t left;

	for (int i = 0; i < TRIES; i++) {
		result = look(r, &left);
		if (result == RING_EMPTY)
			return result;
		*len = result == RING_NEW ? take(r, out, left) : 0;
		/* Where the tail moved meanwhile, new octets may have been there already. */
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&r->shared->tail, memory_order_relaxed) != r->from)
			continue;
		if (*len == 0)
			return RING_BROKEN;
		r->last = r->at;
		r->at += octets_of(*len);
		if ((int64_t)(r->at - r->seen) <= 0)
			return RING_SEEN;
		r->seen = r->at;
		return RING_NEW;
	}
	return RING_EMPTY;
}

void
ring_unread(struct ring *r)
{
	r->at = r->last;
}

void
ring_done(struct ring *r)
{
	uint64_t tail = r->from;

	if (r->at == r->from)
		return;
	if (atomic_compare_exchange_strong(&r->shared->tail, &tail, r->at))
		r->from = r->last = r->at;
	else
		catch_up(r, tail);
}

void
ring_again(struct ring *r)
{
	r->at = r->last = r->from;
}

void
ring_skip(struct ring *r)
{
	if ((int64_t)(r->seen - r->at) > 0)
		r->at = r->last = r->seen;
}

bool
ring_sleep(struct ring *r)
{
	uint64_t left;

	if (!r->ended)
		atomic_store(&r->shared->asleep, 1);
	atomic_thread_fence(memory_order_seq_cst);
	return look(r, &left) == RING_EMPTY;
}

bool
ring_settled(const struct ring *r)
{
	return r->at == r->from;
}

void
ring_end(struct ring *r)
{
	if (!r->ended)
		r->end = atomic_load_explicit(&r->shared->head, memory_order_acquire);
	r->ended = true;
}

void
ring_cut(struct ring *r)
{
	r->end = r->at;
	if ((int64_t)(r->seen - r->at) > 0)
		r->seen = r->at;
	r->ended = true;
}
