/* outlet.h - the way of a TLS session's octets into its non-blocking socket, and out of it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * OpenSSL writes record by record, and every write is a packet of its own. Here records are brought
 * together, and what the socket refuses is held, so that OpenSSL need not be asked again. */
#ifndef TLS_OUTLET_H
#define TLS_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>

#define OUTLET_FRAGMENT 16384	/* octets of data in a record (RFC 8446 5.1) */
#define OUTLET_RECORD_MAX (5 + OUTLET_FRAGMENT + 2048)	/* encrypted (RFC 5246 6.2.3) */
/* Four records: more at once is no faster. */
#define OUTLET_ROOM (4 * OUTLET_RECORD_MAX)

enum outlet_result {
	OUTLET_OK,
	OUTLET_FULL,		/* the socket takes no more for now */
	OUTLET_BROKEN		/* the connection is gone: errno says why */
};

struct outlet {
	int fd;
	bool corked;		/* what is written is held */
	bool ending;		/* what is sent goes with the connection's end */
	bool eof;		/* the peer's */
	char *held;		/* encrypted and not sent yet; NULL when nothing is */
	size_t start, end, size;
	char *room;		/* OUTLET_ROOM octets of the caller's, while records are gathered */
	size_t gathered;
};

/* outlet_method: what outlet_bio takes; made once, for all outlets of an owner, and freed by it
 * (BIO_meth_free) after them. NULL when out of memory. */
BIO_METHOD *outlet_method(void);

/* outlet_bio: a BIO for both directions over the connected socket fd. The outlet must outlive it.
 * NULL when out of memory. */
BIO *outlet_bio(struct outlet *o, const BIO_METHOD *method, int fd);

/* outlet_gather: what is written from now on is laid into `room`, while outlet_fits one more
 * record; outlet_let_go sends it at once. What the socket refuses is held.
 * Nothing may be held before. */
void outlet_gather(struct outlet *o, char *room);
bool outlet_fits(const struct outlet *o);
enum outlet_result outlet_let_go(struct outlet *o);

/* outlet_flush: sends what is held, corked or not. OUTLET_OK: nothing is left. */
enum outlet_result outlet_flush(struct outlet *o);
size_t outlet_held(const struct outlet *o);	/* octets */

void outlet_clear(struct outlet *o);	/* forgets and frees what is held */

#endif
