/* originate_inside.h - the inside of struct originator, for the files of this folder that need it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_ORIGINATE_INSIDE_H
#define TLS_ORIGINATE_INSIDE_H

#include <openssl/ssl.h>

#include "tls/originate.h"
#include "tls/resumption.h"

struct originator {
	struct trust *trust;
	struct decoded *decoded;
	struct verified *verified;
	int min_version;
	SSL_CTX *proven, *other;
	struct resumption *resumption;
};

#endif
