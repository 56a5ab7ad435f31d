/* envelope.h - what belongs to one mail transaction, so that RSET is one call
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_ENVELOPE_H
#define PROXY_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 5321 4.5.3.1.8 wants room for 100; large lists come in several transactions. */
#define ENVELOPE_RECIPIENTS_MAX 1000

/* The verdict on one recipient domain; decided once in a transaction. */
struct envelope_domain {
	char *reply;			/* NULL: passed; else the refusal, with CRLF */
	char name[];			/* "" for recipients without a domain */
};

struct envelope {
	char *mail;			/* the MAIL command as kept, with CRLF; NULL: none */
	unsigned uses;			/* extensions that MAIL and RCPT relied on */
	bool sent;			/* MAIL has gone to the server */
	char *mail_refused;		/* the server's refusal of MAIL, the answer to every RCPT */
	unsigned recipients;		/* RCPT commands taken up */
	unsigned accepted;		/* of which the server accepted */
	struct envelope_domain **domains;
	size_t domains_len;
};

void envelope_clear(struct envelope *e);

/* envelope_mail: keeps the command, to which CRLF is added; false when out of memory. */
bool envelope_mail(struct envelope *e, const char *line, size_t len, unsigned uses);

const struct envelope_domain *envelope_find(const struct envelope *e, const char *domain);

/* envelope_decide: remembers the verdict; reply is copied. False when out of memory. */
bool envelope_decide(struct envelope *e, const char *domain, const char *reply);

#endif
