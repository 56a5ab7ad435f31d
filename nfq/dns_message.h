/* dns_message.h - a DNS answer from the wire: its question, and the records that map names
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 1035 section 4. Read, never changed, never believed to be more than a hint. Pure; names come
 * out in lower case, without the final dot, letters, digits, "-", "_" and dots alone: others make
 * the record skipped. Where a skipped record may have led on, `lost` says so. */
#ifndef NFQ_DNS_MESSAGE_H
#define NFQ_DNS_MESSAGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_SIZE 256
#define DNS_RECORDS_MAX 64	/* of one answer that are looked at, additional ones included */

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_AAAA = 28 };

struct dns_record {
	enum dns_type type;
	uint32_t ttl_s;
	uint16_t preference;		/* MX */
	struct in6_addr ip;		/* A (v4-mapped), AAAA */
	char owner[DNS_NAME_SIZE];
	char name[DNS_NAME_SIZE];	/* CNAME, MX: where it points; "" for the null MX */
};

struct dns_message {
	enum dns_type type;		/* asked */
	bool truncated;			/* TC: the TCP answer follows; what came whole is here */
	bool referral;			/* no answer but other servers to ask (RFC 2308 2.2) */
	bool lost;			/* there was more: over DNS_RECORDS_MAX, or a CNAME or MX
					 * to a name that is none */
	uint32_t lost_ttl_s;		/* the longest of these */
	uint8_t rcode;			/* with RFC 6891's upper bits; 255 and above: 255 */
	char name[DNS_NAME_SIZE];	/* asked */
	size_t len;
	struct dns_record records[DNS_RECORDS_MAX];
};

enum dns_result { DNS_OK, DNS_UNWANTED, DNS_BAD };

/* dns_message_read: DNS_UNWANTED: a query, another class, opcode or type, more than one question, a
 * question about no host name. */
enum dns_result dns_message_read(const void *p, size_t len, struct dns_message *out);

#endif
