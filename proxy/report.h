/* report.h - the session's records: decisions, and its end
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_REPORT_H
#define PROXY_REPORT_H

#include "policy/judge.h"
#include "proxy/session.h"

struct report_decision {
	const char *id, *domain, *recipient, *reply;
	const struct requirement *requirement;
	const struct verdict *verdict;
	enum starttls starttls;
	const struct proof *proof;	/* NULL: none */
	uint32_t policy_ms, added_ms;
	bool end_to_end;		/* the client's TLS stays its own */
};

/* How a session ended, or what was left of it when it became a tunnel. */
struct report_end {
	const char *id, *hello;		/* hello may be NULL */
	struct address peer, origin;
	double opened;
	bool end_to_end;
	const char *ended_here, *ended_here_detail;	/* as in struct session */
	const char *ended_by, *why;
	uint64_t bytes_in, bytes_out;
	uint32_t messages;
};

void report_decision(struct session *s, const struct report_decision *d);
/* report_sighting: the server offered STARTTLS and finished a handshake; q is what it was asked. */
void report_sighting(struct session *s, const struct requirement *q);
void report_end(struct proxy *proxy, const struct report_end *end);
/* report_rejected: a connection that never became a session. */
void report_rejected(struct proxy *proxy, const struct address *peer, const struct address *origin,
    const char *why);

#endif
