/* prober.h - posternctl's probe: a real handshake by the data path's own code, step by step
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A diagnostic, never a reason to let mail pass: the next connection may meet another peer. */
#ifndef PROXY_PROBER_H
#define PROXY_PROBER_H

#include "policy/message.h"
#include "proxy/session.h"

#define PROBER_MAX 16		/* probes under way in one worker */

struct prober;

/* prober_new: `step` sends a MESSAGE_PROBE_STEP. */
struct prober *prober_new(struct proxy *proxy, void (*step)(void *arg, const struct probe_step *s),
    void *arg);
void prober_free(struct prober *p);
void prober_start(struct prober *p, const struct probe *probe);
size_t prober_open(const struct prober *p);

#endif
