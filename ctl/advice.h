/* advice.h - the next step for an administrator after a decision
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_ADVICE_H
#define CTL_ADVICE_H

#include <jansson.h>

/* advice_for: what to do about this decision (an event of the log); never NULL, static text whose
 * lines end in newlines. */
const char *advice_for(const json_t *decision);

/* advice_dane: where DANE or a rule's fingerprint decided; "" for others. A part of advice_for. */
const char *advice_dane(const json_t *decision);

/* advice_inspect: of one under path: inspect: what passing end to end means, or why the client's
 * TLS ended at postern and what would change that; "" for others. As above. */
const char *advice_inspect(const json_t *decision);

#endif
