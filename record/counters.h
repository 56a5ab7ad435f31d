/* counters.h - the page of counters that all processes share, and the limits counted in it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Made by the parent before it forks. Each worker writes only its own column, with atomics;
 * sums are taken by readers. When a worker ends, the parent clears its column, so what a crash left
 * behind does not count for ever. */
#ifndef RECORD_COUNTERS_H
#define RECORD_COUNTERS_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTERS_COLUMNS 128	/* workers alive at once, draining ones included */
#define COUNTERS_BUCKETS 4096	/* clients, by keyed hash: a collision shares a limit */

enum counter {
	COUNTER_SESSIONS,		/* open now */
	COUNTER_SESSIONS_TOTAL,
	COUNTER_MESSAGES,
	COUNTER_PASSED, COUNTER_REFUSED, COUNTER_WOULD_REFUSE,
	COUNTER_RECORDS_DROPPED,
	COUNTER_REJECTED_LIMIT,		/* sessions refused by a limit */
	COUNTER_REJECTED_CLIENT,	/* clients outside `from`, direct connections, loops */
	COUNTER_ACCEPT_PAUSED,
	/* path: inspect. Both count sessions in which the client said STARTTLS, each one once. */
	COUNTER_END_TO_END,		/* its TLS session with the MX stayed its own */
	COUNTER_ENDED_HERE,		/* its TLS ended at postern */
	/* nfq */
	COUNTER_DNS_ANSWERS,		/* copies of answers read */
	COUNTER_DNS_LOST,		/* times the kernel had no room for a copy (ENOBUFS) */
	COUNTER_GATE_PROXY, COUNTER_GATE_DIRECT,	/* SYNs, by the gate's word */
	COUNTER_GATE_LOST,		/* times the gate's queue was full */
	COUNTER_LEAKS,			/* packets to port 25 that reached the guard */
	COUNTER_RULES_RESTORED,
	COUNTER_MAX
};

/* Set by the parent. */
struct counters_process {
	_Atomic int32_t pid;		/* 0: none */
	_Atomic uint32_t restarts;
	_Atomic uint32_t draining;
	_Atomic int32_t column;		/* of the newest worker; -1 for the policy process */
};

struct counters;

struct counters *counters_new(void);	/* shared anonymous memory; NULL with errno */

/* counters_dialling: this local port belongs (or no more) to one more dial of this process;
 * counters_dialled: to whichever worker's. With intercept.local a connection from such a port is a
 * loop. What a worker left behind goes with its column (counters_settle). */
void counters_dialling(struct counters *c, uint16_t port, bool yes);
bool counters_dialled(const struct counters *c, uint16_t port);

/* counters_leave_office: in a worker, at its birth. What was captured must not tell the parent or
 * `status` lies: counters_process and the fields below are out of its reach then. */
void counters_leave_office(struct counters *c);
/* counters_read_office: in the nfq process, at its birth: all that can be read, but not written. */
void counters_read_office(struct counters *c);
/* counters_settle: in a child, at its birth: the column that was claimed for it. */
void counters_settle(struct counters *c, int column);

/* A column is claimed by the parent for a new worker; -1 when all are taken. Which are is known to
 * the parent alone. */
int counters_claim(struct counters *c);
void counters_release(struct counters *c, int column);

void counters_add(struct counters *c, int column, enum counter which, int64_t n);
int64_t counters_sum(const struct counters *c, enum counter which);
int64_t counters_get(const struct counters *c, int column, enum counter which);
/* Totals of released columns are kept (COUNTER_SESSIONS excepted). */

/* counters_client_enter: counts one more session of this client unless the daemon has `sessions` or
 * the client's bucket `per_client` already. counters_client_leave undoes it. They move
 * COUNTER_SESSIONS, the former COUNTER_SESSIONS_TOTAL too. The limits are never passed; two workers
 * at the edge of one at the same moment may both be told no. */
enum counters_verdict { COUNTERS_OK, COUNTERS_FULL, COUNTERS_CLIENT_FULL };
enum counters_verdict counters_client_enter(struct counters *c, int column,
    const struct in6_addr *client, unsigned sessions, unsigned per_client);
void counters_client_leave(struct counters *c, int column, const struct in6_addr *client);

/* What `status` shows of the processes. Slots: 0 policy, 1.. workers, COUNTERS_NFQ. */
struct counters_process *counters_process(struct counters *c, size_t slot);
#define COUNTERS_PROCESSES 66
#define COUNTERS_NFQ 65		/* the nfq process's slot */

_Atomic uint64_t *counters_started_s(struct counters *c);	/* posternd's start, epoch */
/* Workers that accept: set by the parent, read by nfq, in a page that workers cannot write. */
_Atomic uint32_t *counters_accepting(struct counters *c);
_Atomic uint32_t *counters_reload_errors(struct counters *c);	/* 1: last reload was refused */
/* 1: the policy process is reading or writing the store; cleared by the parent when it dies. */
_Atomic uint32_t *counters_store_busy(struct counters *c);

#endif
