/* counters.c - the page of counters that all processes share, and the limits counted in it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits. A worker first counts the session in its own column, then adds up the columns, and takes
 * it back when the sum is over the limit. Both steps are sequentially consistent, so of two workers
 * that take the last place at once at least one sees the other: a limit is never exceeded, at
 * worst both are turned away. A worker writes nothing but its own column, so clearing the column
 * repairs whatever a crash left. The sum costs one load for each worker slot in use.
 *
 * A captured worker can write all of the page. What the others act upon is therefore not in it: the
 * key, which columns are taken, and the office, a second page that workers give up. What it can do
 * by the dials is to have connections from this host itself taken for loops. */
#include "record/counters.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/address.h"
#include "daemon/siphash.h"

#define PORTS 65536

struct column {
	_Alignas(64) _Atomic int64_t values[COUNTER_MAX];
	_Atomic uint32_t clients[COUNTERS_BUCKETS];
};

/* One column's dials by local port. Not a bit: the kernel gives a port to several dials at once
 * where they go to different places. Pages of it that nobody touches take no memory. */
struct dials {
	_Atomic uint8_t from[PORTS];
};

/* Of the parent and the policy process; the nfq process reads it. */
struct office {
	_Atomic uint64_t started_s;
	_Atomic uint32_t accepting;
	_Atomic uint32_t reload_errors;
	_Atomic uint32_t store_busy;
	struct counters_process processes[COUNTERS_PROCESSES];
};

struct page {
	_Atomic uint32_t used;			/* columns ever claimed: readers stop there */
	_Atomic int64_t kept[COUNTER_MAX];	/* totals of released columns */
	struct column columns[COUNTERS_COLUMNS];
	struct dials dials[COUNTERS_COLUMNS];
};

struct counters {
	struct page *page;			/* shared with the children */
	struct office *office;			/* NULL in a worker */
	struct office *shown;			/* the same, to be read for good; NULL there */
	struct siphash_key key;
	int own;				/* the column of this process's dials */
	bool taken[COUNTERS_COLUMNS];		/* the parent's */
};

static void *
memory(size_t size, int sharing)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Twice: to be written, and to be read by whoever must not be able to change that. */
static bool
open_office(struct counters *c)
{
	int fd = memfd_create("office", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool made = fd >= 0 && ftruncate(fd, sizeof *c->office) == 0;
	void *p = MAP_FAILED, *shown = MAP_FAILED;

	if (made)
		p = mmap(NULL, sizeof *c->office, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* What is mapped from now on is for reading, whatever mprotect() is asked. */
	if (p != MAP_FAILED && fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW | F_SEAL_SEAL) == 0)
		shown = mmap(NULL, sizeof *c->office, PROT_READ, MAP_SHARED, fd, 0);
	c->office = p == MAP_FAILED ? NULL : p;
	c->shown = shown == MAP_FAILED ? NULL : shown;
	if (fd >= 0)
		close(fd);
	return c->office != NULL && c->shown != NULL;
}

struct counters *
counters_new(void)
{
	struct counters *c = memory(sizeof *c, MAP_PRIVATE);

	if (c == NULL)
		return NULL;
	c->page = memory(sizeof *c->page, MAP_SHARED);
	if (c->page == NULL || !open_office(c)) {
		if (c->page != NULL)
			munmap(c->page, sizeof *c->page);
		counters_leave_office(c);
		munmap(c, sizeof *c);
		return NULL;
	}
	siphash_key_make(&c->key);
	return c;
}

void
counters_leave_office(struct counters *c)
{
	if (c->office != NULL)
		munmap(c->office, sizeof *c->office);
	if (c->shown != NULL)
		munmap(c->shown, sizeof *c->shown);
	c->office = c->shown = NULL;
}

void
counters_read_office(struct counters *c)
{
	munmap(c->office, sizeof *c->office);
	c->office = c->shown;
	c->shown = NULL;
}

static struct column *
column_of(const struct counters *c, int column)
{
	assert(column >= 0 && column < COUNTERS_COLUMNS);
	return &c->page->columns[column];
}

void
counters_settle(struct counters *c, int column)
{
	assert(column >= 0 && column < COUNTERS_COLUMNS);
	c->own = column;
}

/* A captured worker must not lead readers out of the page. */
static unsigned
used(const struct counters *c)
{
	unsigned n = atomic_load_explicit(&c->page->used, memory_order_relaxed);

	return n < COUNTERS_COLUMNS ? n : COUNTERS_COLUMNS;
}

int
counters_claim(struct counters *c)
{
	for (int i = 0; i < COUNTERS_COLUMNS; i++) {
		if (c->taken[i])
			continue;
		c->taken[i] = true;
		if (used(c) < (unsigned)i + 1)
			atomic_store(&c->page->used, (uint32_t)i + 1);
		return i;
	}
	return -1;
}

void
counters_release(struct counters *c, int column)
{
	struct column *own = column_of(c, column);

	for (int i = 0; i < COUNTER_MAX; i++) {
		int64_t v = atomic_exchange(&own->values[i], 0);

		if (i != COUNTER_SESSIONS)
			atomic_fetch_add(&c->page->kept[i], v);
	}
	for (int i = 0; i < COUNTERS_BUCKETS; i++)
		atomic_store_explicit(&own->clients[i], 0, memory_order_relaxed);
	for (int i = 0; i < PORTS; i++)
		atomic_store_explicit(&c->page->dials[column].from[i], 0, memory_order_relaxed);
	c->taken[column] = false;
}

void
counters_add(struct counters *c, int column, enum counter which, int64_t n)
{
	atomic_fetch_add_explicit(&column_of(c, column)->values[which], n, memory_order_relaxed);
}

int64_t
counters_sum(const struct counters *c, enum counter which)
{
	uint64_t sum = (uint64_t)atomic_load_explicit(&c->page->kept[which], memory_order_relaxed);

	for (unsigned i = 0; i < used(c); i++)
		sum += (uint64_t)atomic_load(&c->page->columns[i].values[which]);
	return (int64_t)sum;
}

int64_t
counters_get(const struct counters *c, int column, enum counter which)
{
	return atomic_load(&column_of(c, column)->values[which]);
}

/* At the most it can count, a port stays taken until the worker ends: no dial is ever forgotten. */
void
counters_dialling(struct counters *c, uint16_t port, bool yes)
{
	_Atomic uint8_t *dials = &c->page->dials[c->own].from[port];
	uint8_t n = atomic_load_explicit(dials, memory_order_relaxed);

	if (n < UINT8_MAX && (yes || n > 0))
		atomic_store(dials, (uint8_t)(yes ? n + 1 : n - 1));
}

bool
counters_dialled(const struct counters *c, uint16_t port)
{
	unsigned n = used(c);
	unsigned i = 0;

	do {
		if (atomic_load(&c->page->dials[i].from[port]) > 0)
			return true;
	} while (++i < n);
	return false;
}

/* An IPv6 client has a /64 to itself (RFC 6177), so its low half says nothing. */
static size_t
bucket(const struct counters *c, const struct in6_addr *client)
{
	size_t len = address_is_v4(client) ? sizeof client->s6_addr : 8;

	return (size_t)(siphash(&c->key, client->s6_addr, len) % COUNTERS_BUCKETS);
}

static uint64_t
of_client(const struct counters *c, size_t b)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < used(c); i++)
		sum += atomic_load(&c->page->columns[i].clients[b]);
	return sum;
}

