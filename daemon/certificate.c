/* certificate.c - the certificates to be sent and to be trusted, seen to before anybody starts
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/certificate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls/originate.h"
#include "tls/terminate.h"

/* A child that cannot read them would only die, again and again. */
static bool
ca_readable(const struct config *config, char *error, size_t error_size)
{
	char why[256];
	struct originator *o = originator_new(config->tls.ca_file, config->tls.min_version, why,
	    sizeof(why));

	if (o == NULL)
		snprintf(error, error_size, "tls.ca-file: %s", why);
	originator_free(o);
	return o != NULL;
}

bool
certificate_prepare(const struct config *config, char *error, size_t error_size)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (!ca_readable(config, error, error_size))
		return false;
	if (!config->client.tls_offer)
		return true;
	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		memcpy(name, "localhost", sizeof("localhost"));
	return identity_make(config->state_dir, name, error, error_size);
}
