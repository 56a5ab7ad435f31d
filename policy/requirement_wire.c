/* requirement_wire.c - a requirement between processes
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fields in the order of the encoder; the decoder takes what could have been encoded and nothing
 * else. A list is an 8-bit count and its strings. */
#include "policy/requirement.h"

#include <assert.h>
#include <string.h>

/* The bools, in 16 bits. */
enum flag {
	FLAG_MONITOR = 1 << 0, FLAG_STRIPPING_REFUSE = 1 << 1, FLAG_REMEMBERED = 1 << 2,
	FLAG_MARKS_COUNT = 1 << 3, FLAG_MAPPED = 1 << 4, FLAG_MX_ALLOWED = 1 << 5,
	FLAG_RAISED = 1 << 6, FLAG_BOTH = 1 << 7, FLAG_TLSA_UNUSABLE = 1 << 8,
	FLAG_MX_SECURE = 1 << 9, FLAG_STS_MISMATCH = 1 << 10, FLAG_ALL = 2047
};

static unsigned
flags_of(const struct requirement *q)
{
	return (q->monitor ? FLAG_MONITOR : 0U) |
	    (q->stripping_refuse ? FLAG_STRIPPING_REFUSE : 0U) |
	    (q->remembered ? FLAG_REMEMBERED : 0U) | (q->marks_count ? FLAG_MARKS_COUNT : 0U) |
	    (q->mapped ? FLAG_MAPPED : 0U) | (q->mx_allowed ? FLAG_MX_ALLOWED : 0U) |
	    (q->raised ? FLAG_RAISED : 0U) | (q->both ? FLAG_BOTH : 0U) |
	    (q->tlsa_unusable ? FLAG_TLSA_UNUSABLE : 0U) | (q->mx_secure ? FLAG_MX_SECURE : 0U) |
	    (q->sts_mismatch ? FLAG_STS_MISMATCH : 0U);
}

static void
take_flags(struct requirement *q, unsigned flags)
{
	q->monitor = flags & FLAG_MONITOR;
	q->stripping_refuse = flags & FLAG_STRIPPING_REFUSE;
	q->remembered = flags & FLAG_REMEMBERED;
	q->marks_count = flags & FLAG_MARKS_COUNT;
	q->mapped = flags & FLAG_MAPPED;
	q->mx_allowed = flags & FLAG_MX_ALLOWED;
	q->raised = flags & FLAG_RAISED;
	q->both = flags & FLAG_BOTH;
	q->tlsa_unusable = flags & FLAG_TLSA_UNUSABLE;
	q->mx_secure = flags & FLAG_MX_SECURE;
	q->sts_mismatch = flags & FLAG_STS_MISMATCH;
}

static void
put_list(struct wire_writer *w, const char *const *list, size_t len, size_t max)
{
	assert(len <= max);
	wire_put8(w, (uint8_t)len);
	for (size_t i = 0; i < len; i++)
		wire_put_string(w, list[i]);
}

/* The digest comes with the records: who reads it holds proofs against it, and has not the time
 * to make it anew. */
static void
put_tlsa(struct wire_writer *w, const struct tlsa_set *s)
{
	assert(s->len <= TLSA_RECORDS_MAX);
	wire_put8(w, (uint8_t)s->len);
	if (s->len == 0)
		return;
	put_list(w, s->bases, s->bases_len, TLSA_BASES_MAX);
	for (size_t i = 0; i < s->len; i++) {
		const struct tlsa *t = &s->records[i];

		wire_put8(w, t->base);
		wire_put8(w, t->usage);
		wire_put8(w, t->selector);
		wire_put8(w, t->matching);
		wire_put16(w, t->len);
		wire_put_bytes(w, t->data, t->len);
	}
	wire_put_bytes(w, s->digest, sizeof(s->digest));
}

