/* store_value.c - the form of what the store keeps
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_value.h"

#include <assert.h>
#include <string.h>

#include "daemon/wire.h"

#define POLICY_VERSION 1
#define SEEN_VERSION 2
#define SEEN_NAMELESS 1		/* the version before hosts had a name */
#define SESSION_VERSION 1
#define KIND_USER 'u'		/* a key of another kind may stand beside it one day */

size_t
store_encode(void *out, size_t size, const struct store_policy *p)
{
	struct wire_writer w;

	wire_write(&w, out, size);
	wire_put8(&w, POLICY_VERSION);
	wire_put64(&w, (uint64_t)p->fetched);
	wire_put64(&w, (uint64_t)p->refresh);
	wire_put64(&w, (uint64_t)p->failing);
	wire_put_string(&w, p->id);
	wire_put_bytes(&w, p->text, p->text_len);
	return wire_written(&w);
}

bool
store_decode(const void *value, size_t len, struct store_policy *out)
{
	struct wire_reader r;

	wire_read(&r, value, len);
	if (wire_get8(&r) != POLICY_VERSION)
		return false;
	out->fetched = (int64_t)wire_get64(&r);
	out->refresh = (int64_t)wire_get64(&r);
	out->failing = (int64_t)wire_get64(&r);
	out->id = wire_get_string(&r);
	if (r.bad)
		return false;
	out->text = (const char *)r.p;
	out->text_len = (size_t)(r.end - r.p);
	return out->text_len <= STORE_TEXT_MAX && out->fetched > 0;
}

bool
store_host_fits(const char *host)
{
	size_t n = 0;

	for (; host[n] != '\0'; n++)
		if (n >= STORE_HOST_MAX || host[n] <= 0x20 || host[n] >= 0x7f)
			return false;
	return true;
}

size_t
store_encode_seen(unsigned char out[STORE_SEEN_MAX], int64_t last, const char *host)
{
	struct wire_writer w;

	assert(store_host_fits(host));
	wire_write(&w, out, STORE_SEEN_MAX);
	wire_put8(&w, SEEN_VERSION);
	wire_put64(&w, (uint64_t)last);
	wire_put_string(&w, host);
	return wire_written(&w);
}

bool
store_decode_seen(const void *value, size_t len, int64_t *last, const char **host)
{
	struct wire_reader r;
	uint8_t version;

	wire_read(&r, value, len);
	version = wire_get8(&r);
	if (version != SEEN_VERSION && version != SEEN_NAMELESS)
		return false;
	*last = (int64_t)wire_get64(&r);
	*host = version == SEEN_VERSION ? wire_get_string(&r) : "";
	return wire_read_done(&r) && *last > 0 && store_host_fits(*host);
}

size_t
store_encode_user(unsigned char out[STORE_KEY_MAX], const struct in6_addr *ip, const char *domain)
{
	struct wire_writer w;

	assert(store_host_fits(domain));
	wire_write(&w, out, STORE_KEY_MAX);
	wire_put8(&w, KIND_USER);
	wire_put_bytes(&w, ip->s6_addr, sizeof(ip->s6_addr));
	wire_put_bytes(&w, domain, strlen(domain));
	assert(!w.bad);
	return wire_written(&w);
}

bool
store_decode_user(const void *key, size_t len, struct in6_addr *ip,
    char domain[STORE_USER_DOMAIN_MAX + 1])
{
	struct wire_reader r;
	size_t left;

	wire_read(&r, key, len);
	if (wire_get8(&r) != KIND_USER)
		return false;
	wire_get_bytes(&r, ip->s6_addr, sizeof(ip->s6_addr));
	left = (size_t)(r.end - r.p);
	if (r.bad || left > STORE_USER_DOMAIN_MAX)
		return false;
	wire_get_bytes(&r, domain, left);
	domain[left] = '\0';
	/* Of a damaged page anything may come. */
	return strlen(domain) == left && store_host_fits(domain);
}

static bool
session_stands(const struct store_session *s)
{
	return s->kept > 0 && s->end > s->kept && s->len > 0 && s->len <= STORE_EVIDENCE_MAX;
}

size_t
store_encode_session(void *out, size_t size, const struct store_session *s)
{
	struct wire_writer w;

	if (!session_stands(s))
		return 0;
	wire_write(&w, out, size);
	wire_put8(&w, SESSION_VERSION);
	wire_put64(&w, (uint64_t)s->kept);
	wire_put64(&w, (uint64_t)s->end);
	wire_put_bytes(&w, s->evidence, s->len);
	return wire_written(&w);
}

bool
store_decode_session(const void *value, size_t len, struct store_session *out)
{
	struct wire_reader r;

	wire_read(&r, value, len);
	if (wire_get8(&r) != SESSION_VERSION)
		return false;
	out->kept = (int64_t)wire_get64(&r);
	out->end = (int64_t)wire_get64(&r);
	out->evidence = r.p;
	out->len = (size_t)(r.end - r.p);
	return !r.bad && session_stands(out);
}
