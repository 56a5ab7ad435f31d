/* nftables.h - our two tables of nft: read, replaced, taken out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_NFTABLES_H
#define NFQ_NFTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* nftables_read: how nft lists them, without counters' values or with them; "" when there is none,
 * when nft is not on this machine or not in this kernel. NULL with the reason. free(). */
char *nftables_read(int netns, bool counters, char *error, size_t error_size);

/* nftables_change: runs `nft -f -`, one transaction. */
bool nftables_change(int netns, const char *text, char *error, size_t error_size);

/* nftables_text: what puts such a listing back in the place of what is there; "" takes all away.
 * NULL when out of memory. free(). */
char *nftables_text(const char *listing);

/* nftables_print: a listing as canonical text: "CHAIN: rule", a line each. */
void nftables_print(const char *listing, FILE *out);

/* nftables_counts: of a listing with counters, added to *guard and *refused. */
void nftables_counts(const char *listing, unsigned long long *guard,
    unsigned long long *refused);

#endif
