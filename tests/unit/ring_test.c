/* ring_test.c - messages through shared memory: order, room, two readers, deaths, a writer that lies
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/wire.h"

#define FILE_OCTETS ((size_t)RING_OCTETS + 65536)
#define HEAD_AT 0		/* of the file */
#define TAIL_AT 64

static unsigned char message[WIRE_MESSAGE_MAX], got[WIRE_MESSAGE_MAX];

struct pair {
	struct ring *writer, *reader;
};

static int
setup(void **state)
{
	struct pair *p = calloc(1, sizeof *p);

	if (p == NULL)
		return -1;
	p->writer = ring_new();
	p->reader = p->writer == NULL ? NULL : ring_open(ring_descriptor(p->writer));
	*state = p;
	return p->reader == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	ring_free(p->reader);
	ring_free(p->writer);
	free(p);
	return 0;
}

/* A message that says its number, of a length that follows from it. */
static size_t
make(unsigned char *p, uint64_t n, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(n * 31 + i);
	memcpy(p, &n, sizeof n);
	return len;
}

static bool
put(struct ring *r, uint64_t n, size_t len)
{
	return ring_write(r, message, make(message, n, len));
}

/* The number of the next message, which must be whole; 0 when there is none. */
static uint64_t
next(struct ring *r, enum ring_result expected)
{
	size_t len = 0;
	enum ring_result result = ring_read(r, got, &len);
	uint64_t n;

	assert_int_equal(result, expected);
	if (result != RING_NEW && result != RING_SEEN)
		return 0;
	assert_true(len >= sizeof n);
	memcpy(&n, got, sizeof n);
	make(message, n, len);
	assert_memory_equal(got, message, len);
	return n;
}

static void
set(const struct ring *writer, size_t at, uint64_t value)
{
	assert_int_equal(pwrite(ring_descriptor(writer), &value, sizeof value, (off_t)at),
	    sizeof value);
}

static uint64_t
get(const struct ring *writer, size_t at)
{
	uint64_t value;

	assert_int_equal(pread(ring_descriptor(writer), &value, sizeof value, (off_t)at),
	    sizeof value);
	return value;
}

static void
in_order_and_kept_until_done(void **state)
{
	struct pair *p = *state;

	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	for (uint64_t n = 1; n <= 5; n++)
		assert_true(put(p->writer, n, 8 + n));
	for (uint64_t n = 1; n <= 3; n++)
		assert_int_equal(next(p->reader, RING_NEW), n);
	assert_true(ring_waiting(p->writer) > 0);
	assert_false(ring_settled(p->reader));
	ring_done(p->reader);
	assert_true(ring_settled(p->reader));
	assert_int_equal(next(p->reader, RING_NEW), 4);
	ring_unread(p->reader);
	assert_int_equal(next(p->reader, RING_SEEN), 4);
	assert_int_equal(next(p->reader, RING_NEW), 5);
	ring_again(p->reader);
	assert_int_equal(next(p->reader, RING_SEEN), 4);
	ring_skip(p->reader);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	ring_again(p->reader);
	assert_int_equal(next(p->reader, RING_SEEN), 4);
	assert_int_equal(next(p->reader, RING_SEEN), 5);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	ring_done(p->reader);
	assert_true(ring_waiting(p->writer) == 0);
}

static void
full_and_round_the_end(void **state)
{
	struct pair *p = *state;
	uint64_t n = 0, read = 0;

	while (put(p->writer, n + 1, 992))
		n++;
	assert_int_equal(n, RING_OCTETS / 1000);
	assert_false(put(p->writer, n + 1, WIRE_MESSAGE_MAX));
	/* Never empty, so it goes round and round; lengths that do not divide it. */
	for (unsigned i = 0; i < 30000; i++) {
		assert_int_equal(next(p->reader, RING_NEW), ++read);
		ring_done(p->reader);
		while (put(p->writer, n + 1, 500 + n * 7919 % 3000))
			n++;
	}
	while (read < n)
		assert_int_equal(next(p->reader, RING_NEW), ++read);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	ring_done(p->reader);
	assert_true(put(p->writer, 1, WIRE_MESSAGE_MAX));
	assert_true(next(p->reader, RING_NEW) == 1);
}

/* A busy reader keeps it small; what a burst took is given back. */
static void
memory_is_given_back(void **state)
{
	struct pair *p = *state;
	struct stat file;
	uint64_t n = 0;

	for (unsigned i = 0; i < 100000; i++) {
		assert_true(put(p->writer, ++n, 700));
		assert_int_equal(next(p->reader, RING_NEW), n);
		if (i % 50 == 0)
			ring_done(p->reader);
	}
	ring_done(p->reader);
	assert_return_code(fstat(ring_descriptor(p->writer), &file), errno);
	assert_in_range(file.st_blocks * 512, 0, 200u << 10);
	while (put(p->writer, n + 1, 700))
		assert_int_equal(next(p->reader, RING_NEW), ++n);
	ring_done(p->reader);
	assert_return_code(fstat(ring_descriptor(p->writer), &file), errno);
	assert_true(file.st_blocks * 512 > (7 << 20));
	assert_true(put(p->writer, ++n, 700));
	assert_int_equal(next(p->reader, RING_NEW), n);
	assert_return_code(fstat(ring_descriptor(p->writer), &file), errno);
	assert_in_range(file.st_blocks * 512, 0, 400u << 10);
}