enum counters_verdict
counters_client_enter(struct counters *c, int column, const struct in6_addr *client,
    unsigned sessions, unsigned per_client)
{
	struct column *own = column_of(c, column);
	size_t b = bucket(c, client);

	atomic_fetch_add(&own->values[COUNTER_SESSIONS], 1);
	if (counters_sum(c, COUNTER_SESSIONS) > (int64_t)sessions) {
		atomic_fetch_sub(&own->values[COUNTER_SESSIONS], 1);
		return COUNTERS_FULL;
	}
	atomic_fetch_add(&own->clients[b], 1);
	if (of_client(c, b) > per_client) {
		atomic_fetch_sub(&own->clients[b], 1);
		atomic_fetch_sub(&own->values[COUNTER_SESSIONS], 1);
		return COUNTERS_CLIENT_FULL;
	}
	counters_add(c, column, COUNTER_SESSIONS_TOTAL, 1);
	return COUNTERS_OK;
}

void
counters_client_leave(struct counters *c, int column, const struct in6_addr *client)
{
	struct column *own = column_of(c, column);
	_Atomic uint32_t *cell = &own->clients[bucket(c, client)];

	/* Never below nothing: another process may have spoilt the page. */
	if (atomic_load(cell) > 0)
		atomic_fetch_sub(cell, 1);
	if (atomic_load(&own->values[COUNTER_SESSIONS]) > 0)
		atomic_fetch_sub(&own->values[COUNTER_SESSIONS], 1);
}

struct counters_process *
counters_process(struct counters *c, size_t slot)
{
	assert(slot < COUNTERS_PROCESSES);
	return &c->office->processes[slot];
}

_Atomic uint64_t *
counters_started_s(struct counters *c)
{
	return &c->office->started_s;
}

_Atomic uint32_t *
counters_accepting(struct counters *c)
{
	return &c->office->accepting;
}

_Atomic uint32_t *
counters_reload_errors(struct counters *c)
{
	return &c->office->reload_errors;
}

_Atomic uint32_t *
counters_store_busy(struct counters *c)
{
	return &c->office->store_busy;
}
