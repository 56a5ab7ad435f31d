/* tlsa.h - TLSA records as values (RFC 6698, RFC 7671, RFC 7672 section 3.1)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What came from DNS (or a fingerprint from the configuration, which says the same as 3 0 and 3 1).
 * tls/dane.h holds a chain against them. */
#ifndef TLS_TLSA_H
#define TLS_TLSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLSA_RECORDS_MAX 32	/* usable ones of one requirement; honest sets have up to 8 */
#define TLSA_BASES_MAX 8	/* hosts whose records stand in one set */
#define TLSA_OCTETS_MAX 24576	/* data of all of them: a set fits into a message of 64 KiB */
#define TLSA_DIGEST 32
#define TLSA_TEXT_SIZE 160	/* "3 1 1 " and 64 octets in hexadecimal; longer data is cut */

enum tlsa_usage { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum tlsa_selector { TLSA_CERT, TLSA_SPKI };
enum tlsa_matching { TLSA_FULL, TLSA_SHA256, TLSA_SHA512 };

struct tlsa {
	uint8_t usage, selector, matching;	/* as in DNS, any value */
	uint8_t base;			/* in a set: which of its bases has the record */
	uint16_t len;
	const uint8_t *data;
};

/* Records of which one has to match. Records of different bases do not know of each other: digest
 * agility (RFC 7671 section 9) is within one base. */
struct tlsa_set {
	size_t len;
	const struct tlsa *records;
	size_t bases_len;
	const char *const *bases;	/* TLSA base domains: SNI, and a reference name */
	uint8_t digest[TLSA_DIGEST];	/* tlsa_digest of the above; all zero for no records */
};

/* tlsa_usable: whether SMTP can use the record (usages 2 and 3, known selector and matching type,
 * data of the right length, a certificate or key that can be decoded where it stands in full).
 * *why is a static text where it cannot. */
bool tlsa_usable(const struct tlsa *t, const char **why);

/* tlsa_digest: SHA-256 that two sets share only if a proof under one is a proof under the other:
 * same bases, same records, same order. False when out of memory. */
bool tlsa_digest(const struct tlsa_set *s, uint8_t out[TLSA_DIGEST]);

/* tlsa_same: by digest; NULL is a set without records. */
bool tlsa_same(const struct tlsa_set *s, const uint8_t digest[TLSA_DIGEST]);

/* tlsa_sort: by base, then usage, selector and matching type from the highest down, then data. DNS
 * gives the records of a set in any order, and tlsa_digest knows the order. */
void tlsa_sort(struct tlsa *records, size_t len);
/* tlsa_compare: in that order, as for qsort; 0: the same record. */
int tlsa_compare(const void *a, const void *b);

/* tlsa_copy: one block that owns all, to be freed with free(); NULL when out of memory. */
struct tlsa_set *tlsa_copy(const struct tlsa_set *s);

/* tlsa_text: "3 1 1 ab12..", lower case, cut with ".." where it does not fit. Returns out. */
const char *tlsa_text(const struct tlsa *t, char out[TLSA_TEXT_SIZE]);

#endif
