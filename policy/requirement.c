/* requirement.c - the requirement's names and its copy
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/requirement.h"

#include <stdlib.h>
#include <string.h>

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

/* Copies a list of strings to *table and *pool, which move on. */
static const char *const *
keep_list(const char ***table, char **pool, const char *const *list, size_t len)
{
	const char **to = *table;

	for (size_t i = 0; i < len; i++)
		to[i] = keep(pool, list[i]);
	*table += len;
	return to;
}

static size_t
list_size(const char *const *list, size_t len)
{
	size_t size = len * sizeof(*list);

	for (size_t i = 0; i < len; i++)
		size += string_size(list[i]);
	return size;
}

static void
keep_records(struct tlsa *to, char **pool, const struct tlsa_set *s)
{
	for (size_t i = 0; i < s->len; i++) {
		to[i] = s->records[i];
		to[i].data = memcpy(*pool, s->records[i].data, s->records[i].len);
		*pool += s->records[i].len;
	}
}

static size_t
block_size(const struct requirement *q)
{
	size_t size = sizeof(*q) + q->tlsa.len * sizeof(*q->tlsa.records);

	size += string_size(q->policy_domain) + string_size(q->policy_id) +
	    string_size(q->mx_host) + string_size(q->sni) + string_size(q->secure_domain) +
	    string_size(q->reason);
	size += list_size(q->hosts, q->hosts_len) + list_size(q->names, q->names_len) +
	    list_size(q->answers, q->answers_len) + list_size(q->tlsa.bases, q->tlsa.bases_len);
	for (size_t i = 0; i < q->tlsa.len; i++)
		size += q->tlsa.records[i].len;
	return size;
}

/* The block: the requirement, the records, the tables of strings, then octets of any kind. */
struct requirement *
requirement_copy(const struct requirement *q)
{
	struct requirement *copy = malloc(block_size(q));
	struct tlsa *records;
	const char **table;
	char *pool;

	if (copy == NULL)
		return NULL;
	*copy = *q;
	records = (struct tlsa *)(copy + 1);
	table = (const char **)(records + q->tlsa.len);
	pool = (char *)(table + q->hosts_len + q->names_len + q->answers_len + q->tlsa.bases_len);
	keep_records(records, &pool, &q->tlsa);
	copy->tlsa.records = records;
	copy->hosts = keep_list(&table, &pool, q->hosts, q->hosts_len);
	copy->names = keep_list(&table, &pool, q->names, q->names_len);
	copy->answers = keep_list(&table, &pool, q->answers, q->answers_len);
	copy->tlsa.bases = keep_list(&table, &pool, q->tlsa.bases, q->tlsa.bases_len);
	copy->policy_domain = keep(&pool, q->policy_domain);
	copy->policy_id = keep(&pool, q->policy_id);
	copy->mx_host = keep(&pool, q->mx_host);
	copy->sni = keep(&pool, q->sni);
	copy->secure_domain = keep(&pool, q->secure_domain);
	copy->reason = keep(&pool, q->reason);
	return copy;
}
