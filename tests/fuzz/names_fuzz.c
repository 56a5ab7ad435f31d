/* names_fuzz.c - names_match against X509_check_host, wherever the two mean the same
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Input: the reference, a line end, the presented name. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "tls/names.h"

#define FLAGS (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *
certificate(const char *presented, size_t len)
{
	X509 *cert = X509_new();
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *entry = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();

	ASN1_STRING_set(value, presented, (int)len);
	GENERAL_NAME_set0_value(entry, GEN_DNS, value);
	sk_GENERAL_NAME_push(names, entry);
	assert(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1);
	GENERAL_NAMES_free(names);
	return cert;
}

/* Whether the reference is one that postern makes: that, X509_check_host does not ask. A name that
 * stands for itself is a host name. */
static bool
is_host(const char *reference)
{
	return names_match(reference, strlen(reference), reference);
}

static void
compare(const char *presented, size_t len, const char *reference)
{
	bool ours = names_match(presented, len, reference), below, theirs;
	X509 *cert = certificate(presented, len);

	theirs = X509_check_host(cert, reference, 0, FLAGS, NULL) == 1;
	if (ours)
		assert(theirs);
	if (is_host(reference))
		assert(ours == theirs);
	assert(names_certificate(cert, reference) == ours);
	below = names_match_below(presented, len, reference);
	if (ours)
		assert(below);
	/* One label more on both sides leaves what is below a domain to be what matches a host. */
	if (below && !ours && presented[0] != '*') {
		const char *dot = memchr(presented, '.', len);

		assert(dot && names_match(dot + 1, len - (size_t)(dot + 1 - presented), reference));
	}
	X509_free(cert);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t len, reference_len = end ? (size_t)(end - data) : size;
	char *reference, *presented;

	if (size > 1024)
		return 0;
	len = end ? size - reference_len - 1 : 0;
	reference = malloc(reference_len + 1);
	presented = malloc(len ? len : 1);
	assert(reference && presented);
	memcpy(reference, data, reference_len);
	reference[reference_len] = '\0';
	if (len > 0)
		memcpy(presented, end + 1, len);
	if (reference[0])	/* an empty one has no meaning for X509_check_host */
		compare(presented, len, reference);
	else
		assert(!names_match(presented, len, reference));
	free(reference);
	free(presented);
	return 0;
}
