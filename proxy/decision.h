/* decision.h - one decision under way: what decide.c and deliver.c share
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_DECISION_H
#define PROXY_DECISION_H

#include "proxy/session.h"

/* New connections one decision may make: one for another TLS session, one after a re-check, and one
 * in clear text after an opportunistic handshake that failed. */
#define DECISION_DIALS_MAX 3

enum stage { STAGE_ASK, STAGE_PEER, STAGE_DELIVER };

struct decision {
	struct asking asking;
	enum stage stage;
	char domain[DOMAIN_SIZE];
	char *line;			/* RCPT with CRLF */
	size_t line_len;
	size_t mailbox_at, mailbox_len;	/* inside line, for the record */
	unsigned uses;
	struct demand *demand;		/* NULL until it is answered */
	struct verdict verdict;
	char id[ID_DECISION_SIZE];
	bool rechecked;
	bool tried;			/* STARTTLS was tried for this requirement */
	bool clear;			/* judged after STARTTLS killed the connection: the mail may
					 * go in clear text over another */
	bool tls;			/* judged on a TLS session: only that one may carry it */
	unsigned dials;
	double began, policy_s;
};

/* decision_done: the recipient has been answered or relayed. */
void decision_done(struct session *s);

/* decision_answer: `reply` to this RCPT, and done. */
void decision_answer(struct session *s, const char *reply);

/* decision_redial: another connection for this decision, only before the server has heard of the
 * mail. False: none may be made any more. True: dialled, or, for want of a descriptor, the session
 * has ended and its decision is gone: nothing is left to do in this step. */
bool decision_redial(struct session *s);

/* decision_lost: the MX has gone; the session ends, the client may try again. */
bool decision_lost(struct session *s);

/* deliver_step: the recipient has passed; MAIL and RCPT on their way. */
bool deliver_step(struct session *s);

#endif
