/* deadline.h - what a session waits for may not take for ever
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_DEADLINE_H
#define PROXY_DEADLINE_H

#include "proxy/session.h"

/* deadline_arm: sets the session's timer to the nearest deadline that counts now. */
void deadline_arm(struct session *s);

/* deadline_passed: the timer's callback. */
void deadline_passed(struct ev_loop *loop, ev_timer *timer, int events);

#endif
