/* known.h - a worker's memory of answers: what was asked a moment ago is not asked again
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An answer stays for the time the policy process gives it (fresh_ms, some seconds), and no longer
 * than until it says that things have changed. Meanwhile age_s stays what it was. What the answers
 * say about an address stays longer (KNOWN_TERMS_S), until the same word. */
#ifndef PROXY_KNOWN_H
#define PROXY_KNOWN_H

#include "policy/message.h"
#include "proxy/demand.h"

#define KNOWN_MAX 1024		/* answers; the one not asked for longest goes first */
/* As messages: longer ones are asked anew, so that all of them are 4 MiB at most. */
#define KNOWN_OCTETS_MAX 4096
/* So long an address is taken for a host that wants the TLS it wanted last: that is no answer but a
 * guess, which costs a connection where it is wrong, and saves three round trips where it is right.
 * A host with mail every few minutes has it always. */
#define KNOWN_TERMS_S 3600

struct known;

struct known *known_new(void);		/* NULL when out of memory */
void known_free(struct known *k);	/* NULL is allowed */
size_t known_length(const struct known *k);

/* known_find: what the same question was answered, NULL when that is not known at `now`
 * (moment_now()). The holder is the memory: hold it to keep it. Nothing is allocated. */
struct demand *known_find(struct known *k, const struct question *q, double now);

/* known_at: the TLS that recipients at this address have been asking for, the strictest of them;
 * NULL when none is known, or when they ask for different ones. A guess, to begin with: each
 * recipient's own requirement is judged. */
struct demand *known_at(struct known *k, const struct address *peer, double now);

/* known_keep: the answer to q, of so many octets as a message, until then. What is not to be
 * remembered (a deferral, a recheck or probe, until <= now) takes the place of nothing. */
void known_keep(struct known *k, const struct question *q, struct demand *d, size_t octets,
    double now, double until);

/* known_forget: this question is to be asked again; known_drop: all that `stale` may mean;
 * known_clear: everything. */
void known_forget(struct known *k, const struct question *q);
void known_drop(struct known *k, const struct stale *stale);
void known_clear(struct known *k);

#endif
