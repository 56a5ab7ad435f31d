/* decide.h - from a recipient domain to a verdict, and to the recipient's way to the server
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_DECIDE_H
#define PROXY_DECIDE_H

#include "proxy/session.h"

/* decide_begin: an RCPT whose domain has no verdict in this transaction yet. The session waits with
 * WAIT_DECISION until it is relayed or answered. */
void decide_begin(struct session *s, const char *line, size_t len, const struct command *command);

/* decide_step: goes on as far as it can; true when something changed. */
bool decide_step(struct session *s);

/* decide_recipient: relays an RCPT whose domain has passed; false: not now. */
bool decide_recipient(struct session *s, const char *line, size_t len, unsigned uses);
void decide_drop(struct session *s);

/* decide_deadline: moment_now() at which the policy process is given up; 0: not waiting for it. */
double decide_deadline(const struct session *s);
void decide_give_up(struct session *s);

#endif
