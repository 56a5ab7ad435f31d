/* id.h - decision ids and session ids
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_ID_H
#define RECORD_ID_H

#include <stdint.h>

#define ID_DECISION_SIZE 10	/* "K7Q2-M4XD": 40 random bits in Crockford's base 32 */
#define ID_SESSION_SIZE 27	/* ULID: 48 bits of milliseconds, 80 random */

/* Random octets taken from the kernel many at a time: a session would else cost two calls. Start
 * with all zero; each process has its own. */
struct id_source {
	unsigned char octets[250];	/* getrandom(2) never cuts 256 short */
	unsigned left;
};

/* Both abort when the kernel gives no random octets. */
void id_decision(struct id_source *source, char out[ID_DECISION_SIZE]);
void id_session(struct id_source *source, char out[ID_SESSION_SIZE], uint64_t now_ms);

#endif
