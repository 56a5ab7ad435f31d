/* commands.h - what the client says, carried out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_COMMANDS_H
#define PROXY_COMMANDS_H

#include "proxy/session.h"

/* Octets of a command line with CRLF: RFC 5321 says 512; extensions add to MAIL and RCPT. */
#define COMMANDS_LINE_MAX 2048
#define COMMANDS_FAULTS_MAX 20		/* then the client is asked to go */
#define HANDSHAKE_TIMEOUT 60		/* seconds for the client's TLS handshake */
#define COMMANDS_TIMEOUT 300		/* seconds for a command, RFC 5321 4.5.3.2.7 */

/* commands_step: carries out at most one command; true when one was. */
bool commands_step(struct session *s);

/* commands_hello_reply: the reply to HELO or EHLO, from what the server offers. */
void commands_hello_reply(struct session *s);

#endif