void
requirement_put(struct wire_writer *w, const struct requirement *q)
{
	wire_put8(w, (uint8_t)q->state);
	wire_put8(w, (uint8_t)q->defer_code);
	wire_put8(w, (uint8_t)q->level);
	wire_put8(w, (uint8_t)q->floor);
	wire_put8(w, (uint8_t)q->policy_type);
	wire_put8(w, (uint8_t)q->source);
	wire_put8(w, (uint8_t)q->sts_mode);
	wire_put16(w, (uint16_t)flags_of(q));
	wire_put32(w, q->age_s);
	wire_put_string(w, q->policy_domain);
	wire_put_string(w, q->policy_id);
	wire_put_string(w, q->mx_host);
	wire_put_string(w, q->sni);
	wire_put_string(w, q->secure_domain);
	wire_put_string(w, q->reason);
	put_list(w, q->hosts, q->hosts_len, REQUIREMENT_HOSTS_MAX);
	put_list(w, q->names, q->names_len, REQUIREMENT_NAMES_MAX);
	put_list(w, q->answers, q->answers_len, REQUIREMENT_ANSWERS_MAX);
	put_tlsa(w, &q->tlsa);
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

static size_t
get_list(struct wire_reader *r, const char **list, unsigned max)
{
	size_t len = get_enum(r, max);

	for (size_t i = 0; i < len; i++)
		list[i] = wire_get_string(r);
	return len;
}

/* What SMTP uses (tlsa_usable), of a base that there is. */
static void
get_record(struct wire_reader *r, struct tlsa *t, size_t bases_len, size_t *octets)
{
	t->base = (uint8_t)get_enum(r, (unsigned)bases_len - 1);
	t->usage = (uint8_t)get_enum(r, TLSA_DANE_EE);
	t->selector = (uint8_t)get_enum(r, TLSA_SPKI);
	t->matching = (uint8_t)get_enum(r, TLSA_SHA512);
	t->len = wire_get16(r);
	*octets += t->len;
	if (t->usage < TLSA_DANE_TA || t->len == 0 || *octets > TLSA_OCTETS_MAX ||
	    t->len > (size_t)(r->end - r->p))
		r->bad = true;
	if (r->bad) {
		t->len = 0;
		return;
	}
	t->data = r->p;
	r->p += t->len;
}

/* A set without records has nothing else; one with records never has the digest of none. */
static void
get_tlsa(struct wire_reader *r, struct tlsa_set *s, const char **bases, struct tlsa *records)
{
	static const uint8_t none[TLSA_DIGEST];
	size_t octets = 0;

	s->bases = bases;
	s->records = records;
	s->len = get_enum(r, TLSA_RECORDS_MAX);
	if (s->len == 0)
		return;
	s->bases_len = get_list(r, bases, TLSA_BASES_MAX);
	if (s->bases_len == 0)
		r->bad = true;
	for (size_t i = 0; i < s->len && !r->bad; i++)
		get_record(r, &records[i], s->bases_len, &octets);
	wire_get_bytes(r, s->digest, sizeof(s->digest));
	if (memcmp(s->digest, none, sizeof(none)) == 0)
		r->bad = true;
}

static size_t
octets_of(const char *const *list, size_t len)
{
	size_t octets = 0;

	for (size_t i = 0; i < len; i++)
		octets += strlen(list[i]);
	return octets;
}

struct requirement *
requirement_get(struct wire_reader *r)
{
	const char *hosts[REQUIREMENT_HOSTS_MAX], *names[REQUIREMENT_NAMES_MAX];
	const char *answers[REQUIREMENT_ANSWERS_MAX], *bases[TLSA_BASES_MAX];
	struct tlsa records[TLSA_RECORDS_MAX];
	struct requirement q = { .hosts = hosts, .names = names, .answers = answers };
	unsigned flags;

	q.state = (enum requirement_state)get_enum(r, REQUIREMENT_DEFER);
	q.defer_code = (enum requirement_defer)get_enum(r, DEFER_UNMAPPED);
	q.level = (enum level)get_enum(r, LEVEL_FINGERPRINT);
	q.floor = (enum level)get_enum(r, LEVEL_VERIFY);
	q.policy_type = (enum policy_type)get_enum(r, POLICY_LOCAL);
	q.source = (enum policy_source)get_enum(r, SOURCE_MEMORY);
	q.sts_mode = (enum sts_mode)get_enum(r, STS_NONE);
	flags = wire_get16(r);
	if (flags > FLAG_ALL)
		r->bad = true;
	take_flags(&q, flags);
	q.age_s = wire_get32(r);
	q.policy_domain = wire_get_string(r);
	q.policy_id = wire_get_string(r);
	q.mx_host = wire_get_string(r);
	q.sni = wire_get_string(r);
	q.secure_domain = wire_get_string(r);
	q.reason = wire_get_string(r);
	q.hosts_len = get_list(r, hosts, REQUIREMENT_HOSTS_MAX);
	q.names_len = get_list(r, names, REQUIREMENT_NAMES_MAX);
	q.answers_len = get_list(r, answers, REQUIREMENT_ANSWERS_MAX);
	if (octets_of(q.answers, q.answers_len) > REQUIREMENT_ANSWERS_OCTETS)
		r->bad = true;
	get_tlsa(r, &q.tlsa, bases, records);
	return r->bad ? NULL : requirement_copy(&q);
}
