/* asker.h - the worker's open questions to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A question is kept by whoever asks (embedded), and stays open until it is answered or withdrawn;
 * when the channel is replaced all open ones are asked again. What was answered a moment ago is not
 * asked again (proxy/known.h). */
#ifndef PROXY_ASKER_H
#define PROXY_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/message.h"
#include "proxy/demand.h"

struct asking {
	struct question question;	/* question.id is the asker's; domain must outlive it */
	/* The demand is the callee's to drop; *recalled is valid during the call. */
	void (*answered)(struct asking *asking, struct demand *demand,
	    const struct recalled *recalled);
	void *arg;
	struct demand *demand;		/* with ASKER_KNOWN: the answer, the caller's to drop; */
	struct recalled recalled;	/* valid until the next call of a verb here */
	double asked;		/* moment_now() of asker_ask */
	bool open, sent;
};

struct asker;

/* asker_new: `send` hands one message to the channel, false when it cannot be taken now. */
struct asker *asker_new(bool (*send)(void *arg, const void *p, size_t len), void *arg);
void asker_free(struct asker *a);

enum asker_result {
	ASKER_KNOWN,		/* asking->demand, asking->recalled; no callback follows */
	ASKER_ASKED,
	ASKER_FAILED		/* out of memory */
};

/* asker_ask: answers from memory, or sends the question now or as soon as there is a channel. One
 * with `recheck` also makes the worker ask afresh from then on. */
enum asker_result asker_ask(struct asker *a, struct asking *asking);
/* asker_deadline: moment_now() by which an open question must have been answered; 0: none is open.
 * `wait_s`: policy.wait. */
double asker_deadline(const struct asking *asking, unsigned wait_s);
void asker_withdraw(struct asker *a, struct asking *asking);	/* closed ones are allowed */

/* asker_answer: a MESSAGE_ANSWER; false when malformed. Unknown ids are ignored: their asker has
 * gone. */
bool asker_answer(struct asker *a, const void *p, size_t len);
void asker_flush(struct asker *a);	/* the channel can take more */
void asker_resend(struct asker *a);	/* the channel is a new one: nothing is remembered */

/* asker_stale: a MESSAGE_STALE; false when malformed. asker_forget: nobody would tell now. */
bool asker_stale(struct asker *a, const void *p, size_t len);
void asker_forget(struct asker *a);

/* asker_saw: the policy process is being told of a sighting at this address: until it knows of it
 * nothing that it said about the address is remembered. */
void asker_saw(struct asker *a, const struct in6_addr *ip);

/* asker_proven: a TLS session in flight that may be resumed one day. */
void asker_proven(struct asker *a, const struct proven *p);

/* asker_terms: what recipients at this address have been asking TLS for, not held; NULL when
 * nothing is known or they differ (known_at). */
struct demand *asker_terms(struct asker *a, const struct address *peer);

#endif
