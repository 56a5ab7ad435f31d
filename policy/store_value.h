/* store_value.h - the form of what the store keeps
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure. Values begin with a version; one of another version, or broken, cannot be read. */
#ifndef POLICY_STORE_VALUE_H
#define POLICY_STORE_VALUE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_MAX 255	/* octets: a domain, or a memory key */
#define STORE_TEXT_MAX 65536	/* octets of a policy text (RFC 8461 3.3) */
#define STORE_VALUE_MAX (STORE_TEXT_MAX + 512)
#define STORE_HOST_MAX 253	/* octets of a host name in text (RFC 1035 2.3.4) */
#define STORE_SEEN_MAX (STORE_HOST_MAX + 12)
#define STORE_USER_DOMAIN_MAX (STORE_KEY_MAX - 17)
#define STORE_SESSION_NAME 32	/* octets: a hash */
#define STORE_EVIDENCE_MAX 8192
#define STORE_SESSION_MAX (STORE_EVIDENCE_MAX + 17)

/* A policy as it was fetched. In what comes out, strings are valid during the call only. */
struct store_policy {
	const char *id;		/* of the TXT record that led to it */
	int64_t fetched;	/* seconds since the epoch */
	int64_t refresh;	/* when the next fetch is due */
	int64_t failing;	/* since when refreshes have failed; 0 */
	const char *text;	/* not NUL-terminated */
	size_t text_len;
};

/* store_encode: octets written, 0 when it does not fit. */
size_t store_encode(void *out, size_t size, const struct store_policy *p);
/* store_decode: out points into the value. */
bool store_decode(const void *value, size_t len, struct store_policy *out);

/* store_host_fits: printable ASCII without blanks, at most STORE_HOST_MAX octets; or "". */
bool store_host_fits(const char *host);

/* store_encode_seen: octets written; the host must fit. store_decode_seen: host points into the
 * value; "" in values of version 1, which had none. */
size_t store_encode_seen(unsigned char out[STORE_SEEN_MAX], int64_t last, const char *host);
bool store_decode_seen(const void *value, size_t len, int64_t *last, const char **host);

/* The key of a domain that uses an address: store_host_fits, at most STORE_USER_DOMAIN_MAX octets,
 * or "". Its value is a sight's, without a host. store_encode_user: octets written. */
size_t store_encode_user(unsigned char out[STORE_KEY_MAX], const struct in6_addr *ip,
    const char *domain);
bool store_decode_user(const void *key, size_t len, struct in6_addr *ip,
    char domain[STORE_USER_DOMAIN_MAX + 1]);

/* A TLS session, and what its server has proven. */
struct store_session {
	const uint8_t *name;	/* STORE_SESSION_NAME octets; the key, no part of the value */
	int64_t kept, end;	/* seconds since the epoch */
	const void *evidence;	/* opaque */
	size_t len;
};

/* store_encode_session: octets written, 0 when it does not fit, or cannot be: its end before its
 * keeping, no evidence, too much. store_decode_session: evidence points into the value; the name is
 * left alone. */
size_t store_encode_session(void *out, size_t size, const struct store_session *s);
bool store_decode_session(const void *value, size_t len, struct store_session *out);

#endif
