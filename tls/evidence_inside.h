/* evidence_inside.h - the inside of struct evidence, for the files of this folder that make one
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_EVIDENCE_INSIDE_H
#define TLS_EVIDENCE_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tls/chain.h"
#include "tls/evidence.h"

struct evidence {
	unsigned refs;
	struct chain chain;
	struct dane dane;
	time_t made, not_after;
	size_t octets;
	char subject[128], issuer[128];
	size_t names_len, names_size;
	char *names;			/* names_len strings one behind the other */
	size_t chain_len;
	uint8_t (*sha256)[32];
};

/* evidence_stands: whether there is anything in it that is worth being remembered. */
bool evidence_stands(const struct evidence *e);

/* evidence_name_fits: whether a DNS-ID can be the name of a host at all; others are not kept. */
bool evidence_name_fits(const void *name, size_t len);

#endif
