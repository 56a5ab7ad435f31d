/* certificate.c - the certificate that clients see, made at the first start
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/certificate.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tls/terminate.h"

bool
certificate_prepare(const struct config *config, char *error, size_t error_size)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (!config->client.tls_offer)
		return true;
	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		memcpy(name, "localhost", sizeof("localhost"));
	return identity_make(config->state_dir, name, error, error_size);
}
