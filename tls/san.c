/* san.c - the DNS-IDs in a certificate's subjectAltName
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/san.h"

#include <openssl/x509v3.h>

bool
san_each(const X509 *cert, bool (*visit)(void *arg, const char *name, size_t len), void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool done = false;

	for (int i = 0; !done && i < sk_GENERAL_NAME_num(names); i++) {
		int type;
		const ASN1_STRING *value =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);

		if (type == GEN_DNS)
			done = visit(arg, (const char *)ASN1_STRING_get0_data(value),
			    (size_t)ASN1_STRING_length(value));
	}
	GENERAL_NAMES_free(names);
	return done;
}
