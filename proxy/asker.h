/* asker.h - the worker's open questions to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A question is kept by whoever asks (embedded), and stays open until it is answered or withdrawn;
 * when the channel is replaced all open ones are asked again. */
#ifndef PROXY_ASKER_H
#define PROXY_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/message.h"

struct asking {
	struct question question;	/* question.id is the asker's; domain must outlive it */
	/* Takes over the requirement, one block for free(); *recalled is valid during the call. */
	void (*answered)(struct asking *asking, struct requirement *requirement,
	    const struct recalled *recalled);
	void *arg;
	double asked;		/* moment_now() of asker_ask */
	bool open, sent;
};

struct asker;

/* asker_new: `send` hands one message to the channel, false when it cannot be taken now. */
struct asker *asker_new(bool (*send)(void *arg, const void *p, size_t len), void *arg);
void asker_free(struct asker *a);

/* asker_ask: sends it now or as soon as there is a channel. False when out of memory. */
bool asker_ask(struct asker *a, struct asking *asking);
/* asker_deadline: moment_now() by which an open question must have been answered; 0: none is open.
 * `wait_s`: policy.wait. */
double asker_deadline(const struct asking *asking, unsigned wait_s);
void asker_withdraw(struct asker *a, struct asking *asking);	/* closed ones are allowed */

/* asker_answer: a MESSAGE_ANSWER; false when malformed. Unknown ids are ignored: their asker has
 * gone. */
bool asker_answer(struct asker *a, const void *p, size_t len);
void asker_flush(struct asker *a);	/* the channel can take more */
void asker_resend(struct asker *a);	/* the channel is a new one */

#endif
