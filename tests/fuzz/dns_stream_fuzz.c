/* dns_stream_fuzz.c - DNS over TCP: any split gives the same messages; any segments are survived
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first octet chooses: 0, the next two are the sizes of the pieces and the rest is what the
 * server sends; else segments of four octets (flags, connection, number, length) and data. */
#include "nfq/dns_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t messages, octets;
	uint64_t sum;
};

static void
message(void *arg, const unsigned char *p, size_t len)
{
	struct seen *seen = arg;

	assert(len > 0 && len <= DNS_STREAM_MESSAGE);
	seen->messages++;
	seen->octets += len;
	for (size_t i = 0; i < len; i++)
		seen->sum = (seen->sum ^ p[i]) * 0x100000001b3u;
}

/* In a block of its own, so that a read beyond the end is seen. */
static void
segment(struct dns_streams *s, struct packet *p, const uint8_t *data, double now_s,
    struct seen *seen)
{
	uint8_t *copy = malloc(p->len + 1);

	assert(copy != NULL);
	memcpy(copy + 1, data, p->len);
	p->payload = copy + 1;
	dns_streams_segment(s, p, now_s, message, seen);
	free(copy);
}

static void
splits(const uint8_t *data, size_t size)
{
	struct dns_streams *s = dns_streams_new();
	struct packet p = {
		.protocol = IPPROTO_TCP, .ack = true, .syn = true, .seq = UINT32_MAX - 9,
	};
	struct seen pieces = { 0 }, whole = { 0 };
	size_t sizes[2] = { data[0], data[1] };

	assert(s != NULL);
	data += 2;
	size -= 2;
	segment(s, &p, data, 0, &pieces);
	p.syn = false;
	p.seq++;
	for (size_t at = 0, i = 0; at < size; i++) {
		/* The second kind begins with what was sent already. */
		size_t again = i % 2 && at > 3 ? 3 : 0, n = sizes[i % 2] + 1;

		if (n > size - at)
			n = size - at;
		p.seq -= (uint32_t)again;
		p.len = again + n;
		segment(s, &p, data + at - again, 0, &pieces);
		p.seq += (uint32_t)p.len;
		at += n;
	}
	for (size_t at = 0; size - at >= 2;) {
		size_t n = (size_t)data[at] << 8 | data[at + 1];

		at += 2;
		if (n > size - at)
			break;
		if (n > 0 && n <= DNS_STREAM_MESSAGE)
			message(&whole, data + at, n);
		at += n;
	}
	assert(memcmp(&pieces, &whole, sizeof(whole)) == 0);
	dns_streams_free(s);
}

static void
segments(const uint8_t *data, size_t size)
{
	struct dns_streams *s = dns_streams_new();
	struct seen seen = { 0 };
	size_t octets = 0;

	assert(s != NULL);
	for (double now_s = 0; size >= 4; now_s++) {
		struct packet p = {
			.protocol = IPPROTO_TCP, .syn = data[0] & 1, .ack = data[0] & 2,
			.fin = data[0] & 4, .rst = data[0] & 8, .cut = data[0] & 16,
			.dst.port = data[1], .seq = data[2], .len = data[3],
		};

		data += 4;
		size -= 4;
		if (p.len > size)
			p.len = size;
		segment(s, &p, data, now_s, &seen);
		octets += p.len;
		data += p.len;
		size -= p.len;
	}
	assert(seen.octets + 2 * seen.messages <= octets);
	dns_streams_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 3 && data[0] == 0)
		splits(data + 1, size - 1);
	else if (size > 1)
		segments(data + 1, size - 1);
	return 0;
}
