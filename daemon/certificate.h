/* certificate.h - the certificate that clients see, made at the first start
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CERTIFICATE_H
#define DAEMON_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"

/* certificate_prepare: as `user`; makes key and certificate for this host's name in state-dir
 * where they are missing. Nothing to do with `client.tls: none`. False with the reason. */
bool certificate_prepare(const struct config *config, char *error, size_t error_size);

#endif
