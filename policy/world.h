/* world.h - what the policy's life depends on: clock, timers, randomness, DNS, HTTPS
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A struct of function pointers, so that tests live through months in a millisecond. Requests and
 * timers are embedded in their owner, which cancels them before it goes. `done` and `fire` come
 * from the loop, never from within the call that started them. */
#ifndef POLICY_WORLD_H
#define POLICY_WORLD_H

#include <ev.h>
#include <stdint.h>

#include "daemon/config.h"
#include "policy/answer.h"
#include "policy/judge.h"

#define WORLD_FETCH_MAX 65536	/* octets of a policy (R22) */

struct world_timer {
	void (*fire)(void *arg);
	void *arg;
	struct ev_timer ev;		/* the real world's */
	uint64_t due_ms;		/* a tested world's, 0 when idle */
	struct world_timer *next;
};

struct world_query {
	/* The answer is valid during the call only. */
	void (*done)(void *arg, const struct answer *a);
	void *arg;
	void *running;			/* the world's; NULL when nothing is under way */
};

struct world_fetched {
	enum result_type result;	/* SUCCESS, STS_POLICY_FETCH_ERROR, STS_WEBPKI_INVALID,
					 * STS_POLICY_INVALID (came, but is no text/plain) */
	const char *body;		/* with SUCCESS */
	size_t len;
	const char *detail;		/* printable; "" with SUCCESS */
};

struct world_fetch {
	void (*done)(void *arg, const struct world_fetched *f);
	void *arg;
	void *running;
};

struct world {
	void *arg;
	int64_t (*now)(void *arg);	/* seconds since the epoch, may jump */
	uint64_t (*ticks)(void *arg);	/* milliseconds, never back, running while suspended */
	uint32_t (*random)(void *arg, uint32_t bound);	/* 0 .. bound - 1 */
	/* Anew if running. */
	void (*timer_start)(void *arg, struct world_timer *t, uint64_t ms);
	void (*timer_stop)(void *arg, struct world_timer *t);
	/* name: lower case, no trailing dot; copied. */
	void (*query)(void *arg, struct world_query *q, const char *name, enum answer_type type);
	void (*query_cancel)(void *arg, struct world_query *q);		/* idle: no effect */
	/* The policy text of a domain: https://mta-sts.DOMAIN/.well-known/mta-sts.txt */
	void (*fetch)(void *arg, struct world_fetch *f, const char *domain);
	void (*fetch_cancel)(void *arg, struct world_fetch *f);
};

/* world_new: the real one. NULL with the reason in error. All requests must be cancelled or done
 * before world_free. */
struct world *world_new(struct ev_loop *loop, const struct config *config, char *error,
    size_t error_size);
void world_free(struct world *w);

#endif
