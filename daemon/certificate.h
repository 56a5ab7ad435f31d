/* certificate.h - the certificates to be sent and to be trusted, seen to before anybody starts
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CERTIFICATE_H
#define DAEMON_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"

/* certificate_prepare: as `user`; makes key and certificate for this host's name in state-dir where
 * they are missing (not with `client.tls: none`), and reads ca-file as the children will. False
 * with the reason. */
bool certificate_prepare(const struct config *config, char *error, size_t error_size);

#endif
