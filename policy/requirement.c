/* requirement.c - the requirement's names, its copy and its wire form
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/requirement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The bools of the wire form, in one octet. */
enum flag {
	FLAG_MONITOR = 1 << 0, FLAG_STRIPPING_REFUSE = 1 << 1, FLAG_REMEMBERED = 1 << 2,
	FLAG_MARKS_COUNT = 1 << 3, FLAG_MAPPED = 1 << 4, FLAG_MX_ALLOWED = 1 << 5,
	FLAG_RAISED = 1 << 6, FLAG_ALL = 127
};

const char *
policy_type_name(enum policy_type t)
{
	switch (t) {
	case POLICY_NONE_FOUND:
		return "no-policy-found";
	case POLICY_STS:
		return "sts";
	case POLICY_TLSA:
		return "tlsa";
	case POLICY_LOCAL:
		return "local";
	}
	return "";
}

const char *
policy_source_name(enum policy_source s)
{
	switch (s) {
	case SOURCE_NONE:
		return "none";
	case SOURCE_CACHE:
		return "cache";
	case SOURCE_FETCHED:
		return "fetched";
	case SOURCE_RULE:
		return "rule";
	case SOURCE_RELAY:
		return "relay";
	case SOURCE_MEMORY:
		return "memory";
	}
	return "";
}

const char *
sts_mode_name(enum sts_mode m)
{
	switch (m) {
	case STS_ENFORCE:
		return "enforce";
	case STS_TESTING:
		return "testing";
	case STS_NONE:
		return "none";
	}
	return "";
}

static size_t
string_size(const char *s)
{
	return s == NULL ? 1 : strlen(s) + 1;
}

/* Copies s (NULL is "") to *pool and moves the pool on. */
static const char *
keep(char **pool, const char *s)
{
	size_t size = string_size(s);
	char *to = *pool;

	memcpy(to, s == NULL ? "" : s, size);
	*pool += size;
	return to;
}

struct requirement *
requirement_copy(const struct requirement *q)
{
	size_t table = q->hosts_len * sizeof *q->hosts;
	size_t size = sizeof *q + table;
	struct requirement *copy;
	const char **hosts;
	char *pool;

	size += string_size(q->policy_domain) + string_size(q->policy_id) +
	    string_size(q->mx_host) + string_size(q->sni) + string_size(q->secure_domain) +
	    string_size(q->reason);
	for (size_t i = 0; i < q->hosts_len; i++)
		size += string_size(q->hosts[i]);
	copy = malloc(size);
	if (copy == NULL)
		return NULL;
	*copy = *q;
	hosts = (const char **)(copy + 1);
	pool = (char *)(copy + 1) + table;
	copy->policy_domain = keep(&pool, q->policy_domain);
	copy->policy_id = keep(&pool, q->policy_id);
	copy->mx_host = keep(&pool, q->mx_host);
	copy->sni = keep(&pool, q->sni);
	copy->secure_domain = keep(&pool, q->secure_domain);
	copy->reason = keep(&pool, q->reason);
	for (size_t i = 0; i < q->hosts_len; i++)
		hosts[i] = keep(&pool, q->hosts[i]);
	copy->hosts = hosts;
	return copy;
}

void
requirement_put(struct wire_writer *w, const struct requirement *q)
{
	assert(q->hosts_len <= REQUIREMENT_HOSTS_MAX);
	wire_put8(w, (uint8_t)q->state);
	wire_put8(w, (uint8_t)q->defer_code);
	wire_put8(w, (uint8_t)q->level);
	wire_put8(w, (uint8_t)q->floor);
	wire_put8(w, (uint8_t)q->policy_type);
	wire_put8(w, (uint8_t)q->source);
	wire_put8(w, (uint8_t)q->sts_mode);
	wire_put8(w, (uint8_t)((q->monitor ? FLAG_MONITOR : 0) |
	    (q->stripping_refuse ? FLAG_STRIPPING_REFUSE : 0) |
	    (q->remembered ? FLAG_REMEMBERED : 0) | (q->marks_count ? FLAG_MARKS_COUNT : 0) |
	    (q->mapped ? FLAG_MAPPED : 0) | (q->mx_allowed ? FLAG_MX_ALLOWED : 0) |
	    (q->raised ? FLAG_RAISED : 0)));
	wire_put32(w, q->age_s);
	wire_put_string(w, q->policy_domain);
	wire_put_string(w, q->policy_id);
	wire_put_string(w, q->mx_host);
	wire_put_string(w, q->sni);
	wire_put_string(w, q->secure_domain);
	wire_put_string(w, q->reason);
	wire_put8(w, (uint8_t)q->hosts_len);
	for (size_t i = 0; i < q->hosts_len; i++)
		wire_put_string(w, q->hosts[i]);
}

/* One octet of a closed set whose greatest value is max. */
static unsigned
get_enum(struct wire_reader *r, unsigned max)
{
	unsigned v = wire_get8(r);

	if (v <= max)
		return v;
	r->bad = true;
	return 0;
}

struct requirement *
requirement_get(struct wire_reader *r)
{
	const char *hosts[REQUIREMENT_HOSTS_MAX];
	struct requirement q = { .hosts = hosts };
	unsigned flags;

	q.state = (enum requirement_state)get_enum(r, REQUIREMENT_DEFER);
	q.defer_code = (enum requirement_defer)get_enum(r, DEFER_UNMAPPED);
	q.level = (enum level)get_enum(r, LEVEL_SECURE);
	q.floor = (enum level)get_enum(r, LEVEL_VERIFY);
	q.policy_type = (enum policy_type)get_enum(r, POLICY_LOCAL);
	q.source = (enum policy_source)get_enum(r, SOURCE_MEMORY);
	q.sts_mode = (enum sts_mode)get_enum(r, STS_NONE);
	flags = get_enum(r, FLAG_ALL);
	q.monitor = flags & FLAG_MONITOR;
	q.stripping_refuse = flags & FLAG_STRIPPING_REFUSE;
	q.remembered = flags & FLAG_REMEMBERED;
	q.marks_count = flags & FLAG_MARKS_COUNT;
	q.mapped = flags & FLAG_MAPPED;
	q.mx_allowed = flags & FLAG_MX_ALLOWED;
	q.raised = flags & FLAG_RAISED;
	q.age_s = wire_get32(r);
	q.policy_domain = wire_get_string(r);
	q.policy_id = wire_get_string(r);
	q.mx_host = wire_get_string(r);
	q.sni = wire_get_string(r);
	q.secure_domain = wire_get_string(r);
	q.reason = wire_get_string(r);
	q.hosts_len = get_enum(r, REQUIREMENT_HOSTS_MAX);
	for (size_t i = 0; i < q.hosts_len; i++)
		hosts[i] = wire_get_string(r);
	return r->bad ? NULL : requirement_copy(&q);
}
