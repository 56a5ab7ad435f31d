/* packet_fuzz.c - packets from anywhere, whole and cut
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/packet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of its own, so that a read beyond the end is seen. */
static enum packet_result
read_cut(const uint8_t *data, size_t size, struct packet *p, size_t *offset)
{
	uint8_t *copy = malloc(size + 1);
	enum packet_result result;

	assert(copy != NULL);
	memcpy(copy + 1, data, size);
	result = packet_read(copy + 1, size, p);
	if (result == PACKET_OK) {
		*offset = (size_t)(p->payload - (copy + 1));
		assert(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP);
		assert(*offset >= 28 && *offset <= size && p->len <= size - *offset);
		assert(memcmp(p->payload, data + *offset, p->len) == 0);
	}
	free(copy);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p, cut;
	size_t offset = 0, offset_cut = 0;
	enum packet_result result = read_cut(data, size, &p, &offset), other;
	size_t step = size / 16 + 1;

	for (size_t n = size; n > 0; n = n > step ? n - step : 0) {
		other = read_cut(data, n, &cut, &offset_cut);
		/* What is copied in part is never taken for something else. */
		if (other != PACKET_OK)
			continue;
		assert(result == PACKET_OK && offset == offset_cut && cut.seq == p.seq);
		assert(cut.len <= p.len && (cut.cut || cut.len == p.len));
		assert(memcmp(&cut.src, &p.src, sizeof(p.src)) == 0);
		assert(memcmp(&cut.dst, &p.dst, sizeof(p.dst)) == 0);
	}
	return 0;
}
