/* ring_fuzz.c - a ring whose writer is captured
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a play: an honest writer's messages, a liar's changes to head, tail and octets, and
 * the steps of two readers. Without lies every message is read whole, in order, and none is lost;
 * with lies nothing is read out of bounds, and every reader comes to an end. */
#include "daemon/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/wire.h"

#define FILE_OCTETS ((size_t)RING_OCTETS + 65536)
#define PLACES 4096		/* of the liar's octets: where the messages are */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct play {
	const uint8_t *p, *end;
	struct ring *writer, *readers[2];
	unsigned char *memory;		/* as the liar sees it */
	bool lied;
	uint64_t written, read[2];
};

static uint64_t
number(struct play *t, unsigned octets)
{
	uint64_t v = 0;

	for (; octets > 0 && t->p < t->end; octets--)
		v = v << 8 | *t->p++;
	return v;
}

static void
say(struct play *t, size_t len)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	uint64_t n = t->written + 1;

	if (len < 2 * sizeof n)
		len = 2 * sizeof n;
	memcpy(message, &n, sizeof n);
	memcpy(message + len - sizeof n, &n, sizeof n);
	if (ring_write(t->writer, message, len))
		t->written = n;
	else
		assert(t->lied || ring_waiting(t->writer) + len + 16 > RING_OCTETS);
	(void)ring_bell(t->writer);
}

static void
hear(struct play *t, unsigned i, unsigned most)
{
	static unsigned char message[WIRE_MESSAGE_MAX];
	enum ring_result result;
	size_t len = 0;

	while (most-- > 0 && (result = ring_read(t->readers[i], message, &len)) != RING_EMPTY) {
		uint64_t n, last;

		if (result == RING_BROKEN) {
			assert(t->lied);
			ring_cut(t->readers[i]);
			return;
		}
		assert(len > 0 && len <= WIRE_MESSAGE_MAX);
		if (t->lied)
			continue;
		assert(len >= sizeof n);
		memcpy(&n, message, sizeof n);
		memcpy(&last, message + len - sizeof last, sizeof last);
		assert(n == last && n > 0 && n <= t->written);
		if (result == RING_NEW) {
			assert(n > t->read[i]);
			t->read[i] = n;
		} else {
			assert(n <= t->read[i]);
		}
	}
}

static void
lie(struct play *t)
{
	unsigned what = (unsigned)number(t, 1) % 4;
	uint64_t value;
	uint32_t length;

	t->lied = true;
	if (what < 2) {
		memcpy(&value, t->memory + what * 64, sizeof value);
		value += (uint64_t)(int64_t)(int32_t)number(t, 4);
		memcpy(t->memory + what * 64, &value, sizeof value);
	} else if (what == 2) {
		value = number(t, 2) % PLACES;
		length = (uint32_t)number(t, 4);
		memcpy(t->memory + 65536 + value * 8, &length, sizeof length);
	} else {
		value = number(t, 8);
		memcpy(t->memory + number(t, 1) % 2 * 64, &value, sizeof value);
	}
}

static void
step(struct play *t)
{
	uint8_t what = *t->p++;
	unsigned i = what >> 7;
	struct ring *r = t->readers[i];

	switch (what & 0xf) {
	case 0: case 1: case 2:
		say(t, (size_t)number(t, 1));
		break;
	case 3:
		say(t, (size_t)number(t, 2) + 1);
		break;
	case 4: case 5:
		hear(t, i, (unsigned)number(t, 1));
		break;
	case 6:
		ring_done(r);
		break;
	case 7:
		ring_again(r);
		break;
	case 8:
		ring_skip(r);
		break;
	case 9:
		ring_unread(r);
		break;
	case 10:
		if (ring_sleep(r))
			assert(t->lied || t->read[i] <= t->written);
		break;
	case 11:
		ring_free(r);
		t->readers[i] = ring_open(ring_descriptor(t->writer));
		t->read[i] = 0;
		break;
	case 12:
		for (unsigned n = 0; n < 40; n++)
			say(t, 60000);
		break;
	case 13:
		lie(t);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play t = { .p = data, .end = data + size, .writer = ring_new() };
	struct ring *last;

	assert(t.writer != NULL);
	t.memory = mmap(NULL, FILE_OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED,
	    ring_descriptor(t.writer), 0);
	for (unsigned i = 0; i < 2; i++)
		t.readers[i] = ring_open(ring_descriptor(t.writer));
	while (t.p < t.end)
		step(&t);
	/* Whoever comes last finds all that nobody was done with, up to the newest. */
	last = t.readers[0];
	ring_free(last);
	t.readers[0] = last = ring_open(ring_descriptor(t.writer));
	t.read[0] = 0;
	bool some = ring_waiting(t.writer) > 0;
	hear(&t, 0, RING_OCTETS / 8);
	assert(t.lied || !some || t.read[0] == t.written);
	ring_done(last);
	assert(t.lied || ring_waiting(t.writer) == 0);
	for (unsigned i = 0; i < 2; i++)
		ring_free(t.readers[i]);
	munmap(t.memory, FILE_OCTETS);
	ring_free(t.writer);
	return 0;
}
