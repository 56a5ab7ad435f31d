/* answer.h - a DNS answer packet as a plain value (RFC 1035; extended errors RFC 8914)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure. Keeps apart what must never be confused: a record, no record, and not knowing. */
#ifndef POLICY_ANSWER_H
#define POLICY_ANSWER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_RECORDS_MAX 64	/* MX hosts considered of a domain; no honest set is larger */
#define ANSWER_NAME_SIZE 256	/* as packet.h */
#define ANSWER_ALIASES_MAX 10	/* links of a CNAME chain; resolvers stop at about as many */
#define ANSWER_TEXT_MAX 65536	/* strings of all records: no packet is larger */
#define ANSWER_PROBLEM_SIZE 128

enum answer_type {
	ANSWER_A = 1, ANSWER_NS = 2, ANSWER_CNAME = 5, ANSWER_SOA = 6, ANSWER_MX = 15,
	ANSWER_TXT = 16, ANSWER_AAAA = 28, ANSWER_OPT = 41, ANSWER_TLSA = 52
};

enum answer_state {
	ANSWER_OK,		/* at least one record */
	ANSWER_NODATA,		/* the name is there, or may be; no such record */
	ANSWER_NXDOMAIN,
	ANSWER_FAILED,		/* timeout, SERVFAIL, REFUSED, malformed: nothing is known */
	ANSWER_BOGUS		/* SERVFAIL for DNSSEC's sake: there is an answer, but no proof */
};

struct answer_record {
	uint16_t preference;	/* MX */
	struct in6_addr ip;	/* A (v4-mapped), AAAA */
	uint8_t usage, selector, matching;	/* TLSA */
	const char *text;	/* MX: the host, CNAME: the target, both lower case, "" for the
				 * root; TXT: strings joined (R8); TLSA: the association data.
				 * NUL-terminated, but TXT and TLSA may hold NULs: see len */
	size_t len;
};

struct answer {
	enum answer_state state;
	bool secure;		/* the AD bit as sent; its worth is the caller's question */
	bool cut;		/* more than ANSWER_RECORDS_MAX records: the rest is lost */
	uint32_t ttl;		/* smallest on the way; negative: RFC 2308 section 5; 0 unknown */
	char name[ANSWER_NAME_SIZE];	/* where the alias chain ended */
	bool unexplained;	/* FAILED: a SERVFAIL that may be BOGUS, no extended error says */
	unsigned links;		/* of the alias chain inside the packet (CNAME asked for: 0) */
	bool dangling;		/* NODATA behind an alias without an SOA: ask for `name` */
	char problem[ANSWER_PROBLEM_SIZE];	/* FAILED, BOGUS: printable; else "" */
	size_t records_len;
	struct answer_record records[ANSWER_RECORDS_MAX];
	size_t text_len;
	char text[ANSWER_TEXT_MAX];
};

/* answer_parse: what the packet says about (name, type); name is lower case without trailing dot.
 * Aliases are followed inside the packet (R9). A packet that is malformed anywhere is FAILED. */
void answer_parse(struct answer *out, const void *packet, size_t len, const char *name,
    enum answer_type type);

/* answer_fail: FAILED, for a question that got no packet. answer_bogus: BOGUS. */
void answer_fail(struct answer *out, const char *problem);
void answer_bogus(struct answer *out, const char *problem);

/* answer_note: adds a line for the record to `out`, behind what is there (lines are separated by
 * newlines; nothing is added that does not fit): "TLSA _25._tcp.mx.example: secure, 2 records",
 * "A mx.example: bogus, SERVFAIL, extended error 6 ...". Printable ASCII. */
#define ANSWER_NOTE_SIZE 480
void answer_note(char *out, size_t size, const char *name, enum answer_type type,
    const struct answer *a);

/* answer_note_late: the same for a question that was not waited for any longer. */
#define ANSWER_LATE "no answer in time"
void answer_note_late(char *out, size_t size, const char *name, enum answer_type type);

/* answer_security_name: "secure", "insecure", "bogus" or "failed". */
const char *answer_security_name(const struct answer *a);

const char *answer_state_name(enum answer_state s);	/* "ok", "nodata", "nxdomain", ... */

#endif
