/* esmtp.h - the parameters behind the path of MAIL and RCPT (RFC 5321 4.1.1.11)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_ESMTP_H
#define PROXY_ESMTP_H

#include "proxy/command.h"

/* esmtp_parameters: p is what stands behind the path: empty, or a space and parameters. Adds to
 * *uses the extensions they need. COMMAND_OK, COMMAND_SYNTAX (no space, a malformed value),
 * COMMAND_PARAMETER (unknown to this verb, or repeated) or COMMAND_NOT_ASCII. Expects that the
 * caller has refused controls. */
enum command_result esmtp_parameters(enum verb verb, const char *p, size_t len, unsigned *uses);

#endif
