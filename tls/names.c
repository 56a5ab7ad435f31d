/* names.c - does a certificate name a host? RFC 9525, RFC 8461 section 4.2
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Only the reference is examined in full: once it is known to be a host name of letters, digits and
 * hyphens, whatever equals it octet by octet (case aside) is one too. What is presented needs no
 * parser then: a NUL, a trailing dot or a stray "*" equals nothing. */
#include "tls/names.h"

#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tls/san.h"

#define HOST_MAX 253		/* RFC 1035 2.3.4: 255 octets on the wire */
#define LABEL_MAX 63

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Free of the locale, unlike strncasecmp. */
static bool
same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static bool
is_label(const char *s, size_t len)
{
	if (len == 0 || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = lower(s[i]);

		if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-')
			return false;
	}
	return true;
}

/* A last label of digits only makes an IPv4 address, which no DNS-ID stands for (R134). */
static bool
is_host(const char *s, size_t len)
{
	size_t start = 0;
	bool digits = true;

	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] != '.')
			continue;
		if (!is_label(s + start, i - start))
			return false;
		start = i + 1;
	}
	for (size_t i = len; i > 0 && s[i - 1] != '.'; i--)
		digits = digits && is_digit(s[i - 1]);
	return !digits;
}

static bool
is_wildcard(const char *s, size_t len)
{
	return len > 2 && s[0] == '*' && s[1] == '.';
}

bool
names_match(const char *presented, size_t len, const char *reference)
{
	size_t ref_len = strnlen(reference, HOST_MAX + 1);

	if (!is_host(reference, ref_len))
		return false;
	if (is_wildcard(presented, len)) {
		const char *dot = memchr(reference, '.', ref_len);

		/* R133: one label for the "*"; behind it at least two, or "*.org" would do. */
		if (!dot || !memchr(dot + 1, '.', ref_len - (size_t)(dot + 1 - reference)))
			return false;
		ref_len -= (size_t)(dot - reference);
		reference = dot;
		presented++;
		len--;
	}
	return len == ref_len && same(presented, reference, len);
}

bool
names_match_below(const char *presented, size_t len, const char *domain)
{
	size_t domain_len = strnlen(domain, HOST_MAX + 1);
	const char *dot = len <= HOST_MAX ? memchr(presented, '.', len) : NULL;
	size_t first;

	if (names_match(presented, len, domain))
		return true;
	if (!dot || !is_host(domain, domain_len))
		return false;
	first = (size_t)(dot - presented);
	if (is_wildcard(presented, len)) {
		if (!memchr(domain, '.', domain_len))
			return false;
	} else if (!is_label(presented, first)) {
		return false;
	}
	return len - first - 1 == domain_len && same(dot + 1, domain, domain_len);
}

static bool
visit_match(void *reference, const char *name, size_t len)
{
	return names_match(name, len, reference);
}

bool
names_certificate(const void *x509, const char *reference)
{
	return san_each(x509, visit_match, (void *)(uintptr_t)reference);
}

/* Takes the place of OpenSSL's own verification, so that neither step can be left out by what else
 * the owner of the SSL_CTX configures. */
static int
verify_name(X509_STORE_CTX *ctx, void *reference)
{
	if (X509_verify_cert(ctx) <= 0)
		return 0;
	if (names_certificate(X509_STORE_CTX_get0_cert(ctx), reference))
		return 1;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

bool
names_require(void *ssl_ctx, const char *reference)
{
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ssl_ctx, verify_name, (void *)(uintptr_t)reference);
	return true;
}
