/* gate.h - through the proxy, or direct? decided for each SYN from what is known at that moment
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Never waits. Direct only where some domain is known to use the address, all domains known to do
 * so have an answer of the policy process, not older than GATE_FRESH_S, that demands nothing, and
 * no answer is outstanding after a change. Unknown means proxy. */
#ifndef NFQ_GATE_H
#define NFQ_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "nfq/learnt.h"
#include "policy/message.h"

#define GATE_FRESH_S 300	/* an answer's life; a change of policy ends it at once (stale) */
#define GATE_REASK_S 60		/* one in use is asked for again after this */
#define GATE_MAX 65536		/* answers kept */

struct gate;

struct gate_events {
	/* Ask the policy process; the answer comes to gate_answer with the same id. */
	void (*ask)(void *arg, uint32_t id, const char *domain, const struct in6_addr *ip);
};

struct gate *gate_new(const struct learnt *l, bool required, const struct gate_events *events,
    void *arg);		/* required: scope; else everything goes through the proxy */
void gate_free(struct gate *g);

void gate_mapped(struct gate *g, const char *domain, const struct in6_addr *ip, double now_s);
void gate_answer(struct gate *g, uint32_t id, const struct requirement *q, double now_s);
void gate_stale(struct gate *g, const struct stale *what);	/* these answers count no more */

/* gate_demands: what a requirement means: true when the session must come through the proxy. */
bool gate_demands(const struct requirement *q);

enum gate_word { GATE_PROXY, GATE_DIRECT };
enum gate_word gate_decide(struct gate *g, const struct in6_addr *destination, double now_s);

#endif