static void
the_bell_rings_once(void **state)
{
	struct pair *p = *state;

	assert_true(put(p->writer, 1, 8));
	assert_false(ring_bell(p->writer));	/* who looks needs no bell */
	assert_false(ring_sleep(p->reader));
	assert_int_equal(next(p->reader, RING_NEW), 1);
	assert_true(ring_sleep(p->reader));	/* nothing to read, though not done with */
	assert_true(put(p->writer, 2, 8));
	assert_true(ring_bell(p->writer));
	assert_false(ring_bell(p->writer));
	ring_bell_due(p->writer);		/* it could not be rung */
	assert_true(ring_bell(p->writer));
	assert_int_equal(next(p->reader, RING_NEW), 2);
}

/* An old policy process and its successor: what one is done with the other neither takes back nor
 * reads again, and what is overwritten meanwhile is not taken for a message. */
static void
two_readers(void **state)
{
	struct pair *p = *state;
	struct ring *old = p->reader, *successor;

	for (uint64_t n = 1; n <= 10; n++)
		assert_true(put(p->writer, n, 100));
	for (uint64_t n = 1; n <= 4; n++)
		assert_int_equal(next(old, RING_NEW), n);
	successor = ring_open(ring_descriptor(p->writer));
	for (uint64_t n = 1; n <= 7; n++)
		assert_int_equal(next(successor, RING_NEW), n);
	ring_done(successor);
	ring_done(old);				/* of 1 to 4 */
	assert_int_equal(next(successor, RING_NEW), 8);
	assert_int_equal(next(old, RING_NEW), 8);
	assert_int_equal(next(old, RING_NEW), 9);
	ring_done(old);
	ring_done(successor);			/* of 8 alone */
	assert_int_equal(next(successor, RING_NEW), 10);
	ring_done(successor);
	/* Started over, and over again: the old one is far behind. */
	for (uint64_t n = 11; n <= 50000; n++) {
		assert_true(put(p->writer, n, 900));
		assert_int_equal(next(successor, RING_NEW), n);
		ring_done(successor);
	}
	assert_int_equal(next(old, RING_EMPTY), 0);
	assert_true(put(p->writer, 50001, 900));
	assert_int_equal(next(old, RING_NEW), 50001);
	ring_free(successor);
}

/* The writer is gone, or not believed any more: what was there counts. */
static void
what_comes_after_the_end_is_not_read(void **state)
{
	struct pair *p = *state;

	assert_true(put(p->writer, 1, 8));
	assert_true(put(p->writer, 2, 8));
	ring_end(p->reader);
	assert_true(put(p->writer, 3, 8));
	ring_end(p->reader);
	assert_int_equal(next(p->reader, RING_NEW), 1);
	assert_int_equal(next(p->reader, RING_NEW), 2);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	ring_done(p->reader);
	for (uint64_t n = 3; n < 1000; n++)
		(void)put(p->writer, n, 60000);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
}

static void
nor_what_was_cut(void **state)
{
	struct pair *p = *state;

	for (uint64_t n = 1; n <= 3; n++)
		assert_true(put(p->writer, n, 8));
	assert_int_equal(next(p->reader, RING_NEW), 1);
	assert_int_equal(next(p->reader, RING_NEW), 2);
	ring_unread(p->reader);
	ring_cut(p->reader);
	ring_end(p->reader);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	ring_again(p->reader);
	assert_int_equal(next(p->reader, RING_SEEN), 1);
	assert_int_equal(next(p->reader, RING_EMPTY), 0);
	ring_done(p->reader);
	assert_true(ring_sleep(p->reader));
}

/* What a captured worker could hand over. */
static void
only_a_sealed_file_is_a_ring(void **state)
{
	static const struct {
		size_t octets;
		int seals, error;
	} cases[] = {
		{ FILE_OCTETS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, 0 },
		{ FILE_OCTETS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_WRITE, EPERM },
		{ FILE_OCTETS, F_SEAL_GROW | F_SEAL_SEAL, EPERM },
		{ FILE_OCTETS, 0, EPERM },
		{ FILE_OCTETS - 4096, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, EBADF },
		{ 0, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, EBADF },
	};
	int ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = memfd_create("no-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		struct ring *r;

		assert_return_code(ftruncate(fd, (off_t)cases[i].octets), errno);
		if (cases[i].seals != 0)
			assert_return_code(fcntl(fd, F_ADD_SEALS, cases[i].seals), errno);
		r = ring_open(fd);
		if (cases[i].error == 0)
			assert_non_null(r);
		else
			assert_int_equal(errno, cases[i].error);
		assert_int_equal(r == NULL, cases[i].error != 0);
		ring_free(r);
		close(fd);
	}
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	assert_null(ring_open(ends[0]));
	assert_null(ring_open(-1));
	close(ends[0]);
	close(ends[1]);
}

static void
the_file_cannot_shrink(void **state)
{
	struct pair *p = *state;

	assert_int_equal(ftruncate(ring_descriptor(p->writer), 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(ring_descriptor(p->writer), 1 << 30), -1);
	assert_int_equal(fcntl(ring_descriptor(p->writer), F_ADD_SEALS, F_SEAL_WRITE), -1);
}

/* Head, tail and length as no honest writer leaves them. */
static void
lies_are_found(void **state)
{
	static const struct {
		int64_t head, tail;	/* added to what they are */
		uint32_t length;	/* of the first message; 0: as it is */
		enum ring_result result;
	} cases[] = {
		{ 0, 0, 0, RING_NEW },
		{ 0, 0, WIRE_MESSAGE_MAX + 1, RING_BROKEN },
		{ 0, 0, UINT32_MAX, RING_BROKEN },
		{ 0, 0, 1000, RING_BROKEN },		/* beyond the head */
		{ RING_OCTETS, 0, 0, RING_BROKEN },
		{ 1ll << 40, 0, 0, RING_BROKEN },
		{ INT64_MAX, 0, 0, RING_EMPTY },	/* it cheats itself */
		{ -120, 0, 0, RING_BROKEN },		/* a head in the middle of a message */
		{ 0, 4, 0, RING_BROKEN },
		{ 0, INT64_MAX, 0, RING_EMPTY },
		{ 0, RING_OCTETS, 0, RING_EMPTY },
		{ 0, -(int64_t)RING_OCTETS - 8, 0, RING_BROKEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p = { .writer = ring_new() };
		size_t len;

		p.reader = ring_open(ring_descriptor(p.writer));
		for (uint64_t n = 1; n <= 2; n++)
			assert_true(put(p.writer, n, 100));
		set(p.writer, HEAD_AT, get(p.writer, HEAD_AT) + (uint64_t)cases[i].head);
		set(p.writer, TAIL_AT, get(p.writer, TAIL_AT) + (uint64_t)cases[i].tail);
		if (cases[i].length != 0)
			assert_int_equal(pwrite(ring_descriptor(p.writer), &cases[i].length, 4,
			    65536), 4);
		assert_int_equal(ring_read(p.reader, got, &len), cases[i].result);
		/* The writer holds against its own memory what it wrote. */
		(void)put(p.writer, 3, 100);
		ring_free(p.reader);
		ring_free(p.writer);
	}
}

/* A head that goes back behind what was read is a lie; one before the tail is a writer starting
 * over. */
static void
a_head_that_goes_back(void **state)
{
	struct pair *p = *state;
	size_t len;

	assert_true(put(p->writer, 1, 8));
	assert_true(put(p->writer, 2, 8));
	next(p->reader, RING_NEW);
	next(p->reader, RING_NEW);
	set(p->writer, HEAD_AT, 0);
	assert_int_equal(ring_read(p->reader, got, &len), RING_BROKEN);
	ring_done(p->reader);
	assert_int_equal(ring_read(p->reader, got, &len), RING_EMPTY);
}

/* Where a test fails its children end too. */
static pid_t
born(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void
pause_ns(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* The writer dies in the midst of it: what is there is whole and without gaps. */
static void
a_writer_killed_anywhere(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct ring *writer = ring_new(), *reader = ring_open(ring_descriptor(writer));
		uint64_t n = 0, found;
		pid_t pid = born();

		if (pid == 0)
			for (;;)
				n += put(writer, n + 1, 8 + n % 5000);
		for (unsigned looks = 0; looks < 1 + i % 7; looks++) {
			pause_ns(100000 + i * 9000);
			size_t len;
			while (ring_read(reader, got, &len) == RING_NEW) {
				memcpy(&found, got, sizeof found);
				assert_int_equal(found, ++n);
				if (n % 3 == 0)
					ring_done(reader);
				if (n % 5000 == 0)
					break;
			}
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ring_end(reader);
		for (size_t len; ring_read(reader, got, &len) == RING_NEW;) {
			memcpy(&found, got, sizeof found);
			assert_int_equal(found, ++n);
			make(message, n, len);
			assert_memory_equal(got, message, len);
		}
		assert_true(ring_sleep(reader));
		ring_free(reader);
		ring_free(writer);
	}
}

#define MANY 200000u

/* Readers that come and are killed, now and then two at once: each writes down what it has read
 * before it is done with it. */
static _Noreturn void
read_on(int ring, unsigned char *seen)
{
	struct ring *r = ring_open(ring);
	unsigned char p[WIRE_MESSAGE_MAX];
	uint64_t batch[64];

	for (;;) {
		unsigned len = 0;
		size_t octets;

		while (len < 64 && ring_read(r, p, &octets) == RING_NEW) {
			memcpy(&batch[len], p, sizeof batch[0]);
			if (batch[len] == 0 || batch[len] > MANY || octets != 8 + batch[len] % 900 ||
			    (octets > 8 && p[octets - 1] !=
			    (unsigned char)(batch[len] * 31 + octets - 1)))
				_exit(1);	/* something was written over it */
			len++;
		}
		for (unsigned i = 0; i < len; i++)
			if (seen[batch[i]] < 255)
				seen[batch[i]]++;
		ring_done(r);
	}
}

static void
readers_killed_anywhere(void **state)
{
	struct pair *p = *state;
	unsigned char *seen = mmap(NULL, MANY + 1, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t readers[2] = { 0, 0 };
	unsigned twice = 0, kills = 0;
	int status;

	for (uint64_t n = 0; n < MANY || ring_waiting(p->writer) > 0;) {
		unsigned i = kills++ % 2;

		if (readers[i] > 0) {
			kill(readers[i], SIGKILL);
			waitpid(readers[i], &status, 0);
			assert_true(WIFSIGNALED(status));
		}
		readers[i] = born();
		if (readers[i] == 0)
			read_on(ring_descriptor(p->writer), seen);
		for (unsigned k = 0; k < 3000 && n < MANY; k++)
			n += put(p->writer, n + 1, 8 + (n + 1) % 900);
		pause_ns(1 + kills * 7919 % 2000000);
		assert_true(kills < 20000);
	}
	for (unsigned i = 0; i < 2; i++) {
		kill(readers[i], SIGKILL);
		waitpid(readers[i], &status, 0);
	}
	for (unsigned n = 1; n <= MANY; n++) {
		assert_true(seen[n] > 0);
		twice += seen[n] > 1;
	}
	print_message("%u readers killed, %u of %u messages read more than once\n", kills, twice,
	    MANY);
	munmap(seen, MANY + 1);
}

static _Noreturn void
read_for_ever(int ring)
{
	struct ring *r = ring_open(ring);
	uint64_t first, last;
	size_t len;

	for (;;) {
		ring_again(r);
		while (ring_read(r, got, &len) > RING_EMPTY) {
			memcpy(&first, got, sizeof first);
			memcpy(&last, got + len - sizeof last, sizeof last);
			if (first != last)
				_exit(1);
		}
	}
}

/* A reader is stopped in the midst of a message; another is done with it, and the writer puts
 * others in its place. */
static void
what_is_written_over_is_not_read(void **state)
{
	static unsigned char large[60000];
	struct pair *p = *state;
	pid_t pid = born();
	uint64_t n = 0;
	size_t len;
	int status;

	if (pid == 0)
		read_for_ever(ring_descriptor(p->writer));
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 4; i++, n++) {
			memcpy(large, &n, sizeof n);
			memcpy(large + sizeof large - sizeof n, &n, sizeof n);
			assert_true(ring_write(p->writer, large, sizeof large));
		}
		pause_ns(100000 + round * 100);
		kill(pid, SIGSTOP);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));	/* else it has read what nobody wrote */
		while (ring_read(p->reader, got, &len) == RING_NEW)
			;
		ring_done(p->reader);
		for (unsigned i = 0; i < 4; i++, n++) {
			memcpy(large, &n, sizeof n);
			memcpy(large + sizeof large - sizeof n, &n, sizeof n);
			assert_true(ring_write(p->writer, large, sizeof large));
		}
		kill(pid, SIGCONT);
		pause_ns(100000);
		while (ring_read(p->reader, got, &len) == RING_NEW)
			;
		ring_done(p->reader);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

int
main(void)
{
#define RING_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RING_TEST(in_order_and_kept_until_done),
		RING_TEST(full_and_round_the_end),
		RING_TEST(memory_is_given_back),
		RING_TEST(the_bell_rings_once),
		RING_TEST(two_readers),
		RING_TEST(what_comes_after_the_end_is_not_read),
		RING_TEST(nor_what_was_cut),
		RING_TEST(only_a_sealed_file_is_a_ring),
		RING_TEST(the_file_cannot_shrink),
		RING_TEST(lies_are_found),
		RING_TEST(a_head_that_goes_back),
		RING_TEST(a_writer_killed_anywhere),
		RING_TEST(readers_killed_anywhere),
		RING_TEST(what_is_written_over_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
